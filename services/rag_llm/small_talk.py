"""What is answered from the persona and not from its documents, and how the persona says that it cannot answer."""

from __future__ import annotations

import re
from typing import Literal

from flashback.personas import Persona

Manner = Literal["greeting", "thanks", "goodbye", "feelings", "identity", "topics", "injection", "outside", "question"]

_GREETING = r"(?:hi|hello|hey|hiya|greetings|howdy|good (?:morning|afternoon|evening|day)|nice to meet you)"
_ADDRESSED = r"(?: there| everyone| again| you| my friend| avatar)?"
_ORDERS = r"(?:instructions?|rules?|prompts?|guidelines?|directives?|restrictions?|documents?|training)"
_ROLE = r"(?:an?|the|my|if|though|you)"
_BEING = (
    r"(?:real|human|alive|artificial|ai|(?:(?:an?|the) )?(?:human(?: being)?|robot|(?:real )?person|machine|"
    r"computer|bot|ai|chatbot|avatar))"
)
_SAYINGS: tuple[tuple[Manner, str], ...] = (
    ("injection", rf"\b(?:ignore|disregard|forget|override|bypass|drop|break)\b.{{0,30}}\byour .{{0,20}}\b{_ORDERS}\b"),
    (
        "injection",
        rf"^(?:please |now |and |but |then )*(?:ignore|disregard|forget|override|bypass|"
        rf"drop)\b.{{0,40}}\b(?:{_ORDERS}|above|before|said)\b",
    ),
    (
        "injection",
        r"\byour (?:(?:own|full|exact) )*(?:system|hidden|initial|secret|original) (?:prompts?|instructions?|"
        r"message)\b",
    ),
    (
        "injection",
        rf"\b(?:print|reveal|show|repeat|output)\b.{{0,20}}\b(?:your|system|the above)\b.{{0,20}}\b(?:{_ORDERS}|"
        rf"above)\b",
    ),
    (
        "injection",
        rf"^(?:please |now |and |but |then )*(?:pretend (?:to be|that|you)|(?:act|behave|respond|answer|speak|"
        rf"talk) (?:as|like) {_ROLE}|"
        r"you are now|from now on|enter developer mode)\b",
    ),
    ("injection", r"\bwithout (?:using|looking at|consulting) (?:your|the|any) documents\b"),
    (
        "thanks",
        r"^(?:(?:ok(?:ay)?|great|cool|good|nice|perfect|alright) )?(?:thanks?|thank you|cheers|much appreciated)"
        r"(?: you)?(?: (?:a lot|so much|very much|again|for (?:that|your help|the answer|everything)))*$",
    ),
    (
        "thanks",
        r"^(?:that(?:'s| is| was) )?(?:very |really |so )?(?:great|cool|nice|helpful|interesting|good to know|"
        r"well done|good job)$",
    ),
    (
        "goodbye",
        r"^(?:ok(?:ay)? )?(?:good ?bye|bye(?: bye)?|see you|farewell|good night|take care)(?: (?:later|soon|then))?$",
    ),
    ("feelings", r"^(?:and )?how (?:are you|do you do|is it going|are things|do you feel)(?: (?:today|doing|now))*$"),
    (
        "topics",
        r"^(?:and |so )?what (?:all )?(?:can|could|do|would|are) (?:you|i|we) (?:able to )?"
        r"(?:tell|talk|answer|know|ask|help|do|say|discuss|teach)(?: (?:me|you|us|about|with|on|to|of|questions|"
        r"anything|for))*$",
    ),
    (
        "topics",
        r"^(?:help|help me|what (?:topics|subjects) do you (?:know|cover)(?: about)?|how can you help(?: me)?|"
        r"what should i ask(?: you)?|"
        r"what (?:are|is) your (?:documents?|topics?|expertise)(?: about)?|what do your documents (?:say|cover|"
        r"contain))$",
    ),
    (
        "identity",
        r"^(?:and |so )?(?:who|what) (?:are|r) you(?: (?:really|exactly|called))?$|^what(?:'s| is) your name$",
    ),
    ("identity", r"^(?:please )?(?:introduce yourself|tell me (?:something )?about yourself)$|^do you have a name$"),
    ("identity", rf"^are you (?:an? )?{_BEING}(?: or .*)?$"),
    (
        "outside",
        r"^(?:(?:please )?tell me a joke|(?:please )?sing(?: .*)?|what(?:'s| is) the (?:time|date|"
        r"weather)(?: .*)?|what time is it(?: .*)?|"
        r"what day is (?:it|today)|(?:can|could) you (?:please )?(?:sing|dance|write|draw|play|book|order|buy|"
        r"call) .*)$",
    ),
    ("greeting", rf"^{_GREETING}{_ADDRESSED}$"),
)
_PATTERNS = tuple((manner, re.compile(pattern, re.IGNORECASE)) for manner, pattern in _SAYINGS)
_OPENER = re.compile(
    rf"^(?:{_GREETING}{_ADDRESSED}|ok(?:ay)?|so|well|um+|uh+|er+|please|thanks|thank you)\s*[,.!;:]\s*", re.IGNORECASE
)


def manner_of(question: str, name: str) -> Manner:
    """What kind of thing was said to a persona called `name`."""
    said = re.sub(r"[^\w\s'’]+", " ", question.replace("’", "'"))
    said = re.sub(rf"\b{re.escape(name)}\b", " ", said, flags=re.IGNORECASE)
    said = " ".join(said.split())
    for manner, pattern in _PATTERNS:
        if pattern.search(said):
            return manner
    if not said:
        return "greeting"
    rest = opened(question)
    return manner_of(rest, name) if rest != question else "question"


def opened(question: str) -> str:
    """The question without a greeting or a filler before it; unchanged when nothing would be left."""
    rest = _OPENER.sub("", question, count=1).strip()
    return rest if re.search(r"\w", rest) else question


def reply(manner: Manner, persona: Persona) -> list[str]:
    """Sentences that answer small talk."""
    about = persona.about.rstrip(".")
    kind = "a synthetic avatar, not a real person" if persona.synthetic else "an avatar"
    return {
        "greeting": [persona.greeting],
        "thanks": ["You are welcome.", "Ask me anything else you like."],
        "goodbye": ["Goodbye.", "It was good to talk with you."],
        "feelings": ["I am ready to answer, thank you.", f"You can ask me about {about}."],
        "identity": [f"I am {persona.name}, {kind}.", f"I answer from my documents about {about}."],
        "topics": [
            f"I can tell you about {about}.",
            "I answer only from my documents, and I show where each answer comes from.",
        ],
    }[manner]


def refusal(manner: Manner, persona: Persona) -> list[str]:
    """Sentences that say that the documents do not hold the answer, or that instructions are not taken."""
    about = persona.about.rstrip(".")
    if manner == "injection":
        return [f"I only answer questions from my documents, which are about {about}."]
    return ["I am sorry, my documents do not say anything about that.", f"You can ask me about {about}."]


def no_documents(persona: Persona) -> list[str]:
    """Sentences for a persona without documents."""
    return [
        f"I am {persona.name}, and I have no documents to answer from yet.",
        "Please add some, and then ask me again.",
    ]
