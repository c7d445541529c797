"""Sentence -> speech, mouth shapes and word times."""
