"""gRPC servicers of the post-processing service: stills, overlay, and the live proxy in front of the renderer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np

from flashback.errors import Broken, InvalidInput
from flashback.rpc import SESSION_S, typed_errors
from flashback.v1 import media_pb2, media_pb2_grpc, postfx_pb2, postfx_pb2_grpc
from services.postfx.badge import SMALLEST_FRAME, I420Badge, draw
from services.postfx.engine import Pixels
from services.postfx.lookbook import LookBook, PreparedLook

log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
PERSONA_KEY = "persona-id"
LARGEST_FRAME = 8192


def persona_of(context: Context) -> str:
    """The persona named in the call's metadata, or ''."""
    return str(dict(context.invocation_metadata() or ()).get(PERSONA_KEY, ""))


class PostFxServicer(postfx_pb2_grpc.PostFxServicer):
    """Stills and overlay."""

    def __init__(self, book: LookBook) -> None:
        self._book = book

    async def Grade(self, request: postfx_pb2.Still, context: Context) -> postfx_pb2.Still:
        pixels = still_pixels(request)
        look = await asyncio.to_thread(self._book.look, persona_of(context))
        return to_still(await asyncio.to_thread(look.still, pixels))

    async def GetOverlay(self, request: postfx_pb2.OverlayRequest, context: Context) -> postfx_pb2.Overlay:
        if not all(SMALLEST_FRAME <= side <= LARGEST_FRAME for side in (request.width, request.height)):
            raise InvalidInput(f"A frame has {SMALLEST_FRAME} to {LARGEST_FRAME} pixels a side.")
        look = await asyncio.to_thread(self._book.look, persona_of(context))
        if not look.badge:
            return postfx_pb2.Overlay(enabled=False)
        badge = await asyncio.to_thread(draw, request.width, request.height)
        return postfx_pb2.Overlay(enabled=True, badge=to_still(badge.pixels), x=badge.x, y=badge.y)


class FrameProxy(media_pb2_grpc.FrameSourceServicer):
    """FrameSource in front of the renderer's: same demand, same frames, graded and badged unless they are already."""

    def __init__(self, book: LookBook, renderer: grpc.aio.Channel) -> None:
        self._book = book
        self._renderer = media_pb2_grpc.FrameSourceStub(renderer)
        self._workers = ThreadPoolExecutor(2, "grade")

    async def close(self) -> None:
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def Frames(
        self, request_iterator: AsyncIterator[media_pb2.FrameDemand], context: Context
    ) -> AsyncIterator[media_pb2.AvatarFrame]:
        persona_id = persona_of(context)
        look = await asyncio.to_thread(self._book.look, persona_id)
        metadata = ((PERSONA_KEY, persona_id),) if persona_id else ()
        loop = asyncio.get_running_loop()
        finish = FrameFinisher(look)
        call = self._renderer.Frames(request_iterator, timeout=SESSION_S, metadata=metadata)
        try:
            with typed_errors("renderer"):
                async for frame in call:
                    if not frame.graded and frame.i420:
                        frame.i420 = await loop.run_in_executor(self._workers, finish.frame, frame)
                        frame.graded = True
                    yield frame
        finally:
            call.cancel()


class FrameFinisher:
    """Grades and badges the frames of one stream; keeps the badge of the current frame size."""

    def __init__(self, look: PreparedLook) -> None:
        self._look = look
        self._size = (0, 0)
        self._overlay: I420Badge | None = None

    def frame(self, frame: media_pb2.AvatarFrame) -> bytes:
        """The finished I420 planes. Raises Broken when the frame's size and data do not fit."""
        width, height = frame.width, frame.height
        if width % 2 or height % 2 or len(frame.i420) != width * height * 3 // 2:
            raise Broken(f"The renderer sent a frame whose {len(frame.i420)} bytes are not {width}x{height} I420.")
        if (width, height) != self._size:
            small = min(width, height) < SMALLEST_FRAME
            shown = self._look.badge and not small
            self._overlay = I420Badge(draw(width, height), width, height) if shown else None
            self._size = (width, height)
        planes = np.frombuffer(frame.i420, np.uint8)
        return self._look.frame(planes, width, height, self._overlay).tobytes()


def still_pixels(still: postfx_pb2.Still) -> Pixels:
    """A view of the still's pixels, (h, w, channels). Raises InvalidInput when sizes do not fit."""
    if still.channels not in (3, 4) or not still.width or not still.height:
        raise InvalidInput("A still has 3 or 4 channels and at least one pixel.")
    if len(still.pixels) != still.width * still.height * still.channels:
        raise InvalidInput("The still's data does not have width x height x channels bytes.")
    return np.frombuffer(still.pixels, np.uint8).reshape(still.height, still.width, still.channels)


def to_still(pixels: Pixels) -> postfx_pb2.Still:
    """(h, w, channels) uint8 as it travels."""
    height, width, channels = pixels.shape
    return postfx_pb2.Still(width=width, height=height, channels=channels, pixels=pixels.tobytes())
