"""The words of a persona's documents, for whoever builds a language model of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.rag_llm.listing import Listing
from services.rag_llm.store import DocumentStore

MOST_SENTENCES = 200_000
"""Later sentences of a large corpus are left out: a recogniser's vocabulary does not grow with them any more, but its
memory does."""
MOST_HEADINGS = 50_000
BATCH = 500
"""Sentences in one piece."""


@dataclass(frozen=True)
class Vocabulary:
    """A piece: at most BATCH sentences, and headings that no earlier piece held."""

    version: str
    headings: tuple[str, ...]
    sentences: tuple[str, ...]


def pieces(store: DocumentStore, listing: Listing) -> Iterator[Vocabulary]:
    """Sentences and headings in the order of the documents, at least one piece. Blocks while it reads a document.

    A document that has left the store meanwhile is passed over.
    """
    headings: dict[str, None] = {}
    new: list[str] = []
    sentences: list[str] = []
    given = 0
    for entry in listing.entries:
        kept = store.kept(entry.key, entry.name)
        for passage in kept.passages if kept else ():
            for heading in passage.headings:
                if heading not in headings and len(headings) < MOST_HEADINGS:
                    headings[heading] = None
                    new.append(heading)
            sentences += passage.sentences
        sentences = sentences[: MOST_SENTENCES - given]
        while len(sentences) >= BATCH:
            yield Vocabulary(listing.version, tuple(new), tuple(sentences[:BATCH]))
            given += BATCH
            new, sentences = [], sentences[BATCH:]
        if given + len(sentences) >= MOST_SENTENCES:
            break
    if sentences or new or not given:
        yield Vocabulary(listing.version, tuple(new), tuple(sentences))
