"""Plain text -> sentences, and sentences -> speech."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from services.rag_llm import measures

MOST_WORDS = 100
MOST_CHARACTERS = 1_000
"""What is longer than this between two full stops is no sentence (a table, a log, a list) and is cut."""

_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[¿¡]?[A-Z0-9À-ÞΑ-ΩА-Я])|(?<=[。！？])\s*")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|al|Dr|Mr|Mrs|Ms|Prof|St|No|Nos|Figs?|Eq|Sec|Vol|Ch|pp?|Jr|Sr|Inc|Ltd|Co|Corp|"
    r"approx|ca|est|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Gov|Sen|Rep|Mt|Ave|Blvd|U\.S|U\.K|Ph\.D|a\.m|p\.m|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)|\b[A-Z])\.$"
)
_MAY_END = re.compile(r"(?:etc|al|No|Jr|Sr|Inc|Ltd|Co|Corp|U\.S|U\.K|Ph\.D|a\.m|p\.m|\b[A-Z])\.$")
_OPENER = re.compile(
    r"(?:The|An|It|He|She|They|We|You|In|On|At|For|From|This|These|That|Those|Its|His|Her|Their|Our|There|When|While|"
    r"After|Before|But|And|If|As|Each|Every|All|Most|Some|Both|What|Who|How)\b"
)
_PAUSE = re.compile(r"[;:,–—]\s+")

_URL = re.compile(r"<?\b(?:https?|ftp)://\S+|(?<![\w@./])www\.\S+")
_CLOSING = ".,;:!?)]>}\"'”’"
_GONE = {ord(c): None for c in "\u00ad\u200b\u200c\u200d\u2060\ufeff"}
_LIGATURES = {
    ord(sign): letters for sign, letters in zip("ﬀﬁﬂﬃﬄﬅﬆ", ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True)
}
_MARKS = {ord(c): " yes " for c in "✓✔✅☑"} | {ord(c): " no " for c in "✗✘❌"}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "01234567890123456789")
_DIGIT = re.compile(r"\d")
_SILENT = {"Cc", "Cf", "Co", "Cn", "Cs", "So", "Sk"}
_Rule = tuple[str, re.Pattern[str], str]
"""What a text must hold for the rule to be tried (most hold nothing of the kind), pattern, replacement."""
_RAISED_AND_SIGNS: tuple[_Rule, ...] = (
    ("", re.compile(r"(?:(?<=[^\W\d_]{3})|(?<=[.,;:!?)]))[⁰¹²³⁴⁵⁶⁷⁸⁹]+(?!\w)"), ""),
    ("", re.compile(r"(?<=\d)⁻(?=[⁰¹²³⁴⁵⁶⁷⁸⁹])"), " to the minus "),
    ("", re.compile(r"(?<=\d)(?=[⁰¹²³⁴⁵⁶⁷⁸⁹])"), " to the "),
    ("№", re.compile(r"№\s?(?=\d)"), "number "),
    ("§", re.compile(r"§+\s?(?=\d)"), "section "),
)
_RELATIONS: tuple[_Rule, ...] = (
    ("≥", re.compile(r"≥\s?"), "at least "),
    ("≤", re.compile(r"≤\s?"), "at most "),
    ("≠", re.compile(r"\s≠\s"), " is not "),
    ("→", re.compile(r"\s→\s"), " to "),
    ("⇒", re.compile(r"\s⇒\s"), " to "),
)
_REFERENCES: tuple[_Rule, ...] = (
    (
        "[",
        re.compile(
            r"\s?\[(?:\d{1,3}(?:\s?[,;–-]\s?\d{1,3})*|[a-z]|(?:note|nb|fn)\.? ?\d+|citation needed|edit|sic|…|[.]+)\]",
            re.IGNORECASE,
        ),
        "",
    ),
    ("mailto:", re.compile(r"\bmailto:"), ""),
    ("10.", re.compile(r"\bdoi:\s?10\.\S+", re.IGNORECASE), ""),
    ("", re.compile(r"^[•▪◦‣●○■□·–—*+-]+\s+"), ""),
)
_BEFORE_NUMBERS: tuple[_Rule, ...] = (
    ("pp.", re.compile(r"\bpp\.\s?(?=\d)"), "pages "),
    ("p.", re.compile(r"\bp\.\s?(?=\d)"), "page "),
    ("os.", re.compile(r"\b[Nn]os\.\s?(?=\d)"), "numbers "),
    ("o.", re.compile(r"\b[Nn]o\.\s?(?=\d)"), "number "),
    ("Fig", re.compile(r"\bFigs?\.\s?(?=\d)"), "figure "),
    ("Sec.", re.compile(r"\bSec\.\s?(?=\d)"), "section "),
    ("Ch.", re.compile(r"\bCh\.\s?(?=\d)"), "chapter "),
    ("Vol.", re.compile(r"\bVol\.\s?(?=\d)"), "volume "),
    ("c", re.compile(r"(?<![\w.])ca?\.\s?(?=\d)"), "about "),
)
_WORDS: tuple[_Rule, ...] = (
    ("approx.", re.compile(r"\bapprox\."), "approximately"),
    ("vs", re.compile(r"\bvs\.?(?=\s)"), "versus"),
    ("cf.", re.compile(r"\bcf\.(?=\s)"), "compare"),
    ("etc.", re.compile(r",?\s\betc\.(?=\s*$)"), " and so on."),
    ("etc.", re.compile(r",?\s\betc\."), " and so on"),
    ("and/or", re.compile(r"\band/or\b"), "or"),
    ("/", re.compile(r"\b(he|she|his|her|him)/(she|he|her|his)\b", re.IGNORECASE), r"\1 or \2"),
    ("->", re.compile(r"\s->\s"), " to "),
    ("=>", re.compile(r"\s=>\s"), " to "),
    (">=", re.compile(r">=\s?"), "at least "),
    ("<=", re.compile(r"<=\s?"), "at most "),
    ("&", re.compile(r"\s&\s"), " and "),
    ("e.g.", re.compile(r"\be\.g\.,?"), "for example"),
    ("i.e.", re.compile(r"\bi\.e\.,?"), "that is"),
    ("#", re.compile(r"(?<!\w)#+"), " "),
    ("", re.compile(r"[*_`|<>{}\[\]\\^~]+"), " "),
    ("(", re.compile(r"\(\s*(?:see(?: also)?)?\s*[,;]?\s*\)"), " "),
    ("", re.compile(r"\s+([,.;:!?])(?![\w.])"), r"\1"),
    ("", re.compile(r"([,;:])(?:\s*[,;:])+"), r"\1"),
)


def split_sentences(text: str) -> list[str]:
    """Sentences of a paragraph in order, without empty ones. White space is folded to single blanks."""
    text = " ".join(text.split())
    sentences: list[str] = []
    start = 0
    for gap in _END.finditer(text):
        if _goes_on(text[max(start, gap.start() - 12) : gap.start()], text[gap.end() : gap.end() + 12]):
            continue
        sentences += _cut(text[start : gap.end()].strip())
        start = gap.end()
    sentences += _cut(text[start:].strip())
    return [sentence for sentence in sentences if re.search(r"\w", sentence)]


def spoken_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a paragraph as they are to be said, without those of which nothing is left."""
    said = (spoken(sentence) for sentence in split_sentences(text))
    return tuple(sentence for sentence in said if re.search(r"\w", sentence))


def _goes_on(before: str, after: str) -> bool:
    """Whether the full stop at the end of `before` belongs to an abbreviation inside the sentence."""
    if not _ABBREVIATION.search(before):
        return False
    return not (_MAY_END.search(before) and _OPENER.match(after))


def _cut(sentence: str) -> Iterator[str]:
    """The sentence, or pieces of one that nobody could say in one breath, cut at pauses."""
    start = 0
    while len(sentence) - start > MOST_CHARACTERS or sentence.count(" ", start) >= MOST_WORDS:
        head = " ".join(sentence[start : start + MOST_CHARACTERS].split(" ")[:MOST_WORDS])
        pauses = [pause.end() for pause in _PAUSE.finditer(head)]
        length = pauses[-1] if pauses and pauses[-1] > len(head) // 2 else head.rfind(" ") + 1
        length = length if length > len(head) // 4 else len(head)
        yield sentence[start : start + length].strip()
        start += length
    yield sentence[start:].strip()


def _host(match: re.Match[str]) -> str:
    """A web address as one says it: the site alone."""
    address = match[0].lstrip("<")
    rest = address[len(address.rstrip(_CLOSING)) :]
    host = re.split(r"[/?#:]", re.sub(r"^\w+://", "", address[: len(address) - len(rest)]), maxsplit=1)[0]
    return host.removeprefix("www.").rpartition("@")[2] + rest.replace(">", "")


def _replaced(text: str, rules: tuple[_Rule, ...]) -> str:
    for hint, pattern, replacement in rules:
        if hint in text:
            text = pattern.sub(replacement, text)
    return text


def spoken(sentence: str) -> str:
    """The sentence as it is to be said: no markup, cross references or pictographs, signs between numbers and units
    after them as words, a full stop."""
    text = " ".join(sentence.split())
    beyond_ascii = not text.isascii()
    if beyond_ascii:
        text = text.translate(_GONE).translate(_LIGATURES).translate(_MARKS)
    if "://" in text or "www." in text:
        text = _URL.sub(_host, text)
    text = _replaced(text, _REFERENCES)
    if beyond_ascii:
        text = _replaced(text, _RAISED_AND_SIGNS)
    if _DIGIT.search(text):
        text = measures.said(_replaced(text, _BEFORE_NUMBERS))
    if beyond_ascii:
        text = _replaced(text, _RELATIONS)
    text = _replaced(text, _WORDS)
    if beyond_ascii:
        text = "".join(" " if unicodedata.category(c) in _SILENT else c for c in text.translate(_RAISED))
    text = " ".join(text.split())
    if text and text[-1] not in ".!?…。！？" and not re.search(r"[.!?…][\"'”’)]+$", text):
        text = f"{text.rstrip(' ,;:–—-')}."
    return text[:1].upper() + text[1:] if re.match(r"[a-z]+(?:[\s,.:;]|$)", text) else text
