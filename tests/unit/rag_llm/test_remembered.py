from __future__ import annotations

from pathlib import Path

import pytest

from flashback.errors import Broken, InvalidInput
from services.rag_llm import remembered

NOTES, MANUAL, DEEP = Path("/home/x/notes"), Path("/home/x/manual.md"), Path("/home/x/notes/deep")


def test_paths_are_remembered_once_and_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    assert remembered.paths(folder) == []
    remembered.change(folder, [NOTES], [])
    assert remembered.change(folder, [MANUAL, NOTES], []) == [NOTES, MANUAL]
    assert remembered.paths(folder) == [NOTES, MANUAL]
    assert [file.name for file in folder.iterdir()] == [remembered.SOURCES]


def test_forgetting_takes_what_is_at_or_below(tmp_path: Path) -> None:
    remembered.change(tmp_path, [NOTES, MANUAL, DEEP], [])
    assert remembered.change(tmp_path, [], [NOTES]) == [MANUAL]
    assert remembered.change(tmp_path, [], [Path("/home")]) == []


def test_a_path_can_be_forgotten_and_another_added_at_once(tmp_path: Path) -> None:
    remembered.change(tmp_path, [NOTES], [])
    assert remembered.change(tmp_path, [MANUAL], [NOTES]) == [MANUAL]


@pytest.mark.parametrize(
    ("forget", "says"),
    [(DEEP, "part of /home/x/notes"), (Path("/home/x/note"), "not among"), (Path("/etc"), "/home/x/notes")],
)
def test_what_cannot_be_forgotten_is_said_and_nothing_changes(tmp_path: Path, forget: Path, says: str) -> None:
    remembered.change(tmp_path, [NOTES], [])
    with pytest.raises(InvalidInput, match=says):
        remembered.change(tmp_path, [MANUAL], [forget])
    assert remembered.paths(tmp_path) == [NOTES]


@pytest.mark.parametrize("text", ["", "[]", '{"path": []}', '{"paths": 3}', "\xff"])
def test_a_damaged_list_is_not_taken_for_an_empty_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / remembered.SOURCES
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(Broken, match=str(file)):
        remembered.change(tmp_path, [NOTES], [])
    assert file.read_bytes() == text.encode("latin-1")
