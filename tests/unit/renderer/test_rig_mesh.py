"""Mesh thinning and the rasteriser."""

from __future__ import annotations

import numpy as np

from services.renderer.engines.rig.decimate import coarser
from services.renderer.engines.rig.raster import rasterise


def subdivided() -> tuple[np.ndarray, np.ndarray]:
    """One quad's four children as (corner, edge, face point, edge), triangles in the order `coarser` expects."""
    points = np.array([[0, 0], [2, 0], [2, 2], [0, 2], [1, 0], [2, 1], [1, 2], [0, 1], [1, 1]], np.float32)
    quads = np.array([[0, 4, 8, 7], [1, 5, 8, 4], [2, 6, 8, 5], [3, 7, 8, 6]], np.int32)
    return points, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def area(points: np.ndarray, tri: np.ndarray) -> float:
    a, b, c = points[tri[:, 0]], points[tri[:, 1]], points[tri[:, 2]]
    ab, ac = b - a, c - a
    return float((ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]).sum() / 2)


def test_four_quads_become_one_that_covers_the_same() -> None:
    points, tri = subdivided()
    coarse = coarser(tri)
    assert len(coarse) == 2
    assert area(points, coarse) == area(points, tri) == 4


def test_unpaired_triangles_stay() -> None:
    tri = np.array([[0, 1, 2], [2, 1, 3], [3, 4, 5]], np.int32)
    np.testing.assert_array_equal(coarser(tri), tri)


def test_an_incomplete_group_keeps_its_triangles() -> None:
    _, tri = subdivided()
    keep = np.array([0, 1, 2, 4, 5, 6])
    assert len(coarser(np.ascontiguousarray(tri[keep]))) == 6


def test_nearer_triangle_wins_and_backs_are_left_out() -> None:
    p = np.array([[0, 9, 0, 0, 9, 0], [0, 0, 9, 0, 0, 9], [2, 2, 2, 1, 1, 1]], np.float32)
    tri = np.array([[0, 1, 2], [3, 5, 4]], np.int32)
    ids, bary, near = np.empty((6, 6), np.int32), np.empty((2, 6, 6), np.float32), np.empty((6, 6), np.float32)
    rasterise(p, tri, 0, 0, False, ids, bary, near)
    assert ids[1, 1] == 1
    assert near[1, 1] == 1
    assert ids[5, 5] == -1
    rasterise(p, tri, 0, 0, True, ids, bary, near)
    assert ids[1, 1] == 1
    rasterise(p, tri[:1], 0, 0, True, ids, bary, near)
    assert (ids == -1).all()
    rasterise(p, tri[:1], 0, 0, False, ids, bary, near)
    np.testing.assert_allclose(bary[:, 1, 2], [6 / 9, 2 / 9], atol=1e-5)
