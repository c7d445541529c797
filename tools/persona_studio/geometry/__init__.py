"""Mesh and noise toolbox."""
