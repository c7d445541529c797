"""Counters, the line in the log, and the metrics page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from flashback.errors import FlashbackError, Unavailable
from services.emotalk.jobs import QueueState
from services.emotalk.metrics import MetricsPage, exposition
from services.emotalk.statistics import BOUNDS_S, Histogram, Reporter, Statistics

STATE = QueueState(waiting=3, running=2, size=100, workers=4)


async def state() -> QueueState:
    return STATE


async def lost() -> QueueState:
    raise Unavailable("The queue's Redis does not answer.")


def filled() -> Statistics:
    counts = Statistics(submitted=7, served=5, rejected=1)
    for seconds in (0.04, 0.05, 3.0, 5000.0):
        counts.wait.observe(seconds)
    counts.service.observe(2.0)
    return counts


def test_a_histogram_counts_up_to_and_including_its_bounds() -> None:
    histogram = Histogram()
    for seconds in (0.0, BOUNDS_S[0], BOUNDS_S[0] + 0.001, BOUNDS_S[-1] + 1):
        histogram.observe(seconds)
    assert (histogram.counts[0], histogram.counts[1], histogram.counts[-1]) == (2, 1, 1)
    assert histogram.count == 4


def test_a_snapshot_has_gauges_counters_and_mean_times() -> None:
    snapshot = filled().snapshot(STATE)
    assert (snapshot["depth"], snapshot["running"], snapshot["workers"]) == (3, 2, 4)
    assert (snapshot["submitted"], snapshot["served"], snapshot["rejected"]) == (7, 5, 1)
    assert snapshot["service_ms"] == 2000.0
    assert Statistics().snapshot(STATE)["wait_ms"] == 0.0


class Ticks:
    """A sleep that ends when the test says so; keeps how long it was to last."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.tick = asyncio.Event()
        self.asleep = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.asleep.set()
        await self.tick.wait()
        self.tick.clear()

    async def once(self) -> None:
        await self.asleep.wait()
        self.asleep.clear()
        self.tick.set()
        await self.asleep.wait()


async def test_a_line_is_logged_every_interval_and_goes_on_when_the_queue_does_not_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    ticks = Ticks()
    states = [state, lost, state]

    async def in_turn() -> QueueState:
        return await states.pop(0)()

    reporter = Reporter(filled(), in_turn, 30.0, ticks)
    reporter.start()
    for _ in range(3):
        await ticks.once()
    await reporter.close()
    assert set(ticks.asked) == {30.0}
    lines = [record for record in caplog.records if "Stats" in record.message]
    assert [line.levelname for line in lines] == ["INFO", "WARNING", "INFO"]
    assert (vars(lines[0])["depth"], vars(lines[0])["served"]) == (3, 5)


def test_the_page_is_prometheus_text() -> None:
    lines = exposition(filled(), STATE).splitlines()
    assert "flashback_emotalk_queue_depth 3" in lines
    assert "flashback_emotalk_served_total 5" in lines
    assert 'flashback_emotalk_wait_seconds_bucket{le="0.05"} 2' in lines
    assert 'flashback_emotalk_wait_seconds_bucket{le="1000.0"} 3' in lines
    assert 'flashback_emotalk_wait_seconds_bucket{le="+Inf"} 4' in lines
    assert "flashback_emotalk_wait_seconds_count 4" in lines
    named = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(named) == len(set(named))
    assert exposition(filled(), STATE).endswith("\n")


def test_without_the_queue_the_page_says_so_and_still_counts() -> None:
    page = exposition(filled(), None)
    assert "flashback_emotalk_up 0" in page
    assert "queue_depth" not in page
    assert "flashback_emotalk_served_total 5" in page


@pytest.fixture
async def port() -> AsyncIterator[int]:
    page = MetricsPage(filled(), state, "127.0.0.1", 0)
    yield await page.start()
    await page.close()


async def ask(port: int, request: str) -> tuple[str, str]:
    """Head and body of what is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{request}\r\nHost: here\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


async def test_the_page_is_served(port: int) -> None:
    head, body = await ask(port, "GET /metrics HTTP/1.1")
    assert head.startswith("HTTP/1.1 200 OK")
    assert "text/plain; version=0.0.4" in head
    assert f"Content-Length: {len(body.encode())}" in head
    assert body == exposition(filled(), STATE)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [("GET / HTTP/1.1", "404"), ("POST /metrics HTTP/1.1", "405"), ("HEAD /metrics HTTP/1.1", "200"), ("x", "404")],
)
async def test_other_requests(port: int, request_line: str, status: str) -> None:
    head, body = await ask(port, request_line)
    assert head.split()[1] == status
    assert (body == "") == request_line.startswith("HEAD")


async def test_a_client_that_leaves_or_says_too_much_hurts_nobody(port: int) -> None:
    _, leaving = await asyncio.open_connection("127.0.0.1", port)
    leaving.close()
    reader, endless = await asyncio.open_connection("127.0.0.1", port)
    endless.write(b"GET /" + b"x" * 100_000)
    assert await reader.read() == b""
    endless.close()
    head, _ = await ask(port, "GET /metrics HTTP/1.1")
    assert head.startswith("HTTP/1.1 200 OK")


async def test_a_port_that_is_taken_is_named(port: int) -> None:
    with pytest.raises(FlashbackError, match=f"127.0.0.1:{port}"):
        await MetricsPage(filled(), state, "127.0.0.1", port).start()
