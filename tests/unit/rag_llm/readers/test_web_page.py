from __future__ import annotations

from contextlib import suppress

import pytest

from services.rag_llm.chunks import Block, passages
from services.rag_llm.readers.limits import DEFAULT_LIMITS, Unreadable
from services.rag_llm.readers.web_page import blocks, page_blocks

PROSE = "<p>These are enough words of plain prose to be what this page is about, and so it is kept as it stands.</p>"


def read(html: str) -> list[Block]:
    return list(page_blocks(html, DEFAULT_LIMITS))


def texts(html: str) -> list[str]:
    return [block.text for block in read(html)]


def test_blocks_carry_headings_and_lines() -> None:
    html = "<title>T</title>\n<h1>Top</h1>\n<p>One\n<b>bold</b>\nend.</p>\n<h2>Part</h2>\n<div>Two.</div>\n"
    assert [(b.headings, b.first, b.last, b.text) for b in read(html)] == [
        (("Top",), 3, 5, "One bold end."),
        (("Top", "Part"), 7, 7, "Two."),
    ]


def test_the_title_stands_in_for_a_missing_heading() -> None:
    assert read("<title> My\n page </title><p>Words.</p>")[0].headings == ("My page",)
    assert read("<header><h1>Site</h1><p>slogan</p></header><p>Words.</p>")[0].headings == ("Site",)
    assert [b.headings for b in page_blocks("<p>Words.</p>", DEFAULT_LIMITS, "name")] == [("name",)]


@pytest.mark.parametrize(
    "other",
    [
        "<nav><p>No</p></nav>",
        "<header>No</header>",
        "<footer>No</footer>",
        "<aside>No</aside>",
        "<script>No</script>",
        "<style>No</style>",
        "<noscript>No</noscript>",
        "<template><p>No</p></template>",
        "<form><p>No</p><input value=No></form>",
        "<button>No</button>",
        "<p hidden>No</p>",
        "<p aria-hidden=true>No</p>",
        "<p style='color: red; display : none'>No</p>",
        "<div role=dialog>No</div>",
        "<div role='navigation'>No</div>",
        "<div class='x cookie-banner'>No</div>",
        "<div id=onetrust-consent-sdk>No</div>",
        "<div class=site-footer>No</div>",
        "<div id=menu><a href=/>No</a> <a href=/>No</a></div>",
        "<ul><li><a>No</a><li><a>No</a><li><a>No</a></ul>",
        "<pre>No</pre>",
        "<pre><code>No</code></pre>",
        "<p><a>Read more</a></p>",
        "<svg><text>No</text></svg>",
        "<!-- No -->",
    ],
)
def test_what_is_not_content_is_left_out(other: str) -> None:
    assert texts(f"<body>{other}{PROSE}</body>") == texts(PROSE)


@pytest.mark.parametrize(
    "kept",
    [
        "<div id=menu><p>Soup for 5 pounds</p></div>",
        "<ul><li>Soup</li><li>Bread</li><li>Cheese</li></ul>",
        "<p hidden=until-found>Soup</p>",
        "<p class=cookie-recipe>Soup</p>",
    ],
)
def test_what_only_looks_like_boilerplate_is_kept(kept: str) -> None:
    assert any("Soup" in text for text in texts(f"<body>{kept}{PROSE}</body>"))


def test_a_page_wrapped_in_a_form_or_in_a_menu_is_still_read() -> None:
    assert texts(f"<form>{PROSE}<select><option>No</select></form>") == texts(PROSE)
    assert texts(f"<div class=site-footer>{PROSE}</div>") == texts(PROSE)


def test_main_is_taken_where_there_is_one() -> None:
    assert texts(f"<div>Elsewhere</div><main>{PROSE}</main>") == texts(PROSE)
    assert texts(f"<main></main>{PROSE}") == texts(PROSE)


def test_lists_definitions_and_questions() -> None:
    html = (
        "<p>You need:</p><ul><li>a boat<li>oars<ol><li>long</ol></ul>"
        "<dl><dt>Depth</dt><dd>5 m.</dd><dt>Can I swim?</dt><dd>Yes.</dd></dl>"
        "<details><summary>Is it far?</summary><p>No.</p></details><p>End.</p>"
    )
    assert [(b.text, b.part, b.headings) for b in read(html)] == [
        ("You need:", "text", ()),
        ("a boat", "item", ()),
        ("oars", "item", ()),
        ("long", "item", ()),
        ("Depth: 5 m.", "text", ()),
        ("Can I swim? Yes.", "text", ()),
        ("No.", "text", ("Is it far?",)),
        ("End.", "text", ()),
    ]
    (first, *_) = passages("a.html", read(html))
    assert first.sentences[0] == "You need: a boat, oars and long."


def test_paragraphs_made_of_line_breaks() -> None:
    assert texts("<div>One<br>line.<br><br>Two.<span> Three.</span></div>") == ["One line.", "Two. Three."]


def test_raised_and_lowered_signs() -> None:
    assert texts("<p>25 m<sup>2</sup> of CO<sub>2</sub> on the 1<sup>st</sup></p>") == ["25 m² of CO2 on the 1st"]
    assert texts('<p>It is<sup><a href="#n">[1]</a></sup> so<sup class="reference">2</sup>.</p>') == ["It is so."]


def test_a_table_is_read_by_row_under_its_caption() -> None:
    html = """<h1>Hotel</h1>
<table><caption>Prices</caption>
<thead><tr><th rowspan=2>Room<th colspan=2>Price</tr><tr><th>Summer<th>Winter</tr></thead>
<tr><td>Single<td>80<td rowspan=2>60</tr>
<tr><td>Double<td>120<br>130</tr>
</table><p>After.</p>"""
    first, second, after = read(html)
    assert first.text == "Room: Single; Price Summer: 80; Price Winter: 60"
    assert second.text == "Room: Double; Price Summer: 120, 130; Price Winter: 60"
    assert first.headings == ("Hotel", "Prices")
    assert (second.part, second.first) == ("row", 5)
    assert after.headings == ("Hotel",)


def test_tables_of_names_and_values_have_no_columns() -> None:
    assert texts("<table><tr><th>Phone<td>12<tr><th>Fax<td>34</table>") == ["Phone: 12", "Fax: 34"]
    assert texts("<table><tr><td>Phone<td>12<tr><td>Fax<td>34</table>") == ["Phone: 12", "Fax: 34"]


def test_a_table_that_arranges_the_page_is_read_as_the_page() -> None:
    assert texts("<table><tr><td><h2>A</h2><p>One.</p><td><p>Two.</p></table>") == ["One.", "Two."]
    assert texts("<table><tr><td><table><tr><th>a<th>b<tr><td>1<td>2</table></table>") == ["a: 1; b: 2"]


def test_a_span_beyond_measure_is_bounded() -> None:
    (row,) = read("<table><tr><th colspan=999999>a<th>b<tr><td rowspan=999999>1<td>2</table>")
    assert row.text == "a: 1; a: 2"


def test_a_page_of_preformatted_text_is_a_text() -> None:
    html = "<title>Letter</title><body><pre>\nBEES\n\nOne line\nand another.\n</pre></body>"
    assert [(b.text, b.headings) for b in read(html)] == [("One line and another.", ("Letter", "BEES"))]


@pytest.mark.parametrize(
    "head", ['<meta charset="koi8-r">', "<meta http-equiv=Content-Type content='text/html; charset=koi8-r'>"]
)
def test_the_declared_encoding_is_used(head: str) -> None:
    assert [b.text for b in blocks(f"{head}<p>Пчёлы живут</p>".encode("koi8-r"), DEFAULT_LIMITS)] == ["Пчёлы живут"]


def test_lines_beyond_what_the_parser_counts_are_still_near() -> None:
    last = read("<p>x</p>\n" * 70_000 + "<p>end</p>")[-1]
    assert last.first <= 70_001 <= last.last
    assert last.last - last.first < 10


@pytest.mark.parametrize("deep", ["<ul><li>", "<table><tr><td>", "<a><span>", "<h1><b>"])
def test_other_nesting_ends_as_well(deep: str) -> None:
    with suppress(Unreadable):
        read(deep * 5_000 + "x")


def test_100_000_nested_elements_are_refused_in_words() -> None:
    with pytest.raises(Unreadable, match="nested more than 256 deep"):
        read("<div>" * 100_000 + "x")


def test_entities_of_a_document_type_are_not_expanded() -> None:
    html = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/hostname'><!ENTITY b 'boom'>]><html><p>Said &a;&b;.</p></html>"
    assert not any("boom" in text for text in texts(html)[1:])


@pytest.mark.parametrize("html", ["", " ", "<", "<!-- x -->", "<p></p>", "\0"])
def test_nothing_is_nothing(html: str) -> None:
    assert [text for text in texts(html) if any(c.isalnum() for c in text)] == []
