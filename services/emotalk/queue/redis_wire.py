"""How jobs, chunks and errors lie in Redis: key names, scripts, fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from flashback.errors import FlashbackError, InvalidInput, NotFound
from services.emotalk.engine import CHANNELS
from services.emotalk.jobs import Chunk, Job
from services.emotalk.queue.work import parked_error

GROUP = "workers"
"""The consumer group of the jobs stream, as in lua/common.lua."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Names begin with the prefix in braces: scripts touch several, and a cluster keeps such keys together.

    jobs: stream of what waits and what is at work. parked: stream of what was put aside. workers: sorted set, when each
    was heard of. deaths: sorted set, processes whose workers fell silent. pace: hash, mean service time.
    """

    prefix: str

    @property
    def jobs(self) -> str:
        return self._name("jobs")

    @property
    def parked(self) -> str:
        return self._name("parked")

    @property
    def workers(self) -> str:
        return self._name("workers")

    @property
    def deaths(self) -> str:
        return self._name("deaths")

    @property
    def pace(self) -> str:
        return self._name("pace")

    def job(self, job_id: str) -> str:
        """Hash: state, place in the stream, claim, tries, chunks stored, parameters."""
        return self._name("job", job_id)

    def audio(self, job_id: str) -> str:
        """String: the audio file as it was sent."""
        return self._name("audio", job_id)

    def results(self, job_id: str) -> str:
        """Stream: a chunk an entry, its id the chunk's index + 1; an error is its last entry."""
        return self._name("results", job_id)

    def of(self, job_id: str) -> list[str]:
        """All that belongs to one job."""
        return [self.job(job_id), self.audio(job_id), self.results(job_id)]

    def _name(self, *parts: str) -> str:
        return ":".join([f"{{{self.prefix}}}", *parts])


@cache
def script(name: str) -> str:
    """Text of lua/<name>.lua, behind what all scripts share."""
    folder = files("services.emotalk.queue") / "lua"
    return "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in ("common", name))


def params_of(job: Job) -> str:
    """All of a job but its id and its audio, as JSON."""
    return json.dumps(
        {
            "level": job.level,
            "person": job.person,
            "post_processing": job.post_processing,
            "chunk_s": job.chunk_s,
            "overlap_s": job.overlap_s,
            "seed": job.seed,
        }
    )


def job_of(job_id: str, params: bytes, audio: bytes) -> Job:
    return Job(id=job_id, audio=audio, **json.loads(params))


def chunk_fields(chunk: Chunk) -> list[int | bytes]:
    """index, final, first frame, frames, weights (float32, little endian, frame after frame), for store.lua."""
    weights = np.ascontiguousarray(chunk.weights, "<f4")
    return [chunk.index, int(chunk.final), chunk.first_frame, len(weights), weights.tobytes()]


def chunk_of(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Chunk:
    weights = np.frombuffer(fields[b"weights"], "<f4").reshape(int(fields[b"frames"]), CHANNELS)
    return Chunk(
        index=int(entry_id.partition(b"-")[0]) - 1,
        first_frame=int(fields[b"first"]),
        weights=weights.astype(np.float32),
        final=fields[b"final"] == b"1",
    )


def error_of(fields: Mapping[bytes, bytes]) -> FlashbackError:
    """The error that ends a results stream: of the job's own making, parked, or cancelled."""
    kind, message = fields[b"end"].decode(), fields[b"message"].decode()
    if kind.startswith("parked:"):
        return parked_error(message, int(kind.partition(":")[2]))
    kinds: dict[str, type[FlashbackError]] = {
        InvalidInput.code: InvalidInput,
        NotFound.code: NotFound,
        "cancelled": NotFound,
    }
    return kinds.get(kind, FlashbackError)(message)
