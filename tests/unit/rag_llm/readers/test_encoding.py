from __future__ import annotations

import codecs

import pytest

from services.rag_llm.readers.encoding import decode, lines
from services.rag_llm.readers.limits import Unreadable

GERMAN = "Der Bär saß im Garten und hörte, dass „Grüße“ – so sagt man – für 3 € zu haben sind. " * 3
RUSSIAN = "Пчёлы живут в улье и собирают мёд с цветов всё лето, пока не придёт холодная осень. " * 5


@pytest.mark.parametrize(
    "data",
    [
        GERMAN.encode(),
        codecs.BOM_UTF8 + GERMAN.encode(),
        codecs.BOM_UTF16_LE + GERMAN.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + GERMAN.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + GERMAN.encode("utf-32-le"),
        GERMAN.encode("cp1252"),
    ],
)
def test_unicode_by_its_mark_and_windows_1252_by_its_looks(data: bytes) -> None:
    assert decode(data) == GERMAN


def test_a_declared_encoding_is_tried_and_a_wrong_or_absurd_one_passed_over() -> None:
    assert decode(RUSSIAN.encode("koi8-r"), "KOI8-R") == RUSSIAN
    assert decode("Stra\xdfe".encode("latin-1"), "us-ascii") == "Straße"
    assert decode("“Straße”".encode("cp1252"), "iso-8859-1") == "“Straße”"
    for declared in ("utf-8", "rot13", "zlib", "unicode_escape", "utf-7", "nonsense", "\udcff", ""):
        assert decode("Stra\xdfe".encode("latin-1"), declared) == "Straße"


def test_another_legacy_encoding_is_found() -> None:
    assert decode(RUSSIAN.encode("cp1251")) == RUSSIAN


def test_a_text_cut_off_inside_a_character_loses_only_that() -> None:
    cut = GERMAN.encode()[: GERMAN.encode().rindex("ö".encode()) + 1]
    assert decode(cut) == GERMAN[: GERMAN.rindex("ö")] + "\ufffd"
    assert decode(codecs.BOM_UTF16_LE + GERMAN.encode("utf-16-le")[:-1])[:-1] == GERMAN[:-1]


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 20, b"abc\0def", b"\x01\x02\x03\x04\x05 text", b"\x89PNG\r\n\x1a\n\0\0"]
)
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable, match="binary"):
        decode(data)


def test_lines_are_counted_as_editors_do() -> None:
    assert lines("a\r\nb\rc\nd\x0ce\u2028f") == ["a", "b", "c", "d\x0ce\u2028f"]
