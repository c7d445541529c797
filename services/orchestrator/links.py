"""A session's streams to the other services. Each link owns one stream and hands what arrives to a callback.

Sending never blocks: messages queue up in order. `run` lives as long as the session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from flashback.errors import FlashbackError, NotFound, Unavailable
from flashback.rpc import PREPARE_S, QUICK_S, SESSION_S, drain, typed_errors
from flashback.v1 import ears_pb2, gateway_pb2, media_pb2, renderer_pb2
from services.orchestrator.services import Services
from services.orchestrator.turns import State

log = logging.getLogger(__name__)

RETRY_S = 0.25

STATES = {
    State.IDLE: media_pb2.TURN_STATE_IDLE,
    State.LISTENING: media_pb2.TURN_STATE_LISTENING,
    State.THINKING: media_pb2.TURN_STATE_THINKING,
    State.SPEAKING: media_pb2.TURN_STATE_SPEAKING,
}


@dataclass(frozen=True)
class StageSize:
    """Pixels and frames per second of a stage, and where its frames come from (gRPC address)."""

    width: int
    height: int
    fps: int
    frame_source: str


class StageLink:
    """The session's face: OpenStage, Direct, CloseStage. Re-opens the stage when the renderer died and came back."""

    def __init__(self, services: Services, session_id: str, persona_id: str, restage_timeout_s: float) -> None:
        self._services = services
        self._session_id = session_id
        self._persona_id = persona_id
        self._restage_timeout_s = restage_timeout_s
        self._commands = self._new_queue()

    def _new_queue(self) -> asyncio.Queue[renderer_pb2.StageCommand]:
        """Commands for a stage not yet attached; they wait in order until it is."""
        queue: asyncio.Queue[renderer_pb2.StageCommand] = asyncio.Queue()
        attach = renderer_pb2.AttachStage(session_id=self._session_id)
        queue.put_nowait(renderer_pb2.StageCommand(attach=attach))
        return queue

    async def open(self) -> StageSize:
        """Raises Full, NotFound, Broken or Unavailable."""
        with typed_errors("renderer"):
            described = await self._services.renderer.Describe(renderer_pb2.DescribeRequest(), timeout=QUICK_S)
            request = renderer_pb2.OpenStageRequest(session_id=self._session_id, persona_id=self._persona_id)
            stage = await self._services.renderer.OpenStage(request, timeout=PREPARE_S)
        addresses = self._services.addresses
        source = addresses.renderer_address if described.grades_in_place else addresses.postfx_address
        return StageSize(stage.width, stage.height, stage.fps, source)

    async def run(
        self, deliver: Callable[[renderer_pb2.StageEvent], None], lost: Callable[[], None], restored: Callable[[], None]
    ) -> None:
        """Delivers stage events. Calls `lost` when the renderer goes away and `restored` when the stage stands again.

        Raises Unavailable when it does not come back in time.
        """
        while True:
            try:
                await self._direct(deliver)
            except FlashbackError as error:
                log.warning("stage lost", extra={"session": self._session_id, "why": error.message})
            self._commands = self._new_queue()
            lost()
            await self._reopen()
            restored()

    async def _direct(self, deliver: Callable[[renderer_pb2.StageEvent], None]) -> None:
        with typed_errors("renderer"):
            async for event in self._services.renderer.Direct(drain(self._commands), timeout=SESSION_S):
                deliver(event)

    async def _reopen(self) -> None:
        try:
            async with asyncio.timeout(self._restage_timeout_s):
                while True:
                    try:
                        await self.open()
                        return
                    except (Unavailable, NotFound) as error:
                        log.info("waiting for the renderer", extra={"why": error.message})
                    await asyncio.sleep(RETRY_S)
        except TimeoutError as error:
            raise Unavailable("The renderer did not come back; please start a new conversation.") from error

    def set_state(self, state: State) -> None:
        self._send(renderer_pb2.StageCommand(state=renderer_pb2.SetState(state=STATES[state])))

    def say(self, part: renderer_pb2.SpeechPart) -> None:
        self._send(renderer_pb2.StageCommand(speech=part))

    def cancel(self, generation: int) -> None:
        self._send(renderer_pb2.StageCommand(cancel=renderer_pb2.CancelSpeech(generation=generation)))

    def _send(self, command: renderer_pb2.StageCommand) -> None:
        self._commands.put_nowait(command)

    async def close(self) -> None:
        """Best effort: a stage nobody watches closes by itself as well."""
        try:
            with typed_errors("renderer"):
                request = renderer_pb2.CloseStageRequest(session_id=self._session_id)
                await self._services.renderer.CloseStage(request, timeout=QUICK_S)
        except FlashbackError as error:
            log.info("stage not closed", extra={"session": self._session_id, "why": error.message})


class PeerLink:
    """The session's browser: Connect, Control, HangUp."""

    def __init__(self, services: Services, session_id: str, persona_id: str) -> None:
        self._services = services
        self._session_id = session_id
        self._persona_id = persona_id
        self._commands: asyncio.Queue[gateway_pb2.PeerCommand] = asyncio.Queue()
        attach = gateway_pb2.AttachPeer(session_id=session_id)
        self._commands.put_nowait(gateway_pb2.PeerCommand(attach=attach))

    async def connect(self, offer_sdp: str, stage: StageSize) -> str:
        """Returns the SDP answer. Raises InvalidInput for an SDP that is none."""
        request = gateway_pb2.ConnectRequest(
            session_id=self._session_id,
            offer_sdp=offer_sdp,
            frame_source=stage.frame_source,
            width=stage.width,
            height=stage.height,
            fps=stage.fps,
            persona_id=self._persona_id,
        )
        with typed_errors("gateway"):
            answer = await self._services.gateway.Connect(request, timeout=QUICK_S)
        return str(answer.answer_sdp)

    async def run(self, deliver: Callable[[gateway_pb2.PeerEvent], None]) -> None:
        """Delivers peer events until the peer is gone. Raises Unavailable when the gateway died."""
        with typed_errors("gateway"):
            async for event in self._services.gateway.Control(drain(self._commands), timeout=SESSION_S):
                deliver(event)

    def send_text(self, text: str) -> None:
        self._send(gateway_pb2.PeerCommand(send=gateway_pb2.SendText(text=text)))

    def cut(self, generation: int) -> None:
        self._send(gateway_pb2.PeerCommand(cut=gateway_pb2.CutPlayback(generation=generation)))

    def _send(self, command: gateway_pb2.PeerCommand) -> None:
        self._commands.put_nowait(command)

    async def close(self) -> None:
        try:
            with typed_errors("gateway"):
                request = gateway_pb2.HangUpRequest(session_id=self._session_id)
                await self._services.gateway.HangUp(request, timeout=QUICK_S)
        except FlashbackError as error:
            log.info("peer not hung up", extra={"session": self._session_id, "why": error.message})


class EarsLink:
    """The session's hearing. A session goes on without it; it comes back by itself."""

    def __init__(self, services: Services, session_id: str, persona_id: str, silence_ms: int) -> None:
        self._services = services
        self._request = ears_pb2.HearRequest(session_id=session_id, persona_id=persona_id, silence_ms=silence_ms)

    async def run(self, deliver: Callable[[ears_pb2.EarEvent], None], lost: Callable[[str], None]) -> None:
        """Delivers ear events for ever; `lost` is called with a sentence each time the ears go away."""
        wait = RETRY_S
        while True:
            try:
                with typed_errors("ears"):
                    async for event in self._services.ears.Hear(self._request, timeout=SESSION_S):
                        wait = RETRY_S
                        deliver(event)
            except FlashbackError as error:
                lost(error.message)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)
