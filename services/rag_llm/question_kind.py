"""What kind of thing a question asks for, and whether a sentence has such a thing. Patterns over plain English."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from services.rag_llm.lexical import STOP_WORDS, raw_words

Near = Callable[[str, Sequence[str]], Sequence[float]]
"""How near one word is to each of others in meaning, 0..1."""

_I = re.IGNORECASE
_NUMERAL = (
    r"(?:\d[\d,.]*|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|"
    r"million|billion|trillion|half|quarters?|thirds?|dozens?|single|double|twice|once|both|no|several|none)"
)
_NUMBER = rf"(?:\b{_NUMERAL}(?:[ -]{_NUMERAL})*\b)"
_SPAN = (
    r"(?:(?:milli|micro|nano)?seconds?|minutes?|hours?|days?|nights?|weeks?|fortnights?|months?|years?|decades?|"
    r"centur(?:y|ies)|ms|min|h|s)"
)
_LENGTH = (
    r"\b(?:(?:milli|centi|kilo|micro)?met(?:re|er)s?|mm|cm|km|m|miles?|feet|foot|inch(?:es)?|light[- ]years?|pixels?|"
    r"acres?|hectares?|square|words?|characters?|tokens?|bits?|bytes?)\b"
)
_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december)|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
)
_CLOCK = r"\b\d{1,2}[:.]\d\d\b|\b\d{1,2} ?(?:am|pm|a\.m\.|p\.m\.|o'clock)|\b(?:noon|midnight|midday)\b"
_DATE = (
    rf"\b(?:1\d\d\d|20\d\d)s?\b|\b(?:{_MONTH})\b|\b(?:century|spring|summer|autumn|winter|sunset|sunrise|christmas|"
    r"easter|today|tomorrow|eve)\b|\bage of\b"
)
_MONEY = (
    r"[€$£¥]\s?\d|\b\d[\d,.]*\s?(?:€|euros?|dollars?|pounds|cents?|pence|p\b|usd|eur|gbp|crowns?|francs?)|"
    r"\b(?:hundred|thousand|million|billion) (?:us )?(?:euros?|dollars?|pounds|crowns?)|"
    r"\b(?:free|no (?:charge|cost|fee)|costs? nothing|without charge|non-refundable|refund\w*)\b"
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """`asked` finds the kind in a question, `had` in a sentence."""

    name: str
    asked: re.Pattern[str]
    had: re.Pattern[str]


def _kind(name: str, asked: str, had: str) -> _Kind:
    return _Kind(name, re.compile(asked, _I), re.compile(had, _I))


_KINDS: tuple[_Kind, ...] = (
    _kind(
        "money",
        r"\bhow (?:much|expensive)\b.*\b(?:costs?|pays?|paid|charged?|worth|earn|spent?|spend|fine|rent|profit|salary|"
        r"fees?|price|deposit|claim|money|fare|tickets?)\b|\bset (?:me|us|you) back\b|"
        r"\b(?:price|fee|salary|subscription|costs?|fare|rent|fine|deposit|budget|revenue|turnover|profit) "
        r"(?:of|for|per)\b|"
        r"\bhow expensive\b|\bwhat (?:does|do|did|would|will|is|was)\b.*\b(?:costs?|prices?|fees?|salary|pay)\b|"
        r"\bwhat\b.*\b(?:have|need) to pay\b|"
        r"\bwhat(?:'s| is| was| are) (?:the |your )?\w* ?(?:salary|price|budget|revenue)\b|"
        r"\bhow much (?:is|are|was|were|does|would)\b(?!.*\b(?:weigh|water|liquid|time|space|memory|power|energy|room|"
        r"longer|faster|bigger|smaller|heavier|weaker|stronger)\b)",
        _MONEY,
    ),
    _kind(
        "contact",
        r"\b(?:phone|telephone) number\b|\bwhat number\b.*\b(?:call|ring|dial|phone|reach)\b|"
        r"\b(?:e-?mail|web|website) address\b|\bwhat(?:'s| is) the (?:e-?mail|website)\b",
        r"\d[\d -]{4,}\d|\bextension \d|\bdial \d|@|\b(?:www\.|\w+\.(?:com|org|net|example)\b)| at \w+ dot ",
    ),
    _kind(
        "percentage",
        r"\bwhat (?:percentage|share|proportion|fraction)\b|\bpercent(?:age)?\b|\b(?:discount|reduction)\b",
        rf"\d\s?%|\bper ?cent\b|\b(?:half|third|quarter)\b|{_MONEY}",
    ),
    _kind(
        "age",
        r"\bhow (?:old|young)\b|\bage (?:of|limit)\b|\bminimum age\b|\bat what age\b",
        rf"\b(?:years?|months?|weeks?) (?:old|of age)\b|\bage[ds]?\b|\bborn\b|{_NUMBER} (?:years?|months?)\b|"
        r"\b(?:under|over|from|below|above) (?:the age of )?\d+\b",
    ),
    _kind(
        "colour",
        r"\b(?:what|which)(?:'s the| is the)? colou?rs?\b|\bcolou?r of\b",
        r"\b(?:black|white|gr[ea]y|red|green|blue|yellow|orange|brown|purple|violet|pink|turquoise|amber|gold(?:en)?|"
        r"silver|beige|crimson|scarlet|navy|cream|copper|bronze|maroon|transparent)\b",
    ),
    _kind(
        "warmth",
        r"\bhow (?:hot|cold|warm)\b|\btemperature\b|\b(?:boiling|melting) point\b",
        r"\b(?:degrees?|kelvin|celsius|fahrenheit)\b|°",
    ),
    _kind(
        "mass",
        r"\bhow heavy\b|\b(?:mass|weight) of\b|\bweigh(?:s|ed)?\b",
        r"\b(?:(?:kilo|milli)?grams?|kg|g|tonnes?|tons|pounds)\b",
    ),
    _kind(
        "speed",
        r"\bhow fast (?:can|may|do|does|did|is|are|was|were)\b.*\b(?:go|run|sail|drive|travel|move|fly|swim|spin|"
        r"turn)\b|\bspeed\b",
        r"\b(?:knots?|km/h|mph|(?:kilomet\w+|miles) (?:an|per) hour|met\w+ (?:a|per) second|times|"
        r"per (?:second|minute)|fps)\b|\bspeed\b.*\d",
    ),
    _kind(
        "size",
        r"\bhow (?:tall|high|deep|wide|thick|broad|far)\b|\bheight\b|\bdiameter\b|"
        r"\bdistance (?:to|of|from|between)\b",
        rf"{_NUMBER}.*{_LENGTH}|{_LENGTH}.*{_NUMBER}|\btimes\b",
    ),
    _kind(
        "frequency",
        r"\bhow (?:often|frequently|regularly)\b",
        r"\b(?:every|each|once|twice|per|always|usually|never|again|daily|weekly|monthly|yearly|annual\w*|hourly|"
        r"a (?:day|week|month|year))\b",
    ),
    _kind(
        "duration",
        r"\bhow (?:long|soon|quickly|quick|fast|late|early)\b|\bduration\b|\bfor what period\b|"
        rf"\bhow (?:many|much) (?:time|{_SPAN})\b|\bby when\b|\bhow much (?:notice|longer)\b",
        rf"{_NUMBER}[ -]?(?:\w+ )?{_SPAN}\b|\b(?:a|an|one|per|each|the same|next|previous) (?:\w+ )?{_SPAN}\b|"
        rf"\b(?:immediately|at once|permanent\w*|for ever|indefinitely|lifetime|until|overnight)\b|{_DATE}|{_CLOCK}|"
        rf"{_NUMBER} (?:characters?|{_LENGTH})",
    ),
    _kind(
        "volume",
        r"\bhow (?:much|many) (?:\w+ )?(?:liquid|water|sample|fuel|oil|(?:milli)?lit(?:re|er)s?|air|space|storage)\b|"
        r"\bcapacity\b",
        r"\b(?:milli|micro|kilo)?lit(?:re|er)s?\b|\bml\b|\bcubic\b|\bgallons?\b|\btonnes\b|\b\w*bytes?\b|[kmgt]b\b",
    ),
    _kind("count", r"\bhow (?:many|much)\b(?! (?:better|worse|more difficult))|\b(?:number|total) of\b", _NUMBER),
    _kind(
        "hour",
        r"\bwhat time\b|\bwhen (?:is|are|does|do)\b.*\b(?:open|close|start|begin|leave|depart|arrive|shut)\b",
        rf"{_CLOCK}|{_DATE}|\b\d+\b",
    ),
    _kind(
        "date",
        r"^\W*(?:\w+,? )?(?:and )?when\b|\b(?:what|which) (?:year|date|day|month|century|season|time of)\b|"
        r"\bsince when\b|\bwhen (?:was|were|did|is|will|does|do)\b|\bwhat's the date\b",
        rf"{_DATE}|{_CLOCK}|\b(?:when|before|after|during|until|every|while|as soon as|once|days?|hours?|minutes?|"
        r"weeks?)\b",
    ),
    _kind(
        "person",
        r"\b(?:who|whose|whom)(?:'s)?\b|\b(?:which|what) (?:person|scientist|researcher|"
        r"inventor|author|architect|captain|engineer|maker|builder|organisation|team|department|"
        r"group|role)s?\b",
        r"\b\w+(?:er|or|ist|ian)s?\b|\b(?:\w*(?:man|woman|men|people|person)|team|department|desk|agent|crew|staff|board|"
        r"council|company|office|committee|university|we|I|my|our)\b",
    ),
    _kind(
        "name",
        r"\bwhat\b.*\b(?:called|named)\b|\b(?:name|title) of\b|\bwhat(?:'s| is| was| were) (?:his|her|its|their|your) "
        r"names?\b|\b(?:which|what) (?:university|college|company|firm|"
        r"companies|manufacturer|king|queen|president|minister|bank|insurer|brand|supplier|agency|newspaper|band|"
        r"school|boat|ship)\b",
        r"[A-Z\"“«'‘]",
    ),
    _kind(
        "place",
        r"^\W*(?:and )?where\b|\b(?:which|what) (?:city|country|place|town|village|island|room|floor|building|port)\b|"
        r"\bwhereabouts\b",
        r"\b(?:in|at|from|on|near|inside|below|behind|under|beside|between|to|opposite|next to|outside|into) \w+",
    ),
    _kind(
        "reason",
        r"\bwhy\b|\bhow come\b|\bwhat (?:is|was|'s) the reason\b|\bwhat (?:makes|made|causes|caused|led)\b|\breason\b",
        r"\b(?:because|since|so that|therefore|due to|owing to|reasons?|as a result|in order|caused?|causes|makes?|"
        r"made|means that|for|without|so|thanks to|after|as|led|leads|to)\b",
    ),
    _kind(
        "difference",
        r"\b(?:difference|differ|differs|compared?|versus|vs)\b",
        r"\b(?:while|whereas|but|difference|differs?|unlike|than|only|both|and)\b",
    ),
)
_COUNTED = re.compile(
    r"\bhow (?:many|much) (?:of )?(?:the |these |those |our |my |your )?((?:[\w'-]+ ){0,3}?[\w'-]+?)"
    r"(?= (?:is|are|was|were|do|does|did|can|could|may|might|must|should|will|would|have|has|had|to|in|on|of|at|for|"
    r"per|from|with|aboard|work|live|came|come|took|take|belong|fit|make|made|there|it|we|you|I|they|the|an?|each)\b|"
    r"[?.,!]|$)",
    _I,
)
_COUNT = re.compile(_NUMBER, _I)
_NAME = re.compile(r"(?<!^)(?<![.!?:] )\b[A-Z][\w’'&.-]+|\b[A-Z][a-zé]+ (?:[A-Z]\.? ?)?[A-Z][\w’'-]+")
_DEFINITION = re.compile(
    r"^\W*(?:so |and )?(?:what|who)(?:'s|’s| is| are| was| were| does| do) (?:an? |"
    r"the )?([\w .’'-]{2,40}?)(?: mean| stand for)?\W*$",
    _I,
)
_COPULA = re.compile(r"\b(?:is|are|was|were|means?|stands? for|refers? to|describes?)\b", _I)
_SLIGHT = 0.6
"""What a sentence is worth that has some number where things are counted, or somebody without a name."""
_REASONED = 0.4
"""What it is worth to a question for a reason without a word for one: reasons often go without."""
UNASKED = 0.7
"""Fit of any sentence to a question that asks for no kind of thing."""


@lru_cache(maxsize=1024)
def _asked(question: str) -> _Kind | None:
    return next((kind for kind in _KINDS if kind.asked.search(question)), None)


def asks_for_difference(question: str) -> bool:
    """True for a question that sets two things against each other."""
    return any(kind.name == "difference" and kind.asked.search(question) for kind in _KINDS)


def has_asked(question: str, sentence: str, near: Near) -> float:
    """How far the sentence has the kind of thing that the question asks for, 0..1; 1 when no kind is known.

    A number counts in full beside the thing that is counted, or a word near to it.
    """
    kind = _asked(question)
    if kind is None:
        return 1.0
    if kind.name in ("person", "name"):
        return 1.0 if _new_name(question, sentence) else _SLIGHT * bool(kind.had.search(sentence))
    if not kind.had.search(sentence):
        return _REASONED if kind.name == "reason" else 0.0
    if kind.name in ("count", "volume") and (thing := _counted(question)):
        beside = _beside_numbers(sentence)
        return _SLIGHT + (1 - _SLIGHT) * max(near(thing, beside), default=0.0)
    return 1.0


def _new_name(question: str, sentence: str) -> bool:
    """True when the sentence names somebody or something that the question does not."""
    asked = {word.lower() for word in raw_words(question)}
    return any(
        word.lower() not in asked and word[0].isupper() for name in _NAME.findall(sentence) for word in raw_words(name)
    )


@lru_cache(maxsize=1024)
def _counted(question: str) -> str:
    """What "how many ..." counts: the last content word of its noun, or nothing."""
    found = _COUNTED.search(question)
    words = [word.lower() for word in raw_words(found[1])] if found else []
    return next((word for word in reversed(words) if word not in STOP_WORDS), "")


def _beside_numbers(sentence: str) -> list[str]:
    """Words at most three before or after a number."""
    found: list[str] = []
    for number in _COUNT.finditer(sentence):
        found += raw_words(sentence[: number.start()])[-3:] + raw_words(sentence[number.end() :])[:3]
    return [word.lower() for word in found]


def defines(question: str, sentence: str) -> bool:
    """True when the question is "what is ..." and the sentence says what that is."""
    definition = _DEFINITION.match(question)
    copula = _COPULA.search(sentence)
    if not definition or not copula or " of " in definition[1]:
        return False
    subject = sentence[: copula.start()].lower()
    words = re.findall(r"\w+", definition[1].lower())
    return all(word.rstrip("s") in subject for word in words) and len(subject.split()) <= len(words) + 3


def judged(question: str, sentence: str, near: Near) -> tuple[float, float]:
    """`has_asked`, and how well the sentence fits, 0..1: the same, or where no kind is known 1 for a definition that is
    asked for and UNASKED for anything else."""
    asked = has_asked(question, sentence, near)
    if _asked(question) is not None:
        return asked, asked
    return asked, 1.0 if defines(question, sentence) else UNASKED
