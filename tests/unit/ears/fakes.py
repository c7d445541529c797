"""Stand-ins: a detector that reads its probability from the sound, and a recogniser that counts what it was fed."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from services.ears.endpointing import CHUNK_SAMPLES
from services.ears.engine import Heard, Material

VOICE = np.full(CHUNK_SAMPLES, 1000, "<i2").tobytes()
QUIET = np.full(CHUNK_SAMPLES, 1, "<i2").tobytes()


def loudness_detector(chunk: bytes) -> float:
    """1 for VOICE, 0 for QUIET."""
    return float(np.frombuffer(chunk, "<i2").max() > 500)


class CountingUtterance:
    def __init__(self, owner: CountingRecogniser) -> None:
        self._owner = owner
        self.audio = b""
        self.closed = self.closed_while_fed = False

    def feed(self, audio: bytes) -> None:
        if self._owner.fails:
            raise RuntimeError("broken decoder")
        self._owner.feeding.set()
        self._owner.go_on.wait(5)
        self.closed_while_fed |= self.closed
        self.audio += audio

    def partial(self) -> str:
        return f"{len(self.audio) // len(VOICE)} so far"

    def finish(self) -> Heard:
        self._owner.finished += 1
        return Heard(f"{len(self.audio) // len(VOICE)} chunks", 0.5, ("other",))

    def close(self) -> None:
        self.closed = True


class CountingRecogniser:
    name = "counting"
    vocabulary = 7

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.finished = 0
        self.opened: list[CountingUtterance] = []
        self.feeding = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def open(self) -> CountingUtterance:
        self.opened.append(CountingUtterance(self))
        return self.opened[-1]


class CountingEngine:
    """Its model is one file with the pronunciation it was told."""

    name = "counting"
    needs_material = True

    def fingerprint(self) -> str:
        return "1"

    def unknown_words(self, material: Material) -> list[str]:
        return ["WebRTC"]

    def build(self, material: Material, spoken: Mapping[str, Sequence[str]], folder: Path) -> None:
        (folder / "made.txt").write_text(" ".join(spoken["WebRTC"]))

    def load(self, folder: Path | None, persona_id: str) -> CountingRecogniser:
        assert folder is not None
        assert (folder / "made.txt").read_text() == "W EH B"
        return CountingRecogniser()


class FakeTeacher:
    """Documents whose version can be changed, and services that can be away."""

    def __init__(self) -> None:
        self.version = "v1"
        self.away: Exception | None = None

    async def material(self, persona_id: str) -> Material:
        if self.away is not None:
            raise self.away
        return Material(persona_id, self.version, ["A sentence."], ["A heading"])

    async def pronounce(self, words: Sequence[str]) -> dict[str, list[str]]:
        return {word: ["W", "EH", "B"] for word in words}
