from __future__ import annotations

import zipfile

import pytest

from services.rag_llm.readers.limits import DEFAULT_LIMITS, Limits, Unreadable
from services.rag_llm.readers.zipped import Container, xml
from tests.unit.rag_llm.readers.containers import lying, unzipped, zipped

PARTS = {"a.xml": b"<a/>", "b/picture.png": b"p" * 1000, "b/c.xml": b"<c>text</c>"}


def test_parts_are_found_and_others_emptied() -> None:
    container = Container(zipped(PARTS), DEFAULT_LIMITS)
    assert container.part("b/c.xml") == b"<c>text</c>"
    assert "a.xml" in container
    assert "../a.xml" not in container
    copy = unzipped(container.repacked(lambda name: name.endswith(".xml")).getvalue())
    assert copy == {**PARTS, "b/picture.png": b""}


def test_a_missing_part_is_named() -> None:
    with pytest.raises(Unreadable, match="there is no x.xml"):
        Container(zipped(PARTS), DEFAULT_LIMITS).part("x.xml")


@pytest.mark.parametrize("size", [0, 10, 3_000, 4_000_000_000])
def test_what_a_part_says_of_its_size_is_not_believed(size: int) -> None:
    honest = zipped({"a.xml": b"0123456789" * 100_000})
    container = Container(lying(honest, "a.xml", size), Limits(unpacked_bytes=2_000_000))
    with pytest.raises(Unreadable, match="damaged|far more"):
        container.part("a.xml")


def test_many_parts_together_are_bounded() -> None:
    container = Container(zipped({f"{n}.xml": b"x" * 1000 for n in range(10)}), Limits(unpacked_bytes=5_000))
    with pytest.raises(Unreadable, match="far more than a document holds"):
        container.repacked(lambda name: True)
    with pytest.raises(Unreadable, match="more than 9 parts"):
        Container(zipped({f"{n}.xml": b"x" for n in range(10)}), Limits(entries=9))


def test_one_part_packed_beyond_belief_is_refused() -> None:
    container = Container(zipped({"a.xml": bytes(60_000_000)}), DEFAULT_LIMITS)
    with pytest.raises(Unreadable, match="ZIP bomb"):
        container.part("a.xml")


@pytest.mark.parametrize("cut", [1, 30, 100, 200])
def test_a_container_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(Unreadable, match="damaged or cut off"):
        Container(zipped(PARTS)[:-cut], DEFAULT_LIMITS)


def test_damage_inside_a_part_is_found() -> None:
    data = bytearray(zipped(PARTS, zipfile.ZIP_STORED))
    data[data.index(b"text")] ^= 1
    with pytest.raises(Unreadable, match="damaged"):
        Container(bytes(data), DEFAULT_LIMITS).part("b/c.xml")


def test_a_password_is_named() -> None:
    data = bytearray(zipped(PARTS))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + offset] |= 1
    with pytest.raises(Unreadable, match="password"):
        Container(bytes(data), DEFAULT_LIMITS)


def test_xml_is_read_without_entities_or_files() -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE a [<!ENTITY l0 "lol">{lol}]><a>&l9;</a>'
    assert len("".join(xml(bomb.encode()).itertext())) < 100
    outside = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>so: &x;</a>'
    assert "root" not in "".join(xml(outside.encode()).itertext())
    remote = '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a>text</a>'
    assert xml(remote.encode()).text == "text"


@pytest.mark.parametrize("data", [b"", b"no xml", b"\0\0"])
def test_what_is_no_xml_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        xml(data)
