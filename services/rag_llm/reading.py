"""Reads documents in a process of its own, so that a file that hangs, crashes or swells costs nothing but itself."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from services.rag_llm import documents
from services.rag_llm.chunks import Block
from services.rag_llm.documents import Document, Source
from services.rag_llm.readers.limits import DEFAULT_LIMITS, SAVE_AGAIN, Limits, Unreadable

IN_PROCESS_BYTES = 100_000
"""Text and Markdown up to this size are read without the child: its start would cost more than they do."""
PIECE_BYTES = 1 << 20
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "TMPDIR")
"""What the child gets of this process's environment: nothing that could hold a key."""
STOPPED = "reading was stopped"


class _Lost(Exception):
    """The child is no longer there, or says that its memory is used up; `why` ends the sentence "this file ..."."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    files: int = 0


class Reader:
    """One child process that reads file after file; started when it is first needed, and again when it was lost.

    `seconds` is the time one file may take, `memory_mb` the address space that the child may use, in MB. Blocking; may
    be called from any thread, one file at a time.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, seconds: float = 60.0, memory_mb: int = 1_500) -> None:
        self._limits = limits
        self._seconds = seconds
        self._memory_mb = memory_mb
        self._child: _Child | None = None
        self._closed = False
        self._one_file = threading.Lock()

    def read(self, source: Source, digest: str) -> Document:
        """The file's contents, when its bytes still have this SHA-256.

        Raises Unreadable when it changed meanwhile, cannot be read within the limits, or is damaged; the reader goes
        on with the next file.
        """
        if self._closed:
            raise Unreadable(STOPPED)
        if documents.is_light(source) and _size(source) <= IN_PROCESS_BYTES:
            return documents.read(source, self._limits, digest)
        with self._one_file:
            child = self._running()
            used = child.files > 0
            try:
                return self._ask(child, source, digest)
            except _Lost as lost:
                self._drop(child)
                # What earlier files left behind in the child must not decide about this one.
                if not used or self._closed:
                    raise Unreadable(lost.why) from lost
            child = self._running()
            try:
                return self._ask(child, source, digest)
            except _Lost as lost:
                self._drop(child)
                raise Unreadable(lost.why) from lost

    def close(self) -> None:
        """Ends the child, and with it a read that is under way: that one and all later ones raise Unreadable."""
        self._closed = True
        child = self._child
        if child is not None:
            child.process.kill()
        with self._one_file:
            if self._child is not None:
                self._drop(self._child)

    def _running(self) -> _Child:
        if self._closed:
            raise Unreadable(STOPPED)
        if self._child is not None and self._child.process.poll() is not None:
            self._drop(self._child)
        if self._child is None:
            command = [sys.executable, "-m", "services.rag_llm.read_one", str(self._memory_mb), str(os.getpid())]
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            )
            self._child = _Child(process)
        return self._child

    def _drop(self, child: _Child) -> None:
        child.process.kill()
        child.process.wait()
        for pipe in (child.process.stdin, child.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue  # what was not yet sent to a dead child
        if self._child is child:
            self._child = None

    def _ask(self, child: _Child, source: Source, digest: str) -> Document:
        request = {"path": str(source.path), "name": source.name, "digest": digest, "limits": asdict(self._limits)}
        assert child.process.stdin is not None
        try:
            child.process.stdin.write(json.dumps(request).encode() + b"\n")
            child.process.stdin.flush()
        except OSError as error:
            raise self._lost(child) from error
        child.files += 1
        blocks: list[Block] = []
        for line in self._lines(child):
            answer: Any = json.loads(line)
            if isinstance(answer, list):
                blocks.append(_block(answer))
            elif "unreadable" in answer:
                raise Unreadable(str(answer["unreadable"]))
            elif "memory" in answer:
                raise _Lost(self._too_large())
            else:
                return Document(source.name, digest, tuple(blocks))
        raise self._lost(child)

    def _lines(self, child: _Child) -> Iterator[bytes]:
        """What the child writes, until it ends. Raises Unreadable when the file's time is over."""
        assert child.process.stdout is not None
        pipe = child.process.stdout.fileno()
        until = time.monotonic() + self._seconds
        rest: list[bytes] = []
        with selectors.DefaultSelector() as waiting:
            waiting.register(pipe, selectors.EVENT_READ)
            while waiting.select(max(0.0, until - time.monotonic())):
                piece = os.read(pipe, PIECE_BYTES)
                if not piece:
                    return
                *whole, last = piece.split(b"\n")
                if whole:
                    yield b"".join([*rest, whole[0]])
                    yield from whole[1:]
                    rest = []
                rest.append(last)
        self._drop(child)
        raise Unreadable(
            f"it could not be read within {self._seconds:g} s; split it, or raise FLASHBACK_RAG_LLM_READ_TIMEOUT_S"
        )

    def _lost(self, child: _Child) -> _Lost:
        if self._closed:
            return _Lost(STOPPED)
        # A child that closed its pipe has ended or is about to.
        try:
            code = child.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = 0
        if code == -signal.SIGKILL:
            return _Lost(self._too_large())
        return _Lost(f"it makes its reader crash; {SAVE_AGAIN}")

    def _too_large(self) -> str:
        return (
            f"it needs more than {self._memory_mb} MB of memory to be read; split it, or raise "
            "FLASHBACK_RAG_LLM_READ_MEMORY_MB"
        )


def _size(source: Source) -> int:
    try:
        return source.path.stat().st_size
    except OSError:
        return 0  # reading it says what is wrong


def _block(fields: list[Any]) -> Block:
    headings, unit, first, last, text, sentences, part = fields
    return Block(tuple(headings), unit, first, last, text, tuple(sentences), part)
