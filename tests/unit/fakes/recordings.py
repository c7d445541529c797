"""What a real vLLM answered, as tools/record_chat_server.py wrote it down."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VARYING = (
    *("id", "created", "root", "system_fingerprint", "embedding", "relevance_score"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "max_model_len"),
)
FOLDER = Path(__file__).parents[2] / "data" / "vllm"


@dataclass(frozen=True)
class Recording:
    """A request and the answer to it. `made`: tokens that were made although the client hung up."""

    path: str
    request: dict[str, Any] | None
    status: int
    kind: str
    body: str
    made: int = 0

    @property
    def events(self) -> list[str]:
        """The data of each server-sent event."""
        return events(self.body)


def load(case: str) -> Recording:
    """The recording of a case, by its file's name without `.txt`. A request that was cut is None."""
    head, _, body = (FOLDER / f"{case}.txt").read_text(encoding="utf-8").partition("\n\n")
    sent = [line[2:] for line in head.splitlines() if line.startswith("> ")]
    got = [line[2:] for line in head.splitlines() if line.startswith("< ")]
    whole = len(sent) > 1 and sent[1].endswith("}")
    return Recording(
        path=sent[0].split()[1],
        request=json.loads(sent[1]) if whole else None,
        status=int(got[0]),
        kind=got[1].partition(": ")[2],
        body=body,
        made=int(found[1]) if (found := re.search(r"(\d+) of \d+ tokens were made", head)) else 0,
    )


def events(stream: str) -> list[str]:
    """The data of each server-sent event of a body. Raises ValueError where anything else stands."""
    blocks = stream.split("\n\n")
    if blocks.pop() != "":
        raise ValueError("the last event has no end")
    if not all(block.startswith("data: ") and "\n" not in block for block in blocks):
        raise ValueError("a line that is no data")
    return [block.removeprefix("data: ") for block in blocks]


def shape(value: Any) -> Any:
    """A JSON value as something to compare: names in their order, values, and of what differs between requests or
    models (`VARYING`) only the type."""
    if isinstance(value, dict):
        return [(name, type(inner).__name__ if name in VARYING else shape(inner)) for name, inner in value.items()]
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return value
