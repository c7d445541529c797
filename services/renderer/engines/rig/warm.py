"""python -m services.renderer.engines.rig.warm: compiles the kernels at set-up, so that the first start is quick."""

from __future__ import annotations

from flashback.settings import HouseSettings
from services.renderer.engines.rig.picture import warm

if __name__ == "__main__":
    house = HouseSettings()
    warm(house.personas_dir / house.default_persona)
