"""libespeak-ng by ctypes. GPL-3.0-or-later: it is loaded in the speech service's process and nowhere else."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from flashback.errors import MissingEngine
from services.tts.assembler import ClauseEnd, Event, Phoneme, WordStart

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_UTF8 = 1
_WORD, _END, _PHONEME = 1, 5, 7
_SEPARATOR = "_"
RATE, PITCH, RANGE, WORD_GAP = 1, 3, 4, 7
"""espeak_PARAMETER numbers: words a minute, 0..99, 0..100, units of 10 ms."""

Sink = Callable[[NDArray[np.int16], list[Event]], bool]
"""Takes raw PCM and its events; answers False to stop the synthesis."""


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@cache
def library() -> EspeakLibrary:
    """The process's one library: its state is global in C, so there can be no second."""
    return EspeakLibrary()


class EspeakLibrary:
    """Thin, typed access. Not thread-safe by itself: hold `lock` around a voice change and what is said with it."""

    def __init__(self) -> None:
        """Loads library and data (about 6 ms). Raises MissingEngine when they are not there."""
        self.lock = threading.Lock()
        data = Path(espeakng_loader.get_data_path())
        try:
            self._c = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise MissingEngine(f"libespeak-ng cannot be loaded ({error}); reinstall espeakng-loader.") from error
        self._c.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._c.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
        self._c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._c.espeak_ListVoices.argtypes = [ctypes.c_void_p]
        self.rate = int(
            self._c.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT)
        )
        if self.rate <= 0:
            raise MissingEngine(f"eSpeak NG found no data at {data}; reinstall espeakng-loader.")
        self._callback = _CALLBACK(self._on_audio)
        self._c.espeak_SetSynthCallback(self._callback)
        self._sink: Sink | None = None
        self._failure: BaseException | None = None
        self.languages = dict(self._languages())
        self.variants = sorted(f.name for f in (data / "voices" / "!v").iterdir())

    def set_voice(self, name: str) -> bool:
        """Selects `identifier` or `identifier+variant`; False when there is none (then the old voice stays)."""
        return int(self._c.espeak_SetVoiceByName(name.encode())) == 0

    def set_parameter(self, parameter: int, value: int) -> None:
        self._c.espeak_SetParameter(parameter, value, 0)

    def speak(self, text: str, sink: Sink) -> None:
        """Synthesises plain text (no SSML), calling `sink` from this thread. Raises what the sink raises."""
        self._sink, self._failure = sink, None
        raw = text.encode("utf-8", "replace") + b"\0"
        try:
            self._c.espeak_Synth(raw, len(raw), 0, 1, 0, _UTF8, None, None)
        finally:
            self._sink = None
        if self._failure is not None:
            raise self._failure

    def phonemes(self, text: str) -> str:
        """IPA of a piece of text, sounds separated by '_', words by spaces."""
        pointer = ctypes.c_char_p(text.encode("utf-8", "replace"))
        clauses = []
        while pointer:
            found = self._c.espeak_TextToPhonemes(ctypes.byref(pointer), _UTF8, _PHONEME_IPA | ord(_SEPARATOR) << 8)
            clauses.append((found or b"").decode("utf-8", "replace"))
        return " ".join(clauses)

    def _on_audio(self, wave: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        """The C callback: 0 goes on, 1 stops."""
        try:
            pcm = np.ctypeslib.as_array(wave, (count,)).copy() if wave and count else np.zeros(0, np.int16)
            if self._sink is None:
                return 1
            return 0 if self._sink(pcm, list(_events(events))) else 1
        except BaseException as error:
            self._failure = error
            return 1

    def _languages(self) -> Iterator[tuple[str, str]]:
        """Language tags with the identifier of the voice that lists them first (best rank first)."""
        ranked: dict[str, tuple[int, str]] = {}
        voices = self._c.espeak_ListVoices(None)
        index = 0
        while voices[index]:
            voice = voices[index].contents
            at = voice.languages
            while (rank := ctypes.c_ubyte.from_address(at).value) != 0:
                tag = ctypes.string_at(at + 1).decode()
                at += len(tag) + 2
                candidate = (rank, voice.identifier.decode())
                ranked[tag] = min(candidate, ranked.get(tag, candidate))
            index += 1
        for tag, (_, identifier) in sorted(ranked.items()):
            yield tag, identifier


def _events(events: ctypes._Pointer[_Event]) -> Iterator[Event]:
    index = 0
    while (kind := events[index].type) != 0:
        event = events[index]
        index += 1
        if kind == _WORD:
            yield WordStart(event.sample, event.text_position - 1)
        elif kind == _END:
            yield ClauseEnd(event.sample, event.text_position - 1)
        elif kind == _PHONEME:
            ipa = event.id.string.split(b"\0")[0].decode("utf-8", "replace")
            if not ipa.startswith("("):
                yield Phoneme(event.sample, ipa)
