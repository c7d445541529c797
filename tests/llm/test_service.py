"""`python -m services.rag_llm` with the `openai` engine and a real server that comes, dies and comes back."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flashback.rpc import open_channel, wait_serving
from flashback.settings import HouseSettings
from flashback.v1 import rag_llm_pb2 as pb
from flashback.v1 import rag_llm_pb2_grpc
from services.rag_llm.engines.openai_chat import INSTEAD
from tests.llm.conftest import SPOKEN
from tests.llm.test_engine import LONG_ANSWER, QUESTION, until
from tests.llm.transformers_server import ROOT, TransformersServer


@pytest.fixture
async def stub(
    request: pytest.FixtureRequest, tmp_path: Path, house: HouseSettings, mortal: TransformersServer
) -> AsyncIterator[rag_llm_pb2_grpc.RagLlmAsyncStub]:
    """The service as a child process; the parameter is the model that it asks for."""
    address = f"unix:{tmp_path}/rag.sock"
    chosen = {
        "FLASHBACK_HOME": str(house.home),
        "FLASHBACK_DATA_DIR": str(house.data_dir),
        "FLASHBACK_DEFAULT_PERSONA": "lia",
        "FLASHBACK_RAG_LLM_ADDRESS": address,
        "FLASHBACK_RAG_LLM_ENGINE": "openai",
        "FLASHBACK_RAG_LLM_CHAT_URL": mortal.url,
        "FLASHBACK_RAG_LLM_CHAT_MODEL": mortal.model(request.param),
        "FLASHBACK_RAG_LLM_CHAT_MAX_TOKENS": str(LONG_ANSWER),
        "FLASHBACK_RAG_LLM_CHAT_FIRST_TOKEN_S": "60",
        "FLASHBACK_RAG_LLM_CHAT_BETWEEN_TOKENS_S": "30",
        "FLASHBACK_RAG_LLM_CHAT_TURN_S": "120",
        "FLASHBACK_RAG_LLM_FIRST_INGEST_WAIT_S": "60",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.rag_llm", cwd=ROOT, env={**os.environ, **chosen}
    )
    channel = open_channel(address)
    try:
        await wait_serving(channel, "rag_llm", 60)
        yield rag_llm_pb2_grpc.RagLlmStub(channel)
    finally:
        await channel.close(None)
        process.terminate()
        await asyncio.wait_for(process.wait(), 30)


class Heard:
    """An answer taken apart."""

    def __init__(self, parts: list[pb.AnswerPart]) -> None:
        self.sentences = [part.sentence.text for part in parts if part.HasField("sentence")]
        self.documents = [part.citation.document for part in parts if part.HasField("citation")]
        self.done = parts[-1].done

    @property
    def quoted(self) -> bool:
        """Whether the listener was told of the failure and heard the documents instead."""
        told = bool(self.sentences) and self.sentences[0].startswith(INSTEAD)
        return told and "lighthouses.md" in self.documents and not self.done.refused


async def ask(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> Heard:
    request = pb.AnswerRequest(persona_id="lia", question=QUESTION)
    return Heard([part async for part in stub.Answer(request, timeout=180)])


@pytest.mark.parametrize("stub", ["recites"], indirect=True)
async def test_it_answers_quotes_while_the_server_is_away_and_answers_again(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, mortal: TransformersServer
) -> None:
    described = await stub.DescribeIndex(pb.IndexRequest(persona_id="lia"), timeout=60)
    assert described.answerer == "openai"
    first = await ask(stub)
    assert (first.sentences, first.documents) == ([SPOKEN], ["lighthouses.md"])
    mortal.kill()
    assert (await ask(stub)).quoted
    mortal.start()
    assert (await ask(stub)).sentences == [SPOKEN]


@pytest.mark.parametrize("stub", ["never-ends-a-sentence"], indirect=True)
async def test_a_server_killed_in_the_middle_of_an_answer_is_an_honest_quotation(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, mortal: TransformersServer
) -> None:
    before = mortal.received
    answering = asyncio.create_task(ask(stub))
    await until(lambda: mortal.received > before)
    mortal.kill()
    assert (await answering).quoted


@pytest.mark.parametrize("stub", ["babbles"], indirect=True)
async def test_babble_is_refused_over_the_wire(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    heard = await ask(stub)
    assert (heard.done.refused, heard.done.reason, heard.documents) == (True, "not_in_documents", [])
