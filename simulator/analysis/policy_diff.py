"""What a reviewer reads of two proposals beside the replay: how policies, attachments and accounts differ, in words."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.analysis.statement_diff import (
    StatementChange,
    Tells,
    changed_statements,
    share_a_statement,
    statement_name,
)
from simulator.organization.proposal import Proposal
from simulator.organization.tree import NodeKind, Organization, Policy
from simulator.policy.document import Effect, PolicyDocument, PolicyType
from simulator.policy.quotas import QUOTAS, policy_size

_Name = tuple[PolicyType, str]
"""AWS keeps the names of one type unique."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `kind` is kebab-case (docs/diff.md lists them); `statement` the Sid, or `#` and the position.

    `details` are sentences for people that hold texts of policies. `file` and `line` tell where the newer version
    stands, the older one where the newer has none.
    """

    kind: str
    tells: Tells
    details: tuple[str, ...] = ()
    policy_type: PolicyType | None = None
    policy: str | None = None
    statement: str | None = None
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class PolicySize:
    """The characters of a policy in base and head (`None`: not there), against the quota `most`."""

    policy_type: PolicyType
    policy: str
    base: int | None
    head: int | None
    most: int


def policy_changes(base: Organization, head: Organization) -> tuple[Change, ...]:
    """How the organization as head would make it differs from the one that base would make."""
    return (*_turned_on(base, head), *_units(base, head), *_Policies(base, head).changes(), *_moves(base, head))


def policy_sizes(base: Organization, head: Organization, proposals: Iterable[Proposal]) -> tuple[PolicySize, ...]:
    """The sizes of all policies that one of the proposals names, without white space outside strings."""
    before, after = _by_name(base), _by_name(head)
    names = {(policy.type, policy.name) for proposal in proposals for policy in proposal.policies}
    return tuple(
        PolicySize(
            policy_type,
            name,
            policy_size(before[policy_type, name].document) if (policy_type, name) in before else None,
            policy_size(after[policy_type, name].document) if (policy_type, name) in after else None,
            QUOTAS[policy_type].characters,
        )
        for policy_type, name in sorted(names, key=_order)
    )


def left_standing(base: Proposal, head: Proposal, organization: Organization) -> tuple[str, ...]:
    """Sentences on policies that head no longer proposes but the organization has: leaving out removes nothing."""
    proposed = {(policy.type, policy.name) for policy in head.policies}
    standing = _by_name(organization)
    gone = sorted({(each.type, each.name) for each in base.policies} - proposed, key=_order)
    return tuple(
        f"`{name}` is no longer proposed, but the organization has a {kind.name} of that name, which stays as it is; "
        "to take it off, list it under `detach`"
        for kind, name in gone
        if (kind, name) in standing and organization.attachments(standing[kind, name].id)
    )


class _Policies:
    """Policies and attachments of both versions, by name."""

    def __init__(self, base: Organization, head: Organization) -> None:
        self.base, self.head = base, head
        self.before, self.after = _by_name(base), _by_name(head)

    def changes(self) -> Iterator[Change]:
        renamed = self.renamed()
        for name in sorted({*self.before, *self.after}, key=_order):
            old, new = self.before.get(name), self.after.get(name)
            if new is not None and name in renamed:
                old = self.before[renamed[name]]
                yield _change("policy-renamed", new, Tells.SAME, f"before: {old.name}")
            elif new is None and name in renamed.values():
                continue
            if old is None and new is not None:
                yield _change("policy-added", new, _whole(new), _attached(self.head, new))
            elif new is None and old is not None:
                yield _change("policy-removed", old, _opposite(_whole(old)), _attached(self.base, old))
            elif old is not None and new is not None:
                yield from self.edited(old, new)
                yield from self.attached(old, new)

    def renamed(self) -> dict[_Name, _Name]:
        """The former name of each policy that has got a new one: it says the same, else has a statement of it."""
        gone = [name for name in self.before if name not in self.after]
        new = [name for name in self.after if name not in self.before]
        found: dict[_Name, _Name] = {}
        for alike in (_say_the_same, share_a_statement):
            for name in new:
                left = (each for each in gone if each[0] is name[0] and each not in found.values())
                after = self.after[name].document
                former = next((each for each in left if alike(self.before[each].document, after)), None)
                if name not in found and former is not None:
                    found[name] = former
        return found

    def edited(self, old: Policy, new: Policy) -> Iterator[Change]:
        if old.document.version != new.document.version:
            what = f"Version {old.document.version} → {new.document.version}: variables like ${{aws:username}} count "
            yield _change("policy-edited", new, Tells.CHANGED, what + "in 2012-10-17 only")
        for each in changed_statements(old.document, new.document):
            yield _statement_change(each, old, new)

    def attached(self, old: Policy, new: Policy) -> Iterator[Change]:
        before = {node.id for node in self.base.attachments(old.id)}
        after = {node.id for node in self.head.attachments(new.id)}
        if new.aws_managed:
            # A type that is turned on or off brings them everywhere; that is told once.
            shared = old.type in self.base.policy_types and old.type in self.head.policy_types
            before, after = (before, after) if shared else (set(), set())
        gone, come = before - after, after - before
        if not gone and not come:
            return
        kind = "attachment-moved" if gone and come else "attachment-added" if come else "attachment-removed"
        told = [f"from {_places(self.base, gone)}"] if gone else []
        told += [f"to {_places(self.head, come)}"] if come else []
        tells = Tells.CHANGED if gone and come else _whole(new) if come else _opposite(_whole(new))
        yield _change(kind, new, tells, " ".join(told))


def _say_the_same(one: PolicyDocument, other: PolicyDocument) -> bool:
    return one.version == other.version and not any(changed_statements(one, other))


def _turned_on(base: Organization, head: Organization) -> Iterator[Change]:
    for policy_type in PolicyType:
        before, after = policy_type in base.policy_types, policy_type in head.policy_types
        if before is not after:
            kind = "type-turned-on" if after else "type-turned-off"
            yield Change(kind, Tells.TIGHTENED if after else Tells.LOOSENED, policy_type=policy_type)


def _units(base: Organization, head: Organization) -> Iterator[Change]:
    """Units by their place: a new one has no id of AWS's yet."""
    before, after = (
        {each.full_path(node.id) for node in each.nodes.values() if node.kind is NodeKind.UNIT} for each in (base, head)
    )
    yield from (Change("unit-added", Tells.SAME, (path,)) for path in sorted(after - before))
    yield from (Change("unit-removed", Tells.SAME, (path,)) for path in sorted(before - after))


def _moves(base: Organization, head: Organization) -> Iterator[Change]:
    for node in head.accounts:
        before, after = base.account(node.id), head.account(node.id)
        if before is not None and after is not None and before.parent != after.parent:
            told = f"{node.name} ({node.id}) from {base.path(node.id)} to {head.path(node.id)}"
            yield Change("account-moved", Tells.CHANGED, (told,))


def _statement_change(change: StatementChange, old: Policy, new: Policy) -> Change:
    kind = (
        "statement-added" if change.old is None else "statement-removed" if change.new is None else "statement-changed"
    )
    document = (old if change.new is None else new).document
    return Change(
        kind,
        change.tells,
        change.details,
        new.type,
        new.name,
        statement_name(change.statement),
        document.file,
        change.statement.span.line,
    )


def _change(kind: str, policy: Policy, tells: Tells, *details: str) -> Change:
    document = policy.document
    return Change(kind, tells, details, policy.type, policy.name, file=document.file, line=document.span.line)


def _whole(policy: Policy) -> Tells:
    """What attaching a policy means: denies stop calls, allows let them through; both together cannot be told."""
    effects = {statement.effect for statement in policy.document.statements}
    if effects == {Effect.DENY}:
        return Tells.TIGHTENED
    return Tells.LOOSENED if effects == {Effect.ALLOW} else Tells.CHANGED


def _opposite(tells: Tells) -> Tells:
    return {Tells.TIGHTENED: Tells.LOOSENED, Tells.LOOSENED: Tells.TIGHTENED}.get(tells, tells)


def _attached(organization: Organization, policy: Policy) -> str:
    nodes = {node.id for node in organization.attachments(policy.id)}
    return f"attached to {_places(organization, nodes)}" if nodes else "attached nowhere"


def _places(organization: Organization, nodes: Iterable[str]) -> str:
    return ", ".join(sorted(organization.full_path(node) for node in nodes))


def _by_name(organization: Organization) -> dict[_Name, Policy]:
    return {(policy.type, policy.name): policy for policy in organization.policies.values()}


def _order(name: _Name) -> tuple[str, str]:
    return name[0].value, name[1]
