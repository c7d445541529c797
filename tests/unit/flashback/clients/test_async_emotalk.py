from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from flashback.clients import AsyncEmoTalk, CancelSpeech, LiveFrames, SpokenPiece
from flashback.errors import FlashbackError, Full, InvalidInput, Unavailable
from tests.fakes.emotalk import FakeEmoTalk, weights

TENTH = bytes(4800)
"""100 ms of silence: three frames."""


@pytest.fixture
async def client(emotalk: FakeEmoTalk) -> AsyncIterator[AsyncEmoTalk]:
    async with AsyncEmoTalk(emotalk.address) as opened:
        yield opened


async def said(*pieces: Any) -> AsyncIterator[Any]:
    for piece in pieces:
        if isinstance(piece, Exception):
            raise piece
        yield piece


async def listed(frames: AsyncIterator[LiveFrames]) -> list[LiveFrames]:
    return [part async for part in frames]


async def test_a_file_becomes_chunks_of_frames(emotalk: FakeEmoTalk, client: AsyncEmoTalk, tmp_path: Path) -> None:
    emotalk.answer(3, 2)
    file = tmp_path / "voice.wav"
    file.write_bytes(b"RIFF")
    chunks = [chunk async for chunk in client.process_audio_file(file, person_id=5)]
    assert [(c["chunk_index"], len(c["frames"]), c["is_final"]) for c in chunks] == [(0, 3, False), (1, 2, True)]
    assert chunks[1]["frames"][0]["blendshapes"] == weights(3)
    assert (emotalk.requests[0].audio_data, emotalk.requests[0].person_id) == (b"RIFF", 5)


async def test_chunks_come_while_the_rest_is_still_computed(emotalk: FakeEmoTalk, client: AsyncEmoTalk) -> None:
    emotalk.answer(3, emotalk.hold, 2)
    chunks = client.process_audio(b"x")
    assert len((await anext(chunks))["frames"]) == 3
    emotalk.hold.set()
    assert len((await anext(chunks))["frames"]) == 2


@pytest.mark.parametrize("how", ["closed", "cancelled"])
async def test_an_abandoned_recording_is_cancelled(emotalk: FakeEmoTalk, client: AsyncEmoTalk, how: str) -> None:
    emotalk.answer(1, emotalk.hold, 1)
    chunks = client.process_audio(b"x")
    await anext(chunks)
    if how == "closed":
        await chunks.aclose()
    else:
        waiting = asyncio.create_task(anext(chunks))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(5):
        await emotalk.left.wait()


async def test_waits_for_a_full_service_only_when_asked(emotalk: FakeEmoTalk) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with AsyncEmoTalk(emotalk.address, sleep=sleep) as client:
        emotalk.answer(Full("Server is busy, queue is full.", 7))
        with pytest.raises(Full) as caught:
            await anext(client.process_audio(b"x"))
        assert (caught.value.retry_after_s, pauses) == (7, [])
        emotalk.answer(Full("Server is busy, queue is full.", 7))
        emotalk.answer(4)
        chunks = [chunk async for chunk in client.process_audio(b"x", wait=True)]
    assert pauses == [7]
    assert len(chunks[0]["frames"]) == 4


async def test_errors_are_typed(emotalk: FakeEmoTalk, client: AsyncEmoTalk, tmp_path: Path) -> None:
    emotalk.answer(InvalidInput("Not audio."))
    with pytest.raises(InvalidInput, match="Not audio"):
        await anext(client.process_audio(b"x"))
    with pytest.raises(InvalidInput, match="emotion_level"):
        client.process_audio(b"x", emotion_level=7)
    with pytest.raises(InvalidInput, match="cannot be read"):
        await anext(client.process_audio_file(tmp_path / "gone.wav"))


async def test_nobody_there(tmp_path: Path) -> None:
    async with AsyncEmoTalk(f"unix:{tmp_path}/nobody.sock") as client:
        with pytest.raises(Unavailable):
            await anext(client.process_audio(b"x"))
        with pytest.raises(Unavailable):
            await client.describe()
        assert await client.health_check() is False


async def test_health_and_description(client: AsyncEmoTalk) -> None:
    assert await client.health_check() is True
    assert (await client.describe())["layout"] == "arkit-52-alphabetical"


async def test_bare_bytes_are_one_sentence(emotalk: FakeEmoTalk, client: AsyncEmoTalk) -> None:
    parts = await listed(client.animate(said(TENTH, TENTH[:2000], TENTH[2000:]), person_id=3, post_processing=False))
    frames = [frame for part in parts for frame in part["frames"]]
    assert [f["frame_number"] for f in frames] == list(range(6))
    assert frames[5]["timecode"] == pytest.approx(5 / 30)
    assert frames[5]["blendshapes"] == weights(5)
    assert [part["is_final"] for part in parts] == [False, False, False, True]
    (start,) = emotalk.live.starts
    assert (start.person_id, start.post_processing) == (3, False)
    assert start.session_id


async def test_frames_come_while_speech_goes_on(client: AsyncEmoTalk) -> None:
    more = asyncio.Event()

    async def speech() -> AsyncIterator[bytes]:
        yield TENTH
        await more.wait()
        yield TENTH

    async with aclosing(client.animate(speech())) as frames:
        assert len((await anext(frames))["frames"]) == 3
        more.set()
        assert (await anext(frames))["frames"][0]["frame_number"] == 3


async def test_turns_sentences_and_cancels(emotalk: FakeEmoTalk, client: AsyncEmoTalk) -> None:
    first = SpokenPiece(TENTH, "t", 4, 0, last=True, emotion="joy", valence=0.5, arousal=0.25)
    parts = await listed(client.animate(said(first, CancelSpeech(5), SpokenPiece(TENTH, "u", 5, 1, last=True))))
    assert [(p["turn_id"], p["generation"], p["sentence"], p["is_final"]) for p in parts] == [
        ("t", 4, 0, True),
        ("u", 5, 1, True),
    ]
    assert emotalk.live.cancels == [5]
    piece = emotalk.live.pieces[0]
    assert (piece.emotion.label, piece.emotion.valence, piece.emotion.arousal) == ("joy", 0.5, 0.25)


async def test_long_pieces_are_divided(emotalk: FakeEmoTalk, client: AsyncEmoTalk) -> None:
    long = bytes(range(256)) * 12_000
    await listed(client.animate(said(SpokenPiece(long, last=True))))
    assert b"".join(p.audio for p in emotalk.live.pieces) == long
    assert [p.last for p in emotalk.live.pieces] == [False, False, True]


async def test_live_refusals_are_typed(emotalk: FakeEmoTalk, client: AsyncEmoTalk) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield TENTH
            await asyncio.sleep(0)

    emotalk.live.refusal = Full("All live streams are taken.", 4)
    with pytest.raises(Full, match="live streams") as caught:
        await listed(client.animate(endless()))
    assert caught.value.retry_after_s == 4
    with pytest.raises(InvalidInput, match="person_id"):
        await listed(client.animate(said(TENTH), person_id=24))


@pytest.mark.parametrize("fault", [InvalidInput("Half a sample."), ZeroDivisionError("x")])
async def test_a_fault_in_the_speech_is_the_callers(
    emotalk: FakeEmoTalk, client: AsyncEmoTalk, fault: Exception
) -> None:
    with pytest.raises(type(fault)) as caught:
        await listed(client.animate(said(TENTH, fault)))
    assert caught.value is fault
    async with asyncio.timeout(5):
        await emotalk.live.ended.wait()


async def test_half_a_sample_is_refused(client: AsyncEmoTalk) -> None:
    with pytest.raises(InvalidInput, match="whole samples"):
        await listed(client.animate(said(b"123")))


async def test_leaving_live_speech_cancels_it(emotalk: FakeEmoTalk, client: AsyncEmoTalk) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield TENTH
            await asyncio.sleep(0.01)

    async with aclosing(client.animate(endless())) as frames:
        await anext(frames)
    async with asyncio.timeout(5):
        await emotalk.live.ended.wait()


async def test_a_stream_that_ends_before_the_speech_is_an_error(emotalk: FakeEmoTalk, client: AsyncEmoTalk) -> None:
    emotalk.live.breaks_off = True
    never = asyncio.Event()

    async def speech() -> AsyncIterator[bytes]:
        yield TENTH
        await never.wait()

    with pytest.raises(FlashbackError, match="before the speech had ended"):
        async with asyncio.timeout(5):
            await listed(client.animate(speech()))
