"""Predictions of overlapping pieces become one sequence without duplicates, gaps or jumps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.emotalk.chunks import Piece, plan, split
from services.emotalk.engine import CHANNELS, FPS, RATE, Weights, frame_count
from services.emotalk.seam import Seam

Motion = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def predictions(pieces: list[Piece], motion: Motion, offset: float = 0.0) -> list[tuple[Piece, Weights]]:
    """What an engine makes of `motion` (of seconds), when pieces differ by `offset`, up and down by turns."""
    out = []
    for index, piece in enumerate(pieces):
        time = piece.start / RATE + np.arange(frame_count(piece.stop - piece.start)) / FPS
        values = motion(time) + (offset if index % 2 else 0)
        out.append((piece, np.repeat(values[:, None], CHANNELS, axis=1).astype(np.float32)))
    return out


def joined(found: list[tuple[Piece, Weights]]) -> Weights:
    seam = Seam()
    return np.concatenate([seam.add(piece, rows) for piece, rows in found])


def speech(time: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.3 * np.sin(2 * np.pi * 3 * time)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.5, 20), st.floats(0, 20), st.integers(1, 700_000))
@example(1.796875, 0.0, 60_700)
def test_every_frame_once_whatever_the_overlap(chunk_s: float, overlap_s: float, total: int) -> None:
    pieces = split(total, plan(chunk_s, overlap_s, 160.0))
    rows = joined(predictions(pieces, lambda time: time))
    assert len(rows) == frame_count(total)
    assert rows.dtype == np.float32
    inside = rows[: max(len(rows) - 2, 1), 0]
    assert np.abs(inside - np.arange(len(inside)) / FPS).max() < 1 / FPS, "frame k shows the moment k / 30 s"


@pytest.mark.parametrize("overlap_s", [0.5, 0.2, 0.05, 0.0, 0.333, 0.77])
def test_pieces_that_agree_are_joined_exactly(overlap_s: float) -> None:
    pieces = split(200_000, plan(4.0, overlap_s, 160.0))
    rows = joined(predictions(pieces, lambda time: 0.1 + 0 * time))
    assert np.abs(rows - 0.1).max() < 1e-6


def test_a_recording_of_one_piece_is_left_exactly_as_it_was() -> None:
    rows = np.random.default_rng(0).standard_normal((frame_count(132_800), CHANNELS)).astype(np.float32)
    assert np.array_equal(Seam().add(Piece(0, 132_800, None), rows), rows)


def test_outside_the_overlap_each_piece_speaks_alone() -> None:
    pieces = split(20 * RATE, plan(5.0, 0.5, 160.0))
    found = predictions(pieces, speech, offset=0.2)
    rows = joined(found)
    assert np.array_equal(rows[20:130], found[0][1][20:130])
    assert np.array_equal(rows[135 + 15 : 270], found[1][1][15:135])


@pytest.mark.parametrize("overlap_s", [0.5, 0.25, 0.333, 0.77])
def test_no_seam_is_seen_where_pieces_differ_by_an_offset(overlap_s: float) -> None:
    pieces = split(30 * RATE, plan(5.0, overlap_s, 160.0))
    plain = np.abs(np.diff(joined(predictions(pieces, speech))[:, 0])).max()
    apart = np.abs(np.diff(joined(predictions(pieces, speech, offset=0.08))[:, 0]))
    assert len(pieces) > 5
    assert plain < 0.2
    seams = np.zeros(len(apart), bool)
    for piece in pieces[1:]:
        first = piece.start * FPS // RATE - 1
        seams[first : first + round(overlap_s * FPS) + 3] = True
    assert apart[seams].max() <= apart[~seams].max() * 1.3
    still = joined(predictions(pieces, lambda time: 0 * time, offset=0.08))
    assert np.abs(np.diff(still[:, 0])).max() <= apart[~seams].max() / 2


@pytest.mark.parametrize("overlap_s", [0.0, 0.04, 0.07])
def test_with_little_or_no_overlap_the_difference_still_fades(overlap_s: float) -> None:
    pieces = split(10 * RATE, plan(5.0, overlap_s, 160.0))
    rows = joined(predictions(pieces, lambda time: 0 * time, offset=0.3))[:, 0]
    assert rows[147] == 0
    assert rows[155] == np.float32(0.3)
    assert np.abs(np.diff(rows)).max() < 0.3 * 0.45


def test_frames_are_given_out_as_soon_as_no_later_piece_reaches_them() -> None:
    seam = Seam()
    pieces = split(30 * RATE, plan(5.0, 0.5, 160.0))
    found = predictions(pieces, speech)
    assert len(seam.add(*found[0])) == 135
    assert len(seam.add(*found[1])) == 135
