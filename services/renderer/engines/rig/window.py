"""The windows of the face where the surface opens: the mouth and the two eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flashback.media.blendshapes import index
from services.renderer.engines.rig import files
from services.renderer.engines.rig.decimate import coarser
from services.renderer.engines.rig.files import F32, RigData
from services.renderer.engines.rig.opening import bound, winners
from services.renderer.engines.rig.raster import rasterise

POSES = 240


@dataclass(frozen=True)
class Window:
    """Skin around one opening, as a small mesh.

    Pixels x0..x0+w, y0..y0+h (even numbers). rest [3,n] x, y, depth; basis [k,3,n] for the `shapes` [k] that move it;
    other [2,n] where a vertex lies in the second plate (mouth open or eyes closed); share, late [n] how far that plate
    takes over for the two gains of manner.lid_gains;
    blend [n]: 1 where the mesh decides the warp, falling to 0 where the grid does; tri [t,3];
    side [t]: 1 over the opening, -1 under it, 0 at its corners;
    core: how many of the first triangles suffice while the second plate does not show;
    upper, lower [e,2]: edges whose lowest (highest) points bound the opening between the
    `corners` [2,2], two vertices each.
    """

    x0: int
    y0: int
    w: int
    h: int
    rest: F32
    shapes: NDArray[np.int64]
    basis: F32
    other: F32
    share: F32
    late: F32
    blend: F32
    tri: NDArray[np.int32]
    side: NDArray[np.int8]
    core: int
    upper: NDArray[np.int32]
    lower: NDArray[np.int32]
    corners: NDArray[np.int32]


def _edges(tri: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.unique(np.sort(np.concatenate([tri[:, [0, 1]], tri[:, [1, 2]], tri[:, [2, 0]]]), 1), axis=0)


def _sides(
    edges: NDArray[np.int32], upper: NDArray[np.bool_], lower: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Grows the two sets over the mesh until they meet: every vertex goes to the set it is fewer edges away from."""
    side = np.where(upper, 1, np.where(lower, -1, 0)).astype(np.int8)
    while True:
        a, b = side[edges[:, 0]], side[edges[:, 1]]
        grown = side.copy()
        into_a, into_b = (a == 0) & (b != 0), (b == 0) & (a != 0)
        if not (into_a.any() or into_b.any()):
            return side > 0, side < 0
        grown[edges[into_a, 0]] = b[into_a]
        grown[edges[into_b, 1]] = a[into_b]
        side = grown


def _bounding(edges: NDArray[np.int32], sign: int, rest: F32, basis: F32, width: tuple[int, int]) -> NDArray[np.int32]:
    """The edges that bound the opening in at least one of many poses; the others never show as its outline."""
    rng = np.random.default_rng(1)
    line, wins = np.empty(width[1], np.float32), np.zeros(len(edges), np.bool_)
    for pose in range(POSES):
        weights = rng.uniform(0, 1, len(basis)) ** 2 * (rng.random(len(basis)) < (pose % 8) / 10)
        points = rest + np.tensordot(weights.astype(np.float32), basis, 1)
        bound(points, edges, width[0], sign, line)
        winners(points, edges, width[0], line, wins)
    return np.ascontiguousarray(edges[wins])


def _corners(
    xy: F32, edges: NDArray[np.int32], upper: NDArray[np.bool_], lower: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Vertices [2,2] of the innermost edge that joins the two sides, left and right of the opening."""
    e = edges[(upper[edges[:, 0]] & lower[edges[:, 1]]) | (lower[edges[:, 0]] & upper[edges[:, 1]])]
    x = xy[e, 0].mean(1)
    middle = (x.min() + x.max()) / 2
    left, right = e[x < middle], e[x >= middle]
    return np.array([left[np.argmax(xy[left, 0].mean(1))], right[np.argmin(xy[right, 0].mean(1))]], np.int32)


def _window(
    rig: RigData,
    near: F32,
    other: F32,
    share: F32,
    late: F32,
    blend: F32,
    upper: NDArray[np.bool_],
    lower: NDArray[np.bool_],
    rim: NDArray[np.bool_],
    reach: tuple[float, float, float, float],
) -> Window:
    tri = coarser(rig.tri[rig.tri_part == files.SKIN])
    tri = tri[(near[tri] > 0).any(1)]
    inner = (near[tri] >= 1).any(1)
    tri = np.concatenate([tri[inner], tri[~inner]])
    used = np.unique(tri)
    place = np.full(len(rig.xy), -1, np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    xy = rig.xy[used]
    k = rig.size / 512
    lo = np.floor(xy.min(0) - np.array(reach[:2]) * k).astype(int) & ~1
    hi = (np.ceil(xy.max(0) + np.array(reach[2:]) * k).astype(int) + 2) & ~1
    lo, hi = np.maximum(lo, 2), np.minimum(hi, rig.size - 2)
    d = np.concatenate([rig.dxy[:, used], rig.ddepth[:, used, None]], 2).transpose(0, 2, 1)
    shapes = np.flatnonzero(np.abs(d[:, :2]).max((1, 2)) > 0.02 * k)
    local = place[tri]
    edges = _edges(local)
    above, below = _sides(edges, upper[used], lower[used])
    rims = edges[rim[used][edges].all(1)]
    rest = np.ascontiguousarray(np.concatenate([xy, rig.depth[used, None]], 1).T, np.float32)
    moves = np.ascontiguousarray(d[shapes], np.float32)
    width = (int(lo[0]), int(hi[0] - lo[0]))
    top = _bounding(rims[above[rims].all(1)], 1, rest, moves, width)
    bottom = _bounding(rims[below[rims].all(1)], -1, rest, moves, width)
    return Window(
        x0=int(lo[0]),
        y0=int(lo[1]),
        w=int(hi[0] - lo[0]),
        h=int(hi[1] - lo[1]),
        rest=rest,
        shapes=shapes,
        basis=moves,
        other=np.ascontiguousarray(other[used].T, np.float32),
        share=np.ascontiguousarray(share[used], np.float32),
        late=np.ascontiguousarray(late[used], np.float32),
        blend=np.ascontiguousarray(blend[used], np.float32),
        tri=np.ascontiguousarray(local, np.int32),
        side=np.asarray(above[local].all(1).astype(np.int8) - below[local].all(1).astype(np.int8), np.int8),
        core=int(inner.sum()),
        upper=top,
        lower=bottom,
        corners=_corners(xy, rims, above, below),
    )


def mouth_window(rig: RigData) -> Window:
    """Lips and the skin around them; the second plate is `mouth_open`."""
    up, low = rig.groups["upperLip"], rig.groups["lowerLip"]
    lips = np.maximum(up, low)
    drop = rig.dxy[index("jawOpen")][:, 1]
    drop = drop / drop[lips > 0.3].max()
    return _window(
        rig,
        near=np.where(lips > 0.05, np.float32(1), np.float32(0)),
        other=rig.plate_open,
        share=rig.use_open,
        late=np.zeros_like(rig.use_open),
        blend=np.clip((lips - 0.05) / 0.35, 0, 1).astype(np.float32),
        upper=(lips > 0.3) & (drop < 0.15),
        lower=(lips > 0.3) & (drop > 0.55),
        rim=lips > 0.3,
        reach=(8, 8, 8, 46),
    )


def eye_zone(rig: RigData, side: str) -> F32:
    """Soft ellipse around an eye, float32 [N]: 1 on the lids, 0 beyond; the closed plate shows within it."""
    part = files.EYE_LEFT if side == "Left" else files.EYE_RIGHT
    centre = rig.xy[rig.vertex_part == part].mean(0)
    width = np.ptp(rig.xy[rig.groups["eyelid" + side] > 0.45][:, 0])
    r = np.sqrt((((rig.xy - centre - [0, 0.06 * width]) / [0.74 * width, 0.56 * width]) ** 2).sum(1))
    return np.asarray(np.clip((1 - r) / 0.30, 0, 1) * (rig.vertex_part == files.SKIN), np.float32)


def _corner_line(rig: RigData, zone: F32) -> tuple[float, float]:
    """The line y = a + b x through the corners of an eye, from the opening the portrait shows."""
    tri = rig.tri[rig.tri_part == files.SKIN]
    tri = tri[(zone[tri] > 0).any(1)]
    used = rig.xy[np.unique(tri)]
    x0, y0 = np.floor(used.min(0)).astype(int)
    w, h = np.ceil(np.ptp(used, 0)).astype(int) + 1
    p = np.concatenate([rig.xy.T, rig.depth[None]]).astype(np.float32)
    ids, bary = np.empty((h, w), np.int32), np.empty((2, h, w), np.float32)
    rasterise(p, tri, int(x0), int(y0), True, ids, bary, np.empty((h, w), np.float32))
    c = used.mean(0) - [x0, y0]
    yy, xx = np.mgrid[0:h, 0:w]
    inner = ((xx - c[0]) / (0.42 * w)) ** 2 + ((yy - c[1]) / (0.30 * h)) ** 2 < 1
    ys, xs = np.nonzero((ids < 0) & inner)
    left, right = xs <= np.percentile(xs, 4), xs >= np.percentile(xs, 96)
    xl, yl, xr, yr = xs[left].mean(), ys[left].mean(), xs[right].mean(), ys[right].mean()
    b = (yr - yl) / (xr - xl)
    return float(y0 + yl - b * (xl + x0)), float(b)


def _below(rig: RigData, zone: F32) -> F32:
    a, b = _corner_line(rig, zone)
    return np.asarray(rig.xy[:, 1] - (a + b * rig.xy[:, 0]), np.float32)


def lid_shares(rig: RigData, side: str) -> tuple[F32, F32]:
    """How much of the closed plate each vertex takes with its upper and with its lower lid, float32 [N] 0..1."""
    zone = eye_zone(rig, side)
    low = np.clip(_below(rig, zone) / (3 * rig.size / 512) + 0.5, 0, 1)
    return np.asarray(zone * (1 - low), np.float32), np.asarray(zone * low, np.float32)


def eye_window(rig: RigData, side: str) -> Window:
    """Lids of one eye; the second plate is `eyes_closed`."""
    zone = eye_zone(rig, side)
    below = _below(rig, zone)
    share, late = lid_shares(rig, side)
    lid = zone > 0.35
    reach = 4 * rig.size / 512
    return _window(
        rig,
        near=np.where(zone > 0.3, np.float32(1), zone),
        other=rig.plate_closed,
        share=share,
        late=late,
        blend=np.clip((zone - 0.25) * 2, 0, 1).astype(np.float32),
        upper=lid & (below < -reach),
        lower=lid & (below > reach),
        rim=lid,
        reach=(2, 2, 2, 2),
    )
