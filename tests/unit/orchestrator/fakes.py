"""In-process gRPC fakes of the orchestrator's neighbours, over Unix sockets: the real wire, scripted answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc

from flashback.errors import Broken, Full, InvalidInput, Unavailable
from flashback.media.blendshapes import ARKIT_52_ALPHABETICAL
from flashback.rpc import ServiceServer
from flashback.settings import Addresses
from flashback.v1 import (
    ears_pb2,
    ears_pb2_grpc,
    emotalk_pb2,
    emotalk_pb2_grpc,
    gateway_pb2,
    gateway_pb2_grpc,
    media_pb2,
    rag_llm_pb2,
    rag_llm_pb2_grpc,
    renderer_pb2,
    renderer_pb2_grpc,
    tts_pb2,
    tts_pb2_grpc,
)

WORD = 2400


class FakeGateway(gateway_pb2_grpc.GatewayServicer):
    """Records commands; `tell` plays the browser and the player."""

    def __init__(self) -> None:
        self.commands: list[gateway_pb2.PeerCommand] = []
        self.outbox: asyncio.Queue[gateway_pb2.PeerEvent | None] = asyncio.Queue()
        self.hung_up = asyncio.Event()
        self.changed = asyncio.Condition()
        self.attached = asyncio.Event()

    async def Connect(self, request: Any, context: Any) -> gateway_pb2.ConnectResponse:
        if "m=" not in request.offer_sdp:
            raise InvalidInput("The SDP has no media.")
        self.frame_source = request.frame_source
        return gateway_pb2.ConnectResponse(answer_sdp="v=0 answer")

    async def Control(self, requests: Any, context: Any) -> AsyncIterator[gateway_pb2.PeerEvent]:
        async def read() -> None:
            async for command in requests:
                self.attached.set()
                async with self.changed:
                    self.commands.append(command)
                    self.changed.notify_all()

        reading = asyncio.create_task(read())
        try:
            while (event := await self.outbox.get()) is not None:
                yield event
        finally:
            reading.cancel()

    async def HangUp(self, request: Any, context: Any) -> gateway_pb2.HangUpResponse:
        self.hung_up.set()
        return gateway_pb2.HangUpResponse()

    def tell(self, **event: Any) -> None:
        self.outbox.put_nowait(gateway_pb2.PeerEvent(**event))

    def type_text(self, message: dict[str, Any]) -> None:
        self.tell(text=gateway_pb2.TextReceived(text=json.dumps(message)))

    def ask(self, question: str) -> None:
        content = [{"type": "input_text", "text": question}]
        self.type_text(
            {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}}
        )
        self.type_text({"type": "response.create"})

    def messages(self, kind: str | None = None) -> list[dict[str, Any]]:
        sent = [json.loads(c.send.text) for c in self.commands if c.WhichOneof("command") == "send"]
        return [m for m in sent if kind in (None, m["type"])]

    async def until(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The count-th message of a type, once it was sent."""
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: len(self.messages(kind)) >= count)
        return self.messages(kind)[count - 1]

    async def until_cut(self) -> int:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: any(c.WhichOneof("command") == "cut" for c in self.commands))
        return next(c.cut.generation for c in self.commands if c.WhichOneof("command") == "cut")


class FakeRenderer(renderer_pb2_grpc.RendererServicer):
    """Starts each sentence at once, one after the other, on its own sample clock."""

    def __init__(self) -> None:
        self.parts: list[renderer_pb2.SpeechPart] = []
        self.faces: list[renderer_pb2.SpeechPart] = []
        self.order: list[str] = []
        self.mute = False
        self.cancelled: list[int] = []
        self.states: list[int] = []
        self.opened: list[str] = []
        self.closed = asyncio.Event()
        self.position = 1000
        self.break_now = asyncio.Event()
        self.refuse = False

    async def Describe(self, request: Any, context: Any) -> renderer_pb2.RendererDescription:
        return renderer_pb2.RendererDescription(engine="fake", grades_in_place=True)

    async def OpenStage(self, request: Any, context: Any) -> renderer_pb2.OpenStageResponse:
        if self.refuse:
            raise Unavailable("The renderer starts.")
        self.opened.append(request.session_id)
        return renderer_pb2.OpenStageResponse(width=64, height=64, fps=25)

    async def Direct(self, requests: Any, context: Any) -> AsyncIterator[renderer_pb2.StageEvent]:
        inbox: asyncio.Queue[Any] = asyncio.Queue()

        async def read() -> None:
            async for command in requests:
                inbox.put_nowait(command)

        async def breaker() -> None:
            await self.break_now.wait()
            inbox.put_nowait(None)

        tasks = [asyncio.create_task(read()), asyncio.create_task(breaker())]
        started: set[tuple[str, int]] = set()
        try:
            while True:
                command = await inbox.get()
                if command is None:
                    self.break_now.clear()
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "renderer killed")
                match command.WhichOneof("command"):
                    case "speech":
                        part = command.speech
                        if part.HasField("face"):
                            self.faces.append(part)
                            self.order.append("face")
                            continue
                        self.parts.append(part)
                        self.order.append("speech")
                        key = (part.turn_id, part.sentence)
                        if part.audio and key not in started and not self.mute:
                            started.add(key)
                            yield renderer_pb2.StageEvent(
                                sentence_started=renderer_pb2.SentenceStarted(
                                    turn_id=part.turn_id, sentence=part.sentence, start_sample=self.position
                                )
                            )
                        self.position += len(part.audio) // 2
                    case "cancel":
                        self.cancelled.append(command.cancel.generation)
                    case "state":
                        self.states.append(command.state.state)
        finally:
            for task in tasks:
                task.cancel()

    async def CloseStage(self, request: Any, context: Any) -> renderer_pb2.CloseStageResponse:
        self.closed.set()
        return renderer_pb2.CloseStageResponse()


class FakeEmoTalk(emotalk_pb2_grpc.EmoTalkServicer):
    """Answers each piece of speech with its frames, at once while `go_on` is set. A frame's every weight is 0.5."""

    def __init__(self) -> None:
        self.requests: list[emotalk_pb2.AnimateRequest] = []
        self.streams = 0
        self.refuse = False
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.break_now = asyncio.Event()

    @property
    def spoken(self) -> list[emotalk_pb2.SpokenAudio]:
        return [r.audio for r in self.requests if r.WhichOneof("request") == "audio"]

    async def Animate(self, requests: Any, context: Any) -> AsyncIterator[emotalk_pb2.AnimateEvent]:
        self.streams += 1
        if self.refuse:
            raise Full("All streams are taken.", 1)
        description = emotalk_pb2.EmoTalkDescription(engine="fake", fps=30, channels=ARKIT_52_ALPHABETICAL)
        yield emotalk_pb2.AnimateEvent(description=description)
        inbox: asyncio.Queue[Any] = asyncio.Queue()

        async def read() -> None:
            async for request in requests:
                self.requests.append(request)
                inbox.put_nowait(request)

        async def breaker() -> None:
            await self.break_now.wait()
            self.break_now.clear()
            inbox.put_nowait(None)

        tasks = [asyncio.create_task(read()), asyncio.create_task(breaker())]
        heard: dict[tuple[str, int], int] = {}
        try:
            while (request := await inbox.get()) is not None:
                if request.WhichOneof("request") != "audio":
                    continue
                await self.go_on.wait()
                audio = request.audio
                key = (audio.turn_id, audio.sentence)
                before = heard.get(key, 0)
                heard[key] = before + len(audio.audio) // 2
                first, after = (-(-n // 800) for n in (before, heard[key]))
                yield emotalk_pb2.AnimateEvent(
                    frames=emotalk_pb2.FaceFrames(
                        turn_id=audio.turn_id,
                        generation=audio.generation,
                        sentence=audio.sentence,
                        first_frame=first,
                        weights=[0.5] * 52 * (after - first),
                        last=audio.last,
                    )
                )
            await context.abort(grpc.StatusCode.UNAVAILABLE, "emotalk killed")
        finally:
            for task in tasks:
                task.cancel()


class FakeTts(tts_pb2_grpc.TtsServicer):
    """WORD samples a word; after the first it waits for `go_on`."""

    def __init__(self) -> None:
        self.broken = False
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def Synthesize(self, request: Any, context: Any) -> AsyncIterator[tts_pb2.SpeechChunk]:
        if self.broken:
            raise Unavailable("The voice is gone.")
        at = 0
        words = request.text.split()
        for index, text in enumerate(words):
            start = request.text.index(text, at)
            at = start + len(text)
            word = media_pb2.WordTime(
                text=text,
                start_sample=index * WORD,
                end_sample=(index + 1) * WORD,
                text_start=start,
                text_end=at,
            )
            yield tts_pb2.SpeechChunk(audio=bytes(2 * WORD), words=[word], last=index == len(words) - 1)
            await self.go_on.wait()


class FakeRagLlm(rag_llm_pb2_grpc.RagLlmServicer):
    """Answers with scripted sentences, each citing one document."""

    def __init__(self) -> None:
        self.requests: list[rag_llm_pb2.AnswerRequest] = []
        self.sentences = ["Lips close on p.", "They round on o."]
        self.broken = False
        self.reading = False
        self.refused = False
        self.hold = asyncio.Event()
        self.hold.set()

    async def Answer(self, request: Any, context: Any) -> AsyncIterator[rag_llm_pb2.AnswerPart]:
        self.requests.append(request)
        await self.hold.wait()
        if self.reading:
            raise Unavailable("I am still reading.")
        if self.broken:
            raise Broken("The index is damaged.")
        for index, text in enumerate(self.sentences):
            citation = rag_llm_pb2.Citation(index=index + 1, document="lips.md", place="Lips, line 3", text=text)
            yield rag_llm_pb2.AnswerPart(citation=citation)
            sentence = rag_llm_pb2.AnswerSentence(index=index, text=text, citations=[index + 1])
            yield rag_llm_pb2.AnswerPart(sentence=sentence)
        yield rag_llm_pb2.AnswerPart(done=rag_llm_pb2.AnswerDone(refused=self.refused))


class FakeEars(ears_pb2_grpc.EarsServicer):
    """`tell` plays the voice."""

    def __init__(self) -> None:
        self.outbox: asyncio.Queue[ears_pb2.EarEvent] = asyncio.Queue()

    async def Hear(self, request: Any, context: Any) -> AsyncIterator[ears_pb2.EarEvent]:
        yield ears_pb2.EarEvent(ready=ears_pb2.EarsReady(recogniser="fake", silence_ms=500))
        while True:
            yield await self.outbox.get()

    def tell(self, **event: Any) -> None:
        self.outbox.put_nowait(ears_pb2.EarEvent(**event))


class Neighbours:
    """All fakes, serving; `addresses` says where."""

    def __init__(self, folder: Path) -> None:
        self.gateway, self.renderer, self.tts = FakeGateway(), FakeRenderer(), FakeTts()
        self.rag_llm, self.ears, self.emotalk = FakeRagLlm(), FakeEars(), FakeEmoTalk()
        names = ("gateway", "ears", "rag_llm", "tts", "renderer", "postfx", "emotalk")
        self.addresses = Addresses(**{f"{name}_address": f"unix:{folder / name}.sock" for name in names})
        self._servers: list[ServiceServer] = []

    async def start(self) -> None:
        adders = {
            "gateway": lambda s: gateway_pb2_grpc.add_GatewayServicer_to_server(self.gateway, s),
            "renderer": lambda s: renderer_pb2_grpc.add_RendererServicer_to_server(self.renderer, s),
            "tts": lambda s: tts_pb2_grpc.add_TtsServicer_to_server(self.tts, s),
            "rag_llm": lambda s: rag_llm_pb2_grpc.add_RagLlmServicer_to_server(self.rag_llm, s),
            "emotalk": lambda s: emotalk_pb2_grpc.add_EmoTalkServicer_to_server(self.emotalk, s),
            "ears": lambda s: ears_pb2_grpc.add_EarsServicer_to_server(self.ears, s),
        }
        for name, add in adders.items():
            server = ServiceServer(self.addresses.of(name))
            add(server.server)
            await server.start()
            self._servers.append(server)

    async def stop(self) -> None:
        await asyncio.gather(*(s.stop(0) for s in self._servers))
