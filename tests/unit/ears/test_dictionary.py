"""Pronunciations."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ears import dictionary
from services.ears.questions import everyday_words, read_templates


def test_reads_variants_of_wanted_words_only(tmp_path: Path) -> None:
    file = tmp_path / "d.dict"
    file.write_text("the DH AH\nthe(2) DH IY\nzebra Z IY B R AH\n")
    assert dictionary.read_dictionary(file, frozenset({"the"})) == {"the": [("DH", "AH"), ("DH", "IY")]}


def test_abbreviations_are_spelled() -> None:
    assert dictionary.spelled("sfu") == ("EH", "S", "EH", "F", "Y", "UW")
    assert dictionary.spelled("c2pa") == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("FlashbackAvatars", ["flashback", "avatars"]),
        ("eyeBlinkLeft", ["eye", "blink", "left"]),
        ("WebRTC", ["web", "rtc"]),
        ("plain", ["plain"]),
    ],
)
def test_parts_of_compounds(written: str, expected: list[str]) -> None:
    assert dictionary.parts(written) == expected


def test_build_joins_every_source_and_drops_what_the_model_cannot_say() -> None:
    known = {"web": [("W", "EH", "B")], "tea": [("T", "IY")]}
    spoken = {"webrtc": [("W", "EH", "B", "X")], "tea": [("T", "IY")], "oboe": [("OW", "B", "OW")]}
    entries = dictionary.build(
        ["webrtc", "tea", "oboe", "sfu", "unsayable"], known, spoken, {"webrtc": "WebRTC", "sfu": "SFU"}
    )
    assert entries["webrtc"] == [("W", "EH", "B", "AA", "R", "T", "IY", "S", "IY")]
    assert entries["tea"] == [("T", "IY")]
    assert entries["oboe"] == [("OW", "B", "OW")]
    assert entries["sfu"] == [("EH", "S", "EH", "F", "Y", "UW")]
    assert "unsayable" not in entries


def test_lines_number_the_variants() -> None:
    lines = list(dictionary.dictionary_lines({"b": [("B",)], "a": [("AH",), ("EY",)]}))
    assert lines == ["a AH", "a(2) EY", "b B"]


def test_every_everyday_word_is_in_the_recognisers_own_dictionary() -> None:
    sphinx = pytest.importorskip("pocketsphinx")
    wanted = frozenset(everyday_words(read_templates()))
    found = dictionary.read_dictionary(Path(sphinx.get_model_path("en-us/cmudict-en-us.dict")), wanted)
    assert wanted - found.keys() <= {"licence"}
