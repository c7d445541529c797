"""What the page needs to know before a call: personas, their pictures and documents; and the health of the stack."""

from __future__ import annotations

import asyncio
import io
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from grpc_health.v1 import health_pb2, health_pb2_grpc
from PIL import Image

from flashback import personas
from flashback.errors import Broken, FlashbackError, NotFound
from flashback.settings import HouseSettings
from services.orchestrator.emotalk_health import EmoTalkHealth
from services.orchestrator.services import Services

router = APIRouter(tags=["flashback"])


@router.get("/v1/flashback/personas")
async def list_personas(request: Request) -> dict[str, Any]:
    """Personas that load; broken ones are left out here and named when they are asked for."""
    house: HouseSettings = request.app.state.house

    def read() -> list[dict[str, Any]]:
        found = []
        for persona_id in personas.known(house):
            try:
                p = personas.load(persona_id, house)
            except FlashbackError:
                continue
            place = f"/v1/flashback/personas/{p.id}"
            words = {"id": p.id, "name": p.name, "about": p.about, "greeting": p.greeting}
            head = f"{place}/head.glb" if p.head.is_file() else None
            found.append({**words, "portrait": f"{place}/portrait.jpg", "head": head})
        return found

    return {"personas": await asyncio.to_thread(read), "default": house.default_persona}


@router.get("/v1/flashback/personas/{persona_id}/portrait.jpg")
async def portrait(persona_id: str, request: Request) -> Response:
    """The reference picture, 512 pixels, JPEG."""
    persona = await asyncio.to_thread(personas.load, persona_id, request.app.state.house)
    picture = await asyncio.to_thread(_jpeg, persona.portrait)
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "max-age=3600"})


@router.get("/v1/flashback/personas/{persona_id}/head.glb")
async def head(persona_id: str, request: Request) -> Response:
    """The 3D head, glTF binary; 304 for a copy that is still good, 404 when the persona has none."""
    persona = await asyncio.to_thread(personas.load, persona_id, request.app.state.house)
    try:
        about = await asyncio.to_thread(persona.head.stat)
    except FileNotFoundError as error:
        raise NotFound(f"Persona {persona.id!r} has no 3D head (head.glb).") from error
    tag = f'"{about.st_mtime_ns:x}-{about.st_size:x}"'
    headers = {"Cache-Control": "max-age=3600", "ETag": tag}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(persona.head, media_type="model/gltf-binary", headers=headers, stat_result=about)


@lru_cache(maxsize=32)
def _jpeg(path: Path, size: int = 512) -> bytes:
    try:
        with Image.open(path) as image:
            small = image.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
    except (OSError, ValueError) as error:
        raise Broken(f"{path.parent.name}/{path.name} cannot be read as a picture.") from error
    out = io.BytesIO()
    small.save(out, "JPEG", quality=88)
    return out.getvalue()


@router.get("/v1/flashback/documents")
async def list_documents(request: Request, persona: str | None = None) -> dict[str, Any]:
    """Titles of a persona's documents and questions worth asking."""
    house: HouseSettings = request.app.state.house
    found = await asyncio.to_thread(personas.load, persona or house.default_persona, house)

    def read() -> list[dict[str, str]]:
        files = sorted(found.corpus.rglob("*.md")) if found.corpus.is_dir() else []
        return [{"document": f.name, "title": _title(f)} for f in files]

    return {"documents": await asyncio.to_thread(read), "suggestions": list(found.questions)}


def _title(file: Path) -> str:
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("# "):
                return line[2:].strip()
    return file.stem


@router.get("/health")
async def health(request: Request) -> dict[str, Any]:
    """`ok` when every service of the stack answers SERVING, else `degraded`, with each one's state.

    EmoTalk is one of them when its address is set (`FLASHBACK_EMOTALK_ADDRESS` or `GRPC_SERVER`). It is asked in any
    case: `grpc_status`, `device` and `gpu` (the accelerator's name, null without one) are its own.
    """
    services: Services = request.app.state.services
    emotalk_health: EmoTalkHealth = request.app.state.emotalk_health

    async def one(name: str) -> str:
        try:
            stub = health_pb2_grpc.HealthStub(services.channels[name])
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=2.0)
            return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)).lower()
        except Exception:
            return "unreachable"

    found, emotalk = await asyncio.gather(asyncio.gather(*map(one, services.channels)), emotalk_health.state())
    states = dict(zip(services.channels, found, strict=True))
    if "emotalk_address" in services.addresses.model_fields_set:
        states["emotalk"] = emotalk.status.lower()
    status = "ok" if all(s == "serving" for s in states.values()) else "degraded"
    return {
        "status": status,
        "service": "flashback",
        "version": version("flashback-avatars"),
        "grpc_status": emotalk.status,
        "device": emotalk.device,
        "gpu": emotalk.gpu,
        "services": states,
        "sessions": request.app.state.sessions.count,
        "max_sessions": request.app.state.settings.max_sessions,
    }
