"""A question made ready for retrieval: terms that the index knows, typing errors mended, follow-ups completed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.rag_llm.lexical import Lexicon, raw_words, terms
from services.rag_llm.support import Wanted

_PRONOUN = re.compile(
    r"\b(it|its|it's|he|him|his|she|her|hers|they|them|their|theirs|that|this|these|those|one|ones|there|then|"
    r"former|latter)\b",
    re.IGNORECASE,
)
_CONTINUATION = re.compile(
    r"^\s*(and|or|but|so|what about|how about|also|why|how so|how come|when|where|who)\b", re.IGNORECASE
)
_PERSON = re.compile(r"\b(?:he|him|his|she|her|hers|they|them|theirs?)\b", re.IGNORECASE)
_CAPITAL = re.compile(r"\b[A-Z]\w+")
_FULL_NAME = re.compile(r"\b[A-Z][\w’'-]+(?: (?:[A-Z]\.|[a-z]{2,3}(?= [A-Z])|[A-Z][\w’'-]+))+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
EARLIER = 0.5
"""Weight of the words that a follow-up takes over from the question before it."""
MENDABLE = 5
"""Letters a word must have for a single wrong one to be forgiven."""


@dataclass(frozen=True)
class Query:
    """`text` is what was encoded to `vector` (384, unit length); `terms` are for BM25.

    `wanted` are the content words that an answer should support, the unknown ones included. `heard` is what a follow-up
    need not be told again. `readings` are what a spoken question may have been, when there are several.
    """

    question: str
    text: str
    vector: NDArray[np.float32]
    terms: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    heard: str = ""
    readings: tuple[str, ...] = ()


def mended(term: str, lexicon: Lexicon) -> str:
    """A known term one letter away from an unknown one (missing, added, changed or swapped); else the term itself."""
    if term in lexicon or len(term) < MENDABLE or not term.isalpha():
        return term
    halves = [(term[:i], term[i:]) for i in range(len(term) + 1)]
    near = {a + b[1:] for a, b in halves if b}
    near |= {a + b[1] + b[0] + b[2:] for a, b in halves if len(b) > 1}
    near |= {a + c + b[1:] for a, b in halves if b for c in _LETTERS}
    near |= {a + c + b for a, b in halves for c in _LETTERS}
    known = [word for word in near if word in lexicon and len(word) >= MENDABLE - 1 and word[0] == term[0]]
    return max(known, key=lexicon.frequency, default=term)


def content_words(question: str, lexicon: Lexicon) -> list[Wanted]:
    """The question's content words as the index knows them, each once.

    Words that the index writes together are joined ("blend shapes", "web r t c"); the parts are then not wanted.
    """
    words = raw_words(question)
    found: dict[str, Wanted] = {}
    joined_until = 0
    for place, word in enumerate(words):
        if place < joined_until:
            continue
        size = next((n for n in (4, 3, 2) if _joins(words[place : place + n], n, lexicon)), 1)
        whole = "".join(words[place : place + size]).lower()
        joined_until = place + size
        for stem in terms(whole if size > 1 else word)[:1]:
            known = mended(stem, lexicon)
            if len(known) > 1 or known in lexicon:
                written = whole if size > 1 or known == stem else known
                name = place > 0 and (word[0].isupper() or word[0].isdigit())
                found.setdefault(known, Wanted(written.lower(), known, lexicon.rarity(known), name))
    return list(found.values())


def _joins(words: list[str], size: int, lexicon: Lexicon) -> bool:
    if len(words) < size or not all(word.isalnum() for word in words):
        return False
    whole = terms("".join(words).lower())[:1]
    return bool(whole) and len(whole[0]) > 3 and whole[0] in lexicon


_ADDRESSED = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)


def addresses(question: str) -> bool:
    """True when the question is put to the persona about itself: it says "you" or "your"."""
    return bool(_ADDRESSED.search(question))


def by_name(question: str, name: str) -> str:
    """The question with the persona's name for "you": documents speak of it by name."""
    return re.sub(
        r"\b(your|yours|yourself|you)\b",
        lambda match: f"{name}'s" if match[1].lower().startswith("your") else name,
        question,
        flags=re.IGNORECASE,
    )


def needs_context(question: str) -> bool:
    """True for a question that cannot stand alone: it leans on a pronoun, continues with "and ...", or is very
    short."""
    content = terms(question)
    if len(content) <= 1 and (_PRONOUN.search(question) or _CONTINUATION.match(question)):
        return True
    return (
        bool(_PRONOUN.search(question))
        and len(content) <= 3
        or bool(re.match(r"^\s*(and|what about|how about)\b", question, re.IGNORECASE) and len(content) <= 3)
    )


class _Exchange(Protocol):
    @property
    def question(self) -> str: ...

    @property
    def answer(self) -> str: ...


class _Encoder(Protocol):
    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


def make_queries(
    questions: Sequence[str], history: Sequence[_Exchange], lexicon: Lexicon, encoder: _Encoder
) -> list[Query]:
    """Encodes the questions; one that cannot stand alone is completed with the content words of the one before it."""
    found = [_completed(question, history, lexicon) for question in questions]
    vectors = encoder.encode([query.text for query in found])
    return [replace(query, vector=vector) for query, vector in zip(found, vectors, strict=True)]


def somebody(question: str, answer: str) -> str:
    """The first name in an answer, for "he" or "she" after a question that names nobody; else nothing."""
    if any(terms(word) for word in _CAPITAL.findall(" ".join(question.split()[1:]))):
        return ""
    names = [found[0] for found in _FULL_NAME.finditer(answer) if terms(found[0].split()[0])]
    return next(iter(names), "")


def _completed(question: str, history: Sequence[_Exchange], lexicon: Lexicon) -> Query:
    own = content_words(question, lexicon)
    text, wanted, heard = question, own, ""
    if history and needs_context(question):
        earlier = history[-1].question
        if len(history) > 1 and needs_context(earlier):
            earlier = f"{history[-2].question} {earlier}"
        if _PERSON.search(question) and (name := somebody(earlier, history[-1].answer)):
            leans = _PRONOUN.search(_PERSON.sub("", question)) or not terms(question)
            earlier = f"{earlier} {name}" if leans else name
        subject = " ".join(word for word in raw_words(earlier) if terms(word))
        text = f"{subject}: {question}"
        before = [replace(w, weight=w.weight * EARLIER) for w in content_words(earlier, lexicon)]
        wanted = list({w.stem: w for w in [*before, *own]}.values())
        heard = " ".join(exchange.answer for exchange in history)
    known = tuple(w.stem for w in wanted if w.stem in lexicon)
    return Query(question, text, np.zeros(0, np.float32), known, tuple(wanted), heard)
