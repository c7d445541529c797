"""What all HTTP endpoints of models have in common: addresses, keys, errors, `Retry-After`.

httpx2 reads the streams too: it bounds an event's size, and takes a line's end for what the standard calls one.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from pydantic import SecretStr

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log every address, with what is written in it

FaultKind = Literal[
    "unreachable", "late", "stalled", "died", "malformed", "unauthorised", "no_model", "busy", "too_long", "rejected",
    "failed", "deadline",
]  # fmt: skip
_TOO_LONG = re.compile(
    r"context.{0,20}(?:length|window|size)|maximum.{0,40}tokens|too (?:long|many (?:input )?tokens)|max_model_len|"
    r"input.{0,20}exceeds?",
    re.IGNORECASE,
)
_UNREADABLE = (TypeError, KeyError, ValueError, IndexError)


class Fault(Exception):
    """What kept a server from answering. Its own words are not kept: they may repeat what was asked."""

    def __init__(self, kind: FaultKind, status: int = 0, retry_after_s: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status
        self.retry_after_s = retry_after_s


_REMEDIES: Mapping[str, str] = {
    "unreachable": "no connection; is the server running at the address that is set?",
    "late": "no token came in time",
    "stalled": "tokens stopped coming",
    "died": "the connection broke in the middle of the answer",
    "malformed": "what it sent is not what such a server sends",
    "unauthorised": "it does not accept the key; set {prefix}_API_KEY",
    "no_model": "it does not serve this model; set {prefix}_MODEL to one that it lists",
    "busy": "it is full, or not ready yet",
    "too_long": "not even one passage fits into its context",
    "rejected": "it does not accept the request; its log says why",
    "failed": "it reports an error of its own; its log says more",
    "deadline": "the answer was not finished in time",
}


def remedy(kind: FaultKind, server: str) -> str:
    """What went wrong and what helps. server: "CHAT" or "RERANK", as its settings are called."""
    return _REMEDIES[kind].format(prefix=f"FLASHBACK_RAG_LLM_{server}")


def base_url(address: str) -> str:
    """An API's base address without a slash at its end, or the path of one call."""
    return re.sub(r"/(?:chat/completions|embeddings|models)$", "", address.strip().rstrip("/"))


def headers(key: SecretStr | None) -> dict[str, str]:
    """The key as a bearer token, where there is one."""
    return {"Authorization": f"Bearer {key.get_secret_value()}"} if key and key.get_secret_value() else {}


def fault_of(status: int, fields: Mapping[str, str], body: str) -> Fault:
    """The fault that an HTTP error stands for. fields: of the header, in lower case."""
    if status in (401, 403):
        return Fault("unauthorised", status)
    if status == 404:
        return Fault("no_model", status)
    if status in (408, 429, 502, 503, 504):
        return Fault("busy", status, retry_after(fields.get("retry-after", "")))
    if status in (400, 413, 422):
        return Fault("too_long" if _TOO_LONG.search(body) else "rejected", status)
    return Fault("failed" if status >= 500 else "rejected", status)


def fault_in_stream(error: Any) -> Fault:
    """The fault of an error object that came with HTTP 200."""
    table = error if isinstance(error, dict) else {}
    code = table.get("code")
    if _TOO_LONG.search(str(table.get("message", error))) and code in (400, "400", None, "context_length_exceeded"):
        return Fault("too_long", 400)
    return Fault("busy" if code in (429, 503) else "failed", code if isinstance(code, int) else 0)


def retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header (RFC 9110, 10.2.3), whether it counts seconds or names a date."""
    if re.fullmatch(r"\d+(?:\.\d+)?", value.strip()):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def first_model(listing: Any) -> str:
    """The first model of an answer to /models, or "" when it lists none. Raises Fault when it is no such answer."""
    try:
        return str(listing["data"][0]["id"]) if listing["data"] else ""
    except _UNREADABLE as error:
        raise Fault("malformed") from error
