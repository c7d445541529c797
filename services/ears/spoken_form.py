"""Written text to the words a speaker says, lower case: `H.264 at 25 fps` -> h two six four at twenty five f p s."""

from __future__ import annotations

import re
import unicodedata

_UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ((1_000_000_000, "billion"), (1_000_000, "million"), (1000, "thousand"))

_TOKEN = re.compile(
    r"""\d{1,3}(?:,\d{3})+(?:\.\d+)?     # 680,000
      | \d+\.\d+(?:\.\d+)*               # 2.5, 3.11, 2.0.1
      | [A-Za-z]+\d[A-Za-z0-9]*          # wav2vec, C2PA, VP8
      | \d+[A-Za-z]+                     # 3D
      | \d+
      | [^\W\d_]+(?:['\u2019][^\W\d_]+)* # words, contractions
      | %""",
    re.VERBOSE,
)
_SIGNS = {"%": ["percent"]}


def number_words(number: int) -> list[str]:
    """A non-negative integer below 10^12 in English words; larger ones digit by digit."""
    if number >= 10**12:
        return [_UNITS[int(digit)] for digit in str(number)]
    if number < 20:
        return [_UNITS[number]]
    if number < 100:
        rest = number % 10
        return [_TENS[number // 10]] + ([_UNITS[rest]] if rest else [])
    if number < 1000:
        rest = number % 100
        return [_UNITS[number // 100], "hundred", *(["and", *number_words(rest)] if rest else [])]
    for scale, name in _SCALES:
        if number >= scale:
            rest = number % scale
            return [*number_words(number // scale), name, *(number_words(rest) if rest else [])]
    raise AssertionError("unreachable")


def year_words(year: int) -> list[str]:
    """1100..2099 as a year is said: 1984 -> nineteen eighty four, 2007 -> two thousand seven."""
    high, low = divmod(year, 100)
    if 2000 <= year < 2010:
        return ["two", "thousand", *([_UNITS[low]] if low else [])]
    if low == 0:
        return [*number_words(high), "hundred"]
    if low < 10:
        return [*number_words(high), "o", _UNITS[low]]
    return [*number_words(high), *number_words(low)]


def _digits(text: str) -> list[str]:
    return [_UNITS[int(digit)] for digit in text]


def _spoken(token: str) -> list[str]:
    if token in _SIGNS:
        return _SIGNS[token]
    if "," in token:
        token = token.replace(",", "")
    if token.isdigit():
        value = int(token)
        return year_words(value) if len(token) == 4 and 1100 <= value < 2100 else number_words(value)
    if token[0].isdigit() and "." in token:
        whole, *parts = token.split(".")
        said = number_words(int(whole))
        for part in parts:
            said += ["point", *_digits(part)]
        return said
    if token[0].isdigit():
        digits = re.match(r"\d+", token)
        assert digits is not None
        return [*number_words(int(digits.group())), token[digits.end() :].lower()]
    return [token.lower().replace("\u2019", "'")]


def plain(text: str) -> str:
    """Accents removed (the pronunciation dictionary knows none), so that `Lainé` is looked up as `Laine`."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def words(text: str) -> list[str]:
    """Words in speaking order, lower case, digits and signs spelled out, punctuation dropped."""
    return [word for token in _TOKEN.findall(plain(text)) for word in _spoken(token)]


def written_forms(texts: list[str]) -> dict[str, str]:
    """Lower-case word -> how the documents write it inside a sentence: webrtc -> WebRTC, iris -> Iris, the -> the.

    The first token of a text is left out, as its capital means nothing. The most frequent form wins; words that occur
    only at the start of texts keep lower case unless they carry a capital or digit after their first letter.
    """
    counts: dict[str, dict[str, int]] = {}
    for text in texts:
        for place, token in enumerate(t for t in _TOKEN.findall(plain(text)) if not t[0].isdigit() and t != "%"):
            inner = token[1:] != token[1:].lower() or any(c.isdigit() for c in token)
            if place == 0 and not inner:
                continue
            forms = counts.setdefault(token.lower().replace("\u2019", "'"), {})
            forms[token] = forms.get(token, 0) + 1
    return {word: max(forms, key=lambda form: (forms[form], form)) for word, forms in counts.items()}
