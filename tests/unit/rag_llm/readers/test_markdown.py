from __future__ import annotations

from services.rag_llm.chunks import Block, passages
from services.rag_llm.readers.markdown import markdown_blocks


def blocks(text: str) -> list[Block]:
    return list(markdown_blocks(text))


def texts(text: str) -> list[str]:
    return [block.text for block in blocks(text)]


def test_blocks_carry_their_headings_and_lines() -> None:
    text = "# Top\n\nFirst words here.\n\n## Part\n\nSecond words\nand more.\n\nThird words.\n"
    first, second = passages("a.md", blocks(text))
    assert first.place == "Top, line 3"
    assert second.place == "Top, Part, lines 7 to 10"
    assert second.sentences == ("Second words and more.", "Third words.")


def test_a_heading_of_the_same_level_replaces_the_former_and_what_was_below_it() -> None:
    text = "# A\n\n## B\n\n### C {#c}\n\nOne.\n\n## D\n\nTwo.\n"
    assert [b.headings for b in blocks(text)] == [("A", "B", "C"), ("A", "D")]


def test_underlined_headings_are_understood_and_code_is_left_out() -> None:
    text = "Title\n=====\n\nSaid.\n\n```\ncode is not said\n\n# nor is this\n```\n\n    nor this\n\nAlso said.\n"
    assert [(b.text, b.headings) for b in blocks(text)] == [("Said.", ("Title",)), ("Also said.", ("Title",))]


def test_the_title_of_the_front_matter_stands_in_for_a_missing_top_heading() -> None:
    found = blocks('---\ntitle: "Bees"\ntags: [a]\n---\n\nWords.\n\n## Hive\n\nMore.\n')
    assert [(b.headings, b.first) for b in found] == [(("Bees",), 6), (("Bees", "Hive"), 10)]
    assert blocks("---\ntitle: x\n---\n# Bees\n\nWords.\n")[0].headings == ("Bees",)
    assert texts("---\n\nA rule before, and after\n\n---\n") == ["A rule before, and after"]


def test_list_items_and_table_rows_are_blocks_of_their_own() -> None:
    items = "- one\n  thing\n- another\n\n  more of it\n  1. deep\n\n"
    found = blocks(f"{items}| name | size |\n|---|---|\n| a \\| b | `x` |\n| c |\n")
    assert [(b.text, b.part, b.first, b.last) for b in found] == [
        ("one thing", "item", 1, 2),
        ("another", "item", 3, 3),
        ("more of it", "text", 5, 5),
        ("deep", "item", 6, 6),
        ("name: a | b; size: x", "row", 10, 10),
        ("name: c", "row", 11, 11),
    ]


def test_inline_marks_are_removed_and_underscores_inside_words_kept() -> None:
    assert texts("**Bold** and `code` in [a link](http://x 't') of rag_llm_x ![pic](y.png)[^1]") == [
        "Bold and code in a link of rag_llm_x pic"
    ]
    assert texts("so <b>b</b><br>~~gone~~ \\* &amp; <!-- c -->") == ["so b * &"]


def test_notes_tasks_badges_and_link_definitions_leave_only_their_words() -> None:
    text = "[![build](a.svg)](b)\n\n- [ ] to do\n- [x] done\n\n[^1]: A note.\n\n[ref]: http://x\n\nSee [there][ref].\n"
    assert texts(text) == ["to do", "done", "A note.", "See there."]


def test_html_inside_is_read_as_html() -> None:
    table = "<table>\n<tr><th>a</th><th>b</th></tr>\n<tr><td>1</td><td>2</td></tr>\n</table>\n"
    (row,) = blocks(f"# Top\n\n{table}\n<script>\nx\n</script>\n")
    assert (row.text, row.headings, row.first) == ("a: 1; b: 2", ("Top",), 5)


def test_a_quote_is_read_and_comments_are_not() -> None:
    assert texts("> # Said\n> by her\n\n<!-- not\n\nsaid -->\n\nEnd.\n") == ["by her", "End."]
