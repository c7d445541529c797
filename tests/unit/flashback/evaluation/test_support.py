from __future__ import annotations

import pytest

from flashback.evaluation.support import Finding, Passage, finding

BRIDGE = Passage(
    "bridges.md",
    "Bridges, The Forth Bridge, lines 5 to 6",
    "The bridge was opened in 1890 & crosses the Firth of Forth in Scotland. It was designed by John Fowler and "
    "Benjamin Baker. Trains cross it at 64 km/h. It is painted all the time.",
)
HONEY = Passage("bees.md", "Honey, line 3", "Honey keeps for years. It does not spoil.")


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("It was designed by John Fowler and Benjamin Baker.", "verbatim"),
        ("The bridge was opened in 1890 and crosses the Firth of Forth in Scotland.", "verbatim"),
        ("Trains cross it at 64 kilometres per hour.", "verbatim"),
        ("The Forth Bridge opened in 1890.", "supported"),
        ("Its designers were John Fowler and Benjamin Baker.", "supported"),
        ("Many trains cross the bridges in Scotland at 64 kilometres per hour.", "supported"),
        ("The bridge was opened in 1891.", "unsupported"),
        ("The bridge was opened in 1890 and crosses 5 rivers.", "unsupported"),
        ("The bridge was designed by William Arrol.", "unsupported"),
        ("The bridge was not opened in 1890.", "unsupported"),
        ("Penguins enjoy swimming around icebergs.", "unsupported"),
        ("Yes.", "unsupported"),
    ],
)
def test_a_sentence_against_its_passage(sentence: str, expected: Finding) -> None:
    assert finding(sentence, [BRIDGE]) == expected


def test_a_sentence_without_a_citation_is_not_borne_out() -> None:
    assert finding("It was designed by John Fowler and Benjamin Baker.", []) == "unsupported"


def test_a_sentence_may_draw_on_several_passages_and_only_on_those_it_cites() -> None:
    sentence = "Honey keeps for years, and the bridge was opened in 1890."
    assert finding(sentence, [BRIDGE, HONEY]) == "supported"
    assert finding(sentence, [HONEY]) == "unsupported"
    assert finding("The bridge was opened in 1890.", [HONEY]) == "unsupported"


def test_a_number_in_the_place_is_no_evidence() -> None:
    assert finding("The bridge crosses the Firth 6 times in Scotland.", [BRIDGE]) == "unsupported"


def test_the_spoken_form_counts() -> None:
    passage = Passage("a.md", "line 1", "MPJPE: 12", spoken="The mean error is twelve.")
    assert finding("The mean error is twelve.", [passage]) == "verbatim"
