"""Reads back a GLB that keeps to the features used here; checks accessor bounds on the way."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..arrays import Array

_DTYPES: dict[int, Any] = {5126: np.float32, 5123: np.uint16, 5125: np.uint32, 5121: np.uint8}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


@dataclass
class ReadPrimitive:
    """v, normals [N,3], uv [N,2], t [T,3], deltas and normal_deltas [N,3] by target name; texture uint8 [H,W,4] or
    None.
    """

    name: str
    v: Array
    normals: Array
    uv: Array
    t: Array
    deltas: dict[str, Array]
    normal_deltas: dict[str, Array]
    texture: Array | None
    color: list[float]
    alpha: str
    two_sided: bool


class _Document:
    def __init__(self, data: bytes) -> None:
        if data[:4] != b"glTF" or struct.unpack("<I", data[8:12])[0] != len(data):
            raise ValueError("This is no GLB file, or it was cut off.")
        n = struct.unpack("<I", data[12:16])[0]
        self.json: dict[str, Any] = json.loads(data[20 : 20 + n])
        self._bin = data[20 + n + 8 :]

    def _numbers(self, view: int, component: int, count: int, offset: int = 0) -> Array:
        start = self.json["bufferViews"][view].get("byteOffset", 0) + offset
        return np.frombuffer(self._bin, _DTYPES[component], count, start)

    def accessor(self, index: int) -> Array:
        a = self.json["accessors"][index]
        component, width = a["componentType"], _WIDTHS[a["type"]]
        out = np.zeros((a["count"], width), _DTYPES[component])
        if "bufferView" in a:
            numbers = self._numbers(a["bufferView"], component, a["count"] * width, a.get("byteOffset", 0))
            out = numbers.reshape(-1, width).copy()
        if "sparse" in a:
            s = a["sparse"]
            rows = self._numbers(s["indices"]["bufferView"], s["indices"]["componentType"], s["count"])
            values = self._numbers(s["values"]["bufferView"], component, s["count"] * width)
            out[rows] = values.reshape(-1, width)
        if "min" in a:
            bounds = np.stack([out.min(0), out.max(0)])
            if not np.allclose(bounds, [a["min"], a["max"]], atol=1e-6):
                raise ValueError(f"Accessor {index}: min and max are not those of its values.")
        return out

    def texture(self, index: int) -> Array:
        image = self.json["images"][self.json["textures"][index]["source"]]
        view = self.json["bufferViews"][image["bufferView"]]
        raw = self._bin[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        return np.array(Image.open(io.BytesIO(raw)).convert("RGBA"))


def read(path: Path) -> list[ReadPrimitive]:
    """The primitives of the first mesh. Raises ValueError when the file contradicts itself."""
    document = _Document(path.read_bytes())
    mesh = document.json["meshes"][0]
    names = mesh["extras"]["targetNames"]
    out = []
    for p in mesh["primitives"]:
        if len(p["targets"]) != len(names):
            raise ValueError(f"{p['extras']['part']} has {len(p['targets'])} targets for {len(names)} names.")
        material = document.json["materials"][p["material"]]
        pbr = material["pbrMetallicRoughness"]
        attributes = {k: document.accessor(i) for k, i in p["attributes"].items()}
        texture = document.texture(pbr["baseColorTexture"]["index"]) if "baseColorTexture" in pbr else None
        named = list(zip(names, p["targets"], strict=True))
        out.append(
            ReadPrimitive(
                name=p["extras"]["part"],
                v=attributes["POSITION"],
                normals=attributes["NORMAL"],
                uv=attributes["TEXCOORD_0"],
                t=document.accessor(p["indices"]).reshape(-1, 3),
                deltas={k: document.accessor(t["POSITION"]) for k, t in named},
                normal_deltas={k: document.accessor(t["NORMAL"]) for k, t in named},
                texture=texture,
                color=pbr.get("baseColorFactor", [1, 1, 1, 1]),
                alpha=material.get("alphaMode", "OPAQUE"),
                two_sided=material.get("doubleSided", False),
            )
        )
    return out
