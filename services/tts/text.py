"""Checks and cleans the text of a request, keeping every character offset."""

from __future__ import annotations

import unicodedata

from flashback.errors import InvalidInput

_SILENT_CATEGORIES = {"Cc", "Cf", "Co", "Cn", "Cs"}
_PICTURE_CATEGORIES = {*_SILENT_CATEGORIES, "So", "Sk", "Mn"}


def clean(text: str, max_characters: int) -> str:
    """The text with control characters and pictographs replaced by spaces, one for one, so that offsets stay true.

    Raises InvalidInput when it is empty or longer than `max_characters`.
    """
    if not text.strip():
        raise InvalidInput("There is no text to speak.")
    if len(text) > max_characters:
        raise InvalidInput(f"The text has {len(text)} characters; at most {max_characters} are spoken in one call.")
    return printable(text)


def printable(text: str) -> str:
    """The text with each control character, format character and pictograph replaced by a space."""
    return "".join(" " if _silent(c) else c for c in text)


def _silent(character: str) -> bool:
    code = ord(character)
    if code >= 0x1F000 or 0x2600 <= code <= 0x27BF or 0xFE00 <= code <= 0xFE0F:
        return unicodedata.category(character) in _PICTURE_CATEGORIES
    return unicodedata.category(character) in _SILENT_CATEGORIES
