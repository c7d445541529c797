from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flashback.clients import AsyncEmoTalk
from flashback.compat import emotalk_pb2
from services.orchestrator.emotalk_health import REMEMBER_S, EmoTalkHealth, EmoTalkState
from tests.fakes.emotalk import FakeEmoTalk
from tests.unit.orchestrator.conftest import Serve, Served


async def health(served: Served) -> dict[str, Any]:
    answer = await served.http.get("/health")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_emotalk_of_the_stack(emotalk: FakeEmoTalk, served: Served) -> None:
    found = await health(served)
    assert {"status", "service", "version", "grpc_status", "device", "gpu", "services", "sessions"} <= set(found)
    assert (found["grpc_status"], found["device"], found["gpu"]) == ("SERVING", "cpu", None)
    assert found["services"]["emotalk"] == "serving"


async def test_an_accelerator_is_named(emotalk: FakeEmoTalk, served: Served) -> None:
    emotalk.live.device = "NVIDIA H100 80GB HBM3"
    emotalk.status = emotalk_pb2.HealthCheckResponse.NOT_SERVING
    found = await health(served)
    assert (found["grpc_status"], found["device"], found["gpu"]) == ("NOT_SERVING", "cuda", "NVIDIA H100 80GB HBM3")
    assert found["services"]["emotalk"] == "not_serving"


async def test_a_service_whose_workers_are_elsewhere_has_no_device(emotalk: FakeEmoTalk, served: Served) -> None:
    emotalk.live.device = ""
    found = await health(served)
    assert (found["grpc_status"], found["device"], found["gpu"]) == ("SERVING", None, None)


async def test_emotalk_counts_only_where_it_belongs_to_the_stack(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLASHBACK_EMOTALK_ADDRESS", raising=False)
    monkeypatch.delenv("GRPC_SERVER", raising=False)
    apart = await health(await serve())
    assert "emotalk" not in apart["services"]
    monkeypatch.setenv("FLASHBACK_EMOTALK_ADDRESS", f"unix:{tmp_path}/nobody.sock")
    missed = await health(await serve())
    assert missed["services"]["emotalk"] == missed["grpc_status"] == "unreachable"
    assert (missed["device"], missed["gpu"]) == (None, None)
    assert missed["status"] == "degraded"


async def test_the_device_is_remembered_for_a_while(emotalk: FakeEmoTalk) -> None:
    now = 100.0
    async with AsyncEmoTalk(emotalk.address) as client:
        state = EmoTalkHealth(client, lambda: now)
        assert await state.state() == EmoTalkState("SERVING", "cpu", None)
        await state.state()
        assert emotalk.live.described == 1
        now += REMEMBER_S
        await state.state()
        assert emotalk.live.described == 2
