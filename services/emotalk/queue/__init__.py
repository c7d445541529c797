"""Where recordings wait: in this process, or in Redis for any number of processes."""

from __future__ import annotations

from flashback.errors import MissingEngine
from services.emotalk.queue.memory import MemoryQueue
from services.emotalk.queue.work import Limits, Queue
from services.emotalk.settings import EmoTalkSettings
from services.emotalk.statistics import Statistics


async def open_queue(settings: EmoTalkSettings, statistics: Statistics | None = None) -> Queue:
    """The queue that the settings ask for: shared when `redis_url` is set. It counts into `statistics`.

    Raises Unavailable when Redis does not answer within `redis_patience_s`, MissingEngine when the package redis is not
    installed or the server too old, InvalidInput for a URL that is none.
    """
    counts = statistics or Statistics()
    limits = Limits(
        size=settings.queue_size,
        tries=settings.tries,
        reclaim_s=settings.reclaim_s,
        retry_delay_s=settings.retry_delay_s,
        ttl_s=settings.result_ttl_s,
    )
    if not settings.redis_url:
        return MemoryQueue(limits, counts)
    try:
        from services.emotalk.queue.redis_link import Link
        from services.emotalk.queue.redis_streams import RedisQueue
        from services.emotalk.queue.redis_wire import Keys
    except ModuleNotFoundError as error:
        raise MissingEngine(
            "The shared queue needs the package redis, which is not installed: install the extra queue-redis, "
            "or leave FLASHBACK_EMOTALK_REDIS_URL empty."
        ) from error
    queue = RedisQueue(Link(settings.redis_url, settings.redis_patience_s), Keys(settings.redis_prefix), limits, counts)
    try:
        await queue.open()
    except BaseException:
        await queue.close()
        raise
    return queue
