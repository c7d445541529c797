"""Media types and the sample clock."""
