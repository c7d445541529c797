"""Prompt injection in plain English: orders to the model, by whoever talks to it or hidden in a document.

Both are told by pattern, so that neither reaches a language model and neither is read aloud as an answer. Speech about
injection ("a poisoned document might tell the model to ignore its rules") is none.
"""

from __future__ import annotations

import re
from functools import lru_cache

_RULES = r"(?:instructions?|rules?|prompts?|guidelines?|directives?|restrictions?|training|programming)"
_ROLE = r"(?:an?|the|my|if|though|you)"
_LEAD = (
    r"^(?:please |now |and |but |then |also |instead |just |kindly |important |attention |note |"
    r"(?:can|could|would|will) you |i want you to |you (?:must|should|have to|need to) )*"
)
_DROP = r"(?:ignore|disregard|forget|override|bypass|drop|break)"
_BEFORE = r"(?:previous|prior|above|earlier|preceding|foregoing)"
_MODEL = r"(?:ai(?: assistant| model| system)?|llms?|(?:large )?language models?|chat ?bots?|assistants?|avatars?)"

_SPOKEN = (
    rf"{_LEAD}{_DROP} (?:\w+ ){{0,3}}?(?:{_BEFORE}|your|all|any|system|original|initial|safety) "
    rf"(?:\w+ ){{0,2}}?{_RULES}\b",
    rf"{_LEAD}{_DROP} (?:\w+ ){{0,2}}?{_RULES} (?:\w+ ){{0,3}}?(?:above|before|you (?:were|are|have been|got))\b",
    rf"{_LEAD}{_DROP} (?:everything|all|anything)(?: \w+){{0,3}} (?:above|before|so far|said|written)\b",
    rf"{_LEAD}{_DROP} (?:the|these|those|your|all) (?:documents?|passages?|context)\b",
    r"\byour (?:(?:own|full|exact) )*(?:system|hidden|initial|secret|original) (?:prompts?|instructions?|message)\b",
    rf"\b(?:print|reveal|show|repeat|output)\b.{{0,20}}\b(?:your|system|the above)\b.{{0,20}}\b(?:{_RULES}|above)\b",
    rf"{_LEAD}(?:from now on )?(?:pretend (?:to be|that|you)|"
    rf"(?:act|behave|respond|answer|speak|talk) (?:as|like) {_ROLE}|you are now|enter developer mode)\b",
    r"^from now on (?:you|be|answer|respond|reply|speak|talk|act|ignore|always|only)\b",
    r"\bwithout (?:using|looking at|consulting) (?:your|the|any) documents\b",
)
_WRITTEN = (
    rf"\b(?:ignore|disregard|forget|override) (?:\w+ ){{0,3}}?{_BEFORE} (?:\w+ ){{0,2}}?"
    rf"(?:{_RULES}|messages?|context|text|conversation)\b",
    rf"{_LEAD}(?:ignore|disregard|forget) "
    r"(?:everything|the user|the question|the context|(?:the|these|all|other) passages?)\b",
    rf"^(?:new|updated|hidden|secret|system|urgent|important) (?:instructions?|prompts?|directives?)"
    rf"(?: ?:| (?:for|to) (?:the |any )?{_MODEL}\b)",
    rf"{_LEAD}(?:dear |hey |hello |to the |for the |note to |message to )+{_MODEL}\b",
    rf"^{_MODEL} ?[,:].{{0,40}}\b(?:you|your|must|should|always|never|say|answer|ignore|reveal)\b",
    rf"\b(?:you are|as) (?:now )?(?:an? |the )(?:helpful |unrestricted |evil )?{_MODEL}\b.{{0,40}}"
    r"\byou (?:must|should|will)\b",
    rf"^you are (?:now )?(?:an? |the |my )(?:[a-z]+ ){{0,2}}{_MODEL}\b",
    r"\byou (?:must|should|shall|will|are (?:required|instructed|ordered|told) to) (?:now |always |only |never |not )*"
    rf"(?:pretend to be|say only|(?:ignore|disregard|forget|reveal) (?:all|any|your|the) (?:\w+ )?{_RULES}|"
    r"(?:answer|respond|reply) (?:to )?(?:every|all|any) (?:\w+ )?(?:questions?|prompts?|messages?) (?:with|by|as))\b",
    r"\b(?:when|whenever|if) (?:you are |anyone |anybody |someone |somebody |the user |an? user |users )?"
    r"(?:is |are )?(?:asks?|asked)\b[^.]{0,80}[,:] ?(?:then |you (?:must|should) )?"
    r"(?:(?:always|only) (?:say|answer|reply|respond|claim|state|recommend)|(?:say|answer|reply|claim|state) that)\b",
    rf"{_LEAD}(?:always |only |never )*(?:answer|respond|reply|say|output|print|repeat)\b[^.]{{0,30}}"
    r"\b(?:with the (?:word|phrase)|to (?:every|all|any) questions?|to the user)\b",
    rf"{_LEAD}(?:do not|don't|never) (?:use|cite|mention|trust|follow|quote|answer from)\b.{{0,20}}"
    rf"\b(?:(?:the|these|other|any) (?:passages?|context)|your (?:sources|citations|documents|{_RULES}))\b",
)
_MARKUP = re.compile(
    r"<\|?/?(?:system|im_start|im_end|assistant|user|endoftext|eot_id|start_header_id)\b|\[/?(?:INST|SYS)\]|<</?SYS>>|"
    r"^\W{0,4}(?:(?:system|assistant) (?:prompt|message|note|override)|assistant)\s*:|"
    r"#{2,}\s*(?:instruction|system|response)\b",
    re.IGNORECASE,
)
_SAID = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _SPOKEN)
_HIDDEN = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _WRITTEN)


def commands(said: str) -> bool:
    """True when a listener orders the model about, in any part of what was said."""
    parts = [said, *re.split(r"[.!?;:,\n]+", said)]
    return any(pattern.search(_words(part, "")) for part in parts for pattern in _SAID)


def _words(text: str, kept: str) -> str:
    """The words of a text with single blanks between them, and of its signs those that are `kept`."""
    return " ".join(re.sub(rf"[^\w\s'{kept}]+", " ", text.replace("’", "'")).split())


@lru_cache(maxsize=16384)
def planted(sentence: str) -> bool:
    """True for a sentence of a document that speaks to a model instead of its readers, or that carries the markup of a
    chat template. Pure, so that the cache may be shared."""
    if _MARKUP.search(sentence) or commands(sentence):
        return True
    words = _words(sentence, ".,:")
    return any(pattern.search(words) for pattern in _HIDDEN)


def without_markup(text: str) -> str:
    """The text without what a chat template could take for the end of a message or the beginning of another."""
    return re.sub(r"<\|[^<>|]{0,40}\|>|</?(?:s|passages?|question)\b[^<>]*>|\[/?(?:INST|SYS)\]|<</?SYS>>", " ", text)
