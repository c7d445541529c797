import numpy as np

from services.postfx.yuv import rgb_to_yuv, yuv_to_rgb


def test_reference_colours() -> None:
    rgb = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]], np.float32)
    expected = np.array([[16, 128, 128], [235, 128, 128], [81.48, 90.2, 240], [40.97, 240, 109.79]])
    np.testing.assert_allclose(rgb_to_yuv(rgb), expected, atol=0.02)


def test_round_trip() -> None:
    rgb = np.random.default_rng(2).random((50, 3), np.float32)
    np.testing.assert_allclose(yuv_to_rgb(rgb_to_yuv(rgb)), rgb, atol=1e-5)
