"""What a question costs as the documents grow: `python -m benchmarks rag_scale --json`.

Indexes of the shipped documents and filler around them (filler.py: English-like text, vectors moved from real ones),
built as ingest builds them. Each is opened in a process of its own on one core and asked the development questions,
whose vectors are real. Per size: how it is searched, seconds to build, megabytes on disk, private memory (what the
process has for itself) and mapped memory (pages of the index it has touched, which the system takes back when it needs
them), milliseconds of the dense, the lexical and the whole retrieval, and what share of the true 40 best is found.
Of three times a question the best counts: what else the machine does is not the index's.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.alone import LIMITS, alone
from benchmarks.hardware import describe, percentile
from benchmarks.rag_speed import open_index

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from services.rag_llm.chunks import Passage
    from services.rag_llm.index import PassageIndex
    from services.rag_llm.query import Query

    Array = NDArray[np.float32]

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_000, 10_000, 50_000, 100_000, 200_000)
DEPTH = 40
"""Places of each list that take part in the fusion, and that recall is measured over."""
ROUNDS = 3
BLOCK = 20_000
LARGE = 50_000
"""From here on the growth is fitted that the extrapolation uses: below, everything is compared with everything."""
MILLION = 1_000_000


@dataclass(frozen=True)
class Seed:
    """Real passages and the unit vectors of their sentences (sentences, width)."""

    passages: Sequence[Passage]
    vectors: Array


@dataclass(frozen=True)
class Asked:
    """Questions and their vectors (questions, width)."""

    questions: Sequence[str]
    vectors: Array


def build(seed: Seed, chunks: int, folder: Path) -> float:
    """Builds an index of `chunks` passages below `folder`; returns the seconds it took, without making the filler."""
    from benchmarks.filler import Filler
    from services.rag_llm.builder import IndexBuilder

    spent = 0.0
    began = time.perf_counter()
    builder = IndexBuilder(folder, f"{chunks}-chunks")
    builder.add("shipped.md", seed.passages, seed.vectors)
    spent += time.perf_counter() - began
    for name, passages, vectors in Filler(seed.passages, seed.vectors).documents(chunks - len(seed.passages)):
        began = time.perf_counter()
        builder.add(name, passages, vectors)
        spent += time.perf_counter() - began
    began = time.perf_counter()
    builder.finish()
    return spent + time.perf_counter() - began


def measure(folder: Path, asked: Asked) -> dict[str, Any]:
    """Figures of the index below `folder`. For a process of its own, which it keeps to one core."""
    from services.rag_llm import index as indexes
    from services.rag_llm import retrieval

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    before = memory_mb()
    index = indexes.load(folder)
    if index is None:
        raise SystemExit("The index was not built.")
    queries = [_query(index, *one) for one in zip(asked.questions, asked.vectors, strict=True)]
    steps: dict[str, Callable[[Query], object]] = {
        "dense": lambda query: _dense(index, query),
        "words": lambda query: index.lexicon.best(query.terms, DEPTH),
        "retrieval": lambda query: retrieval.search(index, query, 8),
    }
    figures: dict[str, Any] = {
        "passages": index.passage_vectors.kind,
        "sentences": index.sentence_vectors.kind,
        "sentence_count": len(index.owner),
    }
    for name, step in steps.items():
        rounds = [[_milliseconds(step, query) for query in queries] for _ in range(ROUNDS)]
        times = [min(of_one) for of_one in zip(*rounds, strict=True)]
        for q in (50, 95):
            figures[f"{name}_ms_p{q}"] = round(percentile(times, q), 2)
    after = memory_mb()
    figures["private_mb"] = round(after["RssAnon"] - before["RssAnon"], 1)
    figures["mapped_mb"] = round(after["RssFile"] - before["RssFile"], 1)
    return {**figures, **_recall(index, queries)}


def memory_mb() -> dict[str, float]:
    """Resident memory of this process: RssAnon, its own, and RssFile, mapped from files."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile")}


def _query(index: PassageIndex, question: str, vector: Array) -> Query:
    from services.rag_llm.query import Query, content_words

    wanted = content_words(question, index.lexicon)
    known = tuple(word.stem for word in wanted if word.stem in index.lexicon)
    return Query(question, question, vector, known, tuple(wanted))


def _dense(index: PassageIndex, query: Query) -> object:
    return index.passage_vectors.nearest(query.vector, DEPTH), index.sentence_vectors.nearest(query.vector, 3 * DEPTH)


def _milliseconds(step: Callable[[Query], object], query: Query) -> float:
    began = time.perf_counter()
    step(query)
    return (time.perf_counter() - began) * 1000


def _recall(index: PassageIndex, queries: Sequence[Query]) -> dict[str, float]:
    """Shares of the true DEPTH best that each list has: of the stored vectors, and of the whole BM25 lists."""
    import numpy as np

    vectors = np.stack([query.vector for query in queries])
    figures = {}
    for name, searched in (("passages", index.passage_vectors), ("sentences", index.sentence_vectors)):
        best, scores = np.zeros((len(vectors), 0), np.int64), np.zeros((len(vectors), 0), np.float32)
        for start in range(0, len(searched), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(searched)))
            scores = np.hstack([scores, vectors @ searched.rows(rows.tolist()).T])
            best = np.hstack([best, np.broadcast_to(rows, (len(vectors), len(rows)))])
            chosen = np.argsort(-scores, axis=1)[:, :DEPTH]
            best, scores = np.take_along_axis(best, chosen, 1), np.take_along_axis(scores, chosen, 1)
        found = [searched.nearest(vector, DEPTH)[1].tolist() for vector in vectors]
        figures[f"recall_{name}"] = _shared(found, best.tolist())
    everything = range(len(index.passages))
    found, true = [], []
    for query in queries:
        whole = index.lexicon.scores(query.terms, everything)
        order = np.argsort(-whole, kind="stable")[:DEPTH]
        true.append(order[whole[order] > 0].tolist())
        found.append(index.lexicon.best(query.terms, DEPTH)[0])
    figures["recall_words"] = _shared(found, true)
    return figures


def _shared(found: Sequence[Sequence[int]], true: Sequence[Sequence[int]]) -> float:
    shares = [len(set(a) & set(b)) / len(b) for a, b in zip(found, true, strict=True) if b]
    return round(sum(shares) / len(shares), 4)


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Of the power of the size that the values grow with: the slope of a line through their logarithms."""
    import numpy as np

    return round(float(np.polyfit(np.log(sizes), np.log(values), 1)[0]), 3)


def growth(points: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Exponents over all sizes and over the large ones, and what the latter would come to at a million (not measured).

    Nothing when fewer than two are large.
    """
    large = [point for point in points if point["chunks"] >= LARGE]
    if len(large) < 2:
        return {}
    over_all, over_large = (
        exponent([p["chunks"] for p in some], [p["retrieval_ms_p50"] for p in some]) for some in (points, large)
    )
    last = large[-1]
    factor = (MILLION / last["chunks"]) ** max(over_all, over_large)
    return {
        "growth_exponent": over_all,
        "growth_exponent_large": over_large,
        "retrieval_ms_p95_1m_extrapolated": round(last["retrieval_ms_p95"] * factor, 1),
    }


def point(seed: Seed, asked: Asked, chunks: int) -> dict[str, Any]:
    """Builds and measures one size; nothing stays on disk."""
    with tempfile.TemporaryDirectory(prefix="rag-scale-") as made:
        folder = Path(made)
        built = build(seed, chunks, folder)
        disk = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        found = alone(measure, folder, asked)
    return {"chunks": chunks, "build_s": round(built, 1), "disk_mb": round(disk / 1e6, 1), **found}


def main(arguments: Sequence[str] | None = None) -> None:
    os.environ.update(LIMITS)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--questions", type=Path, default=ROOT / "benchmarks" / "data" / "rag_dev.jsonl")
    parser.add_argument("--cache", type=Path, help="keep the shipped documents' vectors here")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args(arguments)

    from flashback import personas
    from services.rag_llm.embedding import MiniLM

    encoder = MiniLM()
    shipped = open_index(personas.load("iris"), encoder, options.cache)
    seed = Seed(list(shipped.passages), shipped.sentence_vectors.rows(range(len(shipped.owner))))
    lines = options.questions.read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line)["q"] for line in lines if line.strip()]
    asked = Asked(questions, encoder.encode(questions))
    points = []
    for chunks in sorted(options.chunks):
        points.append(point(seed, asked, chunks))
        if not options.json:
            print(json.dumps(points[-1]), flush=True)
    print(json.dumps({"benchmark": "rag_scale", "points": points, **growth(points), "hardware": describe()}))


if __name__ == "__main__":
    main()
