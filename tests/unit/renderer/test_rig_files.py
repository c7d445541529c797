"""A persona's picture files: what is wrong is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.renderer.engines.rig.files import PersonaError, read_plates, read_rig

IRIS = Path(__file__).parents[3] / "personas" / "iris"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(IRIS / "rig.npz", tmp_path / "rig.npz")
    shutil.copy(IRIS / "portrait.png", tmp_path / "portrait.png")
    shutil.copytree(IRIS / "plates", tmp_path / "plates")
    return tmp_path


def rewrite(folder: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    with np.load(folder / "rig.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    change(arrays)
    np.savez(folder / "rig.npz", **arrays)


def test_scales_lengths_to_the_output_size(folder: Path) -> None:
    small, large = read_rig(folder, 256), read_rig(folder, 512)
    np.testing.assert_allclose((small.xy + 0.5) * 2, large.xy + 0.5, rtol=1e-5)
    np.testing.assert_allclose(small.dxy * 2, large.dxy, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(small.depth, large.depth)


def test_a_missing_rig_is_named(tmp_path: Path) -> None:
    with pytest.raises(PersonaError, match=r"rig\.npz: the file is missing"):
        read_rig(tmp_path, 256)


def test_a_cut_off_rig_is_named(folder: Path) -> None:
    whole = (folder / "rig.npz").read_bytes()
    (folder / "rig.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PersonaError, match=r"rig\.npz: the file cannot be read"):
        read_rig(folder, 256)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda z: z.pop("dxy"), "'dxy' is missing"),
        (lambda z: z.update(dxy=z["dxy"][:, :-1]), "'dxy' has shape"),
        (lambda z: z.update(depth=np.full_like(z["depth"], np.nan)), "'depth' holds values that are not finite"),
        (lambda z: z.update(shapes=z["shapes"][::-1]), "ARKit's 52 names"),
        (lambda z: z.update(tri=z["tri"] + 10**6), "vertices that do not exist"),
        (lambda z: z.update(group_names=np.array(["x"] * len(z["group_names"]))), "group 'upperLip' is missing"),
        (lambda z: z.update(xy=z["xy"].astype(str)), "not finite numbers"),
    ],
)
def test_a_wrong_array_is_named(folder: Path, change: Callable[[dict[str, np.ndarray]], None], words: str) -> None:
    rewrite(folder, change)
    with pytest.raises(PersonaError, match=words):
        read_rig(folder, 256)


@pytest.mark.parametrize("name", ["portrait.png", "plates/interior.png", "plates/matte.png"])
def test_a_missing_picture_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(PersonaError, match=f"{Path(name).name}: the file is missing"):
        read_plates(folder, 256)


def test_a_damaged_picture_is_named(folder: Path) -> None:
    whole = (folder / "plates/eyes.png").read_bytes()
    (folder / "plates/eyes.png").write_bytes(whole[:2000])
    with pytest.raises(PersonaError, match=r"eyes\.png: the picture cannot be read"):
        read_plates(folder, 256)


def test_a_picture_of_another_size_is_named(folder: Path) -> None:
    Image.new("RGB", (640, 480)).save(folder / "plates/background.png")
    with pytest.raises(PersonaError, match=r"background\.png: the picture is 640x480"):
        read_plates(folder, 256)
