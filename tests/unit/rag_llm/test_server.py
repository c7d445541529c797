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
from services.rag_llm import server
from services.rag_llm.embedding import MiniLM
from services.rag_llm.engines.extractive import create
from services.rag_llm.grounding import Grounding
from services.rag_llm.library import Library
from services.rag_llm.server import RagLlmServicer
from services.rag_llm.settings import RagSettings


@pytest.fixture
async def stub(
    tmp_path: Path, house: HouseSettings, settings: RagSettings, encoder: MiniLM
) -> AsyncIterator[rag_llm_pb2_grpc.RagLlmAsyncStub]:
    service = ServiceServer(f"unix:{tmp_path}/rag.sock")
    library, grounding = Library(house, settings, encoder), Grounding(encoder, settings)
    servicer = RagLlmServicer(library, create(encoder, settings), grounding)
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


@pytest.mark.parametrize(
    "others",
    [
        (
            "who decoded the waffle dents",
            "coated the wagon dense",
            "who goaded a wagging dancer",
            "food coded the wagon",
        ),
        ("won the football world cup", "how to cook the rice", "what a telescope", "the bridge in the rain"),
    ],
)
async def test_other_readings_never_talk_the_right_one_out_of_its_answer(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, others: tuple[str, ...]
) -> None:
    assert "1927" in (await say(stub, "who decoded the waggle dance", *others)).text


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


async def retrieve(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, persona: str, question: str, *history: pb.Exchange, count: int = 0
) -> pb.RetrieveReply:
    request = pb.RetrieveRequest(persona_id=persona, question=question, history=history, count=count)
    return await stub.Retrieve(request, timeout=60)


async def test_what_is_retrieved_is_what_the_answer_quotes(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, settings: RagSettings
) -> None:
    question = "How many bees live in a hive?"
    found = await retrieve(stub, "bea", question)
    first = found.passages[0]
    assert (first.document, first.place) == ("bees.md", "Bees, The hive, line 5")
    assert first.text == (await ask(stub, "bea", question)).citations[0].text
    assert "50,000 bees" in first.sentences[first.best]
    scores = [passage.score for passage in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= passage.cosine <= 1 for passage in found.passages)
    assert (found.depth, found.threshold, found.manner) == (8, settings.gate_threshold, "question")


@pytest.mark.parametrize("question", ["How many bees live in a hive?", "What is the capital of Mongolia?"])
async def test_the_probability_told_is_the_one_that_decides(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, question: str
) -> None:
    found = await retrieve(stub, "bea", question)
    assert (found.answerable < found.threshold) == (await ask(stub, "bea", question)).done.refused
    assert found.passages


async def test_the_best_sentence_of_a_passage_is_named(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    first = (await retrieve(stub, "bea", "Who decoded the waggle dance?")).passages[0]
    assert first.best > 0
    assert "Karl von Frisch" in first.sentences[first.best]


async def test_fewer_passages_are_retrieved_on_request(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    everything = await retrieve(stub, "bea", "What is honey?")
    assert len(everything.passages) > 1
    assert list((await retrieve(stub, "bea", "What is honey?", count=1)).passages) == list(everything.passages)[:1]


async def test_a_follow_up_is_retrieved_with_its_subject(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    former = pb.Exchange(question="What hangs from cables at the Akashi Kaikyo Bridge?", answer="Its deck does.")
    alone = await retrieve(stub, "bob", "When was it opened?")
    after = await retrieve(stub, "bob", "When was it opened?", former)
    assert "The Forth Bridge" in alone.passages[0].place
    assert "Suspension bridges" in after.passages[0].place


async def test_small_talk_and_missing_documents_are_told_apart(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    assert (await retrieve(stub, "bea", "Hello!")).manner == "greeting"
    nothing = await retrieve(stub, "nil", "How many bees live in a hive?")
    assert (list(nothing.passages), nothing.answerable, nothing.manner) == ([], 0.0, "question")


async def test_retrieve_names_bad_input(stub: rag_llm_pb2_grpc.RagLlmAsyncStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await retrieve(stub, "bea", "?!")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


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
    last = progress[-1]
    assert [p.done for p in progress].index(True) == len(progress) - 1
    assert (last.documents, last.documents_total, last.fresh_documents) == (2, 2, 1)
    assert [line.split(":")[0] for line in last.skipped] == ["broken.md"]
    assert last.skipped_total == 1
    assert (list(last.changes.added.names), last.changes.added.total) == (["bees.md", "wasps.md"], 2)
    assert "chewed wood" in (await ask(stub, "bea", question)).text
    after = await stub.DescribeIndex(pb.IndexRequest(persona_id="bea"), timeout=10)
    assert after.version == last.changes.version != before.version
    assert [(path.path, path.documents, path.own) for path in after.paths] == [
        (str(house.personas_dir / "bea" / "corpus"), 1, True),
        (str(extra), 1, False),
    ]
    assert not list((house.personas_dir / "bea").rglob("*.faiss"))


async def test_what_is_forgotten_is_answered_from_no_more(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, tmp_path: Path
) -> None:
    (tmp_path / "wasps.md").write_text("# Wasps\n\nA paper wasp builds its nest from chewed wood.\n")
    for request in (
        pb.IngestRequest(persona_id="bea", paths=[str(tmp_path / "wasps.md")]),
        pb.IngestRequest(persona_id="bea", forget=[str(tmp_path / "wasps.md")]),
    ):
        *_, last = [p async for p in stub.Ingest(request, timeout=60)]
    assert list(last.changes.removed.names) == ["wasps.md"]
    assert (await stub.DescribeIndex(pb.IndexRequest(persona_id="bea"), timeout=10)).documents == 1


async def test_long_lists_are_cut_off_with_a_count(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_LISTED", 3)
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.md").write_text(f"Sentence {number}.")
        (folder / f"{number}.txt").write_bytes(b"abc\0def")
    request = pb.IngestRequest(persona_id="nil", paths=[str(folder)])
    *_, last = [p async for p in stub.Ingest(request, timeout=60)]
    assert (len(last.skipped), last.skipped_total) == (3, 5)
    assert (len(last.changes.added.names), last.changes.added.total) == (3, 5)


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


def test_a_history_is_cut_to_what_counts() -> None:
    history = [pb.Exchange(question=f"{number}" * 5000, answer=f"{number + 1}" * 5000) for number in range(6)]
    cut = [(exchange.question, exchange.answer) for exchange in server.earlier(history)]
    assert cut == [(f"{number}" * 4000, f"{number + 1}" * 4000) for number in range(2, 6)]
