"""An engine that takes as long as a small network does; processes find it as they find any other engine."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

from services.emotalk.engine import Utterance, Weights
from services.emotalk.settings import EmoTalkSettings
from tests.unit.emotalk.predictors import LoudEngine

NAME = "slow"


def prediction_s() -> float:
    """How long one prediction takes."""
    return random.uniform(0.02, 0.05)


class SlowEngine(LoudEngine):
    """Loudness, after 20 to 50 ms."""

    def predict(self, utterances: Sequence[Utterance]) -> list[Weights]:
        time.sleep(prediction_s())
        return super().predict(utterances)


def create(settings: EmoTalkSettings) -> SlowEngine:
    return SlowEngine()


def install(folder: Path) -> str:
    """Makes a package in `folder` that has this engine's entry point; answers the PYTHONPATH to find it by."""
    described = folder / "slow_engine-1.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-engine\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[flashback.emotalk.engines]\n{NAME} = {__name__}:create\n")
    return str(folder)
