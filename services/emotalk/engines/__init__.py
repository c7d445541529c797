"""Engines: entry point group `flashback.emotalk.engines`."""
