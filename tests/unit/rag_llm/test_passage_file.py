from __future__ import annotations

import gc
import shutil
from pathlib import Path

import pytest

from services.rag_llm.passage_file import LINES, OFFSETS, PassageFile, PassageWriter
from tests.unit.rag_llm.made import passages

MADE = passages("birds.md", 700)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = PassageWriter(tmp_path)
    for passage in MADE:
        writer.add(passage)
    writer.finish()
    return tmp_path


def test_passages_come_back_as_they_were(folder: Path) -> None:
    stored = PassageFile(folder)
    assert len(stored) == 700
    assert list(stored) == MADE
    assert [stored[0], stored[699], stored[-1], stored[300]] == [MADE[0], MADE[699], MADE[699], MADE[300]]
    assert stored[10:400:30] == MADE[10:400:30]
    with pytest.raises(IndexError):
        stored[700]


def test_passages_are_readable_after_their_folder_is_gone(folder: Path) -> None:
    stored = PassageFile(folder)
    shutil.rmtree(folder)
    assert stored[42] == MADE[42]


def test_the_maps_are_let_go_of_with_the_object(folder: Path) -> None:
    stored = PassageFile(folder)
    assert stored[1] == MADE[1]
    gc.disable()
    try:
        del stored
        assert str(folder) not in Path("/proc/self/maps").read_text()
    finally:
        gc.enable()


@pytest.mark.parametrize("file", [LINES, OFFSETS])
def test_half_a_file_is_told(folder: Path, file: str) -> None:
    whole = (folder / file).read_bytes()
    for damaged in (b"", whole[: len(whole) // 2]):
        (folder / file).write_bytes(damaged)
        with pytest.raises((OSError, ValueError, EOFError)):
            PassageFile(folder)
