"""A 3D head that speaks: morph weights over time added to a glTF 2.0 binary (Khronos, ISO/IEC 12113)."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flashback.cli.face_track import FaceTrack
from flashback.errors import Broken

MAGIC, VERSION = b"glTF", 2
JSON_CHUNK, BIN_CHUNK = b"JSON", b"BIN\0"
FLOAT = 5126
ALIGN = 4


def animated(head: bytes, track: FaceTrack, name: str) -> bytes:
    """The head with one animation of that name, linear between frames; its weights are clipped to 0..1, which is what
    ARKit's shapes are made for. Targets are found by their names (`targetNames` in the extras of each mesh); those that
    ARKit does not have keep the weight they had. The head's own buffers are left as they are.

    Raises Broken for a file that is no glTF 2.0 binary, or has no target with one of the names.
    """
    document, data = _read(head)
    buffer = bytearray(data)
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    times = track.timecodes.astype(np.float32)
    times_place: int | None = None
    for place, mesh in enumerate(document.get("meshes", [])):
        weights = _mesh_weights(mesh, track)
        nodes = [number for number, node in enumerate(document.get("nodes", [])) if node.get("mesh") == place]
        if weights is None or not nodes:
            continue
        if times_place is None:
            limits = {"min": [float(times[0])], "max": [float(times[-1])]}
            times_place = _add(document, buffer, times, limits)
        output = _add(document, buffer, weights.ravel(), {})
        samplers.append({"input": times_place, "output": output, "interpolation": "LINEAR"})
        channels += [{"sampler": len(samplers) - 1, "target": {"node": n, "path": "weights"}} for n in nodes]
    if not channels:
        raise Broken("The head has no morph targets with the names of ARKit's 52 shapes.")
    document.setdefault("animations", []).append({"name": name, "samplers": samplers, "channels": channels})
    document["buffers"][0]["byteLength"] = len(buffer)
    return _write(document, bytes(buffer))


def _mesh_weights(mesh: dict[str, Any], track: FaceTrack) -> NDArray[np.float32] | None:
    """float32[frames, targets]; None for a mesh without a target of ARKit's."""
    names = mesh.get("extras", {}).get("targetNames", [])
    known = {name: place for place, name in enumerate(track.channels)}
    if not any(name in known for name in names):
        return None
    count = len(mesh["primitives"][0].get("targets", []))
    if len(names) != count:
        raise Broken(f"The head names {len(names)} morph targets and has {count}.")
    weights = np.tile(np.array(mesh.get("weights", [0.0] * count), np.float32), (len(track.timecodes), 1))
    for target, name in enumerate(names):
        if name in known:
            weights[:, target] = np.clip(track.weights[:, known[name]], 0, 1)
    return weights


def _add(document: dict[str, Any], buffer: bytearray, values: NDArray[np.float32], limits: dict[str, Any]) -> int:
    """Appends an accessor of scalars; returns its place."""
    buffer.extend(bytes(-len(buffer) % ALIGN))
    views, accessors = document.setdefault("bufferViews", []), document.setdefault("accessors", [])
    views.append({"buffer": 0, "byteOffset": len(buffer), "byteLength": values.nbytes})
    buffer.extend(values.astype("<f4").tobytes())
    accessor = {"bufferView": len(views) - 1, "componentType": FLOAT, "count": len(values), "type": "SCALAR", **limits}
    accessors.append(accessor)
    return len(accessors) - 1


def _read(file: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON document and the binary chunk, which is the first buffer."""
    try:
        magic, version, _ = struct.unpack_from("<4sII", file)
        if magic != MAGIC or version != VERSION:
            raise ValueError("it does not begin as one")
        chunks: dict[bytes, bytes] = {}
        at = 12
        while at < len(file):
            length, kind = struct.unpack_from("<I4s", file, at)
            body = file[at + 8 : at + 8 + length]
            if len(body) < length:
                raise ValueError("it breaks off")
            chunks.setdefault(kind, body)
            at += 8 + length
        document = json.loads(chunks[JSON_CHUNK])
        if "uri" in document["buffers"][0]:
            raise ValueError("its first buffer is in another file")
        return document, chunks[BIN_CHUNK][: document["buffers"][0]["byteLength"]]
    except (struct.error, ValueError, KeyError, IndexError, TypeError) as error:
        raise Broken(f"The head is no glTF 2.0 binary with everything in it ({error}).") from error


def _write(document: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    chunks = b"".join(
        struct.pack("<I4s", len(body), kind) + body
        for kind, body in (
            (JSON_CHUNK, text + b" " * (-len(text) % ALIGN)),
            (BIN_CHUNK, data + bytes(-len(data) % ALIGN)),
        )
    )
    return struct.pack("<4sII", MAGIC, VERSION, 12 + len(chunks)) + chunks
