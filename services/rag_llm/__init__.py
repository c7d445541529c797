"""Ingest, retrieve, ground, answer."""
