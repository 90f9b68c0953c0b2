"""Who relies on some actions, ready for the outputs to render."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from simulator.analysis.findings import Counted, FindingPrincipal, counted, principal_at
from simulator.analysis.identities.model import Behind, Confidence, Evidence, Identities, Identity
from simulator.iam.catalog import Catalog
from simulator.organization.tree import Organization
from simulator.replay.outcome import StatementPlace
from simulator.replay.restrictions import Restriction
from simulator.replay.usage import Usage, UsageFold, UsageKey, place_of

_SAMPLE: Final = (
    "The log has more sessions than are kept: who is behind an identity is told from a fair sample of them."
)

MOST_BEHIND: Final = 50
"""Identities kept behind one row, those with most calls."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted in the end: a person, pipeline or workload that used the action through the principal of a row.

    `calls` are those known to be theirs, a lower bound; 0 where no session shows who of several it was, which
    `confidence` then says. `evidence` tells why.
    """

    identity: Identity
    confidence: Confidence
    calls: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One identity's use of one action.

    `calls` are records, `denied_calls` those of them that failed authorization, `possible_calls` those of which the
    log does not tell whether AWS checked this action. `restricted_by` names what asks for the action: patterns, or
    statements. `scp_exempt` is why no SCP reaches this use, `None` if one may. `networks` are where the calls came
    from (`simulator.cloudtrail.source_network`), `behind` who acted through the principal; `truncated` names the lists
    that were cut.
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
    behind: tuple[Actor, ...]
    truncated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What a log tells of the use of some actions. `notes` say how the inputs were read."""

    usage: Usage
    rows: tuple[UsageRow, ...]
    restrictions: tuple[Restriction, ...]
    organization: Organization
    identities: Identities
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
    identities: Identities,
    notes: Sequence[str] = (),
) -> UsageReport:
    """Build the report; `identities` are those of the usage's ties.

    Principals that use the actions most come first; the order is total.
    """
    named = [(each.name, each.matcher()) for each in restrictions]
    rows = []
    for key, fold in usage.uses.items():
        action = key.action.lower()
        names = tuple(dict.fromkeys(name for name, matches in named if matches(action)))
        rows.append(_row(key, fold, names, identities, organization, catalog))
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
    notes = (*notes, _SAMPLE) if identities.truncated else tuple(notes)
    return UsageReport(usage, tuple(rows), tuple(restrictions), organization, identities, notes)


def _row(
    key: UsageKey,
    fold: UsageFold,
    restricted_by: tuple[str, ...],
    identities: Identities,
    organization: Organization,
    catalog: Catalog,
) -> UsageRow:
    behind = _behind(identities.of(key.principal), place_of(key.action))
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
        behind=behind[:MOST_BEHIND],
        truncated=(
            *(("behind",) if len(behind) > MOST_BEHIND else ()),
            *(name for name, kept in cut.items() if kept.truncated),
        ),
    )


def _behind(trees: Iterable[Behind], place: StatementPlace) -> tuple[Actor, ...]:
    """Who is behind the calls that count for `place`: one actor for all chains of one confidence that lead to it."""
    calls: dict[tuple[Identity, Confidence], int] = {}
    evidence: dict[tuple[Identity, Confidence], dict[Evidence, None]] = {}
    for each, count in _acting(trees, place, unexplained=False):
        key = each.identity, each.confidence
        calls[key] = calls.get(key, 0) + count
        evidence.setdefault(key, {}).update(dict.fromkeys(each.evidence))
    actors = [Actor(*key, count, tuple(evidence[key])) for key, count in calls.items()]
    return tuple(sorted(actors, key=lambda each: (-each.calls, each.confidence.weakness, each.identity)))


def _acting(trees: Iterable[Behind], place: StatementPlace, *, unexplained: bool) -> Iterator[tuple[Behind, int]]:
    """The ends of all chains with calls for `place`. `unexplained`: those without any call may have made them, too."""
    for tree in trees:
        count = dict(tree.denied_by).get(place, 0)
        if not count and not (unexplained and not tree.calls):
            continue
        if tree.identity.identity_kind.ultimate or not tree.behind:
            yield tree, count
        yield from _acting(tree.behind, place, unexplained=True)
