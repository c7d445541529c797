from __future__ import annotations

import numpy as np

from services.rag_llm.lexical import Lexicon, terms
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


def test_rare_words_weigh_more_and_unknown_ones_most() -> None:
    lexicon = Lexicon.build(TEXTS)
    assert lexicon.frequency("sound") == 2
    assert lexicon.rarity("unheard") > lexicon.rarity("delay") > lexicon.rarity("sound")


def test_bm25_ranks_the_text_with_the_words_first() -> None:
    lexicon = Lexicon.build(TEXTS)
    assert int(np.argmax(lexicon.scores(terms("bell over water")))) == 2
    assert not lexicon.scores(["unheard"]).any()
    assert lexicon.scores([]).shape == (4,)


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
