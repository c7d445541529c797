"""How well and how fast questions about a folder of documents are answered: `python -m benchmarks rag --json`.

Questions are lines of JSON, {"q": question, "gold": [substrings, any of which counts] or null, "source": file or
null}; null means that the documents do not hold the answer. The engine runs in this process, without the wire.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flashback.personas import Persona
    from services.rag_llm.embedding import MiniLM
    from services.rag_llm.engines.extractive import ExtractiveAnswerer
    from services.rag_llm.index import PassageIndex

ROOT = Path(__file__).resolve().parent.parent
TOP = 3


@dataclass(frozen=True)
class Outcome:
    """What became of one question. `rank` counts from 0; None: the gold passage was not among the retrieved."""

    question: str
    gold: tuple[str, ...] | None
    rank: int | None
    answer: str
    refused: bool
    cited: bool
    first_ms: float


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie, nearest rank; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))] if ordered else 0.0


def build_index(corpus: Path, encoder: MiniLM, cache: Path | None) -> tuple[PassageIndex, dict[str, float]]:
    """The index of a folder, and how fast it came about (tokens a minute on one core, without what the cache held)."""
    from services.rag_llm import ingest

    with tempfile.TemporaryDirectory() as fresh:
        found = ingest.survey([corpus], encoder.name, 10**8)
        read, draft, _ = ingest.read_all(found, 10**8)
        store = ingest.VectorStore(cache or Path(fresh), encoder, shared=cache is not None)
        began, cpu = time.perf_counter(), time.process_time()
        index = ingest.build(read, draft, store, threading.Event(), lambda done, chunks: None)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    if index is None:
        raise SystemExit(f"{corpus} holds no documents.")
    tokens = sum(encoder.count_tokens(s) for passage in index.passages for s in passage.sentences)
    return index, {
        "chunks": len(index.passages),
        "ingest_s": round(wall, 2),
        "ingest_tokens_per_min": 0.0 if cache else round(tokens / cpu * 60),
    }


def ask(answerer: ExtractiveAnswerer, index: PassageIndex, persona: Persona, line: dict[str, Any]) -> Outcome:
    """Asks one question as the service would."""
    from services.rag_llm.engine import Citation, Done, Sentence, Turn

    async def documents() -> PassageIndex:
        return index

    turn = Turn(line["q"], persona, documents)
    began = time.perf_counter()
    parts = answerer.parts(turn, index)
    first_ms = (time.perf_counter() - began) * 1000
    done = parts[-1]
    assert isinstance(done, Done)
    passages = {p.number: p.text for p in parts if isinstance(p, Citation)}
    sentences = [p for p in parts if isinstance(p, Sentence)]
    gold = tuple(line["gold"]) if line["gold"] else None
    rank = None
    if gold:
        order = dict.fromkeys(c.passage for c in answerer.ranked(turn, index))
        held = [any(g in _all_text(index, p) for g in gold) for p in order]
        rank = held.index(True) if True in held else None
    cited = all(
        any(s.text in _spoken(index, passages[n]) for n in s.citations)
        for s in sentences
        if done.reason != "small_talk"
    )
    return Outcome(line["q"], gold, rank, " ".join(s.text for s in sentences), done.refused, cited, first_ms)


def _all_text(index: PassageIndex, number: int) -> str:
    passage = index.passages[number]
    return f"{passage.text} {' '.join(passage.sentences)}"


def _spoken(index: PassageIndex, text: str) -> str:
    return next(" ".join(p.sentences) for p in index.passages if p.text == text)


def figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Shares (0..1) and milliseconds over all questions asked."""
    can = [o for o in outcomes if o.gold]
    cannot = [o for o in outcomes if not o.gold]
    refused = [o for o in outcomes if o.refused]
    times = [o.first_ms for o in outcomes]
    return {
        "answerable": len(can),
        "unanswerable": len(cannot),
        "gold_passage_top3": _share(o.rank is not None and o.rank < TOP for o in can),
        "gold_in_answer": _share(not o.refused and any(g in o.answer for g in o.gold or ()) for o in can),
        "wrongly_refused": _share(o.refused for o in can),
        "rightly_refused": _share(o.refused for o in cannot),
        "refusal_precision": _share(not o.gold for o in refused),
        "citation_correct": _share(o.cited for o in outcomes if not o.refused),
        "words_per_answer": round(statistics.fmean(len(o.answer.split()) for o in outcomes if not o.refused), 1),
        "first_sentence_ms_p50": round(percentile(times, 0.5), 1),
        "first_sentence_ms_p95": round(percentile(times, 0.95), 1),
    }


def _share(hits: Any) -> float:
    found = list(hits)
    return round(sum(map(bool, found)) / len(found), 3) if found else 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=Path, default=ROOT / "benchmarks" / "data" / "rag_dev.jsonl")
    parser.add_argument("--persona", default="iris")
    parser.add_argument("--corpus", type=Path, help="instead of the persona's own")
    parser.add_argument("--cache", type=Path, help="keep vectors here, to skip encoding the next time")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args(arguments)

    from flashback import personas
    from services.rag_llm.embedding import MiniLM
    from services.rag_llm.engines.extractive import ExtractiveAnswerer
    from services.rag_llm.settings import RagSettings

    encoder = MiniLM()
    persona = personas.load(options.persona)
    index, speed = build_index(options.corpus or persona.corpus, encoder, options.cache)
    answerer = ExtractiveAnswerer(encoder, RagSettings())
    lines = [json.loads(line) for line in options.questions.read_text(encoding="utf-8").splitlines() if line.strip()]
    ask(answerer, index, persona, lines[0])
    outcomes = [ask(answerer, index, persona, line) for line in lines]
    if not options.json:
        for o in outcomes:
            right = o.refused if not o.gold else not o.refused and any(g in o.answer for g in o.gold)
            print(f"{'ok ' if right else 'BAD'} rank={o.rank} refused={o.refused} {o.question}\n      {o.answer}")
    print(json.dumps({**figures(outcomes), **speed}))


if __name__ == "__main__":
    main()
