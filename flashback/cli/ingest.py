"""`flashback ingest`: documents into a persona's index, once or whenever they change."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flashback import personas
from flashback.cli import ingest_report
from flashback.cli.ingest_report import Ingested
from flashback.cli.watching import Watch
from flashback.errors import FlashbackError, InvalidInput
from flashback.rpc import SESSION_S, SLOW_S, open_channel, typed_errors
from flashback.settings import HouseSettings
from flashback.stack import runfile
from flashback.stack.supervisor import needed
from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc

INTERRUPTED = 130
RETRY_S = 30.0
"""How long a watch waits after an ingest that failed before it tries again, if nothing changes before."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for. `show`: the ingested paths, and nothing else."""

    persona_id: str
    add: Sequence[Path] = ()
    forget: Sequence[Path] = ()
    show: bool = False
    watch: bool = False
    as_json: bool = False


async def run(wanted: Wanted) -> int:
    """Does it and returns the exit status: 130 when Ctrl-C broke it off before a watch had begun, else 0.

    Raises FlashbackError for a missing path, a path to forget that was never ingested, an unknown persona, or an index
    that cannot be written.
    """
    settings = HouseSettings()
    personas.load(wanted.persona_id, settings)
    missing = [str(path) for path in wanted.add if not path.exists()]
    if missing:
        raise InvalidInput(f"No such file or folder: {', '.join(missing)}.")
    if wanted.show and (wanted.add or wanted.forget or wanted.watch):
        raise InvalidInput("--list only shows what is ingested; leave out the paths, --forget and --watch.")
    own = runfile.read(settings.run_file) is None
    watching = asyncio.Event()
    if await _until_interrupted(_work(wanted, settings, watching)) or watching.is_set():
        return 0
    ingest_report.say_interrupted(own)
    return INTERRUPTED


async def _work(wanted: Wanted, settings: HouseSettings, watching: asyncio.Event) -> None:
    """Does what is wanted. watching: set once a watch has begun."""
    async with _service(settings) as stub:
        if wanted.show:
            ingest_report.show_paths(await _describe(stub, wanted.persona_id), wanted.as_json)
            return
        done = await _ingest(stub, wanted.persona_id, wanted.add, wanted.forget)
        ingest_report.show(done, wanted.as_json)
        if wanted.watch:
            await _watch(stub, wanted, watching, done.last.skipped)


@asynccontextmanager
async def _service(settings: HouseSettings) -> AsyncIterator[rag_llm_pb2_grpc.RagLlmAsyncStub]:
    async with needed(["rag_llm"], settings) as addresses:
        channel = open_channel(addresses["rag_llm"])
        try:
            yield rag_llm_pb2_grpc.RagLlmStub(channel)
        finally:
            await channel.close(None)


async def _ingest(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, persona_id: str, add: Sequence[Path] = (), forget: Sequence[Path] = ()
) -> Ingested:
    """One ingest, its progress on standard error."""
    request = rag_llm_pb2.IngestRequest(persona_id=persona_id, paths=_sent(add), forget=_sent(forget))
    began = time.monotonic()
    last = rag_llm_pb2.IngestProgress()
    with ingest_report.progress(persona_id) as show, typed_errors("rag_llm"):
        async for last in stub.Ingest(request, timeout=SESSION_S):
            show(last)
    if not last.done:
        raise FlashbackError("The answering service ended the ingest early; its log says why.")
    return Ingested(persona_id, last, time.monotonic() - began)


async def _describe(stub: rag_llm_pb2_grpc.RagLlmAsyncStub, persona_id: str) -> rag_llm_pb2.IndexDescription:
    with typed_errors("rag_llm"):
        return await stub.DescribeIndex(rag_llm_pb2.IndexRequest(persona_id=persona_id), timeout=SLOW_S)


async def _watch(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, wanted: Wanted, watching: asyncio.Event, told: Sequence[str]
) -> None:
    """Ingests again whenever something below the persona's paths changes, until it is cancelled.

    told: what was skipped and named already.
    """
    known = await _describe(stub, wanted.persona_id)
    async with Watch([Path(root.path) for root in known.paths]) as watch:
        watching.set()
        ingest_report.say_watching(known)
        seen = False  # what changed before the watch began is found by a first look
        while True:
            failed = False
            try:
                done = await _ingest(stub, wanted.persona_id)
                if seen or done.differs:
                    ingest_report.show_line(done, wanted.as_json, told)
                    told = done.last.skipped
            except FlashbackError as error:
                failed = True
                ingest_report.say_failed(error)
            seen = await watch.changed(RETRY_S if failed else None)


def _sent(paths: Sequence[Path]) -> list[str]:
    """Absolute paths as they travel. Raises InvalidInput for one that is not UTF-8."""
    found = []
    for path in paths:
        resolved = str(path.resolve())
        try:
            resolved.encode("utf-8")
        except UnicodeEncodeError:
            raise InvalidInput(f"The path {ascii(resolved)} is not UTF-8; give a folder above it.") from None
        found.append(resolved)
    return found


async def _until_interrupted(work: Coroutine[Any, Any, None]) -> bool:
    """Runs `work` until it is done (True), or until SIGINT or SIGTERM, which end it in good order (False)."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    task = asyncio.create_task(work)
    stop = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for each in (task, stop):
            each.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
