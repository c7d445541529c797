from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.rag_llm import documents
from services.rag_llm.store import DEAD_AFTER_S, DocumentStore, Kept, key_of, texts_of
from services.rag_llm.vector_file import ROWS
from tests.unit.rag_llm.encoders import CountingEncoder
from tests.unit.rag_llm.made import passages, unit

KEY = key_of("0" * 64, "a.md")
MADE = tuple(passages("a.md", 3))
TEXTS = "t" * 32


@pytest.fixture
def store(tmp_path: Path) -> DocumentStore:
    return DocumentStore(tmp_path, CountingEncoder())


def fill(store: DocumentStore, key: str = KEY, texts: str = TEXTS) -> None:
    store.keep(key, Kept(MADE))
    store.writer(texts, 4).append(unit(4, 0))


def test_passages_come_back_under_the_name_that_is_asked_for(store: DocumentStore) -> None:
    store.keep(KEY, Kept(MADE))
    kept = store.kept(KEY, "other.md")
    assert kept is not None
    assert {passage.document for passage in kept.passages} == {"other.md"}
    assert [p.sentences for p in kept.passages] == [p.sentences for p in MADE]
    assert store.kept(KEY, "a.md") == Kept(MADE)


def test_a_key_names_bytes_and_how_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = "1" * 64
    assert key_of(digest, "x/one.md") == key_of(digest, Path("two.MD"))
    assert len({KEY, key_of(digest, "a.md"), key_of(digest, "a.txt")}) == 3
    before = key_of(digest, "a.md")
    monkeypatch.setattr(documents, "FORMAT", documents.FORMAT + 1)
    assert key_of(digest, "a.md") != before


def test_texts_are_named_by_what_the_encoder_is_given() -> None:
    texts, named = texts_of(MADE)
    assert texts == [text for passage in MADE for text in passage.titled]
    assert texts_of(passages("other.md", 3)) == (texts, named)
    without_headings = [replace(passage, headings=()) for passage in MADE]
    renamed = [replace(passage, document="other.md") for passage in without_headings]
    assert len({named, texts_of(without_headings)[1], texts_of(renamed)[1]}) == 3


def test_a_refusal_counts_under_its_limits_only(tmp_path: Path) -> None:
    DocumentStore(tmp_path, CountingEncoder(), limits="60 s").keep(KEY, Kept((), "it takes too long"))
    assert DocumentStore(tmp_path, CountingEncoder(), limits="60 s").kept(KEY, "a") == Kept((), "it takes too long")
    assert DocumentStore(tmp_path, CountingEncoder(), limits="90 s").kept(KEY, "a") is None


@pytest.mark.parametrize("damage", [b"", b"{", b"\0" * 300, b"[]", b'{"refusal": "", "passages": [{}]}'])
def test_damaged_passages_are_none(store: DocumentStore, tmp_path: Path, damage: bytes) -> None:
    store.keep(KEY, Kept(MADE))
    (tmp_path / f"{KEY}.json").write_bytes(damage)
    assert store.kept(KEY, "a.md") is None


def test_vectors_are_those_of_the_encoder(store: DocumentStore, tmp_path: Path) -> None:
    fill(store)
    other = DocumentStore(tmp_path, CountingEncoder("another"))
    assert store.has(KEY, TEXTS)
    assert not other.has(KEY, TEXTS)
    assert other.vectors(TEXTS, 4) is None
    stored = store.vectors(TEXTS, 4)
    assert stored is not None
    np.testing.assert_array_equal(stored, unit(4, 0))


def test_pruning_keeps_what_is_used_and_nothing_else(store: DocumentStore, tmp_path: Path) -> None:
    gone = key_of("2" * 64, "b.md")
    fill(store)
    fill(store, gone, "g" * 32)
    DocumentStore(tmp_path, CountingEncoder("another")).writer(TEXTS, 4).append(unit(4, 0))
    store.prune({KEY}, {TEXTS})
    assert store.has(KEY, TEXTS)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_shared_store_is_not_pruned(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path, CountingEncoder(), shared=True)
    fill(store)
    store.prune(set(), set())
    assert store.has(KEY, TEXTS)


def test_leftovers_are_swept_but_not_what_can_be_taken_up(store: DocumentStore, tmp_path: Path) -> None:
    (tmp_path / "x.json.0123.part").write_text("half")
    writer = store.writer(TEXTS, 4)
    writer.append(unit(2, 0))
    writer.close()
    store.open()
    assert [file.suffix for file in tmp_path.iterdir()] == [ROWS]


def test_in_a_shared_store_only_what_is_old_is_swept(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path, CountingEncoder(), shared=True)
    for name in ("old.json.1.part", "old.vec.1.rows", "new.json.1.part", "new.vec.1.rows"):
        (tmp_path / name).write_text("half")
        age = DEAD_AFTER_S + 60 if name.startswith("old") else 0
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    store.open()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["new.json.1.part", "new.vec.1.rows"]
