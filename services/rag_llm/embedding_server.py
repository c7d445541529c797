"""Sentence vectors from any OpenAI-compatible /v1/embeddings. The words' static vectors still come from MiniLM."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx2
import numpy as np
from numpy.typing import NDArray

from flashback.errors import Broken, FlashbackError, MissingEngine, Unavailable
from services.rag_llm import endpoint
from services.rag_llm.embedding import normalised
from services.rag_llm.endpoint import Fault
from services.rag_llm.settings import RagSettings
from services.rag_llm.support import WordEncoder

Array = NDArray[np.float32]

CONNECT_S = 2.0
QUESTION_TEXTS = 6
"""As many texts as a question has readings: somebody is waiting for these."""
QUESTION_S = 4.0
PAUSES_S = (0.2, 1.0, 3.0)
LONGEST_PAUSE_S = 10.0
"""Between tries; a server's own Retry-After counts up to the longest. A question has one more try, the first pause
after."""
CUTS = (None, 4000, 1000, 250)
"""Characters to which texts are cut, one after the other, when the server finds them too long."""
_PASSING = ("unreachable", "busy", "failed", "died", "late")


class EmbeddingServer:
    """An encoder behind an address. Callable from any thread; blocks it."""

    def __init__(self, settings: RagSettings, words: WordEncoder, sleep: Callable[[float], None] = time.sleep) -> None:
        """Raises MissingEngine when no model is set and the server does not tell one."""
        self._words = words
        self._sleep = sleep
        self._batch = settings.embeddings_batch
        self._patience_s = settings.embeddings_timeout_s
        self._base = endpoint.base_url(settings.embeddings_url)
        self._client = httpx2.Client(headers=endpoint.headers(settings.embeddings_api_key))
        self._width = 0
        self._model = settings.embeddings_model or self._first_listed()

    @property
    def name(self) -> str:
        """The model, as it may stand in a file's name; an index is named by it."""
        return re.sub(r"[^\w.-]+", "-", self._model).strip("-.")

    def encode(self, texts: Sequence[str]) -> Array:
        """Unit vectors (len(texts), width), float32; the width is what the first answer has.

        Raises Unavailable when the server does not answer, Broken when what it answers are no such vectors.
        """
        if not len(texts):
            return np.zeros((0, self._width or self.encode(["width"]).shape[1]), np.float32)
        waiting = len(texts) <= QUESTION_TEXTS
        parts = [self._vectors(texts[at : at + self._batch], waiting) for at in range(0, len(texts), self._batch)]
        return normalised(np.concatenate(parts))

    def word_vectors(self, words: Sequence[str]) -> Array:
        return self._words.word_vectors(words)

    def close(self) -> None:
        self._client.close()

    def _first_listed(self) -> str:
        try:
            response = self._client.get(f"{self._base}/models", timeout=httpx2.Timeout(QUESTION_S, connect=CONNECT_S))
            listed = endpoint.first_model(response.json()) if response.is_success else ""
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, Fault):
            listed = ""
        if not listed:
            raise MissingEngine(
                "The embeddings server at FLASHBACK_RAG_LLM_EMBEDDINGS_URL does not say which model it has: start it "
                "first, or set FLASHBACK_RAG_LLM_EMBEDDINGS_MODEL."
            )
        return listed

    def _vectors(self, texts: Sequence[str], waiting: bool) -> Array:
        pauses = PAUSES_S[:1] if waiting else PAUSES_S
        tries = 0
        cut = 0
        while True:
            try:
                return self._asked([text[: CUTS[cut]] or " " for text in texts], waiting)
            except Fault as fault:
                if fault.kind == "too_long" and cut + 1 < len(CUTS):
                    cut += 1
                elif fault.kind in _PASSING and tries < len(pauses):
                    self._sleep(min(max(pauses[tries], fault.retry_after_s or 0.0), LONGEST_PAUSE_S))
                    tries += 1
                else:
                    raise _explained(fault) from fault

    def _asked(self, texts: list[str], waiting: bool) -> Array:
        """One request. Raises Fault, or Broken."""
        patience = min(QUESTION_S, self._patience_s) if waiting else self._patience_s
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        try:
            response = self._client.post(
                f"{self._base}/embeddings", json=body, timeout=httpx2.Timeout(patience, connect=CONNECT_S)
            )
        except httpx2.TimeoutException as error:
            raise Fault("late") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Fault("unreachable") from error
        if not response.is_success:
            raise endpoint.fault_of(response.status_code, response.headers, response.text)
        try:
            vectors = _read(response.json(), len(texts))
        except (ValueError, TypeError, KeyError) as error:
            raise Broken("What the embeddings server answered are no vectors; is it one?") from error
        if self._width and vectors.shape[1] != self._width:
            raise Broken(
                f"The embeddings server changed from vectors of {self._width} numbers to {vectors.shape[1]}; start the "
                "answering service again."
            )
        self._width = vectors.shape[1]
        return vectors


def _read(table: Any, count: int) -> Array:
    """The vectors in the order of the texts. Raises ValueError, TypeError or KeyError."""
    rows = sorted(table["data"], key=lambda row: int(row["index"]))
    vectors = np.asarray([row["embedding"] for row in rows], np.float32)
    if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1] or not np.isfinite(vectors).all():
        raise ValueError("not one vector a text")
    return vectors


def _explained(fault: Fault) -> FlashbackError:
    if fault.kind == "unauthorised":
        return Unavailable("The embeddings server wants another key; set FLASHBACK_RAG_LLM_EMBEDDINGS_API_KEY.")
    if fault.kind in ("no_model", "rejected"):
        return Unavailable("The embeddings server does not serve that model; set FLASHBACK_RAG_LLM_EMBEDDINGS_MODEL.")
    return Unavailable("The embeddings server is not answering, so the documents cannot be searched; try again soon.")
