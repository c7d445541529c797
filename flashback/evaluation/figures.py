"""Figures over the outcomes of a question set. Shares are 0..1; None is a share of nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flashback.evaluation.outcome import SMALL_TALK, Outcome

Figures = dict[str, float | int | None]


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which `share` (0..1) of the values lie, nearest rank."""
    ordered = sorted(values)
    return ordered[round(share * (len(ordered) - 1))] if ordered else None


def share(of: Iterable[bool]) -> float | None:
    """How many are true, of all."""
    found = list(of)
    return round(sum(found) / len(found), 4) if found else None


def figures(outcomes: Sequence[Outcome], depths: Sequence[int]) -> Figures:
    """Counts, shares and milliseconds. `depths`: the k of recall@k.

    recall_at_k: of the answerable questions, those with a passage that holds a gold text among the first k.
    answer_hit: of the answerable questions, those whose spoken answer holds a gold text; a refusal does not.
    citation_correct: of the answers from documents, those in which every sentence is contained in a passage it cites
    (support.py); sentences_supported and sentences_verbatim: of their sentences. source_cited: of the answered
    questions with a known source, those that cite it. refusal_recall: of the unanswerable questions, those refused;
    refusal_precision: of the refusals, those of unanswerable questions; wrongly_refused: of the answerable, the
    refused.
    """
    can = [o for o in outcomes if o.answerable]
    cannot = [o for o in outcomes if not o.answerable]
    given = [o for o in outcomes if o.from_documents]
    verdicts = [verdict for o in given for verdict in o.findings]
    found: Figures = {
        "questions": len(outcomes),
        "answerable": len(can),
        "unanswerable": len(cannot),
        "small_talk": sum(o.reason == SMALL_TALK for o in outcomes),
    }
    for depth in depths:
        found[f"recall_at_{depth}"] = share(o.rank is not None and o.rank <= depth for o in can)
    found |= {
        "answer_hit": share(o.hit for o in can),
        "citation_correct": share(o.borne_out for o in given),
        "sentences_supported": share(verdict != "unsupported" for verdict in verdicts),
        "sentences_verbatim": share(verdict == "verbatim" for verdict in verdicts),
        "source_cited": share(o.source_cited for o in can if o.question.source and not o.refused),
        "refusal_precision": share(not o.answerable for o in outcomes if o.refused),
        "refusal_recall": share(o.refused for o in cannot),
        "wrongly_refused": share(o.refused for o in can),
    }
    for name, times in (("first_sentence", [o.first_ms for o in outcomes]), ("answer", [o.whole_ms for o in outcomes])):
        for part in (50, 95):
            value = percentile(times, part / 100)
            found[f"{name}_ms_p{part}"] = None if value is None else round(value, 1)
    return found
