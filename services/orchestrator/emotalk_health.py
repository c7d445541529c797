"""How the EmoTalk service is, for /health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from flashback.clients import AsyncEmoTalk
from flashback.errors import FlashbackError

CHECK_S = 2.0
REMEMBER_S = 30.0


@dataclass(frozen=True, slots=True)
class EmoTalkState:
    """status: SERVING, NOT_SERVING, UNKNOWN or "unreachable". device: "cpu", "cuda", or None when it cannot be told.

    gpu: the accelerator's name, None without one.
    """

    status: str
    device: str | None
    gpu: str | None


class EmoTalkHealth:
    """Asks for the status each time, and for the device when it was last told over REMEMBER_S seconds ago."""

    def __init__(self, emotalk: AsyncEmoTalk, clock: Callable[[], float]) -> None:
        self._emotalk = emotalk
        self._clock = clock
        self._device: str | None = None
        self._until = 0.0

    async def state(self) -> EmoTalkState:
        """Within about CHECK_S seconds; never fails."""
        status, device = await asyncio.gather(self._emotalk.status(CHECK_S), self._known_device())
        if not device or device == "cpu":
            return EmoTalkState(status, device or None, None)
        return EmoTalkState(status, "cuda", device)

    async def _known_device(self) -> str | None:
        if self._device is None or self._clock() >= self._until:
            try:
                described = await self._emotalk.describe(CHECK_S)
            except FlashbackError:
                self._device = None
            else:
                self._device, self._until = described["device"], self._clock() + REMEMBER_S
        return self._device
