"""A form with one recording in it (RFC 7578), read piece by piece into memory, within limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Self

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from flashback.errors import Full, InvalidInput, TooLarge

FILE = "file"
MAX_PARTS = 16
MAX_FIELD_BYTES = 1024
AROUND_BYTES = 64 * 1024
"""What a form may hold besides its recording."""


class Holdings:
    """How many bytes of recordings are held at a time, by all requests together."""

    def __init__(self, most_bytes: int, retry_after_s: int) -> None:
        self._most = most_bytes
        self._retry_after_s = retry_after_s
        self.held = 0

    def lease(self) -> Lease:
        """A request's share; nothing yet."""
        return Lease(self)

    def take(self, count: int) -> None:
        """Raises Full when that would be too many."""
        if self.held + count > self._most:
            raise Full("Server is busy, queue is full: too many recordings are held already.", self._retry_after_s)
        self.held += count

    def give(self, count: int) -> None:
        """Back again."""
        self.held -= count


class Lease:
    """What one request holds; given back as a whole by `end`, or by leaving a `with` block."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._count = 0

    def grow(self, count: int) -> None:
        """Raises Full."""
        self._holdings.take(count)
        self._count += count

    def end(self) -> None:
        """Doing so twice is fine."""
        self._holdings.give(self._count)
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class RecordingForm:
    """The parts of a form: the recording called `file`, and short text fields. Other files are passed over.

    `feed` and `finish` raise InvalidInput for what is no such form, TooLarge for a recording above `max_bytes`, and
    whatever `grow` raises, which is told of each further piece of the recording.
    """

    def __init__(self, content_type: str, max_bytes: int, grow: Callable[[int], None]) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise InvalidInput("Send the recording as multipart/form-data, in a part called `file`.")
        self.file: bytearray | None = None
        self.fields: dict[str, str] = {}
        self._max_bytes = max_bytes
        self._grow = grow
        self._parts = 0
        self._whole = False
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._part: bytearray | None = None
        self._name = ""
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin,
                    "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open,
                    "on_part_data": self._add,
                    "on_part_end": self._close,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _no_form(error) from error

    def feed(self, data: bytes) -> None:
        """The next piece of the body."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _no_form(error) from error

    def finish(self) -> bytes:
        """The recording, once the body is complete."""
        if not self._whole:
            raise InvalidInput("The form breaks off before its end.")
        if self.file is None:
            raise InvalidInput("The form has no file: send the recording in a part called `file`.")
        return bytes(self.file)

    def _begin(self) -> None:
        self._parts += 1
        self._disposition = b""
        if self._parts > MAX_PARTS:
            raise InvalidInput(f"The form has more than {MAX_PARTS} parts.")

    def _end_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        is_file = b"filename" in options
        self._part = None
        if is_file and self._name == FILE and self.file is None:
            self._part = self.file = bytearray()
        elif not is_file:
            self._part = bytearray()

    def _add(self, data: bytes, start: int, end: int) -> None:
        part, count = self._part, end - start
        if part is None:
            return
        if part is self.file:
            if len(part) + count > self._max_bytes:
                raise too_large(self._max_bytes)
            self._grow(count)
        elif len(part) + count > MAX_FIELD_BYTES:
            raise InvalidInput(f"The field {self._name!r} is longer than {MAX_FIELD_BYTES} bytes.")
        part += data[start:end]

    def _close(self) -> None:
        if self._part is not None and self._part is not self.file:
            self.fields[self._name] = self._part.decode("utf-8", "replace").strip()
        self._part = None

    def _end(self) -> None:
        self._whole = True


def _no_form(error: FormParserError) -> InvalidInput:
    return InvalidInput(f"The body is not the multipart/form-data that it says it is ({error}).")


def too_large(max_bytes: int) -> TooLarge:
    """The error of a recording above the limit."""
    return TooLarge(f"The recording is larger than {max_bytes // 2**20} MB; send it in pieces, or as MP3 or Ogg.")


async def receive_form(request: Request, max_bytes: int, stall_s: float, lease: Lease) -> tuple[bytes, dict[str, str]]:
    """The recording and the text fields of a request.

    Raises the errors of RecordingForm, Full, HTTPException 408 when nothing comes for `stall_s` seconds, and
    starlette's ClientDisconnect.
    """
    if int(request.headers.get("content-length") or 0) > max_bytes + AROUND_BYTES:
        raise too_large(max_bytes)
    form = RecordingForm(request.headers.get("content-type", ""), max_bytes, lease.grow)
    received = 0
    async with aclosing(_pieces(request, stall_s)) as pieces:
        async for piece in pieces:
            received += len(piece)
            if received > max_bytes + AROUND_BYTES:
                raise too_large(max_bytes)
            form.feed(piece)
    return form.finish(), form.fields


async def _pieces(request: Request, stall_s: float) -> AsyncGenerator[bytes, None]:
    more = True
    while more:
        try:
            async with asyncio.timeout(stall_s):
                message = await request.receive()
        except TimeoutError as error:
            raise HTTPException(408, f"The upload brought nothing for {stall_s:.0f} s.") from error
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        more = message.get("more_body", False)
        yield message.get("body", b"")
