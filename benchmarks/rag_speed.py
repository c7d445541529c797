"""How fast documents become an index and a question its first sentence. Each is measured in a process of its own, set
up as `flashback up` sets up the answering service."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.alone import alone
from benchmarks.hardware import percentile

if TYPE_CHECKING:
    from flashback.personas import Persona
    from services.rag_llm.embedding import MiniLM
    from services.rag_llm.index import PassageIndex

CHUNKS = 10_000
ROUNDS = 2
PATIENCE_S = 3600.0


def open_index(persona: Persona, encoder: MiniLM, cache: Path | None = None) -> PassageIndex:
    """The index of the persona's documents, built as the service builds it. cache: a folder to keep vectors in."""
    from flashback.settings import HouseSettings
    from services.rag_llm.library import Library
    from services.rag_llm.settings import RagSettings

    async def opened(data: Path) -> PassageIndex | None:
        settings = RagSettings(vector_cache=cache, first_ingest_wait_s=PATIENCE_S)
        library = Library(HouseSettings(data_dir=data), settings, encoder)
        try:
            return await library.index(persona)
        finally:
            await library.close()

    with tempfile.TemporaryDirectory(prefix="rag-index-") as data:
        index = asyncio.run(opened(Path(data)))
    if index is None:
        raise SystemExit(f"{persona.id} has no documents.")
    return index


def ingest(persona: Persona) -> dict[str, float]:
    """Tokens a minute from files to a serving index: on the wall clock, and per minute of processor time."""
    from services.rag_llm.embedding import MiniLM

    encoder = MiniLM()
    began, cpu = time.perf_counter(), time.process_time()
    index = open_index(persona, encoder)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    tokens = sum(encoder.count_tokens(s) for passage in index.passages for s in passage.sentences)
    return {
        "chunks": len(index.passages),
        "ingest_s": round(wall, 2),
        "ingest_tokens_per_min": round(tokens / wall * 60),
        "ingest_tokens_per_cpu_min": round(tokens / cpu * 60),
    }


def first_sentence(folder: Path, persona: Persona, questions: Sequence[str]) -> dict[str, float]:
    """Milliseconds from a question to its first sentence by the extractive engine on one core, with the index below
    `folder`."""
    from services.rag_llm import index as indexes
    from services.rag_llm.embedding import MiniLM
    from services.rag_llm.engine import Turn
    from services.rag_llm.engines.extractive import ExtractiveAnswerer
    from services.rag_llm.settings import RagSettings

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    index = indexes.load(folder)
    if index is None:
        raise SystemExit("The index was not built.")
    answerer = ExtractiveAnswerer(MiniLM(), RagSettings())

    async def documents() -> PassageIndex | None:
        return index

    def ask(question: str) -> float:
        began = time.perf_counter()
        answerer.parts(Turn(question, persona, documents), index)
        return (time.perf_counter() - began) * 1000

    ask(questions[0])
    times = [ask(question) for _ in range(ROUNDS) for question in questions]
    return {
        "chunks_10k": len(index.passages),
        "first_sentence_ms_p50_10k": round(percentile(times, 50), 1),
        "first_sentence_ms_p95_10k": round(percentile(times, 95), 1),
    }


def at_10k(shipped: PassageIndex, persona: Persona, questions: Sequence[str]) -> dict[str, float]:
    """`first_sentence` over the persona's documents among filler (filler.py), CHUNKS passages in all.

    The questions are encoded as always; the filler's vectors are moved from those of the real sentences.
    """
    from benchmarks.rag_scale import Seed, build

    seed = Seed(list(shipped.passages), shipped.sentence_vectors.rows(range(len(shipped.owner))))
    with tempfile.TemporaryDirectory(prefix="rag-10k-") as folder:
        build(seed, CHUNKS, Path(folder))
        return alone(first_sentence, Path(folder), persona, questions)
