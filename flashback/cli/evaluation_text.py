"""An evaluation's report as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


def as_text(report: dict[str, Any], depths: Sequence[int], split: bool) -> str:
    """Several lines. `report` as `flashback eval rag --json` prints it."""
    lines = [_head(report, split), "", *_rows(report, depths)]
    if "gate" in report:
        lines += ["", *_gate(report["gate"])]
    if "misses" in report:
        lines += ["", *_misses(report["misses"])]
    return "\n".join(lines)


def _head(report: dict[str, Any], split: bool) -> str:
    half = ", the odd lines" if split else ""
    return (
        f"{report['questions']} questions{half} ({report['answerable']} answerable, {report['unanswerable']} not), "
        f"{report['documents']} documents, {report['passages']} passages, {report['answerer']}, "
        f"gate {report['threshold']:.2f}"
    )


def _rows(report: dict[str, Any], depths: Sequence[int]) -> Iterator[str]:
    named = [(f"recall@{k}", f"recall_at_{k}") for k in depths] + [
        ("answer holds a gold text", "answer_hit"),
        ("answerable, wrongly refused", "wrongly_refused"),
        ("unanswerable, refused (refusal recall)", "refusal_recall"),
        ("refusals that were right (refusal precision)", "refusal_precision"),
        ("answers whose citations contain them", "citation_correct"),
        ("sentences that their citations contain", "sentences_supported"),
        ("  word for word", "sentences_verbatim"),
        ("answers that cite the right document", "source_cited"),
    ]
    for label, key in named:
        yield f"{label:46} {_percent(report[key]):>8}"
    for label, key in (("first sentence", "first_sentence"), ("whole answer", "answer")):
        yield f"{f'{label}, p50 / p95':46} {report[f'{key}_ms_p50']:.1f} / {report[f'{key}_ms_p95']:.1f} ms"


def _gate(gate: dict[str, Any]) -> Iterator[str]:
    yield f"{'gate':24} {'wrongly refused':>16} {'rightly refused':>16}"
    for point in gate.get("curve", ()):
        yield _point(f"{point['threshold']:.2f}", point)
    yield _point(f"now: {gate['now']['threshold']:.2f}", gate["now"])
    if gate["suggested"] is None:
        yield "No threshold is suggested: the questions to choose it by leave none that refuses few enough."
    else:
        yield _point(f"suggested: {gate['suggested']['threshold']:.2f}", gate["suggested"])
        yield (
            f"chosen on {gate['chosen_on']} questions, counted on {gate['reported_on']}; "
            "set it with FLASHBACK_RAG_LLM_GATE_THRESHOLD"
        )


def _point(label: str, point: dict[str, Any]) -> str:
    return f"{label:24} {_percent(point['wrongly_refused']):>16} {_percent(point['rightly_refused']):>16}"


def _misses(misses: Sequence[dict[str, Any]]) -> Iterator[str]:
    for miss in misses:
        gate = "not asked" if miss["answerable"] is None else f"{miss['answerable']:.2f}"
        yield f"line {miss['line']}: {miss['question']} (gate {gate})"
        for wrong in miss["wrong"]:
            yield f"    {wrong}"
        if miss["gold"]:
            yield f"    gold: {' | '.join(miss['gold'])}"
        yield f"    said: {miss['answer']}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
