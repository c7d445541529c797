"""Writes down what a real chat server answers, byte for byte: `python tools/record_chat_server.py URL FOLDER CASE...`.

One text file for each case: comment lines (`#`: who was asked, when), the request (`>`), status and content type (`<`),
an empty line, the body as it came. Addresses and keys are left out. tests/fakes/openai_server.py is held against them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
from pathlib import Path
from typing import Any

import httpx

MODEL = "tiny"
QUESTION = {"role": "user", "content": "What does a Fresnel lens do?"}
CHAT = {"model": MODEL, "messages": [QUESTION], "stream": True, "temperature": 0, "max_tokens": 64}
LONG = {"role": "user", "content": "Where is the lamp? " * 1000}
ENDLESS = {"role": "user", "content": "Where is the lamp? " * 3000}
ENDLESS_TOKENS = 1900

CASES: dict[str, tuple[str, dict[str, Any] | None]] = {
    "models": ("/v1/models", None),
    "health": ("/health", None),
    "chat": ("/v1/chat/completions", CHAT),
    "chat_usage": ("/v1/chat/completions", {**CHAT, "stream_options": {"include_usage": True}}),
    "chat_whole": ("/v1/chat/completions", {**CHAT, "stream": False}),
    "chat_length": ("/v1/chat/completions", {**CHAT, "max_tokens": 6}),
    "chat_disconnect": ("/v1/chat/completions", {**CHAT, "max_tokens": ENDLESS_TOKENS}),
    "chat_broken_engine": ("/v1/chat/completions", CHAT),
    "unknown_model": ("/v1/chat/completions", {**CHAT, "model": "another"}),
    "no_messages": ("/v1/chat/completions", {"model": MODEL, "stream": True}),
    "prompt_too_long": ("/v1/chat/completions", {**CHAT, "messages": [LONG]}),
    "prompt_far_too_long": ("/v1/chat/completions", {**CHAT, "messages": [ENDLESS]}),
    "answer_too_long": ("/v1/chat/completions", {**CHAT, "max_tokens": 100_000}),
    "embeddings": ("/v1/embeddings", {"model": MODEL, "input": ["A bee.", "A lens."]}),
    "embeddings_base64": ("/v1/embeddings", {"model": MODEL, "input": "A bee.", "encoding_format": "base64"}),
    "rerank": ("/v1/rerank", {"model": MODEL, "query": "Which lens?", "documents": ["A lens.", "A bee."]}),
    "unauthorised": ("/v1/chat/completions", CHAT),
}
DISCONNECT_AFTER = 5
SHOWN_CHARACTERS = 200


def described(path: str, body: dict[str, Any] | None) -> list[str]:
    """The request as it is written down; long texts are cut."""
    if body is None:
        return [f"> GET {path}"]
    shown = json.dumps(body)
    if len(shown) > 2 * SHOWN_CHARACTERS:
        shown = f"{shown[:SHOWN_CHARACTERS]} ... ({len(shown)} characters)"
    return [f"> POST {path}", f"> {shown}"]


def ask(client: httpx.Client, case: str, key: str) -> tuple[httpx.Response, str]:
    """The response to a case's request and its body, or the first events of one that is hung up on."""
    path, body = CASES[case]
    headers = {"authorization": f"Bearer {key}"} if key and case != "unauthorised" else {}
    with client.stream("GET" if body is None else "POST", path, json=body, headers=headers) as response:
        if case != "chat_disconnect":
            return response, response.read().decode()
        seen: list[str] = []
        for line in response.iter_lines():
            seen.append(line)
            if len(seen) == 2 * DISCONNECT_AFTER:
                break
        return response, "\n".join(seen) + "\n"


def counted(client: httpx.Client) -> dict[str, float]:
    """vLLM's own counters of running requests and of all tokens generated so far."""
    counters = {}
    for line in client.get("/metrics").text.splitlines():
        name, _, rest = line.partition("{")
        if name in ("vllm:num_requests_running", "vllm:generation_tokens_total"):
            counters[name] = float(rest.rsplit(" ", 1)[1])
    return counters


def tokens_once_idle(client: httpx.Client) -> float:
    """Tokens generated so far, once no request is running."""
    for _ in range(100):
        counters = counted(client)
        if not counters["vllm:num_requests_running"]:
            return counters["vllm:generation_tokens_total"]
        time.sleep(0.05)
    raise TimeoutError("a request still runs five seconds after the client hung up")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", help="where the server listens, without /v1")
    parser.add_argument("folder", type=Path, help="where the recordings go")
    parser.add_argument("cases", nargs="+", choices=sorted(CASES), metavar="CASE")
    parser.add_argument("--server", required=True, help="names and versions, for the first line of each file")
    parser.add_argument("--key", default="", help="API key the server was started with")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    about = [f"# {arguments.server}", f"# recorded {datetime.date.today()}"]
    with httpx.Client(base_url=arguments.url, timeout=120) as client:
        for case in arguments.cases:
            before = tokens_once_idle(client) if case == "chat_disconnect" else 0.0
            response, body = ask(client, case, arguments.key)
            status = [f"< {response.status_code}", f"< content-type: {response.headers.get('content-type', '')}"]
            head = [*about, *described(*CASES[case]), *status]
            if case == "chat_disconnect":
                generated = round(tokens_once_idle(client) - before)
                made = f"{generated} of {ENDLESS_TOKENS} tokens were made"
                head[2:2] = [f"# the client hung up after {DISCONNECT_AFTER} events; {made}"]
            (arguments.folder / f"{case}.txt").write_text("\n".join(head) + "\n\n" + body, encoding="utf-8")
            print(case, response.status_code)


if __name__ == "__main__":
    main()
