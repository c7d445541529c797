"""The language model of a persona: its sentences, its headings and likely questions about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from services.ears.language_model import BackoffModel, Source, mix
from services.ears.questions import add_questions, everyday_words, read_templates, topics
from services.ears.rescoring import family
from services.ears.spoken_form import words

SENTENCE_WEIGHT = 0.3
QUESTION_WEIGHT = 1.0
HEADING_WEIGHT = 0.3
TOPICS = 500
PRUNE = 0.5


LARGE_VOCABULARY = 1500
"""From here on, words whose family occurs only once in the sentences are left out: they mostly compete with others."""


def vocabulary(sentences: Sequence[str], headings: Sequence[str]) -> frozenset[str]:
    """The spoken words of the documents, and every word of the question templates."""
    said = [word for sentence in sentences for word in words(sentence)]
    named = {word for heading in headings for word in words(heading)} | everyday_words(read_templates())
    if len(set(said)) < LARGE_VOCABULARY:
        return frozenset(said) | named
    families = Counter(family(word) for word in said)
    return frozenset(word for word in said if families[family(word)] > 1) | named


def build(sentences: Sequence[str], headings: Sequence[str], known: frozenset[str]) -> BackoffModel:
    """A trigram model over the known words (those that have a pronunciation)."""
    spoken, asked, named = Source(known), Source(known), Source(known)
    for sentence in sentences:
        spoken.add(words(sentence))
    for heading in headings:
        named.add(words(heading))
    add_questions(asked, read_templates(), topics(sentences, headings, TOPICS))
    return mix([(spoken, SENTENCE_WEIGHT), (asked, QUESTION_WEIGHT), (named, HEADING_WEIGHT)], PRUNE)
