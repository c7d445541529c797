"""Readers of documents, one module a kind: bytes of a file -> blocks that carry their place."""
