"""python -m services.ears"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from flashback import engines
from flashback.errors import MissingEngine
from flashback.rpc import ServiceServer, run_service
from flashback.settings import Addresses, HouseSettings
from flashback.v1 import ears_pb2, ears_pb2_grpc
from services.ears.engine import Engine
from services.ears.recognisers import Recognisers
from services.ears.server import EarsServicer
from services.ears.settings import EarsSettings
from services.ears.teacher import WireTeacher

log = logging.getLogger(__name__)


def choose_engine(settings: EarsSettings) -> Engine | None:
    """The engine of the settings; None when none is wanted, or when `auto` finds none. Raises MissingEngine."""
    if settings.engine == "none":
        return None
    if settings.engine != "auto":
        engine: Engine = engines.load("ears", settings.engine)(settings)
        return engine
    names = ["faster-whisper"] if settings.whisper_dir else []
    for name in [*names, "pocketsphinx"]:
        try:
            found: Engine = engines.load("ears", name)(settings)
            return found
        except MissingEngine as error:
            log.warning("%s", error.message)
    return None


async def setup(service: ServiceServer) -> Callable[[], Awaitable[None]]:
    """Registers the servicer. Raises MissingEngine for a named engine that is not there."""
    settings, house = EarsSettings(), HouseSettings()
    engine = choose_engine(settings)
    teacher = WireTeacher(Addresses())
    recognisers = Recognisers(engine, teacher, house) if engine else None
    servicer = EarsServicer(recognisers, settings, house)
    ears_pb2_grpc.add_EarsServicer_to_server(servicer, service.server)
    service.announce(ears_pb2.DESCRIPTOR.services_by_name["Ears"].full_name)

    async def close() -> None:
        await servicer.close()
        await teacher.close()

    return close


if __name__ == "__main__":
    run_service("ears", Addresses().ears_address, setup)
