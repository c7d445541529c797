"""python -m services.gateway"""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable

from flashback.rpc import ServiceServer, run_service
from flashback.settings import Addresses
from services.gateway.server import serve
from services.gateway.settings import GatewaySettings


async def setup(service: ServiceServer) -> Callable[[], Awaitable[None]]:
    """Registers the servicer; returns what closes every peer."""
    gateway = serve(service, GatewaySettings(), Addresses())
    gc.collect()
    gc.freeze()  # collections look at sessions only, not at all that was imported: they take a few milliseconds less
    return gateway.close


if __name__ == "__main__":
    run_service("gateway", Addresses().gateway_address, setup)
