"""Documents -> index, as a user has them: real files, broken ones, changes, crashes, two at once."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from flashback.errors import InvalidInput
from services.rag_llm import documents, ingest
from services.rag_llm import index as indexes
from services.rag_llm.documents import Document, Source
from services.rag_llm.folder_lock import Busy, locked
from services.rag_llm.index import PassageIndex
from services.rag_llm.ingest import Ingested, Workshop
from services.rag_llm.listing import Listing
from services.rag_llm.preparing import BATCH, Encoder
from services.rag_llm.progress import Progress, Stage
from services.rag_llm.readers.limits import Limits
from services.rag_llm.store import DocumentStore, texts_of
from services.rag_llm.survey import Digests
from services.rag_llm.walk import Stopped
from tests.unit.rag_llm import ingest_process
from tests.unit.rag_llm.encoders import CountingEncoder, FailingEncoder, HeldEncoder

MOST = 15_000


class CountingReader:
    """Reads in this process and remembers what; raises what `failing` says of a name."""

    def __init__(self) -> None:
        self.read_names: list[str] = []
        self.failing: dict[str, Exception] = {}

    def read(self, source: Source, digest: str) -> Document:
        self.read_names.append(source.name)
        if source.name in self.failing:
            raise self.failing[source.name]
        return documents.read(source, Limits(), digest)

    def close(self) -> None:
        pass


@dataclass
class Bench:
    """A corpus, an index folder, and everything an ingest needs."""

    corpus: Path
    folder: Path
    encoder: Encoder = field(default_factory=CountingEncoder)
    reader: CountingReader = field(default_factory=CountingReader)
    stop: threading.Event = field(default_factory=threading.Event)
    steps: list[Progress] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    limits: str = ""

    def ingest(self, add: Sequence[Path] = (), forget: Sequence[Path] = ()) -> Ingested:
        """As a service that has just been started does it."""
        store = DocumentStore(self.folder / "documents", self.encoder, limits=self.limits)
        shop = Workshop(self.folder, self.corpus, self.encoder, store, lambda: self.reader, MOST)
        digests = Digests.load(self.folder)
        return ingest.ingest(
            shop, digests, self.stop, self.steps.append, self.listings.append, None, tuple(add), tuple(forget)
        )

    @property
    def encoded(self) -> int:
        assert isinstance(self.encoder, CountingEncoder)
        return self.encoder.texts


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "one.md").write_text("# One\n\nThe first sentence. The second sentence.\n")
    (corpus / "two.txt").write_text("A text without headings.\n")
    return Bench(corpus, tmp_path / "index")


def texts(index: PassageIndex | None) -> list[str]:
    assert index is not None
    return [passage.text for passage in index.passages]


def check(index: PassageIndex | None) -> None:
    """Every sentence has its own vector, as the counting encoder makes it of what the index should hold."""
    assert index is not None
    sentences, _ = texts_of(index.passages)
    np.testing.assert_allclose(
        index.sentence_vectors.rows(range(len(sentences))), CountingEncoder().encode(sentences), atol=1e-6
    )


def test_broken_files_are_named_and_the_rest_is_read(bench: Bench) -> None:
    corpus = bench.corpus
    (corpus / "empty.md").write_bytes(b"")
    (corpus / "binary.txt").write_bytes(b"abc\0def")
    (corpus / "large.md").write_text("word " * 4000)
    (corpus / "picture.png").write_bytes(b"\x89PNG")
    (corpus / "loop").symlink_to(corpus)
    with (corpus / "sparse.txt").open("wb") as stream:
        stream.truncate(10**9)
    done = bench.ingest()
    assert done.index is not None
    assert done.index.documents == ("one.md", "two.txt")
    named = sorted(line.split(":")[0] for line in done.listing.skipped if ":" in line)
    assert named == ["binary.txt", "empty.md", "large.md", "loop", "sparse.txt"]
    assert any(".png" in line for line in done.listing.skipped)
    assert bench.steps[-1].documents == bench.steps[-1].documents_total == 2


def test_a_reader_that_fails_in_a_way_of_its_own_costs_its_file_alone(bench: Bench) -> None:
    bench.reader.failing["one.md"] = ZeroDivisionError()
    done = bench.ingest()
    assert [entry.name for entry in done.listing.entries] == ["two.txt"]
    assert done.listing.skipped == ("one.md: its reader failed (ZeroDivisionError)",)


def test_only_what_changed_is_read_and_encoded(bench: Bench) -> None:
    first = bench.ingest()
    assert (bench.reader.read_names, bench.encoded) == (["one.md", "two.txt"], 3)
    (bench.corpus / "two.txt").write_text("Another text.\n")
    (bench.corpus / "three.md").write_text("A third document.\n")
    second = bench.ingest()
    assert bench.reader.read_names[2:] == ["three.md", "two.txt"]
    assert bench.encoded == 5
    assert first.index is not None
    assert second.index is not None
    assert first.index.version != second.index.version
    assert texts(second.index) == ["The first sentence. The second sentence.", "A third document.", "Another text."]
    check(second.index)
    assert len(list((bench.folder / "documents").iterdir())) == 6


def test_nothing_is_done_when_nothing_changed(bench: Bench) -> None:
    first = bench.ingest()
    second = bench.ingest()
    assert bench.encoded == 3
    assert len(bench.reader.read_names) == 2
    assert second.listing == first.listing
    assert second.pointer == first.pointer


def test_deleted_and_renamed_documents(bench: Bench) -> None:
    bench.ingest()
    (bench.corpus / "one.md").unlink()
    (bench.corpus / "two.txt").rename(bench.corpus / "renamed.txt")
    done = bench.ingest()
    assert done.index is not None
    assert done.index.documents == ("renamed.txt",)
    assert [p.document for p in done.index.passages] == ["renamed.txt"]
    check(done.index)
    assert len(bench.reader.read_names) == 2
    assert len(list((bench.folder / "documents").iterdir())) == 2


def test_equal_files_are_encoded_once_and_indexed_under_both_names(bench: Bench) -> None:
    shutil.copy(bench.corpus / "one.md", bench.corpus / "copy.md")
    done = bench.ingest()
    assert done.index is not None
    assert done.index.documents == ("copy.md", "one.md", "two.txt")
    assert bench.encoded == 3
    check(done.index)
    assert bench.steps[-1].documents == 3


def test_a_file_that_cannot_be_read_is_not_tried_again_until_it_changes(bench: Bench) -> None:
    (bench.corpus / "bad.md").write_bytes(b"abc\0def")
    for _ in range(2):
        assert len(bench.ingest().listing.skipped) == 1
    assert bench.reader.read_names.count("bad.md") == 1
    (bench.corpus / "bad.md").write_text("It is good now.")
    assert bench.ingest().listing.skipped == ()


def test_a_file_that_changes_under_its_reader_is_tried_again(bench: Bench) -> None:
    class Racing(CountingReader):
        def read(self, source: Source, digest: str) -> Document:
            if source.name == "two.txt" and "two.txt" not in self.read_names:
                source.path.write_text("It was changed meanwhile.")
            return super().read(source, digest)

    bench.reader = Racing()
    first = bench.ingest()
    assert [line.split(":")[0] for line in first.listing.skipped] == ["two.txt"]
    assert first.listing.survey == ""
    (bench.corpus / "two.txt").write_text("A text without headings.\n")
    assert texts(bench.ingest().index)[-1] == "A text without headings."


def test_a_file_that_was_refused_is_read_under_wider_limits(bench: Bench) -> None:
    bench.reader.failing["two.txt"] = documents.Unreadable("it takes too long")
    assert len(bench.ingest().listing.entries) == 1
    bench.reader.failing.clear()
    assert len(bench.ingest().listing.entries) == 1
    bench.limits = "twice the time"
    done = bench.ingest()
    assert done.listing.skipped == ()
    assert len(texts(done.index)) == 2


def test_documents_of_a_persona_without_any_are_no_index(bench: Bench) -> None:
    assert bench.ingest().index is not None
    shutil.rmtree(bench.corpus)
    done = bench.ingest()
    assert done.index is None
    assert done.pointer is None
    assert indexes.load(bench.folder) is None
    assert bench.ingest().listing.entries == ()


def test_paths_are_remembered_and_forgotten(bench: Bench, tmp_path: Path) -> None:
    extra = tmp_path / "extra.md"
    extra.write_text("An extra document.")
    assert len(bench.ingest(add=[extra]).listing.entries) == 3
    assert len(bench.ingest().listing.entries) == 3
    with pytest.raises(InvalidInput):
        bench.ingest(forget=[tmp_path / "other.md"])
    assert len(bench.ingest(forget=[extra]).listing.entries) == 2


def test_a_path_that_is_gone_for_a_while_costs_nothing_when_it_is_back(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "drive"
    folder.mkdir()
    (folder / "extra.md").write_text("An extra document.")
    bench.ingest(add=[folder])
    folder.rename(tmp_path / "away")
    gone = bench.ingest()
    assert gone.listing.missing == (str(folder),)
    assert len(gone.listing.entries) == 2
    (tmp_path / "away").rename(folder)
    assert len(bench.ingest().listing.entries) == 3
    assert bench.encoded == 4


def test_small_documents_share_batches(bench: Bench) -> None:
    for number in range(300):
        (bench.corpus / f"{number:03}.md").write_text(f"Sentence {number}.")
    done = bench.ingest()
    assert isinstance(bench.encoder, CountingEncoder)
    assert bench.encoder.batches == [BATCH, BATCH, 303 - 2 * BATCH]
    check(done.index)


def test_a_document_larger_than_a_batch_is_written_as_it_is_encoded(bench: Bench) -> None:
    sentences = [f"This is sentence number {number}." for number in range(3 * BATCH + 5)]
    (bench.corpus / "long.md").write_text("\n\n".join(sentences))
    bench.encoder = FailingEncoder(ConnectionError("no encoder"), after=2)
    with pytest.raises(ConnectionError):
        bench.ingest()
    bench.encoder.error = None
    done = bench.ingest()
    assert bench.encoded == len(sentences) + 3
    check(done.index)


def test_what_was_done_before_a_failure_is_not_done_again(bench: Bench) -> None:
    for number in range(2 * BATCH):
        (bench.corpus / f"{number:03}.md").write_text(f"Sentence {number}.")
    bench.encoder = FailingEncoder(ConnectionError("no encoder"), after=1)
    with pytest.raises(ConnectionError):
        bench.ingest()
    bench.encoder.error = None
    done = bench.ingest()
    assert len(bench.reader.read_names) == 2 * BATCH + 2
    assert bench.encoded == 2 * BATCH + 3
    check(done.index)


def test_a_stopped_job_changes_nothing(bench: Bench) -> None:
    first = bench.ingest()
    (bench.corpus / "two.txt").write_text("Another text.\n")
    bench.stop.set()
    with pytest.raises(Stopped):
        bench.ingest()
    stored = indexes.load(bench.folder)
    assert stored is not None
    assert first.index is not None
    assert stored.version == first.index.version


def test_a_job_can_be_stopped_while_it_encodes(bench: Bench) -> None:
    held = HeldEncoder()
    bench.encoder = held
    ends: list[BaseException] = []

    def run() -> None:
        try:
            bench.ingest()
        except Stopped as error:
            ends.append(error)

    for number in range(3 * BATCH):
        (bench.corpus / f"{number:03}.md").write_text(f"Sentence {number}.")
    worker = threading.Thread(target=run)
    worker.start()
    while not bench.listings:
        time.sleep(0.01)
    bench.stop.set()
    held.go.set()
    worker.join(20)
    assert len(ends) == 1
    assert held.texts <= BATCH


def test_the_listing_is_there_before_anything_is_encoded(bench: Bench) -> None:
    held = HeldEncoder()
    bench.encoder = held
    worker = threading.Thread(target=bench.ingest)
    worker.start()
    while not bench.listings:
        time.sleep(0.01)
    (read,) = bench.listings
    assert ([entry.name for entry in read.entries], read.chunks) == (["one.md", "two.txt"], 2)
    assert held.texts == 0
    held.go.set()
    worker.join(20)


def test_progress_goes_through_the_stages_and_names_the_file(bench: Bench) -> None:
    bench.ingest()
    stages = list(dict.fromkeys(step.stage for step in bench.steps))
    assert stages == [Stage.LOOKING, Stage.READING, Stage.ENCODING, Stage.INDEXING]
    assert {"one.md", "two.txt"} <= {step.current for step in bench.steps}
    last = bench.steps[-1]
    assert (last.documents, last.chunks, last.fresh_documents, last.fresh_chunks) == (2, 2, 2, 2)
    bench.steps.clear()
    bench.ingest()
    last = bench.steps[-1]
    assert (last.documents, last.chunks, last.fresh_documents, last.fresh_chunks) == (2, 2, 0, 0)


@pytest.mark.parametrize("what", ["*.json", "*.vec"])
def test_damaged_leftovers_are_made_again(bench: Bench, what: str) -> None:
    bench.ingest()
    for file in (bench.folder / "documents").glob(what):
        file.write_bytes(b"\0" * 100)
    (bench.corpus / "three.md").write_text("A third document.")
    done = bench.ingest()
    assert len(texts(done.index)) == 3
    check(done.index)
    check(bench.ingest().index)


@pytest.mark.parametrize("name", ["files.json", "listing.json"])
def test_damaged_notes_cost_nothing_but_a_look(bench: Bench, name: str) -> None:
    bench.ingest()
    (bench.folder / name).write_bytes(b"{")
    done = bench.ingest()
    assert len(done.listing.entries) == 2
    assert bench.encoded == 3


def test_an_index_of_an_older_version_is_assembled_from_what_is_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "FORMAT", indexes.FORMAT - 1)
    bench.ingest()
    monkeypatch.undo()
    with pytest.raises(indexes.OtherFormat):
        indexes.load(bench.folder)
    done = bench.ingest()
    check(done.index)
    assert (len(bench.reader.read_names), bench.encoded) == (2, 3)


def test_leftovers_of_dead_runs_and_earlier_versions_are_swept(bench: Bench) -> None:
    bench.ingest()
    (bench.folder / "vectors").mkdir()
    (bench.folder / "vectors" / "x.vec").write_text("")
    (bench.folder / "dead-0.index").mkdir()
    (bench.folder / "listing.json.0.part").write_text("")
    current = (bench.folder / indexes.CURRENT).read_text()
    bench.ingest()
    left = {file.name for file in bench.folder.iterdir()}
    assert left == {"CURRENT", "LOCK", "documents", "files.json", "listing.json", current}


def test_a_full_disk_leaves_the_old_index(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bench.ingest()
    (bench.corpus / "two.txt").write_text("Another text.\n")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def replace(*arguments: object) -> None:
        raise full

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="No space"):
        bench.ingest()
    monkeypatch.undo()
    stored = indexes.load(bench.folder)
    assert stored is not None
    assert texts(stored) == texts(first.index)
    assert not [file for file in bench.folder.rglob("*") if file.suffix == ".part"]


def test_an_ingest_does_not_begin_while_another_is_at_work(bench: Bench) -> None:
    with locked(bench.folder), pytest.raises(Busy):
        bench.ingest()
    assert bench.ingest().index is not None


def test_a_killed_ingest_leaves_the_old_index_and_the_next_goes_on(bench: Bench) -> None:
    old = bench.ingest()
    for number in range(20 * BATCH):
        (bench.corpus / f"{number:04}.md").write_text(f"Sentence {number} of many.")
    with ingest_process.start(bench.corpus, bench.folder, seconds=0.05) as child:
        while len(list((bench.folder / "documents").glob("*.vec"))) < 2 + 3 * BATCH:
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
    stored = indexes.load(bench.folder)
    assert stored is not None
    assert texts(stored) == texts(old.index)
    before, kept = bench.encoded, len(list((bench.folder / "documents").glob("*.vec"))) - 2
    assert kept >= 3 * BATCH
    done = bench.ingest()
    assert bench.encoded - before == 20 * BATCH - kept
    assert len(texts(done.index)) == 20 * BATCH + 2
    check(done.index)
    assert not [f for f in bench.folder.rglob("*") if f.suffix in (".part", ".rows")]
    assert len([f for f in bench.folder.iterdir() if f.suffix == ".index"]) == 1


def test_a_kill_while_the_index_is_written_leaves_the_old_one(bench: Bench) -> None:
    old = bench.ingest()
    (bench.corpus / "three.md").write_text("A third document.")
    with ingest_process.start(bench.corpus, bench.folder, die_before_swap=True) as child:
        assert child.wait() == -signal.SIGKILL
    assert len([f for f in bench.folder.iterdir() if f.suffix == ".index"]) == 2
    stored = indexes.load(bench.folder)
    assert stored is not None
    assert texts(stored) == texts(old.index)
    done = bench.ingest()
    assert len(texts(done.index)) == 3
    assert bench.encoded == 3
    assert len([f for f in bench.folder.iterdir() if f.suffix == ".index"]) == 1


def test_two_processes_at_once_end_with_one_whole_index(bench: Bench, tmp_path: Path) -> None:
    for number in range(2 * BATCH):
        (bench.corpus / f"{number:04}.md").write_text(f"Sentence {number} of many.")
    extra = tmp_path / "extra.md"
    extra.write_text("An extra document.")
    with (
        ingest_process.start(bench.corpus, bench.folder, seconds=0.2) as first,
        ingest_process.start(bench.corpus, bench.folder, extra, seconds=0.2) as second,
    ):
        told = [child.communicate(timeout=100)[0] for child in (first, second)]
    assert [child.returncode for child in (first, second)] == [0, 0]
    assert sum("waited" in text for text in told) == 1
    done = bench.ingest()
    assert len(done.listing.entries) == 2 * BATCH + 3
    assert bench.encoded == 0
    check(done.index)


def test_an_index_is_read_while_others_take_its_place(bench: Bench) -> None:
    """What a service does that serves from a folder in which another one ingests."""
    bench.ingest()
    stop = threading.Event()
    seen: set[int] = set()

    def serve() -> None:
        while not stop.is_set():
            index = indexes.load(bench.folder)
            assert index is not None
            seen.add(len(texts(index)))

    reader = threading.Thread(target=serve)
    reader.start()
    for number in range(8):
        (bench.corpus / f"more-{number}.md").write_text(f"Sentence {number}.")
        bench.ingest()
    stop.set()
    reader.join(20)
    assert seen <= set(range(2, 11))
    assert len(seen) > 1


def test_ten_thousand_files(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "corpus", tmp_path / "index")
    for number in range(10_000):
        folder = bench.corpus / f"{number // 500}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.md").write_text(f"# Part {number}\n\nSentence {number} of very many.\n")
    (bench.corpus / "bad.md").write_bytes(b"abc\0def")
    done = bench.ingest()
    assert done.index is not None
    assert len(done.index.passages) == 10_000
    assert len(done.listing.skipped) == 1
    assert bench.encoded == 10_000
    (bench.corpus / "7" / "3500.md").write_text("Something else altogether.")
    again = bench.ingest()
    assert bench.encoded == 10_001
    assert len(bench.reader.read_names) == 10_002
    assert again.index is not None
    assert len(again.index.passages) == 10_000
