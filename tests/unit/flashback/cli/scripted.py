"""An answering service that does as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from flashback.errors import FlashbackError
from flashback.v1 import rag_llm_pb2 as pb
from flashback.v1 import rag_llm_pb2_grpc


class Scripted(rag_llm_pb2_grpc.RagLlmServicer):
    """Answers every question with itself, or with `parts`; `passages` are what it retrieves.

    `retrieve` and `answer` are errors raised by the first calls of that name, one a call.
    """

    def __init__(
        self,
        retrieve: Sequence[FlashbackError] = (),
        answer: Sequence[FlashbackError] = (),
        parts: Sequence[pb.AnswerPart] = (),
        passages: Sequence[pb.RetrievedPassage] = (),
    ) -> None:
        self.retrieving = list(retrieve)
        self.answering = list(answer)
        self.parts = list(parts)
        self.passages = list(passages)
        self.asked: list[pb.AnswerRequest] = []
        self.looked_up: list[pb.RetrieveRequest] = []

    async def Retrieve(self, request: pb.RetrieveRequest, context: Any) -> pb.RetrieveReply:  # type: ignore[override]
        self.looked_up.append(request)
        if self.retrieving:
            raise self.retrieving.pop(0)
        return pb.RetrieveReply(depth=8, manner="question", threshold=0.4, answerable=0.9, passages=self.passages)

    async def Answer(self, request: pb.AnswerRequest, context: Any) -> AsyncIterator[pb.AnswerPart]:  # type: ignore[override]
        self.asked.append(request)
        if self.answering:
            raise self.answering.pop(0)
        for part in self.parts or [pb.AnswerPart(sentence=pb.AnswerSentence(text=request.question))]:
            yield part
        yield pb.AnswerPart(done=pb.AnswerDone())

    async def DescribeIndex(self, request: pb.IndexRequest, context: Any) -> pb.IndexDescription:  # type: ignore[override]
        return pb.IndexDescription(documents=1, chunks=1, answerer="scripted")
