"""Fixtures that every part of the tests may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.openai_server import FakeOpenAI


@pytest.fixture
def openai_server() -> Iterator[FakeOpenAI]:
    """A chat server of the test's own (tests/fakes/openai_server.py)."""
    with FakeOpenAI() as server:
        yield server
