"""Which module computes a model's cases."""

from __future__ import annotations

MODELS = {"emotalk": "tests.parity.emotalk.cases"}
"""Model by name: a module with `compute(folder: Folder) -> Iterator[tuple[str, ndarray]]`."""
