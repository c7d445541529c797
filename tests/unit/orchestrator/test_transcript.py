from __future__ import annotations

from services.orchestrator.transcript import SpokenSentence, SpokenTurn, TimedWord, Word

TEXT = "Lips close on p."


def sentence(start: int | None = None) -> SpokenSentence:
    words = [Word("Lips", 0, 100, 4), Word("close", 100, 200, 10), Word("on", 200, 300, 13), Word("p.", 300, 400, 16)]
    return SpokenSentence(TEXT, words, start)


def test_no_captions_before_the_sentence_plays() -> None:
    assert sentence().take_captions() == []


def test_captions_are_on_the_media_clock_and_taken_once() -> None:
    s = sentence(1000)
    assert s.take_captions()[1] == TimedWord("close", 1100, 1200)
    assert s.take_captions() == []
    s.words.append(Word("more", 400, 500, 16))
    assert s.take_captions() == [TimedWord("more", 1400, 1500)]


def test_heard_is_what_had_begun() -> None:
    s = sentence(1000)
    assert s.heard_until(1000) == ""
    assert s.heard_until(1001) == "Lips"
    assert s.heard_until(1201) == "Lips close on"
    assert s.heard_until(10**6) == TEXT
    assert sentence(None).heard_until(10**6) == ""


def test_heard_of_a_turn_joins_its_sentences() -> None:
    turn = SpokenTurn([sentence(0), sentence(1000), sentence(None)])
    assert turn.heard(1150) == f"{TEXT} Lips close"
    assert turn.text() == " ".join([TEXT] * 3)
    assert turn.first_sample() == 0
