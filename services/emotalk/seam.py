"""Predictions of overlapping pieces -> one sequence of frames, 30 a second, without a visible seam. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.emotalk.chunks import Piece
from services.emotalk.engine import CHANNELS, FPS, RATE, Weights, frame_count

SHORTEST_FADE = 4 * RATE // FPS
"""A fade takes four frames at least, also where pieces overlap by less."""


class Seam:
    """Pieces in, in order; frames out, each once: frame k shows the moment k / 30 s of the recording.

    In an overlap the former prediction fades into the latter along half a cosine. Where the overlap is over before the
    fade is, what they differ by at the former's end fades out of the latter. A piece that starts between two frames is
    interpolated linearly.
    """

    def __init__(self) -> None:
        self._next = 0
        self._former: tuple[Piece, Weights] | None = None

    def add(self, piece: Piece, rows: Weights) -> Weights:
        """rows: float32[frame_count(stop - start), 52]. Returns float32[m, 52], the frames that follow those before.

        Frames are settled up to the start of the following piece; the last piece settles all frame_count(stop).
        """
        end = frame_count(piece.stop) if piece.following is None else _first_frame(piece.following)
        moments = np.arange(self._next, max(end, self._next)) * RATE
        self._next += len(moments)
        settled = _at(moments, piece, rows)
        if self._former is not None:
            former, former_rows = self._former
            share = _share(moments, piece.start, max(former.stop - piece.start, SHORTEST_FADE))
            fading = len(share)
            fading_out = _continued(moments[:fading], former, former_rows, piece, rows)
            settled[:fading] = (1 - share) * fading_out + share * settled[:fading]
        self._former = (piece, rows)
        return settled


def _first_frame(sample: int) -> int:
    """The first frame at or after a sample."""
    return -(-sample * FPS // RATE)


def _at(moments: NDArray[np.int64], piece: Piece, rows: Weights) -> Weights:
    """A piece's prediction at moments, which are samples * FPS to be whole numbers; beyond its ends the row there."""
    place = moments - piece.start * FPS
    low = np.clip(place // RATE, 0, len(rows) - 1)
    high = np.clip(low + 1, 0, len(rows) - 1)
    part = (np.clip(place, 0, None) % RATE / RATE).astype(np.float32)[:, None]
    return (1 - part) * rows[low] + part * rows[high] if len(moments) else np.zeros((0, CHANNELS), np.float32)


def _continued(moments: NDArray[np.int64], former: Piece, former_rows: Weights, piece: Piece, rows: Weights) -> Weights:
    """The former prediction, and after its last row the latter as far off as it is there."""
    end = np.array([former.start * FPS + (len(former_rows) - 1) * RATE])
    apart = former_rows[-1] - _at(end, piece, rows)
    there = (moments <= end)[:, None]
    return np.where(there, _at(moments, former, former_rows), _at(moments, piece, rows) + apart)


def _share(moments: NDArray[np.int64], start: int, length: int) -> NDArray[np.float32]:
    """float32[m, 1]: the latter's share of the first m moments, 0 a frame before `start`; of the others it has all."""
    through = (moments / FPS - start + RATE / FPS) / (length + RATE / FPS)
    through = np.clip(through[through < 1], 0, 1)
    share: NDArray[np.float32] = (0.5 - 0.5 * np.cos(np.pi * through)).astype(np.float32)
    return share[:, None]
