import numpy as np

from services.tts.assembler import ClauseEnd, Phoneme, SpeechAssembler, WordStart
from services.tts.engine import TAIL_SAMPLES

RATE = 22_050


def _tone(count: int) -> np.ndarray:
    return np.asarray(8000 * np.sin(np.arange(count) * 0.1), np.int16)


def test_audio_waits_for_the_end_of_its_word_and_viseme() -> None:
    assembler = SpeechAssembler("ma mo", RATE, 1.0)
    assert assembler.feed(_tone(2205), [WordStart(0, 0), Phoneme(0, "m"), Phoneme(1000, "ɑː")]) is None
    part = assembler.feed(_tone(2205), [WordStart(2940, 3), Phoneme(2940, "m")])
    assert part is not None
    assert len(part.audio) == 3200
    assert [(v.shape, v.start) for v in part.visemes] == [("PP", 0), ("aa", 1088)]
    assert [(w.text, w.start, w.end) for w in part.words] == [("ma", 0, 3200)]
    rest = assembler.finish()
    assert rest.last
    assert rest.words[-1].end == 4800
    assert 3200 + len(rest.audio) == rest.visemes[-1].start + rest.visemes[-1].duration


def test_leading_silence_is_cut_and_events_follow() -> None:
    assembler = SpeechAssembler("mo", RATE, 1.0)
    pcm = np.concatenate([np.zeros(4000, np.int16), _tone(2205), np.zeros(9000, np.int16)])
    part = assembler.feed(pcm, [WordStart(0, 0), Phoneme(3900, "m"), Phoneme(6205, ""), ClauseEnd(15_000, 2)])
    assert part is not None
    assert [(w.text, w.start) for w in part.words] == [("mo", 0)]
    audio = np.concatenate([part.audio, assembler.finish().audio])
    loud = np.flatnonzero(np.abs(audio) > 300)
    assert loud[0] < 240
    assert TAIL_SAMPLES - 240 <= len(audio) - loud[-1] <= TAIL_SAMPLES + 240


def test_nothing_audible_is_a_short_silence() -> None:
    assembler = SpeechAssembler("...", RATE, 1.0)
    assert assembler.feed(np.zeros(1324, np.int16), [Phoneme(0, "")]) is None
    part = assembler.finish()
    assert part.last
    assert len(part.audio) == TAIL_SAMPLES
    assert not part.audio.any()
    assert [(v.shape, v.start, v.duration) for v in part.visemes] == [("sil", 0, TAIL_SAMPLES)]
