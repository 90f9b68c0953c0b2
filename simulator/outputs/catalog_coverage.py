"""How much of a log the mapping resolves, for people and for programs."""

import json
from collections import Counter
from typing import Final, TypeVar

from simulator.analysis.mapping_coverage import EventKind, MappingCoverage
from simulator.outputs.safe_text import safe_text

SCHEMA: Final = "orgsim/catalog-coverage/1"
_Key = TypeVar("_Key", str, EventKind)
_SHOWN: Final = 20
"""Kinds of events with a lost resource that people see; the JSON has them all."""


def as_json(coverage: MappingCoverage) -> str:
    """One JSON object; every share is of the records with an IAM check (`checked`), null where there are none."""
    answer = {
        "schema": SCHEMA,
        "records": {
            "read": coverage.read,
            "duplicates": coverage.duplicates,
            "skipped": dict(_ranked(coverage.skipped)),
            "checked": coverage.checked,
        },
        "with_action": {"records": coverage.mapped, "share": _share(coverage.mapped, coverage)},
        "with_resource": {"records": coverage.with_resource, "share": _share(coverage.with_resource, coverage)},
        "with_owner": {"records": coverage.with_owner, "share": _share(coverage.with_owner, coverage)},
        "unresolved": [
            {"event_source": kind.event_source, "event_name": kind.event_name, "reason": kind.missing, "records": count}
            for kind, count in _ranked(coverage.unresolved)
        ],
        "without_resource": [
            {"event_source": kind.event_source, "event_name": kind.event_name, "action": kind.missing, "records": count}
            for kind, count in _ranked(coverage.without_resource)
        ],
        "unlisted": coverage.unlisted,
        "files_skipped": dict(_ranked(coverage.files_skipped)),
    }
    return json.dumps(answer, indent=2) + "\n"


def terminal(coverage: MappingCoverage) -> str:
    """Counts, shares, and the kinds of events that are not resolved, most frequent first."""
    lines = [
        f"{coverage.read:,} records read: {coverage.checked:,} with an IAM check, "
        f"{coverage.skipped.total():,} without one, {coverage.duplicates:,} duplicates"
    ]
    for name, count in (
        ("action", coverage.mapped),
        ("resource", coverage.with_resource),
        ("owner", coverage.with_owner),
    ):
        share = _share(count, coverage)
        lines.append(f"  with {name:<8}  {count:>10,}  {'' if share is None else f'{share:>8.2%}'}".rstrip())
    if coverage.skipped:
        lines += ["", "Without an IAM check:"]
        lines += [f"  {count:>10,}  {safe_text(reason)}" for reason, count in _ranked(coverage.skipped)]
    lines += _table("Unresolved (no action is known):", coverage.unresolved, len(coverage.unresolved))
    lines += _table("The resource is not known:", coverage.without_resource, _SHOWN)
    if coverage.unlisted:
        lines.append(f"  {coverage.unlisted:>10,}  of further kinds")
    return "\n".join(lines) + "\n"


def _table(title: str, kinds: Counter[EventKind], most: int) -> list[str]:
    if not kinds:
        return []
    ranked = _ranked(kinds)
    lines = ["", title]
    lines += [
        f"  {count:>10,}  {safe_text(kind.event_source)} {safe_text(kind.event_name)}  ({safe_text(kind.missing)})"
        for kind, count in ranked[:most]
    ]
    rest = ranked[most:]
    if rest:
        lines.append(f"  {sum(count for _, count in rest):>10,}  of {len(rest):,} more kinds (all with --format json)")
    return lines


def _ranked(counts: Counter[_Key]) -> list[tuple[_Key, int]]:
    """Most frequent first, then by name."""
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _share(count: int, coverage: MappingCoverage) -> float | None:
    return count / coverage.checked if coverage.checked else None
