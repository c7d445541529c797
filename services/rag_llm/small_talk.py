"""What is answered from the persona and not from its documents, and how the persona says that it cannot answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from flashback.personas import Persona
from services.rag_llm import injection, topics

Manner = Literal["greeting", "thanks", "goodbye", "feelings", "identity", "topics", "injection", "outside", "question"]

_GREETING = r"(?:hi|hello|hey|hiya|greetings|howdy|good (?:morning|afternoon|evening|day)|nice to meet you)"
_ADDRESSED = r"(?: there| everyone| again| you| my friend| avatar)?"
_BEING = (
    r"(?:real|human|alive|artificial|ai|(?:(?:an?|the) )?(?:human(?: being)?|robot|(?:real )?person|machine|"
    r"computer|bot|ai|chatbot|avatar))"
)
_SAYINGS: tuple[tuple[Manner, str], ...] = (
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
        r"^(?:(?:please )?tell me a joke|(?:please )?sing(?: (?:me )?(?:a song|something))?|"
        r"what(?:'s| is) the (?:time|date|weather)"
        r"(?: (?:like|now|right now|today|tomorrow|outside|there|at the moment))*|what time is it(?: now)?|"
        r"what day is (?:it|today)|(?:can|could) you (?:please )?(?:sing|dance|tell me a joke)(?: (?:for|me|a) .*)?)$",
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
    if injection.commands(re.sub(rf"\b{re.escape(name)}\b", ",", question, flags=re.IGNORECASE)):
        return "injection"
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


def reply(manner: Manner, persona: Persona, titles: Sequence[str] = ()) -> list[str]:
    """Sentences that answer small talk. titles: of the documents, as far as they are known."""
    about = subjects(persona, titles)
    kind = "a synthetic avatar, not a real person" if persona.synthetic else "an avatar"
    return {
        "greeting": [persona.greeting],
        "thanks": ["You are welcome.", "Ask me anything else you like."],
        "goodbye": ["Goodbye.", "It was good to talk with you."],
        "feelings": ["I am ready to answer, thank you.", f"You can ask me about {about}."],
        "identity": [f"I am {persona.name}, {kind}.", f"I answer from my documents about {about}."],
        "topics": [
            f"I can tell you about {about}.",
            *([topics.sentence(titles)] if titles and persona.about.strip() else []),
            "I answer only from my documents, and I show where each answer comes from.",
        ],
    }[manner]


def refusal(manner: Manner, persona: Persona, titles: Sequence[str] = ()) -> list[str]:
    """Sentences that say that the documents do not hold the answer, or that instructions are not taken, and what can be
    asked instead."""
    about = subjects(persona, titles)
    if manner == "injection":
        return [f"I only answer questions from my documents, which are about {about}."]
    return ["I am sorry, my documents do not say anything about that.", f"You can ask me about {about}."]


def subjects(persona: Persona, titles: Sequence[str] = ()) -> str:
    """What the persona can talk about: what it says of itself, or else its documents' titles."""
    return persona.about.strip().rstrip(".") or topics.listed(titles) or "what is in my documents"


def no_documents(persona: Persona) -> list[str]:
    """Sentences for a persona without documents."""
    return [
        f"I am {persona.name}, and I have no documents to answer from yet.",
        "Please add some, and then ask me again.",
    ]
