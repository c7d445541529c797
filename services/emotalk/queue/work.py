"""The workers' side of the queue. Callers see `services.emotalk.jobs.JobQueue`; one object is both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from flashback.errors import FlashbackError, Unavailable
from services.emotalk.jobs import Chunk, Job, JobQueue

DEATHS_A_TRY = 3
"""Deaths of workers that weigh as much as one failure. Workers also die of other causes than the job they have."""

REASON_CHARS = 300
"""Longest account of an error that is kept."""


class Unreachable(Unavailable):
    """The queue itself does not answer: nothing is known about the job, and nothing can be said about it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """size: jobs that may wait. tries: tries without a new chunk that fail before a job is parked.

    reclaim_s: silence after which a worker is taken for dead. retry_delay_s: pause after a failed try. ttl_s: how long
    what nobody asks for is kept.
    """

    size: int
    tries: int
    reclaim_s: float
    retry_delay_s: float
    ttl_s: float

    @property
    def blame(self) -> int:
        """What parks a job: a failure weighs DEATHS_A_TRY, the death of a worker 1."""
        return self.tries * DEATHS_A_TRY

    def last_try(self, blame: int) -> bool:
        """Whether one more failure parks a job that has so much blame."""
        return blame + DEATHS_A_TRY >= self.blame


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that a worker holds.

    claim: of this try alone; whoever holds an older one is refused. place: where the job stands in the queue.
    stored: chunks kept from earlier tries, the first of the job. try_number: 1, 2 ... since the last new chunk.
    last_try: failing once more puts the job aside. waited_s: from its submission to this try.
    reclaimed: the try before it ended without a word.
    """

    job: Job
    worker: str
    claim: str
    place: str
    stored: int
    try_number: int
    last_try: bool
    waited_s: float
    reclaimed: bool


@dataclass(frozen=True, slots=True)
class Parked:
    """A job that was put aside. error: of its last try, with the type of the exception."""

    job_id: str
    error: str
    tries: int


class WorkQueue(Protocol):
    """At least once: a job is given out again until its final chunk is stored, or an error is.

    All but `take` and `parked` may be called again after an answer was lost. All raise Unreachable.
    """

    async def take(self, worker: str) -> Taken:
        """Waits for the next job: those of silent workers first, then the one that waited longest.

        A try is over when nothing was heard of its worker for `reclaim_s`. A job that was the death of too many
        workers is parked here. `worker` is a name, unique at the time: of its process, `-`, a number.
        """
        ...

    async def keep(self, taken: Taken) -> bool:
        """Says that the worker lives; due several times in `reclaim_s`. False: the job is no longer its own."""
        ...

    async def store(self, taken: Taken, chunk: Chunk) -> bool:
        """Keeps a chunk; the final one ends the job. A chunk that is there already is left as it is.

        False: cancelled, or given to another worker, or chunks before this one were lost: drop the job.
        """
        ...

    async def fail(self, taken: Taken, error: FlashbackError) -> None:
        """Ends the job with an error that trying again cannot mend; its caller gets it."""
        ...

    async def retry(self, taken: Taken, reason: str) -> bool:
        """The try failed. True: it was the last one, the job is parked and its caller gets an error."""
        ...

    async def hand_back(self, taken: Taken) -> None:
        """Gives up a job unfinished, through no fault of its own: the try does not count."""
        ...

    async def leave(self, worker: str) -> None:
        """The worker stops; what was on its way to it goes to others."""
        ...

    async def parked(self) -> list[Parked]:
        """The jobs put aside last, oldest first."""
        ...


class Queue(JobQueue, WorkQueue, Protocol):
    """Both sides."""


def reason_of(error: BaseException) -> str:
    """One line about an exception, of at most REASON_CHARS characters."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= REASON_CHARS else text[: REASON_CHARS - 3] + "..."


def parked_error(reason: str, tries: int) -> FlashbackError:
    """What the caller of a parked job gets."""
    times = "once" if tries == 1 else f"{tries} times"
    return FlashbackError(f"This recording failed {times} and was put aside ({reason}). Others are not affected.")


WORKER_LOST = "the worker that had it ended without a word"
"""Reason of a try that nobody reported about."""

CANCELLED = "This recording was cancelled."
STOPPING = "The service is stopping; send the recording again."
UNKNOWN = "There is no such recording in the queue; results are kept for a limited time."
