from __future__ import annotations

from pathlib import Path

import pytest

from services.rag_llm import vocabulary
from services.rag_llm.listing import Entry, Listing
from services.rag_llm.store import DocumentStore, Kept
from tests.unit.rag_llm.encoders import CountingEncoder
from tests.unit.rag_llm.made import passages, sentences_of


@pytest.fixture
def known(tmp_path: Path) -> tuple[DocumentStore, Listing]:
    store = DocumentStore(tmp_path, CountingEncoder())
    entries = []
    for number in range(3):
        store.keep(str(number), Kept(tuple(passages("x", 300, number))))
        entries.append(Entry(f"{number}.md", f"/{number}.md", str(number), "t", 300))
    return store, Listing("v", "s", tuple(entries))


def test_every_sentence_and_heading_is_in_some_piece_and_headings_only_once(
    known: tuple[DocumentStore, Listing],
) -> None:
    pieces = list(vocabulary.pieces(*known))
    wanted = [s for number in range(3) for p in passages("x", 300, number) for s in p.sentences]
    assert [s for piece in pieces for s in piece.sentences] == wanted
    headings = [h for piece in pieces for h in piece.headings]
    assert sorted(headings) == sorted({"Birds", *(f"Part {number}" for number in range(300))})
    assert {piece.version for piece in pieces} == {"v"}
    assert max(len(piece.sentences) for piece in pieces) == vocabulary.BATCH


def test_a_large_corpus_is_cut_off(known: tuple[DocumentStore, Listing], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "MOST_SENTENCES", 700)
    monkeypatch.setattr(vocabulary, "MOST_HEADINGS", 10)
    pieces = list(vocabulary.pieces(*known))
    assert sum(len(piece.sentences) for piece in pieces) == 700
    assert sum(len(piece.headings) for piece in pieces) == 10


def test_a_document_that_has_gone_is_passed_over(known: tuple[DocumentStore, Listing]) -> None:
    store, listing = known
    store.prune({"0", "2"}, set())
    given = sum(len(piece.sentences) for piece in vocabulary.pieces(store, listing))
    assert given == sentences_of(passages("x", 300, 0)) + sentences_of(passages("x", 300, 2))


def test_no_documents_are_one_empty_piece(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path, CountingEncoder())
    (piece,) = vocabulary.pieces(store, Listing("v", "s", ()))
    assert (piece.version, piece.headings, piece.sentences) == ("v", (), ())
