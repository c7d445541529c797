from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from flashback.errors import Broken, FlashbackError, Full, InvalidInput, NotFound, TooLarge, Unavailable
from flashback.rpc import QUICK_S, ServiceServer, open_channel, typed_errors, wait_serving
from flashback.v1 import tts_pb2, tts_pb2_grpc

ERRORS: list[FlashbackError] = [
    InvalidInput("a"),
    NotFound("b"),
    Broken("c"),
    Full("d", 7),
    Unavailable("e"),
    TooLarge("f"),
]


class Failing(tts_pb2_grpc.TtsServicer):
    """Raises the error whose index is the text; anything else is a programming error."""

    async def Synthesize(self, request: Any, context: Any) -> AsyncIterator[tts_pb2.SpeechChunk]:  # type: ignore[override]
        yield tts_pb2.SpeechChunk(audio=b"ab")
        raise ERRORS[int(request.text)]

    async def Describe(self, request: Any, context: Any) -> tts_pb2.VoiceDescription:  # type: ignore[override]
        raise ZeroDivisionError("private detail")


@pytest.fixture
async def channel(tmp_path: Path) -> AsyncIterator[grpc.aio.Channel]:
    server = ServiceServer(f"unix:{tmp_path}/s.sock")
    tts_pb2_grpc.add_TtsServicer_to_server(Failing(), server.server)
    server.announce("flashback.v1.Tts")
    await server.start()
    opened = open_channel(server.address)
    yield opened
    await opened.close(None)
    await server.stop(0)


@pytest.mark.parametrize("index", range(len(ERRORS)))
async def test_typed_errors_cross_the_wire(channel: grpc.aio.Channel, index: int) -> None:
    stub = tts_pb2_grpc.TtsStub(channel)
    chunks = []
    with pytest.raises(type(ERRORS[index]), match=ERRORS[index].message) as caught, typed_errors("tts"):
        async for chunk in stub.Synthesize(tts_pb2.SynthesizeRequest(text=str(index)), timeout=QUICK_S):
            chunks.append(chunk)
    assert len(chunks) == 1
    assert type(caught.value) is type(ERRORS[index])
    assert caught.value.from_service
    if isinstance(ERRORS[index], Full):
        assert caught.value.retry_after_s == 7


async def test_full_carries_its_retry_hint(channel: grpc.aio.Channel) -> None:
    call = tts_pb2_grpc.TtsStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text="3"), timeout=QUICK_S)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    assert dict(caught.value.trailing_metadata())["retry-after"] == "7"


async def test_unexpected_errors_do_not_leak_details(
    channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL), pytest.raises(FlashbackError) as caught, typed_errors("tts"):
        await tts_pb2_grpc.TtsStub(channel).Describe(tts_pb2.DescribeVoiceRequest(), timeout=QUICK_S)
    assert "private detail" not in caught.value.message


async def test_health_and_reflection(channel: grpc.aio.Channel) -> None:
    await wait_serving(channel, "tts", 2)
    request = reflection_pb2.ServerReflectionRequest(list_services="")

    async def once() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield request

    call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(once(), timeout=QUICK_S)
    async for answer in call:
        names = {s.name for s in answer.list_services_response.service}
        assert {"flashback.v1.Tts", "grpc.health.v1.Health"} <= names


async def test_a_service_that_never_comes_is_named(tmp_path: Path) -> None:
    opened = open_channel(f"unix:{tmp_path}/nobody.sock")
    with pytest.raises(Unavailable, match="tts"):
        await wait_serving(opened, "tts", 0.2)
    await opened.close(None)


@pytest.mark.parametrize(("limit", "passes"), [(1_000_000, True), (100_000, False)])
async def test_a_service_may_take_messages_of_another_size(tmp_path: Path, limit: int, passes: bool) -> None:
    server = ServiceServer(f"unix:{tmp_path}/s.sock", max_message_bytes=limit)
    tts_pb2_grpc.add_TtsServicer_to_server(Failing(), server.server)
    await server.start()
    try:
        async with open_channel(server.address) as opened:
            call = tts_pb2_grpc.TtsStub(opened).Synthesize(
                tts_pb2.SynthesizeRequest(text="0", persona_id="x" * 500_000), timeout=QUICK_S
            )
            with pytest.raises(InvalidInput if passes else TooLarge), typed_errors("tts"):
                async for _ in call:
                    pass
    finally:
        await server.stop(0)
