"""POST /v1/realtime/calls: an SDP offer becomes a conversation (OpenAI Realtime API, GA shape)."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import UploadFile

from flashback.errors import InvalidInput, NotFound
from flashback.settings import HouseSettings
from services.orchestrator.realtime.decode import wants_blendshapes
from services.orchestrator.sessions import Sessions
from services.orchestrator.settings import OrchestratorSettings

router = APIRouter(prefix="/v1/realtime", tags=["realtime"])


def sessions(request: Request) -> Sessions:
    found: Sessions = request.app.state.sessions
    return found


def settings(request: Request) -> OrchestratorSettings:
    found: OrchestratorSettings = request.app.state.settings
    return found


@router.post("/calls", status_code=201, response_class=Response)
async def create_call(
    request: Request,
    live: Annotated[Sessions, Depends(sessions)],
    knobs: Annotated[OrchestratorSettings, Depends(settings)],
) -> Response:
    """Body: raw `application/sdp`, or multipart with `sdp` and optionally `session` (JSON).

    The persona comes from `session.persona` or `?persona=`. Answers 201 with the SDP answer and `Location`; 400 for an
    SDP that is none or a huge one, 404 for an unknown persona, 503 with `Retry-After` when full.
    """
    sdp, session = await _read_offer(request, knobs.max_sdp_bytes)
    if "v=0" not in sdp[:200]:
        raise InvalidInput("The body is not an SDP offer (it must start with `v=0`).")
    house: HouseSettings = request.app.state.house
    persona = session.get("persona") or request.query_params.get("persona") or house.default_persona
    ours = session.get("flashback")
    greet = bool(ours.get("greet", False)) if isinstance(ours, dict) else False
    if not isinstance(persona, str):
        raise InvalidInput("session.persona is a persona's id, such as `iris`.")
    call_id, answer = await live.open(sdp, persona, greet, bool(wants_blendshapes(session)))
    return Response(
        answer,
        status_code=201,
        media_type="application/sdp",
        headers={"Location": f"/v1/realtime/calls/{call_id}"},
    )


@router.delete("/calls/{call_id}", status_code=204)
@router.post("/calls/{call_id}/hangup", status_code=204)
async def hang_up(call_id: str, live: Annotated[Sessions, Depends(sessions)]) -> Response:
    """Ends a call."""
    if not live.hang_up(call_id):
        raise NotFound("There is no such call; it may have ended already.")
    return Response(status_code=204)


async def _read_offer(request: Request, max_bytes: int) -> tuple[str, dict[str, Any]]:
    declared = int(request.headers.get("content-length") or 0)
    if declared > 2 * max_bytes:
        raise InvalidInput(f"The request is larger than {2 * max_bytes // 1024} kB; an SDP offer is far smaller.")
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=2, max_fields=4, max_part_size=max_bytes) as form:
            sdp = await _text(form.get("sdp"))
            session = await _text(form.get("session"))
        return sdp, _session(session)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > max_bytes:
            raise InvalidInput(f"The SDP offer is larger than {max_bytes // 1024} kB.")
    return _decode(bytes(body)), {}


async def _text(part: UploadFile | str | None) -> str:
    if part is None:
        return ""
    return part if isinstance(part, str) else _decode(await part.read())


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput("The body is not UTF-8 text.") from error


def _session(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        session = json.loads(text)
    except ValueError as error:
        raise InvalidInput("`session` is not JSON.") from error
    if not isinstance(session, dict):
        raise InvalidInput("`session` must be a JSON object.")
    return session
