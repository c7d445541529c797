import numpy as np
import pytest

from services.postfx.badge import I420Badge, draw
from services.postfx.yuv import rgb_to_yuv


@pytest.mark.parametrize("size", [(64, 64), (256, 256), (512, 512), (1920, 1080), (270, 480)])
def test_sits_inside_at_the_top_right(size: tuple[int, int]) -> None:
    badge = draw(*size)
    height, width = badge.pixels.shape[:2]
    assert all(v % 2 == 0 for v in (badge.x, badge.y, width, height))
    assert badge.x + width < size[0]
    assert badge.y + height < size[1]
    assert badge.x + width > size[0] * 0.9
    assert 0 < badge.y < size[1] * 0.15


def test_pill_is_translucent_with_clear_corners_and_bright_text() -> None:
    pixels = draw(512, 512).pixels
    height, width = pixels.shape[:2]
    assert pixels[0, 0, 3] == 0
    assert pixels[2, width // 2, 3] == round(0.7 * 255)
    assert pixels[height // 2, :, :3].max() > 235
    inked = pixels[..., 3] > 0.85 * 255
    assert 0.05 < inked.mean() < 0.4


def test_i420_blend_equals_rgba_blend() -> None:
    badge = draw(256, 256)
    backdrop = np.array([0.2, 0.5, 0.7], np.float32)
    frame = np.empty(256 * 256 * 3 // 2, np.uint8)
    y, cb, cr = np.rint(rgb_to_yuv(backdrop[None]))[0]
    frame[: 256 * 256], frame[256 * 256 : 256 * 320], frame[256 * 320 :] = y, cb, cr
    I420Badge(badge, 256, 256).blend(frame)
    alpha = badge.pixels[..., 3:] / 255
    wanted = badge.pixels[..., :3] / 255 * alpha + backdrop * (1 - alpha)
    luma = rgb_to_yuv(wanted.reshape(-1, 3).astype(np.float32))[:, 0].reshape(alpha.shape[:2])
    height, width = alpha.shape[:2]
    plane = frame[: 256 * 256].reshape(256, 256)
    assert np.abs(plane[badge.y : badge.y + height, badge.x : badge.x + width] - luma).max() < 1.5
    plane[badge.y : badge.y + height, badge.x : badge.x + width] = y
    assert (plane == y).all()
