"""Builds a synthetic persona from CC0 geometry: portrait plates, 2D rig and GLB head. See README.md."""
