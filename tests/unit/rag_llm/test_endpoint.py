"""What servers answer, taken for what it means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.rag_llm.endpoint import Fault, base_url, fault_in_stream, fault_of, first_model, retry_after


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, "", "unauthorised"),
        (403, "", "unauthorised"),
        (404, "", "no_model"),
        (429, "", "busy"),
        (503, "", "busy"),
        (400, "This model's maximum context length is 2048 tokens.", "too_long"),
        (400, '{"error": {"code": "context_length_exceeded"}}', "too_long"),
        (413, "input is too long", "too_long"),
        (400, "unknown field", "rejected"),
        (418, "", "rejected"),
        (500, "maximum context length", "failed"),
    ],
)
def test_a_status_becomes_a_fault(status: int, body: str, kind: str) -> None:
    fault = fault_of(status, {"retry-after": "7"}, body)
    assert (fault.kind, fault.status) == (kind, status)
    assert fault.retry_after_s == (7.0 if kind == "busy" else None)


def test_an_error_in_the_stream_becomes_a_fault() -> None:
    assert fault_in_stream({"message": "EngineCore", "code": 500}).kind == "failed"
    assert fault_in_stream({"message": "busy", "code": 503}).kind == "busy"
    assert fault_in_stream({"message": "maximum context length is 8 tokens", "code": 400}).kind == "too_long"
    assert fault_in_stream("boom").kind == "failed"


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("3") == 3.0
    assert retry_after(" 0.5 ") == 0.5
    later = datetime.now(UTC) + timedelta(seconds=60)
    assert retry_after(format_datetime(later, usegmt=True)) == pytest.approx(60, abs=5)
    assert retry_after("Thu, 01 Jan 1970 00:00:00 GMT") == 0.0
    assert retry_after("soon") is None
    assert retry_after("") is None


def test_addresses_are_taken_with_or_without_the_call() -> None:
    for address in ("http://a:1/v1", "http://a:1/v1/", "http://a:1/v1/chat/completions", " http://a:1/v1/embeddings"):
        assert base_url(address) == "http://a:1/v1"


def test_the_first_model_is_taken() -> None:
    assert first_model({"data": [{"id": "a"}, {"id": "b"}]}) == "a"
    assert first_model({"data": []}) == ""
    for listing in ({}, [], {"data": [{}]}, "x"):
        with pytest.raises(Fault):
            first_model(listing)
