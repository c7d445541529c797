"""Blender (bpy) scene and Cycles render of a posed persona. Only these modules need bpy."""
