"""Where rendered plates are kept between runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..arrays import Array


def plate_file(work: Path, persona: str, resolution: int, name: str) -> Path:
    """The file of a plate: linear RGBA float16 [R,R,4]."""
    return work / f"{persona}_{resolution}_{name}.npy"


def load_plate(work: Path, persona: str, resolution: int, name: str) -> Array | None:
    """A rendered plate as float32 [R,R,4], or None when it has not been rendered."""
    file = plate_file(work, persona, resolution, name)
    return np.load(file).astype(np.float32) if file.is_file() else None
