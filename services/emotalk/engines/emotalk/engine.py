"""The `emotalk` engine: the published network on the CPU or an accelerator."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import torch

from flashback import weights
from flashback.errors import InvalidInput, MissingEngine
from services.emotalk.engine import EngineInfo, Utterance, Weights
from services.emotalk.engines.emotalk import checkpoint
from services.emotalk.engines.emotalk.architecture import EmoTalkCheckpoint
from services.emotalk.engines.emotalk.concurrency import SideBySide, in_turn
from services.emotalk.engines.emotalk.inference import EmoTalkNetwork
from services.emotalk.engines.emotalk.products import Precision
from services.emotalk.settings import EmoTalkSettings

log = logging.getLogger(__name__)

MAX_SECONDS = 160.0
"""The decoder's look back is defined for 5000 frames, 166 s."""

CONTEXT_S = 2.0
LOOKAHEAD_S = 0.1
CPU_BATCH = 4
GPU_BATCH = 32


def device_of(wanted: str) -> torch.device:
    """auto, cpu, cuda or cuda:N as a device. Raises MissingEngine when it is not there."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if wanted.startswith("cuda"):
        number = int(wanted.partition(":")[2] or 0)
        if number >= torch.cuda.device_count():
            raise MissingEngine(
                f"There is no CUDA device {number} for torch {torch.__version__} here; set DEVICE to cpu or auto."
            )
    return torch.device(wanted)


class EmoTalkEngine:
    """One copy of the weights, one prediction at a time: a batch already uses every core, or the whole accelerator."""

    def __init__(self, model: EmoTalkCheckpoint, device: torch.device, precision: Precision = "float32") -> None:
        if precision == "int8" and device.type != "cpu":
            raise MissingEngine("int8 is for the CPU; set FLASHBACK_EMOTALK_PRECISION to float32 or bfloat16.")
        threads = torch.get_num_threads()
        self._sides = SideBySide(threads) if device.type == "cpu" and threads > 1 else None
        self._network = EmoTalkNetwork(model.to(device), precision, self._sides or in_turn)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
        batch = CPU_BATCH if device.type == "cpu" else GPU_BATCH
        self.info = EngineInfo("emotalk", name, batch, MAX_SECONDS, CONTEXT_S, LOOKAHEAD_S)
        self._turn = threading.Lock()

    @property
    def network(self) -> EmoTalkNetwork:
        return self._network

    def predict(self, utterances: Sequence[Utterance]) -> list[Weights]:
        """As `Engine.predict`. Raises InvalidInput for an utterance beyond `info.max_seconds`."""
        if any(len(u.samples) > MAX_SECONDS * 16_000 for u in utterances):
            raise InvalidInput(f"EmoTalk hears at most {MAX_SECONDS:g} s at once; send shorter chunks.")
        with self._turn:
            return [rows.cpu().numpy() for rows in self._network.predict(utterances)]

    def close(self) -> None:
        if self._sides:
            self._sides.close()
        torch.cuda.empty_cache()


def create(settings: EmoTalkSettings) -> EmoTalkEngine:
    """Loads the checkpoint that the settings name.

    Raises NotLicensed under --commercial-only, MissingEngine without checkpoint or device, Broken for a bad checkpoint.
    """
    weights.require_licence("EmoTalk", settings.commercial_only)
    device = device_of(settings.device)
    model = checkpoint.load(settings.model_path)
    engine = EmoTalkEngine(model, device, settings.precision)
    log.info(
        "weights loaded",
        extra={
            "device": engine.info.device,
            "precision": settings.precision,
            "shared_front_end": engine.network.shared_front_end,
        },
    )
    return engine
