"""`flashback ingest`: documents into a persona's index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from flashback import personas
from flashback.errors import InvalidInput
from flashback.rpc import SESSION_S, open_channel, typed_errors
from flashback.settings import HouseSettings
from flashback.stack.supervisor import needed
from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc


async def run(paths: Sequence[Path], persona_id: str) -> None:
    """Shows progress and names what was skipped. Raises FlashbackError for a missing path or an unknown persona."""
    settings = HouseSettings()
    personas.load(persona_id, settings)
    missing = [str(p) for p in paths if not p.exists()]
    if missing:
        raise InvalidInput(f"No such file or folder: {', '.join(missing)}.")
    request = rag_llm_pb2.IngestRequest(persona_id=persona_id, paths=[str(p.resolve()) for p in paths])
    skipped: list[str] = []
    documents = chunks = 0
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[chunks]}")
    )
    async with needed(["rag_llm"], settings) as addresses:
        channel = open_channel(addresses["rag_llm"])
        try:
            with bar, typed_errors("rag_llm"):
                task = bar.add_task("documents", total=None, chunks="")
                async for step in rag_llm_pb2_grpc.RagLlmStub(channel).Ingest(request, timeout=SESSION_S):
                    documents, chunks = step.documents, step.chunks
                    skipped = list(step.skipped) or skipped
                    bar.update(task, total=step.documents_total, completed=step.documents, chunks=f"{chunks} passages")
        finally:
            await channel.close(None)
    for line in skipped:
        print(f"skipped {line}")
    print(f"{persona_id} answers from {documents} documents, {chunks} passages.")
