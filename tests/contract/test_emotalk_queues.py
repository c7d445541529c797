"""What every queue of the EmoTalk service must do: within one process, and on Redis."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
import pytest

from flashback.errors import Full, InvalidInput, NotFound, Unavailable
from services.emotalk.engine import CHANNELS
from services.emotalk.jobs import Chunk, QueueState
from services.emotalk.queue import open_queue
from services.emotalk.queue.work import DEATHS_A_TRY, Queue, Taken
from services.emotalk.settings import EmoTalkSettings
from services.emotalk.statistics import Statistics
from tests.fakes.emotalk_jobs import chunk, chunks, job, same

RECLAIM_S = 0.3
_numbers = itertools.count()

Open = Callable[..., Awaitable[Queue]]


@pytest.fixture(params=["memory", "redis"])
async def open_(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """Opens a queue with the settings given, empty at the first call of a test."""
    url = request.getfixturevalue("module_redis").url if request.param == "redis" else ""
    prefix = f"test:{next(_numbers)}"
    opened: list[Queue] = []

    async def opening(statistics: Statistics | None = None, **settings: object) -> Queue:
        ours = {"redis_url": url, "redis_prefix": prefix, "reclaim_s": RECLAIM_S, "retry_delay_s": 0.0, **settings}
        opened.append(await open_queue(EmoTalkSettings.model_validate(ours), statistics))
        return opened[-1]

    yield opening
    for queue in opened:
        await queue.close()


@pytest.fixture
async def queue(open_: Open) -> Queue:
    return await open_()


async def read(queue: Queue, job_id: str) -> list[Chunk]:
    return [made async for made in queue.results(job_id)]


async def finish(queue: Queue, taken: Taken) -> None:
    for made in chunks(taken.job)[taken.stored :]:
        assert await queue.store(taken, made)


async def fail_silently(queue: Queue, times: int) -> None:
    """Takes the next job so many times, as workers do that die right afterwards."""
    for number in range(times):
        await queue.take(f"dead{number}-0")


async def test_a_job_gives_its_chunks_in_order_and_is_forgotten_when_read(queue: Queue) -> None:
    await queue.submit(job("a", chunks=4))
    taken = await queue.take("w")
    assert taken.job == job("a", chunks=4)
    await finish(queue, taken)
    assert same(await read(queue, "a"), chunks(job("a", chunks=4)))
    with pytest.raises(NotFound):
        await read(queue, "a")
    assert await queue.state() == QueueState(waiting=0, running=0, size=100, workers=1)


async def test_chunks_are_read_as_they_are_stored(queue: Queue) -> None:
    await queue.submit(job("a"))
    taken = await queue.take("w")
    results = queue.results("a")
    for made in chunks(taken.job):
        await queue.store(taken, made)
        assert same([await anext(results)], [made])
    assert [left async for left in results] == []


async def test_a_reader_that_came_first_gets_what_is_stored_later(queue: Queue) -> None:
    await queue.submit(job("a"))
    reading = asyncio.create_task(read(queue, "a"))
    await asyncio.sleep(0)
    await finish(queue, await queue.take("w"))
    assert same(await reading, chunks(job("a")))


async def test_a_chunk_without_frames_may_be_the_final_one(queue: Queue) -> None:
    await queue.submit(job("a", chunks=1))
    empty = Chunk(0, 0, np.zeros((0, CHANNELS), np.float32), final=True)
    await queue.store(await queue.take("w"), empty)
    assert same(await read(queue, "a"), [empty])


async def test_first_in_first_out_and_how_many_are_ahead(queue: Queue) -> None:
    assert [await queue.submit(job(name)) for name in "abc"] == [0, 1, 2]
    assert [(await queue.take("w")).job.id for _ in "abc"] == ["a", "b", "c"]
    assert await queue.submit(job("d")) == 3


async def test_a_worker_that_waits_gets_the_job_that_comes(queue: Queue) -> None:
    taking = asyncio.create_task(queue.take("w"))
    await asyncio.sleep(0)
    await queue.submit(job("a"))
    assert (await taking).job.id == "a"


async def test_two_workers_never_get_the_same_job(queue: Queue) -> None:
    taking = [asyncio.create_task(queue.take(f"w{n}")) for n in range(4)]
    for name in "abcd":
        await queue.submit(job(name))
    assert sorted(taken.job.id for taken in await asyncio.gather(*taking)) == ["a", "b", "c", "d"]


async def test_a_full_queue_says_who_is_ahead_and_when_to_come_again(open_: Open) -> None:
    queue = await open_(queue_size=2)
    await queue.submit(job("a"))
    await queue.submit(job("b"))
    with pytest.raises(Full, match="^Server is busy, queue is full: 2 recordings are ahead") as refused:
        await queue.submit(job("c"))
    assert refused.value.retry_after_s >= 1
    assert (await queue.state()).waiting == 2
    await queue.take("w")
    assert await queue.submit(job("c")) == 2


async def test_a_job_submitted_twice_is_one_job_even_when_the_queue_is_full(open_: Open) -> None:
    queue = await open_(queue_size=2)
    assert [await queue.submit(job(name)) for name in ("a", "b", "b", "a")] == [0, 1, 1, 0]
    assert (await queue.state()).waiting == 2


async def test_a_cancelled_job_frees_its_place_and_is_never_taken(open_: Open) -> None:
    queue = await open_(queue_size=2)
    for name in "ab":
        await queue.submit(job(name))
    await queue.cancel("a")
    assert await queue.submit(job("c")) == 1
    assert [(await queue.take("w")).job.id for _ in "bc"] == ["b", "c"]
    with pytest.raises(NotFound, match="cancelled"):
        await read(queue, "a")


async def test_cancelling_what_is_at_work_stops_it_after_its_chunk(queue: Queue) -> None:
    await queue.submit(job("a"))
    taken = await queue.take("w")
    await queue.store(taken, chunk(taken.job, 0))
    await queue.cancel("a")
    assert not await queue.keep(taken)
    assert not await queue.store(taken, chunk(taken.job, 1))
    assert (await queue.state()).running == 0
    with pytest.raises(NotFound, match="cancelled"):
        await read(queue, "a")


async def test_a_reader_hears_that_its_job_was_cancelled(queue: Queue) -> None:
    await queue.submit(job("a"))
    results = queue.results("a")
    taken = await queue.take("w")
    await queue.store(taken, chunk(taken.job, 0))
    await anext(results)
    await queue.cancel("a")
    with pytest.raises(NotFound, match="cancelled"):
        await anext(results)


async def test_unknown_jobs_are_cancelled_without_a_word_but_not_read(queue: Queue) -> None:
    await queue.cancel("nobody")
    with pytest.raises(NotFound):
        await read(queue, "nobody")


async def test_a_cancelled_id_may_be_used_again(queue: Queue) -> None:
    await queue.submit(job("a"))
    await queue.cancel("a")
    await queue.submit(job("a", seed=2))
    await finish(queue, await queue.take("w"))
    assert same(await read(queue, "a"), chunks(job("a", seed=2)))


async def test_a_chunk_stored_twice_is_there_once(queue: Queue) -> None:
    await queue.submit(job("a"))
    taken = await queue.take("w")
    for made in chunks(taken.job):
        assert await queue.store(taken, made)
        assert await queue.store(taken, made)
    assert same(await read(queue, "a"), chunks(job("a")))


async def test_a_silent_worker_loses_its_job_and_can_no_longer_touch_it(queue: Queue) -> None:
    await queue.submit(job("a"))
    old = await queue.take("silent")
    await queue.store(old, chunk(old.job, 0))
    new = await queue.take("other")
    assert (new.job.id, new.stored, new.reclaimed) == ("a", 1, True)
    assert not await queue.keep(old)
    assert not await queue.store(old, chunk(old.job, 1))
    await queue.fail(old, InvalidInput("too late"))
    assert not await queue.retry(old, "too late")
    await finish(queue, new)
    assert same(await read(queue, "a"), chunks(job("a")))


async def test_the_job_of_a_silent_worker_goes_before_younger_ones(queue: Queue) -> None:
    for name in "ab":
        await queue.submit(job(name))
    await queue.take("silent")
    await asyncio.sleep(1.5 * RECLAIM_S)
    assert (await queue.take("other")).job.id == "a"


async def test_a_worker_that_says_it_lives_keeps_its_job(open_: Open) -> None:
    queue = await open_(reclaim_s=1.5)
    await queue.submit(job("a"))
    taken = await queue.take("slow")
    other = asyncio.create_task(queue.take("other"))
    for _ in range(20):
        assert await queue.keep(taken)
        await asyncio.sleep(0.1)
    assert not other.done()
    other.cancel()
    await finish(queue, taken)


async def test_a_job_that_fails_thrice_is_parked_with_its_error(queue: Queue) -> None:
    await queue.submit(job("poison"))
    reading = asyncio.create_task(read(queue, "poison"))
    for number in (1, 2, 3):
        taken = await queue.take("w")
        assert (taken.try_number, taken.last_try) == (number, number == 3)
        assert await queue.retry(taken, f"RuntimeError: boom {number}") is (number == 3)
    with pytest.raises(Exception, match=r"failed 3 times and was put aside \(RuntimeError: boom 3\)"):
        await reading
    assert [(p.job_id, p.error, p.tries) for p in await queue.parked()] == [("poison", "RuntimeError: boom 3", 3)]
    await queue.submit(job("next"))
    assert (await queue.take("w")).job.id == "next"


async def test_a_job_that_is_the_death_of_its_workers_is_parked(open_: Open) -> None:
    counts = Statistics()
    queue = await open_(counts, tries=1)
    await queue.submit(job("poison"))
    await fail_silently(queue, DEATHS_A_TRY)
    await queue.submit(job("next"))
    await asyncio.sleep(1.5 * RECLAIM_S)
    assert (await queue.take("w")).job.id == "next"
    with pytest.raises(Exception, match="put aside .*without a word"):
        await read(queue, "poison")
    assert (counts.begun, counts.reclaimed, counts.parked) == (4, 3, 1)
    assert (await queue.state()).waiting == 0


async def test_deaths_of_workers_weigh_less_than_failures(queue: Queue) -> None:
    await queue.submit(job("a"))
    await queue.retry(await queue.take("w-0"), "boom")
    await fail_silently(queue, DEATHS_A_TRY)
    taken = await queue.take("w-0")
    assert (taken.job.id, taken.try_number, taken.last_try) == ("a", 5, True)
    assert await queue.retry(taken, "boom")


async def test_a_job_that_gets_on_is_not_parked_however_often_its_worker_dies(queue: Queue) -> None:
    whole = job("long", chunks=6)
    await queue.submit(whole)
    for index in range(5):
        taken = await queue.take(f"dying-{index}")
        assert taken.stored == index
        await queue.store(taken, chunk(whole, index))
    await finish(queue, await queue.take("w"))
    assert same(await read(queue, "long"), chunks(whole))


async def test_a_job_handed_back_loses_neither_its_place_nor_a_try(queue: Queue) -> None:
    for name in "ab":
        await queue.submit(job(name))
    for _ in range(5):
        taken = await queue.take("leaving")
        assert (taken.job.id, taken.try_number) == ("a", 1)
        await queue.hand_back(taken)
        assert not await queue.store(taken, chunk(taken.job, 0))
    assert (await queue.take("w")).job.id == "a"


async def test_an_error_of_the_jobs_own_making_ends_it_at_once(queue: Queue) -> None:
    await queue.submit(job("a"))
    taken = await queue.take("w")
    await queue.store(taken, chunk(taken.job, 0))
    await queue.fail(taken, InvalidInput("This is not audio."))
    results = queue.results("a")
    assert (await anext(results)).index == 0
    with pytest.raises(InvalidInput, match="^This is not audio.$"):
        await anext(results)
    assert await queue.state() == QueueState(0, 0, 100, 1)
    assert await queue.parked() == []


async def test_a_job_whose_chunks_were_lost_is_begun_again(queue: Queue) -> None:
    await queue.submit(job("a"))
    taken = await queue.take("w")
    assert not await queue.store(taken, chunk(taken.job, 1))
    again = await queue.take("w")
    assert (again.job.id, again.stored, again.try_number) == ("a", 0, 1)


async def test_a_reader_that_takes_its_time_holds_nobody_up(queue: Queue) -> None:
    for name in "ab":
        await queue.submit(job(name, chunks=5))
    slow = queue.results("a")
    for _ in "ab":
        await finish(queue, await queue.take("w"))
    first = await anext(slow)
    assert same(await read(queue, "b"), chunks(job("b", chunks=5)))
    assert same([first, *[made async for made in slow]], chunks(job("a", chunks=5)))


async def test_results_given_up_may_be_read_from_their_beginning(queue: Queue) -> None:
    await queue.submit(job("a"))
    await finish(queue, await queue.take("w"))
    given_up = queue.results("a")
    await anext(given_up)
    await given_up.aclose()  # type: ignore[attr-defined]
    assert same(await read(queue, "a"), chunks(job("a")))


async def test_what_nobody_asks_for_is_forgotten(open_: Open) -> None:
    queue = await open_(result_ttl_s=0.2)
    await queue.submit(job("a"))
    await finish(queue, await queue.take("w"))
    given_up = queue.results("a")
    await anext(given_up)
    await given_up.aclose()  # type: ignore[attr-defined]
    await asyncio.sleep(0.4)
    await queue.submit(job("b"))
    with pytest.raises(NotFound):
        await read(queue, "a")


async def test_a_worker_that_left_no_longer_counts(queue: Queue) -> None:
    await queue.submit(job("a"))
    await finish(queue, await queue.take("w"))
    await queue.leave("w")
    assert (await queue.state()).workers == 0


async def test_closing_ends_readers_and_workers(queue: Queue) -> None:
    await queue.submit(job("a"))
    await queue.take("w")
    reading = asyncio.create_task(read(queue, "a"))
    taking = asyncio.create_task(queue.take("w"))
    await asyncio.sleep(0.05)
    await queue.close()
    for waiting in (reading, taking):
        with pytest.raises(Unavailable, match="stopping"):
            await waiting


async def test_what_happens_is_counted(open_: Open) -> None:
    counts = Statistics()
    queue = await open_(counts, queue_size=3)
    for name in "abc":
        await queue.submit(job(name))
    with pytest.raises(Full):
        await queue.submit(job("d"))
    await finish(queue, await queue.take("w"))
    await queue.fail(await queue.take("w"), InvalidInput("no"))
    await queue.retry(await queue.take("w"), "boom")
    await queue.cancel("c")
    await queue.cancel("c")
    expected = {"submitted": 3, "rejected": 1, "begun": 3, "served": 1, "failed": 1, "retried": 1, "cancelled": 1}
    assert {name: count for name, count in counts.counters().items() if count} == expected
    assert (counts.wait.count, counts.service.count) == (3, 1)
