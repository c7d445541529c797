"""A process of the service by its role, and the settings' two names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flashback import engines
from flashback.errors import FlashbackError, InvalidInput
from flashback.rpc import ServiceServer
from flashback.stack.plan import free_port
from flashback.v1 import emotalk_pb2
from services.emotalk.assembly import assemble
from services.emotalk.settings import EmoTalkSettings
from tests.fakes.redis_server import RedisServer
from tests.unit.emotalk.predictors import LoudEngine
from tests.unit.emotalk.serving import Caller, serving
from tests.unit.emotalk.sounds import speechlike, wav

ROOT = Path(__file__).parents[3]
FILE = wav(speechlike(3.0), 16_000, float_=True)


@pytest.mark.parametrize("role", ["server", "worker"])
async def test_a_role_alone_needs_a_shared_queue(tmp_path: Path, role: str) -> None:
    with pytest.raises(InvalidInput, match="FLASHBACK_EMOTALK_REDIS_URL"):
        await assemble(ServiceServer(f"unix:{tmp_path}/s.sock"), EmoTalkSettings.model_validate({"role": role}))


def test_the_process_says_so_and_ends() -> None:
    environment = {name: value for name, value in os.environ.items() if "REDIS" not in name}
    command = [sys.executable, "-m", "services.emotalk", "--role", "worker"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "Role worker needs a shared queue" in ran.stderr
    assert "Traceback" not in ran.stderr


async def test_one_process_takes_recordings_and_another_does_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_server: RedisServer
) -> None:
    engine = LoudEngine()
    async with serving(tmp_path, monkeypatch, engine, role="server", redis_url=redis_server.url) as caller:
        worker = ServiceServer(f"unix:{tmp_path}/w.sock")
        close = await assemble(worker, EmoTalkSettings(role="worker", redis_url=redis_server.url))
        await worker.start()
        responses = await caller.process(FILE)
        assert len(responses[0].frames) == 90
        assert engine.predicted == 1
        await only_health(worker.address)
        await worker.stop(0)
        await close()
        assert engine.closed
        description = await caller.describe()
        assert (description.engine, description.max_live_streams) == ("viseme", 0)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            start = emotalk_pb2.AnimateRequest(start=emotalk_pb2.AnimateStart())
            _ = [event async for event in caller.live.Animate(iter([start]))]
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def only_health(address: str) -> None:
    """A worker answers health checks, and nothing else."""
    async with grpc.aio.insecure_channel(address) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await Caller(channel).process(FILE)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_the_metrics_page_is_where_the_settings_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    async with serving(tmp_path, monkeypatch, LoudEngine(), metrics_host="localhost", metrics_port=port) as caller:
        await caller.process(FILE)
        async with httpx.AsyncClient() as client:
            page = (await client.get(f"http://localhost:{port}/metrics")).text
    assert "flashback_emotalk_served_total 1\n" in page


async def test_an_engine_that_does_not_start_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create(settings: EmoTalkSettings) -> LoudEngine:
        raise FlashbackError("The checkpoint is damaged.")

    monkeypatch.setattr(engines, "load", lambda service, name: create)
    with pytest.raises(FlashbackError, match="damaged"):
        await assemble(ServiceServer(f"unix:{tmp_path}/s.sock"), EmoTalkSettings())


def test_settings_keep_the_existing_names_and_ours_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    existing = {"MODEL_PATH": "/models/EmoTalk.pth", "DEVICE": "cuda", "NUM_WORKERS": "4", "QUEUE_SIZE": "200"}
    for name, value in existing.items():
        monkeypatch.setenv(name, value)
    settings = EmoTalkSettings()
    assert settings.model_path == Path("/models/EmoTalk.pth")
    assert (settings.device, settings.num_workers, settings.queue_size) == ("cuda", 4, 200)
    monkeypatch.setenv("FLASHBACK_EMOTALK_NUM_WORKERS", "1")
    assert EmoTalkSettings().num_workers == 1


def test_settings_have_the_existing_defaults() -> None:
    fields = EmoTalkSettings.model_fields
    assert (fields["num_workers"].default, fields["queue_size"].default) == (2, 100)
    assert fields["model_path"].default == Path("./pretrain_model/EmoTalk.pth")


@pytest.mark.parametrize("device", ["gpu", "cuda:x", ""])
def test_a_device_is_one_there_is(device: str) -> None:
    with pytest.raises(ValueError, match="device"):
        EmoTalkSettings(device=device)
