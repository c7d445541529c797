"""Every knob of the orchestrator."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class OrchestratorSettings(BaseSettings):
    """Read from FLASHBACK_* (the names users meet most) and FLASHBACK_ORCHESTRATOR_*."""

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_ORCHESTRATOR_", extra="ignore", populate_by_name=True)

    host: str = Field(default="127.0.0.1", validation_alias="FLASHBACK_HOST", description="Address HTTP listens on.")
    port: int = Field(
        default=8000, ge=1, le=65535, validation_alias="FLASHBACK_PORT", description="Port HTTP listens on."
    )
    max_sessions: int = Field(
        default=4, ge=0, validation_alias="FLASHBACK_MAX_SESSIONS", description="Conversations at a time; more get 503."
    )
    retry_after_s: int = Field(default=10, ge=1, description="Hint to clients a full server turns away.")
    silence_ms: int = Field(default=0, ge=0, le=5000, description="Endpointing silence; 0 = the ears' own default.")
    answer_timeout_s: float = Field(default=20.0, gt=0, description="Longest wait for the next sentence of an answer.")
    history_exchanges: int = Field(default=6, ge=0, description="Earlier exchanges an answer may refer to.")
    connect_timeout_s: float = Field(default=20.0, gt=0, description="From the call to a connected peer.")
    restage_timeout_s: float = Field(
        default=15.0, gt=0, description="How long a session waits for a renderer that died."
    )
    face_hold_ms: int = Field(
        default=250,
        ge=0,
        le=2_000,
        description="How long a turn's first sound may wait for its blendshapes where the face follows EmoTalk.",
    )
    max_sdp_bytes: int = Field(default=65_536, gt=0, description="Largest SDP offer.")
    max_question_chars: int = Field(default=4_000, gt=0, description="Longest typed question.")

    cors_origins: Annotated[list[str], NoDecode] = Field(
        default=["http://localhost:*", "http://127.0.0.1:*"],
        validation_alias="FLASHBACK_CORS_ORIGINS",
        description="Origins whose pages may call this API, besides its own; `:*` is any port, `*` alone any origin.",
    )
    max_recording_mb: int = Field(default=64, ge=1, le=1024, description="Largest recording to animate.")
    max_held_mb: int = Field(
        default=1024, ge=1, description="Recordings held at a time, being received or animated; more get 503."
    )
    upload_stall_s: float = Field(default=30.0, gt=0, description="An upload that brings nothing for so long is ended.")
    recording_timeout_s: float = Field(
        default=3600.0, gt=0, description="Longest that a recording waits for EmoTalk and is animated."
    )
    keepalive_s: float = Field(
        default=15.0, gt=0, description="Time without frames after which a comment line keeps an event stream open."
    )
    stalled_reader_s: float = Field(
        default=30.0, gt=0, description="A caller that reads none of its event stream for this long is dropped."
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
