from __future__ import annotations

from services.rag_llm.readers.plain_text import text_blocks

LONG = "This line was never broken to fit a page, " * 4


def test_paragraphs_stand_between_empty_lines() -> None:
    assert [(b.text, b.first, b.last) for b in text_blocks("one\ntwo\n \n\nthree\r\n* * *\rfour")] == [
        ("one two", 1, 2),
        ("three", 5, 5),
        ("four", 7, 7),
    ]


def test_items_are_blocks() -> None:
    found = list(text_blocks("You need:\n- a boat\n  and oars\n2) a map\n"))
    assert [(b.text, b.part, b.first, b.last) for b in found] == [
        ("You need:", "text", 1, 1),
        ("a boat and oars", "item", 2, 3),
        ("a map", "item", 4, 4),
    ]


def test_underlined_numbered_and_capital_lines_are_headings() -> None:
    text = "BEES\n\nOne.\n\nThe hive\n--------\nTwo.\n\n1.2 Honey\n\nThree.\n\nChapter IV\n\nFour.\n\nNew\n===\nFive."
    assert [(b.text, b.headings) for b in text_blocks(text)] == [
        ("One.", ("BEES",)),
        ("Two.", ("BEES", "The hive")),
        ("Three.", ("BEES", "The hive", "1.2 Honey")),
        ("Four.", ("Chapter IV",)),
        ("Five.", ("New",)),
    ]


def test_a_short_line_that_could_be_a_fact_is_no_heading() -> None:
    assert [b.text for b in text_blocks("3 Bananas\n\nOpen daily\n\nNASA.\n")] == ["3 Bananas", "Open daily", "NASA."]


def test_unwrapped_lines_are_paragraphs_of_their_own() -> None:
    assert [b.first for b in text_blocks(f"Hours\n{LONG}\n{LONG}\nshort\n")] == [1, 2, 3, 4]


def test_a_text_without_empty_lines_keeps_narrow_places() -> None:
    found = list(text_blocks("\n".join(f"Line {n} ends here." for n in range(1, 101))))
    assert max(b.last - b.first for b in found) < 30
    assert [b.first for b in found][1:] == [b.last + 1 for b in found][:-1]
