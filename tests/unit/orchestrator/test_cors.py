from __future__ import annotations

import re

import pytest

from services.orchestrator.cors import pattern
from services.orchestrator.settings import OrchestratorSettings
from tests.unit.orchestrator.conftest import Serve, Served

PATH = "/v1/flashback/blendshapes/layouts"


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (["http://localhost:*"], "http://localhost:5173", True),
        (["http://localhost:*"], "http://localhost", True),
        (["http://localhost:*"], "https://localhost:5173", False),
        (["http://localhost:*"], "http://localhost:5173.evil.example", False),
        (["http://localhost:*"], "http://localhostile:80", False),
        (["https://a.example"], "https://a.example", True),
        (["https://a.example"], "https://aXexample", False),
        (["https://a.example"], "https://a.example:8443", False),
        (["https://a.example", "https://b.example:1"], "https://b.example:1", True),
        (["*"], "https://anything.example", True),
    ],
)
def test_which_origins_match(origins: list[str], origin: str, allowed: bool) -> None:
    assert bool(re.fullmatch(pattern(origins), origin)) is allowed


async def test_pages_of_this_machine_may_call(served: Served) -> None:
    answer = await served.http.get(PATH, headers={"Origin": "http://localhost:5173"})
    assert answer.headers["access-control-allow-origin"] == "http://localhost:5173"
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"x-blendshape-layout", "x-request-id", "retry-after"} <= exposed
    other = await served.http.get(PATH, headers={"Origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


async def test_errors_can_be_read_by_other_origins_too(served: Served) -> None:
    url = "/api/v1/process-audio-stream"
    answer = await served.http.post(url, headers={"Origin": "http://127.0.0.1:3000"})
    assert answer.status_code == 400
    assert answer.headers["access-control-allow-origin"] == "http://127.0.0.1:3000"


async def test_no_other_origin_at_all(serve: Serve) -> None:
    served = await serve(cors_origins=[])
    answer = await served.http.get(PATH, headers={"Origin": "http://localhost:5173"})
    assert "access-control-allow-origin" not in answer.headers


def test_origins_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASHBACK_CORS_ORIGINS", "https://a.example, https://b.example")
    assert OrchestratorSettings().cors_origins == ["https://a.example", "https://b.example"]
