from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from services.orchestrator.app import create_app
from services.orchestrator.settings import OrchestratorSettings
from tests.fakes.emotalk import FakeEmoTalk, serving_emotalk


class Served:
    """The orchestrator on a loopback port of its own."""

    def __init__(self, app: FastAPI, port: int) -> None:
        self.app = app
        self.port = port
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def emotalk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeEmoTalk]:
    """An EmoTalk service that belongs to the stack."""
    async with serving_emotalk(tmp_path) as fake:
        monkeypatch.setenv("FLASHBACK_EMOTALK_ADDRESS", fake.address)
        yield fake


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts the orchestrator with the given settings."""
    async with AsyncExitStack() as ends:

        async def start(**settings: Any) -> Served:
            app = create_app(OrchestratorSettings(**settings))
            server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.005)
            served = Served(app, server.servers[0].sockets[0].getsockname()[1])

            async def stop() -> None:
                await served.http.aclose()
                server.should_exit = True
                await serving

            ends.push_async_callback(stop)
            return served

        yield start


@pytest.fixture
async def served(emotalk: FakeEmoTalk, serve: Serve) -> Served:
    return await serve()
