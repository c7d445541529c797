from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.rag_llm import remembered
from services.rag_llm.replacing import replace_text


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is flushed (a file by its text, a folder) and replaced, in order."""
    done: list[str] = []
    fsync: Callable[[int], None] = os.fsync
    replace: Callable[..., None] = os.replace

    def flushed(handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        done.append("folder" if path.is_dir() else path.read_text())
        fsync(handle)

    def replaced(*arguments: Any) -> None:
        done.append("replace")
        replace(*arguments)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", replaced)
    return done


def test_what_is_to_last_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, steps: list[str]) -> None:
    replace_text(tmp_path / "name", "häfen", lasting=True)
    assert steps == ["häfen", "replace", "folder"]
    assert (tmp_path / "name").read_bytes() == "häfen".encode()


def test_what_can_be_made_again_waits_for_no_disk(tmp_path: Path, steps: list[str]) -> None:
    replace_text(tmp_path / "name", "one")
    replace_text(tmp_path / "name", "two")
    assert steps == ["replace", "replace"]
    assert (tmp_path / "name").read_text() == "two"


def test_the_ingested_paths_last(tmp_path: Path, steps: list[str]) -> None:
    remembered.change(tmp_path, [Path("/home/x/notes")], [])
    assert steps[1:] == ["replace", "folder"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_file_as_it_was(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_text(tmp_path / "name", "old")

    def full(*arguments: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="disk full"):
        replace_text(tmp_path / "name", "new", lasting=True)
    assert (tmp_path / "name").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["name"]
