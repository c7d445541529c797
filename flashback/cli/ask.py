"""`flashback ask`: a question answered as text."""

from __future__ import annotations

import json
import time
from typing import Any

from rich.console import Console

from flashback import personas
from flashback.rpc import SLOW_S, open_channel, typed_errors
from flashback.settings import HouseSettings
from flashback.stack.supervisor import needed
from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc


async def run(question: str, persona_id: str, as_json: bool) -> None:
    """Prints the answer. Raises FlashbackError for a bad question or persona."""
    settings = HouseSettings()
    personas.load(persona_id, settings)
    async with needed(["rag_llm"], settings) as addresses:
        channel = open_channel(addresses["rag_llm"])
        try:
            answer = await answer_once(rag_llm_pb2_grpc.RagLlmStub(channel), question, persona_id)
        finally:
            await channel.close(None)
    if as_json:
        print(json.dumps(answer, ensure_ascii=False))
    else:
        _show(answer)


async def answer_once(stub: rag_llm_pb2_grpc.RagLlmAsyncStub, question: str, persona_id: str) -> dict[str, Any]:
    """One question: {question, answer, refused, citations: [{document, place, text}], ms}."""
    request = rag_llm_pb2.AnswerRequest(persona_id=persona_id, question=question)
    sentences: list[str] = []
    citations: list[dict[str, str]] = []
    refused = False
    begun = time.perf_counter()
    with typed_errors("rag_llm"):
        async for part in stub.Answer(request, timeout=SLOW_S):
            match part.WhichOneof("part"):
                case "sentence":
                    sentences.append(part.sentence.text)
                case "citation":
                    c = part.citation
                    citations.append({"document": c.document, "place": c.place, "text": c.text})
                case "done":
                    refused = part.done.refused
    ms = round((time.perf_counter() - begun) * 1000, 1)
    answer = " ".join(sentences)
    return {"question": question, "answer": answer, "refused": refused, "citations": citations, "ms": ms}


def _show(answer: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(answer["answer"], markup=False)
    for number, c in enumerate(answer["citations"], 1):
        console.print(f"  [{number}] {c['document']}, {c['place']}", markup=False, style="dim")
