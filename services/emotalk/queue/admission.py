"""When a recording is turned away, and what its sender is told. Pure."""

from __future__ import annotations

import math

from flashback.errors import Full

BUSY = "Server is busy, queue is full"
"""What the text begins with: clients of the existing service look for it."""

UNMEASURED_S = 10
LONGEST_HINT_S = 600
LATEST_WEIGHT = 0.2
"""Of the latest recording in the mean service time."""


def full(ahead: int, mean_service_s: float | None, workers: int) -> Full:
    """The refusal when `ahead` recordings are not finished yet. mean_service_s: None before the first is done."""
    wait_s = retry_after_s(mean_service_s, workers)
    return Full(f"{BUSY}: {ahead} recordings are ahead of yours. Try again in {wait_s} s.", wait_s)


def retry_after_s(mean_service_s: float | None, workers: int) -> int:
    """Seconds until a place is likely to be free: one of the workers takes the next recording. 1 to LONGEST_HINT_S."""
    if mean_service_s is None:
        return UNMEASURED_S
    return min(LONGEST_HINT_S, max(1, math.ceil(mean_service_s / max(1, workers))))


def mean_with(mean_s: float | None, latest_s: float) -> float:
    """An exponentially weighted mean that follows the load of the last few recordings."""
    return latest_s if mean_s is None else mean_s + LATEST_WEIGHT * (latest_s - mean_s)
