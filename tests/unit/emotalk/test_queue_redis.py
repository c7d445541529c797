"""What the queue on Redis does when Redis, a gateway or an answer is lost."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from flashback.errors import InvalidInput, MissingEngine, NotFound, Unavailable
from services.emotalk.jobs import Chunk, JobQueue, QueueState
from services.emotalk.queue import open_queue
from services.emotalk.settings import EmoTalkSettings
from services.emotalk.statistics import Statistics
from tests.fakes.emotalk_jobs import chunk, chunks, job, same
from tests.fakes.redis_server import RedisServer

redis = pytest.importorskip("redis")

from services.emotalk.queue.redis_streams import RedisQueue  # noqa: E402

Open = Callable[..., Awaitable[RedisQueue]]


@pytest.fixture
async def open_(redis_server: RedisServer) -> AsyncIterator[Open]:
    """Opens the same queue as from another process each time."""
    opened: list[RedisQueue] = []

    async def opening(**settings: object) -> RedisQueue:
        ours = {"redis_url": redis_server.url, "redis_prefix": "test", "reclaim_s": 0.3, "retry_delay_s": 0, **settings}
        queue = await open_queue(EmoTalkSettings.model_validate(ours), Statistics())
        assert isinstance(queue, RedisQueue)
        opened.append(queue)
        return queue

    yield opening
    for queue in opened:
        await queue.close()


async def read(queue: JobQueue, job_id: str) -> list[Chunk]:
    return [made async for made in queue.results(job_id)]


async def work(queue: RedisQueue, worker: str = "w") -> None:
    """Does the next job."""
    taken = await queue.take(worker)
    for made in chunks(taken.job)[taken.stored :]:
        assert await queue.store(taken, made)


class Answers:
    """Loses the answers to scripts, though Redis ran them: the connection breaks just then."""

    def __init__(self, queue: RedisQueue) -> None:
        self._client = queue._link.client
        self._evalsha = self._client.evalsha
        self.lost = 0

    @contextlib.contextmanager
    def lose(self, number: int = 1) -> Any:
        left = number

        async def evalsha(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            answer = await self._evalsha(*args, **kwargs)
            if left:
                left -= 1
                self.lost += 1
                raise redis.exceptions.ConnectionError("connection reset")
            return answer

        self._client.evalsha = evalsha
        yield
        self._client.evalsha = self._evalsha


async def test_taken_in_here_worked_on_there_read_here(open_: Open) -> None:
    gateway, other_gateway, worker = await open_(), await open_(), await open_()
    for at, name in ((gateway, "a"), (other_gateway, "b")):
        await at.submit(job(name))
    readings = asyncio.gather(read(gateway, "a"), read(other_gateway, "b"))
    await work(worker)
    await work(worker)
    assert [same(got, chunks(job(name))) for got, name in zip(await readings, "ab", strict=True)] == [True, True]


async def test_nothing_is_left_of_what_was_read(open_: Open, redis_client: Any) -> None:
    queue = await open_()
    for name in "abc":
        await queue.submit(job(name))
    await work(queue)
    await queue.fail(await queue.take("w"), InvalidInput("no"))
    for _ in range(3):
        await queue.retry(await queue.take("w"), "boom")
    assert same(await read(queue, "a"), chunks(job("a")))
    for name in "bc":
        with pytest.raises(Exception, match="no|boom"):
            await read(queue, name)
    left = sorted(await redis_client.keys("*"))
    assert left == ["{test}:jobs", "{test}:pace", "{test}:parked", "{test}:workers"]
    assert await redis_client.xlen("{test}:jobs") == 0
    await queue.leave("w")
    assert [c["name"] for c in await redis_client.xinfo_consumers("{test}:jobs", "workers") if c["name"] == "w"] == []


async def test_what_belongs_to_a_job_expires(open_: Open, redis_client: Any) -> None:
    queue = await open_(result_ttl_s=50)
    await queue.submit(job("a"))
    await queue.store(await queue.take("w"), chunk(job("a"), 0))
    for key in ("{test}:job:a", "{test}:audio:a", "{test}:results:a"):
        assert 0 < await redis_client.ttl(key) <= 50


async def test_a_job_does_not_expire_while_its_caller_waits(open_: Open) -> None:
    queue = await open_(result_ttl_s=0.4)
    await queue.submit(job("a"))
    reading = asyncio.create_task(read(queue, "a"))
    await asyncio.sleep(1.2)
    await work(queue)
    assert same(await reading, chunks(job("a")))


async def test_a_job_whose_gateway_died_is_left_to_expire(open_: Open) -> None:
    gateway, worker = await open_(result_ttl_s=0.3), await open_()
    await gateway.submit(job("abandoned"))
    await gateway.close()
    await asyncio.sleep(0.5)
    await worker.submit(job("next"))
    assert (await worker.take("w")).job.id == "next"
    assert (await worker.state()).waiting == 0


async def test_a_submission_whose_answer_was_lost_is_one_job(open_: Open) -> None:
    queue = await open_()
    await queue.state()
    with (answers := Answers(queue)).lose(2):
        assert await queue.submit(job("a")) == 0
    assert answers.lost == 2
    assert await queue.state() == QueueState(1, 0, 100, 0)


async def test_a_beginning_whose_answer_was_lost_is_one_try(open_: Open) -> None:
    queue = await open_(reclaim_s=30)
    await queue.submit(job("a"))
    found = await queue._next("w")
    assert found
    with (answers := Answers(queue)).lose(3):
        taken = await queue._begin("w", *found)
    assert answers.lost == 3
    assert taken
    assert (taken.try_number, taken.reclaimed) == (1, False)


async def test_a_chunk_whose_answer_was_lost_is_there_once(open_: Open) -> None:
    queue = await open_()
    await queue.submit(job("a"))
    taken = await queue.take("w")
    for made in chunks(taken.job):
        with Answers(queue).lose():
            assert await queue.store(taken, made)
    assert same(await read(queue, "a"), chunks(job("a")))


async def test_a_failure_whose_answer_was_lost_is_one_failure(open_: Open) -> None:
    queue = await open_(tries=2)
    await queue.submit(job("a"))
    with Answers(queue).lose():
        assert not await queue.retry(await queue.take("w"), "boom")
    assert (await queue.take("w")).try_number == 2


async def test_a_caller_that_leaves_while_it_submits_leaves_no_job(open_: Open) -> None:
    queue, other = await open_(), await open_()
    with Answers(queue).lose(1000):
        submitting = asyncio.create_task(queue.submit(job("a")))
        while not (await other.state()).waiting:
            await asyncio.sleep(0.01)
        submitting.cancel()
        await asyncio.gather(submitting, return_exceptions=True)
    while (await other.state()).waiting:
        await asyncio.sleep(0.01)
    with pytest.raises(NotFound):
        await read(queue, "a")


async def test_what_a_leaving_worker_was_given_but_never_heard_of_goes_to_others(open_: Open) -> None:
    queue = await open_(reclaim_s=60)
    for name in "ab":
        await queue.submit(job(name))
    await queue._next("leaving")
    entry = await queue._next("leaving")
    assert entry
    await queue._begin("leaving", *entry)
    await queue.leave("leaving")
    taken = [await queue.take("w") for _ in "ab"]
    assert [(t.job.id, t.try_number) for t in taken] == [("a", 1), ("b", 1)]


async def test_a_reader_that_leaves_does_not_spoil_the_connection(open_: Open) -> None:
    queue = await open_(reclaim_s=4)
    for name in "ab":
        await queue.submit(job(name))
    for _ in range(20):
        leaving = [asyncio.create_task(read(queue, name)) for name in "ab"]
        await asyncio.sleep(0.005)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
    assert await queue.state() == QueueState(2, 0, 100, 0)
    await queue.submit(job("c"))
    for name in "abc":
        await work(queue)
        assert same(await read(queue, name), chunks(job(name)))


async def test_many_readers_at_a_time_are_not_taken_for_a_lost_redis(
    open_: Open, caplog: pytest.LogCaptureFixture
) -> None:
    queue = await open_(queue_size=150)
    names = [f"{number}" for number in range(150)]
    for name in names:
        await queue.submit(job(name, chunks=1))
    readings = [asyncio.create_task(read(queue, name)) for name in names]
    await asyncio.sleep(0.1)
    for _ in names:
        await work(queue)
    for name, got in zip(names, await asyncio.gather(*readings), strict=True):
        assert same(got, chunks(job(name, chunks=1)))
    assert "queue lost" not in caplog.text


async def test_redis_killed_and_started_again_while_all_wait(open_: Open, redis_server: RedisServer) -> None:
    queue = await open_()
    await queue.submit(job("a"))
    first = await queue.take("w")
    await queue.store(first, chunk(first.job, 0))
    reading = asyncio.create_task(read(queue, "a"))
    taking = asyncio.create_task(queue.take("v"))
    submitting = asyncio.create_task(queue.submit(job("b")))
    await asyncio.sleep(0.1)
    redis_server.kill()
    storing = asyncio.create_task(queue.store(first, chunk(first.job, 1)))
    await asyncio.sleep(0.3)
    redis_server.start()
    await submitting
    assert await storing
    await queue.store(first, chunk(first.job, 2))
    assert same(await reading, chunks(job("a")))
    taken = await taking
    assert taken.job.id == "b"
    for made in chunks(taken.job):
        await queue.store(taken, made)
    assert same(await read(queue, "b"), chunks(job("b")))


async def test_while_redis_is_away_no_worker_is_taken_for_dead(
    open_: Open, redis_server: RedisServer, redis_client: Any
) -> None:
    await redis_client.config_set("appendfsync", "always")
    queue = await open_(reclaim_s=2.0)
    await queue.submit(job("a"))
    taken = await queue.take("w")
    redis_server.kill()
    await asyncio.sleep(2.2)
    redis_server.start()
    newcomer = await open_(reclaim_s=2.0)
    others = [asyncio.create_task(queue.take("v")), asyncio.create_task(newcomer.take("x"))]
    await asyncio.sleep(0.5)
    assert await queue.keep(taken)
    assert not any(other.done() for other in others)
    for other in others:
        other.cancel()
    for made in chunks(taken.job):
        assert await queue.store(taken, made)


async def test_a_job_that_redis_forgot_is_submitted_again(open_: Open, redis_client: Any) -> None:
    gateway, worker = await open_(), await open_()
    await gateway.submit(job("a"))
    await gateway.submit(job("b"))
    readings = asyncio.gather(read(gateway, "a"), read(gateway, "b"))
    taken = await worker.take("w")
    await worker.store(taken, chunk(taken.job, 0))
    await asyncio.sleep(0.1)
    await redis_client.flushall()
    assert not await worker.store(taken, chunk(taken.job, 1))
    await work(worker)
    await work(worker)
    assert [same(got, chunks(job(name))) for got, name in zip(await readings, "ab", strict=True)] == [True, True]


async def test_a_worker_that_waits_survives_a_flush(open_: Open, redis_client: Any) -> None:
    queue = await open_()
    taking = asyncio.create_task(queue.take("w"))
    await asyncio.sleep(0.1)
    await redis_client.flushall()
    await queue.submit(job("a"))
    assert (await taking).job.id == "a"


async def test_audio_that_was_evicted_counts_as_a_lost_job(open_: Open, redis_client: Any) -> None:
    queue = await open_()
    await queue.submit(job("a"))
    await redis_client.delete("{test}:audio:a")
    reading = asyncio.create_task(read(queue, "a"))
    await work(queue)
    assert same(await reading, chunks(job("a")))


async def die(queue: RedisQueue, process: str) -> str:
    """A worker takes a job and is not heard of again."""
    return (await queue.take(f"{process}-0")).job.id


@pytest.mark.parametrize("stored", [1, 2])
async def test_results_that_were_evicted_count_as_a_lost_job(open_: Open, redis_client: Any, stored: int) -> None:
    """Before the final chunk and after it: neither a gap nor a wait without end."""
    queue = await open_()
    submitted = job("a", chunks=2)
    await queue.submit(submitted)
    taken = await queue.take("w")
    for made in chunks(submitted)[:stored]:
        await queue.store(taken, made)
    await redis_client.delete("{test}:results:a")
    reading = asyncio.create_task(read(queue, "a"))
    assert not await queue.store(taken, chunks(submitted)[-1])
    await work(queue)
    assert same(await asyncio.wait_for(reading, 10), chunks(submitted))


@pytest.mark.parametrize(("other_deaths", "tries", "begun_in_all"), [(0, 2, 6), (3, 2, 3 + 6), (9, 1, 4 + 3)])
async def test_where_workers_die_without_it_too_a_job_is_forgiven_but_not_for_ever(
    open_: Open, redis_client: Any, other_deaths: int, tries: int, begun_in_all: int
) -> None:
    queue = await open_(reclaim_s=0.1, tries=tries)
    seconds, _ = await redis_client.time()
    for number in range(other_deaths):
        await redis_client.zadd("{test}:deaths", {f"other{number}": seconds * 1000})
    await queue.submit(job("a"))
    reading = asyncio.create_task(read(queue, "a"))
    begun = 0
    while not reading.done():
        taking = asyncio.create_task(queue.take(f"pod-{begun}-0"))
        await asyncio.wait({taking, reading}, return_when=asyncio.FIRST_COMPLETED)
        taking.cancel()
        begun += int(not taking.cancelled() and taking.done())
        await asyncio.gather(taking, return_exceptions=True)
    with pytest.raises(Exception, match="put aside"):
        await reading
    assert begun == begun_in_all


async def test_neighbours_that_die_in_the_same_process_excuse_nobody(open_: Open) -> None:
    queue = await open_(reclaim_s=0.6, tries=1)
    names = ["poison", "neighbour0", "neighbour1"]
    for name in names:
        await queue.submit(job(name))
    for process in ("pod0", "pod1"):
        assert [(await queue.take(f"{process}-{number}")).job.id for number in range(3)] == names
        await asyncio.sleep(0.8)
    assert await die(queue, "pod2") == "poison"
    for _ in range(2):
        await work(queue, "alive-0")
    await asyncio.sleep(0.8)
    await queue.submit(job("next"))
    assert (await queue.take("alive-0")).job.id == "next"
    assert [parked.job_id for parked in await queue.parked()] == ["poison"]
    for name in names[1:]:
        assert same(await read(queue, name), chunks(job(name)))


async def test_queues_of_another_prefix_are_apart(open_: Open) -> None:
    ours, theirs = await open_(), await open_(redis_prefix="other")
    await ours.submit(job("a"))
    await theirs.submit(job("b"))
    assert (await theirs.take("w")).job.id == "b"
    assert (await ours.state()).waiting == 1


async def test_consumers_of_workers_long_dead_are_removed(open_: Open, redis_client: Any) -> None:
    queue = await open_()
    await queue.submit(job("a"))
    await queue.take("dead")
    await redis_client.zadd("{test}:workers", {"dead": 1})
    await work(queue, "alive")
    await queue.submit(job("b"))
    await work(queue, "alive")
    names = {consumer["name"] for consumer in await redis_client.xinfo_consumers("{test}:jobs", "workers")}
    assert "dead" not in names
    assert "alive" in names
    assert await redis_client.zrange("{test}:workers", 0, -1) == ["alive"]


async def test_without_redis_at_start_the_error_says_where_it_was_looked_for() -> None:
    settings = EmoTalkSettings(redis_url="redis://somebody:secret@127.0.0.1:1/0", redis_patience_s=0.1)
    with pytest.raises(Unavailable, match="127.0.0.1:1 does not answer") as error:
        await open_queue(settings)
    assert "secret" not in str(error.value)


async def test_without_redis_for_longer_than_the_limit_callers_and_workers_are_told(
    open_: Open, redis_server: RedisServer
) -> None:
    queue = await open_(redis_patience_s=0.2)
    await queue.submit(job("a"))
    taken = await queue.take("w")
    redis_server.kill()
    calls = [queue.submit(job("b")), read(queue, "a"), queue.take("v"), queue.store(taken, chunk(taken.job, 0))]
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(outcome, Unavailable)


async def test_a_redis_that_is_out_of_memory_is_named(open_: Open, redis_client: Any) -> None:
    queue = await open_()
    await redis_client.config_set("maxmemory", 1)
    with pytest.raises(Unavailable, match="out of memory"):
        await queue.submit(job("a"))
    await redis_client.config_set("maxmemory", 0)
    assert await queue.submit(job("a")) == 0


async def test_a_password_that_is_refused_is_said_at_once(open_: Open, redis_client: Any) -> None:
    queue = await open_()
    await redis_client.config_set("requirepass", "secret")
    await queue._link.client.connection_pool.disconnect()
    with pytest.raises(Unavailable, match="refuses"):
        await queue.state()


async def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="REDIS_URL"):
        await open_queue(EmoTalkSettings(redis_url="somewhere"))


async def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("services.emotalk.queue.redis_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(MissingEngine, match="queue-redis"):
        await open_queue(EmoTalkSettings(redis_url="redis://127.0.0.1:1"))
