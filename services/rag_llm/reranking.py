"""A second look at the retrieved passages by a model that reads question and passage together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from flashback.errors import FlashbackError

log = logging.getLogger(__name__)


class Reranker(Protocol):
    """A cross-encoder (Nogueira and Cho 2019), in this process or behind an address. Shared by all sessions."""

    @property
    def name(self) -> str: ...

    def scores(self, question: str, passages: Sequence[str]) -> Sequence[float]:
        """How well each passage answers, (len(passages),), higher is better, on any scale.

        Called on a worker thread, which it may block for as long as the turn can wait. Raises a FlashbackError when it
        cannot answer; the passages then keep the order they have.
        """
        ...


def order(reranker: Reranker, question: str, passages: Sequence[str]) -> list[int]:
    """Numbers of the passages, best first; of equals the one that came first. As they came when the reranker fails."""
    try:
        scores = list(reranker.scores(question, passages))
    except FlashbackError as error:
        log.warning("passages are not reranked: %s", error.message, extra={"reranker": reranker.name})
        return list(range(len(passages)))
    if len(scores) != len(passages):
        counts = {"reranker": reranker.name, "passages": len(passages), "scores": len(scores)}
        log.warning("passages are not reranked: scores and passages differ in number", extra=counts)
        return list(range(len(passages)))
    return sorted(range(len(passages)), key=lambda number: -scores[number])
