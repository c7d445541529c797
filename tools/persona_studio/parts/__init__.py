"""Own procedural geometry around the head: eyes, teeth, lashes, brows, hair, shirt."""
