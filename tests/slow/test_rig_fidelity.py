"""The fast rig against the exact one at full size, over speech with all idle motion."""

from __future__ import annotations

import pytest

from benchmarks import rig


@pytest.mark.parametrize("persona_id", ["iris", "amon"])
def test_every_frame_is_its_own_and_near_the_exact_renderer(persona_id: str) -> None:
    found = rig.measure(persona_id, rig.performance(100), size=512, every=5)
    assert found["frames_distinct"] == 100
    assert found["psnr_db_min"] >= 35.0
