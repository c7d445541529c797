"""Settings of the post-processing service: FLASHBACK_POSTFX_*. What is set here overrides every persona's look."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PostFxSettings(BaseSettings):
    """Engine and overrides."""

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_POSTFX_", extra="ignore")

    engine: str = Field(default="cpu", description="Name of an installed engine.")
    lut: str | None = Field(default=None, description="Preset name, none, or path of a .cube file.")
    intensity: float | None = Field(
        default=None, ge=0, le=1, description="0 leaves colours alone, 1 is the whole look."
    )
    badge: bool | None = Field(default=None, description="Whether pictures say that they are generated.")
