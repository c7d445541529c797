"""Documents of nonsense with vectors to match, for tests of what only stores and finds them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.rag_llm.chunks import Passage

WIDTH = 16
_WORDS = ["heron", "otter", "reed", "marsh", "eel", "mud", "tide", "gull", "sand", "kelp", "crab", "moor"]


def unit(rows: int, seed: int, width: int = WIDTH) -> NDArray[np.float32]:
    """Random unit vectors (rows, width)."""
    found = np.random.default_rng(seed).normal(size=(rows, width))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def passages(document: str, count: int, seed: int = 0) -> list[Passage]:
    """Passages of one to three sentences."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        size = int(rng.integers(1, 4))
        sentences = tuple(f"{' '.join(rng.choice(_WORDS, 5))} {number}é “{k}”.".capitalize() for k in range(size))
        made.append(
            Passage(document, ("Birds", f"Part {number}"), "line", number, number, " ".join(sentences), sentences)
        )
    return made


def sentences_of(made: list[Passage]) -> int:
    return sum(len(passage.sentences) for passage in made)
