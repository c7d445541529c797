"""Meshes, hair curves and pictures as Blender data."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from ..arrays import Array


def z_up(p: npt.ArrayLike) -> Array:
    """Our y-up coordinates [...,3] -> Blender's z-up, float32."""
    a = np.asarray(p, np.float32)
    return np.stack([a[..., 0], -a[..., 2], a[..., 1]], -1)


def mesh(
    name: str, v: Array, f: npt.ArrayLike, mat: Any, uv: Array | None = None, attributes: dict[str, Array] | None = None
) -> Any:
    """Adds an object with smooth faces f [F,k], corner coordinates uv [F,k,2] and vertex attributes [V] or [V,3]."""
    me = bpy.data.meshes.new(name)
    faces = np.asarray(f)
    me.vertices.add(len(v))
    me.vertices.foreach_set("co", z_up(v).ravel())
    k = faces.shape[1]
    me.loops.add(faces.size)
    me.loops.foreach_set("vertex_index", faces.astype(np.int32).ravel())
    me.polygons.add(len(faces))
    me.polygons.foreach_set("loop_start", np.arange(0, faces.size, k, dtype=np.int32))
    me.update(calc_edges=True)
    me.polygons.foreach_set("use_smooth", np.full(len(faces), True))
    if uv is not None:
        layer = me.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", np.asarray(uv, np.float32).ravel())
    for n, a in (attributes or {}).items():
        at = me.attributes.new(n, "FLOAT_VECTOR" if a.ndim == 2 else "FLOAT", "POINT")
        at.data.foreach_set("vector" if a.ndim == 2 else "value", a.astype(np.float32).ravel())
    me.materials.append(mat)
    ob = bpy.data.objects.new(name, me)
    bpy.context.scene.collection.objects.link(ob)
    return ob


def strands(name: str, P: Array, radius: npt.ArrayLike, mat: Any, taper: float, tint: Array | None = None) -> None:
    """Adds hair curves P [n,k,3]; radius (m, one or [n]) at the root, `taper` of it at the tip; tint [n] as an
    attribute.
    """
    n, k, _ = P.shape
    cu = bpy.data.hair_curves.new(name)
    cu.add_curves([k] * n)
    cu.attributes["position"].data.foreach_set("vector", z_up(P).ravel())
    root = np.broadcast_to(np.asarray(radius, np.float32).reshape(-1, 1), (n, 1))
    r = (root * (1 - (1 - taper) * np.linspace(0, 1, k) ** 1.5)[None]).astype(np.float32)
    at = cu.attributes.get("radius") or cu.attributes.new("radius", "FLOAT", "POINT")
    at.data.foreach_set("value", np.ascontiguousarray(r).ravel())
    if tint is not None:
        cu.attributes.new("tint", "FLOAT", "CURVE").data.foreach_set("value", np.ascontiguousarray(tint, np.float32))
    cu.materials.append(mat)
    ob = bpy.data.objects.new(name, cu)
    bpy.context.scene.collection.objects.link(ob)


def image(name: str, picture: Array) -> Any:
    """Linear picture [H,W] or [H,W,3], row 0 on top, as a data image."""
    a = np.asarray(picture, np.float32)
    if a.ndim == 2:
        a = np.repeat(a[..., None], 3, -1)
    a = np.concatenate([a, np.ones(a.shape[:2] + (1,), np.float32)], -1)[::-1]
    im = bpy.data.images.new(name, a.shape[1], a.shape[0], float_buffer=True, is_data=True)
    im.pixels.foreach_set(np.ascontiguousarray(a).ravel())
    im.pack()
    return im
