"""python -m services.orchestrator"""

from __future__ import annotations

import sys

import uvicorn

from flashback import logs
from flashback.rpc.server import die_with_parent
from flashback.settings import HouseSettings
from services.orchestrator.app import create_app
from services.orchestrator.settings import OrchestratorSettings


def main() -> None:
    """Serves HTTP until SIGTERM or SIGINT."""
    die_with_parent()
    settings = OrchestratorSettings()
    level = HouseSettings().log_level
    logs.configure("orchestrator", level)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
