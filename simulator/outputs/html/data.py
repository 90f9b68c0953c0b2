"""What the page's script shows, as plain values. Every text from a log or policy is made safe here, once."""

from collections.abc import Iterable
from typing import Any, Final

from simulator.analysis.findings import Counted, Finding
from simulator.analysis.report import Report
from simulator.outputs import wording
from simulator.outputs.flows import flows_of
from simulator.outputs.html.answers import answers
from simulator.outputs.html.bars import bars_of
from simulator.outputs.html.behind import behind, lost, lost_with
from simulator.outputs.html.policies import PolicyTexts
from simulator.outputs.safe_text import safe_text
from simulator.replay.outcome import Outcome

MOST_FINDINGS: Final = 20_000
"""Findings that the page holds, gravest and largest first; a browser should stay at hand. JSON and CSV have all."""


def page_data(report: Report) -> dict[str, Any]:
    """The values. Findings name outcomes, identities and statements by their place in the lists of these."""
    texts = PolicyTexts(report)
    identities: dict[tuple[str, ...], int] = {}
    rows: list[dict[str, Any]] = []
    findings = []
    for finding in report.findings[:MOST_FINDINGS]:
        principal = finding.principal
        key = (principal.type, principal.account or "", principal.arn)
        if key not in identities:
            identities[key] = len(rows)
            rows.append(_identity(finding, report))
        row = _finding(finding, identities[key], texts.statement(finding))
        if places := lost_with(report, finding):
            row["lost"] = places
        findings.append(row)
    return {
        "outcomes": [_outcome(outcome, report) for outcome in Outcome],
        "identities": rows,
        "statements": texts.statements,
        "policies": texts.policies,
        "findings": findings,
        "left_out": max(0, len(report.findings) - MOST_FINDINGS),
        "lost": lost(report),
        "answers": answers(report),
        "flows": _flows(report),
        "timeline": bars_of(report.impact.timeline),
    }


def _outcome(outcome: Outcome, report: Report) -> dict[str, Any]:
    findings = [each for each in report.findings if each.outcome is outcome]
    return {
        "id": outcome.value,
        "label": wording.OUTCOMES[outcome],
        "calls": report.impact.outcomes[outcome],
        "identities": wording.identities(findings, outcome),
    }


def _identity(finding: Finding, report: Report) -> dict[str, Any]:
    principal = finding.principal
    stale = report.impact.stale_accounts.counts
    return {
        "label": wording.identity(principal),
        "where": wording.home(principal, report.organization, stale),
        "arn": safe_text(principal.arn),
        "behind": behind(report, principal.arn),
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
