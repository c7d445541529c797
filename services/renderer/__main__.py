"""python -m services.renderer"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from flashback.rpc import ServiceServer, run_service
from flashback.settings import Addresses, HouseSettings
from services.renderer.server import serve
from services.renderer.settings import RendererSettings


async def setup(service: ServiceServer) -> Callable[[], Awaitable[None]]:
    """Registers the servicers; returns what closes them."""
    renderer = await serve(service, RendererSettings(), HouseSettings())
    return renderer.close


if __name__ == "__main__":
    run_service("renderer", Addresses().renderer_address, setup)
