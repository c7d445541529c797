"""Microphone in; voice activity and words out."""
