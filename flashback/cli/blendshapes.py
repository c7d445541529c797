"""`flashback blendshapes`: a recording's face as JSON, CSV or a 3D head that moves."""

from __future__ import annotations

import asyncio
import os
import sys
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from flashback import engines, personas
from flashback.cli.face_glb import animated
from flashback.cli.face_track import FaceTrack, to_csv, to_json
from flashback.clients import AsyncEmoTalk, Frame
from flashback.errors import FlashbackError, InvalidInput, NotFound, Unavailable
from flashback.settings import HouseSettings
from flashback.stack import runfile
from flashback.stack.supervisor import started

SERVICE = "emotalk"


@dataclass(frozen=True)
class Wanted:
    """What the command line says. engine, server: None when left open; persona_id: whose head a .glb shows."""

    audio: Path
    output: Path
    engine: str | None
    emotion_level: int
    person_id: int
    post_processing: bool
    layout: str
    persona_id: str
    server: str | None


async def run(wanted: Wanted) -> None:
    """Writes `wanted.output` and prints its name.

    Raises InvalidInput for a recording that cannot be read, an engine that is not installed or not the server's, and a
    file that cannot be written; and whatever the service refuses the recording with.
    """
    settings = HouseSettings()
    encode = _encoder(wanted, settings)
    if wanted.engine is not None and wanted.engine not in engines.available(SERVICE):
        installed = ", ".join(engines.available(SERVICE)) or "none"
        raise InvalidInput(f"There is no emotalk engine called {wanted.engine!r}. Installed: {installed}.")
    if not wanted.audio.is_file():
        raise InvalidInput(f"There is no recording {wanted.audio}.")
    async with _service(wanted, settings) as address, _client(address) as emotalk:
        track = FaceTrack.of(await _frames(emotalk, wanted))
    data = await asyncio.to_thread(lambda: encode(track.in_layout(wanted.layout)))
    await asyncio.to_thread(_save, wanted.output, data)
    print(wanted.output)


def _encoder(wanted: Wanted, settings: HouseSettings) -> Callable[[FaceTrack], bytes]:
    """What makes the file, by the ending of its name. Raises InvalidInput, and what stands in the way of a .glb."""
    if not wanted.output.parent.resolve().is_dir():
        raise InvalidInput(f"The folder {wanted.output.parent} does not exist.")
    match wanted.output.suffix.lower():
        case ".json":
            return to_json
        case ".csv":
            return to_csv
        case ".glb":
            persona = personas.load(wanted.persona_id, settings)
            try:
                head = persona.head.read_bytes()
            except OSError as error:
                raise NotFound(f"Persona {persona.id!r} has no 3D head (head.glb).") from error
            return lambda track: animated(head, track, wanted.audio.stem)
        case other:
            raise InvalidInput(f"The output ends in .json, .csv or .glb, not in {other or 'nothing'!r}.")


@asynccontextmanager
async def _service(wanted: Wanted, settings: HouseSettings) -> AsyncIterator[str]:
    """The address of the server asked for, of the running stack's service, or of a child process."""
    if wanted.server is not None:
        if wanted.engine is not None and (runs := await _engine(wanted.server)) != wanted.engine:
            raise InvalidInput(f"The server runs the engine {runs!r}, not {wanted.engine!r}.")
        yield wanted.server
        return
    stack = runfile.read(settings.run_file)
    address = stack.addresses.get(SERVICE) if stack is not None else None
    if address is not None and (wanted.engine is None or await _engine(address) == wanted.engine):
        yield address
        return
    if wanted.engine is not None:
        os.environ["FLASHBACK_EMOTALK_ENGINE"] = wanted.engine
    async with started([SERVICE]) as addresses:
        yield addresses[SERVICE]


async def _engine(address: str) -> str:
    async with _client(address) as emotalk:
        return (await emotalk.describe())["engine"]


@asynccontextmanager
async def _client(address: str) -> AsyncIterator[AsyncEmoTalk]:
    """A client whose silence names the address."""
    async with AsyncEmoTalk(address) as emotalk:
        try:
            yield emotalk
        except Unavailable as error:
            raise error if error.from_service else Unavailable(f"{error.message} ({address})") from error


async def _frames(emotalk: AsyncEmoTalk, wanted: Wanted) -> list[Frame]:
    frames: list[Frame] = []
    chunks = emotalk.process_audio_file(wanted.audio, wanted.emotion_level, wanted.person_id, wanted.post_processing)
    bar = Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    with bar:
        task = bar.add_task("animating", total=_duration_s(wanted.audio))
        async with aclosing(chunks):
            async for chunk in chunks:
                frames += chunk["frames"]
                bar.update(task, completed=frames[-1]["timecode"] if frames else 0)
    return frames


def _duration_s(file: Path) -> float | None:
    """Of a WAV file; None of others, whose length would have to be decoded."""
    try:
        with wave.open(str(file)) as sound:
            return float(sound.getnframes() / sound.getframerate())
    except (wave.Error, EOFError, OSError, ZeroDivisionError):
        return None


def _save(file: Path, data: bytes) -> None:
    """Written beside, then moved into place."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_bytes(data)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FlashbackError(f"{file} cannot be written: {error.strerror}.") from error
