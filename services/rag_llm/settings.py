"""Settings of the answering service: FLASHBACK_RAG_LLM_*."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RagSettings(BaseSettings):
    """Which engine answers, how strict the gate is, and what ingest accepts."""

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_RAG_LLM_", extra="ignore")

    engine: str = Field(default="extractive", description="Name of an installed engine.")
    top_passages: int = Field(default=8, ge=1, description="Passages that an answer may quote.")
    max_sentences: int = Field(default=3, ge=1, description="Sentences of one answer.")
    max_words: int = Field(default=70, ge=1, description="Words after which no further sentence is added.")
    gate_threshold: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="Questions less likely than this to be answerable (gate.py) are refused; 0 answers "
        "everything. Below 0.5, "
        "because a spoken question loses words to the recogniser and a wrong refusal ends the conversation: on the "
        "development questions 0.4 refuses 83 % of the unanswerable and 8 % of the answerable ones, 0.5 refuses "
        "97 % and 14 %.",
    )
    max_file_mb: int = Field(default=20, ge=1, description="Larger files are skipped by ingest.")
    first_ingest_wait_s: float = Field(
        default=8.0,
        ge=0,
        description="How long a question waits for a persona's first ingest before it is turned away.",
    )
    recheck_s: float = Field(default=5.0, ge=0, description="Least time between two looks for changed documents.")
    vector_cache: Path | None = Field(
        default=None,
        description="Folder for documents' vectors shared by all personas and data folders; unset: beside each index.",
    )
