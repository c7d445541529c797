from __future__ import annotations

import hashlib
import os
import random
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.rag_llm import documents
from services.rag_llm.documents import READERS, Source
from services.rag_llm.readers.limits import DEFAULT_LIMITS, Limits, Unreadable
from tests.unit.rag_llm.readers.containers import epub, word
from tests.unit.rag_llm.readers.pdfs import Pdf, Sheet, column

SMALL = Limits(file_bytes=100_000, unpacked_bytes=1_000_000, entries=100, characters=100_000, pages=20, records=50)
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def source(folder: Path, name: str, data: bytes) -> Source:
    (folder / name).write_bytes(data)
    return Source(folder / name, name)


def refusal(found: Source, limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(Unreadable) as raised:
        documents.read(found, limits)
    said = str(raised.value)
    assert said
    assert "\n" not in said
    return said


def test_a_document_carries_its_digest(tmp_path: Path) -> None:
    found = source(tmp_path, "a.md", b"# A\n\nWords.")
    document = documents.read(found, DEFAULT_LIMITS)
    assert document.digest == documents.digest(found, 1000) == hashlib.sha256(b"# A\n\nWords.").hexdigest()
    assert (document.name, document.blocks[0].headings) == ("a.md", ("A",))


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.MD", ".md"),
        ("a.warc.gz", ".warc.gz"),
        ("a.b.wet.GZ", ".wet.gz"),
        ("a.tar.gz", ".gz"),
        ("a", ""),
        (".md", ""),
    ],
)
def test_the_suffix_chooses_the_reader(name: str, suffix: str) -> None:
    assert documents.suffix(f"/some/folder/{name}") == suffix


def test_every_kind_has_a_reader_that_reads_it(tmp_path: Path) -> None:
    pdf = Pdf([Sheet(column(["Words on a page."]))]).data()
    head = b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\nContent-Length: 23\r\n\r\n"
    warc = head + b"Some words on one line.\r\n\r\n"
    samples = {".pdf": pdf, ".docx": word("Words."), ".epub": epub({"a": "<p>Words.</p>"}), ".warc": warc, ".wet": warc}
    for suffix in READERS:
        document = documents.read(
            source(tmp_path, f"a{suffix}", samples.get(suffix.removesuffix(".gz"), b"Words.")), SMALL
        )
        assert "ords" in document.blocks[0].text, suffix


def test_kinds_that_are_not_read_take_one_line_each() -> None:
    paths = [f"/x/{n}.png" for n in range(12)] + ["/x/a.PNG", "/x/b.doc", "Makefile", "/x/c.xlsx", "/x/d.xlsx"]
    assert documents.not_read(paths) == [
        "1 file without a suffix is not read",
        "1 .doc file is not read; save it as DOCX",
        "13 .png files are not read",
        "2 .xlsx files are not read; save them as CSV",
    ]


def test_an_empty_file_and_one_without_words_are_named(tmp_path: Path) -> None:
    assert refusal(source(tmp_path, "a.md", b"")) == "the file is empty"
    assert refusal(source(tmp_path, "b.md", b"# \n\n---\n")) == "it holds no sentences"
    assert refusal(source(tmp_path, "c.csv", b"\n\n\n")) == "it holds no sentences"


def test_a_file_that_is_too_large_is_not_even_opened(tmp_path: Path) -> None:
    large = tmp_path / "a.txt"
    with large.open("wb") as file:
        file.truncate(1_000_000_000)
    said = refusal(Source(large, "a.txt"))
    assert said == "it is larger than 100 MB; split it, or raise FLASHBACK_RAG_LLM_MAX_FILE_MB"
    with pytest.raises(Unreadable, match="larger than 100 MB"):
        documents.digest(Source(large, "a.txt"), DEFAULT_LIMITS.file_bytes)


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.md"))
        for path in (tmp_path / "pipe.txt", tmp_path / "socket.md", tmp_path, Path("/dev/zero")):
            with pytest.raises(Unreadable, match="no regular file"):
                documents.digest(Source(path, path.name), 1000)


def test_links_that_lead_nowhere_or_in_circles_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken.md").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle.md").symlink_to(tmp_path / "circle.md")
    assert refusal(Source(tmp_path / "broken.md", "x")) == "it is gone, or a link that leads nowhere"
    assert "symbolic links" in refusal(Source(tmp_path / "circle.md", "x"))


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    found = source(tmp_path, "a.md", b"Words.")
    monkeypatch.setattr("services.rag_llm.documents.os.open", forbidden)
    assert refusal(found) == "the service may not read it; change its permissions"


def test_a_file_that_changed_is_left_for_later(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="changed while it was being read"):
        documents.read(source(tmp_path, "a.md", b"Words."), DEFAULT_LIMITS, "0" * 64)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.pdf", PNG, "it is a PNG picture, not a PDF, whatever its name says"),
        ("a.pdf", b"Words.", "it is something else, not a PDF, whatever its name says"),
        ("a.docx", b"%PDF-1.7", "it is a PDF, not a Word document (DOCX), whatever its name says"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0",
            "it is an old or password-protected Office document; save it as DOCX",
        ),
        ("a.epub", b"<html>", "it is something else, not an EPUB"),
        ("a.txt", PNG, "it is a PNG picture, no text; give it the suffix of what it is"),
        ("a.csv", b"PK\x03\x04\x14\0\0\0", "it is a ZIP archive or office document, no text"),
        ("a.md", b"{\\rtf1 Words.}", "it is an RTF document, no text"),
        ("a.html", b"\x1f\x8b\x08\0", "it is a gzip archive, no text"),
        ("a.txt", bytes(range(256)) * 100, "it holds binary data"),
        ("a.csv", b"a,b\n1,\0\0\n", "it holds binary data"),
        ("a.warc", b"Words.", "it is no web archive"),
    ],
)
def test_a_suffix_that_lies_is_named(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    assert refusal(source(tmp_path, name, data)).startswith(said)


@pytest.mark.parametrize(
    "text", ["GIF89a is a format of pictures.", "ID3 tags name songs.", "Rar! she said.", "BZh and so on."]
)
def test_a_text_may_begin_like_something_else(tmp_path: Path, text: str) -> None:
    assert documents.read(source(tmp_path, "a.txt", text.encode()), SMALL).blocks[0].text == text


def test_a_page_called_text_is_read_as_text(tmp_path: Path) -> None:
    assert "Words." in documents.read(source(tmp_path, "a.txt", b"<html><p>Words.</p>"), SMALL).blocks[0].text


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".csv"])
def test_one_line_of_100_mb_is_refused_without_reading_it_all(tmp_path: Path, suffix: str) -> None:
    said = refusal(source(tmp_path, f"a{suffix}", b"many words on one line " * 4_300_000))
    assert said.startswith(
        ("it holds more than 10 million", "row 1 cannot be read", "one piece of its text has more than 10")
    )


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", ".csv"])
def test_a_line_without_blanks_is_cut(tmp_path: Path, suffix: str) -> None:
    document = documents.read(source(tmp_path, f"a{suffix}", b"x" * 90_000), DEFAULT_LIMITS)
    assert all(len(sentence) <= 1001 for block in document.blocks for sentence in block.sentences)


def test_text_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    many = b"- a\n" * 10_000
    assert refusal(source(tmp_path, "a.md", many), SMALL).startswith("it holds more than 0.1 million characters")


def test_a_header_repeated_in_every_row_counts(tmp_path: Path) -> None:
    table = ",".join("n" * 70 + str(n) for n in range(100)) + "\n" + (",".join(["1"] * 100) + "\n") * 100
    assert refusal(source(tmp_path, "a.csv", table.encode()), SMALL).startswith("it holds more than")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=2000),
    suffix=st.sampled_from(sorted(READERS)),
    start=st.sampled_from(
        [b"", b"PK\x03\x04", b"%PDF-1.7\n", b"\x1f\x8b\x08\x00", b"WARC/1.0\r\n", b"<html>", b"\xff\xfe"]
    ),
)
def test_any_bytes_give_a_document_or_a_refusal(tmp_path: Path, data: bytes, suffix: str, start: bytes) -> None:
    found = source(tmp_path, f"a{suffix}", start + data or b"x")
    try:
        document = documents.read(found, SMALL)
        assert any(block.sentences for block in document.blocks)
    except Unreadable as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize("seed", range(40))
def test_damage_gives_a_document_or_a_refusal(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    samples = {
        "a.pdf": Pdf([Sheet(column(["Words on a page.", "More of them."]))] * 3, [(1, "One", 1, 700)]).data(),
        "a.docx": word("Words.", "More words."),
        "a.epub": epub({"a": "<h1>One</h1><p>Words.</p>"}),
        "a.html": b"<html><body><table><tr><th>a<th>b<tr><td>1<td>2</table><ul><li>Words</ul></body></html>",
    }
    for name, whole in samples.items():
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 30)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = chance.choice([len(data), chance.randrange(1, len(data))])
        try:
            documents.read(source(tmp_path, name, bytes(data[:cut])), SMALL)
        except Unreadable as error:
            assert str(error)  # noqa: PT017
