"""Picture plates: what is rendered, and how it is developed and composited."""
