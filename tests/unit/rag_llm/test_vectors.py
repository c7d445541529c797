from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.rag_llm import vectors
from services.rag_llm.vectors import Vectors


def clustered(rows: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors of 48 dimensions around a few hundred centres, as loosely as sentences lie around subjects."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(300, 48))
    found = centres[rng.integers(300, size=rows)] + 1.5 * rng.normal(size=(rows, 48))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    return clustered(30_000, seed=1)


@pytest.fixture(scope="module")
def cells(rows: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    file = tmp_path_factory.mktemp("cells") / "rows"
    vectors.write(rows, file, flat_rows=1000)
    return Vectors.load(file)


def test_few_rows_are_found_exactly(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    vectors.write(rows[:500], tmp_path / "rows")
    found = Vectors.load(tmp_path / "rows")
    assert (found.kind, len(found)) == ("flat", 500)
    question = clustered(1, seed=2)[0]
    scores, numbers = found.nearest(question, 40)
    truth = rows[:500] @ question
    np.testing.assert_array_equal(numbers, np.argsort(-truth)[:40])
    np.testing.assert_allclose(scores, np.sort(truth)[::-1][:40], atol=1e-6)
    np.testing.assert_array_equal(found.rows([7, 3, 7]), rows[[7, 3, 7]])


def test_more_than_there_are_is_all_there_are(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    vectors.write(rows[:3], tmp_path / "rows")
    assert sorted(Vectors.load(tmp_path / "rows").nearest(rows[0], 10)[1].tolist()) == [0, 1, 2]


def test_many_rows_are_parted_and_nearly_all_of_the_nearest_found(cells: Vectors, rows: NDArray[np.float32]) -> None:
    assert (cells.kind, len(cells)) == ("ivf", 30_000)
    shares = []
    for question in clustered(50, seed=3):
        scores, numbers = cells.nearest(question, 40)
        truth = rows @ question
        shares.append(len(set(numbers.tolist()) & set(np.argsort(-truth)[:40].tolist())) / 40)
        np.testing.assert_allclose(scores, truth[numbers], atol=2e-3)
        assert (np.diff(scores) <= 0).all()
    assert np.mean(shares) >= 0.97


def test_rows_of_parted_vectors_keep_their_numbers(cells: Vectors, rows: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(cells.rows([29_999, 0, 12_345]), rows[[29_999, 0, 12_345]], atol=1e-3)


def test_a_missing_or_broken_file_is_told(tmp_path: Path, rows: NDArray[np.float32]) -> None:
    with pytest.raises(OSError, match="rows"):
        Vectors.load(tmp_path / "rows")
    vectors.write(rows[:100], tmp_path / "rows")
    whole = (tmp_path / "rows").read_bytes()
    for broken in (b"", b"{broken", whole[: len(whole) // 2]):
        (tmp_path / "rows").write_bytes(broken)
        with pytest.raises((OSError, RuntimeError)):
            Vectors.load(tmp_path / "rows")
