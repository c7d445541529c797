from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from services.rag_llm.lexical import Lexicon, stem, terms
from services.rag_llm.query import content_words, mended

TEXTS = [
    "WebRTC sends sound and video with low delay.",
    "Blendshapes move the mesh of a face.",
    "The sound of a bell carries far over the water and the sound returns.",
    "Nothing of interest stands in this one.",
]


def test_terms_are_stems_without_filler_and_with_the_parts_of_joined_words() -> None:
    assert terms("What are the blendshapes?") == terms("blendshape")
    assert terms("WebRTC") == ["webrtc", "web", "rtc"]
    assert terms("lip-sync") == ["lip", "sync", "lipsync"]
    assert terms("22,050 and H.264") == ["22050", "h264"]


def test_threads_do_not_meet_in_the_stemmer() -> None:
    words = [f"{a}{b}ionally" for a in "bcdfghklmnprst" for b in ("ab", "ec", "id", "of", "ug", "ap", "er", "im")]
    alone = {word: stem.__wrapped__(word) for word in words}
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda word: (word, stem.__wrapped__(word)), words * 40))
    assert [pair for pair in together if alone[pair[0]] != pair[1]] == []


def test_rare_words_weigh_more_and_unknown_ones_most() -> None:
    lexicon = Lexicon.build(TEXTS)
    assert lexicon.frequency("sound") == 2
    assert lexicon.rarity("unheard") > lexicon.rarity("delay") > lexicon.rarity("sound")


def test_bm25_ranks_the_text_with_the_words_first() -> None:
    lexicon = Lexicon.build(TEXTS)
    assert lexicon.best(terms("bell over water"), 3)[0][0] == 2
    assert lexicon.best(["unheard"], 3)[0] == lexicon.best([], 3)[0] == []
    assert not lexicon.scores(["unheard"], [3, 0]).any()
    assert lexicon.scores([], [2]).shape == (1,)


def test_a_lexicon_read_back_is_the_one_that_was_stored(tmp_path: Path) -> None:
    built = Lexicon.build(TEXTS)
    built.save(tmp_path)
    loaded = Lexicon.load(tmp_path, len(TEXTS))
    assert list(loaded.vocabulary) == list(built.vocabulary)
    for term in built.vocabulary:
        assert loaded.frequency(term) == built.frequency(term) >= 1
        np.testing.assert_array_equal(loaded.scores([term], range(4)), built.scores([term], range(4)))
    assert "unheard" not in loaded
    assert loaded.rarity("unheard") == built.rarity("unheard")


def test_a_single_wrong_letter_is_forgiven_in_long_words_only() -> None:
    lexicon = Lexicon.build(["The uncanny valley and a bat."])
    assert mended("vally", lexicon) == lexicon_term("valley")
    assert mended("cat", lexicon) == "cat"


def lexicon_term(word: str) -> str:
    return terms(word)[0]


def test_words_that_the_documents_write_together_are_joined() -> None:
    lexicon = Lexicon.build(TEXTS)
    assert [w.stem for w in content_words("what is web r t c", lexicon)] == ["webrtc"]
    assert [w.stem for w in content_words("what are blend shapes", lexicon)] == [lexicon_term("blendshapes")]


def test_names_are_told_from_words() -> None:
    lexicon = Lexicon.build(TEXTS)
    found = {w.word: w.name for w in content_words("Which sound does Siri make?", lexicon)}
    assert found == {"sound": False, "siri": True}
