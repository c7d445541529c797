"""What the documents are about, in their own titles, as a persona says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from services.rag_llm import injection
from services.rag_llm.chunks import Passage
from services.rag_llm.sentences import spoken

MOST = 6
"""Titles that one can listen to in a sentence."""
LOOKED_AT = 500
"""Passages that are looked at, evenly spread, for their headings: 5 ms, since each is read from disk."""
LONGEST = 80
"""Characters of a title; a longer one is no title."""


def titles(passages: Sequence[Passage]) -> list[str]:
    """At most six titles: of the documents with most passages, in the documents' order; of a single document, its
    main sections."""
    sizes: Counter[str] = Counter()
    of_document: dict[str, str] = {}
    sections: Counter[str] = Counter()
    for number in range(0, len(passages), max(1, len(passages) // LOOKED_AT)):
        passage = passages[number]
        sizes[passage.document] += 1
        of_document.setdefault(passage.document, passage.headings[0] if passage.headings else _stem(passage.document))
        sections.update(passage.headings[1:2])
    if len(of_document) == 1 and sections:
        return _speakable(sections)
    largest = {document for document, _ in sizes.most_common(MOST)}
    return _speakable([title for document, title in of_document.items() if document in largest])


def sentence(found: Sequence[str]) -> str:
    """The titles as a sentence."""
    return f"My documents are about these things, among others: {listed(found)}."


def listed(found: Sequence[str]) -> str:
    """As in: A, B and C; with semicolons where a title has a comma of its own."""
    if len(found) < 2:
        return "".join(found)
    apart = "; " if any("," in title for title in found) else ", "
    last = "; and " if apart == "; " else " and "
    return f"{apart.join(found[:-1])}{last}{found[-1]}"


def _stem(document: str) -> str:
    return document.rsplit("/", 1)[-1].rsplit(".", 1)[0].replace("-", " ").replace("_", " ").strip()


def _speakable(found: Counter[str] | Sequence[str]) -> list[str]:
    kept = [spoken(title).rstrip(".") for title in found if len(title) <= LONGEST and not injection.planted(title)]
    return list(dict.fromkeys(filter(None, kept)))[:MOST]
