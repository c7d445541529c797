"""Writes glTF 2.0 binary files (GLB): accessors, sparse accessors, textures, materials."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..arrays import Array

FLOAT, UINT16, UINT32 = 5126, 5123, 5125
VERTICES, INDICES = 34962, 34963
"""glTF component types and buffer view targets."""


class Writer:
    """One scene under construction; `json` is its glTF document, methods return indices into it."""

    def __init__(self) -> None:
        self._bin = bytearray()
        self.json: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "persona asset build"},
            "scene": 0,
            "scenes": [{"nodes": [0]}],
            "nodes": [],
            "meshes": [],
            "accessors": [],
            "bufferViews": [],
            "materials": [],
            "textures": [],
            "images": [],
            "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}],
        }

    def _add(self, kind: str, item: dict[str, Any]) -> int:
        self.json[kind].append(item)
        return len(self.json[kind]) - 1

    def _pad(self) -> None:
        self._bin += b"\0" * (-len(self._bin) % 4)

    def _view(self, data: bytes, target: int | None = None) -> int:
        self._pad()
        view = {"buffer": 0, "byteOffset": len(self._bin), "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        self._bin += data
        return self._add("bufferViews", view)

    def accessor(self, a: Array, kind: str, target: int, bounds: bool = False) -> int:
        """float32, uint16 or uint32 array [n] or [n,k] as an accessor of type `kind` ("VEC3"); `bounds` adds min and
        max.
        """
        component = {"f4": FLOAT, "u2": UINT16, "u4": UINT32}[a.dtype.str[1:]]
        view = self._view(a.tobytes(), target)
        accessor = {"bufferView": view, "componentType": component, "count": len(a), "type": kind}
        if bounds:
            accessor["min"], accessor["max"] = a.min(0).tolist(), a.max(0).tolist()
        return self._add("accessors", accessor)

    def indices(self, t: Array) -> int:
        """Triangles [T,3] as an accessor, 16-bit where their vertices allow it."""
        dtype = np.uint32 if t.max(initial=0) > 65535 else np.uint16
        return self.accessor(t.ravel().astype(dtype), "SCALAR", INDICES)

    def sparse(self, a: Array, epsilon: float, bounds: bool = False) -> int:
        """[n,3] as a sparse float32 VEC3 accessor of the rows that have a component above epsilon."""
        a = a.astype(np.float32)
        k = np.where(np.abs(a).max(1) > epsilon)[0]
        accessor: dict[str, Any] = {"componentType": FLOAT, "count": len(a), "type": "VEC3"}
        if len(k):
            dtype, component = (np.uint32, UINT32) if len(a) > 65535 else (np.uint16, UINT16)
            accessor["sparse"] = {
                "count": len(k),
                "indices": {"bufferView": self._view(k.astype(dtype).tobytes()), "componentType": component},
                "values": {"bufferView": self._view(a[k].tobytes())},
            }
        if bounds:
            full = np.zeros_like(a)
            full[k] = a[k]
            accessor["min"], accessor["max"] = full.min(0).tolist(), full.max(0).tolist()
        return self._add("accessors", accessor)

    def jpeg(self, picture: Array, quality: int) -> int:
        """Texture from uint8 [H,W,3]; JPEG quality 1..95."""
        data = io.BytesIO()
        Image.fromarray(picture).save(data, "JPEG", quality=quality)
        return self._texture(data.getvalue(), "image/jpeg")

    def png(self, picture: Array) -> int:
        """Texture from uint8 [H,W,3 or 4]."""
        data = io.BytesIO()
        Image.fromarray(picture).save(data, "PNG", optimize=True)
        return self._texture(data.getvalue(), "image/png")

    def _texture(self, data: bytes, mime: str) -> int:
        image = self._add("images", {"bufferView": self._view(data), "mimeType": mime})
        return self._add("textures", {"sampler": 0, "source": image})

    def material(self, name: str, pbr: dict[str, Any], **more: Any) -> int:
        """Material with metallic-roughness properties `pbr`; metallicFactor is 0."""
        return self._add("materials", {"name": name, **more, "pbrMetallicRoughness": {**pbr, "metallicFactor": 0}})

    def flat_material(self, name: str, color: npt.ArrayLike, roughness: float) -> int:
        """Material of one linear RGB colour."""
        factor = [*np.asarray(color).tolist(), 1]
        return self.material(name, {"baseColorFactor": factor, "roughnessFactor": roughness})

    def save(self, path: Path) -> None:
        """Writes the file."""
        self._pad()
        self.json["buffers"] = [{"byteLength": len(self._bin)}]
        text = json.dumps(self.json, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        with path.open("wb") as file:
            file.write(struct.pack("<III", 0x46546C67, 2, 12 + 8 + len(text) + 8 + len(self._bin)))
            file.write(struct.pack("<II", len(text), 0x4E4F534A) + text)
            file.write(struct.pack("<II", len(self._bin), 0x004E4942) + bytes(self._bin))
