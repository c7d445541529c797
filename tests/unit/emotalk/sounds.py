"""Audio files for tests, made in memory."""

from __future__ import annotations

import functools
import io
import struct

import av
import numpy as np
from numpy.typing import NDArray

CODECS = {
    "mp3": "libmp3lame",
    "ogg": "libopus",
    "flac": "flac",
    "m4a": "aac",
    "webm": "libopus",
    "wav": "pcm_s16le",
}
_MUXERS = {"m4a": "ipod"}


def tone(seconds: float, rate: int, hz: float = 440.0, amplitude: float = 0.5) -> NDArray[np.float32]:
    """float32[n], a sine."""
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def speechlike(seconds: float, rate: int = 16_000, seed: int = 0) -> NDArray[np.float32]:
    """float32[n], noise of no particular pitch whose loudness moves as syllables do, about four a second."""
    count = round(seconds * rate)
    noise = np.random.default_rng(seed).standard_normal(count)
    smooth = np.convolve(noise, np.ones(8) / 8, "same")
    return (0.2 * smooth * (1 - np.cos(2 * np.pi * 4 * np.arange(count) / rate))).astype(np.float32)


def encoded(
    sound: NDArray[np.float32], rate: int, kind: str, codec: str = "", layout: str = "mono", block: int = 4096
) -> bytes:
    """sound: float32[n] or [channels, n] as a file of `kind` (a key of CODECS, or a muxer's name with a codec)."""
    planes = np.atleast_2d(sound).astype(np.float32)
    out = io.BytesIO()
    with av.open(out, "w", format=_MUXERS.get(kind, kind)) as container:
        stream = container.add_stream(codec or CODECS[kind], rate=rate, options={"strict": "experimental"})
        stream.codec_context.layout = layout
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
        at = 0
        for start in [*range(0, planes.shape[1], block), None]:
            if start is None:
                frames = resampler.resample(None) if at else []
            else:
                piece = np.ascontiguousarray(planes[:, start : start + block])
                frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
                frame.sample_rate = rate
                frames = resampler.resample(frame)
            for ready in frames:
                ready.pts = at
                at += ready.samples
                container.mux(stream.encode(ready))
        container.mux(stream.encode(None))
    return out.getvalue()


def wav(
    values: NDArray[np.generic],
    rate: int,
    channels: int = 1,
    bits: int = 0,
    float_: bool = False,
    size: int | None = None,
) -> bytes:
    """A WAV file by hand; values: interleaved, in the samples' own type. size: what the header says of the data."""
    data = values.tobytes()
    bits = bits or values.dtype.itemsize * 8
    size = len(data) if size is None else size
    align = channels * bits // 8
    form = struct.pack("<HHIIHH", 3 if float_ else 1, channels, rate, rate * align, align, bits)
    head = b"RIFF" + struct.pack("<I", min(36 + size, 0xFFFFFFFF)) + b"WAVEfmt " + struct.pack("<I", 16) + form
    return head + b"data" + struct.pack("<I", size) + data


def s24(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """float32[n] as 24-bit little-endian samples."""
    whole = np.round(values.astype(np.float64) * 2**23).astype("<i4")
    return whole.view(np.uint8).reshape(-1, 4)[:, :3].reshape(-1)


@functools.cache
def three_hours() -> bytes:
    """Silence, three hours, in a FLAC file of 2.5 MB."""
    return encoded(np.zeros(3 * 3600 * 4_000, np.float32), 4_000, "flac", block=400_000)


def silent_film() -> bytes:
    """An MP4 file with pictures and no sound."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return out.getvalue()
