"""Typed errors. Each says what happened and what the user can do, and maps to one gRPC status and one HTTP status."""

from __future__ import annotations

import grpc


class FlashbackError(Exception):
    """Base of every error that may cross a service's edge.

    `message` is shown to whoever caused the error: one plain sentence, with the remedy, without private text.
    `from_service` is set on the calling side when another service wrote that sentence.
    """

    status: grpc.StatusCode = grpc.StatusCode.INTERNAL
    http_status: int = 500
    code: str = "internal"
    from_service: bool = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(FlashbackError):
    """The request itself is wrong; sending it again unchanged cannot help."""

    status = grpc.StatusCode.INVALID_ARGUMENT
    http_status = 400
    code = "invalid_input"


class NotFound(FlashbackError):
    """The named session, persona, document or voice does not exist."""

    status = grpc.StatusCode.NOT_FOUND
    http_status = 404
    code = "not_found"


class Broken(FlashbackError):
    """Something on disk (a persona, an index, a checkpoint) is incomplete or damaged."""

    status = grpc.StatusCode.FAILED_PRECONDITION
    http_status = 409
    code = "broken"


class Full(FlashbackError):
    """No capacity left now; `retry_after_s` is a hint."""

    status = grpc.StatusCode.RESOURCE_EXHAUSTED
    http_status = 503
    code = "server_full"

    def __init__(self, message: str, retry_after_s: int = 10) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(FlashbackError):
    """A service this one needs is not answering, or not ready yet."""

    status = grpc.StatusCode.UNAVAILABLE
    http_status = 503
    code = "unavailable"


class MissingEngine(FlashbackError):
    """The chosen engine is not installed, or what it needs (library, weights) is not there."""

    status = grpc.StatusCode.FAILED_PRECONDITION
    http_status = 500
    code = "missing_engine"


def from_status(status: grpc.StatusCode, message: str) -> FlashbackError:
    """The typed error that belongs to a gRPC status, for the calling side."""
    kinds: dict[grpc.StatusCode, type[FlashbackError]] = {
        kind.status: kind for kind in (InvalidInput, NotFound, Broken, Full, Unavailable)
    }
    if status is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Unavailable(message or "A service did not answer in time; try again.")
    return kinds.get(status, FlashbackError)(message)
