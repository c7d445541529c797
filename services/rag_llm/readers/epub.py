"""EPUB 2 and 3 -> blocks: the documents of the spine in reading order, each a section. (ebooklib is AGPL.)"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from services.rag_llm.chunks import Block
from services.rag_llm.readers import encoding, web_page
from services.rag_llm.readers.limits import SAVE_AGAIN, Limits, Unreadable
from services.rag_llm.readers.zipped import Container, xml

_CONTAINER = "META-INF/container.xml"
_RIGHTS = ("META-INF/rights.xml", "META-INF/sinf.xml", "META-INF/license.lcpl")
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS = (".ttf", ".otf", ".woff", ".woff2")
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_NOT_READ = frozenset(("toc", "cover", "title-page", "titlepage", "copyright-page", "index", "loi", "lot", "colophon"))


def blocks(data: bytes, limits: Limits) -> Iterator[Block]:
    """Blocks of a book, placed by sections (documents of the spine, counted as they are read); tables of contents,
    covers and imprints are left out. Raises Unreadable."""
    container = Container(data, limits)
    if any(name in container for name in _RIGHTS) or _is_encrypted(container):
        raise Unreadable("it is protected against copying (DRM), so nobody but its own reader can read it")
    package = _package_name(container)
    book = xml(container.part(package))
    folder = posixpath.dirname(package)
    section = 0
    for name, label in _spine(book, folder, container):
        found = list(_section(container.part(name), label, section + 1, limits))
        if found:
            section += 1
            yield from found


def _section(data: bytes, label: str, number: int, limits: Limits) -> Iterator[Block]:
    text = encoding.decode(data, web_page.declared(data))
    yield from web_page.page_blocks(text, limits, label, section=number)


def _is_encrypted(container: Container) -> bool:
    """Whether more than fonts is encrypted."""
    if _ENCRYPTION not in container:
        return False
    references = _all(xml(container.part(_ENCRYPTION)), "CipherReference")
    return any(not unquote(found.get("URI", "")).lower().endswith(_FONTS) for found in references)


def _package_name(container: Container) -> str:
    for found in _all(xml(container.part(_CONTAINER)), "rootfile"):
        name = posixpath.normpath(unquote(found.get("full-path", "")))
        if name in container:
            return name
    raise Unreadable(f"it is no EPUB, or incomplete (its package is missing); {SAVE_AGAIN}")


def _spine(book: Any, folder: str, container: Container) -> Iterator[tuple[str, str]]:
    """Names of the documents in reading order, and what the table of contents calls each."""
    manifest = {item.get("id"): item for item in _all(book, "item")}
    left_out = {
        _resolved(folder, found.get("href", "")) for found in _all(book, "reference") if found.get("type") in _NOT_READ
    }
    labels = _labels(manifest, folder, container)
    seen: set[str] = set()
    for reference in _all(book, "itemref"):
        item = manifest.get(reference.get("idref"))
        if item is None or reference.get("linear") == "no" or "nav" in item.get("properties", "").split():
            continue
        name = _resolved(folder, item.get("href", ""))
        if item.get("media-type") in _PAGES and name in container and name not in left_out | seen:
            seen.add(name)
            yield name, labels.get(name, "")


def _labels(manifest: dict[str, Any], folder: str, container: Container) -> dict[str, str]:
    """Titles of documents by name, from the navigation document or the NCX."""
    labels: dict[str, str] = {}
    for item in manifest.values():
        name = _resolved(folder, item.get("href", ""))
        here = posixpath.dirname(name)
        if name not in container:
            continue
        if "nav" in item.get("properties", "").split():
            for link in _all(xml(container.part(name)), "a"):
                labels.setdefault(_resolved(here, link.get("href", "")), " ".join("".join(link.itertext()).split()))
        elif item.get("media-type") == "application/x-dtbncx+xml":
            for point in _all(xml(container.part(name)), "navPoint"):
                text = next((" ".join("".join(found.itertext()).split()) for found in _all(point, "text")), "")
                target = next((found.get("src", "") for found in _all(point, "content")), "")
                labels.setdefault(_resolved(here, target), text)
    return labels


def _resolved(folder: str, href: str) -> str:
    """A link as the name of a part."""
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _all(root: Any, name: str) -> Iterator[Any]:
    """Elements of a local name, whatever their namespace: books are careless about those."""
    return (element for element in root.iter("{*}" + name))
