"""What a sentence states that can be checked word for word: figures with their units, names, denials, opposites.

Pure; plain English. Sentences are as `sentences.spoken` leaves them: units as words, no markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from services.rag_llm.figures import Figure, read
from services.rag_llm.lexical import STOP_WORDS, stem

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*(?:st|nd|rd|th)?(?![\w])|[^\W\d_]+(?:['’-][^\W_]+)*[\w]*|[\w]+|%")
_PREFIXES = ("un", "in", "im", "ir", "non", "dis")


def _word_lists(section: str) -> Iterator[list[frozenset[str]]]:
    """The lines of one section of the word lists, each as its sets of words, which are parted by "|"."""
    wanted = False
    for line in (Path(__file__).parent / "polarity.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            wanted = line == f"[{section}]"
        elif wanted and line:
            yield [frozenset(side.split()) for side in line.split("|")]


DENIALS = next(_word_lists("denials"))[0]
_OPPOSITES = tuple(tuple(frozenset(map(stem, side)) for side in sides) for sides in _word_lists("opposites"))
SCOPE = 4
"""Content words after a denial that it is taken to deny."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A sentence, or a clause of one, taken apart.

    `content`: content words as written, with their stems, figures and stop words left out. `names`: stems of the words
    written like names; `initial`: the stem of a first word that may be one. `denials`: how many it has; `denied`:
    stems that they deny. `before`: those of the content words before the first figure. `stems`: of all words; `pairs`:
    of neighbours. `lesser`: stems after "than".
    """

    figures: frozenset[Figure]
    names: frozenset[str]
    initial: str
    denials: int
    denied: frozenset[str]
    content: tuple[tuple[str, str], ...]
    before: frozenset[str]
    stems: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    lesser: frozenset[str]


@lru_cache(maxsize=4096)
def facts_of(sentence: str) -> Facts:
    """The facts of a sentence; pure, so that the cache may be shared."""
    words = [match[0] for match in _TOKEN.finditer(sentence)]
    figures, numeric = read(words)
    names: set[str] = set()
    initial = ""
    content: list[tuple[str, str]] = []
    denied: set[str] = set()
    before: set[str] = set()
    first_figure = min(numeric, default=len(words))
    denials = reach = 0
    for place, written in enumerate(words):
        word = _bare(written)
        if word in DENIALS or written.lower().endswith(("n't", "n’t")):
            denials, reach = denials + 1, SCOPE
            continue
        if place in numeric or word in STOP_WORDS or not word:
            continue
        root = stem(word)
        content.append((word, root))
        if place < first_figure:
            before.add(root)
        if _like_a_name(written, place, words):
            names.add(root)
        elif place == 0 and written[0].isupper():
            initial = root
        if reach:
            denied.add(root)
            reach -= 1
    stems = [stem(_bare(word)) for word in words]
    than = stems.index("than") + 1 if "than" in stems else len(stems)
    return Facts(
        figures=figures,
        names=frozenset(names),
        initial=initial,
        denials=denials,
        denied=frozenset(denied),
        content=tuple(content),
        before=frozenset(before),
        stems=frozenset(stems),
        pairs=frozenset(pairwise(stems)),
        lesser=frozenset(stems[than:]),
    )


def names_in(sentences: Iterable[str]) -> frozenset[str]:
    """Stems that are written like names within a sentence, and nowhere in small letters."""
    named: set[str] = set()
    small: set[str] = set()
    for sentence in sentences:
        facts = facts_of(sentence)
        named |= facts.names
        small |= {stem(word) for word in re.findall(r"\b[a-z]+\b", sentence)}
    return frozenset(named - small)


def opposed(claim: Facts, source: Facts) -> bool:
    """Whether the claim has the opposite of a word of the source in its place, or compares the other way round."""
    for one, other in _OPPOSITES:
        for mine, theirs in ((one, other), (other, one)):
            if claim.stems & mine and not claim.stems & theirs and source.stems & theirs and not source.stems & mine:
                return True
            after = {second for first, second in claim.pairs if first in mine}
            if any(first in theirs and second in after for first, second in source.pairs - claim.pairs):
                return True
    turned = (claim.lesser - source.lesser) & source.stems
    return bool(turned and (source.lesser - claim.lesser) & claim.stems)


def prefixed(one: Facts, other: Facts) -> bool:
    """Whether `one` has a word that a word of `other` denies by its first syllable ("necessary", "unnecessary")."""
    return any(
        root.startswith(prefix) and len(root) > len(prefix) + 3 and root[len(prefix) :] in one.stems
        for root in other.stems - one.stems
        for prefix in _PREFIXES
    )


_CLAUSE = re.compile(
    r"[;:]\s+|\s+[–—-]\s+|,\s+(?:and|but|or|so|while|whereas|which|who|whose|where|because|since|although|though|when|"
    r"if|as|yet)\s+|\s+(?:because|while|whereas|although|though|when|if|but|so that)\s+",
    re.IGNORECASE,
)
_ITEM = re.compile(rf"{_CLAUSE.pattern}|,\s+|\s+and\s+", re.IGNORECASE)
SMALLEST = 2
"""Content words and figures that a clause has at least."""


@lru_cache(maxsize=4096)
def clauses(sentence: str) -> tuple[str, ...]:
    """The sentence cut where a clause with a verb of its own is likely to begin."""
    return _cut(sentence, _CLAUSE)


@lru_cache(maxsize=4096)
def items(sentence: str) -> tuple[str, ...]:
    """The sentence cut finer, also between the items of a list."""
    return _cut(sentence, _ITEM)


def _cut(sentence: str, where: re.Pattern[str]) -> tuple[str, ...]:
    """The parts between the cuts; one that is too small to stand alone stays with the part before it."""
    parts: list[str] = []
    for part in filter(str.strip, where.split(sentence)):
        if parts and min(_size(part), _size(parts[-1])) < SMALLEST:
            parts[-1] = f"{parts[-1]}, {part}"
        else:
            parts.append(part)
    return tuple(parts) or (sentence,)


def _size(part: str) -> int:
    facts = facts_of(part)
    return len(facts.content) + len(facts.figures)


def _bare(word: str) -> str:
    lower = word.lower().replace("’", "'")
    return lower.removesuffix("'s").replace("'", "").replace("-", "")


def _like_a_name(word: str, place: int, words: list[str]) -> bool:
    if not any(c.isupper() for c in word) or word == "I":
        return False
    if sum(c.isupper() for c in word) > 1 or any(c.isdigit() for c in word):
        return True
    if place:
        return True
    follows = words[1][0] if len(words) > 1 else ""
    vague = _bare(word) in STOP_WORDS or _bare(word) in ("around", "almost") or word.endswith("ly")
    return (follows.isupper() or follows.isdigit()) and not vague
