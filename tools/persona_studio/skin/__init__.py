"""Procedural skin: atlas coordinates and painted maps. No photographs are used."""
