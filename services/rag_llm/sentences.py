"""Plain text -> sentences, and sentences -> speech."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9À-Þ])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|al|Dr|Mr|Mrs|Ms|Prof|St|No|Nos|Fig|Sec|Vol|Jr|Sr|Inc|Ltd|Co|approx|ca|U\.S|"
    r"U\.K)|\b[A-Z])\.$"
)
_UNITS = {
    "ms": "milliseconds",
    "kHz": "kilohertz",
    "Hz": "hertz",
    "MHz": "megahertz",
    "kB": "kilobytes",
    "KB": "kilobytes",
    "MB": "megabytes",
    "GB": "gigabytes",
    "TB": "terabytes",
    "fps": "frames per second",
    "kbit/s": "kilobits per second",
    "km": "kilometres",
    "kg": "kilograms",
    "°C": "degrees Celsius",
}
_NUMBER_UNIT = re.compile(rf"(?<=\d)[ \u00a0\u202f]?({'|'.join(re.escape(u) for u in _UNITS)})(?![\w/])")
_SAYABLE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"https?://(?:www\.)?([^\s/)]+)\S*"), r"\1"),
    (re.compile(r"(?<=\d)\s?[–—]\s?(?=\d)"), " to "),
    (re.compile(r"(?<=\d)\s?[x×]\s?(?=\d)"), " by "),
    (re.compile(r"[~≈]\s?(?=\d)"), "about "),
    (re.compile(r"≥\s?|>=\s?"), "at least "),
    (re.compile(r"≤\s?|<=\s?"), "at most "),
    (re.compile(r"\s(?:→|->|=>)\s"), " to "),
    (re.compile(r"\s&\s"), " and "),
    (re.compile(r"\be\.g\.,?"), "for example"),
    (re.compile(r"\bi\.e\.,?"), "that is"),
    (re.compile(r"[*_`#|<>{}\[\]\\^]+"), " "),
    (re.compile(r"\s+([,.;:!?])"), r"\1"),
    (re.compile(r"\s{2,}"), " "),
)


def split_sentences(text: str) -> list[str]:
    """Sentences of a paragraph in order, without empty ones. White space is folded to single blanks."""
    text = " ".join(text.split())
    sentences: list[str] = []
    start = 0
    for gap in _END.finditer(text):
        if _ABBREVIATION.search(text[start : gap.start()]):
            continue
        sentences.append(text[start : gap.end()].strip())
        start = gap.end()
    sentences.append(text[start:].strip())
    return [sentence for sentence in sentences if re.search(r"\w", sentence)]


def spoken(sentence: str) -> str:
    """The sentence as it is to be said: no markup, signs between numbers and units after them as words, a full stop."""
    text = _NUMBER_UNIT.sub(lambda match: f" {_UNITS[match[1]]}", sentence)
    for pattern, replacement in _SAYABLE:
        text = pattern.sub(replacement, text)
    text = text.strip()
    if text and text[-1] not in ".!?" and not re.search(r"[.!?][\"'”’)]$", text):
        text = f"{text.rstrip(',;:')}."
    return text[:1].upper() + text[1:] if re.match(r"[a-z]+(?:[\s,.]|$)", text) else text
