from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.rag_llm import index as indexes
from services.rag_llm import ingest
from services.rag_llm.index import PassageIndex


class CountingEncoder:
    """Random but repeatable vectors; counts the texts it was given."""

    name = "counting"

    def __init__(self) -> None:
        self.texts = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += len(texts)
        rows = [np.random.default_rng(abs(hash(t)) % 2**32).normal(size=384) for t in texts]
        return np.asarray([row / np.linalg.norm(row) for row in rows], np.float32)


def run(corpus: Path, folder: Path, encoder: CountingEncoder) -> tuple[PassageIndex | None, list[str]]:
    found = ingest.survey([corpus], encoder.name, 10_000)
    read, draft, skipped = ingest.read_all(found, 10_000)
    store = ingest.VectorStore(folder / "vectors", encoder, shared=False)
    built = ingest.build(read, draft, store, threading.Event(), lambda documents, passages: None)
    store.prune()
    if built is not None:
        indexes.save(built, folder)
    return built, skipped


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "one.md").write_text("# One\n\nThe first sentence. The second sentence.\n")
    (folder / "two.txt").write_text("A text without headings.\n")
    return folder


def test_broken_files_are_named_and_the_rest_is_read(corpus: Path, tmp_path: Path) -> None:
    (corpus / "empty.md").write_bytes(b"")
    (corpus / "latin.md").write_bytes("Stra\xdfe".encode("latin-1"))
    (corpus / "binary.txt").write_bytes(b"abc\0def")
    (corpus / "large.md").write_text("word " * 4000)
    (corpus / "picture.png").write_bytes(b"\x89PNG")
    (corpus / "loop").symlink_to(corpus)
    index, skipped = run(corpus, tmp_path / "index", CountingEncoder())
    assert index is not None
    assert index.documents == ("one.md", "two.txt")
    reasons = dict(line.split(": ", 1) for line in skipped)
    assert set(reasons) == {"empty.md", "latin.md", "binary.txt", "large.md", "picture.png"}
    assert "empty" in reasons["empty.md"]
    assert "UTF-8" in reasons["latin.md"]


def test_only_changed_documents_are_encoded_again(corpus: Path, tmp_path: Path) -> None:
    encoder = CountingEncoder()
    first, _ = run(corpus, tmp_path / "index", encoder)
    assert encoder.texts == 3
    (corpus / "two.txt").write_text("Another text.\n")
    second, _ = run(corpus, tmp_path / "index", encoder)
    assert encoder.texts == 4
    assert first is not None
    assert second is not None
    assert first.version != second.version
    assert len(list((tmp_path / "index" / "vectors").iterdir())) == 2


def test_a_stored_index_is_the_one_that_was_built(corpus: Path, tmp_path: Path) -> None:
    built, _ = run(corpus, tmp_path / "index", CountingEncoder())
    loaded = indexes.load(tmp_path / "index")
    assert built is not None
    assert loaded is not None
    assert loaded.passages == built.passages
    assert loaded.version == built.version
    np.testing.assert_array_equal(loaded.sentence_vectors.rows([0, 1, 2]), built.sentence_vectors.rows([0, 1, 2]))
    np.testing.assert_allclose(loaded.lexicon.scores(["sentenc"]), built.lexicon.scores(["sentenc"]))
    assert len([f for f in (tmp_path / "index").iterdir() if (f / "meta.json").is_file()]) == 1


def test_a_crash_while_writing_leaves_the_old_index(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, _ = run(corpus, tmp_path / "index", CountingEncoder())
    (corpus / "two.txt").write_text("Another text.\n")

    def crash(*arguments: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("services.rag_llm.index.os.replace", crash)
    with pytest.raises(OSError, match="disk full"):
        run(corpus, tmp_path / "index", CountingEncoder())
    monkeypatch.undo()
    loaded = indexes.load(tmp_path / "index")
    assert built is not None
    assert loaded is not None
    assert loaded.version == built.version


@pytest.mark.parametrize("damage", ["meta.json", "passages.jsonl", "sentences.faiss", "bm25/vocab.index.json"])
def test_a_damaged_index_is_no_index(corpus: Path, tmp_path: Path, damage: str) -> None:
    run(corpus, tmp_path / "index", CountingEncoder())
    current = tmp_path / "index" / (tmp_path / "index" / indexes.CURRENT).read_text()
    (current / damage).write_bytes(b"{broken")
    assert indexes.load(tmp_path / "index") is None


def test_a_stopped_job_changes_nothing(corpus: Path, tmp_path: Path) -> None:
    encoder = CountingEncoder()
    read, draft, _ = ingest.read_all(ingest.survey([corpus], encoder.name, 10_000), 10_000)
    stop = threading.Event()
    stop.set()
    with pytest.raises(ingest.Stopped):
        ingest.build(read, draft, ingest.VectorStore(tmp_path, encoder, shared=False), stop, lambda d, c: None)


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "readme.md").write_text(f"Text of {folder}.")
    found = ingest.survey([tmp_path, tmp_path / "a"], "x", 1000)
    assert [source.name for source, _ in found.sources] == ["a/readme.md", "b/readme.md"]
