"""A checkpoint with EmoTalk's keys and widths, but one thin encoder layer: some 25 MB of random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from services.emotalk.engines.emotalk.architecture import EmoTalkCheckpoint, Sizes
from tests.parity import recipe

SIZES = Sizes(layers=1, feed_forward=32, convolution=16)
Tensors = dict[str, torch.Tensor]


def shapes(sizes: Sizes = SIZES) -> dict[str, list[int]]:
    """Every key of a checkpoint of these sizes."""
    with torch.device("meta"):
        model = EmoTalkCheckpoint(sizes, sizes)
    return {key: list(value.shape) for key, value in model.state_dict().items()}


def state(seed: str = "tiny", sizes: Sizes = SIZES) -> Tensors:
    """As the published file spells it."""
    made = recipe.state(shapes(sizes), {"seed": seed})
    return {key: torch.from_numpy(value) for key, value in made.items()}


def speech(seconds: float, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Noise in syllables: float32[n], 16 kHz."""
    numbers = np.random.default_rng(seed)
    n = round(seconds * 16_000)
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * np.arange(n) / 16_000)
    return (0.1 * syllables * numbers.standard_normal(n)).astype(np.float32)
