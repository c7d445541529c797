"""What an engine of this service is: utterances in, blendshape weights out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Samples a second that engines hear."""

FPS = 30
"""Frames a second that engines answer with."""

LAYOUT = "arkit-52-alphabetical"
"""Channel order of every weight vector in this service (`flashback.media.blendshapes.LAYOUTS`)."""

CHANNELS = 52
LEVELS = 2
PERSONS = 24
MIN_SAMPLES = 400
"""Shortest utterance an engine hears: 25 ms."""

Samples: TypeAlias = NDArray[np.float32]
Weights: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Utterance:
    """samples: float32[n], mono, 16 kHz, full scale 1.0, n >= MIN_SAMPLES, finite. level: 0 or 1. person: 0..23."""

    samples: Samples
    level: int = 1
    person: int = 0


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """name: as installed. device: "cpu" or an accelerator's name. max_batch: utterances worth handing over together.

    max_seconds: longest utterance. context_s, lookahead_s: of live speech, how much past audio a prediction wants,
    and how much audio after a frame it needs before that frame is settled.
    """

    name: str
    device: str
    max_batch: int
    max_seconds: float
    context_s: float
    lookahead_s: float


class Engine(Protocol):
    """Shared by all requests, without state between calls; blocking, and called from several threads at once."""

    @property
    def info(self) -> EngineInfo: ...

    def predict(self, utterances: Sequence[Utterance]) -> list[Weights]:
        """float32[frame_count(n), 52] each, in order; not clipped. What one gets does not depend on its neighbours."""
        ...

    def close(self) -> None: ...


def frame_count(samples: int) -> int:
    """Frames of an utterance. As EmoTalk counts: float division first, so a few lengths give one frame more."""
    return math.ceil(samples / RATE * FPS)
