"""The pronunciation dictionary: which sounds (ARPAbet without stress) make each word of the vocabulary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from services.ears.language_model import END

Pronunciation = tuple[str, ...]

PHONES = frozenset({
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY",
    "F", "G", "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY",
    "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
})  # fmt: skip
"""The 39 phones of the acoustic model."""

_LETTERS = {
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY", "h": "EY CH", "i": "AY",
    "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N", "o": "OW", "p": "P IY", "q": "K Y UW",
    "r": "AA R", "s": "EH S", "t": "T IY", "u": "Y UW", "v": "V IY", "w": "D AH B AH L Y UW", "x": "EH K S",
    "y": "W AY", "z": "Z IY",
}  # fmt: skip


def read_dictionary(path: Path, wanted: frozenset[str]) -> dict[str, list[Pronunciation]]:
    """Entries for the wanted words of a CMUdict file: `word PH PH` a line, further variants as `word(2)`."""
    found: dict[str, list[Pronunciation]] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            head, _, phones = line.strip().partition(" ")
            word = head.partition("(")[0]
            if word in wanted:
                found.setdefault(word, []).append(tuple(phones.split()))
    return found


def spelled(word: str) -> Pronunciation:
    """The word letter by letter, as abbreviations are said; empty when it holds anything but letters."""
    if not word or any(letter not in _LETTERS for letter in word):
        return ()
    return tuple(phone for letter in word for phone in _LETTERS[letter].split())


def parts(written: str) -> list[str]:
    """eyeBlinkLeft -> eye, blink, left; one part when there is no inner capital."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z']+", written)]


def joined(written: str, known: Mapping[str, Sequence[Pronunciation]]) -> Pronunciation:
    """A compound said as its parts; empty when it is none or a part is unknown."""
    pieces = parts(written)
    if len(pieces) < 2 or "".join(pieces) != written.lower():
        return ()
    sounds: list[str] = []
    for piece, original in zip(pieces, re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z']+", written), strict=True):
        variants = known.get(piece)
        if original.isupper() or not variants:
            spelling = spelled(piece) if original.isupper() else ()
            if not spelling:
                return ()
            sounds += spelling
        else:
            sounds += variants[0]
    return tuple(sounds)


def build(
    vocabulary: Iterable[str],
    known: Mapping[str, Sequence[Pronunciation]],
    spoken: Mapping[str, Sequence[Pronunciation]],
    written: Mapping[str, str],
) -> dict[str, list[Pronunciation]]:
    """Pronunciations for every word of the vocabulary that has one.

    known: from the dictionary that ships with the recogniser; spoken: from the speech service; written: how the
    documents write a word, where that differs: abbreviations in capitals are also spelled, compounds also said by
    parts.
    Pronunciations with a phone outside PHONES are dropped; a word without any is left out.
    """
    result: dict[str, list[Pronunciation]] = {}
    for word in vocabulary:
        form = written.get(word, word)
        variants = [*known.get(word, ()), *spoken.get(word, ()), joined(form, known)]
        if form.isupper() and 2 <= len(form) <= 5:
            variants.append(spelled(word))
        good = [v for v in dict.fromkeys(tuple(v) for v in variants) if v and PHONES.issuperset(v)]
        if good:
            result[word] = good
    return result


def dictionary_lines(entries: Mapping[str, Sequence[Pronunciation]]) -> Iterable[str]:
    """CMUdict format, sorted."""
    for word in sorted(entries):
        if word == END:
            continue
        for number, phones in enumerate(entries[word], start=1):
            yield f"{word if number == 1 else f'{word}({number})'} {' '.join(phones)}"
