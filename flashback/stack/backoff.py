"""How long to wait before a dead process is started again. Pure: time comes in as an argument."""

from __future__ import annotations

from dataclasses import dataclass

DELAYS_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
SETTLED_S = 30.0


@dataclass
class Backoff:
    """Delays grow with each death and start over after a life of SETTLED_S seconds."""

    deaths: int = 0

    def delay_s(self, lived_s: float) -> float:
        """Seconds to wait after a process that lived `lived_s` seconds has died."""
        if lived_s >= SETTLED_S:
            self.deaths = 0
        delay = DELAYS_S[min(self.deaths, len(DELAYS_S) - 1)]
        self.deaths += 1
        return delay
