"""The whole stack, started once as a user would, and a real headless Chromium."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from benchmarks import chromium
from benchmarks.live_stack import LiveStack
from flashback.errors import Unavailable
from flashback.rpc import SLOW_S, open_channel, typed_errors
from flashback.stack import runfile
from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc

VECTORS = {"FLASHBACK_RAG_LLM_VECTOR_CACHE": str(Path(tempfile.gettempdir()) / "flashback-test-vectors")}
"""Passages are encoded once for all stacks the tests start."""

SKIP = "Chromium is not installed: apt install chromium"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """`flashback up` with an empty data folder and room for two sessions."""
    with LiveStack(tmp_path_factory.mktemp("data"), {"FLASHBACK_MAX_SESSIONS": "2", **VECTORS}) as running:
        asyncio.run(wait_until_read(running))
        yield running


async def wait_until_read(running: LiveStack) -> None:
    """Returns once both personas' documents have been read."""
    found = runfile.read(running.data_dir / "run" / "stack.json")
    assert found is not None
    channel = open_channel(found.addresses["rag_llm"])
    stub = rag_llm_pb2_grpc.RagLlmStub(channel)
    async with asyncio.timeout(200):
        for persona in ("iris", "amon"):
            while True:
                try:
                    with typed_errors("rag_llm"):
                        request = rag_llm_pb2.IndexRequest(persona_id=persona)
                        if (await stub.DescribeIndex(request, timeout=SLOW_S)).chunks:
                            break
                except Unavailable:
                    pass
                await asyncio.sleep(0.5)
    await channel.close(None)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if chromium.find() is None:
        pytest.skip(SKIP)
    async with chromium.launch() as launched:
        yield launched
