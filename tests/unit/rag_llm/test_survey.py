from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from services.rag_llm import documents, survey
from services.rag_llm.documents import Source
from services.rag_llm.survey import Digests, Survey
from services.rag_llm.walk import Stopped, find

MOST = 10_000


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name in ("a.md", "b.md", "c.txt"):
        (folder / name).write_text(f"Text of {name}.")
    age(folder)
    return folder


def age(folder: Path) -> None:
    """Makes files look as if they had not been written just now, as far as their time of change allows it."""
    for file in folder.rglob("*.*"):
        os.utime(file, (1, 1))


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose bytes were looked at."""
    seen: list[str] = []
    real = documents.digest

    def digest(source: Source, most_bytes: int) -> str:
        seen.append(source.name)
        return real(source, most_bytes)

    monkeypatch.setattr(documents, "digest", digest)
    monkeypatch.setattr(survey, "YOUNG_NS", 0)
    return seen


def look(digests: Digests, *paths: Path, how: str = "x") -> Survey:
    return survey.survey(find(paths), digests, how, MOST, threading.Event())


def test_files_that_did_not_change_are_not_hashed_again(corpus: Path, hashed: list[str], tmp_path: Path) -> None:
    digests = Digests()
    first = look(digests, corpus)
    assert sorted(hashed) == ["a.md", "b.md", "c.txt"]
    assert look(digests, corpus) == first
    digests.save(tmp_path)
    assert look(Digests.load(tmp_path), corpus) == first
    assert len(hashed) == 3


def test_a_changed_file_is_hashed_and_a_touched_one_is_the_same_set(corpus: Path, hashed: list[str]) -> None:
    digests = Digests()
    first = look(digests, corpus)
    hashed.clear()
    os.utime(corpus / "a.md", (5, 5))
    assert look(digests, corpus).name == first.name
    assert hashed == ["a.md"]
    hashed.clear()
    (corpus / "b.md").write_text("Another text.")
    assert look(digests, corpus).name != first.name
    assert hashed == ["b.md"]


def test_a_file_that_was_written_just_now_is_not_trusted(
    corpus: Path, hashed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "YOUNG_NS", 10**18)
    digests = Digests()
    first = look(digests, corpus)
    assert not first.settled
    digests.save(tmp_path)
    assert len(Digests.load(tmp_path)) == 0
    assert look(digests, corpus) == first
    assert len(hashed) == 6


def test_a_file_is_trusted_once_it_has_come_to_rest(
    corpus: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "YOUNG_NS", 10**18)
    digests = Digests()
    assert not look(digests, corpus).settled
    monkeypatch.setattr(survey, "YOUNG_NS", 0)
    assert look(digests, corpus).settled
    assert len(hashed) == 6
    look(digests, corpus)
    assert len(hashed) == 6


def test_the_name_stands_for_the_set_and_how_it_is_read(corpus: Path) -> None:
    digests = Digests()
    first = look(digests, corpus)
    assert look(digests, corpus, how="y").name != first.name
    (corpus / "a.md").rename(corpus / "z.md")
    assert look(digests, corpus).name != first.name


def test_files_that_cannot_be_taken_are_named(corpus: Path) -> None:
    (corpus / "empty.md").write_text("")
    with (corpus / "huge.txt").open("wb") as stream:
        stream.truncate(10**9)
    found = look(Digests(), corpus)
    assert len(found.documents) == 3
    assert sorted(line.split(":")[0] for line in found.skipped) == ["empty.md", "huge.txt"]


def test_what_was_below_a_path_that_is_gone_is_still_known(corpus: Path, hashed: list[str], tmp_path: Path) -> None:
    digests = Digests()
    first = look(digests, corpus)
    corpus.rename(tmp_path / "away")
    gone = look(digests, corpus)
    assert (gone.documents, gone.missing, len(digests)) == ((), (corpus,), 3)
    (tmp_path / "away").rename(corpus)
    assert look(digests, corpus).name == first.name
    assert len(hashed) == 3
    look(digests)
    assert len(digests) == 0


def test_a_survey_can_be_stopped(corpus: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        survey.survey(find([corpus]), Digests(), "x", MOST, stop)


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"x": 3}', b'{"x": [1, 2, 3, 4]}', b"\xff"])
def test_damaged_digests_are_none(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / survey.FILES).write_bytes(damage)
    assert len(Digests.load(tmp_path)) == 0
