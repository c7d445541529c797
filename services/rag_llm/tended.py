"""A persona's shelf as the event loop sees it: which job is at work on it, and who waits for what."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from flashback.errors import FlashbackError
from services.rag_llm.shelf import Shelf

log = logging.getLogger(__name__)


@dataclass
class Job:
    """Work on a shelf. `asked`: by a user, not by the look-after; `begun`: a worker thread has it."""

    asked: bool = False
    begun: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)
    task: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Asks the worker to stop where it can; work that waits for its turn is called off."""
        self.stopping.set()
        if not self.begun and self.task is not None:
            self.task.cancel()


@dataclass
class Tended:
    """`wanted`: somebody has asked something of the documents. `settled`: the shelf's first index is there, or has
    failed; `listed`: so is its listing. `error` is the last failure, until something succeeds."""

    shelf: Shelf
    wanted: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    job: Job | None = None
    error: FlashbackError | None = None
    next_look: float = -1e9
    logged: str = ""

    @property
    def busy(self) -> bool:
        return self.job is not None and self.job.task is not None and not self.job.task.done()

    @property
    def can_wait(self) -> bool:
        """Whether what the look-after does here, or would do, is nothing that anybody waits for."""
        return not self.wanted and not (self.job is not None and self.job.asked and self.busy)

    def teller(self) -> Callable[[], None]:
        """`tell`, for a worker thread to call."""
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(self.tell)

        return tell

    def tell(self) -> None:
        """Wakes whoever waits for what the shelf has now."""
        if self.shelf.ready or self.error is not None:
            self.settled.set()
        if self.shelf.listing is not None or self.error is not None:
            self.listed.set()
        index = self.shelf.index
        if index is not None and index.version != self.logged:
            self.logged = index.version
            log.info("index ready", extra={"persona": self.shelf.persona_id, "chunks": len(index.passages)})

    def fail(self, error: FlashbackError) -> None:
        """Keeps what the look-after failed with, and logs it once."""
        if self.error is None or self.error.message != error.message:
            log.error("documents not read: %s", error.message, extra={"persona": self.shelf.persona_id})
        self.error = error
