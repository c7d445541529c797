"""One microphone: events, words, memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from flashback.errors import InvalidInput
from services.ears.endpointing import CHUNK_SAMPLES, End, Onset, Policy
from services.ears.engine import Recogniser
from services.ears.session import MAX_MESSAGE_BYTES, EarEvent, EarSession, Words
from services.ears.voice_activity import VoiceActivity
from tests.unit.ears.fakes import QUIET, VOICE, CountingRecogniser, loudness_detector

POLICY = Policy(onset=3, pause=4, silence=10, longest=100)
PRE_ROLL = 5


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


class Listener:
    """A session, and what it said."""

    def __init__(self, workers: ThreadPoolExecutor, recogniser: Recogniser | None) -> None:
        self.events: list[EarEvent] = []
        self.session = EarSession(
            "s",
            POLICY,
            PRE_ROLL,
            4,
            VoiceActivity(loudness_detector),
            lambda: recogniser,
            workers,
            self.events.append,
        )

    async def final(self) -> Words:
        for _ in range(500):
            for event in self.events:
                if isinstance(event, Words) and event.final:
                    return event
            await asyncio.sleep(0.01)
        raise AssertionError("no final transcript")

    def turns(self) -> list[EarEvent]:
        return [event for event in self.events if not isinstance(event, Words)]


async def test_a_question_gives_onset_partials_end_and_one_final(workers: ThreadPoolExecutor) -> None:
    listener = Listener(workers, CountingRecogniser())
    await listener.session.push(QUIET * 20 + VOICE * 30)
    await asyncio.sleep(0.1)
    await listener.session.push(QUIET * 10)
    final = await listener.final()
    assert listener.turns() == [
        Onset(20 * CHUNK_SAMPLES, 23 * CHUNK_SAMPLES),
        End(50 * CHUNK_SAMPLES, 60 * CHUNK_SAMPLES),
    ]
    assert any(isinstance(event, Words) and not event.final for event in listener.events)
    assert [event.final for event in listener.events if isinstance(event, Words)].count(True) == 1
    assert final.heard.alternatives == ("other",)


async def test_the_recogniser_gets_the_pre_roll_and_everything_after(workers: ThreadPoolExecutor) -> None:
    recogniser = CountingRecogniser()
    listener = Listener(workers, recogniser)
    await listener.session.push(QUIET * 20 + VOICE * 30 + QUIET * 10)
    await listener.final()
    fed = recogniser.opened[-1].audio
    assert fed.startswith(QUIET * PRE_ROLL + VOICE * 30)
    assert len(fed) <= len(QUIET * (PRE_ROLL + 40))


async def test_words_are_worked_out_in_the_pause_and_kept_when_the_turn_ends(workers: ThreadPoolExecutor) -> None:
    recogniser = CountingRecogniser()
    listener = Listener(workers, recogniser)
    await listener.session.push(VOICE * 20 + QUIET * 5)
    while recogniser.finished == 0:
        await asyncio.sleep(0.01)
    assert listener.turns() == [Onset(0, 3 * CHUNK_SAMPLES)]
    await listener.session.push(QUIET * 5)
    await listener.final()
    assert recogniser.finished == 1


async def test_going_on_after_a_pause_hears_the_whole_question_again(workers: ThreadPoolExecutor) -> None:
    recogniser = CountingRecogniser()
    listener = Listener(workers, recogniser)
    await listener.session.push(VOICE * 20 + QUIET * 6)
    while recogniser.finished == 0:
        await asyncio.sleep(0.01)
    await listener.session.push(VOICE * 20 + QUIET * 10)
    await listener.final()
    assert len(recogniser.opened) == 2
    assert recogniser.opened[1].audio.startswith(VOICE * 20 + QUIET * 6 + VOICE * 20)
    assert all(utterance.closed for utterance in recogniser.opened)


@pytest.mark.parametrize("recogniser", [None, CountingRecogniser(fails=True)])
async def test_without_words_there_is_still_an_onset_an_end_and_an_empty_final(
    workers: ThreadPoolExecutor, recogniser: Recogniser | None
) -> None:
    listener = Listener(workers, recogniser)
    await listener.session.push(VOICE * 20 + QUIET * 10)
    assert (await listener.final()).heard.text == ""
    assert [type(turn) for turn in listener.turns()] == [Onset, End]


async def test_a_recogniser_that_fails_early_has_its_final_after_the_end(workers: ThreadPoolExecutor) -> None:
    listener = Listener(workers, CountingRecogniser(fails=True))
    await listener.session.push(QUIET * 20 + VOICE * 30)
    await asyncio.sleep(0.1)
    assert [type(event) for event in listener.events] == [Onset]
    await listener.session.push(QUIET * 10)
    await listener.final()
    assert [type(event) for event in listener.events] == [Onset, End, Words]


async def test_an_utterance_is_not_closed_while_it_is_fed(workers: ThreadPoolExecutor) -> None:
    recogniser = CountingRecogniser()
    recogniser.go_on.clear()
    listener = Listener(workers, recogniser)
    await listener.session.push(QUIET * 20 + VOICE * 30)
    await asyncio.to_thread(recogniser.feeding.wait, 5)
    closing = asyncio.create_task(listener.session.close())
    await asyncio.sleep(0.05)
    recogniser.go_on.set()
    await closing
    await asyncio.to_thread(workers.shutdown)
    assert [(u.closed, u.closed_while_fed) for u in recogniser.opened] == [(True, False)]


async def test_messages_of_any_size_give_the_same(workers: ThreadPoolExecutor) -> None:
    sound = QUIET * 7 + VOICE * 12 + QUIET * 10
    whole, cut = Listener(workers, None), Listener(workers, None)
    await whole.session.push(sound)
    for first in range(0, len(sound), 334):
        await cut.session.push(sound[first : first + 334])
    assert whole.turns() == cut.turns()
    assert whole.turns()


@pytest.mark.parametrize("audio", [b"x", b"\0" * 641, b"\0" * (MAX_MESSAGE_BYTES + 2)])
async def test_impossible_messages_are_refused(workers: ThreadPoolExecutor, audio: bytes) -> None:
    with pytest.raises(InvalidInput):
        await Listener(workers, None).session.push(audio)


async def test_an_empty_message_is_nothing(workers: ThreadPoolExecutor) -> None:
    listener = Listener(workers, None)
    await listener.session.push(b"")
    assert listener.events == []


async def test_ten_minutes_of_silence_keep_only_the_pre_roll(workers: ThreadPoolExecutor) -> None:
    listener = Listener(workers, CountingRecogniser())
    for _ in range(60):
        await listener.session.push(b"\0" * MAX_MESSAGE_BYTES)
    assert listener.events == []
    assert listener.session.held_bytes() <= (PRE_ROLL + POLICY.onset + 1) * len(QUIET)


async def test_a_vanished_microphone_ends_the_open_turn(workers: ThreadPoolExecutor) -> None:
    listener = Listener(workers, CountingRecogniser())
    await listener.session.push(VOICE * 20)
    listener.session.microphone_gone()
    assert (await listener.final()).heard.text.endswith("chunks")
    assert [type(turn) for turn in listener.turns()] == [Onset, End]


async def test_close_leaves_no_task_behind(workers: ThreadPoolExecutor) -> None:
    recogniser = CountingRecogniser()
    listener = Listener(workers, recogniser)
    before = asyncio.all_tasks()
    await listener.session.push(VOICE * 20)
    await asyncio.sleep(0.05)
    await listener.session.close()
    assert asyncio.all_tasks() == before
    assert all(utterance.closed for utterance in recogniser.opened)
