"""python -m tools.viseme_model.fixtures: writes tests/data/visemes/, a few sentences with their mouth shapes.

Sentences that the fit never sees, by the voices of our personas; FLAC, 16 kHz, and a JSON table of spans in seconds.
"""

from __future__ import annotations

import json

import av
import numpy as np

from benchmarks.lip_lag import SENTENCES
from flashback.media.clock import ANALYSIS_RATE
from tools.viseme_model.speech import OWN, ROOT, Floats, Speaker

FOLDER = ROOT / "tests" / "data" / "visemes"
CHOSEN = (0, 1)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    speaker = Speaker()
    for name in OWN:
        for number in CHOSEN:
            spoken = speaker.say(SENTENCES[number], speaker.own[name], name)
            write_flac(FOLDER / f"{name}-{number}.flac", spoken.samples)
            table = [[shape, round(start, 4), round(end, 4)] for shape, start, end in spoken.spans]
            text = json.dumps({"text": SENTENCES[number], "voice": name, "visemes": table})
            (FOLDER / f"{name}-{number}.json").write_text(text + "\n", encoding="utf-8")


def write_flac(file: object, samples: Floats) -> None:
    with av.open(str(file), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=ANALYSIS_RATE, layout="mono")
        pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None, :], format="s16", layout="mono")
        frame.sample_rate = ANALYSIS_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


if __name__ == "__main__":
    main()
