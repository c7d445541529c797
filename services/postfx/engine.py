"""What a grading engine offers. Engines are blocking; the server runs them in worker threads."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.postfx.lut import Lut

Pixels = NDArray[np.uint8]


class Grader(Protocol):
    """One look, ready to be applied; may be used from several threads at once."""

    def still(self, pixels: Pixels) -> Pixels:
        """RGB or RGBA uint8 (h, w, 3 or 4), sRGB, straight alpha -> the same shape, graded; alpha stays."""
        ...

    def frame(self, i420: Pixels, width: int, height: int) -> Pixels:
        """I420, flat uint8 (width * height * 3 // 2), BT.601 limited range, even sizes -> graded, a new array."""
        ...


class GradeEngine(Protocol):
    """Makes graders."""

    name: str

    def grader(self, lut: Lut, intensity: float) -> Grader:
        """Prepares a look. intensity: 0..1."""
        ...
