from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.emotalk import FakeEmoTalk, serving_emotalk


@pytest.fixture
async def emotalk(tmp_path: Path) -> AsyncIterator[FakeEmoTalk]:
    async with serving_emotalk(tmp_path) as fake:
        yield fake
