"""Documents -> index, as one job in a worker thread. Pure of any event loop; progress goes to a callback.

What was read, cut and encoded of each document is kept (store.py), so a job does only what is new, and one that was
broken off goes on where it stopped. The index is assembled from that, document by document, beside the one that serves.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.rag_llm import index as indexes
from services.rag_llm import listing, remembered, walk
from services.rag_llm.builder import SUFFIX, IndexBuilder
from services.rag_llm.folder_lock import locked
from services.rag_llm.index import PassageIndex
from services.rag_llm.listing import Listing
from services.rag_llm.preparing import Encoder, Preparation, Reader
from services.rag_llm.progress import Progress, Stage, Tally
from services.rag_llm.replacing import PART
from services.rag_llm.store import DocumentStore
from services.rag_llm.survey import Digests, Survey, survey
from services.rag_llm.walk import Found, Stopped

log = logging.getLogger(__name__)

FORMER_FOLDERS = ("vectors",)
"""What earlier versions left in the index folder."""


@dataclass(frozen=True)
class Workshop:
    """What an ingest works on and with. `folder` is the persona's index folder, `corpus` the folder of its own
    documents, which need not exist."""

    folder: Path
    corpus: Path
    encoder: Encoder
    store: DocumentStore
    open_reader: Callable[[], Reader]
    most_bytes: int

    def look(self, stop: threading.Event | None = None) -> Found:
        """What lies below the persona's paths now, by `stat` alone. Raises Stopped, and Broken for a damaged list."""
        own = [self.corpus] if self.corpus.is_dir() else []
        return walk.find([*own, *remembered.paths(self.folder)], stop)

    @property
    def method(self) -> str:
        """What the version of an index begins with that this encoder can search."""
        return hashlib.sha256(self.encoder.name.encode()).hexdigest()[:8]

    @property
    def how(self) -> str:
        """What decides, besides the files, what comes of them."""
        return f"{self.encoder.name} {self.store.limits}"


Pointer = tuple[int, int]
"""Inode and mtime_ns of the file that names the current index: it is replaced with every new one."""


@dataclass(frozen=True)
class Ingested:
    """What an ingest came to. `index` is None where there are no documents. `stamp` is that of the walk it is made
    from, or empty when a file is too new to be sure of. `pointer` is what the index was current under."""

    index: PassageIndex | None
    listing: Listing
    stamp: str
    pointer: Pointer | None


def pointer(folder: Path) -> Pointer | None:
    """Which index is current, by one `stat`; None when there is none."""
    try:
        now = (folder / indexes.CURRENT).stat()
    except OSError:
        return None
    return now.st_ino, now.st_mtime_ns


def up_to_date(
    shop: Workshop,
    found: Found,
    digests: Digests,
    index: PassageIndex | None,
    read: Listing | None,
    stop: threading.Event,
) -> str | None:
    """None unless what is in memory is what an ingest of `found` would come to; else the stamp of `found`, or "" when a
    file is too new to be sure of. Writes nothing. Raises Stopped."""
    now = survey(found, digests, shop.how, shop.most_bytes, stop)
    if read is None or read.survey != now.name:
        return None
    if (index.version != read.version) if index is not None else bool(read.entries):
        return None
    return found.stamp if now.settled else ""


def ingest(
    shop: Workshop,
    digests: Digests,
    stop: threading.Event,
    report: Callable[[Progress], None] = lambda progress: None,
    when_read: Callable[[Listing], None] = lambda read: None,
    serving: PassageIndex | None = None,
    add: Sequence[Path] = (),
    forget: Sequence[Path] = (),
) -> Ingested:
    """Brings the index up to date; the former one goes on serving until the new one is whole.

    serving: the index in memory, given back when it is the right one. add, forget: paths to remember and to remember no
    longer. when_read gets the documents as soon as all are read and cut, encoded or not.
    Raises Busy when another ingest is at work in the folder, Stopped, InvalidInput for a path that cannot be forgotten,
    Broken for a damaged list of paths, OSError when the folder cannot be written, and what the encoder raises.
    """
    tally = Tally(report)
    with locked(shop.folder):
        _sweep(shop)
        remembered.change(shop.folder, add, forget)
        found = shop.look(stop)
        tally.set(documents_total=len(found.files))
        now = survey(found, digests, shop.how, shop.most_bytes, stop, lambda done: tally.set(documents=done))
        digests.save(shop.folder)
        former = listing.load(shop.folder)
        reader = shop.open_reader()
        try:
            work = Preparation(shop.store, shop.encoder, reader, stop, tally)
            passed_over = len(now.skipped) + len(now.not_read)
            tally.set(stage=Stage.READING, documents=0, documents_total=len(now.documents), skipped=passed_over)
            read = _prepare(shop, work, now, former, when_read)
            if read != former:
                read.save(shop.folder)
            tally.set(stage=Stage.INDEXING, documents=len(read.entries), documents_total=len(read.entries))
            built = _current(shop.folder, serving, read.version) or _assemble(shop, work, now, read, stop)
        finally:
            reader.close()
        kept = [*read.entries, *read.aside]
        shop.store.prune({*(d.key for d in now.documents), *(e.key for e in kept)}, {entry.texts for entry in kept})
        return Ingested(built, read, found.stamp if now.settled else "", pointer(shop.folder))


def _prepare(
    shop: Workshop, work: Preparation, now: Survey, former: Listing | None, when_read: Callable[[Listing], None]
) -> Listing:
    """Everything read and encoded; what was not in the former index is looked into."""
    known = [*former.entries, *former.aside] if former else []
    missing = tuple(map(str, now.missing))
    aside = tuple(entry for entry in known if any(listing.below(entry.path, path) for path in missing))
    read = Listing("", now.name, (), (), missing, aside)

    def take(entries: Sequence[listing.Entry], refused: Sequence[str]) -> None:
        nonlocal read
        skipped = (*now.skipped, *refused, *now.not_read)
        version = listing.version_of(shop.method, entries)
        read = replace(read, version=version, entries=tuple(entries), skipped=skipped)
        when_read(read)

    work.run(now.documents, known, take)
    return replace(read, survey="") if work.unsure else read


def _current(folder: Path, serving: PassageIndex | None, version: str) -> PassageIndex | None:
    """The index of exactly this version, if it is the current one and whole."""
    try:
        stored = indexes.load(folder)
    except indexes.Unusable:
        return None
    if stored is None or stored.version != version:
        return None
    return serving if serving is not None and serving.version == version else stored


def _assemble(
    shop: Workshop, work: Preparation, now: Survey, read: Listing, stop: threading.Event
) -> PassageIndex | None:
    """The index of what was read, made the current one; where nothing was, there is none any more."""
    if not read.entries:
        (shop.folder / indexes.CURRENT).unlink(missing_ok=True)
        return None
    sources = {str(document.source.path): document for document in now.documents}
    builder = IndexBuilder(shop.folder, read.version)
    try:
        for entry in read.entries:
            if stop.is_set():
                raise Stopped
            passages, vectors = work.result(sources[entry.path])
            builder.add(entry.name, passages, vectors)
        return builder.finish()
    except BaseException:
        builder.abort()
        raise


def _sweep(shop: Workshop) -> None:
    """Removes what runs that died, and earlier versions, left in the index folder."""
    shop.store.open()
    current = shop.folder / indexes.CURRENT
    serving = current.read_text(encoding="utf-8", errors="replace").strip() if current.is_file() else ""
    for left in shop.folder.iterdir():
        if left.suffix == PART:
            left.unlink(missing_ok=True)
        elif left.name in FORMER_FOLDERS or (left.suffix == SUFFIX and left.name != serving):
            shutil.rmtree(left, ignore_errors=True)
