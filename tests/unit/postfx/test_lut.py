import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flashback.errors import Broken
from services.postfx.lut import Lut, graded, parse_cube, tetrahedral, write_cube

SWAPPED = """# a comment
TITLE "red fastest"
LUT_3D_SIZE 2

DOMAIN_MIN 0 0 0
DOMAIN_MAX 1.0 1.0 1.0
0 0 0
0.9 0 0
0 0.8 0
0.9 0.8 0
0 0 0.7
0.9 0 0.7
# inside the table
0 0.8 0.7
0.9 0.8 0.7
"""


def _identity(size: int) -> np.ndarray:
    axis = np.linspace(0, 1, size, dtype=np.float32)
    blue, green, red = np.meshgrid(axis, axis, axis, indexing="ij")
    return np.stack([red, green, blue], -1)


def test_red_runs_fastest() -> None:
    lut = parse_cube(SWAPPED)
    assert (lut.title, lut.size) == ("red fastest", 2)
    corners = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], np.float32)
    np.testing.assert_allclose(
        tetrahedral(lut, corners), [[0.9, 0, 0], [0, 0.8, 0], [0, 0, 0.7], [0.9, 0.8, 0.7]], atol=1e-6
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LUT_3D_SIZE 2", "LUT_1D_SIZE 2"),
        ("LUT_3D_SIZE 2", "LUT_3D_SIZE 1"),
        ("LUT_3D_SIZE 2", "LUT_3D_SIZE 3"),
        ("LUT_3D_SIZE 2", "LUT_3D_SIZE two"),
        ("LUT_3D_SIZE 2", ""),
        ("LUT_3D_SIZE 2", "LUT_3D_SIZE 2\nSOMETHING 1"),
        ("DOMAIN_MAX 1.0 1.0 1.0", "DOMAIN_MAX 1.0 1.0"),
        ("DOMAIN_MAX 1.0 1.0 1.0", "DOMAIN_MAX 1.0 0 1.0"),
        ("DOMAIN_MAX 1.0 1.0 1.0", "DOMAIN_MAX 1.0 nan 1.0"),
        ("0.9 0 0\n", "0.9 0\n"),
        ("0.9 0 0\n", "0.9 0 x\n"),
        ("0.9 0 0\n", "0.9 0 inf\n"),
        ("0.9 0 0\n", ""),
        (SWAPPED, ""),
    ],
)
def test_damaged_files_are_refused(old: str, new: str) -> None:
    with pytest.raises(Broken):
        parse_cube(SWAPPED.replace(old, new, 1))


def test_written_table_reads_back() -> None:
    table = np.random.default_rng(1).random((5, 5, 5, 3), np.float32)
    lut = parse_cube(write_cube(table, "mine"))
    assert lut.title == "mine"
    np.testing.assert_allclose(lut.table, table, atol=6e-5)


@given(st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 3), min_size=1, max_size=20))
def test_linear_tables_are_exact(colours: list[tuple[float, float, float]]) -> None:
    mix = np.array([[0.5, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.1, 0.4]], np.float32)
    rgb = np.array(colours, np.float32)
    np.testing.assert_allclose(tetrahedral(Lut(_identity(5) @ mix), rgb), rgb @ mix, atol=1e-5)


def test_cells_are_split_along_the_grey_diagonal() -> None:
    """In a tetrahedron only the corners on the way black, largest, two largest, white count (Kasson et al. 1995)."""
    table = np.zeros((2, 2, 2, 3), np.float32)
    table[0, 0, 1] = 1  # red corner
    table[1, 0, 0] = 5  # blue corner, which (0.6, 0.3, 0.1) must not see
    np.testing.assert_allclose(tetrahedral(Lut(table), np.array([[0.6, 0.3, 0.1]], np.float32)), 0.3, atol=1e-6)


def test_domain_scales_and_clamps() -> None:
    lut = Lut(_identity(3), (0.0, 0.0, 0.0), (2.0, 2.0, 2.0))
    np.testing.assert_allclose(
        tetrahedral(lut, np.array([[1, 0.5, 3], [-1, 0, 0]], np.float32)), np.array([[0.5, 0.25, 1], [0, 0, 0]])
    )


def test_intensity_blends() -> None:
    lut = Lut(1 - _identity(3))
    rgb = np.array([[0.2, 0.4, 0.9]], np.float32)
    np.testing.assert_allclose(graded(lut, 0.0, rgb), rgb)
    np.testing.assert_allclose(graded(lut, 1.0, rgb), 1 - rgb, atol=1e-6)
    np.testing.assert_allclose(graded(lut, 0.5, rgb), 0.5, atol=1e-6)
