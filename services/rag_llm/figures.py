"""Numbers in English, in digits or words, and what they count ("13 to 15 milliseconds", "a hundred"). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose

_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth")
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_VALUES = (
    {word: float(value) for value, word in enumerate((*_SMALL, *_TEENS))}
    | {word: float(10 * tens) for tens, word in enumerate(_TENS, start=2)}
    | {word: float(value) for value, word in enumerate(_ORDINALS, start=3)}
    | {f"{word}th": float(value) for value, word in enumerate(_TEENS, start=13)}
    | {"half": 0.5, "twice": 2.0, "dozen": 12.0, "twentieth": 20.0}
)
_METRIC = {"milli": 1e-3, "micro": 1e-6, "nano": 1e-9, "centi": 1e-2, "kilo": 1e3, "mega": 1e6, "giga": 1e9}
_PLAIN_UNITS = {
    "second": ("second", 1.0),
    "minute": ("second", 60.0),
    "hour": ("second", 3600.0),
    "day": ("day", 1.0),
    "week": ("day", 7.0),
    "month": ("month", 1.0),
    "year": ("month", 12.0),
    "decade": ("month", 120.0),
    "century": ("century", 1.0),
    "centuries": ("century", 1.0),
    "byte": ("byte", 1.0),
    "bit": ("bit", 1.0),
    "hertz": ("hertz", 1.0),
    "metre": ("metre", 1.0),
    "meter": ("metre", 1.0),
    "gram": ("gram", 1.0),
    "watt": ("watt", 1.0),
    "volt": ("volt", 1.0),
    "mile": ("mile", 1.0),
    "inch": ("inch", 1.0),
    "inches": ("inch", 1.0),
    "foot": ("foot", 1.0),
    "feet": ("foot", 1.0),
    "percent": ("percent", 1.0),
    "%": ("percent", 1.0),
    "dollar": ("dollar", 1.0),
    "euro": ("euro", 1.0),
    "pound": ("pound", 1.0),
    "degree": ("degree", 1.0),
    "pixel": ("pixel", 1.0),
}
_LINKS = frozenset(("to", "by", "and", "or", "-"))


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of something. `unit` is "" when none is written that this module knows."""

    value: float
    unit: str

    def within(self, others: frozenset[Figure]) -> bool:
        """Whether one of the others says the same; a figure without a unit agrees with any unit."""
        return any(
            isclose(self.value, o.value, rel_tol=1e-6) and (not self.unit or o.unit in ("", self.unit)) for o in others
        )


def read(words: Sequence[str]) -> tuple[frozenset[Figure], frozenset[int]]:
    """The figures in a sentence's words, and the places of the words that make them up. Words as written; a number in
    digits is one word, with its commas and points."""
    spans = list(_numbers([word.lower() for word in words]))
    units = [_unit(words[end].lower()) if end < len(words) else None for _, _, end in spans]
    for k in range(len(spans) - 2, -1, -1):
        end = spans[k][2]
        if units[k] is None and end < len(words) and words[end].lower() in _LINKS and spans[k + 1][1] == end + 1:
            units[k] = units[k + 1]
    found = []
    for (value, _, _), unit in zip(spans, units, strict=True):
        name, factor = unit or ("", 1.0)
        found.append(Figure(value * factor, name))
    ends = [end + (units[k] is not None) for k, (_, _, end) in enumerate(spans)]
    return frozenset(found), frozenset(
        p for (_, start, _), end in zip(spans, ends, strict=True) for p in range(start, end)
    )


def _numbers(words: list[str]) -> Iterator[tuple[float, int, int]]:
    """Value, first place and the place after the last, of each number in digits or words."""
    place = 0
    while place < len(words):
        total, group, end, seen = 0.0, 0.0, place, False
        while end < len(words):
            value = _value(words[end], words[end + 1] if end + 1 < len(words) else "")
            if value is not None and not (seen and words[end][0].isdigit()):
                group += value
            elif words[end] in _SCALES and (seen or (end > 0 and words[end - 1] in ("a", "one"))):
                scale = _SCALES[words[end]]
                group = max(group, 1.0) * scale
                if scale > 100:
                    total, group = total + group, 0.0
            else:
                break
            seen, end = True, end + 1
        if seen:
            yield total + group, place, end
        place = max(end, place + 1)


def _value(word: str, after: str) -> float | None:
    if word == "one":
        return 1.0 if after in _SCALES else None
    if word in _VALUES:
        return _VALUES[word]
    tens, hyphen, rest = word.partition("-")
    if hyphen:
        return _VALUES[tens] + _VALUES[rest] if tens in _TENS and rest in _SMALL else None
    if word[0].isdigit():
        digits = re.sub(r"(?:st|nd|rd|th)$", "", word)
        digits = digits.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits) else digits
        try:
            return float(digits.replace(",", "."))
        except ValueError:
            return None
    return None


def _unit(word: str) -> tuple[str, float] | None:
    for known in (word, word.removesuffix("s")):
        if known in _PLAIN_UNITS:
            return _PLAIN_UNITS[known]
        for prefix, factor in _METRIC.items():
            rest = known.removeprefix(prefix)
            if rest != known and rest in _PLAIN_UNITS:
                name, own = _PLAIN_UNITS[rest]
                return name, own * factor
    return None
