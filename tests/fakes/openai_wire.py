"""Bytes and JSON objects as vLLM 0.32 writes them; tests/data/vllm/ holds what they are compared with."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.fakes.openai_replies import Delta, Event, Finish, InStreamError, Raw, Reply, Role, error_body

DONE = b"data: [DONE]\n\n"
FINGERPRINT = "vllm-fake"


def line(data: dict[str, Any], blanks: bool = False) -> bytes:
    """One server-sent event; `blanks` between names and values, as vLLM has them in errors alone."""
    return f"data: {json.dumps(data, ensure_ascii=False, separators=None if blanks else (',', ':'))}\n\n".encode()


@dataclass(frozen=True)
class ChunkWriter:
    """Writes the chunks of one streamed answer. `created` in Unix seconds."""

    number: int
    created: int
    model: str
    usage: bool

    def event(self, event: Event) -> bytes:
        """The bytes of an event; none for those that are no bytes."""
        if isinstance(event, Role):
            choice = self._choice({"role": "assistant", "content": ""})
            return line({**self._head(), "choices": [choice], "prompt_token_ids": None, "prompt_text": None})
        if isinstance(event, Delta):
            return line({**self._head(), "choices": [{**self._choice({event.channel: event.text}), "token_ids": None}]})
        if isinstance(event, Finish):
            last = self._choice({"content": event.text}, event.reason)
            chunk = {**self._head(), "choices": [{**last, "stop_reason": None, "token_ids": None}]}
            return line(chunk if self.usage else {**chunk, "system_fingerprint": FINGERPRINT})
        if isinstance(event, InStreamError):
            return line(error_body(event.message, event.kind, event.code), blanks=True)
        return event.data if isinstance(event, Raw) else b""

    def end(self, prompt: int, completion: int) -> bytes:
        """The usage chunk, when it was asked for. Counts of tokens."""
        if not self.usage:
            return b""
        counts = usage(prompt, completion)
        return line({**self._head(), "choices": [], "usage": counts, "system_fingerprint": FINGERPRINT})

    def _head(self) -> dict[str, Any]:
        kind = "chat.completion.chunk"
        return {"id": f"chatcmpl-{self.number:016x}", "object": kind, "created": self.created, "model": self.model}

    @staticmethod
    def _choice(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def usage(prompt: int, completion: int) -> dict[str, Any]:
    """Counts of tokens, as a stream ends with them."""
    return {"prompt_tokens": prompt, "total_tokens": prompt + completion, "completion_tokens": completion}


def whole(reply: Reply, writer: ChunkWriter, prompt: int) -> dict[str, Any]:
    """The same answer for a request that wants no stream."""
    finish = next((event.reason for event in reply.events if isinstance(event, Finish)), None)
    thought = "".join(event.text for event in reply.events if isinstance(event, Delta) and event.channel != "content")
    nothing = dict.fromkeys(("refusal", "annotations", "audio", "function_call"))
    message = {"role": "assistant", "content": reply.text, **nothing, "reasoning": thought or None}
    end = {"logprobs": None, "finish_reason": finish, "stop_reason": None, "token_ids": None, "routed_experts": None}
    details = {"prompt_tokens_details": None, "completion_tokens_details": None}
    return {
        "id": f"chatcmpl-{writer.number:016x}",
        "object": "chat.completion",
        "created": writer.created,
        "model": writer.model,
        "choices": [{"index": 0, "message": message, **end}],
        "service_tier": None,
        "system_fingerprint": FINGERPRINT,
        "usage": {**usage(prompt, tokens(reply)), **details},
        **dict.fromkeys(("prompt_logprobs", "prompt_token_ids", "prompt_text", "kv_transfer_params")),
        **dict.fromkeys(("ec_transfer_params", "metrics")),
    }


def tokens(reply: Reply) -> int:
    """Pieces of an answer: one token each."""
    return sum(isinstance(event, Delta | Finish) for event in reply.events)


def models(model: str, context: int, created: int) -> dict[str, Any]:
    """The list of the one model served."""
    permission = {
        "id": "modelperm-0",
        "object": "model_permission",
        "created": created,
        "allow_create_engine": False,
        **dict.fromkeys(("allow_sampling", "allow_logprobs"), True),
        "allow_search_indices": False,
        "allow_view": True,
        "allow_fine_tuning": False,
        "organization": "*",
        "group": None,
        "is_blocking": False,
    }
    entry = {"id": model, "object": "model", "created": created, "owned_by": "vllm", "root": model, "parent": None}
    return {"object": "list", "data": [{**entry, "max_model_len": context, "permission": [permission]}]}


def embedding(text: str, width: int) -> NDArray[np.float32]:
    """A unit vector (width,) that depends on nothing but the text's words: texts that share words lie near each other.

    A text without words gets the first axis."""
    total = np.zeros(width)
    for word in re.findall(r"\w+", text.lower()):
        total += np.random.default_rng(zlib.crc32(word.encode())).standard_normal(width)
    if not total.any():
        total[0] = 1.0
    return np.asarray(total / np.linalg.norm(total), np.float32)


def embeddings(texts: Sequence[str], width: int, as_base64: bool, model: str, created: int) -> dict[str, Any]:
    """Vectors of `texts`, as lists of numbers or as base64 of little-endian float32."""
    data = []
    for index, text in enumerate(texts):
        vector = embedding(text, width)
        coded: Any = base64.b64encode(vector.astype("<f4").tobytes()).decode() if as_base64 else vector.tolist()
        data.append({"index": index, "object": "embedding", "embedding": coded})
    head = {"id": "embd-0", "object": "list", "created": created, "model": model}
    details = {"prompt_tokens_details": None, "completion_tokens_details": None}
    return {**head, "data": data, "usage": {**usage(sum(len(text.split()) for text in texts), 0), **details}}


def reranked(query: str, documents: Sequence[str], top: int, model: str) -> dict[str, Any]:
    """Documents by the share of the query's words that they hold, best first."""
    asked = set(re.findall(r"\w+", query.lower()))
    shares = [len(asked & set(re.findall(r"\w+", text.lower()))) / max(len(asked), 1) for text in documents]
    order = sorted(range(len(documents)), key=lambda index: -shares[index])[: top or None]
    results = [
        {"index": i, "document": {"text": documents[i], "multi_modal": None}, "relevance_score": shares[i]}
        for i in order
    ]
    counted = len(query.split()) + sum(len(text.split()) for text in documents)
    counts = {"prompt_tokens": counted, "total_tokens": counted}
    return {"id": "score-0", "model": model, "usage": counts, "results": results}
