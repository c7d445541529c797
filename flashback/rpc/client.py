"""Channels to the other services."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flashback.errors import Unavailable, from_call
from flashback.rpc.options import OPTIONS

T = TypeVar("T")


def open_channel(address: str) -> grpc.aio.Channel:
    """A channel to `host:port` or `unix:/path`; it connects lazily and reconnects quickly after a restart."""
    return grpc.aio.insecure_channel(
        address,
        options=[
            *OPTIONS,
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
        ],
    )


@contextmanager
def typed_errors(service: str) -> Iterator[None]:
    """Turns grpc.aio.AioRpcError into the FlashbackError of its status.

    A sentence the service wrote passes through, marked `from_service`; gRPC's own texts are replaced by a plain one.
    """
    try:
        yield
    except grpc.aio.AioRpcError as error:
        metadata: Any = error.trailing_metadata() or ()
        trailing = {key: value for key, value in metadata if isinstance(value, str)}
        raise from_call(service, error.code(), error.details() or "", trailing) from error


async def wait_serving(channel: grpc.aio.Channel, service: str, timeout_s: float) -> None:
    """Returns once the service's health check says SERVING. Raises Unavailable after `timeout_s` seconds."""
    stub = health_pb2_grpc.HealthStub(channel)
    loop = asyncio.get_running_loop()
    until = loop.time() + timeout_s
    while loop.time() < until:
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=""), timeout=2.0)
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
        except grpc.aio.AioRpcError:
            pass
        await asyncio.sleep(0.02)
    raise Unavailable(f"The {service} service did not become ready within {timeout_s:.0f} s; see its log above.")


async def drain(queue: asyncio.Queue[T]) -> AsyncIterator[T]:
    """A queue as the requests of a stream: its items, for ever; ends with the call that iterates."""
    while True:
        yield await queue.get()
