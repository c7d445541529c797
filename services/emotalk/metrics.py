"""The metrics page: counters, gauges and histograms in Prometheus's text format 0.0.4, over plain HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from flashback.errors import FlashbackError
from services.emotalk.jobs import QueueState
from services.emotalk.statistics import BOUNDS_S, Histogram, Statistics

log = logging.getLogger(__name__)

PREFIX = "flashback_emotalk"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REQUEST_S = 5.0
"""How long a client may take to ask."""

_COUNTERS = {
    "submitted": "Recordings accepted.",
    "rejected": "Recordings refused because the queue was full.",
    "cancelled": "Recordings whose caller left.",
    "begun": "Tries begun.",
    "served": "Recordings whose last frame was stored.",
    "failed": "Recordings that ended with an error of their own.",
    "retried": "Tries that failed and were followed by another.",
    "parked": "Recordings put aside after their last try.",
    "reclaimed": "Recordings taken over from a silent worker.",
    "dropped": "Recordings given up while at work.",
}
_GAUGES = {
    "depth": "Recordings waiting.",
    "running": "Recordings being worked on.",
    "size": "Recordings that may wait.",
    "workers": "Workers alive.",
}


def exposition(statistics: Statistics, state: QueueState | None) -> str:
    """The page. state: None while the queue does not answer; its gauges are left out then."""
    return "\n".join([*_lines(statistics, state), ""])


def _lines(statistics: Statistics, state: QueueState | None) -> Iterator[str]:
    yield from _metric("up", "gauge", "1 when the queue answers.", int(state is not None))
    if state:
        values = {"depth": state.waiting, "running": state.running, "size": state.size, "workers": state.workers}
        for name, help_text in _GAUGES.items():
            yield from _metric(f"queue_{name}", "gauge", help_text, values[name])
    for name, count in statistics.counters().items():
        yield from _metric(f"{name}_total", "counter", _COUNTERS[name], count)
    yield from _histogram("wait_seconds", "From submission to the first try.", statistics.wait)
    yield from _histogram("service_seconds", "From the beginning of a try to its last frame.", statistics.service)


def _metric(name: str, kind: str, help_text: str, value: int) -> Iterator[str]:
    yield f"# HELP {PREFIX}_{name} {help_text}"
    yield f"# TYPE {PREFIX}_{name} {kind}"
    yield f"{PREFIX}_{name} {value}"


def _histogram(name: str, help_text: str, histogram: Histogram) -> Iterator[str]:
    yield f"# HELP {PREFIX}_{name} {help_text}"
    yield f"# TYPE {PREFIX}_{name} histogram"
    below = 0
    for bound, count in zip([*map(str, BOUNDS_S), "+Inf"], histogram.counts, strict=True):
        below += count
        yield f'{PREFIX}_{name}_bucket{{le="{bound}"}} {below}'
    yield f"{PREFIX}_{name}_sum {histogram.total_s:.6f}"
    yield f"{PREFIX}_{name}_count {histogram.count}"


class MetricsPage:
    """GET /metrics, from start() to close(). `port` 0 leaves the choice to the system; start() answers which it is."""

    def __init__(
        self, statistics: Statistics, state: Callable[[], Awaitable[QueueState]], host: str, port: int
    ) -> None:
        self._statistics = statistics
        self._state = state
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """The port. Raises FlashbackError when the address is taken."""
        try:
            self._server = await asyncio.start_server(self._serve, self._host, self._port, limit=8192)
        except OSError as error:
            raise FlashbackError(
                f"The metrics page cannot listen on {self._host}:{self._port}; set FLASHBACK_EMOTALK_METRICS_PORT."
            ) from error
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(head.split(b"\r\n", 1)[0].decode("latin-1")))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            log.debug("metrics request given up")
        finally:
            writer.close()

    async def _answer(self, request: str) -> bytes:
        method, _, rest = request.partition(" ")
        path = rest.split(" ")[0].split("?")[0]
        if path != "/metrics":
            return _response("404 Not Found", "The page is /metrics.\n")
        if method not in ("GET", "HEAD"):
            return _response("405 Method Not Allowed", "Only GET and HEAD.\n", "Allow: GET, HEAD\r\n")
        body = exposition(self._statistics, await self._queue())
        return _response("200 OK", body, with_body=method == "GET")

    async def _queue(self) -> QueueState | None:
        try:
            async with asyncio.timeout(REQUEST_S / 2):
                return await self._state()
        except (FlashbackError, TimeoutError):
            return None


def _response(status: str, body: str, more: str = "", with_body: bool = True) -> bytes:
    content = body.encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(content)}\r\n"
        f"{more}Connection: close\r\n\r\n"
    )
    return head.encode() + (content if with_body else b"")
