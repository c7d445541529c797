"""Which services run on this machine and where each listens."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flashback.errors import FlashbackError

SERVICES = ("postfx", "renderer", "gateway", "rag_llm", "tts", "ears", "emotalk")
"""gRPC services, in the order they are started; the orchestrator comes last."""

FRAME_SOURCES = ("renderer", "postfx")
"""Carry pictures: gRPC moves large messages over loopback TCP at less cost than over a Unix socket."""


@dataclass(frozen=True)
class Plan:
    """Addresses by service name, and the folder of the Unix sockets (private to this user)."""

    addresses: dict[str, str]
    socket_dir: Path

    def environment(self) -> dict[str, str]:
        """What a service process needs in its environment."""
        own = {f"FLASHBACK_{name.upper()}_ADDRESS": address for name, address in self.addresses.items()}
        limits = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}
        return {**limits, **os.environ, **own, "FLASHBACK_SUPERVISED": "1"}


def make_plan(services: Sequence[str]) -> Plan:
    """Fresh addresses for the services: Unix sockets in a new private folder, free loopback ports for frame sources."""
    folder = Path(tempfile.mkdtemp(prefix="flashback-"))
    addresses = {
        name: f"127.0.0.1:{free_port()}" if name in FRAME_SOURCES else f"unix:{folder / name}.sock" for name in services
    }
    return Plan(addresses, folder)


def free_port() -> int:
    """A loopback TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free_port(host: str, port: int) -> None:
    """Raises FlashbackError naming the port when something listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise FlashbackError(
                f"Port {port} on {host} is taken ({error.strerror}); choose another with `flashback up --port N`."
            ) from error
