"""A recording's blendshapes as files for other programs: JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from flashback.clients import Frame
from flashback.errors import FlashbackError
from flashback.media.blendshapes import LAYOUTS

GIVEN = "arkit-52-alphabetical"
"""The layout that recordings come in."""


@dataclass(frozen=True)
class FaceTrack:
    """timecodes: float64[n], seconds, rising. weights: float32[n, 52] in the order that `layout` names, not clipped."""

    timecodes: NDArray[np.float64]
    weights: NDArray[np.float32]
    layout: str = GIVEN
    fps: int = 30

    @classmethod
    def of(cls, frames: Iterable[Frame]) -> Self:
        """The frames of all chunks, in order. A frame that is not later than the one before it is left out: services
        that do not join their chunks send the overlap twice. Raises FlashbackError when none is left.
        """
        timecodes: list[float] = []
        rows: list[list[float]] = []
        for frame in frames:
            if not timecodes or frame["timecode"] > timecodes[-1]:
                timecodes.append(frame["timecode"])
                rows.append(frame["blendshapes"])
        if not rows:
            raise FlashbackError("The EmoTalk service sent no frames.")
        return cls(np.array(timecodes), np.array(rows, np.float32))

    @property
    def channels(self) -> tuple[str, ...]:
        return LAYOUTS[self.layout]

    def in_layout(self, layout: str) -> FaceTrack:
        """The same with its columns in another order; `layout` is a key of LAYOUTS."""
        places = [self.channels.index(name) for name in LAYOUTS[layout]]
        return FaceTrack(self.timecodes, self.weights[:, places], layout, self.fps)


def to_json(track: FaceTrack) -> bytes:
    """{fps, layout, channels, frames: [{timecode, blendshapes, frame_number}]}, a frame a line, 6 decimals."""
    head = {"fps": track.fps, "layout": track.layout, "channels": track.channels}
    rows = (
        json.dumps({"timecode": timecode, "blendshapes": row, "frame_number": number}, separators=(",", ":"))
        for number, (timecode, row) in enumerate(_rounded(track))
    )
    return (json.dumps(head)[:-1] + ', "frames": [\n' + ",\n".join(rows) + "\n]}\n").encode()


def to_csv(track: FaceTrack) -> bytes:
    """A line of names (timecode and the 52), then a line a frame, 6 decimals."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("timecode", *track.channels))
    writer.writerows((timecode, *row) for timecode, row in _rounded(track))
    return out.getvalue().encode()


def _rounded(track: FaceTrack) -> Iterable[tuple[float, list[float]]]:
    weights = np.round(track.weights.astype(np.float64), 6).tolist()
    return zip(np.round(track.timecodes, 6).tolist(), weights, strict=True)
