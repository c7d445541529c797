"""gRPC bootstrap: servers with health, reflection and error mapping; channels with limits; deadlines."""

from flashback.rpc.client import drain, open_channel, typed_errors, wait_serving
from flashback.rpc.deadlines import PREPARE_S, QUICK_S, SESSION_S, SLOW_S
from flashback.rpc.server import ServiceServer, run_service

__all__ = [
    "PREPARE_S",
    "QUICK_S",
    "SESSION_S",
    "SLOW_S",
    "ServiceServer",
    "drain",
    "open_channel",
    "run_service",
    "typed_errors",
    "wait_serving",
]
