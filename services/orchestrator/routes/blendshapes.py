"""POST /api/v1/process-audio-stream: a recording becomes 52 blendshapes a frame (server-sent events)."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import ClientDisconnect

from flashback.clients import AsyncEmoTalk, Chunk, Frame
from flashback.errors import FlashbackError, InvalidInput
from flashback.media.blendshapes import LAYOUTS
from services.orchestrator.event_stream import EventStream, departure
from services.orchestrator.settings import OrchestratorSettings
from services.orchestrator.upload import Holdings, receive_form

log = logging.getLogger(__name__)
router = APIRouter(tags=["blendshapes"])

LAYOUT = "arkit-52-alphabetical"
FPS = 30
LEFT = 499
"""Status, for the log alone, of a request whose sender has gone."""

FIELDS: dict[str, dict[str, Any]] = {
    "emotion_level": {"type": "integer", "minimum": 0, "maximum": 1, "default": 1},
    "person_id": {"type": "integer", "minimum": 0, "maximum": 23, "default": 0},
    "post_processing": {"type": "boolean", "default": True, "description": "Smoothing and blinks."},
    "chunk_duration": {"type": "number", "default": 25.0, "description": "Seconds."},
    "chunk_overlap": {"type": "number", "default": 0.5, "description": "Seconds."},
}
FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "WAV, MP3, Ogg, FLAC, M4A or WebM."},
        **FIELDS,
    },
}
DESCRIPTION = """
A recording of speech in, 52 ARKit blendshapes a frame out, 30 frames a second, as server-sent events.

Each event is one line, `data: [{"timecode": seconds, "blendshapes": [52 numbers], "frame_number": n}, ...]`: the
frames of one chunk, in order. The header `X-Blendshape-Layout` names the order of the 52, which
`/v1/flashback/blendshapes/layouts` lists.
What goes wrong after the first event is told in a last one, `data: {"error": "..."}`.
""".strip()
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "One event a chunk."},
    400: {"description": "Not audio, no samples, or a value out of range."},
    408: {"description": "The upload stalled."},
    413: {"description": "The recording is too large."},
    503: {"description": "The queue is full (`Retry-After` says when to come again), or EmoTalk is not answering."},
}


@router.get("/v1/flashback/blendshapes/layouts")
async def layouts() -> dict[str, Any]:
    """The channel orders in use, by name, and which of them recordings are answered in."""
    return {"fps": FPS, "default": LAYOUT, "layouts": {name: list(channels) for name, channels in LAYOUTS.items()}}


def _settings(request: Request) -> OrchestratorSettings:
    found: OrchestratorSettings = request.app.state.settings
    return found


def _holdings(request: Request) -> Holdings:
    found: Holdings = request.app.state.holdings
    return found


def _emotalk(request: Request) -> AsyncEmoTalk:
    found: AsyncEmoTalk = request.app.state.services.recordings
    return found


@router.post(
    "/api/v1/process-audio-stream",
    response_class=Response,
    description=DESCRIPTION,
    responses=RESPONSES,
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}},
)
async def process_audio_stream(
    request: Request,
    knobs: Annotated[OrchestratorSettings, Depends(_settings)],
    holdings: Annotated[Holdings, Depends(_holdings)],
    emotalk: Annotated[AsyncEmoTalk, Depends(_emotalk)],
) -> Response:
    """Answers once the first chunk is there, so that a refusal has a status of its own; or after `keepalive_s`."""
    lease = holdings.lease()
    handed_over = False
    try:
        audio, fields = await receive_form(request, knobs.max_recording_mb * 2**20, knobs.upload_stall_s, lease)
        request_id = uuid.uuid4().hex
        chunks = emotalk.process_audio(audio, request_id=request_id, **_parameters(fields))
        del audio
        events = _Events(chunks, request_id)
        if not await events.begun(request, knobs.keepalive_s):
            return Response(status_code=LEFT)

        async def end() -> None:
            try:
                await events.close()
            finally:
                lease.end()

        handed_over = True
        headers = {"X-Blendshape-Layout": LAYOUT, "X-Blendshape-Fps": str(FPS), "X-Request-Id": request_id}
        return EventStream(events.all(), end, knobs.keepalive_s, knobs.stalled_reader_s, headers)
    except ClientDisconnect:
        return Response(status_code=LEFT)
    finally:
        if not handed_over:
            lease.end()


class _Events:
    """A recording's chunks as events. `begun` first, then `all`, then `close`."""

    def __init__(self, chunks: AsyncGenerator[Chunk, None], request_id: str) -> None:
        self._chunks = chunks
        self._request_id = request_id
        self._first: asyncio.Task[Chunk | None] | None = None

    async def begun(self, request: Request, patience_s: float) -> bool:
        """Waits for the first chunk, at most `patience_s` seconds; False, with the call cancelled, when nobody waits.

        Raises what the service refuses the recording with.
        """
        self._first = asyncio.create_task(self._next())
        gone = asyncio.create_task(departure(request.receive))
        kept = False
        try:
            await asyncio.wait((self._first, gone), timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if self._first.done():
                self._first.result()
            kept = not gone.done()
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            if not kept:
                await self.close()
        return kept

    async def all(self) -> AsyncGenerator[bytes, None]:
        """Each chunk as it comes; an error as the last."""
        try:
            chunk = await self._first if self._first is not None else await self._next()
            while chunk is not None:
                if chunk["frames"]:
                    yield await asyncio.to_thread(as_event, chunk["frames"])
                chunk = await self._next()
        except FlashbackError as error:
            log.warning("recording failed", extra={"request": self._request_id, "why": error.message})
            yield as_error_event(error.message)
        except Exception:
            log.exception("recording failed unexpectedly", extra={"request": self._request_id})
            yield as_error_event("The recording failed unexpectedly; the log says why.")

    async def _next(self) -> Chunk | None:
        return await anext(self._chunks, None)

    async def close(self) -> None:
        """Cancels the recording where it has not ended."""
        if self._first is not None:
            self._first.cancel()
            await asyncio.gather(self._first, return_exceptions=True)
        await self._chunks.aclose()


def as_event(frames: list[Frame]) -> bytes:
    """One event of one line. Numbers have 6 decimals: a millionth of a shape, a microsecond."""
    rows = [
        {
            "timecode": round(frame["timecode"], 6),
            "blendshapes": [round(weight, 6) for weight in frame["blendshapes"]],
            "frame_number": frame["frame_number"],
        }
        for frame in frames
    ]
    return f"data: {json.dumps(rows, separators=(',', ':'), allow_nan=False)}\n\n".encode()


def as_error_event(message: str) -> bytes:
    """The event that ends a stream that failed."""
    return f"data: {json.dumps({'error': message})}\n\n".encode()


def _parameters(fields: dict[str, str]) -> dict[str, Any]:
    """The known fields of a form as keyword arguments of `process_audio`; empty ones count as not given."""
    kinds = {name: rule["type"] for name, rule in FIELDS.items()}
    return {name: _parsed(name, kinds[name], text) for name, text in fields.items() if name in kinds and text}


def _parsed(name: str, kind: str, text: str) -> int | float | bool:
    words = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}
    try:
        match kind:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case _:
                return words[text.lower()]
    except (ValueError, KeyError) as error:
        wanted = {"integer": "a whole number", "number": "a number"}.get(kind, "true or false")
        raise InvalidInput(f"{name} is {wanted}, not {text[:40]!r}.") from error
