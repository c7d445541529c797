"""Tells a file whose suffix lies by its first bytes."""

from __future__ import annotations

from services.rag_llm.readers.limits import Unreadable

_KNOWN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a sound, video or WebP file"),
    (b"ID3", "an MP3 sound"),
    (b"OggS", "an Ogg sound"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected Office document"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "an SQLite database"),
)
_REQUIRED = {
    "pdf": (b"%PDF-", 1024, "a PDF"),
    "word": (b"PK\x03\x04", 4, "a Word document (DOCX)"),
    "epub": (b"PK\x03\x04", 4, "an EPUB"),
}
_TEXT = frozenset({"markdown", "plain_text", "web_page", "csv_table"})


def check(data: bytes, kind: str) -> None:
    """Raises Unreadable, saying what the file is, when it cannot be what its suffix makes of it."""
    found = next((name for start, name in _KNOWN if data.startswith(start)), None)
    if kind in _REQUIRED:
        start, within, wanted = _REQUIRED[kind]
        if start in data[:within]:
            return
        if found == "an old or password-protected Office document":
            raise Unreadable(f"it is {found}; save it as DOCX without a password")
        raise Unreadable(f"it is {found or 'something else'}, not {wanted}, whatever its name says")
    if kind in _TEXT and found is not None:
        start = next(start for start, name in _KNOWN if name == found)
        # A text may begin with "ID3" or "Rar!"; it has no zero bytes, and nothing beyond ASCII, right after that.
        if len(start) >= 5 or b"\0" in data[:64] or not data[:64].isascii():
            raise Unreadable(f"it is {found}, no text; give it the suffix of what it is")
