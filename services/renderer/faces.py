"""Personas loaded once and shared: each is read at most once at a time, and again only if that failed."""

from __future__ import annotations

import asyncio
import logging

from flashback import personas
from flashback.settings import HouseSettings
from services.renderer.engine import Engine, Face

log = logging.getLogger(__name__)


class Faces:
    """The faces one engine has loaded."""

    def __init__(self, engine: Engine, house: HouseSettings) -> None:
        self._engine = engine
        self._house = house
        self._loading: dict[str, asyncio.Task[Face]] = {}

    async def get(self, persona_id: str) -> Face:
        """The persona's face. Raises InvalidInput, NotFound, Broken or Unavailable; the next call tries again."""
        task = self._loading.get(persona_id)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(asyncio.to_thread(self._load, persona_id))
            self._loading[persona_id] = task
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Waits for loads under way."""
        await asyncio.gather(*self._loading.values(), return_exceptions=True)

    def _load(self, persona_id: str) -> Face:
        face = self._engine.load(personas.load(persona_id, self._house))
        log.info("persona loaded", extra={"persona": persona_id, "engine": self._engine.info.name})
        return face
