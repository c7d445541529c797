"""How a recording is cut into overlapping chunks. Pure; positions are samples at 16 kHz."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from flashback.errors import InvalidInput
from services.emotalk.engine import RATE, Samples

DEFAULT_CHUNK_S = 25.0
DEFAULT_OVERLAP_S = 0.5
SHORTEST_CHUNK = RATE // 2
SHORTEST_TAIL = RATE // 5
"""A last chunk of less than this is joined to the one before it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples start..stop of a recording. following: where the next piece starts, None for the last one."""

    start: int
    stop: int
    following: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """chunk: samples of a piece; overlap: samples that it shares with the next, at most half of it."""

    chunk: int
    overlap: int

    @property
    def step(self) -> int:
        return self.chunk - self.overlap

    def goes_on(self, start: int, heard: int) -> bool:
        """Whether another piece follows the one at `start`, once `heard` samples of the recording are known.

        Never wrong when True; False may become True when more is heard.
        """
        return heard > start + self.chunk and heard >= start + self.step + SHORTEST_TAIL


def wanted(duration_s: float, overlap_s: float) -> tuple[float, float]:
    """What a caller asked for, as (chunk_s, overlap_s) with chunk_s > overlap_s >= 0.

    A duration of 0 or less means 25 s, a negative overlap 0.5 s (or half the chunk where that is less). Raises
    InvalidInput for what is not a finite number, and for an overlap that is not shorter than the chunk.
    """
    if not (math.isfinite(duration_s) and math.isfinite(overlap_s)):
        raise InvalidInput("chunk_duration and chunk_overlap are finite numbers of seconds.")
    duration_s = duration_s if duration_s > 0 else DEFAULT_CHUNK_S
    overlap_s = overlap_s if overlap_s >= 0 else min(DEFAULT_OVERLAP_S, duration_s / 2)
    if overlap_s >= duration_s:
        raise InvalidInput(f"chunk_overlap ({overlap_s:g} s) is shorter than chunk_duration ({duration_s:g} s).")
    return duration_s, overlap_s


def plan(chunk_s: float, overlap_s: float, longest_s: float) -> Plan:
    """The plan for an engine that hears `longest_s` seconds at once.

    Chunks longer than that are shortened, chunks below half a second lengthened, overlaps cut to half a chunk: since
    frames in an overlap are sent once, a caller sees none of it but the length of the messages.
    """
    longest = int(longest_s * RATE) - SHORTEST_TAIL
    chunk = max(SHORTEST_CHUNK, min(round(min(chunk_s, longest_s) * RATE), longest))
    return Plan(chunk, min(round(min(overlap_s, longest_s) * RATE), chunk // 2))


def split(total: int, plan: Plan) -> list[Piece]:
    """The pieces of a recording of `total` samples."""
    pieces = []
    start = 0
    while plan.goes_on(start, total):
        pieces.append(Piece(start, start + plan.chunk, start + plan.step))
        start += plan.step
    return [*pieces, Piece(start, total, None)]


class Splitter:
    """The same for a recording that comes in blocks: holds one piece and little more."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._start = 0
        self._held: list[Samples] = []
        self._heard = 0

    def push(self, samples: Samples) -> Iterator[tuple[Piece, Samples]]:
        """Takes float32[n], the next samples; yields the pieces that are known now, float32[stop - start] each."""
        self._held.append(samples)
        self._heard += len(samples)
        while self._plan.goes_on(self._start, self._heard):
            held = np.concatenate(self._held)
            step = self._plan.step
            yield Piece(self._start, self._start + self._plan.chunk, self._start + step), held[: self._plan.chunk]
            self._start += step
            self._held = [held[step:]]

    def finish(self) -> tuple[Piece, Samples]:
        """The last piece; there always is one."""
        return Piece(self._start, self._heard, None), np.concatenate(self._held)
