"""A reranker over HTTP, as vLLM, Jina, Cohere ({query, documents}) and TEI ({query, texts}) speak it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx2

from flashback.errors import Unavailable
from services.rag_llm import endpoint
from services.rag_llm.availability import Availability
from services.rag_llm.endpoint import Fault
from services.rag_llm.settings import RagSettings


class RerankServer:
    """A `reranking.Reranker`. Callable from any thread, which it blocks for at most about the deadline."""

    def __init__(self, settings: RagSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = settings.rerank_url.strip()
        self._model = settings.rerank_model
        self._deadline_s = settings.rerank_deadline_s
        self._clock = clock
        self._availability = Availability(clock)
        self._field = "documents"
        self._client = httpx2.Client(headers=endpoint.headers(settings.rerank_api_key))

    @property
    def name(self) -> str:
        return self._model or "reranker"

    def scores(self, question: str, passages: Sequence[str]) -> list[float]:
        """How well each passage answers, (len(passages),), higher is better. Raises Unavailable when that is not known
        within the deadline, and at once while a server that failed twice is left alone."""
        if not self._availability.open:
            raise Unavailable("The reranker failed before and is not asked for a while.")
        until = self._clock() + self._deadline_s
        try:
            try:
                found = self._asked(question, passages, self._field, until)
            except Fault as fault:
                if fault.kind != "rejected":
                    raise
                self._field = "texts" if self._field == "documents" else "documents"
                found = self._asked(question, passages, self._field, until)
        except Fault as fault:
            self._availability.failed(fault.retry_after_s)
            raise Unavailable(f"The reranker does not answer: {endpoint.remedy(fault.kind, 'RERANK')}.") from fault
        self._availability.succeeded()
        return found

    def close(self) -> None:
        self._client.close()

    def _asked(self, question: str, passages: Sequence[str], field: str, until: float) -> list[float]:
        left = until - self._clock()
        if left <= 0:
            raise Fault("late")
        body = {"query": question, field: list(passages), **({"model": self._model} if self._model else {})}
        try:
            with self._client.stream("POST", self._url, json=body, timeout=left) as response:
                text = ""
                for piece in response.iter_text():
                    text += piece
                    if self._clock() > until:
                        raise Fault("late")
        except httpx2.TimeoutException as error:
            raise Fault("late") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Fault("unreachable") from error
        if not response.is_success:
            raise endpoint.fault_of(response.status_code, response.headers, text)
        try:
            return _read(json.loads(text), len(passages))
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise Fault("malformed") from error


def _read(answer: Any, count: int) -> list[float]:
    """Scores in the order of the passages. Raises ValueError, TypeError, KeyError or IndexError for anything else."""
    rows = answer if isinstance(answer, list) else answer["results"]
    found: dict[int, float] = {}
    for row in rows:
        found[int(row["index"])] = float(row["relevance_score"] if "relevance_score" in row else row["score"])
    if sorted(found) != list(range(count)):
        raise ValueError("not one score a passage")
    return [found[number] for number in range(count)]
