"""Golden data: case folders, the tolerance of each tensor, and what a difference is in its unit."""

from __future__ import annotations

import fnmatch
import json
import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Array = NDArray[Any]


@dataclass(frozen=True)
class Folder:
    """One case folder: config.json, inputs.safetensors, outputs.safetensors, and shapes.json or weights.safetensors."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @cached_property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / "config.json").read_text(encoding="utf-8"))
        return found

    @cached_property
    def inputs(self) -> dict[str, Array]:
        return dict(load_file(self.path / "inputs.safetensors"))

    @cached_property
    def outputs(self) -> dict[str, Array]:
        return dict(load_file(self.path / "outputs.safetensors"))

    @cached_property
    def shapes(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = json.loads((self.path / "shapes.json").read_text(encoding="utf-8"))
        return found

    def beside(self, relative: str) -> Folder:
        """Another case folder, by its path from this one."""
        return Folder((self.path / relative).resolve())


@dataclass(frozen=True)
class Tolerance:
    """unit: abs (largest |a-b|), levels (the same of uint8), exact (how many differ), fraction (share that differs)."""

    limit: float
    unit: str


@dataclass(frozen=True)
class Outcome:
    """diff is None where nothing was computed for the tensor, or its shape is another."""

    diff: float | None
    tolerance: float
    unit: str

    @property
    def within(self) -> bool:
        return self.diff is not None and self.diff <= self.tolerance

    @property
    def said(self) -> str:
        return "not computed" if self.diff is None else f"{self.diff:.3g}"

    def as_json(self) -> dict[str, Any]:
        return {"diff": self.diff, "tolerance": self.tolerance, "unit": self.unit}


class Tolerances:
    """`tolerances.json`: globs over folder/tensor; the longest that matches holds."""

    def __init__(self, path: Path) -> None:
        self._table = {
            pattern: Tolerance(float(entry["tolerance"]), entry["unit"])
            for pattern, entry in json.loads(path.read_text(encoding="utf-8"))["tolerances"].items()
        }

    def of(self, case: str) -> Tolerance:
        """No difference at all where no glob matches."""
        matching = [pattern for pattern in self._table if fnmatch.fnmatchcase(case, pattern)]
        return self._table[max(matching, key=len)] if matching else Tolerance(0.0, "abs")


def difference(found: Array | None, golden: Array, unit: str) -> float | None:
    """How far `found` is from `golden`, in a unit; None when there is none, its shape is another, or NaN is in it."""
    if found is None or found.shape != golden.shape:
        return None
    if golden.size == 0:
        return 0.0
    if unit in ("exact", "fraction"):
        unequal = found != golden
        return float(np.mean(unequal)) if unit == "fraction" else float(np.count_nonzero(unequal))
    apart = float(np.abs(found.astype(np.float64) - golden.astype(np.float64)).max())
    return None if math.isnan(apart) else apart


Compute = Callable[[Folder], Iterator[tuple[str, Array]]]


def compare(compute: Compute, data: Path, only: str = "*") -> dict[str, Outcome]:
    """Every tensor of every folder's outputs against what `compute` gives for it, by folder/tensor.

    A folder that fails does not end the run: its traceback goes to standard error, its tensors count as not computed.
    """
    tolerances = Tolerances(data / "tolerances.json")
    outcomes: dict[str, Outcome] = {}
    for path in sorted(p.parent for p in data.glob("*/outputs.safetensors")):
        folder = Folder(path)
        wanted = {t: golden for t, golden in folder.outputs.items() if fnmatch.fnmatchcase(f"{path.name}/{t}", only)}
        if not wanted:
            continue
        found: dict[str, Array] = {}
        try:
            found.update(compute(folder))
        except Exception:
            traceback.print_exc()
        for tensor, golden in wanted.items():
            case = f"{path.name}/{tensor}"
            tolerance = tolerances.of(case)
            diff = difference(found.get(tensor), golden, tolerance.unit)
            outcomes[case] = Outcome(diff, tolerance.limit, tolerance.unit)
    return outcomes
