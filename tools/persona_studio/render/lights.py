"""Camera, lights and backdrop of the portrait studio."""

from __future__ import annotations

from typing import Any

import bpy
import mathutils
import numpy as np

from .. import camera
from ..arrays import Array
from ..rigged import Rigged
from .materials import Colour, backdrop_material
from .objects import mesh, z_up

_AIM = np.array([0, -0.03, 0])
_FSTOP = 16.0


def _area(
    name: str, place: tuple[float, float, float], target: Array, watts: float, size: float, color: Colour, height: float
) -> None:
    """A rectangular light, size x height metres, at `place`."""
    light = bpy.data.lights.new(name, "AREA")
    light.energy, light.size, light.color, light.shape = watts, size, color, "RECTANGLE"
    light.size_y = height
    ob = bpy.data.objects.new(name, light)
    start, end = mathutils.Vector(z_up(place)), mathutils.Vector(z_up(target))
    ob.location = start
    ob.rotation_euler = (end - start).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(ob)


def add_lights(scene: Any, rig: Rigged) -> None:
    """Key, fill, rim, hair light and a weak one from below; only the key is mirrored in the corneas."""
    params = rig.person.params
    _area("key", (-0.78, 0.50, 1.00), _AIM, 17.5, 0.55, (1, 0.955, 0.90), 0.75)
    _area("fill", (1.05, 0.05, 1.35), _AIM, 6.4, 1.3, (1.0, 0.965, 0.93), 1.3)
    _area("rim", (0.85, 0.45, -0.75), _AIM + [0, 0.03, 0], params["rim"], 0.30, (1, 0.97, 0.94), 0.9)
    _area("hairlight", (-0.45, 0.95, -0.55), _AIM + [0, 0.08, 0], params["hairlight"], 0.5, (1, 0.96, 0.90), 0.5)
    _area("under", (0, -0.75, 0.75), _AIM, 1.3, 0.8, (1, 0.93, 0.86), 0.8)
    corneas = bpy.data.collections.new("no_soft_glints")
    for ob in scene.objects:
        if ob.name.startswith("cornea"):
            corneas.objects.link(ob)
    for member in corneas.collection_objects:
        member.light_linking.link_state = "EXCLUDE"
    for name in ("fill", "under"):
        scene.objects[name].light_linking.receiver_collection = corneas
    world = bpy.data.worlds.new("w")
    scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs[0].default_value = (0.085, 0.083, 0.08, 1)
    background.inputs[1].default_value = 1.0


def add_backdrop(colours: tuple[Colour, Colour]) -> None:
    """A gradient that only the camera sees, from the first colour in the middle to the second."""
    quad = np.array([[-2, -1.6, -2.2], [2, -1.6, -2.2], [2, 1.6, -2.2], [-2, 1.6, -2.2]])
    ob = mesh("backdrop", quad - [0, 0, -2.2], [[0, 1, 2, 3]], backdrop_material(*colours))
    ob.location = z_up((0, 0, -2.2))
    for kind in ("visible_diffuse", "visible_glossy", "visible_transmission", "visible_shadow"):
        setattr(ob, kind, False)


def add_camera(scene: Any, rig: Rigged, resolution: int) -> None:
    """The portrait camera, focused just in front of the eyes."""
    data = bpy.data.cameras.new("cam")
    ob = bpy.data.objects.new("cam", data)
    x, y, z = camera.axes()
    rows = [[*row, 0] for row in np.stack([z_up(x), z_up(y), z_up(z)], 1).tolist()]
    matrix = mathutils.Matrix([*rows, [0, 0, 0, 1]])
    matrix.translation = mathutils.Vector(z_up(camera.POSITION))
    ob.matrix_world = matrix
    data.lens, data.sensor_width = camera.FOCAL_MM, camera.SENSOR_MM
    data.clip_start = 0.05
    data.dof.use_dof = True
    data.dof.focus_distance = float(np.dot(camera.POSITION - (np.mean(rig.person.eye, 0) + [0, -0.01, 0.014]), z))
    data.dof.aperture_fstop = _FSTOP
    data.dof.aperture_blades = 0
    scene.collection.objects.link(ob)
    scene.camera = ob
    scene.render.resolution_x = scene.render.resolution_y = resolution
