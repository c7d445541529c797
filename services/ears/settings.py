"""Settings of the ears service: FLASHBACK_EARS_*."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EarsSettings(BaseSettings):
    """Which recogniser listens, and when speech counts as begun and ended."""

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_EARS_", extra="ignore")

    engine: str = Field(
        default="auto", description="auto: faster-whisper when its folder is there, else pocketsphinx; none: no words."
    )
    whisper_dir: Path | None = Field(default=None, description="Folder of a CTranslate2 Whisper model.")
    whisper_compute: str = Field(default="int8", description="CTranslate2 compute type.")
    silence_ms: int = Field(default=500, ge=100, le=5000, description="Silence that ends a turn, milliseconds.")
    onset_ms: int = Field(default=96, ge=32, le=1000, description="Speech that counts as an onset, milliseconds.")
    pause_ms: int = Field(
        default=288, ge=32, le=2000, description="Silence after which the words are worked out, before the turn ends."
    )
    pre_roll_ms: int = Field(default=300, ge=0, le=2000, description="Sound before the onset given to the recogniser.")
    start_threshold: float = Field(default=0.5, gt=0, lt=1, description="Speech probability that starts speech.")
    stop_threshold: float = Field(default=0.35, gt=0, lt=1, description="Speech probability below which it is silent.")
    max_utterance_s: float = Field(default=30.0, gt=1, le=120, description="Longest utterance; it ends there.")
    partial_ms: int = Field(default=300, ge=50, description="Least time between unfinished transcripts, milliseconds.")
    max_sessions: int = Field(default=64, ge=1, description="Sessions that may listen at the same time.")
    workers: int = Field(default=4, ge=1, description="Threads for voice activity and recognition.")
