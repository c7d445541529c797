"""The comparison itself: units, tolerances, and what is not there counts against."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.parity import recipe
from tests.parity.golden import Array, Folder, Tolerances, compare, difference

GOLDEN = Path(__file__).parents[1] / "data" / "golden"


@pytest.mark.parametrize(
    ("unit", "found", "expected"),
    [("abs", [1.0, 2.5], 0.5), ("levels", [1, 4], 2.0), ("exact", [1, 4], 1.0), ("fraction", [1, 4], 0.5)],
)
def test_a_difference_is_told_in_its_unit(unit: str, found: list[float], expected: float):
    golden = np.array([1, 2])
    assert difference(np.array(found), golden, unit) == expected
    assert difference(golden, golden, unit) == 0


def test_levels_below_zero_do_not_wrap():
    assert difference(np.array([0], np.uint8), np.array([255], np.uint8), "levels") == 255


@pytest.mark.parametrize("found", [None, np.zeros(3), np.array([0, np.nan])])
def test_nothing_another_shape_and_nan_are_no_result(found: Array | None):
    assert difference(found, np.zeros(2), "abs") is None


def test_the_longest_glob_holds(tmp_path: Path):
    table = {"a/*": {"tolerance": 1, "unit": "abs"}, "a/mask*": {"tolerance": 0, "unit": "exact"}}
    (tmp_path / "tolerances.json").write_text(json.dumps({"tolerances": table}))
    tolerances = Tolerances(tmp_path / "tolerances.json")
    assert tolerances.of("a/mask_1").unit == "exact"
    assert tolerances.of("a/other").limit == 1
    assert tolerances.of("b/other").limit == 0


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """Two tensors of one case."""
    (tmp_path / "tolerances.json").write_text('{"tolerances": {"*": {"tolerance": 0.1, "unit": "abs"}}}')
    (tmp_path / "case").mkdir()
    save_file({"near": np.zeros(2), "far": np.zeros(2)}, tmp_path / "case" / "outputs.safetensors")
    return tmp_path


def test_a_case_beyond_its_tolerance_is_not_within(golden: Path):
    def compute(folder: Folder) -> Iterator[tuple[str, Array]]:
        yield "near", np.full(2, 0.05)
        yield "far", np.full(2, 0.2)

    outcomes = compare(compute, golden)
    assert {case: outcome.within for case, outcome in outcomes.items()} == {"case/near": True, "case/far": False}
    assert outcomes["case/far"].as_json() == {"diff": 0.2, "tolerance": 0.1, "unit": "abs"}


def test_a_tensor_that_is_not_computed_is_not_within(golden: Path):
    outcomes = compare(lambda folder: iter([("near", np.zeros(2))]), golden)
    assert outcomes["case/near"].within
    assert not outcomes["case/far"].within


def test_a_folder_that_fails_does_not_end_the_run(golden: Path, capsys: pytest.CaptureFixture[str]):
    (golden / "good").mkdir()
    save_file({"near": np.zeros(2)}, golden / "good" / "outputs.safetensors")

    def compute(folder: Folder) -> Iterator[tuple[str, Array]]:
        yield "near", np.zeros(2)
        if folder.name == "case":
            raise KeyError("shapes.json")

    outcomes = compare(compute, golden)
    assert outcomes["good/near"].within
    assert not outcomes["case/far"].within
    assert "shapes.json" in capsys.readouterr().err


def test_only_takes_a_glob(golden: Path):
    assert list(compare(lambda folder: iter([("near", np.zeros(2))]), golden, "case/n*")) == ["case/near"]


def test_the_recipe_makes_the_listed_values():
    listed = json.loads((GOLDEN / "recipe_selfcheck.json").read_text())
    *rows, _ = listed["rows"]
    for row in rows:
        made = recipe.tensor(row["seed"], row["key"], row["shape"], listed["gains"], listed["overrides"])
        assert made.ravel()[:3].tolist() == row["first3"][: made.size]
        assert float(made.astype(np.float64).sum()) == pytest.approx(row["sum"])


def test_the_recipe_gives_spectral_norm_its_singular_vectors():
    listed = json.loads((GOLDEN / "recipe_selfcheck.json").read_text())
    *rows, spectral = listed["rows"]
    original = next(row for row in rows if row["key"].endswith("_orig"))
    shape = original["shape"]
    keys = {"s.weight_orig": shape, "s.weight_u": shape[:1], "s.weight_v": [int(np.prod(shape[1:]))]}
    made = recipe.state(keys, {"seed": original["seed"], "gains": listed["gains"], "overrides": listed["overrides"]})
    left, right = made["s.weight_u"], made["s.weight_v"]
    assert left[:3] == pytest.approx(spectral["u_first3"], abs=1e-6)
    assert right[:3] == pytest.approx(spectral["v_first3"], abs=1e-6)
    sigma = left @ made["s.weight_orig"].reshape(len(left), -1) @ right
    assert float(sigma) == pytest.approx(spectral["sigma"], rel=1e-5)
