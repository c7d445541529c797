from __future__ import annotations

from services.rag_llm.chunks import markdown_blocks, passages, plain, text_blocks


def test_a_passage_carries_its_headings_and_lines() -> None:
    text = "# Top\n\nFirst words here.\n\n## Part\n\nSecond words\nand more.\n\nThird words.\n"
    first, second = passages("a.md", markdown_blocks(text))
    assert (first.headings, first.first_line, first.last_line) == (("Top",), 3, 3)
    assert (second.headings, second.first_line, second.last_line) == (("Top", "Part"), 7, 10)
    assert second.sentences == ("Second words and more.", "Third words.")
    assert second.place == "Top, Part, lines 7 to 10"
    assert first.place == "Top, line 3"


def test_a_heading_of_the_same_level_replaces_the_former_and_what_was_below_it() -> None:
    text = "# A\n\n## B\n\n### C\n\nOne.\n\n## D\n\nTwo.\n"
    assert [p.headings for p in passages("a.md", markdown_blocks(text))] == [("A", "B", "C"), ("A", "D")]


def test_underlined_headings_front_matter_and_code_are_understood() -> None:
    text = "---\ntitle: x\n---\nTitle\n=====\n\nSaid.\n\n```\ncode is not said\n```\n\nAlso said.\n"
    blocks = list(markdown_blocks(text))
    assert [b.text for b in blocks] == ["Said.", "Also said."]
    assert {b.headings for b in blocks} == {("Title",)}


def test_list_items_and_table_rows_are_blocks_of_their_own() -> None:
    text = "- one thing\n- another thing\n\n| name | size |\n|---|---|\n| hive | large |\n"
    assert [b.text for b in markdown_blocks(text)] == ["one thing", "another thing", "name: hive; size: large"]


def test_inline_marks_are_removed_and_underscores_inside_words_kept() -> None:
    assert (
        plain("**Bold** and `code` in [a link](http://x) of rag_llm_x ![pic](y.png)")
        == "Bold and code in a link of rag_llm_x pic"
    )


def test_long_paragraphs_are_cut_between_sentences_and_short_ones_joined() -> None:
    sentence = "This sentence has exactly seven words here."
    long = passages("a.txt", text_blocks(" ".join([sentence] * 40)), words=50)
    assert all(len(p.text.split()) <= 50 for p in long)
    assert sum(len(p.sentences) for p in long) == 40
    assert len(passages("a.txt", text_blocks(f"{sentence}\n\n{sentence}\n"), words=50)) == 1


def test_plain_text_knows_paragraphs_and_their_lines() -> None:
    blocks = list(text_blocks("one\ntwo\n\n\nthree\n"))
    assert [(b.text, b.first_line, b.last_line) for b in blocks] == [("one two", 1, 2), ("three", 5, 5)]
