"""The sessions that live now, and how many may."""

from __future__ import annotations

import asyncio
import logging
import uuid

from flashback import personas
from flashback.errors import Full
from flashback.settings import HouseSettings
from services.orchestrator.services import Services
from services.orchestrator.session import Session
from services.orchestrator.settings import OrchestratorSettings

log = logging.getLogger(__name__)


class Sessions:
    """Admission and life cycle. A slot counts from the first byte of the call until everything is released."""

    def __init__(self, services: Services, settings: OrchestratorSettings, house: HouseSettings) -> None:
        self._services = services
        self._settings = settings
        self._house = house
        self._slots = 0
        self._live: dict[str, Session] = {}
        self._keepers: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        return self._slots

    async def open(self, offer_sdp: str, persona_id: str, greet: bool, blendshapes: bool = False) -> tuple[str, str]:
        """Returns (session id, SDP answer). greet: say the greeting first; blendshapes: send them to the browser.

        Raises Full when no slot is left, InvalidInput for a malformed persona id or SDP, NotFound, Broken, Unavailable.
        """
        persona = await asyncio.to_thread(personas.load, persona_id, self._house)
        if self._slots >= self._settings.max_sessions:
            raise Full(
                f"All {self._settings.max_sessions} places are taken; please try again soon.",
                self._settings.retry_after_s,
            )
        self._slots += 1
        session = Session(
            f"call_{uuid.uuid4().hex}",
            persona,
            self._services,
            self._settings,
            greet,
            blendshapes=blendshapes,
            driven=self._house.face_driven_by == "emotalk",
        )
        try:
            answer = await session.open(offer_sdp)
        except BaseException:
            self._slots -= 1
            raise
        self._live[session.id] = session
        keeper = asyncio.create_task(self._keep(session))
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)
        log.info("session opened", extra={"session": session.id, "persona": persona.id, "sessions": self._slots})
        return session.id, answer

    async def _keep(self, session: Session) -> None:
        try:
            await session.wait_ended()
        finally:
            self._live.pop(session.id, None)
            try:
                await asyncio.shield(session.close())
            finally:
                self._slots -= 1
                log.info("session closed", extra={"session": session.id, "sessions": self._slots})

    def hang_up(self, session_id: str) -> bool:
        """Ends a session; False when there is none of that id."""
        session = self._live.get(session_id)
        if session is None:
            return False
        session.end("hung up")
        return True

    async def close(self) -> None:
        """Ends all sessions and waits until they are released."""
        for session in list(self._live.values()):
            session.end("the server stops")
        await asyncio.gather(*self._keepers, return_exceptions=True)
