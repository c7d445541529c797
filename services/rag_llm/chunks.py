"""Documents -> passages that carry their place.

A reader yields blocks (a paragraph, a list item, a table row) under a heading path; `passages` joins neighbouring
blocks of one heading to passages of about `WORDS` words, never across a heading. A list stays with the sentence that
introduces it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from services.rag_llm.sentences import split_sentences, spoken, spoken_sentences

Unit = Literal["line", "page", "row", "paragraph", "section"]
"""What a kind of document counts its places in."""
Part = Literal["text", "item", "row"]
"""A paragraph, an item of a list, or a row of a table."""
WORDS = 120
"""A passage is closed before it would grow past this; MiniLM reads 256 tokens, which is about 190 words."""
SHORT_ITEM_WORDS = 12
SHORT_LIST_WORDS = 60
"""A list this short is said as one sentence: its items say nothing without what introduces them."""
HEADING_CHARACTERS = 200
TITLE_CHARACTERS = 120
"""Of the headings above a sentence, as much as an encoder is given with each."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_FINISHED = re.compile(r"[.!?…:;。！？][\"'”’)\]]*$")


@dataclass(frozen=True, slots=True)
class Block:
    """Text under one heading path. `first` and `last` say where it stands, in `unit`s counted from 1; `words` is how
    many it has; `sentences` are as they are to be spoken."""

    headings: tuple[str, ...]
    unit: Unit
    first: int
    last: int
    text: str
    sentences: tuple[str, ...]
    part: Part = "text"

    @classmethod
    def of(cls, headings: Iterable[str], unit: Unit, first: int, last: int, text: str, part: Part = "text") -> Block:
        """A block of a reader's text, with white space folded and what cannot be printed left out."""
        text = printable(text)
        return cls(tuple(headings), unit, first, last, text, spoken_sentences(text), part)

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass(frozen=True, slots=True)
class Passage:
    """What is retrieved and cited. `sentences` are as they are to be spoken."""

    document: str
    headings: tuple[str, ...]
    unit: Unit
    first: int
    last: int
    text: str
    sentences: tuple[str, ...]

    @property
    def place(self) -> str:
        """Heading path and lines (pages, rows ...), as a reader would say it."""
        one = self.first == self.last
        spot = f"{self.unit} {self.first}" if one else f"{self.unit}s {self.first} to {self.last}"
        return ", ".join([*self.headings, spot])

    @property
    def context(self) -> str:
        """What the passage stands under, for encoders that see nothing else of the document."""
        return " - ".join(self.headings) or self.document.rsplit(".", 1)[0].replace("-", " ").replace("_", " ")

    @property
    def titled(self) -> tuple[str, ...]:
        """The sentences as an encoder reads them: each under its headings, without which "He weighed 80 kilograms"
        could be said of anybody."""
        title = self.context[:TITLE_CHARACTERS]
        return tuple(f"{title}: {sentence}" for sentence in self.sentences)


class Outline:
    """The heading path while a document is read from top to bottom. Levels count from 1, the most important."""

    def __init__(self) -> None:
        self._headings: list[tuple[int, str]] = []

    def open(self, level: int, title: str) -> None:
        """A heading begins: what was open at its level and below is closed."""
        self.close(level)
        title = printable(title)[:HEADING_CHARACTERS].strip(" #¶:")
        if title and self.path[-1:] != (title,):
            self._headings.append((level, title))

    def close(self, level: int) -> None:
        self._headings = [heading for heading in self._headings if heading[0] < level]

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(title for _, title in self._headings)


def printable(text: str) -> str:
    """The text with white space folded to single blanks, without control characters and broken surrogates."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def passages(document: str, blocks: Iterable[Block], words: int = WORDS) -> list[Passage]:
    """Joins and cuts blocks to passages of about `words` words. A single longer sentence stays whole.

    Where a list is too long for one passage, the text of each begins with the sentence that introduces it.
    """
    result: list[Passage] = []
    group: list[Block] = []
    for cluster in _clusters(blocks):
        introduced = len(cluster) > 1 and cluster[0].part == "text" and cluster[0].words <= words // 2
        if _words(cluster) <= words:
            pieces = [cluster]
        elif introduced:
            result += _passages_of(document, group)
            group = []
            result += _introduced(document, cluster, words)
            continue
        else:
            pieces = [[piece] for block in cluster for piece in _cut(block, words)]
        for piece in pieces:
            if group and (piece[0].headings != group[0].headings or _words(group) + _words(piece) > words):
                result += _passages_of(document, group)
                group = []
            group += piece
    result += _passages_of(document, group)
    return [passage for passage in result if passage.sentences]


def _words(blocks: Iterable[Block]) -> int:
    return sum(block.words for block in blocks)


def _introduced(document: str, cluster: list[Block], words: int) -> Iterator[Passage]:
    """Passages of a long list; its introduction is the first one's beginning and repeated in the others' text."""
    introduction, *items = cluster
    lead = split_sentences(introduction.text)[-1]
    group = [introduction]
    for piece in (piece for item in items for piece in _cut(item, words - introduction.words)):
        if _words(group) + piece.words + (group[0] is not introduction) * len(lead.split()) > words:
            yield from _passages_of(document, group, "" if group[0] is introduction else lead)
            group = []
        group.append(piece)
    yield from _passages_of(document, group, "" if group[0] is introduction else lead)


def _clusters(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Blocks that belong together: a list (or table) and what introduces it; any other block alone."""
    cluster: list[Block] = []
    heading_is_new = True
    for block in blocks:
        last = cluster[-1] if cluster else None
        same = last is not None and last.headings == block.headings
        introduces = last is not None and last.part == "text" and last.text.endswith(":")
        if last is not None and not (same and block.part != "text" and (introduces or last.part == block.part)):
            yield _as_sentence(cluster, heading_is_new)
            cluster = []
            heading_is_new = not same
        cluster.append(block)
    if cluster:
        yield _as_sentence(cluster, heading_is_new)


def _as_sentence(cluster: list[Block], heading_is_new: bool) -> list[Block]:
    """A short list as one block with one sentence, "These are needed: flour, eggs and milk"; others as they are."""
    first, last = cluster[0], cluster[-1]
    items = [block.text.rstrip(" .;,") for block in cluster if block.part == "item"]
    introduced = first.part == "text"
    if introduced:
        before, lead = split_sentences(first.text)[:-1], split_sentences(first.text)[-1:]
    else:
        before, lead = [], [f"{first.headings[-1]}:"] if heading_is_new and first.headings else []
    fragments = all(
        len(block.sentences) == 1
        and block.words <= SHORT_ITEM_WORDS
        and not re.search(r"[.!?:]$|: | [–—-] ", block.text)
        for block in cluster[introduced:]
    )
    if len(items) < 2 or len(items) != len(cluster) - introduced or not fragments or not lead:
        return cluster
    if sum(len(text.split()) for text in [*lead, *items]) > SHORT_LIST_WORDS:
        return cluster
    gap = "; " if any("," in item for item in items) else ", "
    ending = " " if re.match(r"(?:and|or)\b", items[-1]) else " and "
    sentence = f"{lead[0]} {gap.join(items[:-1])}{gap.rstrip() if gap == '; ' else ''}{ending}{items[-1]}."
    text = " ".join([*before, sentence])
    said = (*(spoken(one) for one in before), spoken(sentence))
    return [replace(first, last=last.last, text=text, sentences=said, part="text")]


def _cut(block: Block, words: int) -> Iterator[Block]:
    if block.words <= words:
        yield block
        return
    written = split_sentences(block.text)
    if len(written) != len(block.sentences):
        written = list(block.sentences)
    part: list[int] = []
    for number in range(len(written)):
        if part and sum(len(written[n].split()) for n in [*part, number]) > words:
            yield _part(block, written, part)
            part = []
        part.append(number)
    if part:
        yield _part(block, written, part)


def _part(block: Block, written: list[str], numbers: list[int]) -> Block:
    text = " ".join(written[n] for n in numbers)
    return replace(block, text=text, sentences=tuple(block.sentences[n] for n in numbers))


def _passages_of(document: str, group: list[Block], lead: str = "") -> Iterator[Passage]:
    """The group as one passage; nothing for an empty one."""
    if not group:
        return
    texts = [block.text if _FINISHED.search(block.text) else f"{block.text}." for block in group]
    yield Passage(
        document=document,
        headings=group[0].headings,
        unit=group[0].unit,
        first=group[0].first,
        last=group[-1].last,
        text=" ".join([lead, *texts] if lead else texts),
        sentences=tuple(sentence for block in group for sentence in block.sentences),
    )
