"""One persona's documents and index: what is in memory of them, and how it is brought up to date. All of it blocks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from flashback.errors import Broken, FlashbackError
from services.rag_llm import index as indexes
from services.rag_llm import ingest, listing
from services.rag_llm.index import PassageIndex
from services.rag_llm.ingest import Ingested, Pointer, Workshop
from services.rag_llm.listing import Changes, Entry, Listing
from services.rag_llm.progress import Progress
from services.rag_llm.survey import Digests

log = logging.getLogger(__name__)


class Shelf:
    """Changed by one thread at a time; its fields may be read by any.

    `index` is None until there is one, and where there are no documents. `ready`: it is as good as it can be now.
    `listing`: the documents that were read, in the index or on their way into it. An old index is dropped when nothing
    that answers from it holds it any more.
    """

    def __init__(self, persona_id: str, shop: Workshop) -> None:
        self.persona_id = persona_id
        self.shop = shop
        self.index: PassageIndex | None = None
        self.listing: Listing | None = None
        self.ready = False
        self.progress = Progress()
        self._told: Listing | None = None
        self._between: dict[str, Entry] = {}
        self._opening = threading.Lock()
        self._digests: Digests | None = None
        self._stamp = ""
        self._pointer: Pointer | None = None

    def open(self, listed: Callable[[], None]) -> Digests:
        """Loads what an earlier run left, whether or not it is up to date; the first time only. Callable from any
        thread; `listed` is called when `index` or `listing` has come to be."""
        with self._opening:
            if self._digests is None:
                digests = Digests.load(self.shop.folder)
                self._load()
                self._digests = digests
                listed()
            return self._digests

    def refresh(
        self,
        stop: threading.Event,
        listed: Callable[[], None],
        asked: bool = False,
        add: Sequence[Path] = (),
        forget: Sequence[Path] = (),
    ) -> None:
        """Brings the index up to date, if it is not. asked: by a user, so that every file is reported on.

        `listed` is called when `listing` or `index` has come to be. Raises what ingest.ingest raises.
        """
        digests = self.open(listed)
        if not asked:
            found = self.shop.look(stop)
            if self.ready and found.stamp == self._stamp:
                return
            stamp = ingest.up_to_date(self.shop, found, digests, self.index, self.listing, stop)
            if stamp is not None:
                self._stamp, self.ready = stamp, True
                return

        def report(progress: Progress) -> None:
            self.progress = progress

        def when_read(read: Listing) -> None:
            if not self.ready:
                self.listing = read
                listed()

        self._take(ingest.ingest(self.shop, digests, stop, report, when_read, self.index, tuple(add), tuple(forget)))

    def replaced(self) -> bool:
        """Whether another process has built an index since, or removed it."""
        return self._digests is not None and ingest.pointer(self.shop.folder) != self._pointer

    def pick_up(self) -> None:
        """Takes the index that another process has built, or drops the one that it has removed."""
        now = ingest.pointer(self.shop.folder)
        if now is None:
            self._pointer, self._stamp, self.index = None, "", None
            self.listing = listing.load(self.shop.folder) or Listing("", "", ())
            return
        try:
            stored = self._usable()
        except indexes.Unusable as why:
            self._pointer = now
            log.warning("not serving another process's index: %s", why, extra={"persona": self.persona_id})
            return
        self._pointer = now
        self.index, self.listing = stored, listing.load(self.shop.folder) or self.listing
        self._stamp, self.ready = "", True

    def changes(self) -> Changes:
        """What is new since this was last asked, or since the service began; call it when nothing is at work."""
        now = self.listing or Listing("", "", ())
        told = listing.changes(self._told, now, self._between.values())
        self._told, self._between = now, {}
        return told

    def _load(self) -> None:
        self._pointer = ingest.pointer(self.shop.folder)
        if self._pointer is None:
            return
        try:
            stored = self._usable()
        except indexes.Unusable as why:
            log.warning("building the index again from the documents: %s", why, extra={"persona": self.persona_id})
            return
        self.index = stored
        self.listing = self._told = _served(stored, listing.load(self.shop.folder))
        self.ready = True

    def _usable(self) -> PassageIndex:
        """The current index. Raises Unusable when it is not there after all, or not of this encoder."""
        stored = indexes.load(self.shop.folder)
        if stored is None:
            raise indexes.Damaged("the index has gone")
        if not stored.version.startswith(f"{self.shop.method}-"):
            raise indexes.OtherFormat("it was made with another encoder")
        return stored

    def _take(self, done: Ingested) -> None:
        ready = Progress(
            documents=len(done.listing.entries),
            documents_total=len(done.listing.entries),
            chunks=done.listing.chunks,
            fresh_documents=self.progress.fresh_documents,
            fresh_chunks=self.progress.fresh_chunks,
            skipped=len(done.listing.skipped),
        )
        self.progress = ready
        self.listing = done.listing
        self._between |= {entry.path: entry for entry in done.listing.entries}
        self.index = done.index
        self._stamp, self._pointer = done.stamp, done.pointer
        self.ready = True


def _served(index: PassageIndex, known: Listing | None) -> Listing | None:
    """The part of a listing that the index holds: a run that died may have listed more than it came to index."""
    if known is None or known.version == index.version:
        return known
    held = set(index.documents)
    return replace(known, entries=tuple(entry for entry in known.entries if entry.name in held))


def typed(error: Exception, folder: Path) -> FlashbackError:
    """What went wrong with an index in `folder`, as a user may be told; what nobody expected goes to the log."""
    if isinstance(error, FlashbackError):
        return error
    if isinstance(error, OSError):
        return Broken(
            f"The documents' index cannot be kept in {folder} ({error.strerror or error}); make room there, or make it "
            "writable, and ingest again. What was indexed before goes on answering."
        )
    log.error("an ingest failed unexpectedly", exc_info=error)
    return FlashbackError("The documents could not be indexed; the answering service's log says why.")
