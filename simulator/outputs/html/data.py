"""What the page's script shows, as plain values. Every text from a log or policy is made safe here, once."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from simulator.analysis.findings import Counted, Finding
from simulator.analysis.report import Report
from simulator.outputs import wording
from simulator.outputs.flows import flows_of
from simulator.outputs.html.policies import PolicyTexts
from simulator.outputs.safe_text import safe_text
from simulator.replay.outcome import Outcome
from simulator.replay.timeline import Timeline

_MOST_BARS: Final = 130
"""Bars of the timeline; a longer one is drawn in larger steps."""


def page_data(report: Report) -> dict[str, Any]:
    """The values. Findings name outcomes, identities and statements by their place in the lists of these."""
    texts = PolicyTexts(report)
    identities: dict[tuple[str, ...], int] = {}
    rows: list[dict[str, Any]] = []
    findings = []
    for finding in report.findings:
        principal = finding.principal
        key = (principal.type, principal.account or "", principal.arn)
        if key not in identities:
            identities[key] = len(rows)
            rows.append(_identity(finding, report))
        findings.append(_finding(finding, identities[key], texts.statement(finding)))
    return {
        "outcomes": [_outcome(outcome, report) for outcome in Outcome],
        "identities": rows,
        "statements": texts.statements,
        "policies": texts.policies,
        "findings": findings,
        "flows": _flows(report),
        "timeline": _timeline(report.impact.timeline),
    }


def _outcome(outcome: Outcome, report: Report) -> dict[str, Any]:
    findings = [each for each in report.findings if each.outcome is outcome]
    return {
        "id": outcome.value,
        "label": wording.OUTCOMES[outcome],
        "calls": report.impact.outcomes[outcome],
        "identities": wording.identities(findings, outcome),
        "findings": len(findings),
    }


def _identity(finding: Finding, report: Report) -> dict[str, Any]:
    principal = finding.principal
    stale = report.impact.stale_accounts.counts
    return {
        "label": wording.identity(principal),
        "where": wording.home(principal, report.organization, stale),
        "arn": safe_text(principal.arn),
        "account": safe_text(principal.account or ""),
    }


def _finding(finding: Finding, identity: int, statement: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": finding.id,
        "outcome": finding.outcome.gravity,
        "identity": identity,
        "action": wording.name(finding.action),
        "access": wording.name(finding.access),
        "statement": statement,
        "calls": finding.calls,
        "first": safe_text(finding.first_seen),
        "last": safe_text(finding.last_seen),
    }
    lists: dict[str, list[Any]] = {
        "regions": _texts(finding.regions),
        "settled_by": [wording.settles(each) for each in finding.settled_by],
        "resources": _counted(finding.resources),
        "sessions": _counted(finding.sessions),
        "events": _texts(finding.event_ids),
        "cut": list(finding.truncated),
    }
    return told | {name: values for name, values in lists.items() if values}


def _counted(rows: Iterable[Counted]) -> list[tuple[str, int]]:
    return [(safe_text(each.text), each.calls) for each in rows]


def _texts(texts: Iterable[str]) -> list[str]:
    return [safe_text(each) for each in texts]


def _flows(report: Report) -> dict[str, Any]:
    flows = flows_of(report)
    return {
        "nodes": [{"column": each.column, "label": each.label, "detail": each.detail} for each in flows.nodes],
        "links": [(each.start, each.end, each.outcome.gravity, each.calls) for each in flows.links],
        "folded": list(flows.folded),
    }


def _timeline(timeline: Timeline) -> dict[str, Any]:
    """Bars of one width: `step` is hour, day, week, month or year; a week is named by its Monday."""
    buckets = timeline.items()
    undated = sum(sum(counts.values()) for bucket, counts in buckets if not bucket)
    dated = [(bucket, counts) for bucket, counts in buckets if bucket]
    step = _step(timeline.unit, [bucket for bucket, _ in dated])
    bars: dict[str, dict[int, int]] = {}
    for bucket, counts in dated:
        bar = bars.setdefault(_bar(bucket, step), {})
        for outcome, count in counts.items():
            bar[outcome.gravity] = bar.get(outcome.gravity, 0) + count
    return {"step": step, "bars": sorted(bars.items()), "undated": undated}


def _step(unit: str, buckets: list[str]) -> str:
    """The finest step that gives few enough bars, gaps between them counted."""
    days = _days(buckets)
    for step, bars in (("hour", days * 24), ("day", days), ("week", days / 7), ("month", days / 30)):
        is_known = ("hour", "day", "week", "month").index(step) >= ("hour", "day", "-", "month", "year").index(unit)
        if is_known and bars <= _MOST_BARS:
            return step
    return "year"


def _days(buckets: list[str]) -> float:
    years, months, days = zip(*(_parts(bucket) for bucket in (buckets[0], buckets[-1])), strict=True) if buckets else (
        (0, 0), (0, 0), (0, 0)
    )  # fmt: skip
    return (years[1] - years[0]) * 365 + (months[1] - months[0]) * 30.5 + days[1] - days[0] + 1


def _parts(bucket: str) -> tuple[int, int, int]:
    return int(bucket[:4]), int(bucket[5:7] or 1), int(bucket[8:10] or 1)


def _bar(bucket: str, step: str) -> str:
    match step:
        case "hour":
            return bucket
        case "day":
            return bucket[:10]
        case "week":
            try:
                day = date.fromisoformat(bucket[:10])
                return (day - timedelta(days=day.weekday())).isoformat()
            except (ValueError, OverflowError):  # no such day, or the first week of all
                return bucket[:10]
        case "month":
            return bucket[:7]
    return bucket[:4]
