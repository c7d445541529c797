"""Settings of the answering service: FLASHBACK_RAG_LLM_*."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class RagSettings(BaseSettings):
    """Which engine answers, how strict the gate is, and what ingest accepts."""

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_RAG_LLM_", extra="ignore")

    engine: str = Field(default="extractive", description="Name of an installed engine.")
    top_passages: int = Field(default=8, ge=1, description="Passages that an answer may quote.")
    max_sentences: int = Field(default=4, ge=1, description="Sentences of one answer.")
    max_words: int = Field(default=90, ge=1, description="Words after which no further sentence is added.")
    gate_threshold: float = Field(
        default=0.4,
        ge=0,
        le=1,
        description="Questions less likely than this to be answerable (gate.py) are refused; 0 answers everything. "
        "`flashback eval rag --curve` shows what other values would do on documents of your own.",
    )
    max_file_mb: int = Field(default=100, ge=1, description="Larger files are skipped by ingest.")
    read_timeout_s: float = Field(default=60.0, gt=0, description="A file that takes longer to read is skipped.")
    read_memory_mb: int = Field(
        default=1500,
        ge=200,
        description="Memory (address space) of the process that reads files; what needs more is skipped.",
    )
    first_ingest_wait_s: float = Field(
        default=8.0,
        ge=0,
        description="How long a question waits for a persona's first ingest before it is turned away.",
    )
    recheck_s: float = Field(default=5.0, ge=0, description="Least time between two looks for changed documents.")
    vector_cache: Path | None = Field(
        default=None,
        description="Folder for what was read and encoded of documents, shared by all personas and data folders; "
        "unset: beside each index.",
    )

    chat_url: str = Field(
        default="",
        description="Base address of an OpenAI-compatible chat server, such as `http://127.0.0.1:8001/v1`; engine "
        "`openai` needs it.",
    )
    chat_model: str = Field(default="", description="Model to ask for; empty: the first that the server lists.")
    chat_api_key: SecretStr | None = Field(default=None, description="Bearer token for it; never logged.")
    chat_temperature: float = Field(default=0.0, ge=0, le=2, description="Randomness of its words.")
    chat_max_tokens: int = Field(default=400, ge=1, description="Tokens of one answer, reasoning included.")
    chat_max_sentences: int = Field(default=6, ge=1, description="Sentences of one generated answer.")
    chat_passage_tokens: int = Field(
        default=1500, ge=50, description="Tokens, roughly counted, that the passages may take of the prompt."
    )
    chat_first_token_s: float = Field(
        default=6.0, gt=0, description="Longest wait for the first token; then the documents are quoted instead."
    )
    chat_between_tokens_s: float = Field(default=4.0, gt=0, description="Longest wait for each further token.")
    chat_turn_s: float = Field(
        default=15.0,
        gt=0,
        description="Longest that a whole answer is generated for; less than `FLASHBACK_ANSWER_TIMEOUT_S`.",
    )
    chat_extra_body: dict[str, Any] = Field(
        default={},
        description="JSON object put into each request, over what is there; null takes a field out. For example "
        '`{"chat_template_kwargs": {"enable_thinking": false}}`.',
    )
    guard: Literal["off", "lexical", "full"] = Field(
        default="full",
        description="How generated sentences are checked against their passages: not at all (`off`); figures, names, "
        "denials and words (`lexical`); these and the meaning by vectors (`full`).",
    )
    guard_share: float = Field(
        default=0.55, ge=0, le=1, description="Share of a sentence's words, by rarity, that the passage must support."
    )
    guard_clause: float = Field(default=0.3, ge=0, le=1, description="The same for each of its clauses.")
    guard_cosine: float = Field(
        default=0.5, ge=-1, le=1, description="Least cosine of the sentence and the closest one of the passage."
    )
    embeddings_url: str = Field(
        default="",
        description="Base address of an OpenAI-compatible embeddings server; empty: MiniLM in this process. Another "
        "encoder means another index.",
    )
    embeddings_model: str = Field(default="", description="Model to ask for; empty: the first that the server lists.")
    embeddings_api_key: SecretStr | None = Field(default=None, description="Bearer token for it; never logged.")
    embeddings_batch: int = Field(default=64, ge=1, description="Texts in one request.")
    embeddings_timeout_s: float = Field(default=30.0, gt=0, description="Longest wait for one request.")
    rerank_url: str = Field(
        default="",
        description="Whole address of a reranker as vLLM, Jina, Cohere or TEI offer it, such as "
        "`http://127.0.0.1:8002/v1/rerank`; empty: none.",
    )
    rerank_model: str = Field(default="", description="Model to ask for; empty: the request names none.")
    rerank_api_key: SecretStr | None = Field(default=None, description="Bearer token for it; never logged.")
    rerank_deadline_s: float = Field(
        default=0.5, gt=0, description="Longest wait for it; then the passages keep the order they had."
    )
