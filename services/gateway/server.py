"""gRPC servicer of the gateway: wire <-> sessions."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import grpc

from flashback.errors import Full, InvalidInput, NotFound
from flashback.rpc import ServiceServer, open_channel
from flashback.settings import Addresses
from flashback.v1 import gateway_pb2, gateway_pb2_grpc
from services.gateway import ice
from services.gateway.session import Session
from services.gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]

FPS = range(1, 61)

COLLECT_AFTER_S = 0.5
"""From the end of a session to the collection of its reference cycles (aiortc's, and the codecs they hold)."""


class GatewayServicer(gateway_pb2_grpc.GatewayServicer):
    """The sessions by id, and what they share: the channel to the ears and the encoders' threads."""

    def __init__(self, settings: GatewaySettings, addresses: Addresses) -> None:
        self._settings = settings
        self._ears = open_channel(addresses.ears_address)
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="encode")
        self.sessions: dict[str, Session] = {}
        self._collecting: asyncio.TimerHandle | None = None

    async def Connect(self, request: gateway_pb2.ConnectRequest, context: Context) -> gateway_pb2.ConnectResponse:
        if not request.session_id or not request.frame_source:
            raise InvalidInput("Connect needs a session_id and the address of a frame_source.")
        if request.fps and request.fps not in FPS:
            raise InvalidInput(f"fps must be {FPS.start} to {FPS.stop - 1}.")
        if request.session_id in self.sessions:
            raise InvalidInput("This session is connected already.")
        if len(self.sessions) >= self._settings.max_peers:
            raise Full(f"All {self._settings.max_peers} connections are taken; try again later.")
        session = Session(request, self._settings, self._ears, self._pool, self._forget)
        self.sessions[session.id] = session
        try:
            answer = await session.connect(request.offer_sdp)
        except BaseException:
            await asyncio.shield(session.end("closed", "not connected"))
            raise
        log.info("peer answered", extra={"session": session.id, "open": len(self.sessions)})
        return gateway_pb2.ConnectResponse(answer_sdp=answer)

    async def Control(
        self, request_iterator: AsyncIterator[gateway_pb2.PeerCommand], context: Context
    ) -> AsyncIterator[gateway_pb2.PeerEvent]:
        first = await anext(aiter(request_iterator), None)
        if first is None or not first.HasField("attach"):
            raise InvalidInput("The first message of Control must be attach.")
        session = self._find(first.attach.session_id)
        session.attach()
        obeying = asyncio.create_task(self._obey(session, request_iterator))
        try:
            while (event := await session.events.next()) is not None:
                yield event
        finally:
            obeying.cancel()
            with suppress(asyncio.CancelledError):
                await obeying
            session.detach()

    async def _obey(self, session: Session, commands: AsyncIterator[gateway_pb2.PeerCommand]) -> None:
        async for command in commands:
            session.obey(command)

    async def HangUp(self, request: gateway_pb2.HangUpRequest, context: Context) -> gateway_pb2.HangUpResponse:
        await self._find(request.session_id).end("closed", "hung up")
        return gateway_pb2.HangUpResponse()

    def _find(self, session_id: str) -> Session:
        session = self.sessions.get(session_id)
        if session is None:
            raise NotFound("There is no peer of this session.")
        return session

    def _forget(self, session: Session) -> None:
        self.sessions.pop(session.id, None)
        if self._collecting is None:
            self._collecting = asyncio.get_running_loop().call_later(COLLECT_AFTER_S, self._collect)
        log.info("peer gone", extra={"session": session.id, "open": len(self.sessions)})

    def _collect(self) -> None:
        self._collecting = None
        gc.collect()

    async def close(self) -> None:
        """Ends every session."""
        await asyncio.gather(*(s.end("closed", "the gateway stops") for s in list(self.sessions.values())))
        if self._collecting is not None:
            self._collecting.cancel()
        await self._ears.close(None)
        self._pool.shutdown(wait=False, cancel_futures=True)


def serve(service: ServiceServer, settings: GatewaySettings, addresses: Addresses) -> GatewayServicer:
    """Registers the gateway and sets this process's ICE addresses and consent checks."""
    ice.configure(settings.ice_addresses, settings.consent_interval_s, settings.consent_failures)
    servicer = GatewayServicer(settings, addresses)
    gateway_pb2_grpc.add_GatewayServicer_to_server(servicer, service.server)
    service.announce("flashback.v1.Gateway")
    return servicer
