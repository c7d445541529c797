"""The viewer with a server beside it whose face service answers from a recording's loudness, or fails as told.

    with BlendshapeServer() as server:
        server.full = 1                      # the next recording is refused once, for lack of room
        page.goto(server.url + "/viewer/")

Personas, heads and the built viewer are the real ones.
"""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import wave
from collections.abc import AsyncGenerator
from typing import Any, Self

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from flashback.errors import FlashbackError
from flashback.media.blendshapes import LAYOUTS
from flashback.settings import HouseSettings
from services.orchestrator.routes import house

FPS = 30
LOUD = 0.25
"""Root mean square at which the jaw is as open as it gets."""
WIDEST = 0.6
START_S = 10.0


class BlendshapeServer:
    """The server. What it does to the next recordings is set on it:

    full: so many are refused with 503 and `Retry-After: 1`. layout: order of the channels. chunk: frames an event.
    pause_s: before each event but the first. breaks_after: events after which the connection breaks. error: told in
    the stream instead of frames.
    """

    def __init__(self) -> None:
        self.full = 0
        self.layout = "arkit-52-alphabetical"
        self.chunk = 15
        self.pause_s = 0.0
        self.breaks_after: int | None = None
        self.error: str | None = None
        self.received: list[str] = []
        """File names of the recordings that came."""
        self._listener = socket.socket()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._listener.bind(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(self._app(), lifespan="off", ws="none", log_config=None))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(START_S)

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.state.house = HouseSettings()
        app.include_router(house.router)
        app.add_api_route("/api/v1/process-audio-stream", self._animate, methods=["POST"])
        app.add_exception_handler(FlashbackError, _refused)
        samples = app.state.house.home / "web-samples"
        app.mount("/viewer", StaticFiles(directory=samples / "blendshape-viewer" / "dist", html=True))
        app.mount("/web-samples", StaticFiles(directory=samples))
        return app

    async def _animate(self, request: Request) -> Response:
        async with request.form() as form:
            file = form["file"]
            assert not isinstance(file, str)
            self.received.append(file.filename or "")
            recording = await file.read()
        if self.full > 0:
            self.full -= 1
            return _error(503, "server_full", "Server is busy, queue is full.", {"Retry-After": "1"})
        try:
            rows = self.frames(recording)
        except (wave.Error, EOFError):
            return _error(400, "invalid_input", "The file holds no sound that could be read.")
        return StreamingResponse(
            self._events(rows), media_type="text/event-stream", headers={"X-Blendshape-Layout": self.layout}
        )

    def frames(self, recording: bytes) -> list[dict[str, Any]]:
        """A WAV file's frames: the jaw follows the loudness. Raises wave.Error or EOFError for anything else."""
        with wave.open(io.BytesIO(recording)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
            rate = file.getframerate()
        names = LAYOUTS[self.layout]
        rows = []
        for number in range(len(samples) * FPS // rate):
            part = samples[number * rate // FPS : (number + 1) * rate // FPS]
            weights = dict.fromkeys(names, 0.0)
            weights["jawOpen"] = round(min(1.0, float(np.sqrt((part**2).mean())) / LOUD) * WIDEST, 4)
            rows.append({"timecode": number / FPS, "blendshapes": [weights[name] for name in names]})
        return rows

    async def _events(self, rows: list[dict[str, Any]]) -> AsyncGenerator[bytes, None]:
        yield b": waiting\n\n"
        if self.error is not None:
            yield f"data: {json.dumps({'error': self.error})}\n\n".encode()
            return
        for event, first in enumerate(range(0, len(rows), self.chunk)):
            if event == self.breaks_after:
                raise ConnectionResetError
            if event and self.pause_s:
                await asyncio.sleep(self.pause_s)
            yield f"data: {json.dumps(rows[first : first + self.chunk])}\n\n".encode()


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"message": message, "code": code}}, status, headers)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FlashbackError)
    return _error(error.http_status, error.code, error.message)
