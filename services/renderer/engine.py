"""What an engine is: something that turns a persona into a face, and poses of that face into pictures.

`Engine` and `Face` are shared by all sessions and do not change once made; a `Canvas` belongs to one session and is
used by one thread at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from flashback.personas import Persona

REACH = 0.016
"""The head stays within this of its place: fraction of the picture's width, and radians."""


class Sway(NamedTuple):
    """Where the head is: shift right and down as fractions of the picture's width, roll in radians, clockwise."""

    x: float = 0.0
    y: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True, slots=True)
class Pose:
    """One frame's worth of performance. Engines draw from the weights, or from the audio, or from both.

    weights: float32[52], order of flashback.media.blendshapes.ARKIT_52, 0..1; audio: int16[n], 24 kHz, what plays
    while the picture is shown; breath: rise of the shoulders as a fraction of the picture's width.
    """

    frame: int
    start_sample: int
    weights: NDArray[np.float32]
    sway: Sway
    breath: float
    audio: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """`grades_in_place`: pictures leave with colour look and badge."""

    name: str
    width: int
    height: int
    fps: int
    grades_in_place: bool


class Canvas(Protocol):
    """Draws one session's pictures."""

    def draw(self, pose: Pose, stamp: int | None) -> bytes | bytearray | memoryview:
        """Returns I420 (BT.601 limited range), width * height * 3 / 2 bytes, valid until the next call.

        stamp: a frame number to write into the picture (services.renderer.stamp), or None. Releases the GIL while it
        works, if it can: several canvases draw at once in a thread pool.
        """

    def sound(self, pose: Pose) -> NDArray[np.int16]:
        """The audio that leaves with the picture, int16, as long as pose.audio; nearly always pose.audio itself."""


class Face(Protocol):
    """One persona, loaded."""

    def canvas(self) -> Canvas:
        """A canvas for one more session."""


class Engine(Protocol):
    """Made by the `create(settings)` of an entry point in group `flashback.renderer.engines`."""

    info: EngineInfo

    def load(self, persona: Persona) -> Face:
        """Reads a persona's files; blocks, so it is called off the event loop.

        Raises Broken when the persona's folder is incomplete or damaged, Unavailable when a service it needs does not
        answer (worth another try).
        """
