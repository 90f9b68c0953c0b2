"""Who relies on some actions, ready for the outputs to render."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.analysis.findings import Counted, FindingPrincipal, counted, principal_at
from simulator.iam.catalog import Catalog
from simulator.organization.tree import Organization
from simulator.replay.restrictions import Restriction
from simulator.replay.usage import Usage, UsageFold, UsageKey


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One identity's use of one action.

    `calls` are records, `denied_calls` those of them that failed authorization, `possible_calls` those of which the
    log does not tell whether AWS checked this action. `restricted_by` names what asks for the action: patterns, or
    statements. `scp_exempt` is why no SCP reaches this use, `None` if one may. `networks` are where the calls came
    from (`simulator.cloudtrail.source_network`); `truncated` names the lists that were cut.
    """

    principal: FindingPrincipal
    action: str
    access: str
    restricted_by: tuple[str, ...]
    scp_exempt: str | None
    calls: int
    denied_calls: int
    possible_calls: int
    first_seen: str
    last_seen: str
    regions: tuple[str, ...]
    networks: tuple[Counted, ...]
    resources: tuple[Counted, ...]
    sessions: tuple[Counted, ...]
    event_ids: tuple[str, ...]
    truncated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What a log tells of the use of some actions. `notes` say how the inputs were read."""

    usage: Usage
    rows: tuple[UsageRow, ...]
    restrictions: tuple[Restriction, ...]
    organization: Organization
    notes: tuple[str, ...] = ()

    @property
    def principals(self) -> tuple[FindingPrincipal, ...]:
        """The identities, in the order of their rows."""
        return tuple(dict.fromkeys(row.principal for row in self.rows))


def make_usage_report(
    usage: Usage,
    restrictions: Sequence[Restriction],
    organization: Organization,
    catalog: Catalog,
    notes: Sequence[str] = (),
) -> UsageReport:
    """Build the report. Identities that use the actions most come first; the order is total."""
    named = [(each.name, each.matcher()) for each in restrictions]
    rows = []
    for key, fold in usage.uses.items():
        action = key.action.lower()
        names = tuple(dict.fromkeys(name for name, matches in named if matches(action)))
        rows.append(_row(key, fold, names, organization, catalog))
    calls: Counter[FindingPrincipal] = Counter()
    for row in rows:
        calls[row.principal] += row.calls
    rows.sort(
        key=lambda row: (
            -calls[row.principal],
            row.principal.arn,
            row.principal.type,
            row.principal.account or "",
            -row.calls,
            row.action,
        )
    )
    return UsageReport(usage, tuple(rows), tuple(restrictions), organization, tuple(notes))


def _row(
    key: UsageKey, fold: UsageFold, restricted_by: tuple[str, ...], organization: Organization, catalog: Catalog
) -> UsageRow:
    cut = {
        "event_ids": fold.event_ids,
        "networks": fold.networks,
        "regions": fold.regions,
        "resources": fold.resources,
        "sessions": fold.sessions,
    }
    return UsageRow(
        principal=principal_at(key.principal, key.principal_type, key.account, organization),
        action=key.action,
        access=catalog.access_category(key.action),
        restricted_by=restricted_by,
        scp_exempt=fold.scp_exempt,
        calls=fold.calls,
        denied_calls=fold.denied_calls,
        possible_calls=fold.possible_calls,
        first_seen=fold.first_seen,
        last_seen=fold.last_seen,
        regions=tuple(text for text, _ in fold.regions.items()),
        networks=counted(fold.networks),
        resources=counted(fold.resources),
        sessions=counted(fold.sessions),
        event_ids=tuple(text for text, _ in fold.event_ids.items()),
        truncated=tuple(name for name, kept in cut.items() if kept.truncated),
    )
