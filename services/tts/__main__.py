"""python -m services.tts"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from flashback import engines
from flashback.rpc import ServiceServer, run_service
from flashback.settings import Addresses, HouseSettings
from flashback.v1 import tts_pb2, tts_pb2_grpc
from services.tts.server import TtsServicer
from services.tts.settings import TtsSettings


async def setup(service: ServiceServer) -> Callable[[], Awaitable[None]]:
    """Loads the engine and registers the servicer. Raises MissingEngine."""
    settings = TtsSettings()
    servicer = TtsServicer(engines.load("tts", settings.engine)(), settings, HouseSettings())
    await servicer.prepare()
    tts_pb2_grpc.add_TtsServicer_to_server(servicer, service.server)
    service.announce(tts_pb2.DESCRIPTOR.services_by_name["Tts"].full_name)
    return servicer.close


if __name__ == "__main__":
    run_service("tts", Addresses().tts_address, setup)
