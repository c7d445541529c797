from __future__ import annotations

import gzip
import io

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from services.rag_llm.chunks import Block, passages
from services.rag_llm.readers.limits import DEFAULT_LIMITS, Limits, Unreadable
from services.rag_llm.readers.web_archive import blocks

WET = "Home\nAbout us\nThe old mill\nThe mill was built in 1850 and ground corn.\nOpen: daily\nVisit the mill shop.\n"
PAGE = "<html><head><title>The mill</title></head><body><nav>Home</nav><p>Built in 1850.</p></body></html>"


class Archive:
    """Records of an archive, one after the other."""

    def __init__(self, packed: bool = False) -> None:
        self._file = io.BytesIO()
        self._writer = WARCWriter(self._file, gzip=packed)

    def text(self, address: str, text: bytes, kind: str = "conversion") -> Archive:
        record = self._writer.create_warc_record(
            address, kind, payload=io.BytesIO(text), warc_content_type="text/plain", length=len(text)
        )
        self._writer.write_record(record)
        return self

    def page(self, address: str, body: bytes, kind: str, status: str = "200 OK", **headers: str) -> Archive:
        named = [("Content-Type", kind), *((name.replace("_", "-"), value) for name, value in headers.items())]
        record = self._writer.create_warc_record(
            address,
            "response",
            payload=io.BytesIO(body),
            http_headers=StatusAndHeaders(status, named, protocol="HTTP/1.1"),
        )
        self._writer.write_record(record)
        return self

    @property
    def data(self) -> bytes:
        return self._file.getvalue()


def read(data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Block]:
    return list(blocks(data, limits))


@pytest.mark.parametrize("packed", [False, True])
def test_pages_of_text_stand_under_their_address(packed: bool) -> None:
    archive = Archive(packed).text("http://www.mill.org/a/", WET.encode()).text("https://b.org/?x=1", b"Two.\n\nThree.")
    assert [(b.headings, b.first, b.text) for b in read(archive.data)] == [
        (("mill.org/a",), 4, "The mill was built in 1850 and ground corn."),
        (("mill.org/a",), 5, "Open: daily"),
        (("mill.org/a",), 6, "Visit the mill shop."),
        (("b.org/?x=1",), 1, "Two."),
        (("b.org/?x=1",), 3, "Three."),
    ]
    assert passages("a.wet", read(archive.data))[0].place == "mill.org/a, lines 4 to 6"


def test_an_archive_packed_as_a_whole_is_read_too() -> None:
    archive = Archive().text("http://a.org/", b"One.").text("http://b.org/", b"Two.")
    assert [b.text for b in read(gzip.compress(archive.data))] == ["One.", "Two."]


def test_pages_are_read_and_other_responses_are_not() -> None:
    archive = (
        Archive()
        .page("http://a.org/", PAGE.encode("utf-16"), "text/html; charset=utf-16")
        .page("http://a.org/r", "Straße".encode("latin-1"), "text/plain; charset=ISO-8859-1")
        .page("http://a.org/g", gzip.compress(b"<h1>Top</h1><p>Packed.</p>"), "TEXT/HTML", Content_Encoding="gzip")
        .page("http://a.org/no", PAGE.encode(), "text/html", status="404 Not Found")
        .page("http://a.org/p", b"\x89PNG", "image/png")
        .page("http://a.org/b", bytes(range(256)), "text/plain")
        .text("http://a.org/q", b"GET / HTTP/1.1", "metadata")
        .text("http://a.org/s", b"A resource.", "resource")
    )
    assert [(b.headings, b.text) for b in read(archive.data)] == [
        (("The mill",), "Built in 1850."),
        (("a.org/r",), "Straße"),
        (("Top",), "Packed."),
        (("a.org/s",), "A resource."),
    ]


@pytest.mark.parametrize(
    "data", [b"", b"no archive", gzip.compress(b"no archive"), b"\x1f\x8b", b"\x1f\x8b\x08\x00damage"]
)
def test_another_file_is_no_archive(data: bytes) -> None:
    try:
        assert read(data) == []
    except Unreadable as error:
        assert "no web archive" in str(error)  # noqa: PT017


def test_an_archive_cut_off_is_named() -> None:
    data = Archive(packed=True).text("http://a.org/", b"One." * 9).text("http://b.org/", b"Two." * 1000).data
    with pytest.raises(Unreadable, match="damaged"):
        read(data[:-10])


def test_a_bomb_is_left_alone() -> None:
    data = gzip.compress(Archive().text("http://a.org/", b"many words " * 1_000_000).data)
    with pytest.raises(Unreadable, match="gzip bomb"):
        read(data, Limits(unpacked_bytes=1_000_000))


def test_records_are_bounded() -> None:
    archive = Archive()
    for _ in range(5):
        archive.text("http://a.org/", b"One.")
    assert len(read(archive.data, Limits(records=5))) == 5
    with pytest.raises(Unreadable, match="more than 4 records"):
        read(archive.data, Limits(records=4))
