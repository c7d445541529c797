from __future__ import annotations

import pytest

from services.gateway.settings import GatewaySettings


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHBACK_ICE_ADDRESSES", "127.0.0.1, 192.0.2.2,")
    monkeypatch.setenv("FLASHBACK_GATEWAY_ICE_SERVERS", "stun:192.0.2.3:3478")
    settings = GatewaySettings()
    assert settings.ice_addresses == ["127.0.0.1", "192.0.2.2"]
    assert settings.ice_servers == ["stun:192.0.2.3:3478"]


def test_no_outside_server_is_asked_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLASHBACK_ICE_ADDRESSES", raising=False)
    settings = GatewaySettings()
    assert settings.ice_servers == []
    assert settings.ice_addresses == []
