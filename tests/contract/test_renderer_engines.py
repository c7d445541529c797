"""What every renderer engine must do, driven over gRPC: one server of each engine, in this process."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest
import pytest_asyncio

from flashback import engines
from flashback.settings import PACKAGE_ROOT
from flashback.v1 import media_pb2, renderer_pb2
from tests.contract.renderer_house import CAPACITY, DEADLINE, House, N, refused, running, until

SMALL_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8ffff3f0005fe02fe0def46b8"
    "0000000049454e44ae426082"
)
"""One white pixel."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=engines.available("renderer"))
async def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    personas = folder / "personas"
    shutil.copytree(PACKAGE_ROOT / "personas" / "iris", personas / "iris")
    shutil.copytree(PACKAGE_ROOT / "personas" / "amon", personas / "amon")
    async with running(request.param, folder) as house:
        yield house


async def test_describes_itself(house: House) -> None:
    described = await house.renderer.Describe(renderer_pb2.DescribeRequest(), timeout=DEADLINE)
    assert described.engine in engines.available("renderer")
    assert (described.width, described.height, described.fps) == (512, 512, 25)
    assert described.capacity == CAPACITY
    assert described.sessions == 0


async def test_frames_are_whole_and_follow_each_other(house: House) -> None:
    session = await house.open()
    frames = await session.take(30)
    assert [f.frame_number for f in frames] == list(range(30))
    assert [f.start_sample for f in frames] == [i * N for i in range(30)]
    assert all(len(f.audio) == 2 * N for f in frames)
    assert all((f.width, f.height, len(f.i420)) == (512, 512, 512 * 512 * 3 // 2) for f in frames)
    assert len({f.i420 for f in frames}) == 30, "no two pictures are the same"
    assert all(not f.speech and f.turn_id == "" and f.state == media_pb2.TURN_STATE_IDLE for f in frames)
    await session.close()


async def test_nothing_is_drawn_beyond_the_credit(house: House) -> None:
    session = await house.open()
    await session.take(4)
    more = asyncio.create_task(session.frames.read())
    await session.obeyed()
    done, _ = await asyncio.wait([more], timeout=0.2)
    assert not done
    await session.frames.write(media_pb2.FrameDemand(until_sample=4 * N + 1))
    assert (await more).frame_number == 4
    await session.close()


async def test_speech_is_tagged_and_reported(house: House) -> None:
    session = await house.open()
    await session.take(3)
    await session.direct.write(
        renderer_pb2.StageCommand(state=renderer_pb2.SetState(state=media_pb2.TURN_STATE_THINKING))
    )
    await session.say(2400, turn="t1", generation=7)
    await session.obeyed()
    frames = await session.take(6)
    started, finished = await session.event(), await session.event()
    assert started.sentence_started == renderer_pb2.SentenceStarted(
        turn_id="t1", sentence=0, start_sample=3 * N, generation=7
    )
    assert finished.turn_finished == renderer_pb2.TurnFinished(turn_id="t1", end_sample=3 * N + 2400)
    assert [f.turn_id for f in frames] == ["t1"] * 3 + [""] * 3
    assert [f.speech for f in frames] == [True] * 3 + [False] * 3
    assert all(f.generation == 7 for f in frames)
    assert frames[0].state == media_pb2.TURN_STATE_SPEAKING
    assert frames[-1].state == media_pb2.TURN_STATE_THINKING
    await session.close()


async def test_a_cancelled_turn_is_over_within_three_frames(house: House) -> None:
    session = await house.open()
    await session.say(48_000, turn="t1", generation=1)
    await session.obeyed()
    assert (await session.take(12))[-1].speech
    await session.cancel(2)
    while not (event := await session.event()).HasField("cancelled"):
        pass
    assert event.cancelled.generation == 2
    assert 12 * N <= event.cancelled.at_sample < 13 * N
    await session.say(4800, turn="t1", generation=1)
    await session.obeyed()
    frames = await session.take(8)
    assert all(not f.speech and f.turn_id == "" for f in frames[1:])
    assert all(f.generation == 2 for f in frames[1:])
    await session.close()


async def test_two_sessions_never_mix(house: House) -> None:
    one, two = await house.open("iris"), await house.open("amon")
    await one.say(9600, turn="one", value=1000)
    await two.say(9600, turn="two", generation=5, value=2000)
    await one.obeyed()
    await two.obeyed()
    for _ in range(5):
        mine, theirs = await asyncio.gather(one.take(2), two.take(2))
        assert {(f.turn_id, f.generation) for f in mine} == {("one", 0)}
        assert {(f.turn_id, f.generation) for f in theirs} == {("two", 5)}
        assert not any(set(np.frombuffer(f.audio, "<i2").tolist()) & {2000} for f in mine)
        assert not any(set(np.frombuffer(f.audio, "<i2").tolist()) & {1000} for f in theirs)
    await one.cancel(1)
    await one.obeyed()
    assert (await two.take(1))[0].turn_id == "", "the ten frames are over"
    await one.close()
    await two.close()


async def test_a_later_viewer_takes_over(house: House) -> None:
    session = await house.open()
    await session.take(3)
    frames = house.source.Frames(timeout=DEADLINE)
    await frames.write(media_pb2.FrameDemand(session_id=session.key, until_sample=6 * N))
    assert [(await frames.read()).frame_number for _ in range(3)] == [3, 4, 5]
    assert await session.frames.read() is grpc.aio.EOF
    frames.cancel()
    await session.close()


@pytest.mark.parametrize(
    ("persona", "code"),
    [
        ("nobody", grpc.StatusCode.NOT_FOUND),
        ("..", grpc.StatusCode.INVALID_ARGUMENT),
        ("../amon", grpc.StatusCode.INVALID_ARGUMENT),
        ("", grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_personas_that_cannot_be_opened(house: House, persona: str, code: grpc.StatusCode) -> None:
    assert (await refused(house.open(persona))).code() is code
    described = await house.renderer.Describe(renderer_pb2.DescribeRequest(), timeout=DEADLINE)
    assert described.sessions == 0


async def test_a_full_house_says_so_and_has_room_again(house: House) -> None:
    sessions = [await house.open() for _ in range(CAPACITY)]
    error = await refused(house.open())
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "retry-after" in dict(error.trailing_metadata() or ())
    await sessions.pop().close()
    sessions.append(await house.open())
    for session in sessions:
        await session.close()


async def test_a_session_is_opened_once(house: House) -> None:
    session = await house.open()
    await session.obeyed()
    assert (await refused(house.open(session=session.key))).code() is grpc.StatusCode.INVALID_ARGUMENT
    await session.close()


async def test_a_director_who_was_cut_off_finds_the_stage_as_it_was(house: House) -> None:
    session = await house.open()
    await session.obeyed()
    await session.take(5)
    session.direct.cancel()
    request = renderer_pb2.OpenStageRequest(session_id=session.key, persona_id="iris")

    async def reopened() -> bool:
        try:
            await house.renderer.OpenStage(request, timeout=DEADLINE)
        except grpc.aio.AioRpcError:
            return False
        return True

    await until(reopened)
    session.direct = house.renderer.Direct(timeout=DEADLINE)
    await session.direct.write(renderer_pb2.StageCommand(attach=renderer_pb2.AttachStage(session_id=session.key)))
    await session.say(960, turn="t")
    await session.obeyed()
    assert [(f.frame_number, f.turn_id) for f in await session.take(2)] == [(5, "t"), (6, "")]
    described = await house.renderer.Describe(renderer_pb2.DescribeRequest(), timeout=DEADLINE)
    assert described.sessions == 1
    await session.close()


async def test_closing_ends_the_streams(house: House) -> None:
    session = await house.open()
    await session.take(2)
    await session.obeyed()
    await house.renderer.CloseStage(renderer_pb2.CloseStageRequest(session_id=session.key), timeout=DEADLINE)
    assert await session.frames.read() is grpc.aio.EOF
    assert await session.direct.read() is grpc.aio.EOF
    frames = house.source.Frames(timeout=DEADLINE)
    await frames.write(media_pb2.FrameDemand(session_id=session.key, until_sample=N))
    assert (await refused(frames.read())).code() is grpc.StatusCode.NOT_FOUND


async def test_an_abandoned_stage_closes_itself_and_a_watched_one_does_not(house: House) -> None:
    left, kept = await house.open(), await house.open()
    await left.take(1)
    left.frames.cancel()
    left.direct.cancel()

    async def one_left() -> bool:
        described = await house.renderer.Describe(renderer_pb2.DescribeRequest(), timeout=DEADLINE)
        return described.sessions == 1

    await until(one_left)
    await kept.take(1)
    await kept.close()


async def test_commands_that_make_no_sense_end_their_stream_only(house: House) -> None:
    session = await house.open()
    await session.direct.write(renderer_pb2.StageCommand(speech=renderer_pb2.SpeechPart(turn_id="t", audio=b"abc")))
    assert (await refused(session.direct.read())).code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(await session.take(2)) == 2
    stranger = house.renderer.Direct(timeout=DEADLINE)
    await stranger.write(renderer_pb2.StageCommand(cancel=renderer_pb2.CancelSpeech(generation=1)))
    assert (await refused(stranger.read())).code() is grpc.StatusCode.INVALID_ARGUMENT
    await session.close()


async def test_a_broken_persona_is_named_and_disturbs_nobody(house: House) -> None:
    described = await house.renderer.Describe(renderer_pb2.DescribeRequest(), timeout=DEADLINE)
    session = await house.open()
    broken = house.home / "personas" / "broken"
    shutil.copytree(house.home / "personas" / "amon", broken)
    (broken / "persona.toml").write_text("name = ")
    assert (await refused(house.open("broken"))).code() is grpc.StatusCode.FAILED_PRECONDITION
    shutil.copy(house.home / "personas" / "amon" / "persona.toml", broken)
    if described.engine == "rig":
        for spoil in (delete, truncate, exchange):
            spoil(broken)
            error = await refused(house.open("broken"))
            assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
            assert "rig.npz" in (error.details() or "") or ".png" in (error.details() or "")
            shutil.rmtree(broken)
            shutil.copytree(house.home / "personas" / "amon", broken)
    mended = await house.open("broken")
    assert len(await mended.take(1)) == 1
    assert len(await session.take(1)) == 1
    await mended.close()
    await session.close()
    shutil.rmtree(broken)


def delete(folder: Path) -> None:
    (folder / "rig.npz").unlink()


def truncate(folder: Path) -> None:
    picture = folder / "portrait.png"
    picture.write_bytes(picture.read_bytes()[:20_000])


def exchange(folder: Path) -> None:
    """A plate of another size than the rig was made for."""
    (folder / "portrait.png").write_bytes(SMALL_PNG)
