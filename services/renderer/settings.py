"""Every knob of the renderer: FLASHBACK_RENDERER_<NAME>."""

from __future__ import annotations

import os

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class RendererSettings(BaseSettings):
    """What `python -m services.renderer` can be told."""

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_RENDERER_", extra="ignore")

    engine: str = Field(default="rig", description="Name of an installed engine.")
    size: int = Field(default=512, ge=512, le=1024, multiple_of=128, description="Width and height, pixels.")
    fps: int = Field(default=25, ge=10, le=60, description="Frames a second.")
    capacity: int = Field(default=16, ge=1, description="Sessions accepted at a time.")
    workers: int = Field(default=os.cpu_count() or 1, ge=1, description="Threads that draw.")
    stamp: bool = Field(default=False, description="Write the frame number into the picture, for measurements.")
    preload: bool = Field(default=True, description="Load the default persona at start.")
    abandoned_s: float = Field(default=15.0, gt=0, description="A stage that nobody is connected to lives this long.")
    postfx_wait_s: float = Field(default=5.0, gt=0, description="How long a persona's load waits for post-processing.")
