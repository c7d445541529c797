"""The prepared model comes back from disk as it was, and only while nothing it depends on has changed."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flashback.settings import PACKAGE_ROOT
from services.renderer.engines.rig import store
from services.renderer.engines.rig.model import Badge, RigModel

SIZE = 128


def keep(picture: Any) -> Any:
    return picture


def darker(picture: Any) -> Any:
    return picture // 2


@pytest.fixture
def persona(tmp_path: Path) -> Path:
    folder = tmp_path / "iris"
    shutil.copytree(PACKAGE_ROOT / "personas" / "iris", folder)
    return folder


def same(a: Any, b: Any) -> bool:
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return bool(type(a) is type(b) and a == b)


def count_loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    loads: list[int] = []
    real = store.load_rig

    def counted(*arguments: Any) -> RigModel:
        loads.append(1)
        return real(*arguments)

    monkeypatch.setattr(store, "load_rig", counted)
    return loads


def test_comes_back_as_it_was(tmp_path: Path, persona: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = count_loads(monkeypatch)
    badge = Badge(np.full((8, 16, 4), 200, np.uint8), 100, 4)
    first, second = (store.load_stored(tmp_path / "cache", persona, SIZE, keep, badge) for _ in range(2))
    assert len(loads) == 1
    assert same(first, second)


def test_is_made_anew_when_something_changed_or_broke(
    tmp_path: Path, persona: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = count_loads(monkeypatch)
    cache = tmp_path / "cache"
    store.load_stored(cache, persona, SIZE, keep, None)
    store.load_stored(cache, persona, SIZE, darker, None)
    store.load_stored(cache, persona, SIZE, keep, Badge(np.zeros((8, 8, 4), np.uint8), 0, 0))
    assert len(loads) == 3
    for file in cache.glob("*.npz"):
        file.write_bytes(file.read_bytes()[:1000])
    store.load_stored(cache, persona, SIZE, keep, None)
    assert len(loads) == 4


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path, persona: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert store.load_stored(tmp_path / "file" / "cache", persona, SIZE, keep, None).size == SIZE
