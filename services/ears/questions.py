"""Likely questions about documents: hand-written templates whose slots are filled with the documents' topics."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.ears.language_model import Source
from services.ears.spoken_form import words

TEMPLATES = Path(__file__).with_name("question_templates.txt")
GAP = "/"
"""Stands for words that are not counted: it is in no vocabulary, so a Source breaks the sentence there."""

FUNCTION_WORDS = frozenset(Path(__file__).with_name("function_words.txt").read_text(encoding="utf-8").split())


@dataclass(frozen=True)
class Template:
    weight: float
    words: tuple[str, ...]

    @property
    def slots(self) -> int:
        return sum(word in ("X", "Y") for word in self.words)


def read_templates(path: Path = TEMPLATES) -> list[Template]:
    """`weight<TAB>words` a line, `#` starts a comment. Raises ValueError on a malformed line."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        weight, _, text = line.partition("\t")
        found.append(Template(float(weight), tuple(text.split())))
    return found


def everyday_words(templates: Iterable[Template]) -> set[str]:
    """Every word of the templates themselves."""
    return {word for template in templates for word in template.words if word not in ("X", "Y", GAP)}


def topics(sentences: Sequence[str], headings: Sequence[str], at_most: int = 900) -> dict[tuple[str, ...], float]:
    """Phrases a visitor may ask about, with weights that sum to one.

    A phrase is a run of up to three content words inside one clause. What stands in a heading counts ten times.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for texts, weight in ((sentences, 1.0), (headings, 10.0)):
        for text in texts:
            for clause in re.split(r"[,;:.!?()\u201c\u201d\"]+(?:\s|$)", text):
                for run in _content_runs(words(clause)):
                    for length in (1, 2, 3):
                        for first in range(len(run) - length + 1):
                            counts[tuple(run[first : first + length])] += weight  # type: ignore[assignment]
    common = counts.most_common(at_most)
    total = sum(count for _, count in common)
    return {phrase: count / total for phrase, count in common}


def _content_runs(said: Sequence[str]) -> list[list[str]]:
    runs: list[list[str]] = [[]]
    for word in said:
        if word in FUNCTION_WORDS:
            runs.append([])
        else:
            runs[-1].append(word)
    return [run for run in runs if run]


def add_questions(source: Source, templates: Iterable[Template], phrases: dict[tuple[str, ...], float]) -> None:
    """Counts every template once for every topic in each of its slots, weighted by template and topic."""
    for template in templates:
        if not template.slots:
            source.add(template.words, template.weight)
            continue
        for place, word in enumerate(template.words):
            if word not in ("X", "Y"):
                continue
            before = tuple(GAP if w in ("X", "Y") else w for w in template.words[:place])
            after = tuple(GAP if w in ("X", "Y") else w for w in template.words[place + 1 :])
            for phrase, share in phrases.items():
                source.add((*before, *phrase, *after), template.weight * share / template.slots)
