from __future__ import annotations

from pathlib import Path

import pytest

from services.rag_llm import listing
from services.rag_llm.listing import Changes, Entry, Listing


def entries(**keys: str) -> tuple[Entry, ...]:
    return tuple(Entry(f"{name}.md", f"/d/{name}.md", key, "t", 2) for name, key in keys.items())


def test_a_listing_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    known = Listing("v", "s", entries(a="1", b="2"), ("c.md: why",), ("/gone",), entries(z="9"))
    known.save(tmp_path)
    assert listing.load(tmp_path) == known
    assert known.chunks == 4


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"\xff", b'{"version": "v", "entries": [{}]}'])
def test_a_damaged_listing_is_none(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / listing.LISTING).write_bytes(damage)
    assert listing.load(tmp_path) is None


def test_changes_are_told_by_path_and_contents() -> None:
    before, after = Listing("v", "s", entries(a="1", b="2", c="3")), Listing("w", "t", entries(b="2", c="4", d="5"))
    assert listing.changes(before, after) == Changes(("d.md",), ("c.md",), ("a.md",), 1)
    assert listing.changes(None, after) == Changes(("b.md", "c.md", "d.md"), (), (), 0)


def test_another_name_for_the_same_file_is_no_change() -> None:
    before = Listing("v", "s", (Entry("a.md", "/d/a.md", "1", "t", 1),))
    after = Listing("w", "t", (Entry("d/a.md", "/d/a.md", "1", "t", 1), Entry("e/a.md", "/e/a.md", "2", "t", 1)))
    assert listing.changes(before, after) == Changes(("e/a.md",), (), (), 1)


def test_a_version_names_what_an_index_holds_and_how_it_is_searched() -> None:
    first = listing.version_of("m", entries(a="1", b="2"))
    assert first.startswith("m-")
    assert first == listing.version_of("m", entries(a="1", b="2"))
    others = [listing.version_of("m", entries(a="1")), listing.version_of("m", entries(a="1", b="3"))]
    assert len({first, *others, listing.version_of("n", entries(a="1", b="2"))}) == 4


def test_documents_are_counted_below_a_path() -> None:
    known = Listing("v", "s", entries(a="1", b="2"))
    assert [known.below(Path(path)) for path in ("/d", "/d/a.md", "/", "/d/a", "/e")] == [2, 1, 2, 0, 0]
