"""An mp4 writer: H.264 video, AAC audio, both timed on the sample clock."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from flashback.media.clock import SPEECH_RATE
from flashback.v1 import media_pb2


class Movie:
    """Takes avatar frames in order. Written beside `file`, moved into place by `close`."""

    def __init__(self, file: Path, width: int, height: int, fps: int) -> None:
        self._file = file
        self._part = file.with_name(f".{file.name}.part")
        self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        self._video = self._container.add_stream("libx264", rate=fps)
        self._video.width, self._video.height = width, height
        self._video.pix_fmt = "yuv420p"
        self._video.options = {"preset": "veryfast", "crf": "18"}
        self._video.time_base = Fraction(1, SPEECH_RATE)
        self._audio = self._container.add_stream("aac", rate=SPEECH_RATE, layout="mono")
        self._audio.bit_rate = 96_000
        self._origin: int | None = None

    def add(self, frame: media_pb2.AvatarFrame) -> None:
        """Encodes one frame's picture and audio."""
        if self._origin is None:
            self._origin = frame.start_sample
        at = frame.start_sample - self._origin
        plane = np.frombuffer(frame.i420, np.uint8).reshape(frame.height * 3 // 2, frame.width)
        picture = av.VideoFrame.from_ndarray(plane, format="yuv420p")
        picture.pts, picture.time_base = at, Fraction(1, SPEECH_RATE)
        self._container.mux(self._video.encode(picture))
        samples = np.frombuffer(frame.audio, np.int16)
        sound = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = SPEECH_RATE, at, Fraction(1, SPEECH_RATE)
        self._container.mux(self._audio.encode(sound))

    def close(self) -> None:
        """Flushes both encoders and puts the finished file in place."""
        self._container.mux(self._video.encode(None))
        self._container.mux(self._audio.encode(None))
        self._container.close()
        self._part.replace(self._file)

    def discard(self) -> None:
        """Leaves nothing behind."""
        self._container.close()
        self._part.unlink(missing_ok=True)
