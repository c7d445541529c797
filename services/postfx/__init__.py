"""Colour look and the "AI-generated" badge, for live frames and for still plates."""
