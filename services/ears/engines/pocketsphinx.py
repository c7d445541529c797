"""PocketSphinx (BSD; acoustic model inside the wheel) over a language model of the persona's documents.

Only the lattice-building first pass and the best path through the lattice are used: the flat second pass costs ten
times as much at the end of speech and did not lower the word error rate.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flashback.errors import Broken
from flashback.media.clock import ANALYSIS_RATE
from services.ears import corpus_model, dictionary, language_model, questions, spoken_form
from services.ears.engine import Heard, Material, Recogniser, Utterance
from services.ears.settings import EarsSettings

LANGUAGE_WEIGHT = 9.0
BEST_PATH_WEIGHT = 15.0
SETTLE_BYTES = int(1.5 * ANALYSIS_RATE) * 2
"""Sound whose cepstral mean is taken before decoding starts; the acoustic model expects that of the whole utterance."""
STEP_BYTES = 3200
ALTERNATIVES = 5
IDLE_DECODERS = 4

_FILES = ("model.arpa", "words.dict", "written.json")


def create(settings: EarsSettings) -> PocketSphinxEngine:
    """Entry point `flashback.ears.engines`. Raises ImportError when PocketSphinx is not installed."""
    import pocketsphinx

    return PocketSphinxEngine(Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")))


class PocketSphinxEngine:
    name = "pocketsphinx"
    needs_material = True

    def __init__(self, dictionary_file: Path) -> None:
        self._dictionary_file = dictionary_file

    def fingerprint(self) -> str:
        sources = (corpus_model, dictionary, language_model, questions, spoken_form)
        text = "".join(inspect.getsource(module) for module in sources) + questions.TEMPLATES.read_text("utf-8")
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def unknown_words(self, material: Material) -> list[str]:
        texts = [*material.sentences, *material.headings]
        vocabulary = corpus_model.vocabulary(texts)
        known = dictionary.read_dictionary(self._dictionary_file, vocabulary)
        written = spoken_form.written_forms(texts)
        return [written.get(word, word) for word in sorted(vocabulary - known.keys())]

    def build(self, material: Material, spoken: Mapping[str, Sequence[str]], folder: Path) -> None:
        texts = [*material.sentences, *material.headings]
        vocabulary = corpus_model.vocabulary(texts)
        written = spoken_form.written_forms(texts)
        pieces = {part for form in written.values() for part in dictionary.parts(form)}
        known = dictionary.read_dictionary(self._dictionary_file, vocabulary | pieces)
        entries = dictionary.build(
            vocabulary, known, {word.lower(): [tuple(phones)] for word, phones in spoken.items()}, written
        )
        model = corpus_model.build(material.sentences, material.headings, frozenset(entries))
        language_model.write_arpa(model, folder / "model.arpa")
        (folder / "words.dict").write_text("\n".join(dictionary.dictionary_lines(entries)) + "\n", encoding="utf-8")
        (folder / "written.json").write_text(json.dumps({w: f for w, f in written.items() if w != f}), encoding="utf-8")

    def load(self, folder: Path | None, persona_id: str) -> Recogniser:
        if folder is None or not all((folder / name).is_file() for name in _FILES):
            raise Broken(f"The language model of {persona_id!r} is incomplete; delete its speech folder to rebuild it.")
        try:
            written = json.loads((folder / "written.json").read_text(encoding="utf-8"))
            lines = (folder / "words.dict").read_text(encoding="utf-8").splitlines()
            size = sum("(" not in line.partition(" ")[0] for line in lines)
            return SphinxRecogniser(folder, persona_id, size, written)
        except (ValueError, RuntimeError) as error:
            raise Broken(
                f"The language model of {persona_id!r} is damaged ({error}); delete its speech folder to rebuild it."
            ) from error


class SphinxRecogniser:
    """Decoders over one language model. Idle ones are kept for the next utterance."""

    def __init__(self, folder: Path, persona_id: str, vocabulary: int, written: Mapping[str, str]) -> None:
        self.name = f"pocketsphinx, {vocabulary:,} words of {persona_id}'s documents"
        self.vocabulary = vocabulary
        self._folder = folder
        self._written = written
        self._lock = threading.Lock()
        self._idle: list[Any] = [self._decoder()]

    def open(self) -> Utterance:
        with self._lock:
            decoder = self._idle.pop() if self._idle else None
        return SphinxUtterance(decoder or self._decoder(), self._written, self._take_back)

    def _take_back(self, decoder: Any) -> None:
        with self._lock:
            if len(self._idle) < IDLE_DECODERS:
                self._idle.append(decoder)

    def _decoder(self) -> Any:
        from pocketsphinx import Decoder

        return Decoder(
            samprate=ANALYSIS_RATE,
            loglevel="FATAL",
            lm=str(self._folder / "model.arpa"),
            dict=str(self._folder / "words.dict"),
            lw=LANGUAGE_WEIGHT,
            bestpathlw=BEST_PATH_WEIGHT,
            fwdflat=False,
            topn=8,
        )


class SphinxUtterance:
    """Decodes while the speaker talks, once enough sound is there to know its cepstral mean."""

    def __init__(self, decoder: Any, written: Mapping[str, str], give_back: Any) -> None:
        self._decoder: Any = decoder
        self._written = written
        self._give_back = give_back
        self._waiting = bytearray()
        self._started = False

    def feed(self, audio: bytes) -> None:
        if self._started:
            self._decoder.process_raw(audio, False, False)
            return
        self._waiting += audio
        if len(self._waiting) >= SETTLE_BYTES:
            self._start()

    def partial(self) -> str:
        return self._write(self._decoder.hyp()) if self._started else ""

    def finish(self) -> Heard:
        if not self._started and not self._start():
            return Heard("")
        decoder = self._decoder
        decoder.end_utt()
        self._started = False
        best = decoder.hyp()
        text = self._write(best)
        if not text:
            return Heard("")
        readings = [text]
        for _, other in zip(range(4 * ALTERNATIVES), decoder.nbest(), strict=False):
            reading = self._write(other)
            if reading and reading not in readings:
                readings.append(reading)
        words = len(text.split())
        return Heard(text, min(1.0, max(0.0, best.prob)) ** (1 / words), tuple(readings[1 : ALTERNATIVES + 1]))

    def close(self) -> None:
        if self._decoder is None:
            return
        if self._started:
            self._decoder.end_utt()
        self._give_back(self._decoder)
        self._decoder, self._started = None, False

    def _start(self) -> bool:
        """Estimates the cepstral mean of what is there, then decodes it. False when there is no sound at all."""
        audio = bytes(self._waiting)
        self._waiting.clear()
        if not audio:
            return False
        decoder = self._decoder
        decoder.start_utt()
        decoder.process_raw(audio, True, True)
        decoder.end_utt()
        decoder.set_cmn(decoder.get_cmn(False))
        decoder.start_utt()
        self._started = True
        for first in range(0, len(audio), STEP_BYTES):
            decoder.process_raw(audio[first : first + STEP_BYTES], False, False)
        return True

    def _write(self, hypothesis: Any) -> str:
        if hypothesis is None:
            return ""
        return " ".join(self._written.get(word, word) for word in hypothesis.hypstr.split())
