"""What the pages ask of the orchestrator beside calls: 3D heads, and the viewer's own page."""

from __future__ import annotations

from pathlib import Path

import pytest

from flashback.settings import HouseSettings
from tests.unit.orchestrator.conftest import Serve

HEADS = "/v1/flashback/personas/{}/head.glb"


async def test_a_head_is_sent_once_and_then_known_again(serve: Serve) -> None:
    served = await serve()
    first = await served.http.get(HEADS.format("iris"))
    assert first.status_code == 200
    assert first.headers["Content-Type"] == "model/gltf-binary"
    assert first.content[:4] == b"glTF"
    assert "max-age" in first.headers["Cache-Control"]
    again = await served.http.get(HEADS.format("iris"), headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""
    stale = await served.http.get(HEADS.format("iris"), headers={"If-None-Match": '"older"'})
    assert stale.status_code == 200


@pytest.mark.parametrize(
    ("persona", "status"), [("nobody", 404), ("..", 404), ("..%2Firis", 404), ("%2e%2e", 400), ("IRIS", 400)]
)
async def test_a_head_of_nobody(serve: Serve, persona: str, status: int) -> None:
    served = await serve()
    answer = await served.http.get(HEADS.format(persona))
    assert answer.status_code == status
    assert b"glTF" not in answer.content


async def test_a_persona_without_a_head_says_so(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = HouseSettings().home
    person = tmp_path / "personas" / "flat"
    person.mkdir(parents=True)
    text = (home / "personas" / "iris" / "persona.toml").read_text(encoding="utf-8")
    (person / "persona.toml").write_text(text, encoding="utf-8")
    (tmp_path / "web-samples").symlink_to(home / "web-samples")
    monkeypatch.setenv("FLASHBACK_HOME", str(tmp_path))
    served = await serve()
    answer = await served.http.get(HEADS.format("flat"))
    assert answer.status_code == 404
    assert "no 3D head" in answer.json()["error"]["message"]
    listed = (await served.http.get("/v1/flashback/personas")).json()["personas"]
    assert [(one["id"], one["head"]) for one in listed] == [("flat", None)]


async def test_personas_tell_where_their_heads_are(serve: Serve) -> None:
    served = await serve()
    listed = (await served.http.get("/v1/flashback/personas")).json()["personas"]
    assert {one["id"]: one["head"] for one in listed} == {name: HEADS.format(name) for name in ("amon", "iris")}


@pytest.mark.parametrize("path", ["/viewer", "/viewer/"])
async def test_the_viewer_is_served_beside_the_page(serve: Serve, path: str) -> None:
    served = await serve()
    answer = await served.http.get(path, follow_redirects=True)
    assert answer.status_code == 200
    assert "face viewer" in answer.text
    assert (await served.http.get("/viewer/assets/viewer.js")).status_code == 200
    assert "talk with an avatar" in (await served.http.get("/")).text
