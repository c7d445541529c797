"""Whether one text says what another does, however it is written or spoken.

Written apart from the services' own way to say a sentence, so that a measurement does not take over their errors.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_UNIT_TABLE = """
ns=nanosecond; µs=microsecond; ms=millisecond; sec=second; min=minute; hr=hour; hz=hertz; khz=kilohertz;
mhz=megahertz; ghz=gigahertz; kb=kilobyte; mb=megabyte; gb=gigabyte; tb=terabyte; pb=petabyte; mib=mebibyte;
gib=gibibyte; kbit/s=kilobit per second; mbit/s=megabit per second; gbit/s=gigabit per second;
kbps=kilobit per second; mbps=megabit per second; gbps=gigabit per second; mb/s=megabyte per second;
gb/s=gigabyte per second; fps=frame per second; px=pixel; nm=nanometre; µm=micrometre; mm=millimetre;
cm=centimetre; m=metre; km=kilometre; mi=mile; ft=foot; cm2=square centimetre; m2=square metre;
km2=square kilometre; m3=cubic metre; km3=cubic kilometre; ha=hectare; km/h=kilometre per hour;
mph=mile per hour; m/s=metre per second; rpm=revolution per minute; bpm=beat per minute; mg=milligram; g=gram;
kg=kilogram; lb=pound; lbs=pound; oz=ounce; ml=millilitre; cl=centilitre; l=litre; w=watt; kw=kilowatt;
mw=megawatt; gw=gigawatt; wh=watt hour; kwh=kilowatt hour; mwh=megawatt hour; v=volt; kv=kilovolt; db=decibel;
hpa=hectopascal; kpa=kilopascal; °c=degree celsius; °f=degree fahrenheit; °=degree
"""
_UNITS: dict[str, str] = dict(re.findall(r"([^\s;=]+)=([^;\n]+)", _UNIT_TABLE))
_CURRENCIES = {"us$": "us dollars", "$": "dollars", "€": "euros", "£": "pounds", "¥": "yen", "₹": "rupees"}
_SCALES = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion", "tn": "trillion"}
_FRACTIONS = {"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters"}
_MONTHS: tuple[str, ...] = ("january", "february", "march", "april", "may", "june", "july", "august", "september")
_MONTHS += ("october", "november", "december")

_NUMBER = r"\d+(?:\.\d+)?"
_GROUPS = re.compile(r"(?<![\d.,])\d{1,3}(?:(?:[,'’\u00a0\u2009\u202f]\d{3})+|(?: \d{3}){2,}| 000)(?!\d)")
_NOT_DIGITS = re.compile(r"\D")
_RAISED = re.compile(r"(?<=\d)(?=[⁰¹²³⁴⁵⁶⁷⁸⁹])")
_BESIDE_FRACTION = re.compile(r"(?<=\d)(?=[½⅓⅔¼¾])")
_DATE = re.compile(r"(?<![\d-])(\d{4})-(0[1-9]|1[0-2])-(\d{2})(?![\d-])")
_FRACTION = re.compile(r"(?<![\d/.])(?:(\d+)[ -])?([123]/[234])(?![\d/])")
_MONEY = re.compile(
    rf"(us\$|[$€£¥₹])\s*({_NUMBER})(?:\s*[-–—]\s*(?:\1)?({_NUMBER}))?"
    rf"(?:[ -]?(thousand|million|billion|trillion|{'|'.join(sorted(_SCALES, key=len, reverse=True))})\b)?"
)
_WITH_UNIT = re.compile(
    rf"(?<![\w.])({_NUMBER})\s*(-?)({'|'.join(re.escape(u) for u in sorted(_UNITS, key=len, reverse=True))})(?![\w/])"
)
_SIGNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=\d)\s*%|\bper cent\b"), " percent"),
    (re.compile(r"(?<=\d)\s*(?:percent\s*)?[‐-―−-]\s*(?=\d)"), " to "),
    (re.compile(r"(?<=\d)\s*[x×]\s*(?=\d)"), " by "),
    (re.compile(r"[~≈]\s*(?=\d)"), " about "),
    (re.compile(r"±"), " plus or minus "),
    (re.compile(r"≥|>="), " at least "),
    (re.compile(r"≤|<="), " at most "),
    (re.compile(r"→|⇒|->|=>"), " to "),
    (re.compile(r"&"), " and "),
    (re.compile(r"\be\.g\."), "for example"),
    (re.compile(r"\bi\.e\."), "that is"),
    (re.compile(r"(?<=[a-z])meter(?=s?\b)|\bmeter(?=s?\b)"), "metre"),
    (re.compile(r"liter(?=s?\b)"), "litre"),
)
_APOSTROPHES = re.compile(r"['’‘ʼ`´]")
_NEITHER_WORD_NOR_POINT = re.compile(r"(?<!\d)\.|\.(?!\d)|[^\w.]|_")


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """The text's words alone, single blanks between them: no case, accents, punctuation or thousands separators; what
    stands at a number (units, currencies, ranges, ISO dates, simple fractions) as words."""
    text = _GROUPS.sub(lambda match: _NOT_DIGITS.sub("", match[0]), text)
    text = _BESIDE_FRACTION.sub(" ", _RAISED.sub(" to the ", text)).replace("…", " ").replace("µ", "μ")
    text = unicodedata.normalize("NFKD", text).casefold().replace("⁄", "/").replace("μ", "µ")
    text = "".join(c for c in text if not unicodedata.combining(c) and unicodedata.category(c) != "Cf")
    text = _DATE.sub(lambda match: f"{int(match[3])} {_MONTHS[int(match[2]) - 1]} {match[1]}", text)
    text = _FRACTION.sub(_fraction, text)
    text = _MONEY.sub(_money, text)
    text = _WITH_UNIT.sub(_unit, text)
    for sign, words in _SIGNS:
        text = sign.sub(words, text)
    return " ".join(_NEITHER_WORD_NOR_POINT.sub(" ", _APOSTROPHES.sub("", text)).split())


def holds(text: str, part: str) -> bool:
    """True when `part` is a piece of `text`, both folded; a number is not a piece of a longer number.

    False for a part without a word.
    """
    sought = folded(part)
    if not sought:
        return False
    before = r"(?<![\d.])" if sought[0].isdigit() else ""
    after = r"(?![\d]|\.\d)" if sought[-1].isdigit() else ""
    return re.search(before + re.escape(sought) + after, folded(text)) is not None


def _fraction(match: re.Match[str]) -> str:
    words = _FRACTIONS.get(match[2], match[2])
    return f"{match[1]} and {words}" if match[1] else words


def _money(match: re.Match[str]) -> str:
    sign, number, other, scale = match.groups()
    currency = _CURRENCIES[sign]
    if number == "1" and not scale:
        currency = currency.removesuffix("s")
    amount = f"{number} to {other}" if other else number
    return f" {amount} {_SCALES.get(scale, scale)} {currency} " if scale else f" {amount} {currency} "


def _unit(match: re.Match[str]) -> str:
    number, hyphen, unit = match.groups()
    words = _UNITS[unit]
    if number != "1" and not hyphen and not words.endswith("hertz"):
        first, _, rest = words.partition(" per ")
        head, _, tail = first.partition(" ") if unit.startswith("°") else (first, "", "")
        many = "feet" if head == "foot" else f"{head}s"
        words = f"{many} {tail}".strip() + (f" per {rest}" if rest else "")
    return f"{number} {words} "
