"""How well the guardrail tells supported sentences from unsupported ones: `python -m benchmarks guardrail --json`.

Lines of JSON, {"sentence", "supported": bool, "kind", "document", "context": headings, "passage"}. "Supported" is the
positive class: precision is the share of what would be spoken that is right, recall the share of what is right that
would be. `ms_per_sentence_p50` is what one sentence costs, on one core, when as many passages are shown as an answer
may quote: its vector, and its judgement against each of them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "benchmarks" / "data"
PAIRS = {
    "iris": (DATA / "supported_sentences.jsonl", ROOT / "corpus"),
    "amon": (DATA / "supported_sentences_amon.jsonl", ROOT / "personas" / "amon" / "corpus"),
    "other": (DATA / "supported_sentences_other.jsonl", ROOT / "corpus"),
}
"""Pairs, and the documents that say how rare a word is. No document of ours has the subjects of the third set."""


@dataclass(frozen=True)
class Judged:
    """A pair and what the guardrail says of it. `why` is "" for what it lets pass."""

    sentence: str
    kind: str
    supported: bool
    why: str


def rarity_in(folder: Path) -> Callable[[str], float]:
    """Inverse document frequency of a stem over the paragraphs of a folder's Markdown files, as BM25 has it."""
    from services.rag_llm.lexical import terms

    paragraphs = [p for file in sorted(folder.glob("*.md")) for p in file.read_text(encoding="utf-8").split("\n\n")]
    holding = Counter(term for paragraph in paragraphs for term in set(terms(paragraph)))
    return lambda stem: math.log(1 + (len(paragraphs) - holding[stem] + 0.5) / (holding[stem] + 0.5))


class PairSet:
    """One set, made ready to be judged by the guardrail as it is set. `lines`: the pairs, as they are in the file."""

    def __init__(self, name: str) -> None:
        from services.rag_llm.embedding import MiniLM
        from services.rag_llm.entailment import Limits, Premise
        from services.rag_llm.facts import names_in
        from services.rag_llm.sentences import split_sentences, spoken
        from services.rag_llm.settings import RagSettings
        from services.rag_llm.support import WordSpace

        file, corpus = PAIRS[name]
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        settings = RagSettings()
        self._encoder = MiniLM()
        self._limits = Limits(settings.guard, settings.guard_share, settings.guard_clause, settings.guard_cosine)
        self._space, self._rarity = WordSpace(self._encoder), rarity_in(corpus)
        self._shown = settings.top_passages
        names = names_in(said for line in self.lines for said in split_sentences(line["passage"]))
        self._premises: dict[str, Premise] = {}
        for line in self.lines:
            if line["passage"] not in self._premises:
                sentences = tuple(spoken(said) for said in split_sentences(line["passage"]))
                vectors = self._encoder.encode(sentences)
                self._premises[line["passage"]] = Premise(line["context"], sentences, vectors, names)

    def judged(self) -> list[Judged]:
        """Every pair, each sentence against its own passage."""
        return [
            Judged(line["sentence"], line["kind"], line["supported"], self._why(line["sentence"], [line["passage"]])[0])
            for line in self.lines
        ]

    def milliseconds(self) -> list[float]:
        """What each sentence takes against its own passage and those after it in the file."""
        passages = list(self._premises)
        took = []
        for line in self.lines:
            first = passages.index(line["passage"])
            shown = (passages[first:] + passages[:first])[: self._shown]
            begun = time.perf_counter()
            self._why(line["sentence"], shown)
            took.append((time.perf_counter() - begun) * 1000)
        return took

    def _why(self, sentence: str, passages: Sequence[str]) -> list[str]:
        """What each of the passages has against the sentence."""
        from services.rag_llm.entailment import judge

        vector = self._encoder.encode([sentence])[0]
        return [
            judge(sentence, vector, self._premises[passage], self._space, self._rarity, self._limits).why
            for passage in passages
        ]


def judge_all(name: str) -> list[Judged]:
    """Every pair of one set."""
    return PairSet(name).judged()


def figures(judged: Sequence[Judged]) -> dict[str, float]:
    """Counts, precision and recall (0..1)."""
    passed = [j for j in judged if not j.why]
    right = [j for j in judged if j.supported]
    both = sum(j.supported for j in passed)
    return {
        "supported": len(right),
        "unsupported": len(judged) - len(right),
        "precision": round(both / len(passed), 3) if passed else 0.0,
        "recall": round(both / len(right), 3) if right else 0.0,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    options = parser.parse_args(arguments)
    sets = {name: PairSet(name) for name in PAIRS}
    took = [ms for pairs in sets.values() for ms in pairs.milliseconds()]
    judged = {name: pairs.judged() for name, pairs in sets.items()}
    for j in () if options.json else [j for of_set in judged.values() for j in of_set]:
        if j.supported == bool(j.why):
            print(f"{'dropped' if j.supported else 'SPOKEN'} ({j.kind}{', ' + j.why if j.why else ''}) {j.sentence}")
    found: dict[str, Any] = {name: figures(of_set) for name, of_set in judged.items()}
    print(json.dumps({**found, "ms_per_sentence_p50": round(statistics.median(took), 1)}))


if __name__ == "__main__":
    main()
