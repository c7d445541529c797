from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.rag_llm import vector_file
from services.rag_llm.vector_file import ROWS, VectorWriter
from tests.unit.rag_llm.made import unit


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "a.vec")


def test_rows_are_there_once_all_are_written(file: str) -> None:
    writer = VectorWriter(file, 5, alone=True)
    writer.append(unit(5, 0)[:3])
    assert vector_file.read(file, 5) is None
    writer.append(unit(5, 0)[3:])
    stored = vector_file.read(file, 5)
    assert stored is not None
    np.testing.assert_array_equal(stored, unit(5, 0))
    assert vector_file.read(file, 4) is None
    assert [f.name for f in Path(file).parent.iterdir()] == ["a.vec"]


@pytest.mark.parametrize("torn", [0, 7])
def test_rows_of_a_run_that_was_broken_off_count(file: str, torn: int) -> None:
    rows = unit(6, 1)
    first = VectorWriter(file, 6, alone=True)
    first.append(rows[:4])
    first.close()
    half = Path(file + ROWS)
    half.write_bytes(half.read_bytes()[: -torn or None])
    second = VectorWriter(file, 6, alone=True)
    assert second.done == (3 if torn else 4)
    second.append(rows[second.done :])
    stored = vector_file.read(file, 6)
    assert stored is not None
    np.testing.assert_array_equal(stored, rows)


def test_the_last_row_is_written_again_if_its_file_never_got_its_place(file: str) -> None:
    whole = VectorWriter(file, 3, alone=True)
    whole.append(unit(3, 0))
    Path(file).rename(Path(file + ROWS))
    again = VectorWriter(file, 3, alone=True)
    assert again.done == 2
    again.append(unit(3, 0)[2:])
    assert vector_file.read(file, 3) is not None


@pytest.mark.parametrize("damage", [b"", b"\0" * 400, b"vectors1" + b"\0" * 7])
def test_what_is_no_beginning_is_begun_again(file: str, damage: bytes) -> None:
    Path(file + ROWS).write_bytes(damage)
    writer = VectorWriter(file, 2, alone=True)
    assert writer.done == 0
    writer.append(unit(2, 0))
    assert vector_file.read(file, 2) is not None


def test_a_beginning_of_another_cut_does_not_count(file: str) -> None:
    other = VectorWriter(file, 9, alone=True)
    other.append(unit(4, 0))
    other.close()
    assert VectorWriter(file, 8, alone=True).done == 0


def test_two_writers_of_a_shared_file_do_not_meet(file: str) -> None:
    first, second = VectorWriter(file, 4, alone=False), VectorWriter(file, 4, alone=False)
    first.append(unit(4, 0)[:2])
    second.append(unit(4, 0)[:3])
    first.append(unit(4, 0)[2:])
    second.close()
    stored = vector_file.read(file, 4)
    assert stored is not None
    np.testing.assert_array_equal(stored, unit(4, 0))
    assert [f.name for f in Path(file).parent.iterdir()] == ["a.vec"]


@pytest.mark.parametrize("damage", [b"", b"\0" * 400])
def test_damaged_vectors_are_none(file: str, damage: bytes) -> None:
    VectorWriter(file, 2, alone=True).append(unit(2, 0))
    Path(file).write_bytes(damage)
    assert vector_file.read(file, 2) is None


def test_vectors_that_were_cut_short_are_none(file: str) -> None:
    VectorWriter(file, 2, alone=True).append(unit(2, 0))
    Path(file).write_bytes(Path(file).read_bytes()[:-4])
    assert vector_file.read(file, 2) is None
