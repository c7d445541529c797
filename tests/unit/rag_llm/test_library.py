"""What a running service does with its personas' documents."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
import weakref
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flashback.errors import Broken, FlashbackError, InvalidInput, Unavailable
from flashback.personas import Persona
from flashback.settings import HouseSettings
from services.rag_llm import index as indexes
from services.rag_llm import library as libraries
from services.rag_llm.folder_lock import locked
from services.rag_llm.library import Library
from services.rag_llm.preparing import BATCH, Encoder
from services.rag_llm.progress import Progress, Report, Stage
from services.rag_llm.settings import RagSettings
from tests.unit.rag_llm.encoders import CountingEncoder, FailingEncoder, HeldEncoder

SETTINGS = RagSettings(recheck_s=0.0, first_ingest_wait_s=30.0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-after looks all the time."""
    monkeypatch.setattr(libraries, "TICK_S", 0.01)
    monkeypatch.setattr(libraries, "PAUSE", 0)
    monkeypatch.setattr(libraries, "BUSY_S", 0.01)


class Libraries:
    """Services on the same data folder, as separate processes would be."""

    def __init__(self, house: HouseSettings) -> None:
        self.house = house
        self._open: list[Library] = []

    def open(self, encoder: Encoder | None = None, settings: RagSettings = SETTINGS) -> Library:
        self._open.append(Library(self.house, settings, encoder or CountingEncoder()))
        return self._open[-1]

    async def close(self) -> None:
        await asyncio.gather(*(library.close() for library in self._open))


@pytest.fixture
async def services(house: HouseSettings) -> AsyncIterator[Libraries]:
    opened = Libraries(house)
    yield opened
    await opened.close()


async def ingest(
    library: Library, persona: Persona, add: Sequence[Path] = (), forget: Sequence[Path] = ()
) -> tuple[list[Progress], Report]:
    *steps, last = [step async for step in library.ingest(persona, add, forget)]
    assert isinstance(last, Report)
    return [step for step in steps if isinstance(step, Progress)], last


async def documents(library: Library, persona: Persona) -> tuple[str, ...]:
    index = await library.index(persona)
    return index.documents if index else ()


async def until(library: Library, persona: Persona, *wanted: str) -> None:
    """Returns when the persona answers from these documents."""
    async with asyncio.timeout(20):
        while await documents(library, persona) != wanted:
            await asyncio.sleep(0.02)


def index_folder(house: HouseSettings, persona: str = "bea") -> Path:
    return house.data_dir / "personas" / persona / "index"


async def test_ingested_paths_survive_a_restart(services: Libraries, tmp_path: Path) -> None:
    (tmp_path / "wasps.txt").write_text("A paper wasp builds its nest from chewed wood.")
    first = services.open()
    persona = await first.persona("bea")
    _, report = await ingest(first, persona, [tmp_path / "wasps.txt"])
    assert report.changes.added == ("bees.md", "wasps.txt")
    await first.close()
    assert await documents(services.open(), persona) == ("bees.md", "wasps.txt")


async def test_what_changed_is_told_from_one_ingest_to_the_next(services: Libraries, tmp_path: Path) -> None:
    library = services.open()
    persona = await library.persona("bea")
    extra = tmp_path / "extra"
    extra.mkdir()
    for name in ("a.md", "b.md"):
        (extra / name).write_text(f"Text of {name}.")
    await ingest(library, persona, [extra])
    (extra / "a.md").write_text("Another text.")
    (extra / "b.md").unlink()
    (extra / "c.md").write_text("Text of c.")
    await until(library, persona, "a.md", "bees.md", "c.md")
    _, report = await ingest(library, persona)
    assert (report.changes.added, report.changes.changed, report.changes.removed) == (("c.md",), ("a.md",), ("b.md",))
    assert report.changes.unchanged == 1
    _, report = await ingest(library, persona)
    assert report.changes.unchanged == 3


async def test_changed_documents_are_noticed_without_being_asked(services: Libraries) -> None:
    library = services.open()
    persona = await library.persona("bea")
    first = await library.index(persona)
    (persona.corpus / "more.md").write_text("# More\n\nDrones have no sting.\n")
    await until(library, persona, "bees.md", "more.md")
    assert first is not None
    assert first.documents == ("bees.md",)
    assert [passage.document for passage in first.passages][0] == "bees.md"


async def test_a_changed_file_does_not_wait_for_the_first_ingest_of_another_persona(services: Libraries) -> None:
    first = services.open()
    bea, bob = await first.persona("bea"), await first.persona("bob")
    await ingest(first, bea)
    await first.close()

    class HeldForBob(HeldEncoder):
        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return super().encode(texts) if any("Bridge" in text for text in texts) else self.at_once(texts)

    held = HeldForBob()
    library = services.open(held)
    library.begin(bob)
    assert await documents(library, bea) == ("bees.md",)
    (bea.corpus / "more.md").write_text("# More\n\nDrones have no sting.\n")
    await until(library, bea, "bees.md", "more.md")
    assert held.waiting > 0
    held.go.set()


async def test_an_index_that_another_process_built_is_picked_up_and_the_old_one_dropped(services: Libraries) -> None:
    serving, building = services.open(settings=RagSettings(recheck_s=3600)), services.open()
    persona = await serving.persona("bea")
    index = await serving.index(persona)
    assert index is not None
    old = weakref.ref(index)
    (persona.corpus / "more.md").write_text("# More\n\nDrones have no sting.\n")
    await ingest(building, persona)
    await until(serving, persona, "bees.md", "more.md")
    assert old() is index, "whoever answers from it keeps it"
    del index
    gc.collect()
    assert old() is None


async def test_documents_that_another_process_removed_are_answered_from_no_more(services: Libraries) -> None:
    serving, building = services.open(settings=RagSettings(recheck_s=3600)), services.open()
    persona = await serving.persona("bea")
    assert await serving.index(persona) is not None
    shutil.rmtree(persona.corpus)
    await ingest(building, persona)
    await until(serving, persona)


async def test_an_index_of_another_encoder_is_not_picked_up(
    services: Libraries, caplog: pytest.LogCaptureFixture
) -> None:
    serving = services.open(settings=RagSettings(recheck_s=3600))
    persona = await serving.persona("bea")
    before = await serving.index(persona)
    await ingest(services.open(CountingEncoder("another")), persona)
    async with asyncio.timeout(20):
        while "another encoder" not in caplog.text:
            await asyncio.sleep(0.02)
    assert await serving.index(persona) is before


async def test_an_ingest_waits_for_that_of_another_process_and_says_so(services: Libraries, tmp_path: Path) -> None:
    library = services.open()
    persona = await library.persona("bea")
    with locked(index_folder(services.house)):
        ingesting = asyncio.create_task(ingest(library, persona))
        await asyncio.sleep(0.5)
        assert not ingesting.done()
    steps, report = await ingesting
    assert Stage.WAITING in [step.stage for step in steps]
    assert report.changes.added == ("bees.md",)


async def test_a_service_without_an_index_gets_the_one_that_is_being_built(services: Libraries) -> None:
    held = HeldEncoder()
    building, serving = services.open(held), services.open(settings=RagSettings(first_ingest_wait_s=0.1))
    persona = await serving.persona("bea")
    building.begin(persona)
    await building.listing(persona)
    with pytest.raises(Unavailable, match="still reading"):
        await serving.index(persona)
    held.go.set()
    async with asyncio.timeout(20):
        while True:
            try:
                assert await documents(serving, persona) == ("bees.md",)
                break
            except Unavailable:
                await asyncio.sleep(0.05)


async def test_a_question_does_not_wait_for_ever_and_the_vocabulary_does_not_wait_at_all(services: Libraries) -> None:
    encoder = HeldEncoder()
    library = services.open(encoder, RagSettings(first_ingest_wait_s=0.3))
    persona = await library.persona("bea")
    with pytest.raises(Unavailable, match=r"still reading my documents \(0 of 1\)"):
        await library.index(persona)
    assert (await library.listing(persona)).chunks > 0
    pieces = [piece async for piece in library.vocabulary(persona)]
    assert "Honey" in pieces[0].headings
    encoder.go.set()
    await ingest(library, persona)
    assert await documents(library, persona) == ("bees.md",)


async def test_the_old_index_answers_while_a_new_one_is_built(services: Libraries) -> None:
    first = services.open()
    await ingest(first, await first.persona("bea"))
    await first.close()
    held = HeldEncoder()
    library = services.open(held, RagSettings(first_ingest_wait_s=0.3))
    persona = await library.persona("bea")
    (persona.corpus / "more.md").write_text("# More\n\nDrones have no sting.\n")
    assert await documents(library, persona) == ("bees.md",)
    ingesting = asyncio.create_task(ingest(library, persona))
    await asyncio.sleep(0.2)
    assert await documents(library, persona) == ("bees.md",)
    held.go.set()
    await ingesting
    assert await documents(library, persona) == ("bees.md", "more.md")


async def test_an_index_of_an_older_version_is_said_once_and_built_again(
    services: Libraries, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(indexes, "FORMAT", indexes.FORMAT - 1)
    first = services.open()
    persona = await first.persona("bea")
    await ingest(first, persona)
    await first.close()
    monkeypatch.undo()
    encoder = CountingEncoder()
    with caplog.at_level(logging.WARNING):
        assert await documents(services.open(encoder), persona) == ("bees.md",)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert "index" in caplog.text
    assert encoder.texts == 0


async def test_emptied_documents_leave_no_index(services: Libraries) -> None:
    library = services.open()
    persona = await library.persona("bea")
    assert await library.index(persona) is not None
    (persona.corpus / "bees.md").unlink()
    _, report = await ingest(library, persona)
    assert report.changes.removed == ("bees.md",)
    assert await library.index(persona) is None
    assert await services.open().index(persona) is None


async def test_an_ingest_on_request_takes_the_place_of_the_look_after(
    services: Libraries, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two indexes must not be built one after the other."""
    held = HeldEncoder()
    library = services.open(held)
    persona = await library.persona("bea")
    for number in range(2 * BATCH):
        (persona.corpus / f"{number}.md").write_text(f"Sentence {number}.")
    (tmp_path / "wasps.txt").write_text("A paper wasp builds its nest from chewed wood.")
    await library.listing(persona)
    async with asyncio.timeout(20):
        while held.waiting == 0:
            await asyncio.sleep(0.01)
    with caplog.at_level(logging.INFO, "services.rag_llm"):
        ingesting = asyncio.create_task(ingest(library, persona, [tmp_path / "wasps.txt"]))
        await asyncio.sleep(0.1)
        held.go.set()
        _, report = await ingesting
    assert len(report.changes.added) == 2 * BATCH + 2
    assert held.texts == report.listing.chunks + 3
    assert caplog.text.count("index ready") == 1


async def overtaken(library: Library, held: HeldEncoder) -> Persona:
    """Bob, whose first build of three batches was called off in its first one by an ingest for Bea, which has ended."""
    bea, bob = await library.persona("bea"), await library.persona("bob")
    for number in range(3 * BATCH):
        (bob.corpus / f"{number}.md").write_text(f"Sentence {number}.")
    library.begin(bob)
    async with asyncio.timeout(20):
        while held.waiting == 0:
            await asyncio.sleep(0.01)
    ingesting = asyncio.create_task(ingest(library, bea))
    await asyncio.sleep(0.1)
    held.go.set()
    await ingesting
    return bob


async def test_an_ingest_on_request_comes_before_documents_that_nobody_asks_about(services: Libraries) -> None:
    held = HeldEncoder()
    library = services.open(held)
    bob = await overtaken(library, held)
    assert held.texts < 2 * BATCH
    assert len(await documents(library, bob)) == 3 * BATCH + 1


async def test_a_build_that_was_called_off_begins_again_as_soon_as_somebody_asks(services: Libraries) -> None:
    held = HeldEncoder()
    library = services.open(held, RagSettings(recheck_s=3600.0, first_ingest_wait_s=30.0))
    bob = await overtaken(library, held)
    index = await library.index(bob)
    assert index is not None
    assert len(index.documents) == 3 * BATCH + 1


async def test_paths_are_listed_with_what_they_hold(services: Libraries, tmp_path: Path) -> None:
    library = services.open()
    persona = await library.persona("bea")
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "wasps.md").write_text("A paper wasp builds its nest from chewed wood.")
    await ingest(library, persona, [tmp_path / "extra"])
    own, extra = await library.roots(persona)
    assert (own.path, own.documents, own.own, own.missing) == (persona.corpus, 1, True, False)
    assert (extra.path, extra.documents, extra.own, extra.missing) == (tmp_path / "extra", 1, False, False)
    shutil.rmtree(tmp_path / "extra")
    _, report = await ingest(library, persona)
    assert report.listing.missing == (str(tmp_path / "extra"),)
    assert [(root.documents, root.missing) for root in await library.roots(persona)] == [(1, False), (0, True)]
    await ingest(library, persona, forget=[tmp_path / "extra"])
    assert len(await library.roots(persona)) == 1


@pytest.mark.parametrize(
    ("add", "forget", "says"),
    [("relative.md", "", "not absolute"), ("/no/such/file", "", "no file or folder"), ("", "/etc", "not among")],
)
async def test_paths_that_make_no_sense_are_refused(services: Libraries, add: str, forget: str, says: str) -> None:
    library = services.open()
    persona = await library.persona("bea")
    with pytest.raises(InvalidInput, match=says):
        await ingest(library, persona, [Path(add)] if add else [], [Path(forget)] if forget else [])
    assert await documents(library, persona) == ("bees.md",)


async def test_a_folder_that_cannot_be_written_is_said_and_the_old_index_answers(
    services: Libraries, caplog: pytest.LogCaptureFixture
) -> None:
    library = services.open()
    persona = await library.persona("bea")
    assert await documents(library, persona) == ("bees.md",)
    store = index_folder(services.house) / "documents"
    shutil.rmtree(store)
    store.write_text("in the way")
    (persona.corpus / "more.md").write_text("# More\n\nDrones have no sting.\n")
    with pytest.raises(Broken, match="make room there"):
        await ingest(library, persona)
    await asyncio.sleep(0.3)
    assert await documents(library, persona) == ("bees.md",)
    assert caplog.text.count("documents not read") == 1
    store.unlink()
    await until(library, persona, "bees.md", "more.md")


async def test_without_an_index_to_fall_back_on_the_question_is_told(house: HouseSettings) -> None:
    house.data_dir.write_text("in the way")
    library = Library(house, SETTINGS, CountingEncoder())
    persona = await library.persona("bea")
    with pytest.raises(Broken, match="make room there"):
        await library.index(persona)
    with pytest.raises(Broken):
        await library.listing(persona)
    await library.close()


async def test_an_index_in_a_folder_that_is_only_read_is_served(
    services: Libraries, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = services.open()
    persona = await first.persona("bea")
    await ingest(first, persona)
    await first.close()

    def read_only(*arguments: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("services.rag_llm.ingest.locked", read_only)
    library = services.open()
    assert await documents(library, persona) == ("bees.md",)
    await asyncio.sleep(0.1)
    assert (await library.listing(persona)).chunks > 0
    with pytest.raises(Broken, match="Read-only"):
        await ingest(library, persona)


async def test_an_encoder_that_fails_is_said_and_tried_again(services: Libraries) -> None:
    encoder = FailingEncoder(Unavailable("The embeddings server does not answer."))
    library = services.open(encoder)
    persona = await library.persona("bea")
    with pytest.raises(Unavailable, match="embeddings server"):
        await library.index(persona)
    with pytest.raises(Unavailable, match="embeddings server"):
        await ingest(library, persona)
    encoder.error = None
    async with asyncio.timeout(20):
        while True:
            try:
                assert await documents(library, persona) == ("bees.md",)
                break
            except Unavailable:
                await asyncio.sleep(0.02)


async def test_what_nobody_expected_is_told_without_its_text(services: Libraries) -> None:
    library = services.open(FailingEncoder(ZeroDivisionError("private text")))
    persona = await library.persona("bea")
    with pytest.raises(FlashbackError) as caught:
        await library.index(persona)
    assert "private text" not in caught.value.message


async def test_a_job_goes_on_when_its_caller_leaves(services: Libraries) -> None:
    held = HeldEncoder()
    library = services.open(held)
    persona = await library.persona("bea")
    steps = library.ingest(persona)
    await anext(aiter(steps))
    await steps.aclose()
    held.go.set()
    assert await documents(library, persona) == ("bees.md",)


async def test_closing_stops_an_ingest(house: HouseSettings) -> None:
    encoder = HeldEncoder()
    library = Library(house, SETTINGS, encoder)
    persona = await library.persona("bea")
    library.begin(persona)
    ingesting = asyncio.create_task(ingest(library, persona))
    await asyncio.sleep(0.2)
    closing = asyncio.create_task(library.close())
    await asyncio.sleep(0.1)
    encoder.go.set()
    async with asyncio.timeout(20):
        await closing
        with pytest.raises(Unavailable, match="closing"):
            await ingesting


async def test_looks_are_far_between_where_they_take_long(
    house: HouseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With as many files as you like the look-after takes one part in PAUSE of a core."""
    monkeypatch.setattr(libraries, "PAUSE", 20)
    now = 0.0
    looks: list[float] = []

    def clock() -> float:
        return now

    library = Library(house, RagSettings(recheck_s=1.0), CountingEncoder(), clock)
    persona = await library.persona("nil")
    await library.index(persona)
    real = libraries.Shelf.refresh

    def slow(self: libraries.Shelf, *arguments: object) -> None:
        nonlocal now
        looks.append(now)
        now += 0.5
        real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(libraries.Shelf, "refresh", slow)
    async with asyncio.timeout(20):
        while len(looks) < 4:
            await asyncio.sleep(0.02)
            now += 0.25
    await library.close()
    gaps = [after - before for before, after in zip(looks[1:], looks[2:], strict=False)]
    assert min(gaps) >= 0.5 + 20 * 0.5
