"""Clients for other programs: EmoTalk's blendshapes over gRPC, blocking or asynchronous.

They need grpcio and protobuf, and nothing else of this project's dependencies.
"""

from flashback.clients.async_emotalk import AsyncEmoTalk
from flashback.clients.emotalk import EmoTalk
from flashback.clients.live import CancelSpeech, LiveFrames, SpokenPiece
from flashback.clients.recordings import Chunk, Description, Frame

__all__ = [
    "AsyncEmoTalk",
    "CancelSpeech",
    "Chunk",
    "Description",
    "EmoTalk",
    "Frame",
    "LiveFrames",
    "SpokenPiece",
]
