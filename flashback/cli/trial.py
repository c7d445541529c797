"""A persona made for the occasion, which answers from given folders and nothing else.

It needs no files of its own: its folder is written below the data folder, one for each set of paths, so that trying the
same folders again encodes only what changed. Its service is always a process of its own, never the running stack's.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from flashback.errors import InvalidInput
from flashback.rpc import SESSION_S, SLOW_S, typed_errors
from flashback.settings import HouseSettings
from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc

PERSONA = "documents"
FOLDER = "trials"


def prepare(paths: Sequence[Path], settings: HouseSettings) -> HouseSettings:
    """Settings under which PERSONA exists; also set in the environment, for the service that is started.

    Raises InvalidInput for a path that does not exist.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise InvalidInput(f"No such file or folder: {', '.join(missing)}.")
    whole = sorted({str(path.resolve()) for path in paths})
    home = (settings.data_dir / FOLDER / hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]).resolve()
    folder = home / "personas" / PERSONA
    folder.mkdir(parents=True, exist_ok=True)
    names = ", ".join(path.resolve().name for path in paths)
    about = json.dumps(f"the documents in {names}", ensure_ascii=False)
    beside = folder / f"persona.toml.{os.getpid()}"
    beside.write_text(
        f'name = "Documents"\ngreeting = "Hello. Ask me about my documents."\nabout = {about}\nsynthetic = true\n',
        encoding="utf-8",
    )
    beside.replace(folder / "persona.toml")
    os.environ.update(FLASHBACK_HOME=str(home), FLASHBACK_DATA_DIR=str(home), FLASHBACK_DEFAULT_PERSONA=PERSONA)
    return HouseSettings()


async def read(stub: rag_llm_pb2_grpc.RagLlmAsyncStub, paths: Sequence[Path]) -> None:
    """Has PERSONA read the paths; what was skipped and what there is goes to standard error."""
    request = rag_llm_pb2.IngestRequest(persona_id=PERSONA, paths=[str(path.resolve()) for path in paths])
    print("reading the documents ...", file=sys.stderr, flush=True)
    skipped: list[str] = []
    bar = Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
    with bar, typed_errors("rag_llm"):
        task = bar.add_task("documents", total=None)
        async for step in stub.Ingest(request, timeout=SESSION_S):
            skipped = list(step.skipped) or skipped
            bar.update(task, total=step.documents_total, completed=step.documents)
        there = await stub.DescribeIndex(rag_llm_pb2.IndexRequest(persona_id=PERSONA), timeout=SLOW_S)
    for line in skipped:
        print(f"skipped {line}", file=sys.stderr)
    print(f"{there.documents} documents, {there.chunks} passages", file=sys.stderr, flush=True)
