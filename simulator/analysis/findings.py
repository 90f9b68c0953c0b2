"""Findings for people: an identity, an action and the statement that denies it, with the evidence."""

import hashlib
from dataclasses import dataclass

import msgspec

from simulator.iam.catalog import Catalog
from simulator.organization.tree import Organization
from simulator.replay.impact import FindingFold, FindingKey, Impact, Smallest
from simulator.replay.outcome import Outcome, StatementPlace


class Counted(msgspec.Struct, frozen=True):
    """A text and the number of calls it stands for."""

    text: str
    calls: int


@dataclass(frozen=True, slots=True)
class FindingPrincipal:
    """The identity: `arn` is the role, user or root; a service name, provider or account where there is no ARN.

    `account_name` and `ou_path` are empty where the organization does not know the account.
    """

    arn: str
    type: str
    account: str | None
    account_name: str
    ou_path: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `id` stays the same from run to run: it holds no counts, times or paths.

    `access` groups actions for readers (Read, List, Write, Tagging, Permissions). `attached_name` is the name of the
    node `place.attached_to`; `settled_by` the keys that would settle an undecided finding; `truncated` names the lists
    that were cut.
    """

    id: str
    outcome: Outcome
    principal: FindingPrincipal
    action: str
    access: str
    place: StatementPlace
    attached_name: str
    calls: int
    first_seen: str
    last_seen: str
    regions: tuple[str, ...]
    settled_by: tuple[str, ...]
    resources: tuple[Counted, ...]
    sessions: tuple[Counted, ...]
    event_ids: tuple[str, ...]
    truncated: tuple[str, ...]


def findings_of(impact: Impact, organization: Organization, catalog: Catalog) -> tuple[Finding, ...]:
    """All findings, gravest outcome first, then most calls; the order is total, so reports are deterministic."""
    found = [_finding(key, fold, organization, catalog) for key, fold in impact.findings.items()]
    return tuple(
        sorted(
            found,
            key=lambda each: (
                each.outcome.gravity,
                -each.calls,
                each.principal.arn,
                each.action,
                each.place.policy or "",
                each.place.sid or "",
                each.id,
                each.principal.type,
                each.principal.account or "",
                each.place.policy_type,
                each.place.text,
                each.place.statement or 0,
                each.place.file or "",
                each.place.line or 0,
            ),
        )
    )


def principal_at(arn: str, kind: str, account: str | None, organization: Organization) -> FindingPrincipal:
    """An identity with its place in the organization; `arn` and `kind` as in `FindingPrincipal`."""
    node = organization.account(account) if account else None
    return FindingPrincipal(
        arn=arn,
        type=kind,
        account=account,
        account_name=node.name if node else "",
        ou_path=organization.path(node.id) if node else "",
    )


def finding_id(key: FindingKey) -> str:
    """A hash of principal, action, policy name, Sid (else the statement's text) and node."""
    place = key.place
    parts = (key.principal, key.action, place.policy or place.policy_type, place.sid or place.text, place.attached_to)
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _finding(key: FindingKey, fold: FindingFold, organization: Organization, catalog: Catalog) -> Finding:
    node = organization.nodes.get(key.place.attached_to) or organization.account(key.place.attached_to)
    cut = {"resources": fold.resources, "sessions": fold.sessions, "event_ids": fold.event_ids, "regions": fold.regions}
    return Finding(
        id=finding_id(key),
        outcome=key.outcome,
        principal=principal_at(key.principal, key.principal_type, key.account, organization),
        action=key.action,
        access=catalog.access_category(key.action),
        place=key.place,
        attached_name=node.name if node else key.place.attached_to,
        calls=fold.calls,
        first_seen=fold.first_seen,
        last_seen=fold.last_seen,
        regions=tuple(text for text, _ in fold.regions.items()),
        settled_by=tuple(sorted(catalog.spelled(each) for each in fold.keys)),
        resources=counted(fold.resources),
        sessions=counted(fold.sessions),
        event_ids=tuple(text for text, _ in fold.event_ids.items()),
        truncated=tuple(sorted(name for name, kept in cut.items() if kept.truncated)),
    )


def counted(samples: Smallest) -> tuple[Counted, ...]:
    """The texts of a fold with their calls."""
    return tuple(Counted(*each) for each in samples.items())
