"""2D rig of the portrait: rig.npz."""
