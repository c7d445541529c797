"""The public HTTP application."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from flashback.errors import FlashbackError, Full
from flashback.rpc import SLOW_S, typed_errors
from flashback.settings import HouseSettings
from flashback.v1 import ears_pb2
from services.orchestrator.routes import calls, house
from services.orchestrator.services import Services
from services.orchestrator.sessions import Sessions
from services.orchestrator.settings import OrchestratorSettings

log = logging.getLogger(__name__)


def create_app(settings: OrchestratorSettings | None = None, home: HouseSettings | None = None) -> FastAPI:
    """The ASGI app; its gRPC channels open with the server's start and close with its end."""
    settings = settings or OrchestratorSettings()
    home = home or HouseSettings()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        services = Services()
        app.state.services = services
        app.state.sessions = Sessions(services, settings, home)
        preparing = asyncio.create_task(_prepare_ears(services, home.default_persona))
        try:
            yield
        finally:
            preparing.cancel()
            await asyncio.gather(preparing, return_exceptions=True)
            await app.state.sessions.close()
            await services.close()

    app = FastAPI(title="FlashbackAvatars", lifespan=life)
    app.state.settings = settings
    app.state.house = home
    app.include_router(calls.router)
    app.include_router(house.router)
    app.add_exception_handler(FlashbackError, _flashback_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.mount("/", StaticFiles(directory=home.home / "web-samples" / "minimal-webrtc-client", html=True), name="page")
    return app


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
