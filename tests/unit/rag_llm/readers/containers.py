"""Small DOCX and EPUB files, and broken ones, made in the test."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

from docx import Document
from docx.document import Document as DocumentObject

CONTAINER = """<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""


def zipped(parts: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", method) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return result.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def saved(document: DocumentObject) -> bytes:
    result = io.BytesIO()
    document.save(result)
    return result.getvalue()


def word(*paragraphs: str) -> bytes:
    document = Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    return saved(document)


def word_with_body(body: str) -> bytes:
    """A Word document with this XML inside its body."""
    parts = unzipped(word())
    start = parts["word/document.xml"].index(b"<w:body>") + len(b"<w:body>")
    parts["word/document.xml"] = parts["word/document.xml"][:start] + body.encode() + parts["word/document.xml"][start:]
    return zipped(parts)


def epub(
    pages: Mapping[str, str], spine: str = "", manifest: str = "", others: Mapping[str, str] | None = None
) -> bytes:
    """A book of the pages (name -> body); spine and manifest: XML that goes before what the pages need."""
    items = "".join(
        f'<item id="{name}" href="text/{name}.xhtml" media-type="application/xhtml+xml"/>' for name in pages
    )
    references = "".join(f'<itemref idref="{name}"/>' for name in pages)
    package = f"""<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>{manifest}{items}</manifest>
<spine>{spine}{references}</spine></package>"""
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OEBPS/book.opf": package,
            **{
                f"OEBPS/text/{name}.xhtml": f"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>{body}</html>"
                for name, body in pages.items()
            },
            **(others or {}),
        }
    )


def bomb(data: bytes, name: str, start: bytes, repeated: bytes, megabytes: int) -> bytes:
    """The container with a part that unpacks to many megabytes."""
    parts = unzipped(data)
    parts[name] = start + repeated * (megabytes * 1_000_000 // len(repeated))
    return zipped(parts)


def lying(data: bytes, name: str, size: int) -> bytes:
    """The container, whose directory says that a part unpacks to `size` bytes."""
    result = bytearray(data)
    at = data.rindex(name.encode())  # in the central directory, where the sizes stand 22 bytes before the name
    result[at - 22 : at - 18] = struct.pack("<I", size)
    return bytes(result)
