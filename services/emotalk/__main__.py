"""python -m services.emotalk [--role all|server|worker]"""

from __future__ import annotations

import argparse
from functools import partial

from flashback.rpc import run_service
from flashback.settings import Addresses
from services.emotalk.assembly import assemble
from services.emotalk.settings import EmoTalkSettings

HEADROOM_BYTES = 16 * 2**20
"""A recording slightly too large is refused by us, by name; one beyond this by gRPC."""


def main() -> None:
    """Runs the service until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m services.emotalk", description=__doc__)
    parser.add_argument("--role", choices=["all", "server", "worker"], help="instead of FLASHBACK_EMOTALK_ROLE")
    chosen = parser.parse_args().role
    settings = EmoTalkSettings(role=chosen) if chosen else EmoTalkSettings()
    address = settings.worker_address if settings.role == "worker" else Addresses().emotalk_address
    largest = settings.max_audio_mb * 2**20 + HEADROOM_BYTES
    run_service("emotalk", address, partial(assemble, settings=settings), max_message_bytes=largest)


if __name__ == "__main__":
    main()
