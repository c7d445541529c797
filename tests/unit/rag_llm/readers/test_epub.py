from __future__ import annotations

import pytest

from services.rag_llm.chunks import Block, passages
from services.rag_llm.readers.epub import blocks
from services.rag_llm.readers.limits import DEFAULT_LIMITS, Unreadable
from tests.unit.rag_llm.readers.containers import bomb, epub, unzipped, word, zipped

ONE = "<head><title>file one</title></head><body><h1>First</h1><p>One.</p><h2>Part</h2><p>Two.</p></body>"
TWO = "<body><p>Three &#8212; so &nbsp;it is.</p></body>"


def read(data: bytes) -> list[Block]:
    return list(blocks(data, DEFAULT_LIMITS))


def test_documents_are_read_in_the_order_of_the_spine() -> None:
    found = read(epub({"z": ONE, "a": TWO}))
    assert [(b.headings, b.unit, b.first, b.last, b.text) for b in found] == [
        (("First",), "section", 1, 1, "One."),
        (("First", "Part"), "section", 1, 1, "Two."),
        ((), "section", 2, 2, "Three — so it is."),
    ]
    assert passages("b.epub", found)[1].place == "First, Part, section 1"


def test_contents_covers_and_asides_are_left_out() -> None:
    manifest = (
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="cover" href="text/c.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="note" href="text/n.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="pic" href="p.png" media-type="image/png"/>'
    )
    spine = '<itemref idref="nav"/><itemref idref="cover"/><itemref idref="note" linear="no"/><itemref idref="pic"/>'
    others = {
        "OEBPS/nav.xhtml": "<html><body><nav><a href='text/a.xhtml#x'>The title</a></nav></body></html>",
        "OEBPS/text/c.xhtml": "<p>Cover</p>",
        "OEBPS/text/n.xhtml": "<p>Note</p>",
        "OEBPS/p.png": "x",
    }
    data = epub({"a": "<body><p>Said.</p></body>"}, spine, manifest, others)
    parts = unzipped(data)
    guide = b'<guide><reference type="cover" href="text/c.xhtml"/></guide></package>'
    parts["OEBPS/book.opf"] = parts["OEBPS/book.opf"].replace(b"</package>", guide)
    assert [(b.headings, b.first, b.text) for b in read(zipped(parts))] == [(("The title",), 1, "Said.")]


def test_the_old_table_of_contents_names_a_document_without_heading() -> None:
    manifest = '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    ncx = (
        "<ncx xmlns='http://www.daisy.org/z3986/2005/ncx/'><navMap>"
        "<navPoint><navLabel><text>Chapter one</text></navLabel>"
        "<content src='text/a.xhtml'/></navPoint></navMap></ncx>"
    )
    data = epub(
        {"a": "<head><title>unknown</title></head><body><p>Said.</p></body>"}, "", manifest, {"OEBPS/toc.ncx": ncx}
    )
    assert [b.headings for b in read(data)] == [("Chapter one",)]


def test_names_are_looked_up_inside_the_book_alone() -> None:
    manifest = '<item id="out" href="../../../../etc/passwd" media-type="application/xhtml+xml"/>'
    assert [b.text for b in read(epub({"a": TWO}, '<itemref idref="out"/>', manifest))] == ["Three — so it is."]


@pytest.mark.parametrize("name", ["META-INF/rights.xml", "META-INF/license.lcpl"])
def test_a_protected_book_is_named_so(name: str) -> None:
    with pytest.raises(Unreadable, match="DRM"):
        read(epub({"a": ONE}, others={name: "x"}))


def test_only_fonts_may_be_encrypted() -> None:
    def encryption(uri: str) -> dict[str, str]:
        xml = f"<encryption xmlns:e='http://www.w3.org/2001/04/xmlenc#'><e:CipherReference URI='{uri}'/></encryption>"
        return {"META-INF/encryption.xml": xml}

    assert read(epub({"a": ONE}, others=encryption("fonts/a.otf")))
    with pytest.raises(Unreadable, match="DRM"):
        read(epub({"a": ONE}, others=encryption("OEBPS/text/a.xhtml")))


def test_a_bomb_is_left_alone() -> None:
    with pytest.raises(Unreadable, match="ZIP bomb"):
        read(bomb(epub({"a": ONE}), "OEBPS/text/a.xhtml", b"<html>", b"<p>boom</p>", 100))


@pytest.mark.parametrize("part", ["META-INF/container.xml", "OEBPS/book.opf"])
@pytest.mark.parametrize("damage", [None, "", "<broken"])
def test_a_damaged_book_is_refused_in_words(part: str, damage: str | None) -> None:
    parts: dict[str, bytes | str] = {name: data for name, data in unzipped(epub({"a": ONE})).items() if name != part}
    if damage is not None:
        parts[part] = damage
    if damage == "<broken" and part == "OEBPS/book.opf":
        assert read(zipped(parts)) == []  # a package without a spine
        return
    with pytest.raises(Unreadable, match="damaged|incomplete"):
        read(zipped(parts))


def test_another_zip_is_no_book() -> None:
    with pytest.raises(Unreadable, match="incomplete"):
        read(word("x"))
