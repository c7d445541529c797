"""Speech for the microphone, from the running stack's own voice."""

from __future__ import annotations

import numpy as np

from benchmarks.conversation.talk import wav_of
from benchmarks.live_stack import LiveStack
from flashback.rpc import QUICK_S, open_channel
from flashback.stack import runfile
from flashback.v1 import tts_pb2, tts_pb2_grpc


async def spoken(stack: LiveStack, text: str, persona: str = "amon") -> bytes:
    """The text as a WAV file."""
    running = runfile.read(stack.data_dir / "run" / "stack.json")
    assert running is not None
    channel = open_channel(running.addresses["tts"])
    request = tts_pb2.SynthesizeRequest(text=text, persona_id=persona)
    pcm = b""
    async for chunk in tts_pb2_grpc.TtsStub(channel).Synthesize(request, timeout=QUICK_S):
        pcm += chunk.audio
    await channel.close(None)
    return wav_of(np.frombuffer(pcm, np.int16))
