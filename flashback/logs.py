"""Structured logging: one line an event, `key=value` fields from `extra=`, never private text."""

from __future__ import annotations

import logging
import sys

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class KeyValueFormatter(logging.Formatter):
    """`12:00:01.123 INFO tts synthesized session=ab12 ms=4`"""

    def __init__(self, service: str) -> None:
        super().__init__("%(asctime)s.%(msecs)03d %(levelname)-7s %(service)s %(message)s", "%H:%M:%S")
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        record.service = self._service
        fields = {k: v for k, v in vars(record).items() if k not in _STANDARD and k != "service"}
        line = super().format(record)
        if not fields:
            return line
        head, newline, rest = line.partition("\n")
        return f"{head} {' '.join(f'{k}={v}' for k, v in fields.items())}{newline}{rest}"


def configure(service: str, level: str = "INFO") -> None:
    """Send this process's log to standard error in the shared format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValueFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aioice", "aiortc", "asyncio", "httpx", "numba", "faiss", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
