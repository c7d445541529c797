"""How far an ingest is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from services.rag_llm.listing import Changes, Listing


class Stage(Enum):
    """What an ingest is at. `WAITING`: for another one on the same documents."""

    WAITING = "waiting"
    LOOKING = "looking"
    READING = "reading"
    ENCODING = "encoding"
    INDEXING = "indexing"


@dataclass(frozen=True)
class Progress:
    """Documents and chunks that are ready for the index, those unchanged ones included; `fresh_...` count what
    this run read or encoded. While LOOKING, `documents` counts files looked at. `current` is the file in work,
    `skipped` how many documents were."""

    stage: Stage = Stage.LOOKING
    documents: int = 0
    documents_total: int = 0
    chunks: int = 0
    fresh_documents: int = 0
    fresh_chunks: int = 0
    current: str = ""
    skipped: int = 0


@dataclass(frozen=True)
class Report:
    """How an ingest ended."""

    listing: Listing
    changes: Changes


class Tally:
    """A progress that several threads move on; whoever reports it gets a whole one."""

    def __init__(self, report: Callable[[Progress], None]) -> None:
        self._report = report
        self._progress = Progress()
        self._one_at_a_time = threading.Lock()

    def set(self, **values: Any) -> None:
        """Sets fields of the progress."""
        with self._one_at_a_time:
            self._progress = replace(self._progress, **values)
            self._report(self._progress)

    def count(self, chunks: int = 0, documents: int = 0, fresh: bool = False, skipped: int = 0) -> None:
        """Adds to the progress."""
        with self._one_at_a_time:
            p = self._progress
            self._progress = replace(
                p,
                documents=p.documents + documents,
                chunks=p.chunks + chunks,
                fresh_documents=p.fresh_documents + documents * fresh,
                fresh_chunks=p.fresh_chunks + chunks * fresh,
                skipped=p.skipped + skipped,
            )
            self._report(self._progress)
