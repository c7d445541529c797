"""Every persona's index: loaded on first use, built when missing, looked after when the documents change.

One worker thread builds, at a lower priority than the conversation; whoever asks meanwhile is answered from the old
index.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from flashback import personas
from flashback.errors import InvalidInput, Unavailable
from flashback.personas import Persona
from flashback.settings import HouseSettings
from services.rag_llm import index as indexes
from services.rag_llm import ingest
from services.rag_llm.index import PassageIndex
from services.rag_llm.ingest import Draft, Encoder, Progress, VectorStore
from services.rag_llm.settings import RagSettings

T = TypeVar("T")

log = logging.getLogger(__name__)

NICENESS = 5
REPORT_EVERY_S = 0.2


@dataclass
class Shelf:
    """What is in memory of one persona. `index` is None until the first job is done, and where there are no
    documents."""

    persona: Persona
    folder: Path
    index: PassageIndex | None = None
    draft: Draft | None = None
    ready: bool = False
    checked_at: float = -1e9
    progress: Progress = field(default_factory=Progress)
    job: asyncio.Task[None] | None = None


class Library:
    """The personas' indexes. Used from one event loop."""

    def __init__(
        self,
        house: HouseSettings,
        settings: RagSettings,
        encoder: Encoder,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._house = house
        self._settings = settings
        self._encoder = encoder
        self._clock = clock
        self._shelves: dict[str, Shelf] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self._stop = threading.Event()
        self._worker = ThreadPoolExecutor(1, "ingest", initializer=_lower_priority)
        self._look_up = ThreadPoolExecutor(1, "library")

    async def persona(self, persona_id: str) -> Persona:
        """The persona as it is on disk now. Raises InvalidInput, NotFound or Broken."""
        return await self._run(self._look_up, personas.load, persona_id or self._house.default_persona, self._house)

    async def index(self, persona: Persona) -> PassageIndex | None:
        """The persona's index; None when it has no documents.

        An index in memory is returned at once, and looked after in the background. Without one this waits for the first
        ingest. Raises Unavailable when that takes longer than `first_ingest_wait_s`.
        """
        shelf = self._shelf(persona)
        self._look_after(shelf)
        job = shelf.job
        if not shelf.ready and job is not None:
            done, _ = await asyncio.wait({job}, timeout=self._settings.first_ingest_wait_s)
            if not done:
                progress = shelf.progress
                raise Unavailable(
                    f"I am still reading my documents ({progress.documents} of {progress.documents_total}); "
                    "ask me again in a few seconds."
                )
            job.result()
        return shelf.index

    def begin(self, persona: Persona) -> None:
        """Starts to load or build the persona's index, without waiting for it."""
        self._look_after(self._shelf(persona))

    async def draft(self, persona: Persona) -> Draft:
        """The persona's passages as they are now, encoded or not; ready long before a first ingest is."""
        shelf = self._shelf(persona)
        self._look_after(shelf)
        while shelf.draft is None and shelf.job is not None and not shelf.job.done():
            await asyncio.wait({shelf.job}, timeout=0.05)
        if shelf.draft is None:
            raise Unavailable("The documents could not be read; the service's log says why.")
        return shelf.draft

    async def ingest(self, persona: Persona, paths: Sequence[Path]) -> AsyncIterator[tuple[Progress, bool]]:
        """Adds `paths` to the persona's documents and indexes them; yields progress and, last, True beside it.

        Raises InvalidInput for a path that is not absolute or does not exist. The job goes on when the caller leaves.
        """
        for path in paths:
            if not path.is_absolute():
                raise InvalidInput(f"The path {path.name!r} is not absolute.")
            if not await self._run(self._look_up, path.exists):
                raise InvalidInput(f"There is no file or folder {path.name!r} on the answering service's machine.")
        shelf = self._shelf(persona)
        former = shelf.job
        if former is not None and not former.done():
            await asyncio.wait({former})
        if paths:
            await self._run(self._look_up, ingest.remember_paths, shelf.folder, paths)
        shelf.progress = Progress()
        job = self._start(shelf)
        told: Progress | None = None
        while not job.done():
            if shelf.progress != told:
                told = shelf.progress
                yield told, False
            await asyncio.wait({job}, timeout=REPORT_EVERY_S)
        job.result()
        yield shelf.progress, True

    async def close(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._look_up.shutdown(wait=True, cancel_futures=True)

    def _shelf(self, persona: Persona) -> Shelf:
        folder = self._house.data_dir / "personas" / persona.id / "index"
        shelf = self._shelves.setdefault(persona.id, Shelf(persona, folder))
        shelf.persona = persona
        return shelf

    def _look_after(self, shelf: Shelf) -> None:
        busy = shelf.job is not None and not shelf.job.done()
        if not busy and self._clock() - shelf.checked_at >= (self._settings.recheck_s if shelf.ready else 0):
            self._start(shelf)

    def _start(self, shelf: Shelf) -> asyncio.Task[None]:
        shelf.checked_at = self._clock()
        shelf.job = asyncio.create_task(self._refresh(shelf), name=f"refresh {shelf.persona.id}")
        self._jobs.add(shelf.job)
        shelf.job.add_done_callback(self._jobs.discard)
        shelf.job.add_done_callback(_log_failure)
        return shelf.job

    async def _refresh(self, shelf: Shelf) -> None:
        began = time.perf_counter()
        before = shelf.index
        await self._run(self._worker, self._refresh_blocking, shelf)
        if shelf.index is not before:
            log.info(
                "index ready",
                extra={
                    "persona": shelf.persona.id,
                    "chunks": len(shelf.index.passages) if shelf.index else 0,
                    "skipped": len(shelf.progress.skipped),
                    "ms": round((time.perf_counter() - began) * 1000),
                },
            )

    def _refresh_blocking(self, shelf: Shelf) -> None:
        most = self._settings.max_file_mb * 1_000_000
        own = [shelf.persona.corpus] if shelf.persona.corpus.is_dir() else []
        found = ingest.survey([*own, *ingest.extra_paths(shelf.folder)], self._encoder.name, most)
        if shelf.ready and shelf.draft is not None and shelf.draft.version == found.version:
            shelf.progress = replace(shelf.progress, skipped=shelf.progress.skipped or found.skipped)
            return
        if not shelf.ready:
            stored = indexes.load(shelf.folder)
            if stored is not None and stored.version == found.version:
                self._take(shelf, stored, Draft(stored.version, stored.documents, stored.passages), found.skipped)
                return
            if stored is not None:
                shelf.index, shelf.ready = stored, True
        read, draft, skipped = ingest.read_all(found, most)
        if not shelf.ready or not draft.passages:
            shelf.draft = draft
        shelf.progress = Progress(0, len(read), 0, tuple(skipped))
        cache = self._settings.vector_cache
        store = VectorStore(cache or shelf.folder / ingest.VECTORS, self._encoder, shared=cache is not None)

        def report(done: int, passages: int) -> None:
            shelf.progress = Progress(done, len(read), passages, tuple(skipped))

        built = ingest.build(read, draft, store, self._stop, report)
        if built is not None:
            indexes.save(built, shelf.folder)
        store.prune()
        self._take(shelf, built, draft, tuple(skipped))

    @staticmethod
    def _take(shelf: Shelf, index: PassageIndex | None, draft: Draft, skipped: tuple[str, ...]) -> None:
        documents = len(draft.documents)
        shelf.progress = Progress(documents, documents, len(draft.passages), skipped)
        shelf.draft = draft
        shelf.index = index
        shelf.ready = True

    @staticmethod
    async def _run(pool: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


def _lower_priority() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _log_failure(job: asyncio.Task[None]) -> None:
    if not job.cancelled() and (error := job.exception()) is not None and not isinstance(error, ingest.Stopped):
        log.error("ingest failed: %s", error, extra={"kind": type(error).__name__})
