"""What a process of this service consists of, by its role."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from flashback import engines
from flashback.compat import emotalk_pb2 as compat_pb2
from flashback.compat import emotalk_pb2_grpc as compat_pb2_grpc
from flashback.errors import InvalidInput
from flashback.rpc import ServiceServer
from flashback.v1 import emotalk_pb2, emotalk_pb2_grpc
from services.emotalk.animation import animate
from services.emotalk.batching import Batcher
from services.emotalk.compat_server import EmoTalkServicer, limits_of
from services.emotalk.engine import Engine, EngineInfo
from services.emotalk.jobs import Chunk, Job
from services.emotalk.metrics import MetricsPage
from services.emotalk.queue import open_queue
from services.emotalk.queue.work import Queue
from services.emotalk.readers import ReaderWatch
from services.emotalk.server import LiveServicer
from services.emotalk.settings import EmoTalkSettings
from services.emotalk.statistics import Reporter, Statistics
from services.emotalk.worker import WorkerPool

log = logging.getLogger(__name__)


async def assemble(service: ServiceServer, settings: EmoTalkSettings) -> Callable[[], Awaitable[None]]:
    """Loads the engine, opens the queue, starts the workers and registers the servicers; returns what closes it all.

    server: no engine and no workers, so no live speech; worker: no servicers. Raises InvalidInput when either has no
    shared queue, MissingEngine and NotLicensed as the engine does, Unavailable when Redis does not answer.
    """
    if settings.role != "all" and not settings.redis_url:
        raise InvalidInput(f"Role {settings.role} needs a shared queue: set FLASHBACK_EMOTALK_REDIS_URL.")
    async with AsyncExitStack() as stack:
        statistics = Statistics()
        queue = await open_queue(settings, statistics)
        stack.push_async_callback(queue.close)
        loaded = await _load(stack, settings) if settings.role != "server" else None
        if loaded is not None:
            _work(stack, queue, loaded, settings, statistics)
        await _report(stack, queue, settings, statistics)
        if settings.role != "worker":
            _serve(stack, service, queue, loaded, settings)
        return stack.pop_all().aclose


@dataclass(frozen=True, slots=True)
class _Loaded:
    info: EngineInfo
    batcher: Batcher


async def _load(stack: AsyncExitStack, settings: EmoTalkSettings) -> _Loaded:
    create = engines.load("emotalk", settings.engine)
    engine: Engine = await asyncio.to_thread(create, settings)
    stack.callback(engine.close)
    log.info("engine loaded", extra={"engine": engine.info.name, "device": engine.info.device})
    batcher = Batcher(engine, settings.batch_s, settings.batch_wait_ms / 1000)
    batcher.start()
    stack.push_async_callback(batcher.close)
    return _Loaded(engine.info, batcher)


def _work(
    stack: AsyncExitStack, queue: Queue, loaded: _Loaded, settings: EmoTalkSettings, statistics: Statistics
) -> None:
    def work(job: Job) -> AsyncIterator[Chunk]:
        return animate(job, loaded.batcher.predict, limits_of(settings), loaded.info)

    pool = WorkerPool(queue, work, settings, statistics)
    pool.start()
    stack.push_async_callback(pool.stop)


async def _report(stack: AsyncExitStack, queue: Queue, settings: EmoTalkSettings, statistics: Statistics) -> None:
    reporter = Reporter(statistics, queue.state, settings.statistics_s)
    reporter.start()
    stack.push_async_callback(reporter.close)
    if settings.metrics_port:
        page = MetricsPage(statistics, queue.state, settings.metrics_host, settings.metrics_port)
        await page.start()
        stack.push_async_callback(page.close)


def _serve(
    stack: AsyncExitStack,
    service: ServiceServer,
    queue: Queue,
    loaded: _Loaded | None,
    settings: EmoTalkSettings,
) -> None:
    readers = ReaderWatch(settings.stalled_reader_s)
    stack.push_async_callback(readers.close)
    recordings = EmoTalkServicer(queue, readers, settings)
    stack.push_async_callback(recordings.close)
    live = LiveServicer(
        queue,
        readers,
        settings,
        predict=partial(loaded.batcher.predict, live=True) if loaded else None,
        info=loaded.info if loaded else None,
    )
    compat_pb2_grpc.add_EmoTalkServiceServicer_to_server(recordings, service.server)
    emotalk_pb2_grpc.add_EmoTalkServicer_to_server(live, service.server)
    service.announce(
        compat_pb2.DESCRIPTOR.services_by_name["EmoTalkService"].full_name,
        emotalk_pb2.DESCRIPTOR.services_by_name["EmoTalk"].full_name,
    )
