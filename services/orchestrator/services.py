"""Stubs of the services the orchestrator talks to: shared by all sessions, stateless."""

from __future__ import annotations

from flashback.clients import AsyncEmoTalk
from flashback.rpc import open_channel
from flashback.settings import Addresses
from flashback.v1 import (
    ears_pb2_grpc,
    emotalk_pb2_grpc,
    gateway_pb2_grpc,
    rag_llm_pb2_grpc,
    renderer_pb2_grpc,
    tts_pb2_grpc,
)


class Services:
    """One channel a service; `close` ends them.

    `emotalk` animates speech as it is spoken, `recordings` whole recordings, within `recording_timeout_s` seconds each;
    both have channels of their own.
    """

    def __init__(self, addresses: Addresses | None = None, recording_timeout_s: float = 3600.0) -> None:
        self.addresses = addresses or Addresses()
        names = ("gateway", "ears", "rag_llm", "tts", "renderer", "postfx")
        self.channels = {name: open_channel(self.addresses.of(name)) for name in names}
        self.gateway = gateway_pb2_grpc.GatewayStub(self.channels["gateway"])
        self.ears = ears_pb2_grpc.EarsStub(self.channels["ears"])
        self.rag_llm = rag_llm_pb2_grpc.RagLlmStub(self.channels["rag_llm"])
        self.tts = tts_pb2_grpc.TtsStub(self.channels["tts"])
        self.renderer = renderer_pb2_grpc.RendererStub(self.channels["renderer"])
        self._live_faces = open_channel(self.addresses.emotalk_address)
        self.emotalk = emotalk_pb2_grpc.EmoTalkStub(self._live_faces)
        self.recordings = AsyncEmoTalk(self.addresses.emotalk_address, timeout_s=recording_timeout_s)

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close(None)
        await self._live_faces.close(None)
        await self.recordings.close()
