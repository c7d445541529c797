"""The engine itself: each utterance by itself, from its samples to its weights."""

from __future__ import annotations

from collections.abc import Sequence

from services.emotalk.engine import EngineInfo, Utterance, Weights
from services.emotalk.engines.viseme import articulation, expression, prosody, spectra
from services.emotalk.engines.viseme.network import Network, inputs

INFO = EngineInfo(name="viseme", device="cpu", max_batch=8, max_seconds=120.0, context_s=1.8, lookahead_s=0.125)


class VisemeEngine:
    """services.emotalk.engine.Engine in numpy. Weights are within 0..1; silence is a face at rest; lids never shut."""

    def __init__(self, network: Network) -> None:
        self._network = network

    @property
    def info(self) -> EngineInfo:
        return INFO

    def predict(self, utterances: Sequence[Utterance]) -> list[Weights]:
        return [self._face(utterance) for utterance in utterances]

    def close(self) -> None:
        """Nothing is held."""

    def _face(self, utterance: Utterance) -> Weights:
        heard = spectra.analyse(utterance.samples)
        mouth = articulation.mouth(self._network.probabilities(inputs(heard)), heard.loudness)
        manner = prosody.analyse(utterance.samples, heard.loudness)
        return expression.face(mouth, manner, utterance.level, utterance.person)
