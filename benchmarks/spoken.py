"""Word error rate over spoken questions, and whether the right passage is found from what was heard.

    python -m benchmarks.spoken [--questions FILE] [--voices N] [--json]

The questions stand in no file that the language model is built from. They are spoken by the speech service (eSpeak NG:
the only speech at hand, so the figures say little about human voices), a third of them in noise, and go through the
ears' own wire: voice activity, endpointing, words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.hardware import describe
from flashback.media.clock import ANALYSIS_RATE
from flashback.rpc import SLOW_S, open_channel, wait_serving
from flashback.v1 import ears_pb2, ears_pb2_grpc, rag_llm_pb2, rag_llm_pb2_grpc, tts_pb2, tts_pb2_grpc
from services.ears.spoken_form import words

QUESTIONS = Path(__file__).parent / "data" / "spoken_questions.jsonl"
NOISE_DB = 25.0
"""Signal to noise of the noisy recordings: a laptop's microphone in a quiet room."""
CLEAN_DB = 45.0
SERVICES = ("rag_llm", "tts", "ears")
PERSONA = "iris"


@dataclass(frozen=True)
class Speaker:
    """A voice of the speech service. rate: words a minute."""

    voice: str
    variant: str
    rate: int
    pitch: int

    @property
    def id(self) -> str:
        return f"{self.voice}-{self.variant or 'plain'}-{self.rate}".lower()

    def persona(self) -> str:
        """A persona.toml that speaks so."""
        voice = {"voice": self.voice, "variant": self.variant, "rate": self.rate, "pitch": self.pitch}
        table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in voice.items() if value != "")
        return f'name = "S"\ngreeting = "Hi."\nabout = "x"\nsynthetic = true\n[voice.espeak]\n{table}\n'


SPEAKERS = (
    Speaker("en-us", "", 160, 50),
    Speaker("en-gb", "", 150, 45),
    Speaker("en-us", "f3", 150, 55),
    Speaker("en-us", "m3", 175, 45),
    Speaker("en-gb", "f2", 165, 55),
    Speaker("en-us", "f2", 140, 55),
    Speaker("en-gb", "m3", 170, 50),
    Speaker("en-us", "", 190, 50),
)


@dataclass(frozen=True)
class Question:
    text: str
    gold: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Utterance:
    question: Question
    speaker: Speaker
    noisy: bool


@dataclass
class Result:
    utterance: Utterance
    heard: str
    errors: int
    reference: int
    found: bool
    refused: bool
    documents: list[str] = field(default_factory=list)


def read_questions(path: Path) -> list[Question]:
    """`{"q": ..., "gold": [part of a right passage, ...], "source": file}` a line; without gold: to be refused."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [Question(row["q"], tuple(row["gold"] or ()), row["source"] or "") for row in rows]


def utterances(questions: Sequence[Question], voices: int) -> list[Utterance]:
    """Every question in `voices` voices; every third utterance is noisy."""
    return [
        Utterance(question, SPEAKERS[(2 * at + 3 * turn + at // 4) % len(SPEAKERS)], (at + turn) % 3 == 2)
        for at, question in enumerate(questions)
        for turn in range(voices)
    ]


def word_errors(reference: Sequence[str], heard: Sequence[str]) -> int:
    """Least number of wrong, missing and extra words (Levenshtein distance)."""
    row = list(range(len(heard) + 1))
    for at, word in enumerate(reference, start=1):
        diagonal, row[0] = row[0], at
        for place, other in enumerate(heard, start=1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (word != other))
    return row[-1]


def to_microphone(speech: NDArray[np.int16], noisy: bool, seed: int) -> bytes:
    """24 kHz speech as a microphone would send it: 16 kHz s16le, silence around it, white noise."""
    taps = 2 * 3 * 16 + 1
    at = np.arange(taps) - taps // 2
    cut = 0.95 / 3
    kernel = np.sinc(at * cut) * cut * np.kaiser(taps, 8.0)
    up = np.zeros(2 * len(speech), np.float64)
    up[::2] = speech
    low = 2 * np.convolve(up, kernel, "same")[::3]
    level = np.sqrt(np.mean(low[np.abs(low) > 100] ** 2))
    quiet = np.zeros(ANALYSIS_RATE * 6 // 10)
    sound = np.concatenate([quiet, low, quiet, quiet])
    noise = np.random.default_rng(seed).normal(0, level / 10 ** ((NOISE_DB if noisy else CLEAN_DB) / 20), len(sound))
    return np.clip(sound + noise, -32768, 32767).astype("<i2").tobytes()


@asynccontextmanager
async def services() -> AsyncIterator[tuple[dict[str, grpc.aio.Channel], dict[str, int]]]:
    """Channels to rag_llm, tts and ears, started as child processes over Unix sockets; and their process ids."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for speaker in SPEAKERS:
            home = folder / "personas" / speaker.id
            home.mkdir(parents=True)
            (home / "persona.toml").write_text(speaker.persona(), encoding="utf-8")
        addresses = {f"FLASHBACK_{name.upper()}_ADDRESS": f"unix:{folder}/{name}.sock" for name in SERVICES}
        channels, pids = {}, {}
        for name in SERVICES:
            environment = {**os.environ, **addresses, "FLASHBACK_SUPERVISED": "1", "FLASHBACK_LOG_LEVEL": "WARNING"}
            if name == "tts":
                environment["FLASHBACK_HOME"] = str(folder)
            child = await asyncio.create_subprocess_exec(sys.executable, "-m", f"services.{name}", env=environment)
            stack.push_async_callback(_stop, child)
            pids[name] = child.pid
            channels[name] = open_channel(addresses[f"FLASHBACK_{name.upper()}_ADDRESS"])
            stack.push_async_callback(channels[name].close, None)
        for name in SERVICES:
            await wait_serving(channels[name], name, 60)
        yield channels, pids


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.send_signal(signal.SIGTERM)
        await child.wait()


async def speak(stub: tts_pb2_grpc.TtsAsyncStub, utterance: Utterance) -> NDArray[np.int16]:
    request = tts_pb2.SynthesizeRequest(text=f"{utterance.question.text}?", persona_id=utterance.speaker.id)
    parts = [chunk.audio async for chunk in stub.Synthesize(request, timeout=SLOW_S)]
    return np.frombuffer(b"".join(parts), "<i2")


async def hear(
    stub: ears_pb2_grpc.EarsAsyncStub, session: str, audio: bytes, pace: bool = False
) -> tuple[str, list[str], float]:
    """What the ears make of a recording: the words, other readings, and milliseconds from the last End to its words."""
    call = stub.Hear(ears_pb2.HearRequest(session_id=session, persona_id=PERSONA), timeout=SLOW_S)
    ready = asyncio.Event()

    async def microphone() -> AsyncIterator[ears_pb2.MicAudio]:
        began = time.perf_counter()
        yield ears_pb2.MicAudio(session_id=session)
        for first in range(0, len(audio), 640):
            if pace:
                await asyncio.sleep(max(0.0, began + first / 2 / ANALYSIS_RATE - time.perf_counter()))
            yield ears_pb2.MicAudio(audio=audio[first : first + 640])

    texts: list[str] = []
    others: list[str] = []
    waits: list[float] = []
    ends = 0

    async def listen() -> None:
        nonlocal ends
        ended_at = 0.0
        async for event in call:
            if event.ready.recogniser:
                ready.set()
            elif event.HasField("end"):
                ends, ended_at = ends + 1, time.perf_counter()
            elif event.transcript.final:
                waits.append((time.perf_counter() - ended_at) * 1000)
                texts.append(event.transcript.text)
                others[:] = event.transcript.alternatives

    listening = asyncio.create_task(listen())
    async with asyncio.timeout(60):
        await ready.wait()
    await stub.Push(microphone(), timeout=SLOW_S)
    until = time.monotonic() + 5
    while (not ends or len(texts) < ends) and time.monotonic() < until:
        await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    return " ".join(filter(None, texts)), others, waits[-1] if waits else 0.0


async def ask(
    stub: rag_llm_pb2_grpc.RagLlmAsyncStub, question: str, spoken: bool = False, alternatives: Sequence[str] = ()
) -> tuple[list[rag_llm_pb2.Citation], bool]:
    """Citations of the answer, and whether it was refused; a spoken question as the orchestrator asks it."""
    if not question:
        return [], True
    citations: list[rag_llm_pb2.Citation] = []
    refused = False
    request = rag_llm_pb2.AnswerRequest(persona_id=PERSONA, question=question, spoken=spoken, alternatives=alternatives)
    async for part in stub.Answer(request, timeout=SLOW_S):
        if part.HasField("citation"):
            citations.append(part.citation)
        refused = refused or part.done.refused
    return citations, refused


def holds_gold(citations: Sequence[rag_llm_pb2.Citation], gold: Sequence[str]) -> bool:
    """Whether one of the right passages is among the citations."""
    plain = [" ".join(citation.text.split()) for citation in citations]
    return any(" ".join(part.split()) in text for part in gold for text in plain)


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def run(questions: Sequence[Question], voices: int, paced: int, show: bool) -> dict[str, Any]:
    """Speaks, hears and asks everything once. paced: recordings also played in real time, for the latency."""
    async with services() as (channels, pids):
        rag_llm = rag_llm_pb2_grpc.RagLlmStub(channels["rag_llm"])
        tts, ears = tts_pb2_grpc.TtsStub(channels["tts"]), ears_pb2_grpc.EarsStub(channels["ears"])
        async for _ in rag_llm.Ingest(rag_llm_pb2.IngestRequest(persona_id=PERSONA), timeout=SLOW_S):
            pass
        prepared = await ears.Prepare(ears_pb2.PrepareRequest(persona_id=PERSONA), timeout=SLOW_S)
        inside = [q for q in questions if q.gold]
        typed = [holds_gold((await ask(rag_llm, q.text))[0], q.gold) for q in inside]
        if show:
            for question, found in zip(inside, typed, strict=True):
                print("" if found else f"typed, not found: {question.text}\n", end="", file=sys.stderr)
        results: list[Result] = []
        recordings: list[bytes] = []
        for number, utterance in enumerate(utterances(questions, voices)):
            audio = to_microphone(await speak(tts, utterance), utterance.noisy, number)
            recordings.append(audio)
        before = cpu_seconds(pids["ears"])
        for number, (utterance, audio) in enumerate(zip(utterances(questions, voices), recordings, strict=True)):
            heard, others, _ = await hear(ears, f"spoken-{number}", audio)
            citations, refused = await ask(rag_llm, heard, True, others)
            reference = words(utterance.question.text)
            results.append(
                Result(
                    utterance,
                    heard,
                    word_errors(reference, words(heard)),
                    len(reference),
                    holds_gold(citations, utterance.question.gold),
                    refused,
                    [citation.document for citation in citations],
                )
            )
            if show:
                print_result(results[-1])
        used = cpu_seconds(pids["ears"]) - before
        waits = [(await hear(ears, f"paced-{n}", audio, pace=True))[2] for n, audio in enumerate(recordings[:paced])]
    seconds = sum(len(audio) for audio in recordings) / 2 / ANALYSIS_RATE
    return {**figures(results), **timing(used, seconds, waits), **about(prepared, typed, results)}


def print_result(result: Result) -> None:
    mark = "found" if result.found else "REFUSED" if result.refused else "missed"
    about = f"{result.utterance.speaker.id}{' noise' if result.utterance.noisy else ''}"
    print(f"{mark:8} {about:22} {result.utterance.question.text} | {result.heard}", file=sys.stderr, flush=True)


def share(hits: Iterable[bool]) -> float | None:
    """0..1, or None of nothing."""
    found = list(hits)
    return round(statistics.mean(found), 3) if found else None


def figures(results: Sequence[Result]) -> dict[str, Any]:
    """Rates over all utterances, and the word error rate of each voice."""

    def rate(chosen: Sequence[Result]) -> float:
        return round(sum(r.errors for r in chosen) / max(1, sum(r.reference for r in chosen)), 3)

    inside = [r for r in results if r.utterance.question.gold]
    speakers = sorted({r.utterance.speaker.id for r in results})
    return {
        "spoken_wer": rate(results),
        "spoken_passage_found": share(r.found for r in inside),
        "spoken_document_found": share(r.utterance.question.source in r.documents for r in inside),
        "spoken_refused": share(r.refused for r in inside),
        "spoken_rightly_refused": share(r.refused for r in results if not r.utterance.question.gold),
        "spoken_wer_in_noise": rate([r for r in results if r.utterance.noisy]),
        "spoken_wer_by_voice": {s: rate([r for r in results if r.utterance.speaker.id == s]) for s in speakers},
    }


def timing(used: float, seconds: float, waits: Sequence[float]) -> dict[str, Any]:
    """CPU per second of sound (voice activity included), and the wait between the end of the turn and its words."""
    found: dict[str, Any] = {"ears_cpu_per_second": round(used / seconds, 3)}
    if waits:
        found |= {"ears_final_ms_max": round(max(waits), 1), "ears_final_ms_p50": round(statistics.median(waits), 1)}
    return found | {"ears_final_samples": len(waits)}


def about(prepared: ears_pb2.PrepareResponse, typed: Sequence[bool], results: Sequence[Result]) -> dict[str, Any]:
    """What was measured."""
    return {
        "spoken_recogniser": prepared.recogniser,
        "spoken_questions": len({r.utterance.question.text for r in results}),
        "spoken_utterances": len(results),
        "spoken_voices": len({r.utterance.speaker.id for r in results}),
        "typed_passage_found": share(typed),
    }


def measure(path: Path = QUESTIONS, voices: int = 2, paced: int = 8, show: bool = False) -> dict[str, Any]:
    """All figures; starts rag_llm, tts and ears as child processes over the project's data folder."""
    return asyncio.run(run(read_questions(path), voices, paced, show))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks spoken")
    parser.add_argument("--questions", type=Path, default=QUESTIONS)
    parser.add_argument("--voices", type=int, default=2, help="voices for each question")
    parser.add_argument("--paced", type=int, default=8, help="recordings also played in real time")
    parser.add_argument("--json", action="store_true", help="print the figures only")
    options = parser.parse_args(arguments)
    found = measure(options.questions, options.voices, options.paced, not options.json) | {"hardware": describe()}
    print(json.dumps(found, indent=None if options.json else 2))


if __name__ == "__main__":
    main(sys.argv[1:])
