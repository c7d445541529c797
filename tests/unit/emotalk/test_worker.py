"""What workers do with a recording, and with what may happen to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from flashback.errors import FlashbackError, InvalidInput, NotFound
from services.emotalk.jobs import Chunk, Job, JobQueue, QueueState
from services.emotalk.queue.memory import MemoryQueue
from services.emotalk.queue.work import Limits, Taken, Unreachable
from services.emotalk.settings import EmoTalkSettings
from services.emotalk.statistics import Statistics
from services.emotalk.worker import Animate, WorkerPool
from tests.fakes.emotalk_jobs import Animator, chunk, chunks, job, same

LIMITS = Limits(size=100, tries=3, reclaim_s=0.3, retry_delay_s=0.0, ttl_s=60.0)


@pytest.fixture
def counts() -> Statistics:
    return Statistics()


@pytest.fixture
def queue(counts: Statistics) -> MemoryQueue:
    return MemoryQueue(LIMITS, counts)


Pool = Callable[..., WorkerPool]


@pytest.fixture
async def pool(queue: MemoryQueue, counts: Statistics) -> AsyncIterator[Pool]:
    """Starts workers; they stop with the test."""
    started: list[WorkerPool] = []

    def start(animate: Animate, of: MemoryQueue | None = None, **settings: object) -> WorkerPool:
        ours = {"reclaim_s": LIMITS.reclaim_s, "stop_grace_s": 0.0, "worker_name": f"pool{len(started)}", **settings}
        made = WorkerPool(of or queue, animate, EmoTalkSettings.model_validate(ours), counts)
        made.start()
        started.append(made)
        return made

    yield start
    for made in started:
        await made.stop()


async def read(queue: JobQueue, job_id: str) -> list[Chunk]:
    return [made async for made in queue.results(job_id)]


class Gated(Animator):
    """Waits before each chunk until `open`. inside: ids of the tries that run, and `together` the most at a time."""

    def __init__(self) -> None:
        super().__init__(self._wait)
        self.open = asyncio.Event()
        self.inside: list[str] = []
        self.together = 0
        self.arrived = asyncio.Event()

    async def __call__(self, of: Job) -> AsyncIterator[Chunk]:
        self.inside.append(of.id)
        self.together = max(self.together, len(self.inside))
        self.arrived.set()
        try:
            async for made in super().__call__(of):
                yield made
        finally:
            self.inside.remove(of.id)

    async def _wait(self) -> None:
        await self.open.wait()

    async def holds(self, number: int) -> None:
        """Until so many tries run."""
        while len(self.inside) < number:
            self.arrived.clear()
            await self.arrived.wait()


async def test_recordings_are_served_in_order_and_equal_to_what_was_made(
    queue: MemoryQueue, pool: Pool, counts: Statistics
) -> None:
    animator = Animator()
    for name in "abcd":
        await queue.submit(job(name))
    pool(animator, num_workers=1)
    for name in "abcd":
        assert same(await read(queue, name), chunks(job(name)))
    assert animator.begun == ["a", "b", "c", "d"]
    assert (counts.served, counts.begun, counts.dropped) == (4, 4, 0)


async def test_as_many_run_at_a_time_as_there_are_workers(queue: MemoryQueue, pool: Pool) -> None:
    gated = Gated()
    for name in "abcde":
        await queue.submit(job(name))
    pool(gated, num_workers=3)
    await gated.holds(3)
    assert await queue.state() == QueueState(waiting=2, running=3, size=100, workers=3)
    gated.open.set()
    for name in "abcde":
        assert len(await read(queue, name)) == 3
    assert gated.together == 3


@pytest.mark.parametrize("error", [InvalidInput("This is not audio."), NotFound("No such voice.")])
async def test_an_error_that_the_recording_brings_is_not_tried_again(
    queue: MemoryQueue, pool: Pool, counts: Statistics, error: FlashbackError
) -> None:
    begun: list[str] = []

    async def animate(of: Job) -> AsyncIterator[Chunk]:
        begun.append(of.id)
        yield chunk(of, 0)
        raise error

    await queue.submit(job("a"))
    pool(animate)
    with pytest.raises(type(error), match=error.message):
        await read(queue, "a")
    assert begun == ["a"]
    assert (counts.failed, counts.retried, counts.parked) == (1, 0, 0)


async def test_a_try_that_fails_is_followed_by_another_and_nothing_comes_twice(
    queue: MemoryQueue, pool: Pool, counts: Statistics
) -> None:
    failing = [RuntimeError("out of memory"), RuntimeError("out of memory")]

    async def animate(of: Job) -> AsyncIterator[Chunk]:
        for made in chunks(of):
            if made.index == 1 and failing:
                raise failing.pop()
            yield made

    await queue.submit(job("a"))
    pool(animate)
    assert same(await read(queue, "a"), chunks(job("a")))
    assert (counts.retried, counts.served, counts.parked) == (2, 1, 0)


async def test_a_recording_that_always_fails_is_parked_and_the_others_go_on(
    queue: MemoryQueue, pool: Pool, counts: Statistics
) -> None:
    animator = Animator()

    async def animate(of: Job) -> AsyncIterator[Chunk]:
        if of.id == "poison":
            raise ValueError("shape (3, 4)")
        async for made in animator(of):
            yield made

    for name in ("a", "poison", "b"):
        await queue.submit(job(name))
    pool(animate)
    with pytest.raises(FlashbackError, match=r"failed 3 times and was put aside \(ValueError: shape \(3, 4\)\)"):
        await read(queue, "poison")
    for name in "ab":
        assert same(await read(queue, name), chunks(job(name)))
    assert (counts.parked, counts.served) == (1, 2)


async def test_frames_without_an_end_are_a_failure(queue: MemoryQueue, pool: Pool) -> None:
    async def animate(of: Job) -> AsyncIterator[Chunk]:
        yield chunk(of, 0)

    await queue.submit(job("a"))
    pool(animate)
    with pytest.raises(FlashbackError, match="without a final chunk"):
        await read(queue, "a")


async def test_a_cancelled_recording_stops_and_frees_its_worker(
    queue: MemoryQueue, pool: Pool, counts: Statistics
) -> None:
    gated = Gated()
    for name in "ab":
        await queue.submit(job(name))
    pool(gated, num_workers=1)
    await gated.holds(1)
    await queue.cancel("a")
    reading = asyncio.create_task(read(queue, "b"))
    while "b" not in gated.inside:
        await asyncio.sleep(0.01)
    assert gated.together == 1
    gated.open.set()
    assert same(await reading, chunks(job("b")))
    assert counts.dropped == 1


async def test_long_work_is_not_taken_for_death(queue: MemoryQueue, pool: Pool, counts: Statistics) -> None:
    gated = Gated()
    await queue.submit(job("a"))
    pool(gated, num_workers=2)
    await gated.holds(1)
    await asyncio.sleep(3 * LIMITS.reclaim_s)
    assert gated.inside == ["a"]
    gated.open.set()
    assert same(await read(queue, "a"), chunks(job("a")))
    assert counts.reclaimed == 0


async def test_what_a_dead_worker_stored_is_not_stored_again(queue: MemoryQueue, pool: Pool) -> None:
    await queue.submit(job("a"))
    dead = await queue.take("dead")
    await queue.store(dead, chunk(dead.job, 0))
    pool(Animator())
    assert same(await read(queue, "a"), chunks(job("a")))


async def test_at_a_stop_work_is_handed_back_without_losing_a_try(
    queue: MemoryQueue, pool: Pool, counts: Statistics
) -> None:
    gated = Gated()
    await queue.submit(job("a"))
    stopping = pool(gated)
    await gated.holds(1)
    await stopping.stop()
    assert gated.inside == []
    assert (await queue.state()).workers == 0
    taken = await queue.take("w")
    assert (taken.job.id, taken.try_number, taken.reclaimed) == ("a", 1, False)
    assert counts.retried == 0


async def test_at_a_stop_work_may_be_finished_within_the_grace_and_nothing_more_is_begun(
    queue: MemoryQueue, pool: Pool
) -> None:
    gated = Gated()
    for name in "ab":
        await queue.submit(job(name))
    pool_of_one = pool(gated, num_workers=1, stop_grace_s=30.0)
    await gated.holds(1)
    stopping = asyncio.create_task(pool_of_one.stop())
    await asyncio.sleep(0)
    gated.open.set()
    await stopping
    assert same(await read(queue, "a"), chunks(job("a")))
    assert gated.begun == ["a"]


async def test_a_last_try_is_alone_so_that_it_takes_no_other_recording_with_it(queue: MemoryQueue, pool: Pool) -> None:
    for name in ("suspect", "neighbour", "later"):
        await queue.submit(job(name))
    for _ in range(2):
        failing = await queue.take("w")
        assert failing.job.id == "suspect"
        await queue.retry(failing, "boom")
    gated = Gated()
    beside: list[list[str]] = []

    async def animate(of: Job) -> AsyncIterator[Chunk]:
        async for made in gated(of):
            if of.id == "suspect":
                beside.append(list(gated.inside))
            yield made

    pool(animate, num_workers=3)
    await gated.holds(1)
    gated.open.set()
    for name in ("suspect", "neighbour", "later"):
        assert same(await read(queue, name), chunks(job(name)))
    assert beside == [["suspect"]] * 3


class Unreliable(MemoryQueue):
    """Does not answer `failures` times, whatever is asked of it while work is at hand."""

    failures = 0
    left = 0

    async def store(self, taken: Taken, chunk: Chunk) -> bool:
        self._maybe()
        return await super().store(taken, chunk)

    async def take(self, worker: str) -> Taken:
        self._maybe()
        return await super().take(worker)

    async def leave(self, worker: str) -> None:
        self.left += 1
        await super().leave(worker)

    def _maybe(self) -> None:
        if self.failures:
            self.failures -= 1
            raise Unreachable("The queue's Redis does not answer.")


async def test_a_queue_that_does_not_answer_is_asked_again(
    pool: Pool, counts: Statistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.emotalk.worker.PAUSE_S", 0.01)
    unreliable = Unreliable(LIMITS, counts)
    unreliable.failures = 3
    await unreliable.submit(job("a"))
    pool(Animator(), unreliable, num_workers=1)
    assert same(await read(unreliable, "a"), chunks(job("a")))
    assert counts.parked == counts.retried == 0
    assert unreliable.left >= 3
