"""EmoTalk's engine against recorded runs of the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parity.__main__ import run

GOLDEN = Path(__file__).parents[2] / "data" / "golden" / "emotalk"


@pytest.mark.parametrize("folder", ["small", "chunk", "postprocess"])
def test_the_engine_computes_what_the_reference_did(folder: str):
    beyond(folder)


@pytest.mark.slow
def test_the_engine_of_real_size_computes_what_the_reference_did():
    beyond("full")


def beyond(folder: str) -> None:
    outcomes = run("emotalk", GOLDEN, f"{folder}/*")
    assert outcomes
    assert {case: outcome.said for case, outcome in outcomes.items() if not outcome.within} == {}
