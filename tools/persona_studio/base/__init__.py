"""The CC0 base mesh, its shape targets and its face units."""
