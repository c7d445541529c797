from __future__ import annotations

import pytest
from docx import Document

from services.rag_llm.chunks import Block
from services.rag_llm.readers.limits import DEFAULT_LIMITS, Unreadable
from services.rag_llm.readers.word import blocks
from tests.unit.rag_llm.readers.containers import bomb, epub, saved, unzipped, word, word_with_body, zipped


def read(data: bytes) -> list[Block]:
    return list(blocks(data, DEFAULT_LIMITS))


def texts(body: str) -> list[str]:
    return [block.text for block in read(word_with_body(body))]


def test_headings_paragraphs_and_lists_in_their_order() -> None:
    document = Document()
    document.add_heading("The hotel", 0)
    document.add_paragraph("Welcome to it.")
    document.add_paragraph("  ")
    document.add_heading("Rooms", 1)
    document.add_paragraph("We have:")
    document.add_paragraph("beds", style="List Bullet")
    document.add_paragraph("baths", style="List Number 2")
    document.add_heading("Single", 2)
    document.add_paragraph("Small.")
    assert [(b.headings, b.first, b.part, b.text) for b in read(saved(document))] == [
        (("The hotel",), 2, "text", "Welcome to it."),
        (("The hotel", "Rooms"), 4, "text", "We have:"),
        (("The hotel", "Rooms"), 5, "item", "beds"),
        (("The hotel", "Rooms"), 6, "item", "baths"),
        (("The hotel", "Rooms", "Single"), 8, "text", "Small."),
    ]
    assert read(saved(document))[0].unit == "paragraph"


def test_a_table_stands_where_it_stands_under_its_caption() -> None:
    document = Document()
    document.add_paragraph("Before.")
    document.add_paragraph("Table 1. Prices", style="Caption")
    table = document.add_table(rows=3, cols=3)
    for row, cells in zip(
        table.rows, [("Room", "Summer", "Winter"), ("Single", "80", "60"), ("Double", "120", "60")], strict=True
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    table.cell(1, 2).merge(table.cell(2, 2)).text = "60"
    document.add_paragraph("After.")
    assert [(b.headings, b.first, b.text) for b in read(saved(document))] == [
        ((), 1, "Before."),
        (("Table 1. Prices",), 4, "Room: Single; Summer: 80; Winter: 60"),
        (("Table 1. Prices",), 5, "Room: Double; Summer: 120; Winter: 60"),
        ((), 6, "After."),
    ]


def test_a_table_of_two_columns_names_what_it_says() -> None:
    document = Document()
    table = document.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, [("Room", "Bed"), ("Single", "One bed")], strict=True):
        row.cells[0].text, row.cells[1].text = cells
    assert [b.text for b in read(saved(document))] == ["Room: Bed", "Single: One bed"]
    for cell in table.rows[0].cells:
        cell.paragraphs[0].runs[0].bold = True
    assert [b.text for b in read(saved(document))] == ["Room: Single; Bed: One bed"]


def test_what_word_puts_around_text_is_looked_through() -> None:
    body = (
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>Inside a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        '<w:p><w:ins w:id="1"><w:r><w:t>Added</w:t></w:r></w:ins>'
        '<w:del w:id="2"><w:r><w:delText>gone</w:delText><w:t>gone</w:t></w:r></w:del>'
        "<w:r><w:tab/><w:t>and</w:t><w:br/></w:r><w:hyperlink><w:r><w:t>linked</w:t></w:r></w:hyperlink>"
        '<w:fldSimple w:instr="PAGE"><w:r><w:t>.</w:t></w:r></w:fldSimple></w:p>'
        "<w:p><w:r><w:instrText>TOC</w:instrText></w:r></w:p>"
    )
    assert texts(body) == ["Inside a control.", "Added and linked."]


def test_text_boxes_are_read_once() -> None:
    box = "<w:txbxContent><w:p><w:r><w:t>Boxed.</w:t></w:r></w:p></w:txbxContent>"
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    body = (
        f"<w:p><w:r><w:t>Around.</w:t></w:r><w:r><mc:AlternateContent {mc}><mc:Choice Requires='wps'>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert texts(body) == ["Around.", "Boxed."]


def test_a_level_given_to_a_paragraph_makes_it_a_heading_and_contents_are_left_out() -> None:
    body = (
        '<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>Top</w:t></w:r></w:p>'
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/></w:numPr></w:pPr><w:r><w:t>An item</w:t></w:r></w:p>'
    )
    assert [(b.headings, b.part) for b in read(word_with_body(body))] == [(("Top",), "item")]
    document = Document()
    document.styles.add_style("toc 1", 1)
    document.add_paragraph("Rooms 3", style="toc 1")
    document.add_paragraph("Said.")
    assert [b.text for b in read(saved(document))] == ["Said."]


def test_headers_and_footers_are_left_out() -> None:
    document = Document()
    document.sections[0].header.paragraphs[0].text = "Company"
    document.sections[0].footer.paragraphs[0].text = "Page 1"
    document.add_paragraph("Said.")
    assert [b.text for b in read(saved(document))] == ["Said."]


def test_a_bomb_is_left_alone() -> None:
    data = bomb(word("x"), "word/document.xml", b"<w:document>", b"<w:p/>", 60)
    assert len(data) < 2_000_000
    with pytest.raises(Unreadable, match="ZIP bomb"):
        read(data)


def test_pictures_are_not_even_unpacked() -> None:
    parts = unzipped(word("Said."))
    data = zipped({**parts, "word/media/huge.bmp": bytes(60_000_000)})
    assert [b.text for b in read(data)] == ["Said."]


def test_entities_are_not_expanded() -> None:
    parts = unzipped(word("Said."))
    text = parts["word/document.xml"].decode()
    kinds = '<!DOCTYPE x [<!ENTITY a "boom"><!ENTITY b SYSTEM "file:///etc/passwd">]>'
    head, _, rest = text.partition("?>")
    parts["word/document.xml"] = f"{head}?>{kinds}{rest.replace('Said.', 'Said &a;&b;')}".encode()
    said = "".join(b.text for b in read(zipped(parts)))
    assert "boom" not in said
    assert "root" not in said


@pytest.mark.parametrize("part", ["[Content_Types].xml", "_rels/.rels", "word/document.xml", "word/styles.xml"])
@pytest.mark.parametrize("damage", [None, b"", b"<broken", b"<a/>"])
def test_a_damaged_part_costs_at_most_the_document(part: str, damage: bytes | None) -> None:
    parts = unzipped(word("Said."))
    parts = {name: data for name, data in parts.items() if name != part}
    if damage is not None:
        parts[part] = damage
    try:
        assert [b.text for b in read(zipped(parts))] in ([], ["Said."])
    except Unreadable as error:
        assert "Word document" in str(error)  # noqa: PT017


def test_a_zip_of_another_kind_is_no_word_document() -> None:
    with pytest.raises(Unreadable, match="no Word document"):
        read(epub({"a": "<p>x</p>"}))
    with pytest.raises(Unreadable, match="no Word document"):
        read(zipped({}))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Unreadable):
        read(word_with_body("<w:sdt>" * 5000 + "</w:sdt>" * 5000))
