"""EmoTalk's network, from its published checkpoint. Importing this needs torch."""

from services.emotalk.engines.emotalk.engine import create

__all__ = ["create"]
