"""The server's edges: bad input, a full house, a browser that vanishes, services that die, a clean end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.async_api import Browser

from benchmarks.conversation.page import ProbedPage
from benchmarks.live_stack import LiveStack
from benchmarks.receiver import Receiver
from flashback.stack.plan import free_port
from tests.e2e.conftest import VECTORS


async def until_free(client: httpx.AsyncClient, within_s: float = 16.0) -> None:
    """Returns once the server counts no session."""
    async with asyncio.timeout(within_s):
        while (await client.get("/health")).json()["sessions"]:
            await asyncio.sleep(0.2)


@pytest.fixture
async def client(stack: LiveStack) -> httpx.AsyncClient:
    found = httpx.AsyncClient(base_url=stack.url, timeout=20)
    await until_free(found)
    return found


async def test_health_names_every_service(client: httpx.AsyncClient) -> None:
    health = (await client.get("/health")).json()
    assert health["status"] == "ok"
    assert set(health["services"]) == {"gateway", "ears", "rag_llm", "tts", "renderer", "postfx", "emotalk"}


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {"Content-Type": "application/sdp"}, 400),
        (b"hello", {"Content-Type": "application/sdp"}, 400),
        (b"v=0\r\nnonsense\r\n", {"Content-Type": "application/sdp"}, 400),
        (b"v=0\r\n" + b"a" * 100_000, {"Content-Type": "application/sdp"}, 400),
        (b"\xff\xfe\x00", {"Content-Type": "application/sdp"}, 400),
    ],
)
async def test_an_sdp_that_is_none(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/v1/realtime/calls", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]
    assert (await client.get("/health")).json()["sessions"] == 0


@pytest.mark.parametrize(("persona", "status"), [("..", 400), ("../../etc", 400), ("nobody", 404), ("A" * 100, 400)])
async def test_a_persona_that_is_none(client: httpx.AsyncClient, persona: str, status: int) -> None:
    answer = await client.post(
        "/v1/realtime/calls",
        params={"persona": persona},
        content=b"v=0\r\n",
        headers={"Content-Type": "application/sdp"},
    )
    assert answer.status_code == status
    portrait = await client.get(f"/v1/flashback/personas/{persona.replace('/', '%2F')}/portrait.jpg")
    assert portrait.status_code in (400, 404)


async def test_a_full_server_says_when_to_come_back(stack: LiveStack, client: httpx.AsyncClient) -> None:
    receivers = [Receiver(), Receiver()]
    for receiver in receivers:
        await receiver.connect(stack.url)
    third = await client.post("/v1/realtime/calls", content=b"v=0\r\n", headers={"Content-Type": "application/sdp"})
    assert third.status_code == 503
    assert int(third.headers["Retry-After"]) > 0
    assert third.json()["error"]["code"] == "server_full"
    for receiver in receivers:
        await receiver.close()
    await until_free(client)


async def test_a_browser_that_vanishes_is_forgotten(
    stack: LiveStack, client: httpx.AsyncClient, browser: Browser
) -> None:
    page = await ProbedPage.open(browser, stack.url)
    assert (await client.get("/health")).json()["sessions"] == 1
    await page.page.route("**/*", lambda route: route.abort())
    await page.page.goto("about:blank")
    await until_free(client)


@pytest.mark.parametrize("text", ["", " ", "x" * 100_000])
async def test_a_bad_question_is_answered_with_an_error(stack: LiveStack, client: httpx.AsyncClient, text: str) -> None:
    receiver = Receiver()
    await receiver.connect(stack.url)
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await receiver.send({"type": "conversation.item.create", "item": item})
    async with asyncio.timeout(10):
        while (event := await receiver.events.get())["type"] != "error":
            pass
    assert event["error"]["code"] == "invalid_input"
    await receiver.close()
    await until_free(client)


@pytest.mark.parametrize("name", ["tts", "rag_llm", "ears", "postfx", "emotalk", "renderer"])
async def test_a_session_survives_a_service_that_dies(stack: LiveStack, browser: Browser, name: str) -> None:
    page = await ProbedPage.open(browser, stack.url)
    old = stack.service(name).pid
    killed = await page.now()
    os.kill(old, signal.SIGKILL)
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.2)
            try:
                if stack.service(name).pid != old:
                    break
            except LookupError:
                continue
    if name == "renderer":
        await page.wait_event("flashback.notice", killed, 30)
    for _ in range(20):
        asked = await page.ask("What is a viseme?")
        try:
            await page.wait_event("output_audio_buffer.started", asked, 20)
        except TimeoutError:
            continue
        if await page.events(asked, "flashback.citation"):
            break
        await page.stop_talking()
    else:
        pytest.fail(f"the session never recovered from the death of {name}")
    shown = (await page.frames(killed))[-1]["t"]
    await asyncio.sleep(1.0)
    assert len(await page.frames(shown)) > 10, "the picture froze"
    await page.page.close()


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-m", "flashback", "up", "--port", str(port)],
            env={**os.environ, "FLASHBACK_DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 1
    assert len(ran.stderr.strip().splitlines()) == 1
    assert str(port) in ran.stderr


def test_commercial_only_starts_with_no_other_weights(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "flashback", "up", "--commercial-only", "--port", str(free_port())],
        env={**os.environ, "FLASHBACK_DATA_DIR": str(tmp_path), "FLASHBACK_EMOTALK_ENGINE": "emotalk", **VECTORS},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 1
    assert "EmoTalk are under CC-BY-NC-4.0" in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr


def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    stack = LiveStack(tmp_path, VECTORS)
    stack.start()
    processes = stack.processes()
    assert len(processes) >= 9
    stack.stop()
    assert psutil.wait_procs(processes, timeout=5)[1] == []
    assert not (tmp_path / "run" / "stack.json").exists()
    assert not [line for line in stack.log if "Traceback" in line]
