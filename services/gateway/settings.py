"""Every knob of the gateway."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class GatewaySettings(BaseSettings):
    """Environment: FLASHBACK_GATEWAY_<NAME>; lists are comma separated.

    ice_addresses: IP addresses WebRTC may use on this machine (FLASHBACK_ICE_ADDRESSES). Empty: every address of the
        machine, and 127.0.0.1, so that a browser on the same machine connects even without a network.
    ice_servers: STUN and TURN urls. Empty: none is asked.
    ice_username, ice_credential: for the TURN servers among them.
    max_peers: connections accepted at a time.
    video_bitrate, audio_bitrate: bits per second.
    video_speed: libvpx cpu-used for VP8, 0 (best) to 16 (fastest).
    connect_timeout_s: from the answer to a working connection.
    consent_interval_s, consent_failures: STUN consent checks (RFC 7675); a browser that vanished is noticed after about
        interval * failures seconds (and half a second for each failure).
    control_timeout_s: how long a peer lives without a Control stream.
    source_timeout_s: how long the last picture is held when no frames come, before the peer is given up.
    """

    model_config = SettingsConfigDict(env_prefix="FLASHBACK_GATEWAY_", extra="ignore", populate_by_name=True)

    ice_addresses: Annotated[list[str], NoDecode] = Field(
        default=[], validation_alias=AliasChoices("ice_addresses", "FLASHBACK_ICE_ADDRESSES")
    )
    ice_servers: Annotated[list[str], NoDecode] = []
    ice_username: str = ""
    ice_credential: str = ""
    max_peers: int = Field(default=32, ge=1)
    video_bitrate: int = Field(default=1_000_000, ge=100_000, le=20_000_000)
    audio_bitrate: int = Field(default=64_000, ge=16_000, le=256_000)
    video_speed: int = Field(default=12, ge=0, le=16)
    connect_timeout_s: float = Field(default=20.0, gt=0)
    consent_interval_s: float = Field(default=2.0, gt=0)
    consent_failures: int = Field(default=4, ge=1)
    control_timeout_s: float = Field(default=5.0, gt=0)
    source_timeout_s: float = Field(default=10.0, gt=0)

    @field_validator("ice_addresses", "ice_servers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
