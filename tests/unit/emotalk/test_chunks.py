"""Where recordings are cut."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flashback.errors import InvalidInput
from services.emotalk.chunks import SHORTEST_TAIL, Plan, Splitter, plan, split, wanted

DEFAULT = plan(25.0, 0.5, 160.0)
GOLDEN = {
    16000: [(0.0, 1.0, 16000)],
    396000: [(0.0, 24.75, 396000)],
    400000: [(0.0, 25.0, 400000)],
    400001: [(0.0, 25.0, 400000), (24.5, 25.0000625, 8001)],
    784000: [(0.0, 25.0, 400000), (24.5, 49.0, 392000)],
    792000: [(0.0, 25.0, 400000), (24.5, 49.5, 400000)],
    1000000: [(0.0, 25.0, 400000), (24.5, 49.5, 400000), (49.0, 62.5, 216000)],
    1600000: [
        (0.0, 25.0, 400000),
        (24.5, 49.5, 400000),
        (49.0, 74.0, 400000),
        (73.5, 98.5, 400000),
        (98.0, 100.0, 32000),
    ],
}
"""Total samples -> (start s, end s, samples), as the existing service cuts with its defaults."""

plans = st.builds(plan, st.floats(0, 200), st.floats(0, 200), st.floats(2, 200))


@pytest.mark.parametrize("total", GOLDEN)
def test_the_default_split_is_that_of_the_existing_service(total: int) -> None:
    pieces = split(total, DEFAULT)
    assert [(p.start / 16_000, p.stop / 16_000, p.stop - p.start) for p in pieces] == GOLDEN[total]


def test_a_short_chunk_with_its_own_overlap() -> None:
    starts = [piece.start for piece in split(51_000, plan(1.0, 0.2, 160.0))]
    assert starts == [0, 12_800, 25_600, 38_400]


@settings(max_examples=300, deadline=None)
@given(plans, st.integers(1, 400_000))
def test_pieces_cover_everything_and_overlap_as_planned(plan: Plan, total: int) -> None:
    pieces = split(total, plan)
    assert pieces[0].start == 0
    assert pieces[-1].stop == total
    assert pieces[-1].following is None
    for piece, following in zip(pieces, pieces[1:], strict=False):
        assert piece.following == following.start
        assert piece.stop - following.start == plan.overlap
        assert piece.stop - piece.start == plan.chunk
    assert pieces[-1].stop - pieces[-1].start <= plan.chunk + SHORTEST_TAIL
    assert len(pieces) == 1 or pieces[-1].stop - pieces[-1].start >= SHORTEST_TAIL


@settings(max_examples=100, deadline=None)
@given(plans, st.integers(1, 200_000), st.integers(1, 50_000))
def test_a_stream_is_cut_as_the_whole_is(plan: Plan, total: int, block: int) -> None:
    samples = np.arange(total, dtype=np.float32)
    splitter = Splitter(plan)
    found = [pair for at in range(0, total, block) for pair in splitter.push(samples[at : at + block])]
    found.append(splitter.finish())
    assert [piece for piece, _ in found] == split(total, plan)
    for piece, held in found:
        assert np.array_equal(held, samples[piece.start : piece.stop])


def test_a_piece_comes_as_soon_as_it_is_certain() -> None:
    splitter = Splitter(plan(1.0, 0.0, 160.0))
    assert not list(splitter.push(np.zeros(16_000 + SHORTEST_TAIL - 1, np.float32)))
    assert [piece.stop for piece, _ in splitter.push(np.zeros(1, np.float32))] == [16_000]


def test_a_tail_too_short_to_animate_is_joined_to_the_piece_before() -> None:
    joined = split(16_000 + SHORTEST_TAIL - 1, plan(1.0, 0.0, 160.0))
    assert [piece.stop - piece.start for piece in joined] == [16_000 + SHORTEST_TAIL - 1]


def test_an_engine_that_hears_less_gets_shorter_pieces() -> None:
    for total in (160_000, 160_001, 479_999):
        assert max(p.stop - p.start for p in split(total, plan(25.0, 0.5, 10.0))) <= 160_000


def test_an_overlap_of_nearly_everything_does_not_multiply_the_work() -> None:
    assert len(split(1800 * 16_000, plan(25.0, 24.9999, 160.0))) <= 2 * 1800 / 25
    assert plan(0.001, 0.0, 160.0).chunk == 8_000


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ((25.0, 0.5), (25.0, 0.5)),
        ((0.0, 0.5), (25.0, 0.5)),
        ((-3.0, 0.0), (25.0, 0.0)),
        ((10.0, -1.0), (10.0, 0.5)),
        ((0.4, -1.0), (0.4, 0.2)),
    ],
)
def test_what_is_left_open_has_the_defaults(asked: tuple[float, float], given: tuple[float, float]) -> None:
    assert wanted(*asked) == given


@pytest.mark.parametrize("asked", [(5.0, 5.0), (5.0, 6.0), (0.0, 25.0)])
def test_an_overlap_as_long_as_the_chunk_is_refused(asked: tuple[float, float]) -> None:
    with pytest.raises(InvalidInput, match="chunk_overlap"):
        wanted(*asked)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused(bad: float) -> None:
    with pytest.raises(InvalidInput, match="finite"):
        wanted(bad, 0.5)
    with pytest.raises(InvalidInput, match="finite"):
        wanted(25.0, bad)
