"""Every installed grading engine passes these, and so does the proxy in front of the renderer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from flashback import engines
from flashback.errors import MissingEngine
from flashback.rpc import ServiceServer, open_channel
from flashback.settings import HouseSettings
from flashback.v1 import media_pb2, media_pb2_grpc, postfx_pb2, postfx_pb2_grpc
from services.postfx.engine import GradeEngine
from services.postfx.lookbook import PRESETS, LookBook, read
from services.postfx.lut import Lut, graded
from services.postfx.server import FrameProxy, PostFxServicer
from services.postfx.settings import PostFxSettings
from services.postfx.yuv import rgb_to_yuv, yuv_to_rgb

WIDTH, HEIGHT = 128, 96


@pytest.fixture(scope="module", params=engines.available("postfx"))
def engine(request: pytest.FixtureRequest) -> GradeEngine:
    try:
        return engines.load("postfx", request.param)()  # type: ignore[no-any-return]
    except MissingEngine as error:
        pytest.skip(error.message)


def picture() -> np.ndarray:
    """A soft picture with many hues, RGB float (HEIGHT, WIDTH, 3)."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / 128
    return np.stack([0.5 + 0.45 * np.sin(5 * x + 1), 0.2 + 0.6 * y, 0.5 + 0.4 * np.cos(4 * x - 3 * y)], -1).astype(
        np.float32
    )


def to_i420(rgb: np.ndarray) -> np.ndarray:
    yuv = rgb_to_yuv(rgb.reshape(-1, 3)).reshape(HEIGHT, WIDTH, 3)
    small = yuv.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean((1, 3))
    return np.concatenate([yuv[..., 0].ravel(), small[..., 1].ravel(), small[..., 2].ravel()])


def from_i420(i420: np.ndarray) -> np.ndarray:
    size = WIDTH * HEIGHT
    planes = [i420[:size].reshape(HEIGHT, WIDTH)]
    for k in (0, 1):
        plane = i420[size + k * size // 4 : size + (k + 1) * size // 4].reshape(HEIGHT // 2, WIDTH // 2)
        planes.append(plane.repeat(2, 0).repeat(2, 1))
    return np.clip(yuv_to_rgb(np.stack(planes, -1).reshape(-1, 3).astype(np.float32)), 0, 1)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(float(np.mean((a.astype(float) - b) ** 2)), 1e-9)))


@pytest.mark.parametrize("intensity", [0.35, 1.0])
def test_still_is_the_look(engine: GradeEngine, intensity: float) -> None:
    lut = read(PRESETS / "cinematic.cube")
    pixels = (picture() * 255).round().astype(np.uint8)
    exact = (
        graded(lut, intensity, pixels.reshape(-1, 3).astype(np.float32) / np.float32(255)).reshape(pixels.shape) * 255
    )
    found = engine.grader(lut, intensity).still(pixels)
    assert found.dtype == np.uint8
    assert np.abs(found - exact).max() < 3
    assert psnr(found, exact) > 50


@pytest.mark.parametrize("intensity", [0.35, 1.0])
def test_frame_is_the_look(engine: GradeEngine, intensity: float) -> None:
    lut = read(PRESETS / "cinematic.cube")
    frame = to_i420(picture()).round().astype(np.uint8)
    exact = to_i420(graded(lut, intensity, from_i420(frame)))
    found = engine.grader(lut, intensity).frame(frame, WIDTH, HEIGHT)
    assert found.shape == frame.shape
    assert psnr(found, exact) > 45
    assert psnr(found, exact) > psnr(frame, exact) + 10


def test_alpha_stays(engine: GradeEngine) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (6, 4, 4), np.uint8)
    found = engine.grader(read(PRESETS / "cinematic.cube"), 1.0).still(pixels)
    assert (found[..., 3] == pixels[..., 3]).all()
    assert (found[..., :3] != pixels[..., :3]).any()


def test_identity_changes_nothing(engine: GradeEngine) -> None:
    axis = np.linspace(0, 1, 5, dtype=np.float32)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    grader = engine.grader(Lut(np.stack([red, green, blue], -1)), 1.0)
    noise = np.random.default_rng(4).integers(0, 256, WIDTH * HEIGHT * 3 // 2, np.uint8)
    assert (grader.frame(noise, WIDTH, HEIGHT) == noise).all()
    still = noise[: WIDTH * HEIGHT].reshape(HEIGHT, -1)[:, : WIDTH // 3 * 3].reshape(HEIGHT, -1, 3)
    assert (grader.still(still) == still).all()


def test_input_is_left_alone(engine: GradeEngine) -> None:
    frame = to_i420(picture()).round().astype(np.uint8)
    frame.setflags(write=False)
    engine.grader(read(PRESETS / "cinematic.cube"), 1.0).frame(frame, WIDTH, HEIGHT)


class Renderer(media_pb2_grpc.FrameSourceServicer):
    """Answers each demand with one frame; fails on demand of 13."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}
        self.open = 0

    async def Frames(
        self, request_iterator: AsyncIterator[media_pb2.FrameDemand], context: Any
    ) -> AsyncIterator[media_pb2.AvatarFrame]:
        self.metadata = dict(context.invocation_metadata())
        self.open += 1
        try:
            number = 0
            async for demand in request_iterator:
                if demand.until_sample == 13:
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "gone")
                yield make_frame(number, graded_=demand.until_sample == 7)
                number += 1
        finally:
            self.open -= 1


def make_frame(number: int, graded_: bool) -> media_pb2.AvatarFrame:
    return media_pb2.AvatarFrame(
        frame_number=number,
        start_sample=number * 960,
        audio=bytes([number]) * 1920,
        width=WIDTH,
        height=HEIGHT,
        i420=to_i420(picture()).round().astype(np.uint8).tobytes(),
        turn_id="t",
        generation=5,
        state=media_pb2.TURN_STATE_SPEAKING,
        speech=True,
        graded=graded_,
    )


@pytest.fixture
async def stack(engine: GradeEngine, tmp_path: Path) -> AsyncIterator[tuple[grpc.aio.Channel, Renderer, ServiceServer]]:
    for name, badge in (("iris", "true"), ("bare", "false")):
        folder = tmp_path / "personas" / name
        folder.mkdir(parents=True)
        (folder / "persona.toml").write_text(
            f'name="x"\ngreeting="x"\nabout="x"\nsynthetic=true\n[look]\nintensity=1.0\nbadge={badge}\n'
        )
    renderer = Renderer()
    upstream = ServiceServer(f"unix:{tmp_path}/renderer.sock")
    media_pb2_grpc.add_FrameSourceServicer_to_server(renderer, upstream.server)
    await upstream.start()
    to_renderer = open_channel(upstream.address)
    book = LookBook(engine, PostFxSettings(), HouseSettings(home=tmp_path))
    service = ServiceServer(f"unix:{tmp_path}/postfx.sock")
    proxy = FrameProxy(book, to_renderer)
    media_pb2_grpc.add_FrameSourceServicer_to_server(proxy, service.server)
    postfx_pb2_grpc.add_PostFxServicer_to_server(PostFxServicer(book), service.server)
    await service.start()
    channel = open_channel(service.address)
    yield channel, renderer, upstream
    await channel.close(None)
    await service.stop(0)
    await proxy.close()
    await to_renderer.close(None)
    await upstream.stop(0)


async def test_proxy_changes_only_the_picture(stack: Any) -> None:
    channel, renderer, _ = stack
    demands = [media_pb2.FrameDemand(session_id="s", until_sample=s) for s in (1, 2, 7, 3)]
    call = media_pb2_grpc.FrameSourceStub(channel).Frames(iter(demands), metadata=(("persona-id", "iris"),))
    frames = [frame async for frame in call]
    assert renderer.metadata["persona-id"] == "iris"
    assert [f.frame_number for f in frames] == [0, 1, 2, 3]
    for number, frame in enumerate(frames):
        sent = make_frame(number, graded_=number == 2)
        assert frame.graded
        assert (frame.i420 == sent.i420) == (number == 2)
        assert len(frame.i420) == len(sent.i420)
        frame.i420, frame.graded = sent.i420, sent.graded
        assert frame == sent


async def test_badge_follows_the_persona(stack: Any) -> None:
    channel, _, _ = stack
    stub = media_pb2_grpc.FrameSourceStub(channel)
    shown = []
    for persona in ("iris", "bare"):
        call = stub.Frames(iter([media_pb2.FrameDemand(until_sample=1)]), metadata=(("persona-id", persona),))
        shown.append(np.frombuffer([f async for f in call][0].i420, np.uint8)[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH))
    rows, columns = np.nonzero(shown[0] != shown[1])
    assert rows.max() < HEIGHT // 2
    assert columns.min() > WIDTH // 8


async def test_upstream_failure_is_unavailable(stack: Any) -> None:
    channel, _, _ = stack
    call = media_pb2_grpc.FrameSourceStub(channel).Frames(iter([media_pb2.FrameDemand(until_sample=13)]))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_missing_renderer_is_unavailable(stack: Any) -> None:
    channel, _, upstream = stack
    await upstream.stop(0)
    call = media_pb2_grpc.FrameSourceStub(channel).Frames(iter([media_pb2.FrameDemand(until_sample=1)]))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_leaving_ends_the_call_to_the_renderer(stack: Any) -> None:
    channel, renderer, _ = stack

    async def demands() -> AsyncIterator[media_pb2.FrameDemand]:
        yield media_pb2.FrameDemand(until_sample=1)
        await asyncio.Event().wait()

    call = media_pb2_grpc.FrameSourceStub(channel).Frames(demands())
    await call.read()
    assert renderer.open == 1
    call.cancel()
    for _ in range(500):
        if renderer.open == 0:
            break
        await asyncio.sleep(0.01)
    assert renderer.open == 0


async def test_stills_and_overlay(stack: Any) -> None:
    channel, _, _ = stack
    stub = postfx_pb2_grpc.PostFxStub(channel)
    pixels = (picture() * 255).astype(np.uint8)
    still = postfx_pb2.Still(width=WIDTH, height=HEIGHT, channels=3, pixels=pixels.tobytes())
    answer = await stub.Grade(still)
    assert (answer.width, answer.height, answer.channels) == (WIDTH, HEIGHT, 3)
    assert answer.pixels != still.pixels
    overlay = await stub.GetOverlay(postfx_pb2.OverlayRequest(width=512, height=512))
    assert overlay.enabled
    assert len(overlay.badge.pixels) == overlay.badge.width * overlay.badge.height * 4
    bare = await stub.GetOverlay(postfx_pb2.OverlayRequest(width=512, height=512), metadata=(("persona-id", "bare"),))
    assert not bare.enabled


@pytest.mark.parametrize(
    ("request_", "persona", "status"),
    [
        (postfx_pb2.Still(width=2, height=2, channels=3, pixels=b"x" * 11), "iris", grpc.StatusCode.INVALID_ARGUMENT),
        (postfx_pb2.Still(width=1, height=1, channels=1, pixels=b"x"), "iris", grpc.StatusCode.INVALID_ARGUMENT),
        (postfx_pb2.Still(channels=3), "iris", grpc.StatusCode.INVALID_ARGUMENT),
        (postfx_pb2.Still(width=1, height=1, channels=3, pixels=b"xyz"), "nobody", grpc.StatusCode.NOT_FOUND),
        (postfx_pb2.Still(width=1, height=1, channels=3, pixels=b"xyz"), "../iris", grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_bad_stills(stack: Any, request_: postfx_pb2.Still, persona: str, status: grpc.StatusCode) -> None:
    channel, _, _ = stack
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await postfx_pb2_grpc.PostFxStub(channel).Grade(request_, metadata=(("persona-id", persona),))
    assert caught.value.code() is status
