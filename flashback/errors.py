"""Typed errors. Each says what happened and what the user can do, and maps to one gRPC status and one HTTP status."""

from __future__ import annotations

from collections.abc import Mapping

import grpc

OURS = "flashback-error"
"""Trailing metadata key: the status's sentence was written by a service for whoever called, not by gRPC.

Its value is the error's `code`.
"""

RETRY_AFTER = "retry-after"
"""Trailing metadata key: when it may be worth asking a full service again, whole seconds."""


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


class TooLarge(InvalidInput):
    """More bytes than are taken at once."""

    http_status = 413
    code = "too_large"


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


class NotLicensed(FlashbackError):
    """What was asked for has a licence that the settings do not allow."""

    status = grpc.StatusCode.PERMISSION_DENIED
    http_status = 403
    code = "not_licensed"


def from_status(status: grpc.StatusCode, message: str) -> FlashbackError:
    """The typed error that belongs to a gRPC status, for the calling side."""
    kinds: dict[grpc.StatusCode, type[FlashbackError]] = {
        kind.status: kind for kind in (InvalidInput, NotFound, Broken, Full, Unavailable, NotLicensed)
    }
    if status is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Unavailable(message or "A service did not answer in time; try again.")
    return kinds.get(status, FlashbackError)(message)


def from_call(service: str, status: grpc.StatusCode, details: str, trailing: Mapping[str, str]) -> FlashbackError:
    """The typed error of a call that ended with `status`; `trailing` is its trailing metadata.

    A sentence the service wrote passes through, marked `from_service`; gRPC's own texts are replaced by a plain one.
    """
    if OURS in trailing:
        error = TooLarge(details) if trailing[OURS] == TooLarge.code else from_status(status, details)
        error.from_service = True
        hint = trailing.get(RETRY_AFTER, "")
        if isinstance(error, Full) and hint.isdecimal():
            error.retry_after_s = int(hint)
        return error
    if status is grpc.StatusCode.UNAVAILABLE:
        return Unavailable(f"The {service} service is not answering; it is being restarted.")
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return TooLarge(f"The message is larger than the {service} service takes.")
    return from_status(status, f"The {service} service failed ({status.name}).")
