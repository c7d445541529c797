"""Answerers, one module each."""
