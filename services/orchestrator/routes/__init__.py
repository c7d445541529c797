"""HTTP routes, one subject a file."""
