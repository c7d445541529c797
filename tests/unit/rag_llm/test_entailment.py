"""Supported sentences are told from unsupported ones, in a table and on the measured set."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from benchmarks import guardrail
from services.rag_llm.embedding import MiniLM
from services.rag_llm.entailment import Limits, Premise, Verdict, closeness, judge
from services.rag_llm.facts import clauses, facts_of
from services.rag_llm.figures import Figure
from services.rag_llm.lexical import terms
from services.rag_llm.support import WordSpace

SENTENCES = (
    "A Fresnel lens gathers the light of the lamp into a beam.",
    "Augustin Fresnel designed it in 1822 for the lighthouse of Cordouan.",
    "The keeper wound the clockwork every four hours, and his wife trimmed the wick with small scissors.",
    "The lamp burnt oil before 1912, and it never used gas.",
    "Its beam reaches 40 kilometres in clear weather and 8 kilometres in fog.",
    "John Stevenson ran the tower until 1850, while Thomas Brebner kept the books.",
)
LIMITS = Limits()
Judge = Callable[..., Verdict]


@pytest.fixture(scope="module")
def judged(encoder: MiniLM) -> Judge:
    space = WordSpace(encoder)
    known = {term for sentence in SENTENCES for term in terms(sentence)}

    def check(claim: str, limits: Limits = LIMITS, sentences: tuple[str, ...] = SENTENCES) -> Verdict:
        premise = Premise("Lighthouses - The lens", sentences, encoder.encode(sentences))
        vector = encoder.encode([claim])[0]
        return judge(claim, vector, premise, space, lambda stem: 1.0 if stem in known else 2.0, limits)

    return check


@pytest.mark.parametrize(
    "claim",
    [
        "The lens was designed by Augustin Fresnel in 1822.",
        "Fresnel designed the lens in 1822.",
        "A Fresnel lens collects the lamp's light into one beam.",
        "Every 4 hours the keeper wound the clockwork.",
        "Before 1912 the lamp burnt oil.",
        "The lamp did not use gas.",
        "In fog the beam reaches 8 kilometres.",
        "In clear weather it reaches 40,000 metres.",
        "John Stevenson ran the tower until 1850.",
        "The wick was trimmed with small scissors.",
        "No, the lamp burnt oil before 1912.",
        "Yes, and in fact John Stevenson ran the tower until 1850.",
    ],
)
def test_a_paraphrase_is_supported(judged: Judge, claim: str) -> None:
    assert judged(claim).why == ""


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("Augustin Fresnel designed the lens in 1922.", "figure"),
        ("The keeper wound the clockwork every five hours.", "figure"),
        ("The keeper wound the clockwork every four minutes.", "figure"),
        ("In fog the beam reaches 40 kilometres.", "figure"),
        ("Thomas Young designed the lens in 1822.", "name"),
        ("Thomas Brebner ran the tower until 1850.", "name"),
        ("Augustin Fresnel designed it for the lighthouse of Eddystone.", "name"),
        ("The keeper did not wind the clockwork every four hours.", "denial"),
        ("The lamp used gas.", "denial"),
        ("The lamp burnt oil after 1912.", "opposite"),
        ("The wick was trimmed with large scissors.", "opposite"),
        ("The keeper wound the clockwork, and he played the violin for passing sailors.", "words"),
        ("Fresnel was awarded a medal and a pension by the king.", "words"),
        ("Would you like to know more?", "nothing"),
        ("Shall I tell you about sailing ships?", "words"),
    ],
)
def test_what_is_changed_or_invented_is_not(judged: Judge, claim: str, why: str) -> None:
    assert judged(claim).why == why


def test_strictness(judged: Judge) -> None:
    wrong, vague = "Fresnel designed the lens in 1922.", "The lamp gathers the lens every clear light."
    assert judged(wrong, Limits("off")).supported
    assert not judged(wrong, Limits("lexical")).supported
    assert judged(vague, Limits("lexical", cosine=0.99)).supported
    assert judged(vague, Limits("full", cosine=0.99)).why == "meaning"


def test_nothing_supports_nothing(judged: Judge) -> None:
    assert judged("Fresnel designed the lens.", sentences=()).why == "nothing"
    assert judged("It is so.").why == "nothing"


def test_two_neighbouring_sentences_may_be_closest_together() -> None:
    rows = np.eye(3, dtype=np.float32)
    between = (rows[0] + rows[1]) / np.sqrt(2, dtype=np.float32)
    assert closeness(between, rows) == pytest.approx(1.0)
    assert closeness(between, rows[:0]) == 0.0


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("It costs 25 million dollars.", {Figure(25e6, "dollar")}),
        ("One hundred thousand bees and twenty-five queens.", {Figure(1e5, ""), Figure(25, "")}),
        ("It takes 13 to 15 milliseconds.", {Figure(0.013, "second"), Figure(0.015, "second")}),
        ("In 1,991 of 3.5 % cases.", {Figure(1991, ""), Figure(3.5, "percent")}),
        ("One of them came in the eighteenth century.", {Figure(18, "century")}),
    ],
)
def test_figures_are_read_with_their_units(text: str, figures: set[Figure]) -> None:
    found = facts_of(text).figures
    assert len(found) == len(figures)
    assert all(figure.within(found) for figure in figures)


def test_a_figure_without_a_unit_agrees_with_any() -> None:
    assert Figure(4, "").within(frozenset({Figure(4, "second")}))
    assert Figure(4, "second").within(frozenset({Figure(4, "")}))
    assert not Figure(4, "second").within(frozenset({Figure(4, "day")}))


def test_clauses_are_cut_where_a_verb_follows() -> None:
    assert clauses("STUN only reports an address, while TURN forwards every packet.") == (
        "STUN only reports an address",
        "TURN forwards every packet.",
    )
    assert clauses("The sounds p, b and m share one viseme.") == ("The sounds p, b and m share one viseme.",)


def test_pairs_of_other_subjects_are_judged_as_well_as_we_say() -> None:
    other = guardrail.figures(guardrail.judge_all("other"))
    assert other["supported"] + other["unsupported"] >= 60
    assert other["precision"] >= 0.85
    assert other["recall"] >= 0.85


def test_the_benchmark_prints_what_a_sentence_costs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guardrail, "PAIRS", {"other": guardrail.PAIRS["other"]})
    guardrail.main(["--json"])
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"other", "ms_per_sentence_p50"}
    assert printed["ms_per_sentence_p50"] > 0
