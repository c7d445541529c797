"""Settings of the EmoTalk service: FLASHBACK_EMOTALK_*, and the names the existing EmoTalk service has for some."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _also(name: str, existing: str) -> AliasChoices:
    """FLASHBACK_EMOTALK_<name>, or the existing service's name, which is read when the first is not set."""
    return AliasChoices(f"FLASHBACK_EMOTALK_{name}", existing)


class EmoTalkSettings(BaseSettings):
    """Which engine, how many at once, how much may be asked of it, and how live speech is cut into predictions."""

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_EMOTALK_", extra="ignore", populate_by_name=True)

    engine: str = Field(default="viseme", description="Name of an installed engine.")
    model_path: Path = Field(
        default=Path("pretrain_model/EmoTalk.pth"),
        validation_alias=_also("MODEL_PATH", "MODEL_PATH"),
        description="The checkpoint of engine `emotalk`; a relative path starts at the working directory.",
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|cuda(:\d+)?)$",
        validation_alias=_also("DEVICE", "DEVICE"),
        description="cpu, cuda, cuda:N, or auto: an accelerator when there is one.",
    )
    precision: Literal["float32", "bfloat16", "int8"] = Field(
        default="float32", description="Of engine `emotalk`: bfloat16 and int8 (CPU only) are faster, and err more."
    )
    commercial_only: bool = Field(
        default=False,
        validation_alias="FLASHBACK_COMMERCIAL_ONLY",
        description="Refuse weights whose licence forbids commercial use.",
    )

    role: Literal["all", "server", "worker"] = Field(
        default="all",
        description="all, or server (takes requests) and worker (does them), which need Redis between them.",
    )
    worker_address: str = Field(
        default="127.0.0.1:0", description="Where a process of role worker answers health checks; port 0: any free one."
    )
    num_workers: int = Field(
        default=2,
        ge=1,
        le=256,
        validation_alias=_also("NUM_WORKERS", "NUM_WORKERS"),
        description="Recordings worked on at a time.",
    )
    queue_size: int = Field(
        default=100,
        ge=1,
        validation_alias=_also("QUEUE_SIZE", "QUEUE_SIZE"),
        description="Recordings that may wait; more are refused.",
    )
    redis_url: str = Field(
        default="",
        validation_alias=_also("REDIS_URL", "REDIS_URL"),
        description="Queue shared by several processes, such as redis://host:6379/0; empty: one in this process.",
    )
    worker_name: str = Field(
        default="", description="Name in the shared queue, unique among its workers; empty: machine and process id."
    )
    reclaim_s: float = Field(
        default=30.0,
        gt=0,
        description="A worker silent for so long counts as dead; its recordings go to another.",
    )
    tries: int = Field(
        default=3, ge=1, description="Failures that put a recording aside; three deaths of workers weigh as one."
    )
    result_ttl_s: float = Field(
        default=600.0, gt=0, description="Time the shared queue keeps recordings and results whose caller is gone."
    )
    redis_prefix: str = Field(
        default="flashback:emotalk",
        pattern=r"^[^{}\s]+$",
        description="What the shared queue's keys begin with; services that share a queue have the same.",
    )
    redis_patience_s: float = Field(
        default=30.0, gt=0, description="How long a Redis that does not answer is waited for, at start and later."
    )
    retry_delay_s: float = Field(
        default=1.0, ge=0, description="Pause before a recording that failed unexpectedly is begun again."
    )
    stop_grace_s: float = Field(
        default=2.0, ge=0, description="At a stop, how long recordings at work may go on before they are handed back."
    )
    batch_s: float = Field(
        default=50.0, gt=0, description="Speech of recordings in one batch, at most; one longer utterance goes alone."
    )
    batch_wait_ms: float = Field(
        default=5.0, ge=0, le=1000, description="How long a prediction waits for others to share its batch."
    )
    statistics_s: float = Field(default=30.0, gt=0, description="Time between two statistics lines in the log.")
    metrics_host: str = Field(default="127.0.0.1", description="Address the metrics page listens on.")
    metrics_port: int = Field(
        default=0, ge=0, le=65_535, description="Port of the metrics page, http://host:port/metrics; 0: none."
    )

    max_audio_mb: int = Field(default=64, ge=1, le=1024, description="Largest audio file of one recording.")
    max_audio_s: float = Field(default=1800.0, gt=0, le=86_400, description="Longest recording.")
    max_held_mb: int = Field(
        default=1024, ge=1, description="Audio files held by this process for all its callers; more are refused."
    )
    stalled_reader_s: float = Field(
        default=30.0, gt=0, description="A caller that takes none of its frames for this long is dropped."
    )
    blink_seed: int | None = Field(
        default=None, ge=0, description="Seed of the blinks of every recording and stream; unset: another for each."
    )

    max_live_streams: int = Field(default=32, ge=0, description="Animate calls at a time.")
    live_first_ms: int = Field(default=500, ge=25, le=5000, description="Speech heard before the first prediction.")
    live_hop_ms: int = Field(default=200, ge=25, le=5000, description="New speech between two later predictions.")
    live_context_s: float | None = Field(
        default=None,
        gt=0,
        le=60,
        description="Past speech heard by a prediction; unset: what the engine wants.",
    )
    live_waiting_s: float = Field(
        default=300.0, gt=0, le=3600, description="Speech one stream may have waiting; more ends the stream."
    )
    live_level_threshold: float = Field(
        default=0.25,
        ge=0,
        le=2,
        description="Strength of a sentence's emotion, sqrt(valence^2 + arousal^2), from which its level is 1, not 0.",
    )
