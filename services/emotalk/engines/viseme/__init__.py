"""`viseme`: speech -> blendshapes by a small model of ours, in numpy. It needs no weights of others."""

from __future__ import annotations

from services.emotalk.engines.viseme.engine import VisemeEngine
from services.emotalk.engines.viseme.network import Network
from services.emotalk.settings import EmoTalkSettings


def create(settings: EmoTalkSettings) -> VisemeEngine:
    """Entry point. The engine has no settings of its own."""
    return VisemeEngine(Network.load())
