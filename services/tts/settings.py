"""Settings of the speech service: FLASHBACK_TTS_*."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TtsSettings(BaseSettings):
    """Which engine speaks, and how much text one call may carry."""

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_TTS_", extra="ignore")

    engine: str = Field(default="espeak", description="Name of an installed engine.")
    max_characters: int = Field(default=4000, ge=1, description="Longest text of one Synthesize call.")
    max_words: int = Field(default=100_000, ge=1, description="Most words of one Pronounce call.")
