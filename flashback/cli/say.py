"""`flashback say`: a text spoken by the avatar, as an mp4."""

from __future__ import annotations

import asyncio
import re
import uuid
from pathlib import Path

from rich.progress import Progress

from flashback import personas
from flashback.cli.faces import faces
from flashback.cli.movie import Movie
from flashback.errors import InvalidInput
from flashback.media.clock import SPEECH_RATE
from flashback.rpc import PREPARE_S, QUICK_S, SLOW_S, drain, open_channel, typed_errors
from flashback.settings import HouseSettings
from flashback.stack.supervisor import needed
from flashback.v1 import (
    emotalk_pb2_grpc,
    media_pb2,
    media_pb2_grpc,
    renderer_pb2,
    renderer_pb2_grpc,
    tts_pb2,
    tts_pb2_grpc,
)

MAX_CHARS = 20_000
LEAD_IN_S = 0.3
LEAD_OUT_S = 0.6
STEP_SAMPLES = SPEECH_RATE // 5


def sentences(text: str) -> list[str]:
    """Splits plain text at sentence ends. Raises InvalidInput when it is empty or too long."""
    if len(text) > MAX_CHARS:
        raise InvalidInput(f"The text has {len(text)} characters; at most {MAX_CHARS} are spoken at once.")
    found = [s.strip() for s in re.split(r"(?<=[.!?])\s+|\n{2,}", text) if s.strip()]
    if not found:
        raise InvalidInput("There is nothing to say: the text is empty.")
    return found


async def run(text: str, output: Path, persona_id: str) -> None:
    """Writes `output`. Raises FlashbackError for an empty text, an unknown persona, or a folder that is not there."""
    spoken = sentences(text)
    settings = HouseSettings()
    personas.load(persona_id, settings)
    if not output.parent.resolve().is_dir():
        raise InvalidInput(f"The folder {output.parent} does not exist.")
    services = ["postfx", "renderer", "tts"]
    if settings.face_driven_by == "emotalk":
        services.append("emotalk")
    async with needed(services, settings) as addresses:
        channels = {name: open_channel(addresses[name]) for name in services}
        try:
            with typed_errors("tts"):
                parts = await _synthesize(tts_pb2_grpc.TtsStub(channels["tts"]), spoken, persona_id)
            if "emotalk" in channels:
                parts = await faces(emotalk_pb2_grpc.EmoTalkStub(channels["emotalk"]), parts) + parts
            with typed_errors("renderer"):
                renderer = renderer_pb2_grpc.RendererStub(channels["renderer"])
                described = await renderer.Describe(renderer_pb2.DescribeRequest(), timeout=QUICK_S)
                source = channels["renderer" if described.grades_in_place else "postfx"]
                await _film(renderer, media_pb2_grpc.FrameSourceStub(source), parts, persona_id, output)
        finally:
            for channel in channels.values():
                await channel.close(None)
    print(output)


async def _synthesize(
    tts: tts_pb2_grpc.TtsAsyncStub, spoken: list[str], persona_id: str
) -> list[renderer_pb2.SpeechPart]:
    parts: list[renderer_pb2.SpeechPart] = []
    for index, sentence in enumerate(spoken):
        request = tts_pb2.SynthesizeRequest(text=sentence, persona_id=persona_id)
        async for chunk in tts.Synthesize(request, timeout=SLOW_S):
            parts.append(
                renderer_pb2.SpeechPart(
                    turn_id="say",
                    sentence=index,
                    audio=chunk.audio,
                    visemes=chunk.visemes,
                    last_of_sentence=chunk.last,
                )
            )
    parts.append(renderer_pb2.SpeechPart(turn_id="say", sentence=len(spoken) - 1, last_of_turn=True))
    return parts


async def _film(
    renderer: renderer_pb2_grpc.RendererAsyncStub,
    source: media_pb2_grpc.FrameSourceAsyncStub,
    parts: list[renderer_pb2.SpeechPart],
    persona_id: str,
    output: Path,
) -> None:
    session = f"say-{uuid.uuid4().hex}"
    request = renderer_pb2.OpenStageRequest(session_id=session, persona_id=persona_id)
    stage = await renderer.OpenStage(request, timeout=PREPARE_S)
    total = int((sum(len(p.audio) for p in parts) // 2) + (LEAD_IN_S + LEAD_OUT_S) * SPEECH_RATE)
    finished = asyncio.Event()
    commands: asyncio.Queue[renderer_pb2.StageCommand] = asyncio.Queue()
    commands.put_nowait(renderer_pb2.StageCommand(attach=renderer_pb2.AttachStage(session_id=session)))
    watching = asyncio.create_task(_watch(renderer, commands, finished))
    demands: asyncio.Queue[media_pb2.FrameDemand] = asyncio.Queue()
    until = STEP_SAMPLES
    demands.put_nowait(media_pb2.FrameDemand(session_id=session, until_sample=until))
    queued = False
    end: int | None = None
    movie = Movie(output, stage.width, stage.height, stage.fps)
    try:
        with Progress(transient=True) as progress:
            task = progress.add_task("rendering", total=total)
            async for frame in source.Frames(drain(demands), timeout=SLOW_S + total / SPEECH_RATE * 10):
                await asyncio.to_thread(movie.add, frame)
                after = frame.start_sample + len(frame.audio) // 2
                progress.update(task, completed=min(after, total))
                if not queued and after >= LEAD_IN_S * SPEECH_RATE:
                    for part in parts:
                        commands.put_nowait(renderer_pb2.StageCommand(speech=part))
                    queued = True
                if end is None and finished.is_set() and not frame.turn_id:
                    end = after + int(LEAD_OUT_S * SPEECH_RATE)
                if end is not None and after >= end:
                    break
                if after >= until:
                    until += STEP_SAMPLES
                    demands.put_nowait(media_pb2.FrameDemand(session_id=session, until_sample=until))
        await asyncio.to_thread(movie.close)
    except BaseException:
        movie.discard()
        raise
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await renderer.CloseStage(renderer_pb2.CloseStageRequest(session_id=session), timeout=QUICK_S)


async def _watch(
    renderer: renderer_pb2_grpc.RendererAsyncStub,
    commands: asyncio.Queue[renderer_pb2.StageCommand],
    finished: asyncio.Event,
) -> None:
    async for event in renderer.Direct(drain(commands), timeout=SLOW_S * 10):
        if event.WhichOneof("event") == "turn_finished":
            finished.set()
