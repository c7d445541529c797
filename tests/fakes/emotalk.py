"""An EmoTalk service on a Unix socket: the real wire, scripted answers.

    async with serving_emotalk(tmp_path) as emotalk:
        emotalk.answer(750, 310)                  # the next recording gets two chunks
        emotalk.answer(Full("...", 7))            # the one after is refused
        emotalk.answer(750, emotalk.hold)         # then one chunk, and nothing more until `hold` is set

A script's items: a number is a chunk of so many frames, the last number the final one; an exception is raised; a text
is an `error_message`; an event is waited for; a message is sent as it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from flashback.compat import emotalk_pb2, emotalk_pb2_grpc
from flashback.errors import FlashbackError
from flashback.media.blendshapes import ARKIT_52_ALPHABETICAL
from flashback.rpc import ServiceServer
from flashback.v1 import emotalk_pb2 as live_pb2
from flashback.v1 import emotalk_pb2_grpc as live_pb2_grpc

FPS = 30
Item = int | FlashbackError | str | asyncio.Event | emotalk_pb2.BlendshapeResponse
Status = emotalk_pb2.HealthCheckResponse.ServingStatus


def weights(frame: int) -> list[float]:
    """Those the fake gives frame 0, 1, 2 ... of a recording or sentence; exact in float32."""
    return [((frame * 7 + channel) % 128) / 128 for channel in range(52)]


class FakeEmoTalk(emotalk_pb2_grpc.EmoTalkServiceServicer):
    """Recordings. Keeps what was asked; `left` is set when a caller went away before the end."""

    def __init__(self) -> None:
        self.address = ""
        self.requests: list[emotalk_pb2.AudioRequest] = []
        self.hold = asyncio.Event()
        self.left = asyncio.Event()
        self.begun = asyncio.Event()
        self.status = emotalk_pb2.HealthCheckResponse.SERVING
        self.live = FakeLive()
        self._scripts: deque[tuple[Item, ...]] = deque()

    def answer(self, *script: Item) -> None:
        """What the next recording without an answer gets."""
        self._scripts.append(script)

    async def ProcessAudio(self, request: Any, context: Any) -> AsyncIterator[emotalk_pb2.BlendshapeResponse]:  # type: ignore[override]
        self.requests.append(request)
        script = self._scripts.popleft() if self._scripts else (30,)
        self.begun.set()
        final = max((place for place, item in enumerate(script) if isinstance(item, int)), default=-1)
        index = done = 0
        _notice_leaving(context, self.left)
        for place, item in enumerate(script):
            match item:
                case int():
                    yield _chunk(request.request_id, index, done, item, place == final)
                    index, done = index + 1, done + item
                case FlashbackError():
                    raise item
                case str():
                    yield emotalk_pb2.BlendshapeResponse(request_id=request.request_id, error_message=item)
                    return
                case asyncio.Event():
                    await item.wait()
                case _:
                    yield item

    async def HealthCheck(self, request: Any, context: Any) -> emotalk_pb2.HealthCheckResponse:  # type: ignore[override]
        return emotalk_pb2.HealthCheckResponse(status=self.status)


class FakeLive(live_pb2_grpc.EmoTalkServicer):
    """Live speech: one frame a whole thirtieth of a second of each sentence, when its piece arrives.

    `ended` is set when a call is over, however it ended.
    """

    def __init__(self) -> None:
        self.described = 0
        self.device = "cpu"
        self.engine = "viseme"
        self.starts: list[live_pb2.AnimateStart] = []
        self.pieces: list[live_pb2.SpokenAudio] = []
        self.cancels: list[int] = []
        self.refusal: FlashbackError | None = None
        self.breaks_off = False
        self.ended = asyncio.Event()

    async def Describe(self, request: Any, context: Any) -> live_pb2.EmoTalkDescription:  # type: ignore[override]
        self.described += 1
        return self._description()

    def _description(self) -> live_pb2.EmoTalkDescription:
        return live_pb2.EmoTalkDescription(
            engine=self.engine,
            device=self.device,
            fps=FPS,
            layout="arkit-52-alphabetical",
            channels=ARKIT_52_ALPHABETICAL,
            queue_size=100,
            workers=2,
            max_live_streams=32,
        )

    async def Animate(self, requests: Any, context: Any) -> AsyncIterator[live_pb2.AnimateEvent]:  # type: ignore[override]
        self.starts.append((await anext(aiter(requests))).start)
        if self.refusal is not None:
            raise self.refusal
        context.add_done_callback(lambda call: self.ended.set())
        heard: dict[tuple[str, int], int] = {}
        yield live_pb2.AnimateEvent(description=self._description())
        if self.breaks_off:
            return
        async for request in requests:
            match request.WhichOneof("request"):
                case "cancel":
                    self.cancels.append(request.cancel.generation)
                case "audio":
                    self.pieces.append(request.audio)
                    yield live_pb2.AnimateEvent(frames=_live_frames(request.audio, heard))


def _notice_leaving(context: Any, left: asyncio.Event) -> None:
    """Sets `left` when the call ends before its status was sent: the caller went away."""
    context.add_done_callback(lambda call: None if call.done() else left.set())


def _chunk(request_id: str, index: int, first: int, count: int, final: bool) -> emotalk_pb2.BlendshapeResponse:
    frames = [
        emotalk_pb2.BlendshapeFrame(timecode=(first + k) / FPS, frame_number=k, blendshapes=weights(first + k))
        for k in range(count)
    ]
    return emotalk_pb2.BlendshapeResponse(request_id=request_id, chunk_index=index, frames=frames, is_final=final)


def _live_frames(piece: live_pb2.SpokenAudio, heard: dict[tuple[str, int], int]) -> live_pb2.FaceFrames:
    key = (piece.turn_id, piece.sentence)
    before = heard.get(key, 0)
    after = heard[key] = before + len(piece.audio) // 2
    frames = range(before * FPS // 24_000, after * FPS // 24_000)
    return live_pb2.FaceFrames(
        turn_id=piece.turn_id,
        generation=piece.generation,
        sentence=piece.sentence,
        first_frame=frames.start,
        weights=[value for frame in frames for value in weights(frame)],
        last=piece.last,
    )


@asynccontextmanager
async def serving_emotalk(folder: Path) -> AsyncIterator[FakeEmoTalk]:
    """The fake, listening; its `address` is what a client wants."""
    fake = FakeEmoTalk()
    service = ServiceServer(f"unix:{folder}/emotalk.sock")
    emotalk_pb2_grpc.add_EmoTalkServiceServicer_to_server(fake, service.server)
    live_pb2_grpc.add_EmoTalkServicer_to_server(fake.live, service.server)
    await service.start()
    fake.address = service.address
    try:
        yield fake
    finally:
        fake.hold.set()
        await service.stop(0)


@asynccontextmanager
async def without_statuses(folder: Path, error_message: str) -> AsyncIterator[str]:
    """The address of a service that knows recordings alone and answers each with `error_message`, as older ones do."""

    class Older(emotalk_pb2_grpc.EmoTalkServiceServicer):
        async def ProcessAudio(self, request: Any, context: Any) -> AsyncIterator[emotalk_pb2.BlendshapeResponse]:  # type: ignore[override]
            yield emotalk_pb2.BlendshapeResponse(error_message=error_message, is_final=True)

    server = grpc.aio.server()
    emotalk_pb2_grpc.add_EmoTalkServiceServicer_to_server(Older(), server)
    server.add_insecure_port(f"unix:{folder}/older.sock")
    await server.start()
    try:
        yield f"unix:{folder}/older.sock"
    finally:
        await server.stop(0)
