"""What kind of thing a question asks for, and whether a sentence has such a thing. Patterns over plain English."""

from __future__ import annotations

import re
from collections.abc import Iterable

_I = re.IGNORECASE
_COUNT = (
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|half|hundred|"
    r"thousand|million|"
    r"billion|trillion|percent|single|double|twice|dozens?|several)\b"
)
_TIME = r"\b(?:milli|micro)?seconds?\b|\b(?:minutes?|hours?|days?|weeks?|months?|years?|centur(?:y|ies))\b"
_LENGTH = (
    r"\b(?:milli|centi|kilo)?met(?:re|er)s?\b|\b(?:miles?|feet|inch(?:es)?|light years?|pixels?|bytes?|"
    r"tokens?|words?|away|distance)\b"
)
_DATE = (
    r"\b(?:1\d{3}|20\d\d)s?\b|\b(?:january|february|march|april|june|july|august|september|october|november|"
    r"december|century|"
    r"spring|summer|autumn|winter|sunset|sunrise|today|tomorrow|morning|evening)\b"
)
_WHEN = rf"{_DATE}|\b(?:when|before|after|during|until|around|as soon as|every|while)\b"
_NAME = (
    r"(?<=[\w,] )[A-Z][a-zé]+ (?:[A-Z]\. ?)?[A-Z][\w’'-]+|^[A-Z][a-z]+ (?:[A-Z][\w’'-]+ )+|\b(?:by|of|from|"
    r"at) [A-Z]\w+|^I am "
)
_KINDS: tuple[tuple[str, str, str], ...] = (
    (
        "money",
        r"\bhow (?:much|expensive)\b.*\b(?:costs?|pay|charge|worth|earn)\b|\b(?:price|fee|salary|subscription|"
        r"costs?) of\b|\bhow expensive\b|"
        r"\bwhat (?:does|do|did|would|will)\b.*\bcosts?\b|\b(?:salary|price)\b",
        r"[€$£]|\b(?:euros?|dollars?|pounds|cents?|price|fees?|free|paid|expensive|cheap(?:er)?|royalt\w+)\b",
    ),
    ("distance", r"\bhow far\b|\bdistance (?:to|of|from)\b", _LENGTH),
    ("size", r"\bhow (?:tall|high|deep|wide|thick|large|big|small)\b", _COUNT),
    ("age", r"\bhow old\b|\bage of\b", r"\byears? old\b|\bage\b|\baged\b|\bborn\b|\bbillion years\b"),
    (
        "warmth",
        r"\bhow (?:hot|cold|warm)\b|\btemperature\b|\bboiling point\b",
        r"\b(?:degrees?|kelvin|celsius|temperature|hot|cold)\b",
    ),
    (
        "mass",
        r"\bhow heavy\b|\bmass of\b|\bweigh\b|\bweight of\b",
        r"\b(?:kilo)?grams?\b|\b(?:tonnes?|mass|weigh\w*|pounds)\b",
    ),
    ("often", r"\bhow (?:often|frequently)\b", rf"{_COUNT}|\b(?:every|each|once|per|always|usually|never|again)\b"),
    (
        "long",
        r"\bhow (?:long|fast|quick|quickly|soon|slow)\b|\bduration\b",
        rf"(?:{_TIME}|{_LENGTH}).*|\b(?:at once|times|frames|speed|fast\w*|quick\w*|immediately)\b",
    ),
    ("many", r"\bhow (?:many|much)\b(?! (?:better|worse|more difficult))", _COUNT),
    ("when", r"^\W*(?:and )?when\b|\b(?:what|which) (?:year|date|day|month|century)\b|\bsince when\b", _WHEN),
    (
        "who",
        r"\b(?:who|whose|whom)\b|\b(?:which|what) (?:person|company|companies|scientist|researcher|inventor|"
        r"author)s?\b",
        _NAME,
    ),
    (
        "where",
        r"^\W*(?:and )?where\b|\b(?:which|what) (?:city|country|place)\b",
        r"\b(?:in|at|from|on|near|inside|below|behind|under|beside|between) \w+",
    ),
    (
        "why",
        r"\bwhy\b|\bhow come\b|\bwhat (?:is|was) the reason\b|\bwhat (?:makes|causes|caused)\b",
        r"\b(?:because|since|so that|therefore|due to|reasons?|as a result|in order|caused?|causes|makes?|"
        r"means that|for|without|so)\b",
    ),
    (
        "difference",
        r"\b(?:difference|differ|differs|compared?|versus|vs)\b",
        r"\b(?:while|whereas|but|difference|differs?|unlike|than|only|both|and)\b",
    ),
)
_MEASURES = frozenset(("money", "distance", "age", "warmth", "mass"))
_COMPILED = tuple(
    (name, re.compile(asked, _I), re.compile(had, 0 if name == "who" else _I)) for name, asked, had in _KINDS
)
_DEFINITION = re.compile(
    r"^\W*(?:so |and )?(?:what|who)(?:'s|’s| is| are| was| were| does| do) (?:an? |"
    r"the )?([\w .’'-]{2,40}?)(?: mean| stand for)?\W*$",
    _I,
)
_COPULA = re.compile(r"\b(?:is|are|was|were|means?|stands? for|refers? to|describes?)\b", _I)


def asks_for_difference(question: str) -> bool:
    """True for a question that sets two things against each other."""
    return any(name == "difference" and asked.search(question) for name, asked, _ in _COMPILED)


def lacks(question: str, sentences: Iterable[str]) -> bool:
    """True when the question asks for a price, a distance, an age, a temperature or a mass, and no sentence has one."""
    for name, asked, had in _COMPILED:
        if asked.search(question):
            return name in _MEASURES and not any(had.search(sentence) for sentence in sentences)
    return False


def fit(question: str, sentence: str) -> float:
    """1 when the sentence has the kind of thing the question asks for, 0 when it lacks it, 0.5 when no kind is
    known."""
    for _, asked, had in _COMPILED:
        if asked.search(question):
            return 1.0 if had.search(sentence) else 0.0
    definition = _DEFINITION.match(question)
    if definition and " of " not in definition[1]:
        copula = _COPULA.search(sentence)
        subject = sentence[: copula.start()].lower() if copula else ""
        words = re.findall(r"\w+", definition[1].lower())
        found = bool(words) and all(word.rstrip("s") in subject for word in words)
        return 1.0 if found and len(subject.split()) <= len(words) + 3 else 0.35
    return 0.5
