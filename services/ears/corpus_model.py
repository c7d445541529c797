"""The language model of a persona: its sentences, its headings and likely questions about them."""

from __future__ import annotations

from collections.abc import Sequence

from services.ears.language_model import BackoffModel, Source, mix
from services.ears.questions import add_questions, everyday_words, read_templates, topics
from services.ears.spoken_form import words

SENTENCE_WEIGHT = 1.0
QUESTION_WEIGHT = 1.0
HEADING_WEIGHT = 0.3
TOPICS = 500
PRUNE = 0.5


def vocabulary(texts: Sequence[str]) -> frozenset[str]:
    """Every spoken word of the texts and of the question templates."""
    return frozenset(word for text in texts for word in words(text)) | everyday_words(read_templates())


def build(sentences: Sequence[str], headings: Sequence[str], known: frozenset[str]) -> BackoffModel:
    """A trigram model over the known words (those that have a pronunciation)."""
    spoken, asked, named = Source(known), Source(known), Source(known)
    for sentence in sentences:
        spoken.add(words(sentence))
    for heading in headings:
        named.add(words(heading))
    add_questions(asked, read_templates(), topics(sentences, headings, TOPICS))
    return mix([(spoken, SENTENCE_WEIGHT), (asked, QUESTION_WEIGHT), (named, HEADING_WEIGHT)], PRUNE)
