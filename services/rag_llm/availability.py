"""Whether a server is worth asking now. Pure: the clock is handed in.

One failure may be chance, so the next turn asks again. After the second in a row turns pass it by for a while, longer
each time, so that a conversation does not wait for a dead server at every question; the first turn after that tries.
"""

from __future__ import annotations

from collections.abc import Callable

PAUSES_S = (0.0, 2.0, 5.0, 15.0, 30.0)
LONGEST_S = 60.0
"""However long a server asks to be left alone, it is asked again after this."""


class Availability:
    """One server's record. clock: seconds, never backwards."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._closed_until = float("-inf")

    @property
    def open(self) -> bool:
        """Whether to ask."""
        return self._clock() >= self._closed_until

    def failed(self, retry_after_s: float | None = None) -> None:
        """It did not answer; `retry_after_s` is what it said itself, if anything."""
        pause = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        self._closed_until = self._clock() + min(max(pause, retry_after_s or 0.0), LONGEST_S)

    def succeeded(self) -> bool:
        """It answered. True when it had failed before."""
        recovered = self._failures > 0
        self._failures = 0
        self._closed_until = float("-inf")
        return recovered
