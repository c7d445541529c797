"""IPA as eSpeak NG writes it -> Oculus visemes and ARPAbet.

Visemes are the 15 of Meta's (Oculus) lip-sync reference; phones are the 39 of the CMU pronouncing dictionary.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

SILENCE = "sil"
FOLLOWS = ""
"""Stands for "the shape of whatever comes next": h has no shape of its own."""


@dataclass(frozen=True)
class Sound:
    """One speech sound. shapes: its visemes in order; phones: ARPAbet; vowel: carries stress."""

    shapes: tuple[str, ...]
    phones: tuple[str, ...]
    vowel: bool = False
    weak: bool = False


@dataclass(frozen=True)
class Mouth:
    """A shape and how strongly it is formed, 0..1. share: its part of the phoneme's time."""

    shape: str
    weight: float
    share: float


def _consonants(shape: str, table: dict[str, str]) -> dict[str, Sound]:
    return {ipa: Sound((shape,), tuple(phones.split())) for ipa, phones in table.items()}


def _vowels(table: dict[str, tuple[str, str]], weak: bool = False) -> dict[str, Sound]:
    return {
        ipa: Sound(tuple(shapes.split()), tuple(phones.split()), vowel=True, weak=weak)
        for ipa, (shapes, phones) in table.items()
    }


SOUNDS: dict[str, Sound] = {
    **_consonants("PP", {"p": "P", "b": "B", "m": "M"}),
    **_consonants("FF", {"f": "F", "v": "V", "ʋ": "V", "ɱ": "M"}),
    **_consonants("TH", {"θ": "TH", "ð": "DH"}),
    **_consonants("DD", {"t": "T", "d": "D", "ɾ": "T", "ʈ": "T", "ɖ": "D"}),
    **_consonants("nn", {"n": "N", "l": "L", "ɫ": "L", "ɲ": "N", "ɳ": "N", "ɬ": "L", "ʎ": "L"}),
    **_consonants("kk", {"k": "K", "g": "G", "ɡ": "G", "ŋ": "NG", "x": "K", "ɣ": "G", "q": "K", "c": "K", "ç": "K"}),
    **_consonants("SS", {"s": "S", "z": "Z", "ts": "T S"}),
    **_consonants("CH", {"ʃ": "SH", "ʒ": "ZH", "tʃ": "CH", "dʒ": "JH", "ɕ": "SH", "ʂ": "SH", "ʐ": "ZH"}),
    **_consonants("RR", {"r": "R", "ɹ": "R", "ʁ": "R", "ɻ": "R"}),
    **_consonants("U", {"w": "W", "ʍ": "W"}),
    **_consonants("I", {"j": "Y"}),
    **_consonants(FOLLOWS, {"h": "HH", "ɦ": "HH", "ʔ": "T"}),
    **_vowels(
        {
            "i": ("I", "IY"),
            "iː": ("I", "IY"),
            "ɪ": ("I", "IH"),
            "y": ("U", "UW"),
            "e": ("E", "EH"),
            "eː": ("E", "EH"),
            "ɛ": ("E", "EH"),
            "ɛː": ("E", "EH"),
            "æ": ("aa", "AE"),
            "a": ("aa", "AE"),
            "aː": ("aa", "AA"),
            "ɑ": ("aa", "AA"),
            "ɒ": ("O", "AA"),
            "ɔ": ("O", "AO"),
            "o": ("O", "AO"),
            "ʊ": ("U", "UH"),
            "u": ("U", "UW"),
            "ʌ": ("aa", "AH"),
            "ɜ": ("E", "ER"),
            "ɝ": ("RR", "ER"),
            "ø": ("O", "ER"),
            "eɪ": ("E I", "EY"),
            "aɪ": ("aa I", "AY"),
            "ɔɪ": ("O I", "OY"),
            "oɪ": ("O I", "OY"),
            "aʊ": ("aa U", "AW"),
            "oʊ": ("O U", "OW"),
            "əʊ": ("O U", "OW"),
            "eə": ("E aa", "EH"),
            "iə": ("I E", "IY AH"),
            "ɪə": ("I E", "IH"),
            "ʊə": ("U E", "UH"),
        }
    ),
    **_vowels(
        {"ə": ("E", "AH"), "ɐ": ("aa", "AH"), "ᵻ": ("I", "IH"), "ɨ": ("I", "IH"), "ɚ": ("RR", "ER"), "ᵊ": ("E", "AH")},
        weak=True,
    ),
}

_UNKNOWN = Sound(("E",), ())
_MARKS = "ˈˌ ˑʲʰʷ̪̥̩̯̃͡-_'\u200d"
_SYLLABIC = "\u0329"


def sounds(ipa: str) -> list[Sound]:
    """The sounds of a string of IPA; stress, length and other marks are read over, a syllabic mark adds a schwa."""
    found: list[Sound] = []
    at = 0
    while at < len(ipa):
        if ipa[at] == _SYLLABIC and found:
            found.insert(len(found) - 1, SOUNDS["ə"])
        if ipa[at] in _MARKS or ipa[at] == "ː" or unicodedata.combining(ipa[at]):
            at += 1
            continue
        pair = ipa[at : at + 2]
        known = pair if len(pair) == 2 and pair in SOUNDS else ipa[at]
        found.append(SOUNDS.get(known, _UNKNOWN))
        at += len(known)
    return found


def mouths(ipa: str) -> list[Mouth]:
    """Mouth shapes of one phoneme in order, shares adding up to 1; silence for an empty phoneme (a pause).

    Weight follows stress: 1 in a primary stressed vowel, 0.85 secondary, 0.75 unstressed, 0.6 reduced. Lips and
    teeth always close (PP, FF: 1).
    """
    spoken = sounds(ipa)
    if not spoken:
        return [Mouth(SILENCE, 0.0, 1.0)]
    stressed = 1.0 if "ˈ" in ipa else 0.85 if "ˌ" in ipa else 0.75
    total = sum(2 if s.vowel else 1 for s in spoken)
    shapes: list[Mouth] = []
    for sound in spoken:
        weight = (0.6 if sound.weak else stressed) if sound.vowel else _closing(sound)
        share = (2 if sound.vowel else 1) / total / len(sound.shapes)
        shapes += [Mouth(shape, weight, share) for shape in sound.shapes]
    return shapes


def _closing(sound: Sound) -> float:
    return 1.0 if sound.shapes[0] in ("PP", "FF") else 0.8


def arpabet(ipa: str) -> list[str]:
    """ARPAbet phones of a string of IPA, US English, without stress."""
    phones = [phone for sound in sounds(ipa) for phone in sound.phones]
    return [p for i, p in enumerate(phones) if not (p == "R" and i and phones[i - 1] == "ER")]
