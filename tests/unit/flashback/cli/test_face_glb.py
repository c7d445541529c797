"""The animated heads are read back with a reader of the test's own, which knows only the container and accessors."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from flashback import personas
from flashback.cli.face_glb import animated
from flashback.cli.face_track import FaceTrack
from flashback.errors import Broken
from flashback.media.blendshapes import ARKIT_52, ARKIT_52_ALPHABETICAL

FRAMES = 7


@pytest.fixture
def track() -> FaceTrack:
    weights = np.random.default_rng(4).uniform(-0.2, 1.2, (FRAMES, 52)).astype(np.float32)
    return FaceTrack(np.arange(FRAMES) / 30, weights)


def opened(glb: bytes) -> tuple[dict[str, Any], bytes]:
    magic, version, length = struct.unpack_from("<III", glb)
    assert (magic, version, length) == (0x46546C67, 2, len(glb))
    size, kind = struct.unpack_from("<II", glb, 12)
    assert (kind, size % 4) == (0x4E4F534A, 0)
    document = json.loads(glb[20 : 20 + size])
    data_size, kind = struct.unpack_from("<II", glb, 20 + size)
    assert (kind, data_size % 4) == (0x004E4942, 0)
    assert 28 + size + data_size == len(glb)
    return document, glb[28 + size :]


def scalars(document: dict[str, Any], data: bytes, place: int) -> Any:
    accessor = document["accessors"][place]
    assert (accessor["componentType"], accessor["type"]) == (5126, "SCALAR")
    view = document["bufferViews"][accessor["bufferView"]]
    assert view["byteOffset"] % 4 == 0
    assert view["byteLength"] == 4 * accessor["count"]
    assert view["byteOffset"] + view["byteLength"] <= document["buffers"][0]["byteLength"] <= len(data)
    return np.frombuffer(data, "<f4", accessor["count"], view["byteOffset"])


def head(names: list[str], **mesh: Any) -> bytes:
    """A glTF binary with one triangle and a morph target a name."""
    triangle = np.zeros((3, 3), "<f4").tobytes()
    document = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(triangle)}],
        "bufferViews": [{"buffer": 0, "byteLength": len(triangle)}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "meshes": [
            {
                "primitives": [{"attributes": {"POSITION": 0}, "targets": [{"POSITION": 0}] * len(names)}],
                "extras": {"targetNames": names},
                **mesh,
            }
        ],
        "nodes": [{"mesh": 0}, {}, {"mesh": 0}],
    }
    return packed(document, triangle)


def packed(document: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


@pytest.mark.parametrize("persona", ["iris", "amon"])
@pytest.mark.parametrize("layout", ["arkit-52", "arkit-52-alphabetical"])
def test_a_personas_head_speaks(track: FaceTrack, persona: str, layout: str) -> None:
    file = personas.load(persona).folder / "head.glb"
    document, data = opened(animated(file.read_bytes(), track.in_layout(layout), "hello"))
    (animation,) = document["animations"]
    (sampler,) = animation["samplers"]
    (channel,) = animation["channels"]
    assert (animation["name"], sampler["interpolation"]) == ("hello", "LINEAR")
    mesh = document["meshes"][document["nodes"][channel["target"]["node"]]["mesh"]]
    assert (channel["sampler"], channel["target"]["path"]) == (0, "weights")

    times = scalars(document, data, sampler["input"])
    limits = document["accessors"][sampler["input"]]
    assert (limits["min"], limits["max"]) == ([float(times[0])], [float(times[-1])])
    np.testing.assert_allclose(times, track.timecodes, atol=1e-7)
    weights = scalars(document, data, sampler["output"]).reshape(FRAMES, 52)
    for target, name in enumerate(mesh["extras"]["targetNames"]):
        expected = np.clip(track.weights[:, ARKIT_52_ALPHABETICAL.index(name)], 0, 1)
        np.testing.assert_array_equal(weights[:, target], expected)


def test_the_head_itself_is_left_as_it_was(track: FaceTrack) -> None:
    before = (personas.load("iris").folder / "head.glb").read_bytes()
    old, old_data = opened(before)
    new, new_data = opened(animated(before, track, "a"))
    assert new_data[: len(old_data)] == old_data
    for key in ("asset", "meshes", "nodes", "materials", "images", "scenes"):
        assert new[key] == old[key]
    assert new["accessors"][: len(old["accessors"])] == old["accessors"]
    assert new["bufferViews"][: len(old["bufferViews"])] == old["bufferViews"]


def test_other_targets_keep_their_weight_and_missing_ones_are_passed_over(track: FaceTrack) -> None:
    glb = animated(head(["hatTilt", "jawOpen"], weights=[0.25, 0.0]), track, "a")
    document, data = opened(glb)
    channels = document["animations"][0]["channels"]
    assert [c["target"]["node"] for c in channels] == [0, 2]
    weights = scalars(document, data, document["animations"][0]["samplers"][0]["output"]).reshape(FRAMES, 2)
    assert set(weights[:, 0]) == {0.25}
    jaw = track.weights[:, ARKIT_52_ALPHABETICAL.index("jawOpen")]
    np.testing.assert_array_equal(weights[:, 1], np.clip(jaw, 0, 1))


def test_a_head_that_moves_already_moves_more(track: FaceTrack) -> None:
    once = animated(head(list(ARKIT_52)), track, "first")
    document, _ = opened(animated(once, track, "second"))
    assert [a["name"] for a in document["animations"]] == ["first", "second"]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (b"", "glTF"),
        (b"not a head at all", "glTF"),
        (head(["jawOpen"])[:-20], "breaks off"),
        (head([]), "ARKit"),
        (head(["Jaw_Open"]), "ARKit"),
        (head(["jawOpen"], extras={"targetNames": ["jawOpen", "tongueOut"]}), "names 2"),
        (packed({"buffers": [{"byteLength": 4, "uri": "x.bin"}]}, b"1234"), "another file"),
        (packed({}, b"1234"), "glTF"),
    ],
)
def test_other_files_are_refused(track: FaceTrack, file: bytes, says: str) -> None:
    with pytest.raises(Broken, match=says):
        animated(file, track, "a")
