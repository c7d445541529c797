"""Small PDF files, made by hand (ISO 32000-1) in the test."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 595, 842
PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
FONTS = {"regular": "Helvetica", "bold": "Helvetica-Bold", "fixed": "Courier"}
PICTURE = "q 400 0 0 400 90 200 cm /Im Do Q"


@dataclass
class Text:
    """A run of text: where its base line begins, in points from the lower left corner."""

    x: float
    y: float
    text: str
    size: float = 10
    font: str = "regular"

    def drawn(self) -> str:
        shown = self.text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        return f"BT /{self.font} {self.size} Tf {self.x} {self.y} Td ({shown}) Tj ET"


@dataclass
class Sheet:
    """A page: runs of text, and whether a picture fills it."""

    texts: Sequence[Text] = ()
    picture: bool = False
    packed: bytes | None = None  # a content stream as it is, compressed


@dataclass
class Pdf:
    """A file. outline: (level, title, page from 1, y); password: what a user has to enter, None for no encryption."""

    sheets: Sequence[Sheet]
    outline: Sequence[tuple[int, str, int, float]] = ()
    title: str = ""
    password: str | None = None
    _objects: list[bytes] = field(default_factory=list)

    def data(self) -> bytes:
        self._objects = []
        fonts = {name: self._add(_font(base)) for name, base in FONTS.items()}
        picture = self._add(
            b"<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>"
            b"stream\nx\nendstream"
        )
        named = " ".join(f"/{name} {number} 0 R" for name, number in fonts.items())
        pages = len(self._objects) + 2 * len(self.sheets) + 1
        numbers = []
        for sheet in self.sheets:
            content = "\n".join([*(text.drawn() for text in sheet.texts), *([PICTURE] if sheet.picture else [])])
            stream = sheet.packed if sheet.packed is not None else zlib.compress(content.encode("cp1252"))
            body = self._add(b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream", stream)
            page = (
                f"<</Type/Page/Parent {pages} 0 R/MediaBox[0 0 {WIDTH} {HEIGHT}]/Contents {body} 0 R"
                f"/Resources<</Font<<{named}>>/XObject<</Im {picture} 0 R>>>>>>"
            )
            numbers.append(self._add(page.encode()))
        kids = " ".join(f"{number} 0 R" for number in numbers)
        self._add(f"<</Type/Pages/Kids[{kids}]/Count {len(numbers)}>>".encode())
        outlines = self._outlined(numbers)
        catalog = self._add(f"<</Type/Catalog/Pages {pages} 0 R{outlines}>>".encode())
        info = self._add(f"<</Title({self.title})>>".encode())
        return self._written(catalog, info)

    def _add(self, body: bytes, stream: bytes | None = None) -> int:
        number = len(self._objects) + 1
        if stream is not None:
            stream = self._encrypted(number, stream)
            body = body % (len(stream), stream)
        self._objects.append(body)
        return number

    def _outlined(self, pages: Sequence[int]) -> str:
        if not self.outline:
            return ""
        root = len(self._objects) + 1
        items = [root + 1 + n for n in range(len(self.outline))]
        parents = []
        for n, (level, *_) in enumerate(self.outline):
            above = [m for m in range(n) if self.outline[m][0] == level - 1]
            parents.append(items[above[-1]] if above else root)
        for number in [root, *items]:
            own = [item for item, parent in zip(items, parents, strict=True) if parent == number]
            parts = [f"/First {own[0]} 0 R/Last {own[-1]} 0 R/Count {len(own)}"] if own else []
            if number != root:
                n = items.index(number)
                _, title, page, y = self.outline[n]
                beside = [item for item, parent in zip(items, parents, strict=True) if parent == parents[n]]
                after = beside[beside.index(number) + 1 :][:1]
                parts += [f"/Title({title})/Parent {parents[n]} 0 R/Dest[{pages[page - 1]} 0 R/XYZ 0 {y} 0]"]
                parts += [f"/Next {after[0]} 0 R"] if after else []
            self._add(f"<<{''.join(parts)}>>".encode())
        return f"/Outlines {root} 0 R"

    def _written(self, catalog: int, info: int) -> bytes:
        result = b"%PDF-1.7\n"
        places = []
        for number, body in enumerate(self._objects, start=1):
            places.append(len(result))
            result += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        start = len(result)
        result += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        result += b"".join(b"%010d 00000 n \n" % place for place in places)
        encrypt = b""
        if self.password is not None:
            encrypt = b"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/O<%s>/U<%s>/P -1>>" % (
                self._owner().hex().encode(),
                rc4(self._key(), PADDING).hex().encode(),
            )
        trailer = b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R%s>>" % (len(places) + 1, catalog, info, encrypt)
        return result + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % start

    def _owner(self) -> bytes:
        return rc4(hashlib.md5(_padded("owner")).digest()[:5], _padded(self.password or ""))

    def _key(self) -> bytes:
        return hashlib.md5(_padded(self.password or "") + self._owner() + b"\xff\xff\xff\xff\0").digest()[:5]

    def _encrypted(self, number: int, data: bytes) -> bytes:
        if self.password is None:
            return data
        return rc4(hashlib.md5(self._key() + number.to_bytes(3, "little") + b"\0\0").digest()[:10], data)


def _padded(password: str) -> bytes:
    return (password.encode() + PADDING)[:32]


def _font(base: str) -> bytes:
    return f"<</Type/Font/Subtype/Type1/BaseFont/{base}/Encoding/WinAnsiEncoding>>".encode()


def rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    result = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        result.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(result)


def column(lines: Sequence[str], x: float = 72, y: float = 740, step: float = 12, size: float = 10) -> list[Text]:
    """Lines one below the other."""
    return [Text(x, y - n * step, line, size) for n, line in enumerate(lines)]
