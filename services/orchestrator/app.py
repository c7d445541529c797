"""The public HTTP application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from flashback.errors import FlashbackError, Full
from flashback.rpc import SLOW_S, typed_errors
from flashback.settings import HouseSettings
from flashback.v1 import ears_pb2
from services.orchestrator.cors import add_cors
from services.orchestrator.emotalk_health import EmoTalkHealth
from services.orchestrator.routes import blendshapes, calls, house
from services.orchestrator.routes.reference import add_reference
from services.orchestrator.services import Services
from services.orchestrator.sessions import Sessions
from services.orchestrator.settings import OrchestratorSettings
from services.orchestrator.upload import Holdings

log = logging.getLogger(__name__)


def create_app(settings: OrchestratorSettings | None = None, home: HouseSettings | None = None) -> FastAPI:
    """The ASGI app; its gRPC channels open with the server's start and close with its end."""
    settings = settings or OrchestratorSettings()
    home = home or HouseSettings()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        services = Services(recording_timeout_s=settings.recording_timeout_s)
        app.state.services = services
        app.state.holdings = Holdings(settings.max_held_mb * 2**20, settings.retry_after_s)
        app.state.emotalk_health = EmoTalkHealth(services.recordings, asyncio.get_running_loop().time)
        app.state.sessions = Sessions(services, settings, home)
        preparing = asyncio.create_task(_prepare_ears(services, home.default_persona))
        try:
            yield
        finally:
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)
            await app.state.sessions.close()
            await services.close()

    app = FastAPI(
        title="FlashbackAvatars", version=version("flashback-avatars"), lifespan=life, docs_url=None, redoc_url=None
    )
    app.state.settings = settings
    app.state.house = home
    app.include_router(calls.router)
    app.include_router(house.router)
    app.include_router(blendshapes.router)
    add_reference(app)
    add_cors(app, settings.cors_origins)
    app.add_exception_handler(FlashbackError, _flashback_error)
    app.add_exception_handler(HTTPException, _http_error)
    samples = home.home / "web-samples"
    app.add_api_route("/viewer", _viewer, include_in_schema=False)
    app.mount("/viewer", StaticFiles(directory=samples / "blendshape-viewer" / "dist", html=True), name="viewer")
    app.mount("/", StaticFiles(directory=samples / "minimal-webrtc-client", html=True), name="page")
    return app


async def _viewer() -> RedirectResponse:
    return RedirectResponse("viewer/")


async def _prepare_ears(services: Services, persona_id: str) -> None:
    """Builds the default persona's language model before somebody speaks; keeps trying while the stack comes up."""
    while True:
        try:
            with typed_errors("ears"):
                request = ears_pb2.PrepareRequest(persona_id=persona_id)
                answer = await services.ears.Prepare(request, timeout=SLOW_S)
            log.info("ears ready", extra={"recogniser": answer.recogniser, "vocabulary": answer.vocabulary})
            return
        except FlashbackError as error:
            log.debug("ears not ready: %s", error.message)
        await asyncio.sleep(1.0)


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body: dict[str, Any] = {"error": {"message": message, "type": kind, "code": code, "param": None}}
    return JSONResponse(body, status, headers)


async def _flashback_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FlashbackError)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Full) else None
    return _error(error.http_status, error.code, error.message, headers)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, "http_error", str(error.detail), dict(error.headers or {}))
