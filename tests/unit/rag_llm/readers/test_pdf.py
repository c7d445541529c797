from __future__ import annotations

import zlib

import pytest

from services.rag_llm.chunks import Block
from services.rag_llm.readers.limits import DEFAULT_LIMITS, Limits, Unreadable
from services.rag_llm.readers.pdf import blocks
from tests.unit.rag_llm.readers.pdfs import Pdf, Sheet, Text, column

PROSE = [
    "The old mill stands at the bend of the river and was built in 1850 by two",
    "brothers from the north. It ground corn for the whole val-",
    "ley until the railway came. It is well-",
    "known and its wheel still turns. A well-known mill.",
]
PARAGRAPH = (
    "The old mill stands at the bend of the river and was built in 1850 by two brothers from the north. "
    "It ground corn for the whole valley until the railway came. It is well-known and its wheel still turns. "
    "A well-known mill."
)


def read(pdf: Pdf, limits: Limits = DEFAULT_LIMITS) -> list[Block]:
    return list(blocks(pdf.data(), limits))


def one(*texts: Text, title: str = "", password: str | None = None) -> Pdf:
    return Pdf([Sheet(texts)], title=title, password=password)


def test_lines_become_paragraphs_and_cut_words_whole() -> None:
    (block,) = read(one(*column(PROSE), title="The mill"))
    assert (block.text, block.headings, block.unit, block.first, block.last) == (PARAGRAPH, ("The mill",), "page", 1, 1)


def test_a_wider_gap_or_an_indented_line_begins_a_paragraph() -> None:
    apart = read(one(*column(PROSE), *column(PROSE, y=680)))
    assert [b.text for b in apart] == [PARAGRAPH, PARAGRAPH]
    indented = read(one(*column(PROSE), Text(90, 692, PROSE[0]), *column(PROSE[1:], y=680)))
    assert [b.text for b in indented] == [PARAGRAPH, PARAGRAPH]


def test_a_paragraph_may_run_over_a_page() -> None:
    first, second = Sheet(column(PROSE[:2], y=80)), Sheet([*column(PROSE[2:]), Text(72, 600, "On the next page.")])
    assert [(b.text, b.first) for b in read(Pdf([first, second]))] == [(PARAGRAPH, 1), ("On the next page.", 2)]


def test_columns_are_read_one_after_the_other() -> None:
    left = column(["The left column is", "read to its end, and", "then the"], y=700)
    right = column(["right one is read", "to its end."], x=320, y=700)
    assert [b.text for b in read(one(*left, *right))] == [
        "The left column is read to its end, and then the right one is read to its end."
    ]


def test_running_heads_and_page_numbers_are_dropped() -> None:
    def sheet(number: int) -> Sheet:
        return Sheet(
            [
                Text(72, 816, "By the millers"),
                Text(72, 800, f"Mill handbook, chapter {number // 3}"),
                Text(500, 800, f"{number + 6} / 99"),
                Text(72, 760, f"Chapter {number}", 20),
                *column(PROSE, y=700),
                Text(290, 30, f"- {number} -"),
            ]
        )

    found = read(Pdf([sheet(n) for n in range(1, 7)]))
    assert [b.text for b in found] == [PARAGRAPH] * 6
    assert [b.headings for b in found] == [(f"Chapter {n}",) for n in range(1, 7)]


def test_lines_set_larger_are_headings_by_their_size() -> None:
    texts = [Text(72, 780, "The mill", 24), Text(72, 740, "Its history", 16), *column(PROSE, y=700)]
    texts += [Text(72, 640, "Its wheel", 16), Text(72, 620, "How it turns", 10, "bold"), *column(PROSE, y=600)]
    assert [b.headings for b in read(one(*texts))] == [
        ("The mill", "Its history"),
        ("The mill", "Its wheel", "How it turns"),
    ]


def test_the_outline_gives_the_headings_when_there_is_one() -> None:
    first = Sheet([Text(72, 780, "1. Its history", 16), *column(PROSE, y=740)])
    second = Sheet(
        [*column(PROSE, y=780), Text(72, 700, "Water", 11, "bold"), *column(PROSE, y=680), *column(PROSE, y=300)]
    )
    outline = [(1, "Its history", 1, 800), (2, "Water", 2, 720), (1, "An unseen title", 2, 320)]
    assert [(b.headings, b.first) for b in read(Pdf([first, second], outline, "Title"))] == [
        (("Its history",), 1),
        (("Its history",), 2),
        (("Its history", "Water"), 2),
        (("An unseen title",), 2),
    ]


@pytest.mark.parametrize("title", ["Microsoft Word - ", "untitled", "report.docx", "..."])
def test_a_title_that_only_names_a_file_is_none(title: str) -> None:
    assert read(one(*column(PROSE), title=title))[0].headings == ()


def test_items_are_found_wherever_their_bullets_are_drawn() -> None:
    texts = [
        Text(72, 740, "You need:"),
        Text(90, 724, "a boat with"),
        Text(90, 712, "two oars"),
        Text(90, 700, "a map"),
    ]
    bullets = [Text(76, 724, "\u2022"), Text(76, 700, "\u2022")]
    numbered = [Text(72, 660, "1."), Text(90, 660, "Row."), Text(72, 648, "2. Rest.")]
    assert [(b.text, b.part) for b in read(one(*texts, *bullets, *numbered))] == [
        ("You need:", "text"),
        ("a boat with two oars", "item"),
        ("a map", "item"),
        ("Row.", "item"),
        ("Rest.", "item"),
    ]


def test_what_stands_in_columns_is_a_table() -> None:
    rows = [("Room", "Summer", "Winter"), ("Single", "\u00a380", "\u00a360"), ("Double", "\u00a3120", "\u00a390")]
    table = [Text(72 + 120 * n, 700 - 16 * m, cell) for m, row in enumerate(rows) for n, cell in enumerate(row)]
    texts = [
        *column(PROSE, y=780),
        Text(72, 720, "Table 3. Prices"),
        *table,
        Text(300, 656, "or less"),
        *column(PROSE, y=600),
    ]
    found = read(one(*texts, title="T"))
    assert [(b.text, b.part, b.headings) for b in found[1:-1]] == [
        ("Room: Single; Summer: £80; Winter: £60", "row", ("T", "Table 3. Prices")),
        ("Room: Double; Summer: £120; Winter: £90 or less", "row", ("T", "Table 3. Prices")),
    ]
    assert found[-1].headings == ("T",)


def test_code_is_left_out_unless_all_is_set_like_it() -> None:
    code = [Text(72, 600, "x = 1", 10, "fixed")]
    assert [b.text for b in read(one(*column(PROSE), *code))] == [PARAGRAPH]
    assert [b.text for b in read(one(*code))] == ["x = 1"]


def test_a_table_of_contents_is_left_out() -> None:
    assert [b.text for b in read(one(*column(PROSE), Text(72, 600, "1.2 The wheel . . . . . . . . 12")))] == [PARAGRAPH]


def test_a_raised_number_is_kept_raised() -> None:
    (block,) = read(one(Text(72, 700, "It has 25 m", 12), Text(137, 705, "2", 7), Text(145, 700, "of room.", 12)))
    assert block.text == "It has 25 m² of room."


def test_pictures_of_text_are_named() -> None:
    with pytest.raises(Unreadable, match="pictures of text only; run it through an OCR program first"):
        read(Pdf([Sheet(picture=True), Sheet([Text(72, 30, "1")], picture=True)]))
    assert read(Pdf([Sheet()])) == []
    assert len(read(Pdf([Sheet(picture=True), Sheet([*column(PROSE)], picture=True)]))) == 1


def test_encryption_without_a_user_password_is_no_hindrance() -> None:
    assert [b.text for b in read(one(*column(PROSE), password=""))] == [PARAGRAPH]


def test_a_password_is_named() -> None:
    with pytest.raises(Unreadable, match="protected by a password; save a copy without one"):
        read(one(*column(PROSE), password="secret"))


@pytest.mark.parametrize(
    "data", [b"%PDF-1.7", b"%PDF-1.7\n" + b"\0" * 5000, b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj"]
)
def test_a_damaged_file_is_named(data: bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        list(blocks(data, DEFAULT_LIMITS))


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_file_cut_off_is_read_in_part_or_named(share: float) -> None:
    data = Pdf([Sheet(column(PROSE))] * 3).data()
    try:
        found = list(blocks(data[: int(len(data) * share)], DEFAULT_LIMITS))
        assert all(block.text == PARAGRAPH for block in found)
    except Unreadable as error:
        assert "damaged" in str(error)  # noqa: PT017


def test_pages_and_characters_are_bounded() -> None:
    book = Pdf([Sheet(column(PROSE))] * 5)
    with pytest.raises(Unreadable, match="5 pages, more than 4; split it"):
        read(book, Limits(pages=4))
    with pytest.raises(Unreadable, match="characters of text; split it"):
        read(book, Limits(characters=500))


def test_a_page_packed_beyond_belief_ends() -> None:
    packed = zlib.compress(b"BT /regular 10 Tf 72 700 Td (boom) Tj ET\n" * 50_000)
    assert len(packed) < 50_000
    found = read(Pdf([Sheet(packed=packed)]))
    assert len(found) <= 1
