"""Renders a scene with Cycles on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np

from ..arrays import Array

Crop = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of the picture from its top left corner."""


def render(
    scene: Any, path: Path, samples: int, crop: Crop | None = None, denoise: bool = True, transparent: bool = False
) -> Array:
    """Renders to an OpenEXR file. Returns linear RGBA float32 [H,W,4], row 0 on top."""
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.samples = samples
    cycles.use_adaptive_sampling = True
    cycles.adaptive_threshold = 0.02
    cycles.adaptive_min_samples = 12
    cycles.use_denoising = denoise
    if denoise:
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
        cycles.denoising_prefilter = "ACCURATE"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = 4, 2, 2, 2
    cycles.transparent_max_bounces = 12
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    cycles.seed = 0
    scene.render.use_persistent_data = False
    scene.render.film_transparent = transparent
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.image_settings.color_depth = "16"
    scene.render.image_settings.color_mode = "RGBA" if transparent else "RGB"
    scene.view_settings.view_transform = "Standard"
    scene.render.use_border = crop is not None
    scene.render.use_crop_to_border = False
    if crop:
        scene.render.border_min_x, scene.render.border_max_x = crop[0], crop[2]
        scene.render.border_min_y, scene.render.border_max_y = 1 - crop[3], 1 - crop[1]
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    return _read(path)


def _read(path: Path) -> Array:
    picture = bpy.data.images.load(str(path), check_existing=False)
    picture.colorspace_settings.name = "Non-Color"
    a = np.empty(picture.size[0] * picture.size[1] * 4, np.float32)
    picture.pixels.foreach_get(a)
    a = a.reshape(picture.size[1], picture.size[0], 4)[::-1].copy()
    bpy.data.images.remove(picture)
    return a
