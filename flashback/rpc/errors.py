"""Maps FlashbackError to gRPC statuses at the edge of a service."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc

from flashback.errors import OURS, RETRY_AFTER, FlashbackError, Full

log = logging.getLogger(__name__)


async def abort_with(context: grpc.aio.ServicerContext[Any, Any], error: FlashbackError) -> NoReturn:
    """Ends a call with an error's status, sentence and code, and the retry hint where it has one."""
    trailing = [(OURS, error.code)]
    if isinstance(error, Full):
        trailing.append((RETRY_AFTER, str(error.retry_after_s)))
    await context.abort(error.status, error.message, tuple(trailing))


async def _abort_unexpected(context: grpc.aio.ServicerContext[Any, Any], method: str) -> NoReturn:
    log.exception("unexpected error", extra={"method": method})
    await context.abort(grpc.StatusCode.INTERNAL, f"{method} failed unexpectedly; the service's log says why.")


class ErrorInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Aborts a call with the status and sentence of the FlashbackError its handler raised."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(("/grpc.health.", "/grpc.reflection.")):
            return handler

        def single(behaviour: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            async def call(request: Any, context: Any) -> Any:
                try:
                    return await behaviour(request, context)
                except FlashbackError as error:
                    await abort_with(context, error)
                except (grpc.aio.AbortError, grpc.aio.UsageError):
                    raise
                except Exception:
                    await _abort_unexpected(context, method)

            return call

        def streaming(behaviour: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
            async def call(request: Any, context: Any) -> AsyncIterator[Any]:
                try:
                    async for item in behaviour(request, context):
                        yield item
                except FlashbackError as error:
                    await abort_with(context, error)
                except (grpc.aio.AbortError, grpc.aio.UsageError):
                    raise
                except Exception:
                    await _abort_unexpected(context, method)

            return call

        if handler.response_streaming:
            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            behaviour: Callable[..., Any] = streaming(handler.stream_stream or handler.unary_stream)
        else:
            make = (
                grpc.stream_unary_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_unary_rpc_method_handler
            )
            behaviour = single(handler.stream_unary or handler.unary_unary)
        return make(behaviour, handler.request_deserializer, handler.response_serializer)
