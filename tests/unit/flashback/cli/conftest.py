"""A running stack that is nothing but an answering service, for commands to find by its run file."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from flashback.rpc import ServiceServer
from flashback.settings import HouseSettings
from flashback.stack import runfile
from flashback.v1 import rag_llm_pb2_grpc
from services.rag_llm.embedding import MiniLM
from services.rag_llm.engines.extractive import create
from services.rag_llm.grounding import Grounding
from services.rag_llm.library import Library
from services.rag_llm.server import RagLlmServicer
from services.rag_llm.settings import RagSettings
from tests.unit.rag_llm.conftest import BEES, add_persona

Serve = Callable[[rag_llm_pb2_grpc.RagLlmServicer], Awaitable[None]]


@pytest.fixture(scope="session")
def encoder() -> MiniLM:
    return MiniLM()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HouseSettings:
    """Two personas, bea (the default one) and nil, without documents."""
    add_persona(tmp_path, "bea", "Bea", "bees and honey", {"bees.md": BEES})
    add_persona(tmp_path, "nil", "Nil", "nothing yet", {})
    monkeypatch.setenv("FLASHBACK_HOME", str(tmp_path))
    monkeypatch.setenv("FLASHBACK_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("FLASHBACK_DEFAULT_PERSONA", "bea")
    return HouseSettings()


@pytest.fixture
async def serve(house: HouseSettings, tmp_path: Path) -> AsyncIterator[Serve]:
    """Puts a servicer on the wire and writes the run file that names its address."""
    async with AsyncExitStack() as ends:

        async def start(servicer: rag_llm_pb2_grpc.RagLlmServicer) -> None:
            service = ServiceServer(f"unix:{tmp_path}/rag.sock")
            rag_llm_pb2_grpc.add_RagLlmServicer_to_server(servicer, service.server)
            await service.start()
            ends.push_async_callback(service.stop, 0)
            running = runfile.RunningStack(os.getpid(), "http://127.0.0.1:1", {"rag_llm": service.address})
            runfile.write(house.run_file, running)

        yield start


@pytest.fixture
async def answering_stack(house: HouseSettings, serve: Serve, encoder: MiniLM) -> AsyncIterator[HouseSettings]:
    """The real service, with the extractive engine."""
    settings = RagSettings(recheck_s=0.0, first_ingest_wait_s=60.0, gate_threshold=0.4)
    servicer = RagLlmServicer(
        Library(house, settings, encoder), create(encoder, settings), Grounding(encoder, settings)
    )
    await serve(servicer)
    yield house
    await servicer.close()
