"""Who relies on some actions as JSON, `orgsim/usage/1` (docs/usage.md, usage.schema.json).

Field by field, as the impact's: what is in the file is promised to other programs.
"""

from typing import Any, Final

from simulator.analysis.usage import Actor, UsageReport, UsageRow
from simulator.outputs.impact_json import as_text, counted, log_evidence, log_parts, principal_row
from simulator.replay.restrictions import Restriction

SCHEMA: Final = "orgsim/usage/1"


def render(report: UsageReport) -> str:
    """The JSON text with a final newline. It encodes as UTF-8 and holds no raw control or direction marks."""
    return as_text(document(report))


def document(report: UsageReport) -> dict[str, Any]:
    """The JSON document as plain values."""
    return {
        "schema": SCHEMA,
        "restrictions": [_restriction(each) for each in report.restrictions],
        **log_parts(report.usage),
        "calls": report.usage.calls,
        "identities": [_row(each) for each in report.rows],
        "evidence": _evidence(report),
    }


def _evidence(report: UsageReport) -> dict[str, Any]:
    evidence = log_evidence(report.usage, report.organization)
    evidence["truncated"] += report.identities.truncated
    return {**evidence, "notes": list(report.notes)}


def _restriction(restriction: Restriction) -> dict[str, Any]:
    return {
        "name": restriction.name,
        "actions": list(restriction.words),
        "negated": restriction.negated,
        "file": restriction.file,
        "line": restriction.line,
        "conditional": restriction.conditional,
    }


def _row(row: UsageRow) -> dict[str, Any]:
    return {
        "principal": principal_row(row.principal),
        "action": row.action,
        "access": row.access,
        "restricted_by": list(row.restricted_by),
        "scp_exempt": row.scp_exempt,
        "calls": row.calls,
        "denied_calls": row.denied_calls,
        "possible_calls": row.possible_calls,
        "first_seen": row.first_seen or None,
        "last_seen": row.last_seen or None,
        "regions": list(row.regions),
        "networks": counted(row.networks, "name"),
        "resources": counted(row.resources, "arn"),
        "sessions": counted(row.sessions, "name"),
        "event_ids": list(row.event_ids),
        "behind": [_actor(each) for each in row.behind],
        "truncated": list(row.truncated),
    }


def _actor(actor: Actor) -> dict[str, Any]:
    identity = actor.identity
    return {
        "kind": identity.kind,
        "label": identity.label,
        "arn": identity.arn,
        "account": identity.account or None,
        "detail": identity.detail,
        "confidence": actor.confidence.value,
        "calls": actor.calls,
        "evidence": [
            {"what": each.what, "count": each.count, "event_ids": list(each.event_ids)} for each in actor.evidence
        ],
    }
