"""The rig's pictures, against the exact renderer and against what a viewer would notice."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from flashback.media.blendshapes import index
from services.renderer import stamp
from services.renderer.engine import REACH, Sway
from services.renderer.engines.rig.colour import halve, to_byte, yuv
from services.renderer.engines.rig.files import read_plates
from services.renderer.engines.rig.model import Badge, Plane, RigModel, load_rig
from services.renderer.engines.rig.picture import RigCanvas
from tests.reference.rig_exact import ExactRig

PERSONAS = Path(__file__).parents[3] / "personas"
SIZE = 256
AA = {"jawOpen": 0.34, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2, "mouthUpperUpLeft": 0.15}
OO = {"jawOpen": 0.24, "mouthFunnel": 0.55, "mouthPucker": 0.15, "eyeLookOutLeft": 0.2, "eyeLookInRight": 0.2}
PP = {"mouthPressLeft": 0.35, "mouthPressRight": 0.35, "mouthRollLower": 0.25, "mouthRollUpper": 0.2, "jawOpen": 0.03}
TH = {"jawOpen": 0.13, "tongueOut": 0.48, "mouthLowerDownLeft": 0.28, "mouthLowerDownRight": 0.28}
BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
HALF_BLINK = {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.45, "browInnerUp": 0.5, "mouthSmileLeft": 0.3}


def weights(shapes: dict[str, float]) -> NDArray[np.float32]:
    w = np.zeros(52, np.float32)
    for name, value in shapes.items():
        w[index(name)] = value
    return w


def psnr(a: NDArray[Any], b: NDArray[Any]) -> float:
    return 10 * float(np.log10(255**2 / max(float(np.mean((a.astype(float) - b) ** 2)), 1e-9)))


def i420(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    y, u, v = np.moveaxis(yuv(rgb), 2, 0)
    return np.concatenate([to_byte(y).ravel(), to_byte(halve(u)).ravel(), to_byte(halve(v)).ravel()])


def picture(canvas: RigCanvas, *args: Any, **named: Any) -> NDArray[np.uint8]:
    return np.array(canvas.draw(*args, **named), np.uint8)


@pytest.fixture(scope="module", params=["iris", "amon"])
def person(request: pytest.FixtureRequest) -> tuple[RigModel, ExactRig, Path]:
    folder = PERSONAS / request.param
    return load_rig(folder, SIZE), ExactRig(folder, SIZE), folder


@pytest.fixture(scope="module")
def iris() -> RigModel:
    return load_rig(PERSONAS / "iris", SIZE)


def test_a_face_at_rest_is_the_portrait(person: tuple[RigModel, ExactRig, Path]) -> None:
    model, _, folder = person
    portrait = i420(read_plates(folder, SIZE).neutral)
    assert psnr(picture(RigCanvas(model), weights({})), portrait) > 42


@pytest.mark.parametrize("shapes", [AA, OO, PP, TH, BLINK, HALF_BLINK], ids=["aa", "oo", "pp", "th", "blink", "half"])
def test_is_near_the_exact_renderer(person: tuple[RigModel, ExactRig, Path], shapes: dict[str, float]) -> None:
    model, exact, _ = person
    pose = (weights(shapes), Sway(0.006, -0.003, 0.009), 0.003)
    assert psnr(picture(RigCanvas(model), *pose), exact.draw(*pose)) > 46


def test_closed_eyes_are_the_closed_plate(person: tuple[RigModel, ExactRig, Path]) -> None:
    model, _, folder = person
    n = SIZE
    plate = i420(read_plates(folder, n).eyes_closed)[: n * n].reshape(n, n)
    drawn = picture(RigCanvas(model), weights(BLINK))[: n * n].reshape(n, n)
    for eye in model.eye:
        w = eye.window
        cut = np.s_[w.y0 + 6 : w.y0 + w.h - 6, w.x0 + 8 : w.x0 + w.w - 8]
        assert psnr(drawn[cut], plate[cut]) > 36


def test_a_picture_depends_on_its_own_arguments_only(iris: RigModel) -> None:
    canvas, fresh = RigCanvas(iris), RigCanvas(iris)
    rng = np.random.default_rng(3)
    for _ in range(12):
        w = np.where(rng.random(52) < 0.4, rng.random(52), 0).astype(np.float32)
        canvas.draw(w, Sway(*rng.uniform(-REACH, REACH, 3)), float(rng.uniform(-0.01, 0.01)))
    pose = (weights(AA), Sway(0.004, 0.002, -0.006), 0.002)
    np.testing.assert_array_equal(picture(canvas, *pose), picture(fresh, *pose))


def test_drawing_leaves_the_model_alone(iris: RigModel) -> None:
    def arrays(thing: Any) -> list[NDArray[Any]]:
        found = [getattr(thing, f.name) for f in fields(thing)]
        return [a.copy() for a in found if isinstance(a, np.ndarray)]

    parts: list[Any] = [iris, *iris.planes, iris.mouth, iris.mouth_patch, *iris.eye, iris.field]
    before = [arrays(part) for part in parts]
    RigCanvas(iris).draw(weights(AA | BLINK), Sway(0.01, 0.01, 0.01), 0.004, None)
    for part, old in zip(parts, before, strict=True):
        for a, b in zip(old, arrays(part), strict=True):
            np.testing.assert_array_equal(a, b)
    assert isinstance(iris.planes[0], Plane)


def test_survives_any_weights(iris: RigModel) -> None:
    canvas = RigCanvas(iris)
    rng = np.random.default_rng(5)
    for w in (np.ones(52), np.full(52, -3.0), np.full(52, 9.0), np.full(52, np.nan), *rng.random((20, 52))):
        drawn = picture(canvas, w.astype(np.float32), Sway(1.0, -1.0, 1.0), 1.0)
        assert drawn.size == SIZE * SIZE * 3 // 2
        assert drawn[: SIZE * SIZE].std() > 10


def test_sway_beyond_reach_is_cut(iris: RigModel) -> None:
    canvas = RigCanvas(iris)
    far = picture(canvas, weights({}), Sway(1.0, -1.0, 1.0))
    np.testing.assert_array_equal(far, picture(canvas, weights({}), Sway(REACH, -REACH, REACH)))


def test_the_head_follows_the_sway_and_the_background_stays(iris: RigModel) -> None:
    n = SIZE
    canvas = RigCanvas(iris)
    rest = picture(canvas, weights({}))[: n * n].reshape(n, n).astype(float)
    moved = picture(canvas, weights({}), Sway(4 / n, 0, 0))[: n * n].reshape(n, n).astype(float)
    face = np.s_[90:150, 95:160]
    assert psnr(moved[face], rest[90:150, 91:156]) > psnr(moved[face], rest[face]) + 6
    np.testing.assert_array_equal(moved[:15], rest[:15])


def test_an_open_mouth_shows_teeth_under_the_lip(iris: RigModel) -> None:
    n = SIZE
    canvas = RigCanvas(iris)
    w = iris.mouth
    shut = picture(canvas, weights({}))[: n * n].reshape(n, n)[w.y0 : w.y0 + w.h, w.x0 : w.x0 + w.w]
    opened = picture(canvas, weights(AA))[: n * n].reshape(n, n)[w.y0 : w.y0 + w.h, w.x0 : w.x0 + w.w]
    change = opened.astype(int) - shut
    assert (change > 25).sum() > 15
    assert (change < -25).sum() > 15


def test_badge_lies_still_over_a_swaying_head() -> None:
    rgba = np.zeros((12, 40, 4), np.uint8)
    rgba[..., :3], rgba[..., 3] = (250, 20, 20), 255
    badge = Badge(rgba, 100, 200)
    model = load_rig(PERSONAS / "iris", SIZE, badge=badge)
    canvas = RigCanvas(model)
    red = to_byte(yuv(rgba[:1, :1, :3]))[0, 0]
    for x in (-0.01, 0.0, 0.01):
        drawn = picture(canvas, weights({}), Sway(x, 0, 0))
        luma = drawn[: SIZE * SIZE].reshape(SIZE, SIZE)
        np.testing.assert_array_equal(luma[200:212, 100:140], red[0])
        assert luma[214, 110] != red[0]


def test_half_transparent_badge_does_not_pile_up() -> None:
    rgba = np.full((8, 8, 4), 128, np.uint8)
    model = load_rig(PERSONAS / "iris", SIZE, badge=Badge(rgba, 4, 4))
    canvas = RigCanvas(model)
    first = picture(canvas, weights({}))
    for _ in range(3):
        again = picture(canvas, weights({}))
    np.testing.assert_array_equal(first, again)


def test_stamp_is_read_back_and_gone_in_the_next_frame() -> None:
    n = 448
    canvas = RigCanvas(load_rig(PERSONAS / "amon", n))
    plain = picture(canvas, weights({}))
    stamped = picture(canvas, weights({}), stamp=70123)
    assert stamp.read(stamped[: n * n].reshape(n, n)) == 70123
    np.testing.assert_array_equal(picture(canvas, weights({})), plain)


def test_plates_are_graded() -> None:
    grey = load_rig(
        PERSONAS / "iris", 128, grade=lambda rgb: np.repeat(rgb.mean(2, keepdims=True), 3, 2).astype(np.uint8)
    )
    drawn = picture(RigCanvas(grey), weights(AA | HALF_BLINK), Sway(0.01, 0.01, 0.01))
    chroma = drawn[128 * 128 :].astype(int)
    assert np.abs(chroma - 128).max() <= 2


@pytest.mark.parametrize("size", [100, 130, 2048])
def test_refuses_odd_sizes(size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 16"):
        load_rig(PERSONAS / "iris", size)
