"""Every persona's index: loaded on first use, built when missing, looked after while the service runs.

Documents that change, and indexes that another process has built, are taken up without a restart. Whoever asks while an
index is built is answered from the one before it; worker threads build, at a lower priority than the conversation.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from flashback import personas
from flashback.errors import InvalidInput, Unavailable
from flashback.personas import Persona
from flashback.settings import HouseSettings
from services.rag_llm import remembered, vocabulary
from services.rag_llm.folder_lock import Busy
from services.rag_llm.index import PassageIndex
from services.rag_llm.ingest import Workshop
from services.rag_llm.listing import Listing
from services.rag_llm.preparing import Encoder
from services.rag_llm.progress import Progress, Report, Stage
from services.rag_llm.readers.limits import Limits
from services.rag_llm.reading import Reader
from services.rag_llm.remembered import Root
from services.rag_llm.settings import RagSettings
from services.rag_llm.shelf import Shelf, typed
from services.rag_llm.store import DocumentStore
from services.rag_llm.tended import Job, Tended
from services.rag_llm.vocabulary import Vocabulary
from services.rag_llm.walk import Stopped

T = TypeVar("T")

log = logging.getLogger(__name__)

NICENESS = 5
WORKERS = 4
"""A first ingest, a look after documents, an ingest on request, and an index that is picked up."""
REPORT_EVERY_S = 0.2
TICK_S = 1.0
"""How often it is seen whether another process has built an index: one `stat` a persona."""
BUSY_S = 0.3
PAUSE = 50
"""A look at the documents that took t seconds is followed by PAUSE * t without one, up to LONGEST_PAUSE_S: however many
files there are, looking after them costs little of a core."""
LONGEST_PAUSE_S = 60.0
DOCUMENTS = "documents"


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
        self._tended: dict[str, Tended] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None
        # One job of each kind at a time: what a user waits for never stands behind the look-after of other personas,
        # nor a changed file behind somebody's first ingest.
        self._asked, self._first, self._again = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._workers = ThreadPoolExecutor(WORKERS, "ingest", initializer=_lower_priority)
        self._look_up = ThreadPoolExecutor(1, "library")

    async def persona(self, persona_id: str) -> Persona:
        """The persona as it is on disk now. Raises InvalidInput, NotFound or Broken."""
        return await self._run(self._look_up, personas.load, persona_id or self._house.default_persona, self._house)

    def begin(self, persona: Persona) -> None:
        """Starts to load or build the persona's index where that is still to be done, without waiting for it."""
        tended = self._tend(persona)
        if not tended.busy and not tended.shelf.ready and tended.error is None:
            self._look_after(tended)

    async def index(self, persona: Persona) -> PassageIndex | None:
        """The persona's index; None when it has no documents.

        An index in memory is returned at once. Without one this waits for the first ingest, and raises Unavailable when
        that takes longer than `first_ingest_wait_s`, or what kept it from being built.
        """
        self.begin(persona)
        tended = self._tend(persona)
        tended.wanted = True
        try:
            async with asyncio.timeout(self._settings.first_ingest_wait_s):
                await tended.settled.wait()
        except TimeoutError:
            progress = tended.shelf.progress
            far = f" ({progress.documents} of {progress.documents_total})" if progress.documents_total else ""
            raise Unavailable(f"I am still reading my documents{far}; ask me again in a few seconds.") from None
        if not tended.shelf.ready and tended.error is not None:
            raise tended.error
        return tended.shelf.index

    async def listing(self, persona: Persona) -> Listing:
        """The persona's documents as they are now, encoded or not; there long before a first ingest is done."""
        self.begin(persona)
        tended = self._tend(persona)
        tended.wanted = True
        await tended.listed.wait()
        if tended.shelf.listing is None:
            raise tended.error or Unavailable("The documents could not be read; the service's log says why.")
        return tended.shelf.listing

    async def vocabulary(self, persona: Persona) -> AsyncIterator[Vocabulary]:
        """Headings and sentences of the persona's documents, some documents at a time; at least one piece."""
        listing = await self.listing(persona)
        rest = vocabulary.pieces(self._tend(persona).shelf.shop.store, listing)
        while (piece := await self._run(self._look_up, next, rest, None)) is not None:
            yield piece

    async def roots(self, persona: Persona) -> list[Root]:
        """The paths the persona's documents come from, its own corpus first. Raises Broken for a damaged list."""
        listing, shop = await self.listing(persona), self._tend(persona).shelf.shop

        def look() -> list[Root]:
            paths = [shop.corpus, *remembered.paths(shop.folder)]
            return [Root(path, listing.below(path.resolve()), not path.exists(), path == shop.corpus) for path in paths]

        return await self._run(self._look_up, look)

    async def ingest(
        self, persona: Persona, add: Sequence[Path] = (), forget: Sequence[Path] = ()
    ) -> AsyncIterator[Progress | Report]:
        """Remembers `add`, forgets `forget` and brings the index up to date; yields progress and, last, a report.

        Raises InvalidInput for a path that is not absolute, does not exist or was never remembered, and Broken when the
        index cannot be written. The job goes on when the caller leaves.
        """
        for path in [*add, *forget]:
            if not path.is_absolute():
                raise InvalidInput(f"The path {path.name!r} is not absolute.")
        for path in add:
            if not await self._run(self._look_up, path.exists):
                raise InvalidInput(f"There is no file or folder {path.name!r} on the answering service's machine.")
        tended = self._tend(persona)
        for other in self._tended.values():
            if other.can_wait and other.job is not None:
                other.job.stop()
        while tended.busy and tended.job is not None and tended.job.task is not None:
            if tended.job.asked:
                yield replace(tended.shelf.progress, stage=Stage.WAITING)
            else:
                tended.job.stop()
            await asyncio.wait({tended.job.task}, timeout=REPORT_EVERY_S)
        tended.shelf.progress = Progress()
        job = Job(asked=True)
        task = self._start(tended, job, self._ingest(tended, job, add, forget))
        told: Progress | None = None
        while not task.done():
            if tended.shelf.progress != told:
                told = tended.shelf.progress
                yield told
            await asyncio.wait({task}, timeout=REPORT_EVERY_S)
        task.result()
        yield tended.shelf.progress
        yield Report(tended.shelf.listing or Listing("", "", ()), tended.shelf.changes())

    async def close(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        for tended in self._tended.values():
            if tended.job is not None:
                tended.job.stop()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._look_up.shutdown(wait=True, cancel_futures=True)

    def _tend(self, persona: Persona) -> Tended:
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick(), name="documents")
        if persona.id not in self._tended:
            self._tended[persona.id] = Tended(Shelf(persona.id, self._shop(persona)))
        return self._tended[persona.id]

    def _shop(self, persona: Persona) -> Workshop:
        folder = self._house.data_dir / "personas" / persona.id / "index"
        limits = Limits(file_bytes=self._settings.max_file_mb * 1_000_000)
        reader = partial(Reader, limits, self._settings.read_timeout_s, self._settings.read_memory_mb)
        cache = self._settings.vector_cache
        store = DocumentStore(cache or folder / DOCUMENTS, self._encoder, cache is not None, repr(reader.args))
        return Workshop(folder, persona.corpus, self._encoder, store, reader, limits.file_bytes)

    async def _tick(self) -> None:
        """Looks after every persona that was ever asked for, until it is cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            asked = any(tended.busy and tended.job and tended.job.asked for tended in self._tended.values())
            for tended in list(self._tended.values()):
                if tended.busy:
                    continue
                replaced = await self._run(self._look_up, tended.shelf.replaced)
                if tended.busy:  # a user's ingest began meanwhile
                    continue
                if replaced:
                    job = Job()
                    self._start(tended, job, self._pick_up(tended, job))
                elif self._clock() >= tended.next_look and not (asked and tended.can_wait):
                    self._look_after(tended)

    def _look_after(self, tended: Tended) -> None:
        job = Job()
        self._start(tended, job, self._refresh(tended, job))

    def _start(self, tended: Tended, job: Job, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        job.task = asyncio.create_task(work, name=f"documents of {tended.shelf.persona_id}")
        tended.job = job
        self._jobs.add(job.task)
        job.task.add_done_callback(self._ended)
        return job.task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What failed is told to the caller, who may have left, and to the log."""
        self._jobs.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, InvalidInput):
            log.error("%s: %s", task.get_name(), error)

    async def _pick_up(self, tended: Tended, job: Job) -> None:
        """Takes the index that another process has built."""
        job.begun = True
        try:
            await self._run(self._workers, tended.shelf.pick_up)
        except Exception as error:
            tended.fail(typed(error, tended.shelf.shop.folder))
        finally:
            tended.tell()

    async def _refresh(self, tended: Tended, job: Job) -> None:
        """Brings an index up to date unasked; what fails is logged, and told to whoever has no index to ask."""
        began, called_off = self._clock(), False
        try:
            await self._run(self._workers, tended.shelf.open, tended.teller())
            async with self._again if tended.shelf.ready else self._first:
                job.begun, began = True, self._clock()
                await self._run(self._workers, tended.shelf.refresh, job.stopping, tended.teller())
            tended.error = None
        except Stopped:
            called_off = True
        except Busy:
            # The process that is at work will swap its index in, and that is picked up.
            tended.shelf.progress = Progress(Stage.WAITING)
        except Exception as error:
            tended.fail(typed(error, tended.shelf.shop.folder))
        finally:
            pause = max(self._settings.recheck_s, PAUSE * (self._clock() - began))
            tended.next_look = self._clock() + (0 if called_off else min(pause, LONGEST_PAUSE_S))
            tended.tell()

    async def _ingest(self, tended: Tended, job: Job, add: Sequence[Path], forget: Sequence[Path]) -> None:
        """Brings an index up to date for a user, who is told what fails."""
        refresh = partial(tended.shelf.refresh, job.stopping, tended.teller(), True, add, forget)
        job.begun = True
        try:
            while not job.stopping.is_set():
                try:
                    async with self._asked:
                        await self._run(self._workers, refresh)
                    tended.error = None
                    return
                except Busy:
                    tended.shelf.progress = Progress(Stage.WAITING)
                    await asyncio.sleep(BUSY_S)
            raise Stopped
        except Stopped:
            raise Unavailable("The answering service is closing; ingest again when it is back.") from None
        except Exception as error:
            raise typed(error, tended.shelf.shop.folder) from error
        finally:
            tended.tell()

    @staticmethod
    async def _run(pool: ThreadPoolExecutor, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)


def _lower_priority() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
