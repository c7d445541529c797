from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from services.rag_llm import index as indexes
from services.rag_llm.builder import IndexBuilder
from services.rag_llm.index import PassageIndex
from services.rag_llm.lexical import Lexicon, terms
from tests.unit.rag_llm.made import WIDTH, passages, sentences_of, unit

BIRDS = passages("birds.md", 30, seed=1)
TIDES = passages("tides.txt", 12, seed=2)


def build(folder: Path, version: str = "one", seed: int = 0) -> PassageIndex:
    builder = IndexBuilder(folder, version)
    for made in (BIRDS, TIDES):
        builder.add(made[0].document, made, unit(sentences_of(made), seed))
    built = builder.finish()
    assert built is not None
    return built


def folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_an_index_read_back_is_what_was_added(tmp_path: Path) -> None:
    build(tmp_path)
    index = indexes.load(tmp_path)
    assert index is not None
    whole = [*BIRDS, *TIDES]
    rows = np.vstack([unit(sentences_of(BIRDS), 0), unit(sentences_of(TIDES), 0)])
    assert (index.version, index.documents) == ("one", ("birds.md", "tides.txt"))
    assert list(index.passages) == whole
    np.testing.assert_array_equal(index.sentence_vectors.rows(range(len(rows))), rows)
    owner = [number for number, passage in enumerate(whole) for _ in passage.sentences]
    assert index.owner.tolist() == owner
    assert index.first_sentence.tolist() == [owner.index(number) for number in range(len(whole))]
    lexicon = Lexicon.build([indexes.lexical_text(passage) for passage in whole])
    wanted = terms("heron tide part 7")
    assert index.lexicon.best(wanted, 9)[0] == lexicon.best(wanted, 9)[0]


def test_a_passage_lies_where_its_sentences_do_together(tmp_path: Path) -> None:
    index = build(tmp_path)
    rows = unit(sentences_of(BIRDS), 0)
    for number in range(5):
        first = int(index.first_sentence[number])
        total = rows[first : first + len(BIRDS[number].sentences)].sum(axis=0)
        vector = index.passage_vectors.rows([number])[0]
        np.testing.assert_allclose(vector, total / np.linalg.norm(total), atol=1e-6)


def test_many_sentences_are_parted_and_few_passages_are_not(tmp_path: Path) -> None:
    builder = IndexBuilder(tmp_path, "large", flat_rows=3000)
    for number in range(4):
        made = passages(f"{number}.md", 500, seed=number)
        builder.add(f"{number}.md", made, unit(sentences_of(made), number))
    index = builder.finish()
    assert index is not None
    assert (index.sentence_vectors.kind, index.passage_vectors.kind) == ("ivf", "flat")
    row = int(index.first_sentence[1200])
    vector = index.sentence_vectors.rows([row])[0]
    cosines, rows = index.sentence_vectors.nearest(vector, 5)
    assert rows[0] == row
    assert cosines[0] == pytest.approx(1, abs=2e-3)
    assert index.owner[row] == 1200


def test_vectors_may_be_of_any_width_but_of_one(tmp_path: Path) -> None:
    builder = IndexBuilder(tmp_path, "wide")
    builder.add("birds.md", BIRDS, unit(sentences_of(BIRDS), 0, width=5))
    with pytest.raises(ValueError, match="tides.txt"):
        builder.add("tides.txt", TIDES, unit(sentences_of(TIDES), 0))
    index = builder.finish()
    assert index is not None
    assert index.sentence_vectors.rows([0]).shape == (1, 5)


def test_what_does_not_fit_is_left_out_and_the_rest_is_kept(tmp_path: Path) -> None:
    builder = IndexBuilder(tmp_path, "one")
    with pytest.raises(ValueError, match="birds.md"):
        builder.add("birds.md", BIRDS, unit(3, 0))
    builder.add("tides.txt", TIDES, unit(sentences_of(TIDES), 0))
    index = builder.finish()
    assert index is not None
    assert index.documents == ("tides.txt",)
    assert list(index.passages) == TIDES


@pytest.mark.parametrize("documents", [[], ["empty.md"]])
def test_nothing_added_is_no_index_and_changes_nothing(tmp_path: Path, documents: Sequence[str]) -> None:
    build(tmp_path)
    builder = IndexBuilder(tmp_path, "two")
    for name in documents:
        builder.add(name, [], np.zeros((0, WIDTH), np.float32))
    assert builder.finish() is None
    assert len(folders(tmp_path)) == 1
    stored = indexes.load(tmp_path)
    assert stored is not None
    assert stored.version == "one"


def test_an_aborted_build_leaves_no_trace(tmp_path: Path) -> None:
    build(tmp_path)
    before = folders(tmp_path)
    builder = IndexBuilder(tmp_path, "two")
    builder.add("birds.md", BIRDS, unit(sentences_of(BIRDS), 1))
    builder.abort()
    builder.abort()
    assert folders(tmp_path) == before
    with pytest.raises(ValueError, match="ended"):
        builder.add("tides.txt", TIDES, unit(sentences_of(TIDES), 1))
    with pytest.raises(ValueError, match="ended"):
        builder.finish()


def test_a_full_disk_in_the_middle_of_a_document_leaves_the_old_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path)
    before = folders(tmp_path)
    builder = IndexBuilder(tmp_path, "two")

    def full(*arguments: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("services.rag_llm.passage_file.PassageWriter.add", full)
    with pytest.raises(OSError, match="disk full"):
        builder.add("birds.md", BIRDS, unit(sentences_of(BIRDS), 1))
    with pytest.raises(ValueError, match="ended"):
        builder.finish()
    assert folders(tmp_path) == before


@pytest.mark.parametrize(
    "step", ["vectors.write", "replacing.os.replace", "replacing.os.fsync", "postings.Postings.save"]
)
def test_a_crash_while_writing_leaves_the_old_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    build(tmp_path)
    before = folders(tmp_path)

    def crash(*arguments: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(f"services.rag_llm.{step}", crash)
    with pytest.raises(OSError, match="disk full"):
        build(tmp_path, "two")
    monkeypatch.undo()
    assert folders(tmp_path) == before
    stored = indexes.load(tmp_path)
    assert stored is not None
    assert stored.version == "one"


def test_what_killed_builders_and_older_versions_left_is_removed(tmp_path: Path) -> None:
    IndexBuilder(tmp_path, "killed").add("birds.md", BIRDS, unit(sentences_of(BIRDS), 0))
    former = tmp_path / "former-12345678"
    former.mkdir()
    (former / indexes.META).write_text('{"format": 1}')
    (tmp_path / "documents").mkdir()
    (tmp_path / "sources.json").write_text("{}")
    build(tmp_path, "one")
    build(tmp_path, "two")
    current = (tmp_path / indexes.CURRENT).read_text()
    assert current.startswith("two")
    assert folders(tmp_path) == sorted(["documents", current])
    assert (tmp_path / "sources.json").is_file()


def test_readers_go_on_while_new_versions_come_and_their_own_is_removed(tmp_path: Path) -> None:
    index = build(tmp_path, "0")
    question = unit(1, 9)[0]

    def answer(of: PassageIndex) -> tuple[object, ...]:
        cosines, rows = of.sentence_vectors.nearest(question, 5)
        found, scores = of.lexicon.best(terms("heron tide"), 5)
        texts = [of.passages[int(of.owner[row])].text for row in rows]
        return cosines.tolist(), rows.tolist(), found, scores.tolist(), texts, of.first_sentence[found].tolist()

    expected = answer(index)
    stop = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        while not stop.is_set():
            try:
                if answer(index) != expected:
                    wrong.append("another answer")
                newest = indexes.load(tmp_path)
                if newest is None or len(newest.passages) != len(index.passages):
                    wrong.append("no index")
            except Exception as error:
                wrong.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for version in range(1, 8):
        build(tmp_path, str(version), seed=version)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert not [name for name in folders(tmp_path) if name.startswith("0-")]
    assert answer(index) == expected
