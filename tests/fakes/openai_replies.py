"""What a test tells the fake chat server to answer: tokens, faults, refusals. Nothing here does I/O.

says("Bees dance [1].")                        a whole answer, a word at a time
says("Bees dance [1].").insert(1, Pause(0.2))  a slow first token
says("Bees dance [1].").cut(3, Reset())        the connection dies after two tokens
refuses(503, retry_after=2)                    no answer at all
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True)
class Role:
    """The first chunk: who speaks, and no text."""


@dataclass(frozen=True)
class Delta:
    """A piece of the answer. `channel` is `content`, or `reasoning` (`reasoning_content` in older servers)."""

    text: str
    channel: str = "content"


@dataclass(frozen=True)
class Finish:
    """The last chunk of the answer; `text` rides on it when the length ended it."""

    reason: str = "stop"
    text: str = ""


@dataclass(frozen=True)
class Raw:
    """Bytes sent as they are: malformed lines, broken JSON, comments."""

    data: bytes


@dataclass(frozen=True)
class InStreamError:
    """An error object within a stream that began with HTTP 200, as vLLM sends it when its engine dies."""

    message: str = "EngineCore encountered an issue. See stack trace (above) for the root cause."
    kind: str = "InternalServerError"
    code: int = 500


@dataclass(frozen=True)
class Pause:
    """Nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Hold:
    """Nothing until the test opens the gate, or the client hangs up."""

    gate: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Stall:
    """Nothing more, with the connection open, until the client hangs up."""


@dataclass(frozen=True)
class Endless:
    """The same piece over and over, until the client hangs up."""

    text: str = "and so on "


@dataclass(frozen=True)
class Reset:
    """TCP reset."""


@dataclass(frozen=True)
class HangUp:
    """TCP close, in the middle of the chunked body."""


Event = Role | Delta | Finish | Raw | InStreamError | Pause | Hold | Stall | Endless | Reset | HangUp


@dataclass(frozen=True)
class Reply:
    """An answer with HTTP 200: events in order, then `data: [DONE]` unless `done` is False."""

    events: tuple[Event, ...]
    done: bool = True

    def insert(self, after: int, *events: Event) -> Reply:
        """The same with `events` after the first `after` events (0: before the role chunk)."""
        return replace(self, events=(*self.events[:after], *events, *self.events[after:]))

    def cut(self, after: int, *events: Event) -> Reply:
        """Only the first `after` events, then `events` in place of the rest."""
        return replace(self, events=(*self.events[:after], *events))

    @property
    def text(self) -> str:
        """All of the answer's text that the events spell out."""
        return "".join(e.text for e in self.events if isinstance(e, Finish) or (isinstance(e, Delta) and _spoken(e)))


@dataclass(frozen=True)
class Refused:
    """An HTTP error in place of an answer. `body` is JSON; a str is sent as plain text."""

    status: int
    body: dict[str, Any] | str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Dropped:
    """No HTTP at all: the connection is reset as soon as the request was read."""


Answer = Reply | Refused | Dropped


def words(text: str) -> tuple[str, ...]:
    """The text in pieces like a tokeniser's: each word with the blank before it, punctuation apart."""
    return tuple(re.findall(r"\s*\w+|\s*[^\w\s]|\s+$", text))


def says(
    text: str,
    *,
    pieces: Sequence[str] | None = None,
    finish: str = "stop",
    reasoning: str = "",
    reasoning_channel: str = "reasoning",
    done: bool = True,
) -> Reply:
    """A whole streamed answer. `pieces` cuts it otherwise than by words; joined, they must be the text."""
    cut = tuple(pieces) if pieces is not None else words(text)
    if "".join(cut) != text:
        raise ValueError("the pieces do not make up the text")
    thought = tuple(Delta(piece, reasoning_channel) for piece in words(reasoning))
    last = cut[-1] if finish == "length" and cut else ""
    spoken = (Delta(piece) for piece in (cut[:-1] if last else cut))
    return Reply((Role(), *thought, *spoken, Finish(finish, last)), done)


def rambles(text: str = "and so on ") -> Reply:
    """An answer without an end."""
    return Reply((Role(), Endless(text)))


def refuses(status: int, message: str = "", *, retry_after: int | None = None) -> Refused:
    """An HTTP error with vLLM's error object. `retry_after`, in seconds, becomes the header of that name."""
    kind = "InternalServerError" if status >= 500 else "BadRequestError"
    body = error_body(message or f"status {status}", kind, status)
    headers = (("retry-after", str(retry_after)),) if retry_after is not None else ()
    return Refused(status, body, headers)


def unauthorised() -> Refused:
    """The answer to a missing or wrong key."""
    return Refused(401, {"error": "Unauthorized"})


def unknown_model(asked: str, known: str) -> Refused:
    """The answer to a model that is not served."""
    message = f"The model `{asked}` does not exist. Valid aliases: {known}."
    return Refused(404, error_body(message, "NotFoundError", 404, "model"))


def context_too_long(limit: int, tokens: int) -> Refused:
    """The answer to a prompt of more tokens than the model takes."""
    message = (
        f"This model's maximum context length is {limit} tokens. However, your prompt contains at least {tokens} "
        "input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input "
        f"prompt. (parameter=input_tokens, value={tokens})"
    )
    return Refused(400, error_body(message, "BadRequestError", 400, "input_tokens"))


def context_and_answer_too_long(limit: int, tokens: int, answer: int) -> Refused:
    """The same as older servers word it: they count the tokens asked for too."""
    message = (
        f"This model's maximum context length is {limit} tokens. However, you requested {tokens + answer} tokens "
        f"({tokens} in the messages, {answer} in the completion). Please reduce the length of the messages or "
        "completion."
    )
    return Refused(400, error_body(message, "BadRequestError", 400))


def error_body(message: str, kind: str, code: int, parameter: str | None = None) -> dict[str, Any]:
    """An error object, fields in vLLM's order."""
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}


def _spoken(delta: Delta) -> bool:
    return delta.channel == "content"
