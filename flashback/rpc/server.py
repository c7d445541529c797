"""One process, one gRPC server: health (grpc.health.v1), reflection, error mapping, clean stop on SIGTERM/SIGINT."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from flashback import logs
from flashback.errors import FlashbackError
from flashback.rpc.errors import ErrorInterceptor
from flashback.rpc.options import MAX_MESSAGE_BYTES, options
from flashback.settings import HouseSettings

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1


class ServiceServer:
    """A grpc.aio server with the standard services; `health` flips to SERVING in start() and back in stop()."""

    def __init__(self, address: str, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self.address = address
        self.server = grpc.aio.server(interceptors=[ErrorInterceptor()], options=options(max_message_bytes))
        self._health = HealthServicer()
        self._names: list[str] = []
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.server)

    def announce(self, *service_names: str) -> None:
        """Full protobuf names of the services added to `server`, for health and reflection."""
        self._names += service_names

    async def start(self) -> None:
        """Binds and serves. Raises FlashbackError naming the address when it is taken."""
        names = [*self._names, health.SERVICE_NAME, reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, self.server)
        try:
            self.server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise FlashbackError(f"Cannot listen on {self.address}: the address is taken.") from error
        await self.server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_s: float = 1.0) -> None:
        await self._health.enter_graceful_shutdown()
        await self.server.stop(grace_s)


def die_with_parent() -> None:
    """On Linux, ask the kernel for SIGTERM when the supervising process dies, so that no service is left behind."""
    if sys.platform == "linux" and os.environ.get("FLASHBACK_SUPERVISED") == "1":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def run_service(
    name: str,
    address: str,
    setup: Callable[[ServiceServer], Awaitable[Callable[[], Awaitable[None]]]],
    max_message_bytes: int = MAX_MESSAGE_BYTES,
) -> None:
    """The whole life of a service process.

    `setup` registers servicers on the ServiceServer (and calls announce), loads what the service needs, and returns an
    async function that closes it again. max_message_bytes: of one message, in or out. Exits with status 1 and one line
    on a FlashbackError at start.
    """
    die_with_parent()
    logs.configure(name, HouseSettings().log_level)
    try:
        asyncio.run(_serve(address, setup, max_message_bytes))
    except FlashbackError as error:
        log.error("cannot start: %s", error.message)
        sys.exit(1)


async def _serve(
    address: str,
    setup: Callable[[ServiceServer], Awaitable[Callable[[], Awaitable[None]]]],
    max_message_bytes: int,
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    service = ServiceServer(address, max_message_bytes)
    close = await setup(service)
    try:
        await service.start()
        log.info("serving", extra={"address": address})
        await stopping.wait()
    finally:
        await service.stop()
        await close()
    log.info("stopped")
    logging.shutdown()
    # Worker threads may still compute (an ingest, a language model) and cannot be interrupted; what they write is put
    # in place in one step at its end, so leaving them behind loses nothing and keeps Ctrl-C quick.
    os._exit(0)
