"""Who is behind an identity, and what is lost with a denied AssumeRole, as plain values for the page."""

from collections.abc import Sequence
from typing import Any, Final

from simulator.analysis.findings import Finding
from simulator.analysis.identities.model import Behind, Confidence, Identity, Lost
from simulator.analysis.report import Report
from simulator.outputs import wording
from simulator.outputs.safe_text import safe_text
from simulator.replay.outcome import StatementPlace

_SHOWN: Final = 40
"""Branches of one tree on one level; those with the most denied calls stand first."""

_DEEPEST: Final = 6
"""Levels of a tree."""

_LOST: Final = 500
"""Rows about lost sessions."""

SURE: Final = {
    Confidence.PROVED: "proved by the log",
    Confidence.MATCHED: "matched, not proved",
    Confidence.POSSIBLE: "possible",
    Confidence.NAMED: "by name only",
}
"""How sure a link is, for people."""


def behind(report: Report, principal: str) -> list[dict[str, Any]]:
    """The trees behind a principal: `label`, `detail`, `sure`, `why`, counts of the principal's calls, `behind`."""
    return _level(report.identities.of(principal), _DEEPEST) if report.identities is not None else []


def _level(trees: Sequence[Behind], depth: int) -> list[dict[str, Any]]:
    rows = [_tree(each, depth) for each in trees[:_SHOWN]]
    if len(trees) > _SHOWN:
        rows.append({"label": f"and {wording.plural(len(trees) - _SHOWN, 'more')}"})
    return rows


def _tree(tree: Behind, depth: int) -> dict[str, Any]:
    return {
        **named(tree.identity),
        "sure": SURE[tree.confidence],
        "why": "; ".join(wording.shorten(safe_text(each.what), 200) for each in tree.evidence[:3]),
        "calls": tree.calls,
        "denied": tree.denied,
        "undecided": tree.undecided,
        "last": safe_text(tree.last_seen),
        "behind": _level(tree.behind, depth - 1) if depth > 1 else [],
    }


def named(identity: Identity) -> dict[str, str]:
    """`label` and `detail` of an identity."""
    return {"label": wording.name(identity.label), "detail": wording.name(identity.detail or identity.kind)}


def lost(report: Report) -> dict[str, Any]:
    """`rows`, most calls first: who can no longer assume what, and what its sessions did; `more`: not listed."""
    found = report.identities.lost if report.identities is not None else ()
    return {"rows": [_lost(each, report) for each in found[:_LOST]], "more": max(0, len(found) - _LOST)}


def _lost(lost: Lost, report: Report) -> dict[str, Any]:
    return {
        "caller": named(lost.caller),
        "role": named(lost.role),
        "arn": safe_text(lost.role.arn),
        "by": [_statement(place, report) for place in lost.by],
        "assumptions": lost.assumptions,
        "sessions": lost.sessions,
        "calls": lost.calls,
        "least": not lost.complete,
        "events": [(wording.name(each.event), each.calls) for each in lost.events],
        "further": [wording.name(each.label) for each in lost.further],
        "sure": SURE[lost.confidence],
    }


def _statement(place: StatementPlace, report: Report) -> str:
    node = report.organization.nodes.get(place.attached_to)
    return wording.statement(place, node.name if node else place.attached_to, report.organization)


def lost_with(report: Report, finding: Finding) -> list[int]:
    """The places, among the rows of `lost`, of what is lost with the calls of one finding."""
    if report.identities is None or not finding.action.startswith("sts:Assume"):
        return []
    roles = {each.text for each in finding.resources}
    found = enumerate(report.identities.lost[:_LOST])
    return [place for place, each in found if finding.place in each.by and each.role.arn in roles]
