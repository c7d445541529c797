from __future__ import annotations

import pytest

from services.rag_llm.chunks import Block, Outline, Part, Unit, passages

SENTENCE = "This sentence has exactly seven words here."


def block(text: str, line: int = 1, part: Part = "text", headings: tuple[str, ...] = ()) -> Block:
    return Block.of(headings, "line", line, line, text, part)


def test_neighbours_of_one_heading_are_joined_and_those_of_another_are_not() -> None:
    first, second = passages("a.md", [block("One.", 3), block("Two", 5), block("Three.", 9, headings=("Part",))])
    assert (first.text, first.first, first.last) == ("One. Two.", 3, 5)
    assert first.sentences == ("One.", "Two.")
    assert (second.text, second.headings, second.place) == ("Three.", ("Part",), "Part, line 9")


@pytest.mark.parametrize(
    ("unit", "first", "last", "place"),
    [
        ("line", 4, 6, "Top, Sub, lines 4 to 6"),
        ("page", 3, 3, "Top, Sub, page 3"),
        ("row", 2, 9, "Top, Sub, rows 2 to 9"),
        ("paragraph", 7, 7, "Top, Sub, paragraph 7"),
        ("section", 1, 2, "Top, Sub, sections 1 to 2"),
    ],
)
def test_a_place_is_said_as_a_reader_would(unit: Unit, first: int, last: int, place: str) -> None:
    (passage,) = passages("a.pdf", [Block.of(("Top", "Sub"), unit, first, last, "Words.")])
    assert passage.place == place


def test_long_paragraphs_are_cut_between_sentences_as_they_are_written() -> None:
    long = passages("a.txt", [block(" ".join([SENTENCE.replace("seven", "5 kg")] * 40))], words=50)
    assert all(len(p.text.split()) <= 50 for p in long)
    assert sum(len(p.sentences) for p in long) == 40
    assert "5 kg" in long[1].text
    assert "5 kilograms" in long[1].sentences[0]


def test_a_short_list_becomes_the_end_of_the_sentence_that_introduces_it() -> None:
    items = [block("flour;", 4, "item"), block("eggs, fresh", 5, "item"), block("milk", 6, "item")]
    (passage,) = passages("a.md", [block("Cakes are good. These are needed:", 2), *items, block("Stir.", 8)])
    assert passage.sentences == ("Cakes are good.", "These are needed: flour; eggs, fresh; and milk.", "Stir.")
    assert passage.text == " ".join(passage.sentences)
    assert (passage.first, passage.last) == (2, 8)


def test_a_short_list_right_below_a_heading_is_introduced_by_it() -> None:
    items = [block(name, 2 + n, "item", ("Bakery", "Colours")) for n, name in enumerate(["red", "blue"])]
    (passage,) = passages("a.md", items)
    assert passage.sentences == ("Colours: red and blue.",)


@pytest.mark.parametrize("item", ["It is a whole sentence.", "Monday: closed", "Tom – the cook", "one word " * 7])
def test_items_that_say_something_themselves_stay_sentences(item: str) -> None:
    (passage,) = passages("a.md", [block("We know these:"), block("Eve", 2, "item"), block(item, 3, "item")])
    assert len(passage.sentences) == 3


def test_a_long_list_repeats_its_introduction_in_the_text_of_each_passage() -> None:
    items = [block(f"Step {n}: {SENTENCE}", n + 2, "item") for n in range(30)]
    found = passages("a.md", [block("The steps are these:"), *items, block("The end.", 50)], words=60)
    lists, end = found[:-1], found[-1]
    assert len(lists) > 3
    assert all(p.text.startswith("The steps are these: ") and len(p.text.split()) <= 60 for p in lists)
    assert [s for p in found for s in p.sentences].count("The steps are these.") == 1
    assert end.text == "The end."


def test_a_list_is_not_torn_from_its_introduction_by_what_stands_before_them() -> None:
    before = block(" ".join([SENTENCE] * 6))
    items = [block(f"Thing {n}: {SENTENCE}", n, "item") for n in range(3)]
    first, second = passages("a.md", [before, block("These are the things:"), *items], words=60)
    assert first.text == before.text
    assert second.text.startswith("These are the things: Thing 0")


def test_what_holds_no_words_is_no_passage() -> None:
    assert passages("a.md", [block("[12]"), block("***")]) == []


def test_text_is_kept_printable() -> None:
    odd = block("a\0b\ud800c\x07  d\n\te")
    assert odd.text == "a b c d e"


def test_an_outline_closes_what_a_heading_ends() -> None:
    outline = Outline()
    for level, title in [(1, "A"), (2, "B"), (4, "C"), (2, "D #"), (3, " ")]:
        outline.open(level, title)
    assert outline.path == ("A", "D")
    outline.open(1, "x" * 1000)
    assert [len(title) for title in outline.path] == [200]
