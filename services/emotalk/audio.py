"""Audio files of any common kind, from memory, to float32 mono 16 kHz; as a whole or block by block."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from flashback.errors import InvalidInput, TooLarge
from services.emotalk.engine import RATE, Samples

# Playlists and other formats that name further files or addresses are not among them.
_FORMATS = "wav,w64,aiff,au,caf,mp3,ogg,flac,mov,matroska,aac,amr,asf"
_RATES = range(4_000, 768_001)
_SHARP = "filter_size=128:cutoff=0.98"
"""Options of the resampler: level up to 7.5 kHz, where its defaults begin to fade at 6.5."""
_UNREADABLE = "This is not an audio file that can be read; send WAV, MP3, Ogg, FLAC, M4A or WebM."
_LOUDEST = 1e12
"""Floats of any scale in use are below; far beyond, the squares that engines sum up are infinite."""
_FULL_SCALE = {"int16": 2.0**15, "int32": 2.0**31, "int64": 2.0**63}


@dataclass(frozen=True, slots=True)
class Limits:
    """max_bytes: of the file. max_s: of what it decodes to, seconds."""

    max_bytes: int
    max_s: float


class Resampler:
    """float32 mono at `rate` Hz in pieces of any length, float32 mono 16 kHz out; the pieces leave no trace.

    n samples become ceil(n * 16000 / rate) in all, and sample k of the outcome shows the moment k / 16000 s.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._graph = av.filter.Graph()
        source = f"sample_rate={rate}:sample_fmt=flt:channel_layout=mono:time_base=1/{rate}"
        stages = [("abuffer", source), ("aresample", f"{RATE}:{_SHARP}"), ("abuffersink", None)]
        chain = [self._graph.add(name, options) for name, options in stages]
        self._graph.link_nodes(*chain).configure()
        self._taken = self._given = self._fed = 0

    def push(self, samples: Samples) -> Samples:
        """What is settled by now; may be empty."""
        self._taken += len(samples)
        out = self._feed(samples)
        self._given += len(out)
        return out

    def finish(self) -> Samples:
        """The rest, as if silence followed; nothing may be pushed afterwards."""
        if not self._taken:
            return _joined([])
        rest = [self._feed(np.zeros(self.rate // 20, np.float32))]
        self._graph.push(None)
        rest.append(self._settled())
        return np.concatenate(rest)[: -(-self._taken * RATE // self.rate) - self._given]

    def _feed(self, samples: Samples) -> Samples:
        if not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self._fed, Fraction(1, self.rate)
        self._fed += len(samples)
        self._graph.push(frame)
        return self._settled()

    def _settled(self) -> Samples:
        frames = []
        while True:
            try:
                frames.append(self._graph.pull())
            except (av.BlockingIOError, av.EOFError):
                return _joined(frames)


def blocks(data: bytes, limits: Limits) -> Iterator[Samples]:
    """float32[n] mono 16 kHz, n > 0, piece by piece, so that memory does not grow with the recording.

    Channels are averaged. What a container says about an encoder's delay and padding is heeded. A damaged packet is
    left out. Raises InvalidInput, where the trouble is met: not audio, no audio stream, no samples, samples that are
    not finite or beyond 1e12, sampling rate outside 4 to 768 kHz, more than `limits.max_s`; TooLarge beyond
    `limits.max_bytes`.
    """
    resampler: Resampler | None = None
    for rate, samples in _decoded(data, limits):
        out = []
        if resampler is not None and resampler.rate != rate:
            out.append(resampler.finish())
            resampler = None
        resampler = resampler or Resampler(rate)
        out.append(resampler.push(samples))
        yield from (block for block in out if len(block))
    if resampler is not None and len(rest := resampler.finish()):
        yield rest


def decode(data: bytes, limits: Limits) -> Samples:
    """The whole recording. Raises as `blocks` does."""
    return np.concatenate(list(blocks(data, limits)))


def measure(data: bytes, limits: Limits) -> int:
    """Samples at 16 kHz, from decoding everything and keeping nothing. Raises as `blocks` does."""
    lengths: dict[int, int] = {}
    for rate, samples in _decoded(data, limits):
        lengths[rate] = lengths.get(rate, 0) + len(samples)
    return sum(-(-length * RATE // rate) for rate, length in lengths.items())


def _decoded(data: bytes, limits: Limits) -> Iterator[tuple[int, Samples]]:
    """(sampling rate, mono float32 at that rate) as the packets come; checked."""
    if len(data) > limits.max_bytes:
        raise TooLarge(f"The audio file is larger than {limits.max_bytes / 2**20:g} MB, the largest that is taken.")
    if not data:
        raise InvalidInput("The audio file is empty: 0 bytes.")
    lengths: dict[int, int] = {}
    for rate, samples in _opened(data):
        if rate not in _RATES:
            raise InvalidInput(f"Audio at {rate} Hz is not taken; {_RATES[0]} to {_RATES[-1]} Hz is.")
        lengths[rate] = lengths.get(rate, 0) + len(samples)
        if sum(length / at for at, length in lengths.items()) > limits.max_s:
            raise InvalidInput(f"The audio is longer than {limits.max_s:g} s, the longest that is taken.")
        if not np.isfinite(samples).all():
            raise InvalidInput("The audio holds samples that are NaN or infinite.")
        if np.abs(samples).max(initial=0) > _LOUDEST:
            raise InvalidInput(f"The audio holds samples beyond {_LOUDEST:g}, where full scale is 1.")
        if len(samples):
            yield rate, samples
    if not any(lengths.values()):
        raise InvalidInput("The audio holds 0 samples.")


def _opened(data: bytes) -> Iterator[tuple[int, Samples]]:
    try:
        container = av.open(io.BytesIO(data), options={"format_whitelist": _FORMATS}, metadata_errors="ignore")
    except (av.FFmpegError, ValueError) as error:
        raise InvalidInput(_UNREADABLE) from error
    with container:
        if not container.streams.audio:
            raise InvalidInput("The file holds no audio stream.")
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            raise InvalidInput(_UNREADABLE)
        stream.codec_context.thread_count = 1
        yield from _without_padding(_frames(container, stream), _declared_s(container, stream))


def _frames(container: Any, stream: Any) -> Iterator[tuple[int, Samples]]:
    whole = damaged = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            break
        try:
            frames = packet.decode()
            whole += 1
        except av.FFmpegError:
            damaged += 1
            continue
        for frame in frames:
            yield frame.sample_rate, _mono(frame)
    if damaged > whole:
        raise InvalidInput(_UNREADABLE)


def _mono(frame: Any) -> Samples:
    """Channels averaged; integers scaled so that full scale is 1.0."""
    try:
        values = frame.to_ndarray()
    except ValueError as error:
        raise InvalidInput(_UNREADABLE) from error
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    with np.errstate(over="ignore", invalid="ignore"):
        mono = values.mean(axis=0, dtype=np.float64)
        if values.dtype == np.uint8:
            mono = (mono - 128) / 128
        samples: Samples = (mono / _FULL_SCALE.get(values.dtype.name, 1.0)).astype(np.float32)
    return samples


def _declared_s(container: Any, stream: Any) -> float | None:
    """Where an MP4 family file says that its sound ends; the decoder goes on to the end of the last packet."""
    known = "mp4" in container.format.name and stream.duration
    return float(stream.duration * stream.time_base) if known else None


def _without_padding(frames: Iterator[tuple[int, Samples]], declared_s: float | None) -> Iterator[tuple[int, Samples]]:
    """Drops what follows `declared_s`, where that is less than two packets: more is a container that is mistaken."""
    if declared_s is None:
        yield from frames
        return
    given = 0
    beyond: list[tuple[int, Samples]] = []
    for rate, samples in frames:
        if len(beyond) == 2:
            yield from beyond
            yield rate, samples
            yield from frames
            return
        end = max(round(declared_s * rate) - given, 0)
        given += len(samples)
        if end:
            yield rate, samples[:end]
        if len(samples) > end:
            beyond.append((rate, samples[end:]))


def _joined(frames: list[Any]) -> Samples:
    if not frames:
        return np.zeros(0, np.float32)
    return np.concatenate([np.asarray(frame.to_ndarray()[0], np.float32) for frame in frames])
