"""When sound and lips begin and end, from what the page's probe recorded. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

AUDIBLE_RMS = 0.004


def sound_onset(audio: Sequence[tuple[float, float]], since: float) -> float | None:
    """Time (ms) of the first audible block at or after `since`."""
    return next((t for t, rms in audio if t >= since and rms >= AUDIBLE_RMS), None)


def sound_end(audio: Sequence[tuple[float, float]], since: float, hold_ms: float = 300.0) -> float | None:
    """End (ms) of the last audible block before the first silence of `hold_ms`, at or after `since`."""
    last = since
    for t, rms in audio:
        if t < since:
            continue
        if rms >= AUDIBLE_RMS:
            last = t + 256 / 48
        elif t - last >= hold_ms:
            return last
    return None


class Lips:
    """Whether a mouth moves by itself, beyond what the head's motion does to its part of the picture.

    The nose moves with the head alone; how much more the mouth's region changes than the nose's while nobody speaks
    is the measure of rest.
    """

    def __init__(self, resting: Sequence[dict[str, Any]]) -> None:
        """`resting`: the probe's frame entries of at least a second of silence."""
        self._excess = max((self._own_motion(f) for f in resting), default=0.0)
        self._dark = max((f["dark"] for f in resting), default=0.0)

    @staticmethod
    def _own_motion(frame: dict[str, Any]) -> float:
        return float(frame["motion"] - 1.1 * frame["head"])

    def moving(self, frame: dict[str, Any]) -> bool:
        """The mouth moves more, or is further open, than it ever was at rest (0.4 of 255 more: the coder's noise)."""
        return bool(self._own_motion(frame) > max(0.0, self._excess) + 0.4 or frame["dark"] > self._dark + 0.01)

    def onset(self, frames: Sequence[dict[str, Any]], since: float) -> float | None:
        """When (ms) the first moving frame at or after `since` was put on the screen."""
        return next((f["expected"] for f in frames if f["t"] >= since and self.moving(f)), None)

    def rest(self, frames: Sequence[dict[str, Any]], since: float, hold_ms: float = 300.0) -> float | None:
        """When (ms) the last moving frame was replaced, before `hold_ms` of rest, at or after `since`."""
        last = since
        for f in frames:
            if f["t"] < since:
                continue
            if self.moving(f):
                last = f["expected"] + 40.0
            elif f["expected"] - last >= hold_ms:
                return last
        return None
