"""Settings of the post-processing service: FLASHBACK_POSTFX_*. What is set here overrides every persona's look."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class PostFxSettings(BaseSettings):
    """Engine and overrides.

    lut: preset name, "none", or path of a .cube file; intensity: 0 leaves colours alone, 1 is the whole look.
    """

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_POSTFX_", extra="ignore")

    engine: str = "cpu"
    lut: str | None = None
    intensity: float | None = Field(default=None, ge=0, le=1)
    badge: bool | None = None
