"""The whole stack, started once as a user would, and a real headless Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser

from benchmarks import chromium
from benchmarks.live_stack import LiveStack

SKIP = "Chromium is not installed: apt install chromium"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """`flashback up` with an empty data folder and room for two sessions."""
    with LiveStack(tmp_path_factory.mktemp("data"), {"FLASHBACK_MAX_SESSIONS": "2"}) as running:
        yield running
    assert running.processes() == [] or all(not p.is_running() for p in running.processes())


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if chromium.find() is None:
        pytest.skip(SKIP)
    async with chromium.launch() as launched:
        yield launched
