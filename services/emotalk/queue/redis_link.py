"""One Redis, and patience with it: calls that may be repeated are, until it answers or a limit is reached."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ClusterDownError,
    ConnectionError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
    TryAgainError,
)

from flashback.errors import InvalidInput, MissingEngine
from services.emotalk.queue.work import STOPPING, Unreachable

log = logging.getLogger(__name__)

OLDEST = (6, 2)
"""The first Redis with XAUTOCLAIM."""

SLICE_S = 1.0
"""Longest a command blocks; a connection is given up when nothing is heard for ANSWER_S, blocking included."""
ANSWER_S = 20.0
CONNECT_S = 3.0
MOST_CONNECTIONS = 10_000
"""As Redis itself allows; the queue's size bounds them."""
LONGEST_STEADY_S = 86_400.0
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0

_PASSING = (ConnectionError, TimeoutError, OSError, ReadOnlyError, ClusterDownError, TryAgainError)
_REFUSING = (AuthenticationError, AuthorizationError)
_TROUBLES = {
    "used memory > 'maxmemory'": "is out of memory",
    "MISCONF": "cannot write to its disk",
}
"""Parts of what Redis says, and what they mean."""
_REPLICA = "write against a read only replica"

T = TypeVar("T")


class Link:
    """A pool of connections, as many as there are commands at a time: blocking ones hold one each."""

    def __init__(self, url: str, patience_s: float, now: Callable[[], float] = time.monotonic) -> None:
        try:
            self.client: Any = Redis.from_url(
                url,
                protocol=2,
                # Each caller that waits for frames holds one; the client's own limit is 100, and an error beyond.
                max_connections=MOST_CONNECTIONS,
                # Not its socket_timeout: that goes through asyncio.wait_for, which on Python 3.11 may swallow a
                # cancellation. `run` has its own limit.
                socket_timeout=None,
                socket_connect_timeout=CONNECT_S,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise InvalidInput(f"FLASHBACK_EMOTALK_REDIS_URL is not usable: {error}.") from error
        self._place = place_of(url)
        self._patience_s = patience_s
        self._now = now
        self._lost_at: float | None = None
        self._back_at = now() - LONGEST_STEADY_S
        self._closed = False

    async def open(self) -> None:
        """Raises Unavailable when Redis does not answer within the patience, MissingEngine when it is too old."""
        info = await self.run(lambda: self.client.info("server"))
        version = str(info["redis_version"])
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            raise MissingEngine(f"The queue needs Redis 6.2 or later; the one at {self._place} is {version}.")

    async def close(self) -> None:
        """Whoever waits for an answer gets Unavailable."""
        self._closed = True
        await self.client.aclose()

    def steady_s(self) -> float:
        """Seconds since Redis last was away, 0 while it is; LONGEST_STEADY_S when it never was."""
        return 0.0 if self._lost_at is not None else min(LONGEST_STEADY_S, self._now() - self._back_at)

    async def run(self, call: Callable[[], Awaitable[T]], patience_s: float | None = None) -> T:
        """What `call` answers; it is called again while Redis is away, restarts or loads its file.

        Raises Unreachable after `patience_s` (the link's own by default); at once when a password is refused, or
        Redis is out of memory or cannot write to its disk.
        """
        limit_s = self._patience_s if patience_s is None else patience_s
        began: float | None = None
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(ANSWER_S):
                    answer = await call()
            except (*_PASSING, ResponseError) as error:
                self._give_up_on(error)
                now = self._now()
                began = now if began is None else began
                self._lost(now, error)
                if now - began >= limit_s:
                    raise Unreachable(
                        f"The queue's Redis at {self._place} does not answer. Start it, or check the queue's URL."
                    ) from error
            else:
                self._found()
                return answer
            await asyncio.sleep(random.uniform(0.5, 1.0) * pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)

    def _give_up_on(self, error: Exception) -> None:
        """Raises for what waiting does not mend."""
        if self._closed:
            raise Unreachable(STOPPING) from error
        if _refused(error):
            raise Unreachable(f"Redis at {self._place} refuses us; check the password in its URL.") from error
        if isinstance(error, ResponseError) and not isinstance(error, _PASSING):
            for sign, trouble in _TROUBLES.items():
                if sign in str(error):
                    raise Unreachable(f"The queue's Redis at {self._place} {trouble}; try again later.") from error
            if _REPLICA not in str(error):
                raise error

    def _lost(self, now: float, error: Exception) -> None:
        if self._lost_at is None:
            self._lost_at = now
            log.warning("queue lost", extra={"redis": self._place, "error": type(error).__name__})

    def _found(self) -> None:
        if self._lost_at is not None:
            self._back_at = self._now()
            log.info("queue found again", extra={"redis": self._place, "s": round(self._back_at - self._lost_at, 1)})
            self._lost_at = None


def _refused(error: BaseException) -> bool:
    """The client wraps some refusals in a ConnectionError."""
    return isinstance(error, _REFUSING) or isinstance(error.__cause__, _REFUSING)


def place_of(url: str) -> str:
    """Where a Redis URL leads, without user and password."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
