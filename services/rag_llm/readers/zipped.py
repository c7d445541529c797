"""Parts of a ZIP container (DOCX, EPUB), unpacked within limits: what a part says of its own size is not believed."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from lxml import etree

from services.rag_llm.readers.limits import SAVE_AGAIN, Limits, Unreadable

_PIECE_BYTES = 1 << 16
_BOMB_RATIO = 200
"""Text packs 3 to 20 times; a part of megabytes that packs more than this was made to fill the memory."""
_BOMB_BYTES = 50_000_000


class Container:
    """A ZIP file in memory. Raises Unreadable for one that is damaged, encrypted, or larger than the limits allow."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError) as error:
            raise Unreadable(f"it is damaged or cut off; {SAVE_AGAIN}") from error
        if len(entries) > limits.entries:
            raise Unreadable(f"it has more than {limits.entries} parts, which no document needs; {SAVE_AGAIN}")
        if any(entry.flag_bits & 1 for entry in entries):
            raise Unreadable("it is protected by a password; save a copy without one")
        self._entries = {entry.filename: entry for entry in entries}
        self._left = limits.unpacked_bytes

    @property
    def names(self) -> list[str]:
        return list(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def part(self, name: str) -> bytes:
        """A part's bytes. Raises Unreadable when it is missing, damaged, or too much together with those before it."""
        entry = self._entries.get(name)
        if entry is None:
            raise Unreadable(f"it is incomplete (there is no {name[:80]}); {SAVE_AGAIN}")
        self._check(entry.file_size, entry.compress_size)
        pieces: list[bytes] = []
        size = 0
        try:
            with self._zip.open(entry) as stream:
                while piece := stream.read(_PIECE_BYTES):
                    size += len(piece)
                    self._check(size, entry.compress_size)
                    pieces.append(piece)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise Unreadable(f"it is damaged or cut off ({type(error).__name__}); {SAVE_AGAIN}") from error
        except RuntimeError as error:  # what zipfile raises for a password
            raise Unreadable("it is protected by a password; save a copy without one") from error
        self._left -= size
        return b"".join(pieces)

    def repacked(self, wanted: Callable[[str], bool]) -> io.BytesIO:
        """The container again, with the wanted parts unpacked and the others empty: safe for a library to open."""
        result = io.BytesIO()
        with zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as copy:
            for name in self._entries:
                if not name.endswith("/"):
                    copy.writestr(name, self.part(name) if wanted(name) else b"")
        result.seek(0)
        return result

    def _check(self, size: int, packed: int) -> None:
        if size > self._left or (size > _BOMB_BYTES and size > _BOMB_RATIO * packed):
            raise Unreadable("it unpacks to far more than a document holds (a ZIP bomb?), so it is left alone")


def xml(data: bytes) -> Any:
    """The root of an XML part. Entities, document types and the network are left alone. Raises Unreadable."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        raise Unreadable(f"it is damaged (its XML cannot be read); {SAVE_AGAIN}") from error
    if root is None:
        raise Unreadable(f"it is damaged (its XML is empty); {SAVE_AGAIN}")
    return root
