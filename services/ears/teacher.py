"""What the recogniser learns from: documents from the answering service, pronunciations from the speech service."""

from __future__ import annotations

from collections.abc import Sequence

from flashback.errors import Unavailable
from flashback.rpc import QUICK_S, SLOW_S, open_channel, typed_errors
from flashback.settings import Addresses
from flashback.v1 import rag_llm_pb2, rag_llm_pb2_grpc, tts_pb2, tts_pb2_grpc
from services.ears.engine import Material

BATCH = 500
"""Words asked from the speech service in one call."""


class WireTeacher:
    """Asks the running services. Channels connect when first used."""

    def __init__(self, addresses: Addresses) -> None:
        self._rag_llm_channel = open_channel(addresses.rag_llm_address)
        self._tts_channel = open_channel(addresses.tts_address)
        self._rag_llm = rag_llm_pb2_grpc.RagLlmStub(self._rag_llm_channel)
        self._tts = tts_pb2_grpc.TtsStub(self._tts_channel)

    async def material(self, persona_id: str) -> Material:
        """Raises Unavailable while the service, or the persona's index, is not there."""
        version = ""
        sentences: list[str] = []
        headings: list[str] = []
        with typed_errors("rag_llm"):
            request = rag_llm_pb2.VocabularyRequest(persona_id=persona_id)
            async for text in self._rag_llm.Vocabulary(request, timeout=SLOW_S):
                version = text.version or version
                sentences += text.sentences
                headings += text.headings
        if not version:
            raise Unavailable(f"The documents of {persona_id!r} are not indexed yet.")
        return Material(persona_id, version, sentences, headings)

    async def pronounce(self, words: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for first in range(0, len(words), BATCH):
            request = tts_pb2.PronounceRequest(words=words[first : first + BATCH], language="en-US")
            with typed_errors("tts"):
                answer = await self._tts.Pronounce(request, timeout=QUICK_S)
            found |= {entry.word: list(entry.phonemes) for entry in answer.pronunciations if entry.phonemes}
        return found

    async def close(self) -> None:
        await self._rag_llm_channel.close(None)
        await self._tts_channel.close(None)
