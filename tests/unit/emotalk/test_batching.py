"""Which predictions go together, and what becomes of each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.errors import FlashbackError, InvalidInput, Unavailable
from services.emotalk.batching import LIVE_IN_A_ROW, LIVE_LATELY_S, Batcher, Policy
from services.emotalk.engine import EngineInfo, Utterance, Weights
from tests.unit.emotalk.predictors import loudness


def policy(max_batch: int = 3, budget: int = 100, wait_s: float = 0.0) -> Policy[str]:
    return Policy(max_batch, budget, wait_s)


def add(to: Policy[str], *names: str, samples: int = 10, live: bool = False, now: float = 0.0) -> None:
    for name in names:
        to.add(name, samples, live, now)


def all_batches(of: Policy[str], now: float = 0.0) -> list[list[str]]:
    return list(iter(lambda: of.next(now), []))


def test_first_come_first_served_up_to_what_the_engine_takes() -> None:
    waiting = policy(max_batch=3)
    add(waiting, *"abcde")
    assert all_batches(waiting) == [["a", "b", "c"], ["d", "e"]]


def test_live_speech_goes_before_recordings_and_not_beside_them() -> None:
    waiting = policy()
    add(waiting, "r1", "r2")
    add(waiting, "l1", "l2", live=True)
    assert all_batches(waiting) == [["l1", "l2"], ["r1"], ["r2"]]


def test_recordings_go_together_again_once_live_speech_is_over() -> None:
    waiting = policy()
    add(waiting, "l", live=True)
    assert waiting.next(0.0) == ["l"]
    add(waiting, "r1", "r2", "r3")
    assert waiting.next(LIVE_LATELY_S - 0.1) == ["r1"], "more live speech may come while this one is at work"
    assert waiting.next(LIVE_LATELY_S) == ["r2", "r3"]


def test_a_batch_keeps_to_its_budget_and_a_longer_utterance_goes_alone() -> None:
    waiting = policy(budget=100)
    for name, samples in (("a", 60), ("b", 40), ("c", 500), ("d", 50), ("e", 60)):
        add(waiting, name, samples=samples)
    assert all_batches(waiting) == [["a", "b"], ["c"], ["d"], ["e"]]


def test_recordings_do_not_starve_while_live_speech_never_ends() -> None:
    waiting = policy(max_batch=2)
    add(waiting, "r1", "r2")
    batches = []
    for number in range(3 * (LIVE_IN_A_ROW + 1)):
        add(waiting, f"l{number}a", f"l{number}b", live=True)
        batches.append(waiting.next(0.0))
    turns = [number for number, batch in enumerate(batches) if batch[0].startswith("r")]
    assert turns == [LIVE_IN_A_ROW, 2 * LIVE_IN_A_ROW + 1]
    assert [batches[turn] for turn in turns] == [["r1"], ["r2"]]


def test_what_no_longer_waits_is_left_out() -> None:
    waiting = policy()
    add(waiting, *"abc")
    waiting.remove("b")
    waiting.remove("never there")
    assert all_batches(waiting) == [["a", "c"]]


def test_a_batch_waits_a_little_for_company_but_not_when_it_is_full() -> None:
    waiting = policy(max_batch=2, wait_s=0.5)
    assert waiting.due_in_s(0.0) is None
    add(waiting, "a", now=10.0)
    assert waiting.due_in_s(10.1) == pytest.approx(0.4)
    assert waiting.due_in_s(11.0) == 0.0
    add(waiting, "b", now=10.1)
    assert waiting.due_in_s(10.1) == 0.0


def test_an_engine_that_takes_one_at_a_time_waits_for_nobody() -> None:
    waiting = policy(max_batch=1, wait_s=0.5)
    add(waiting, "a", now=10.0)
    assert waiting.due_in_s(10.0) == 0.0


@given(
    st.lists(st.tuples(st.integers(1, 200), st.booleans()), max_size=40),
    st.integers(1, 6),
    st.integers(1, 300),
)
def test_each_goes_once_in_order_within_its_kind_and_within_the_limits(
    asked: list[tuple[int, bool]], max_batch: int, budget: int
) -> None:
    waiting: Policy[int] = Policy(max_batch, budget)
    for number, (samples, live) in enumerate(asked):
        waiting.add(number, samples, live, 0.0)
    batches: list[list[int]] = list(iter(lambda: waiting.next(0.0), []))
    gone = [number for batch in batches for number in batch]
    for kind in (False, True):
        of_kind = [number for number in range(len(asked)) if asked[number][1] is kind]
        assert [number for number in gone if asked[number][1] is kind] == of_kind
    for batch in batches:
        assert len(batch) <= max_batch
        assert len(batch) == 1 or sum(asked[number][0] for number in batch) <= budget
        assert len({asked[number][1] for number in batch}) == 1


class Engine:
    """Loudness, behind a gate. heard: the lengths of each batch's utterances. Refuses utterances of `bad` samples."""

    def __init__(self, max_batch: int = 4) -> None:
        self.info = EngineInfo("gated", "cpu", max_batch, max_seconds=60.0, context_s=1.0, lookahead_s=0.1)
        self.heard: list[list[int]] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.at_work = threading.Event()
        self.bad: int | None = None
        self.answers_missing = 0

    def predict(self, utterances: Sequence[Utterance]) -> list[Weights]:
        self.heard.append([len(utterance.samples) for utterance in utterances])
        self.threads.add(threading.get_ident())
        self.at_work.set()
        assert self.gate.wait(10)
        if self.bad in self.heard[-1]:
            raise InvalidInput("This utterance is not for me.")
        answers = [loudness(utterance) for utterance in utterances]
        return answers[: len(answers) - self.answers_missing]

    def close(self) -> None: ...

    async def busy(self) -> None:
        """Until a batch is at work behind the gate."""
        await asyncio.to_thread(self.at_work.wait, 10)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.gate.set()


@pytest.fixture
async def batcher(engine: Engine) -> AsyncIterator[Batcher]:
    made = Batcher(engine, batch_s=1.0)
    made.start()
    yield made
    engine.gate.set()
    await made.close()


def speech(samples: int) -> Utterance:
    return Utterance(np.linspace(0, 1, samples, dtype=np.float32))


async def behind_a_batch(engine: Engine, batcher: Batcher, ask: Callable[[], list[asyncio.Task[Weights]]]) -> None:
    """Has `ask` called while the engine is busy, and lets go of the engine when all of it waits."""
    engine.gate.clear()
    first = asyncio.create_task(batcher.predict(speech(999)))
    await engine.busy()
    tasks = ask()
    await asyncio.sleep(0)
    engine.gate.set()
    await asyncio.gather(first, *tasks, return_exceptions=True)


async def test_everyone_gets_the_answer_to_its_own_utterance(engine: Engine, batcher: Batcher) -> None:
    lengths = [800, 1600, 2400, 3200, 4000]
    answers = await asyncio.gather(*(batcher.predict(speech(n)) for n in lengths))
    for length, answer in zip(lengths, answers, strict=True):
        assert np.array_equal(answer, loudness(speech(length)))


async def test_of_what_waits_while_the_engine_is_busy_live_speech_goes_first_and_together(
    engine: Engine, batcher: Batcher
) -> None:
    def ask() -> list[asyncio.Task[Weights]]:
        asked = [(1000, False), (500, True), (1001, False), (501, True)]
        return [asyncio.create_task(batcher.predict(speech(n), live)) for n, live in asked]

    await behind_a_batch(engine, batcher, ask)
    assert engine.heard == [[999], [500, 501], [1000], [1001]]
    assert len(engine.threads) == 1


async def test_whoever_leaves_while_waiting_is_left_out(engine: Engine, batcher: Batcher) -> None:
    engine.gate.clear()
    first = asyncio.create_task(batcher.predict(speech(999)))
    await engine.busy()
    leaving, staying = (asyncio.create_task(batcher.predict(speech(n))) for n in (1000, 1001))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    engine.gate.set()
    await asyncio.gather(first, staying)
    assert engine.heard == [[999], [1001]]


async def test_leaving_while_the_batch_is_at_work_hurts_no_neighbour(engine: Engine, batcher: Batcher) -> None:
    engine.gate.clear()
    leaving = asyncio.create_task(batcher.predict(speech(1000)))
    await engine.busy()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    engine.gate.set()
    assert len(await batcher.predict(speech(1600))) == 3


async def test_one_bad_utterance_fails_alone(engine: Engine, batcher: Batcher) -> None:
    engine.bad = 1001
    tasks: list[asyncio.Task[Weights]] = []

    def ask() -> list[asyncio.Task[Weights]]:
        tasks.extend(asyncio.create_task(batcher.predict(speech(n))) for n in (1000, 1001, 1002))
        return tasks

    await behind_a_batch(engine, batcher, ask)
    assert engine.heard == [[999], [1000, 1001, 1002], [1000], [1001], [1002]]
    assert np.array_equal(tasks[0].result(), loudness(speech(1000)))
    assert np.array_equal(tasks[2].result(), loudness(speech(1002)))
    assert isinstance(tasks[1].exception(), InvalidInput)


async def test_an_engine_that_answers_too_little_is_an_error_and_not_silence(engine: Engine, batcher: Batcher) -> None:
    engine.answers_missing = 1
    with pytest.raises(FlashbackError, match="0 answers to 1"):
        await batcher.predict(speech(1000))


async def test_after_close_whoever_waits_and_whoever_comes_is_told(engine: Engine, batcher: Batcher) -> None:
    engine.gate.clear()
    waiting = [asyncio.create_task(batcher.predict(speech(n))) for n in (999, 1000)]
    await engine.busy()
    await batcher.close()
    for task in waiting:
        with pytest.raises(Unavailable):
            await task
    with pytest.raises(Unavailable):
        await batcher.predict(speech(1000))


async def test_a_batch_fills_while_it_waits_for_company(engine: Engine) -> None:
    patient = Batcher(engine, wait_s=30.0)
    patient.start()
    answers = await asyncio.gather(*(patient.predict(speech(800 + n)) for n in range(engine.info.max_batch)))
    assert len(answers) == engine.info.max_batch
    assert engine.heard == [[800, 801, 802, 803]]
    await patient.close()
