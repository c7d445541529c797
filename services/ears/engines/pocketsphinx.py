"""PocketSphinx (BSD; acoustic model inside the wheel) over a language model of the persona's documents.

Only the lattice-building first pass and the best path through the lattice are used: the flat second pass costs ten
times as much at the end of speech and did not lower the word error rate.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flashback.errors import Broken
from flashback.media.clock import ANALYSIS_RATE
from services.ears import corpus_model, dictionary, language_model, questions, rescoring, spoken_form
from services.ears.engine import Heard, Material, Recogniser, Utterance
from services.ears.rescoring import Places, content, ranked
from services.ears.settings import EarsSettings

LANGUAGE_WEIGHT = 9.0
BEST_PATH_WEIGHT = 18.0
SETTLE_BYTES = int(1.2 * ANALYSIS_RATE) * 2
"""Sound whose cepstral mean is taken before decoding starts; the acoustic model expects that of the whole utterance."""
STEP_BYTES = 3200
WARPS = (None, "1.07", "0.94")
"""Vocal tract lengths that are tried side by side (Lee and Rose 1996): the likeliest reading of all wins."""
READINGS = 100
"""Paths through the lattice that are compared."""
ALTERNATIVES = 5
"""Other readings that are handed on: the best of each set of content words."""
IDLE_SETS = 3

FEATURES = Path(__file__).with_name("en_us_features.params")
"""The front end the acoustic model was trained with, less its noise removal, which cost more words than it saved."""

_FILES = ("model.arpa", "words.dict", "written.json", "places.json")


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
        sources = (corpus_model, dictionary, language_model, questions, rescoring, spoken_form)
        text = "".join(inspect.getsource(module) for module in sources) + questions.TEMPLATES.read_text("utf-8")
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def unknown_words(self, material: Material) -> list[str]:
        texts = [*material.sentences, *material.headings]
        vocabulary = corpus_model.vocabulary(material.sentences, material.headings)
        known = dictionary.read_dictionary(self._dictionary_file, vocabulary)
        written = spoken_form.written_forms(texts)
        return [written.get(word, word) for word in sorted(vocabulary - known.keys())]

    def build(self, material: Material, spoken: Mapping[str, Sequence[str]], folder: Path) -> None:
        texts = [*material.sentences, *material.headings]
        vocabulary = corpus_model.vocabulary(material.sentences, material.headings)
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
        places = {"sentences": list(material.sentences), "headings": list(material.headings)}
        (folder / "places.json").write_text(json.dumps(places), encoding="utf-8")

    def load(self, folder: Path | None, persona_id: str) -> Recogniser:
        if folder is None or not all((folder / name).is_file() for name in _FILES):
            raise Broken(f"The language model of {persona_id!r} is incomplete; delete its speech folder to rebuild it.")
        try:
            written = json.loads((folder / "written.json").read_text(encoding="utf-8"))
            places = Places.of(**json.loads((folder / "places.json").read_text(encoding="utf-8")))
            lines = (folder / "words.dict").read_text(encoding="utf-8").splitlines()
            size = sum("(" not in line.partition(" ")[0] for line in lines)
            return SphinxRecogniser(folder, persona_id, size, written, places)
        except (ValueError, TypeError, RuntimeError) as error:
            raise Broken(
                f"The language model of {persona_id!r} is damaged ({error}); delete its speech folder to rebuild it."
            ) from error


class SphinxRecogniser:
    """Decoders over one language model, one for each vocal tract length. Idle sets are kept for the next utterance."""

    def __init__(
        self, folder: Path, persona_id: str, vocabulary: int, written: Mapping[str, str], places: Places
    ) -> None:
        self.name = f"pocketsphinx, {vocabulary:,} words of {persona_id}'s documents"
        self.vocabulary = vocabulary
        self._folder = folder
        self._written = written
        self._places = places
        self._lock = threading.Lock()
        self._idle: list[list[Any]] = [self._decoders()]

    def open(self) -> Utterance:
        with self._lock:
            decoders = self._idle.pop() if self._idle else None
        return SphinxUtterance(decoders or self._decoders(), self._written, self._places, self._take_back)

    def _take_back(self, decoders: list[Any]) -> None:
        with self._lock:
            if len(self._idle) < IDLE_SETS:
                self._idle.append(decoders)

    def _decoders(self) -> list[Any]:
        from pocketsphinx import Decoder

        return [
            Decoder(
                samprate=ANALYSIS_RATE,
                loglevel="FATAL",
                lm=str(self._folder / "model.arpa"),
                dict=str(self._folder / "words.dict"),
                lw=LANGUAGE_WEIGHT,
                bestpathlw=BEST_PATH_WEIGHT,
                fwdflat=False,
                topn=8,
                featparams=str(FEATURES),
                warp_params=warp,
            )
            for warp in WARPS
        ]


class SphinxUtterance:
    """Decodes while the speaker talks, once enough sound is there to know its cepstral mean."""

    def __init__(
        self,
        decoders: list[Any],
        written: Mapping[str, str],
        places: Places,
        give_back: Callable[[list[Any]], None],
    ) -> None:
        self._decoders = decoders
        self._written = written
        self._places = places
        self._give_back = give_back
        self._waiting = bytearray()
        self._started = False

    def feed(self, audio: bytes) -> None:
        if self._started:
            for decoder in self._decoders:
                decoder.process_raw(audio, False, False)
            return
        self._waiting += audio
        if len(self._waiting) >= SETTLE_BYTES:
            self._start()

    def partial(self) -> str:
        found = self._decoders[0].hyp() if self._started else None
        return self._write(found.hypstr) if found else ""

    def finish(self) -> Heard:
        if not self._started and not self._start():
            return Heard("")
        for decoder in self._decoders:
            decoder.end_utt()
        self._started = False
        readings: dict[str, float] = {}
        posteriors: dict[str, float] = {}
        for decoder in self._decoders:
            best = decoder.hyp()
            if best is not None and best.hypstr:
                posteriors[best.hypstr] = max(posteriors.get(best.hypstr, 0.0), min(1.0, best.prob))
                for reading, score in paths(decoder).items():
                    readings[reading] = max(readings.get(reading, -math.inf), score)
        order = ranked(readings, self._places) or list(posteriors)
        if not order:
            return Heard("")
        posterior = posteriors.get(order[0], min(posteriors.values()))
        confidence = max(0.0, posterior) ** (1 / len(order[0].split()))
        by_topic: dict[frozenset[str], str] = {}
        for reading in order:
            by_topic.setdefault(frozenset(content(reading.split())), reading)
        alternatives = [self._write(reading) for reading in list(by_topic.values())[1 : ALTERNATIVES + 1]]
        return Heard(self._write(order[0]), confidence, tuple(alternatives))

    def close(self) -> None:
        if not self._decoders:
            return
        if self._started:
            for decoder in self._decoders:
                decoder.end_utt()
        self._give_back(self._decoders)
        self._decoders, self._started = [], False

    def _start(self) -> bool:
        """Estimates the cepstral mean of what is there, then decodes it. False when there is no sound at all."""
        audio = bytes(self._waiting)
        self._waiting.clear()
        if not audio:
            return False
        self._started = True
        for decoder in self._decoders:
            decoder.start_utt()
            decoder.process_raw(audio, True, True)
            decoder.end_utt()
            decoder.set_cmn(decoder.get_cmn(False))
            decoder.start_utt()
            for first in range(0, len(audio), STEP_BYTES):
                decoder.process_raw(audio[first : first + STEP_BYTES], False, False)
        return True

    def _write(self, said: str) -> str:
        return " ".join(self._written.get(word, word) for word in said.split())


def paths(decoder: Any) -> dict[str, float]:
    """The best paths through the lattice with their scores in nats: PocketSphinx keeps scores divided by 1024."""
    found: dict[str, float] = {}
    for _, path in zip(range(READINGS), decoder.nbest(), strict=False):
        if path is not None and path.hypstr and path.score > 0:
            found[path.hypstr] = max(found.get(path.hypstr, -math.inf), 1024 * math.log(path.score))
    return found
