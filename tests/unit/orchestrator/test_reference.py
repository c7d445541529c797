from __future__ import annotations

import re

import pytest

from tests.unit.orchestrator.conftest import Served

TITLES = {"/docs": "swagger-ui", "/redoc": "redoc"}


@pytest.mark.parametrize("page", TITLES)
async def test_reference_pages_need_no_other_host(served: Served, page: str) -> None:
    answer = await served.http.get(page)
    assert answer.status_code == 200
    assert TITLES[page] in answer.text
    needed = re.findall(r"""(?:src|href|url|spec-url)[=:]\s*["']([^"']+)["']""", answer.text)
    assert "openapi.json" in needed
    assert len(needed) >= 3
    for part in needed:
        assert (await served.http.get(f"/{part}")).status_code == 200, part
    assert not re.findall(r"https?://", answer.text)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "http" not in policy


async def test_the_recording_call_is_described(served: Served) -> None:
    paths = (await served.http.get("/openapi.json")).json()["paths"]
    call = paths["/api/v1/process-audio-stream"]["post"]
    form = call["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["file"]
    assert form["properties"]["chunk_duration"]["default"] == 25.0
    assert {"200", "400", "413", "503"} <= set(call["responses"])
    assert "422" not in call["responses"]


async def test_the_page_is_still_at_the_top(served: Served) -> None:
    answer = await served.http.get("/")
    assert answer.status_code == 200
    assert "swagger" not in answer.text
