"""faster-whisper (MIT): Whisper with CTranslate2, from a local folder; nothing is downloaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import WhisperModel

from flashback.errors import Broken, MissingEngine
from services.ears.engine import Heard, Material, Recogniser, Utterance
from services.ears.settings import EarsSettings

MODEL_FILES = ("model.bin", "config.json", "tokenizer.json")


def missing_files(folder: Path) -> list[str]:
    """What a CTranslate2 Whisper folder needs and this one lacks."""
    return [name for name in MODEL_FILES if not (folder / name).is_file()]


def create(settings: EarsSettings) -> WhisperEngine:
    """Entry point `flashback.ears.engines`. Raises MissingEngine when the weights are not there."""
    folder = settings.whisper_dir
    if folder is None:
        raise MissingEngine(
            "faster-whisper needs FLASHBACK_EARS_WHISPER_DIR: the folder of a CTranslate2 Whisper model."
        )
    missing = missing_files(folder)
    if missing:
        raise MissingEngine(f"The Whisper folder {folder} lacks {', '.join(missing)}.")
    return WhisperEngine(folder, settings.whisper_compute)


class WhisperEngine:
    name = "faster-whisper"
    needs_material = False

    def __init__(self, folder: Path, compute: str) -> None:
        self._folder = folder
        self._compute = compute

    def fingerprint(self) -> str:
        return "open"

    def unknown_words(self, material: Material) -> list[str]:
        return []

    def build(self, material: Material, spoken: Mapping[str, Sequence[str]], folder: Path) -> None:
        """Whisper's vocabulary is open: nothing to build."""

    def load(self, folder: Path | None, persona_id: str) -> Recogniser:
        try:
            model = WhisperModel(str(self._folder), device="auto", compute_type=self._compute, local_files_only=True)
        except (RuntimeError, ValueError, OSError) as error:
            raise Broken(f"The Whisper model in {self._folder} cannot be loaded ({error}).") from error
        return WhisperRecogniser(model, self._folder.name)


class WhisperRecogniser:
    vocabulary = 0

    def __init__(self, model: Any, model_name: str) -> None:
        self.name = f"faster-whisper, {model_name}"
        self._model = model

    def open(self) -> Utterance:
        return WhisperUtterance(self._model)


class WhisperUtterance:
    """Whisper reads whole stretches of sound, so the work is done when the utterance pauses; there are no partials."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._audio = bytearray()

    def feed(self, audio: bytes) -> None:
        self._audio += audio

    def partial(self) -> str:
        return ""

    def finish(self) -> Heard:
        if not self._audio:
            return Heard("")
        sound = np.frombuffer(bytes(self._audio), "<i2").astype(np.float32) / 32768
        segments, _ = self._model.transcribe(
            sound, language="en", beam_size=1, condition_on_previous_text=False, without_timestamps=True
        )
        found = [s for s in segments if s.text.strip() and s.no_speech_prob < 0.6]
        text = " ".join(s.text.strip() for s in found)
        mean = sum(s.avg_logprob for s in found) / len(found) if found else -math.inf
        return Heard(text, min(1.0, math.exp(mean)))

    def close(self) -> None:
        self._audio.clear()
