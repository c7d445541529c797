"""Settings shared by every process. Each service adds its own class with prefix FLASHBACK_<SERVICE>_."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PACKAGE_ROOT = Path(__file__).resolve().parent.parent

DEFAULT_PORTS = {
    "gateway": 50061,
    "ears": 50062,
    "rag_llm": 50063,
    "tts": 50064,
    "renderer": 50065,
    "postfx": 50066,
    "emotalk": 50051,
}
"""Loopback gRPC ports when no FLASHBACK_<SERVICE>_ADDRESS is given."""


class HouseSettings(BaseSettings):
    """Where things are and how loud the log is.

    `home` holds personas/, corpus/ and web-samples/; `data_dir` receives everything the program writes.
    """

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_", extra="ignore")

    home: Path = Field(default=PACKAGE_ROOT, description="Folder of personas/, corpus/ and web-samples/.")
    data_dir: Path = Field(default=PACKAGE_ROOT / "var", description="Indexes, caches, run files.")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    face_driven_by: Literal["visemes", "emotalk"] = Field(
        default="visemes", description="What moves the avatar's face while it speaks: the voice's visemes, or EmoTalk."
    )
    default_persona: str = Field(default="iris", description="Who answers when no persona is asked for.")

    @property
    def personas_dir(self) -> Path:
        return self.home / "personas"

    @property
    def run_file(self) -> Path:
        """Written by `flashback up`: where the running stack's services listen (JSON)."""
        return self.data_dir / "run" / "stack.json"


class Addresses(BaseSettings):
    """gRPC targets of the services: `host:port` or `unix:/path`."""

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_", extra="ignore")

    gateway_address: str = f"127.0.0.1:{DEFAULT_PORTS['gateway']}"
    ears_address: str = f"127.0.0.1:{DEFAULT_PORTS['ears']}"
    rag_llm_address: str = f"127.0.0.1:{DEFAULT_PORTS['rag_llm']}"
    tts_address: str = f"127.0.0.1:{DEFAULT_PORTS['tts']}"
    renderer_address: str = f"127.0.0.1:{DEFAULT_PORTS['renderer']}"
    postfx_address: str = f"127.0.0.1:{DEFAULT_PORTS['postfx']}"
    emotalk_address: str = Field(
        default=f"127.0.0.1:{DEFAULT_PORTS['emotalk']}",
        validation_alias=AliasChoices("FLASHBACK_EMOTALK_ADDRESS", "GRPC_SERVER"),
    )

    def of(self, service: str) -> str:
        """Address of one service by its folder name."""
        return str(getattr(self, f"{service}_address"))
