"""Wire code of contracts that others defined, generated from proto/flashback/compat/."""
