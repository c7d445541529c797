"""python -m services.postfx"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from flashback import engines
from flashback.errors import FlashbackError
from flashback.rpc import ServiceServer, open_channel, run_service
from flashback.settings import Addresses, HouseSettings
from flashback.v1 import media_pb2, media_pb2_grpc, postfx_pb2, postfx_pb2_grpc
from services.postfx.lookbook import LookBook
from services.postfx.server import FrameProxy, PostFxServicer
from services.postfx.settings import PostFxSettings

log = logging.getLogger(__name__)


async def setup(service: ServiceServer) -> Callable[[], Awaitable[None]]:
    """Loads the engine, readies the default look and registers both servicers. Raises MissingEngine."""
    settings = PostFxSettings()
    book = LookBook(engines.load("postfx", settings.engine)(), settings, HouseSettings())
    try:
        await asyncio.to_thread(book.look, "")
    except FlashbackError as error:
        log.warning("the default look is not ready: %s", error.message)
    channel = open_channel(Addresses().renderer_address)
    proxy = FrameProxy(book, channel)
    postfx_pb2_grpc.add_PostFxServicer_to_server(PostFxServicer(book), service.server)
    media_pb2_grpc.add_FrameSourceServicer_to_server(proxy, service.server)
    service.announce(
        postfx_pb2.DESCRIPTOR.services_by_name["PostFx"].full_name,
        media_pb2.DESCRIPTOR.services_by_name["FrameSource"].full_name,
    )

    async def close() -> None:
        await channel.close(None)
        await proxy.close()

    return close


if __name__ == "__main__":
    run_service("postfx", Addresses().postfx_address, setup)
