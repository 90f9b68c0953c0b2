"""The impact as JSON, `orgsim/impact/1` (docs/impact-json.md, impact.schema.json).

A module of its own, field by field: what is in the file is promised to other programs, the types behind it are not.
The same report gives the same bytes: maps are sorted by key, lists have the order of the report.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from simulator.analysis.findings import Counted, Finding, FindingPrincipal
from simulator.analysis.graph import plain_graph
from simulator.analysis.report import Report
from simulator.analysis.waivers import WAIVABLE, Waiver, reference
from simulator.organization.tree import Organization
from simulator.replay.impact import LogTally, Smallest
from simulator.replay.outcome import Outcome, StatementPlace

SCHEMA: Final = "orgsim/impact/1"

_UNSAFE: Final = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
"""What a terminal or an editor must not see raw, although JSON allows it: DEL, C1 controls, marks that turn the
writing direction or have no width, line separators, lone surrogates."""


def render(report: Report) -> str:
    """The JSON text with a final newline. It encodes as UTF-8 and holds no raw control or direction marks."""
    return as_text(document(report))


def as_text(value: Mapping[str, Any]) -> str:
    """Plain values as indented JSON with a final newline, without raw control or direction marks."""
    text = _UNSAFE.sub(_escaped, json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return msgspec.json.format(text, indent=1) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The JSON document as plain values."""
    impact = report.impact
    parts = log_parts(impact)
    parts["records"]["requests"] = impact.requests
    return {
        "schema": SCHEMA,
        **parts,
        "outcomes": {outcome.value: impact.outcomes[outcome] for outcome in Outcome},
        "findings": [_finding(each) for each in report.findings],
        # networkx.node_link_graph(graph, edges="edges") reads it back.
        "graph": plain_graph(report).node_link(),
        "evidence": _evidence(report),
        **_comparison(report),
        **_acceptance(report),
    }


def _comparison(report: Report) -> dict[str, Any]:
    """Base and head in place of the current and the proposed organization, where two proposals were compared."""
    comparison = report.comparison
    if comparison is None:
        return {}
    return {
        "base": {"name": comparison.base.name, "commit": comparison.base.commit},
        "head": {"name": comparison.head.name, "commit": comparison.head.commit},
        "changes": [
            {
                "kind": each.kind,
                "policy_type": each.policy_type.value if each.policy_type else None,
                "policy": each.policy,
                "statement": each.statement,
                "effect": each.tells.value,
                "details": list(each.details),
                "file": each.file,
                "line": each.line,
            }
            for each in comparison.changes
        ],
        "sizes": [
            {
                "policy_type": each.policy_type.value,
                "policy": each.policy,
                "base": each.base,
                "head": each.head,
                "most": each.most,
            }
            for each in comparison.sizes
        ],
    }


def _acceptance(report: Report) -> dict[str, Any]:
    """What was agreed to, where waivers or a baseline were given."""
    acceptance = report.acceptance
    if acceptance is None:
        return {}
    findings: dict[Waiver, list[str]] = {}
    for each in report.findings:
        ref = reference(each)
        waiver = acceptance.waived.get(ref) or acceptance.lapsed.get(ref)
        if waiver is not None:
            findings.setdefault(waiver, []).append(each.id)
    refused = (each for each in report.findings if each.outcome in WAIVABLE and not acceptance.accepts(each))
    return {
        "agreement": {
            "waivers": [
                {
                    "identity": each.identity,
                    "action": each.action,
                    "statement": each.statement,
                    "reason": each.reason,
                    "owner": each.owner,
                    "expires": each.expires.isoformat(),
                    "state": acceptance.state(each),
                    "findings": findings.get(each, []),
                }
                for each in acceptance.waivers
            ],
            "known": None if acceptance.known is None else sorted({each.id for each in acceptance.known}),
            "not_agreed": [each.id for each in refused],
        }
    }


def log_parts(log: LogTally) -> dict[str, dict[str, Any]]:
    """`records`, `files` and `window`, which every report on a log has."""
    return {
        "records": {
            "read": log.read,
            "skipped": _sorted(log.skipped),
            "duplicates": log.duplicates,
            "unmapped": log.unmapped,
            "mapped": log.mapped,
        },
        "files": {
            "read": log.files_read,
            "skipped": _sorted(log.files_skipped),
            "damaged": [
                {"file": file, "reason": reason, "pieces": count}
                for (file, reason), count in sorted(log.damaged.items())
            ],
        },
        "window": {"first": log.first_time or None, "last": log.last_time or None},
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "outcome": finding.outcome.value,
        "principal": principal_row(finding.principal),
        "action": finding.action,
        "access": finding.access,
        "resources": counted(finding.resources, "arn"),
        "sessions": counted(finding.sessions, "name"),
        "statement": _statement(finding.place, finding.attached_name),
        "settled_by": list(finding.settled_by),
        "calls": finding.calls,
        "first_seen": finding.first_seen or None,
        "last_seen": finding.last_seen or None,
        "regions": list(finding.regions),
        "event_ids": list(finding.event_ids),
        "truncated": list(finding.truncated),
    }


def principal_row(principal: FindingPrincipal) -> dict[str, Any]:
    """Who calls."""
    return {
        "arn": principal.arn,
        "type": principal.type,
        "account": principal.account,
        "account_name": principal.account_name,
        "ou_path": principal.ou_path,
    }


def counted(rows: Iterable[Counted], member: str) -> list[dict[str, Any]]:
    """Texts, as the member of this name, with their calls."""
    return [{member: each.text, "calls": each.calls} for each in rows]


def _statement(place: StatementPlace, attached_name: str) -> dict[str, Any]:
    return {
        "policy": place.policy,
        "policy_type": place.policy_type,
        "sid": place.sid,
        "index": place.statement,
        "attached_to": place.attached_to,
        "attached_name": attached_name,
        "level": place.level,
        "file": place.file,
        "line": place.line,
    }


def _evidence(report: Report) -> dict[str, Any]:
    impact = report.impact
    evidence = log_evidence(impact, report.organization)
    truncated = evidence.pop("truncated")
    return {
        **evidence,
        "drift": impact.drift,
        "notes": list(report.notes),
        "lockouts": list(report.lockouts),
        "truncated": truncated,
    }


def log_evidence(log: LogTally, organization: Organization) -> dict[str, Any]:
    """What every report on a log rests on."""
    return {
        "accounts": _accounts(log.accounts, organization),
        "regions": [{"name": name, "records": count} for name, count in log.regions.items()],
        "stale_accounts": [{"id": name, "records": count} for name, count in log.stale_accounts.items()],
        "unmapped": [
            {"event_source": kind.event_source, "event_name": kind.event_name, "reason": kind.reason, "records": count}
            for kind, count in sorted(log.unmapped_kinds.items())
        ],
        "truncated": _truncated(log),
    }


def _accounts(accounts: Smallest, organization: Organization) -> list[dict[str, Any]]:
    rows = []
    for account, count in accounts.items():
        node = organization.account(account)
        rows.append({"id": account, "name": node.name if node else None, "records": count})
    return rows


def _truncated(log: LogTally) -> list[str]:
    cut = {
        "accounts": log.accounts.truncated,
        "regions": log.regions.truncated,
        "stale_accounts": log.stale_accounts.truncated,
        "unmapped": log.unmapped_truncated,
    }
    return [name for name, is_cut in cut.items() if is_cut]


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts) if counts[name]}


def _escaped(match: re.Match[str]) -> str:
    point = ord(match.group())
    if 0xD800 <= point <= 0xDFFF:
        # A lone surrogate is no character, and many JSON readers refuse it.
        return "\\ufffd"
    if point > 0xFFFF:
        high, low = divmod(point - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return f"\\u{point:04x}"
