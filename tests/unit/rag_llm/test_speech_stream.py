"""A model's text becomes the same sentences however it is cut, and nothing is spoken that is not speech."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.rag_llm.speech_stream import LONGEST, SpeechStream


def sentences(text: str, *, passages: int = 4, finished: bool = True) -> list[tuple[str, tuple[int, ...]]]:
    stream = SpeechStream(passages)
    return [(s.text, s.cited) for s in [*stream.feed(text), *stream.close(finished)]]


@pytest.mark.parametrize(
    "marked",
    [
        "It was built in 1822 [1].",
        "It was built in 1822. [1]",
        "It was built in 1822.[1]",
        "It was built in 1822[1].",
        "It was built in 1822 (1).",
        "It was built in 1822 【1】.",
        "It was built in 1822 【1†source】.",
        "It was built in 1822 [^1].",
        "It was built in 1822 [Passage 1].",
        "It was built in 1822 (source: 1).",
        "According to [1], it was built in 1822.",
        "As stated in passage [1], it was built in 1822.",
        "According to the passages, it was built in 1822 [1].",
        "The provided documents state that it was built in 1822 [1].",
        "**It was built in 1822** [1].",
        "- It was built in 1822 [1]",
        "1. It was built in 1822 [1].",
        "> It was built in 1822. [1]\n",
    ],
)
def test_a_marker_becomes_a_number_and_is_not_spoken(marked: str) -> None:
    assert sentences(marked) == [("It was built in 1822.", (1,))]


@pytest.mark.parametrize(
    ("markers", "numbers"),
    [
        ("[1][3]", (1, 3)),
        ("[1, 3]", (1, 3)),
        ("[1] and [3]", (1, 3)),
        ("[1-3]", (1, 2, 3)),
        ("[2; 2]", (2,)),
        ("[9]", ()),
    ],
)
def test_several_passages_are_cited_at_once(markers: str, numbers: tuple[int, ...]) -> None:
    assert sentences(f"The lens gathers light {markers}.") == [("The lens gathers light.", numbers)]


def test_markers_after_the_full_stop_belong_to_the_sentence_before() -> None:
    assert sentences("Bees dance. [1] They fly far. [2]") == [("Bees dance.", (1,)), ("They fly far.", (2,))]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("It was opened (2019).", "It was opened (2019)."),
        ("Dr. Smith measured 3.5 metres, e.g. in Ulm.", "Dr. Smith measured 3.5 metres, for example in Ulm."),
        ("See the *red* `lens` [here](http://a.org/b).", "See the red lens here."),
        ("The lens\ngathers light.", "The lens gathers light."),
        ("The text that he wrote says that.", "The text that he wrote says that."),
        ("Light<br> is <b>fast</b>.<|im_end|>", "Light is fast."),
    ],
)
def test_what_is_no_marker_is_spoken_as_speech(text: str, spoken: str) -> None:
    assert sentences(text) == [(spoken, ())]


@pytest.mark.parametrize(
    "hidden",
    [
        "<think>The user asks. I see [1].</think>\n\n",
        "<THINKING>No. Yes.</THINKING>",
        "```python\nprint(1). Foo.\n```\n",
        "| a. B | c |\n|---|---|\n| 1. D | 2 |\n\n",
        "## The answer. Here\n",
        "---\n",
        "The template had opened this thought</think>",
    ],
)
def test_reasoning_code_tables_and_headings_are_left_out(hidden: str) -> None:
    assert sentences(f"{hidden}Bees dance [1].") == [("Bees dance.", (1,))]


def test_list_items_are_sentences() -> None:
    assert sentences("Two parts:\n- glass [1]\n- brass [2]\n") == [
        ("Two parts.", ()),
        ("Glass.", (1,)),
        ("Brass.", (2,)),
    ]


def test_a_sentence_is_ready_as_soon_as_the_next_begins() -> None:
    stream = SpeechStream(2)
    assert stream.feed("Bees dance [1]. ") == []
    assert [s.text for s in stream.feed("T")] == ["Bees dance."]


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("It has 3.", []),
        ("Bees dance [1]. It has 3", ["Bees dance."]),
        ("Bees dance. [1]", ["Bees dance."]),
        ("Foo [1", []),
    ],
)
def test_what_was_cut_off_is_not_spoken(text: str, spoken: list[str]) -> None:
    assert [s for s, _ in sentences(text, finished=False)] == spoken


def test_a_word_without_an_end_is_given_up() -> None:
    assert [s for s, _ in sentences("x" * (LONGEST + 1) + ". Bees dance.")] == ["Bees dance."]


PIECES = st.lists(
    st.sampled_from(
        ["Bees dance", ".", " ", "\n", "[1]", "[2", "]", "(3)", "(", "【1†s】", "<think>", "</think>", "<", "```\n",
         "|", "- ", "1. ", "3.5", "Dr. ", "**", "According to ", "and ", "# ", "It", "\u2028", "é", "[1, 2]", "?",
         "\"", "NO_ANSWER"]
    ),
    max_size=40,
)  # fmt: skip


@given(PIECES, st.data())
def test_the_cut_does_not_matter(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    stream = SpeechStream(3)
    found = [s for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True) for s in stream.feed(text[a:b])]
    found += stream.close(True)
    assert [(s.text, s.cited) for s in found] == sentences(text, passages=3)


@given(PIECES)
def test_no_marker_is_ever_spoken(pieces: list[str]) -> None:
    for spoken, cited in sentences("".join(pieces), passages=3):
        assert not re.search(r"\[\d|【|</?think|```", spoken)
        assert set(cited) <= {1, 2, 3}
        assert re.search(r"\w", spoken)


@given(st.text(max_size=300))
def test_any_text_does(text: str) -> None:
    sentences(text)
