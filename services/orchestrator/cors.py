"""Which other origins' pages may call this API (CORS, Fetch standard section 3.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

EXPOSED = ("Location", "Retry-After", "X-Blendshape-Layout", "X-Blendshape-Fps", "X-Request-Id")
ANY_PORT = ":*"


def add_cors(app: FastAPI, origins: Sequence[str]) -> None:
    """`http://host:port`, `http://host:*` for any port, or `*` for every origin. No credentials: the API has none."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origin_regex=pattern(origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )


def pattern(origins: Sequence[str]) -> str:
    """A regular expression that matches these origins as a whole."""
    return "|".join(
        ".*"
        if origin == "*"
        else re.escape(origin.removesuffix(ANY_PORT)) + (r"(:\d+)?" if origin.endswith(ANY_PORT) else "")
        for origin in origins
    )
