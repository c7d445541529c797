from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.rag_llm import index as indexes
from services.rag_llm.builder import IndexBuilder
from services.rag_llm.index import Damaged, OtherFormat
from tests.unit.rag_llm.made import passages, sentences_of, unit


def build(folder: Path, count: int = 20, version: str = "one") -> Path:
    """An index below `folder`; returns the folder that serves."""
    made = passages("birds.md", count)
    builder = IndexBuilder(folder, version)
    builder.add("birds.md", made, unit(sentences_of(made), 0))
    assert builder.finish() is not None
    return folder / (folder / indexes.CURRENT).read_text()


def test_no_index_is_none(tmp_path: Path) -> None:
    assert indexes.load(tmp_path) is None
    assert indexes.load(tmp_path / "missing") is None


@pytest.mark.parametrize("found", [indexes.FORMAT - 1, indexes.FORMAT + 1])
def test_an_index_of_another_version_says_so(tmp_path: Path, found: int) -> None:
    current = build(tmp_path)
    meta = json.loads((current / indexes.META).read_text())
    # Other files of another version may be missing or mean something else; the format alone decides.
    for file in current.glob("*.npy"):
        file.unlink()
    (current / indexes.META).write_text(json.dumps({**meta, "format": found}))
    with pytest.raises(OtherFormat, match=str(found)):
        indexes.load(tmp_path)


FILES = [
    indexes.META,
    "passages.jsonl",
    "passages.offsets.npy",
    indexes.OF_PASSAGES,
    indexes.OF_SENTENCES,
    indexes.OWNER,
    indexes.FIRST_SENTENCE,
    "bm25/vocabulary.json",
    "bm25/starts.npy",
    "bm25/weights.npy",
]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["gone", "empty", "garbage", "half"])
def test_a_damaged_index_says_so(tmp_path: Path, file: str, damage: str) -> None:
    hurt = build(tmp_path) / file
    whole = hurt.read_bytes()
    hurt.unlink()
    if damage != "gone":
        hurt.write_bytes({"empty": b"", "garbage": b"{broken", "half": whole[: len(whole) // 2]}[damage])
    with pytest.raises(Damaged):
        indexes.load(tmp_path)


@pytest.mark.parametrize(
    "file",
    [
        "passages.jsonl",
        indexes.OF_PASSAGES,
        indexes.OF_SENTENCES,
        indexes.FIRST_SENTENCE,
        "bm25/starts.npy",
        "bm25/vocabulary.json",
    ],
)
def test_files_of_two_indexes_do_not_make_one(tmp_path: Path, file: str) -> None:
    current, other = build(tmp_path / "a", 20), build(tmp_path / "b", 25)
    (current / file).write_bytes((other / file).read_bytes())
    with pytest.raises(Damaged):
        indexes.load(tmp_path / "a")


@pytest.mark.parametrize("pointer", ["no-such-folder", "", "../elsewhere"])
def test_a_pointer_to_nowhere_says_so(tmp_path: Path, pointer: str) -> None:
    build(tmp_path)
    (tmp_path / indexes.CURRENT).write_text(pointer)
    with pytest.raises(Damaged):
        indexes.load(tmp_path)


def test_an_index_replaced_while_it_is_opened_is_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, version="one")
    opened = indexes._open
    swaps = iter(["two"])

    def slow(folder: Path) -> indexes.PassageIndex:
        for version in swaps:
            build(tmp_path, version=version)
        return opened(folder)

    monkeypatch.setattr(indexes, "_open", slow)
    found = indexes.load(tmp_path)
    assert found is not None
    assert found.version == "two"
