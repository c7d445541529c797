"""Speech for the microphone, from the running stack's own voice, and ears that understand it."""

from __future__ import annotations

import numpy as np

from benchmarks.conversation.talk import wav_of
from benchmarks.live_stack import LiveStack
from flashback.rpc import QUICK_S, SLOW_S, open_channel
from flashback.stack import runfile
from flashback.v1 import ears_pb2, ears_pb2_grpc, tts_pb2, tts_pb2_grpc


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


async def recogniser_loaded(stack: LiveStack, persona: str = "iris") -> None:
    """Returns once the ears have built and loaded the persona's language model; before that they hear that somebody
    speaks, but no words."""
    running = runfile.read(stack.data_dir / "run" / "stack.json")
    assert running is not None
    channel = open_channel(running.addresses["ears"])
    await ears_pb2_grpc.EarsStub(channel).Prepare(ears_pb2.PrepareRequest(persona_id=persona), timeout=SLOW_S)
    await channel.close(None)
