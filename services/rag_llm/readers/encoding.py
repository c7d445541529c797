"""Bytes -> text: what the file declares, UTF-8, UTF-16 by its mark, else a legacy encoding that fits."""

from __future__ import annotations

import codecs
import re
import unicodedata

from services.rag_llm.readers.limits import Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_TEXT = {"unicode_escape", "raw_unicode_escape", "idna", "punycode", "utf-7", "undefined", "mbcs", "oem"}
_WESTERN = {"ascii", "iso8859-1", "latin-1"}
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f]")
_SAMPLE_BYTES = 100_000
_MOST_CONTROLS = 0.001
BINARY = "it holds binary data, no text; check what kind of file it is"
UNKNOWN = "its encoding is not UTF-8 and could not be made out; save it as UTF-8"


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of a file, without its byte order mark. `declared`: the encoding that its header names, if any.

    As web browsers do, "latin-1" and "ascii" are taken for windows-1252. Raises Unreadable for binary data, and where
    no encoding fits.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _checked(_tolerant(data[len(mark) :], encoding))
    try:
        return _checked(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        nearly = _nearly_utf8(data, error)
    named = _known(declared)
    if named is not None:
        try:
            return _checked(data.decode(named))
        except UnicodeDecodeError:
            pass  # the header is wrong, as they often are
    if nearly is not None:
        return _checked(nearly)
    if b"\0" in data:
        raise Unreadable(BINARY)
    return _checked(_legacy(data))


def lines(text: str) -> list[str]:
    """Lines as an editor numbers them; str.splitlines also ends lines at form feeds and other rare marks."""
    return re.split(r"\r\n|\n|\r", text)


def _tolerant(data: bytes, encoding: str) -> str:
    """Text that names its own encoding; a file cut off in the middle of a character loses only that one."""
    text = data.decode(encoding, "replace")
    if text.count("\ufffd") > 1 + len(text) // 100:
        raise Unreadable("it is damaged: much of it is not in the encoding it names; save it as UTF-8")
    return text


def _nearly_utf8(data: bytes, error: UnicodeDecodeError) -> str | None:
    """UTF-8 that is cut off at its end or has very few broken characters; None for anything else."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    foreign = sum(1 for c in text[:_SAMPLE_BYTES] if c > "\x7f" and c != "\ufffd")
    at_end = error.end >= len(data) - 3 and broken == 1
    return text if foreign >= 3 and (at_end or broken * 50 <= foreign) else None


def _known(declared: str | None) -> str | None:
    """A declared encoding by Python's name, when it is one of text."""
    try:
        name = codecs.lookup((declared or "").strip("\"' ").encode("ascii", "replace").decode()).name
    except (LookupError, ValueError):
        return None
    if name in _WESTERN:
        return "cp1252"
    return None if name in _NO_TEXT or not _is_text(name) else name


def _is_text(name: str) -> bool:
    try:
        return isinstance(b"a".decode(name), str)
    except (LookupError, ValueError, TypeError):
        return False


def _legacy(data: bytes) -> str:
    """windows-1252 where that reads like a western language, else what charset-normalizer finds."""
    try:
        text = data.decode("cp1252")
        if _looks_western(text[:_SAMPLE_BYTES]):
            return text
    except UnicodeDecodeError:
        pass  # it holds one of the five bytes that windows-1252 leaves out
    from charset_normalizer import from_bytes

    found = from_bytes(data[:_SAMPLE_BYTES]).best()
    if found is None or found.percent_chaos > 20:
        raise Unreadable(UNKNOWN)
    try:
        return data.decode(found.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise Unreadable(UNKNOWN) from error


def _looks_western(text: str) -> bool:
    """Whether the letters beyond ASCII are few, and stand alone inside words of ASCII letters."""
    foreign = [c for c in text if c > "\x7f"]
    letters = sum(1 for c in text if c.isalpha())
    beyond = sum(1 for c in foreign if c.isalpha())
    runs = len(re.findall(r"[\u00c0-\u00ff]{3,}", text))
    odd = sum(1 for c in foreign if unicodedata.category(c) in ("Cc", "Cn", "Sm", "Sk") or c in "¤¦¬")
    return letters > 0 and beyond <= 0.2 * letters and runs <= 1 + beyond // 20 and odd <= 1 + len(foreign) // 10


def _checked(text: str) -> str:
    """The text, when it is one. Raises Unreadable for binary data that happens to decode."""
    controls = len(_CONTROLS.findall(text))
    if "\0" in text or controls > 3 + _MOST_CONTROLS * len(text):
        raise Unreadable(BINARY)
    return text
