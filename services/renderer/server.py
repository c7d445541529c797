"""The renderer on the wire: stages opened, directed, watched and closed."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from flashback import engines
from flashback.errors import FlashbackError, Full, InvalidInput, NotFound
from flashback.media.clock import FrameClock
from flashback.rpc import ServiceServer
from flashback.settings import HouseSettings
from flashback.v1 import media_pb2, media_pb2_grpc, renderer_pb2, renderer_pb2_grpc
from services.renderer.engine import Engine
from services.renderer.faces import Faces
from services.renderer.session import Session, Viewer
from services.renderer.settings import RendererSettings
from services.renderer.stage import Stage

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]


class RendererServer(renderer_pb2_grpc.RendererServicer, media_pb2_grpc.FrameSourceServicer):
    """Servicer of Renderer and FrameSource. `now` is a monotonic clock, only used to find abandoned stages."""

    def __init__(
        self,
        settings: RendererSettings,
        engine: Engine,
        house: HouseSettings,
        now: Callable[[], float] | None = None,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._faces = Faces(engine, house)
        self._sessions: dict[str, Session] = {}
        self._opening: set[str] = set()
        self._pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="draw")
        self._now = now or asyncio.get_running_loop().time
        self._tasks = [asyncio.create_task(self._reap())]
        if settings.preload:
            self._tasks.append(asyncio.create_task(self._preload(house.default_persona)))

    async def close(self) -> None:
        """Ends all sessions and waits for everything that was started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for session in list(self._sessions.values()):
            self._close(session)
        await self._faces.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def Describe(
        self, request: renderer_pb2.DescribeRequest, context: Context
    ) -> renderer_pb2.RendererDescription:
        info = self._engine.info
        return renderer_pb2.RendererDescription(
            engine=info.name,
            width=info.width,
            height=info.height,
            fps=info.fps,
            grades_in_place=info.grades_in_place,
            capacity=self._settings.capacity,
            sessions=len(self._sessions),
        )

    async def OpenStage(
        self, request: renderer_pb2.OpenStageRequest, context: Context
    ) -> renderer_pb2.OpenStageResponse:
        """Opens a stage, or answers for the one that stands when its director was cut off and comes back."""
        key = request.session_id
        if not key:
            raise InvalidInput("OpenStage needs a session_id.")
        info = self._engine.info
        standing = self._sessions.get(key)
        if standing is not None and standing.persona_id == request.persona_id and not standing.directed:
            return renderer_pb2.OpenStageResponse(width=info.width, height=info.height, fps=info.fps)
        if standing is not None or key in self._opening:
            raise InvalidInput("A stage for this session is open already.")
        if len(self._sessions) + len(self._opening) >= self._settings.capacity:
            raise Full(f"All {self._settings.capacity} places of the renderer are taken; try again in a moment.")
        self._opening.add(key)
        try:
            face = await self._faces.get(request.persona_id)
            stage = Stage(FrameClock(fps=info.fps), seed=random.getrandbits(32))
            session = Session(key, request.persona_id, info, stage, face.canvas(), stamp=self._settings.stamp)
            session.alone_since = self._now()
            self._sessions[key] = session
        finally:
            self._opening.discard(key)
        log.info("stage opened", extra={"session": key, "persona": request.persona_id, "open": len(self._sessions)})
        return renderer_pb2.OpenStageResponse(width=info.width, height=info.height, fps=info.fps)

    async def CloseStage(
        self, request: renderer_pb2.CloseStageRequest, context: Context
    ) -> renderer_pb2.CloseStageResponse:
        session = self._sessions.get(request.session_id)
        if session is not None:
            self._close(session)
        return renderer_pb2.CloseStageResponse()

    async def Direct(
        self, request_iterator: AsyncIterator[renderer_pb2.StageCommand], context: Context
    ) -> AsyncIterator[renderer_pb2.StageEvent]:
        first = await anext(aiter(request_iterator), None)
        if first is None or not first.HasField("attach"):
            raise InvalidInput("The first command of a Direct stream must be AttachStage.")
        session = self._find(first.attach.session_id)
        events = session.listen()
        reader = asyncio.create_task(self._obey(session, request_iterator, events))
        try:
            while (event := await events.get()) is not None:
                yield event
            if reader.done():
                reader.result()
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            session.unlisten(events)

    async def Frames(
        self, request_iterator: AsyncIterator[media_pb2.FrameDemand], context: Context
    ) -> AsyncIterator[media_pb2.AvatarFrame]:
        first = await anext(aiter(request_iterator), None)
        if first is None:
            return
        session = self._find(first.session_id)
        viewer = session.view()
        session.stage.skip_to(first.from_sample)
        viewer.allow(first.until_sample)
        reader = asyncio.create_task(self._credit(viewer, request_iterator))
        try:
            while await viewer.credit(session.stage.next_start):
                yield await session.frame(self._pool)
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            session.leave(viewer)

    def _find(self, session_id: str) -> Session:
        session = self._sessions.get(session_id)
        if session is None:
            raise NotFound("There is no stage open for this session.")
        return session

    def _close(self, session: Session) -> None:
        if self._sessions.get(session.id) is session:
            del self._sessions[session.id]
        session.close()
        log.info("stage closed", extra={"session": session.id, "open": len(self._sessions)})

    async def _obey(
        self,
        session: Session,
        commands: AsyncIterator[renderer_pb2.StageCommand],
        events: asyncio.Queue[renderer_pb2.StageEvent | None],
    ) -> None:
        """Carries commands out as they come; a wrong one ends the stream with its error."""
        try:
            async for command in commands:
                session.obey(command)
        except Exception:
            events.put_nowait(None)
            raise

    async def _credit(self, viewer: Viewer, demands: AsyncIterator[media_pb2.FrameDemand]) -> None:
        async for demand in demands:
            viewer.allow(demand.until_sample)

    async def _preload(self, persona_id: str) -> None:
        try:
            await self._faces.get(persona_id)
        except FlashbackError as error:
            log.warning("default persona not loaded yet: %s", error.message, extra={"persona": persona_id})

    async def _reap(self) -> None:
        """Closes stages that nobody has been connected to for a while."""
        while True:
            await asyncio.sleep(min(1.0, self._settings.abandoned_s / 4))
            now = self._now()
            for session in list(self._sessions.values()):
                if not session.alone:
                    session.alone_since = None
                elif session.alone_since is None:
                    session.alone_since = now
                elif now - session.alone_since >= self._settings.abandoned_s:
                    log.info("stage abandoned", extra={"session": session.id})
                    self._close(session)


async def serve(service: ServiceServer, settings: RendererSettings, house: HouseSettings) -> RendererServer:
    """Registers the renderer on a server. Raises MissingEngine when the chosen engine is not installed."""
    engine: Engine = engines.load("renderer", settings.engine)(settings)
    renderer = RendererServer(settings, engine, house)
    renderer_pb2_grpc.add_RendererServicer_to_server(renderer, service.server)
    media_pb2_grpc.add_FrameSourceServicer_to_server(renderer, service.server)
    service.announce("flashback.v1.Renderer", "flashback.v1.FrameSource")
    return renderer
