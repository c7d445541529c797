"""The service over its wire: answers, refusals, ingest, isolation, errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from flashback.rpc import ServiceServer, open_channel, wait_serving
from flashback.settings import HouseSettings
from flashback.v1 import rag_llm_pb2 as pb
from flashback.v1 import rag_llm_pb2_grpc
from services.rag_llm.embedding import MiniLM
from services.rag_llm.engines.extractive import create
from services.rag_llm.library import Library
from services.rag_llm.server import RagLlmServicer
from services.rag_llm.settings import RagSettings


@pytest.fixture
async def stub(
    tmp_path: Path, house: HouseSettings, settings: RagSettings, encoder: MiniLM
) -> AsyncIterator[rag_llm_pb2_grpc.RagLlmAsyncStub]:
    service = ServiceServer(f"unix:{tmp_path}/rag.sock")
    servicer = RagLlmServicer(Library(house, settings, encoder), create(encoder, settings))
    rag_llm_pb2_grpc.add_RagLlmServicer_to_server(servicer, service.server)
    await service.start()
    channel = open_channel(service.address)
    await wait_serving(channel, "rag_llm", 10)
    yield rag_llm_pb2_grpc.RagLlmStub(channel)
    await channel.close(None)
    await service.stop(0)
    await servicer.close()


class Heard:
    """An answer taken apart."""

    def __init__(self, parts: list[pb.AnswerPart]) -> None:
        self.kinds = [part.WhichOneof("part") for part in parts]
        self.text = " ".join(p.sentence.text for p in parts if p.HasField("sentence"))
        self.sentences = [p.sentence for p in parts if p.HasField("sentence")]
        self.citations = [p.citation for p in parts if p.HasField("citation")]
        self.done = parts[-1].done


async def ask(stub: rag_llm_pb2_grpc.RagLlmAsyncStub, persona: str, question: str, *history: pb.Exchange) -> Heard:
    request = pb.AnswerRequest(persona_id=persona, question=question, history=history)
    return Heard([part async for part in stub.Answer(request, timeout=60)])


async def say(stub: rag_llm_pb2_grpc.RagLlmAsyncStub, question: str, *alternatives: str) -> Heard:
    request = pb.AnswerRequest(persona_id="bea", question=question, spoken=True, alternatives=alternatives)
    return Heard([part async for part in stub.Answer(request, timeout=60)])


async def test_other_readings_rescue_a_misheard_question(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    misheard = "how many these living a high"
    assert (await say(stub, misheard)).done.refused
    rescued = await say(stub, misheard, "how many bees living a hive", "how many bees live in the hive")
    assert "50,000 bees" in rescued.text


async def test_one_unknown_word_does_not_refuse_a_spoken_question(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    assert "1927" in (await say(stub, "who decoded a waggle dance Xylem")).text


@pytest.mark.parametrize("question", ["who won the football world cup", "how do I cook rice", "what is a telescope"])
async def test_a_spoken_question_outside_the_documents_is_refused(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, question: str
) -> None:
    heard = await say(stub, question, f"{question} and", f"and {question}")
    assert (heard.done.refused, heard.done.reason) == (True, "not_in_documents")


async def test_a_typed_question_has_no_other_readings(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    request = pb.AnswerRequest(
        persona_id="bea", question="Who won the world cup?", alternatives=["How many bees live in a hive?"]
    )
    assert Heard([part async for part in stub.Answer(request, timeout=60)]).done.refused


async def test_readings_without_words_are_left_out(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    assert "50,000 bees" in (await say(stub, "how many bees live in a hive", "", "?!", "a" * 5000)).text


async def test_an_answer_quotes_and_cites(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    heard = await ask(stub, "bea", "How many bees live in a hive?")
    assert "50,000 bees" in heard.text
    assert heard.kinds[0] == "citation"
    assert heard.kinds[-1] == "done"
    assert not heard.done.refused
    assert heard.done.reason == ""
    assert heard.citations[0].document == "bees.md"
    assert heard.citations[0].place == "Bees, The hive, line 5"
    assert "50,000" in heard.citations[0].text
    assert heard.sentences[0].citations == [heard.citations[0].index]
    assert heard.sentences[0].emotion.label


async def test_what_is_not_in_the_documents_is_refused_in_the_personas_words(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub,
) -> None:
    heard = await ask(stub, "bea", "What is the capital of Mongolia?")
    assert (heard.done.refused, heard.done.reason) == (True, "not_in_documents")
    assert "bees and honey" in heard.text
    assert not heard.citations


async def test_a_follow_up_is_understood_from_the_question_before(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    question = "Who designed it?"
    former = pb.Exchange(question="When was the Forth Bridge opened?", answer="It was opened in 1890.")
    assert "John Fowler" in (await ask(stub, "bob", question, former)).text


async def test_a_persona_without_documents_says_so(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    heard = await ask(stub, "nil", "How many bees live in a hive?")
    assert (heard.done.refused, heard.done.reason) == (True, "no_documents")
    described = await stub.DescribeIndex(pb.IndexRequest(persona_id="nil"), timeout=10)
    assert (described.documents, described.chunks) == (0, 0)


async def test_small_talk_needs_no_documents(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    heard = await ask(stub, "nil", "Hello!")
    assert (heard.text, heard.done.refused, heard.done.reason) == ("Hello, I am Nil.", False, "small_talk")


async def test_two_personas_asked_at_once_never_see_each_others_documents(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub,
) -> None:
    bees, bridges = "How many bees live in a hive?", "What is the main span of the Akashi Kaikyo Bridge?"
    asked = [(persona, question) for persona in ("bea", "bob") for question in (bees, bridges)] * 4
    answers = await asyncio.gather(*(ask(stub, persona, question) for persona, question in asked))
    for (persona, question), heard in zip(asked, answers, strict=True):
        own = (persona == "bea") == (question == bees)
        assert heard.done.refused is not own
        assert {c.document for c in heard.citations} <= {"bees.md" if persona == "bea" else "bridges.md"}


@pytest.mark.parametrize(
    ("persona", "question", "status", "says"),
    [
        ("bea", "", grpc.StatusCode.INVALID_ARGUMENT, "empty"),
        ("bea", " \n\t ", grpc.StatusCode.INVALID_ARGUMENT, "empty"),
        ("bea", "?!", grpc.StatusCode.INVALID_ARGUMENT, "no words"),
        ("bea", "a" * 4001, grpc.StatusCode.INVALID_ARGUMENT, "4000"),
        ("bea", "a" * 100_000, grpc.StatusCode.INVALID_ARGUMENT, "4000"),
        ("../bob", "What is honey?", grpc.StatusCode.INVALID_ARGUMENT, "persona id"),
        ("nobody", "What is honey?", grpc.StatusCode.NOT_FOUND, "nobody"),
    ],
)
async def test_bad_input_is_named(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, persona: str, question: str, status: grpc.StatusCode, says: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(stub, persona, question)
    assert caught.value.code() is status
    assert says in (caught.value.details() or "")


async def test_the_longest_question_is_answered_somehow(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    assert (await ask(stub, "bea", "honey " * 660)).sentences


async def test_ingest_adds_documents_and_tells_what_it_skipped(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, tmp_path: Path, house: HouseSettings
) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "wasps.md").write_text("# Wasps\n\nA paper wasp builds its nest from chewed wood.\n")
    (extra / "broken.md").write_bytes(b"\xff\xfe\xff")
    question = "From what does a paper wasp build its nest?"
    assert (await ask(stub, "bea", question)).done.refused
    before = await stub.DescribeIndex(pb.IndexRequest(persona_id="bea"), timeout=10)
    request = pb.IngestRequest(persona_id="bea", paths=[str(extra)])
    progress = [p async for p in stub.Ingest(request, timeout=60)]
    assert [p.done for p in progress].index(True) == len(progress) - 1
    assert (progress[-1].documents, progress[-1].documents_total) == (2, 2)
    assert [line.split(":")[0] for line in progress[-1].skipped] == ["broken.md"]
    assert "chewed wood" in (await ask(stub, "bea", question)).text
    after = await stub.DescribeIndex(pb.IndexRequest(persona_id="bea"), timeout=10)
    assert after.version != before.version
    assert not list((house.personas_dir / "bea").rglob("*.faiss"))


@pytest.mark.parametrize(("path", "says"), [("corpus", "not absolute"), ("/no/such/folder", "no file or folder")])
async def test_paths_that_cannot_be_ingested_are_refused(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, path: str, says: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _ = [p async for p in stub.Ingest(pb.IngestRequest(persona_id="bea", paths=[path]), timeout=60)]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert says in (caught.value.details() or "")


async def test_the_vocabulary_is_that_of_the_persona(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    texts = [text async for text in stub.Vocabulary(pb.VocabularyRequest(persona_id="bob"), timeout=60)]
    described = await stub.DescribeIndex(pb.IndexRequest(persona_id="bob"), timeout=10)
    assert {text.version for text in texts} == {described.version}
    assert "Suspension bridges" in texts[0].headings
    sentences = [sentence for text in texts for sentence in text.sentences]
    assert len(sentences) == 4
    assert not any("bee" in sentence.split() for sentence in sentences)
