"""Wire code, generated from proto/ when the package is built (`python hatch_build.py`)."""
