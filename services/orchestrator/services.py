"""Stubs of the services the orchestrator talks to: shared by all sessions, stateless."""

from __future__ import annotations

from flashback.rpc import open_channel
from flashback.settings import Addresses
from flashback.v1 import (
    ears_pb2_grpc,
    gateway_pb2_grpc,
    rag_llm_pb2_grpc,
    renderer_pb2_grpc,
    tts_pb2_grpc,
)


class Services:
    """One channel a service; `close` ends them."""

    def __init__(self, addresses: Addresses | None = None) -> None:
        self.addresses = addresses or Addresses()
        names = ("gateway", "ears", "rag_llm", "tts", "renderer", "postfx")
        self.channels = {name: open_channel(self.addresses.of(name)) for name in names}
        self.gateway = gateway_pb2_grpc.GatewayStub(self.channels["gateway"])
        self.ears = ears_pb2_grpc.EarsStub(self.channels["ears"])
        self.rag_llm = rag_llm_pb2_grpc.RagLlmStub(self.channels["rag_llm"])
        self.tts = tts_pb2_grpc.TtsStub(self.channels["tts"])
        self.renderer = renderer_pb2_grpc.RendererStub(self.channels["renderer"])

    async def close(self) -> None:
        for channel in self.channels.values():
            await channel.close(None)
