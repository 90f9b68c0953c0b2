"""Lock-outs that a proposal would cause even where the log is silent.

Two kinds: a node that the proposal leaves without any Allow (everything below is denied), and denials that catch the
roles AWS services and organization administrators need in every account. For the latter every account is probed with
requests of which only the caller is known: what is denied then is denied whatever the circumstances.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Final

import msgspec

from simulator.decision.request import (
    UNKNOWN,
    ContextValue,
    OneOf,
    Principal,
    PrincipalKind,
    Request,
)
from simulator.decision.statement import action_matcher
from simulator.iam.pattern import Matcher
from simulator.organization.guardrails import Level, levels
from simulator.organization.tree import Node, Organization
from simulator.policy.document import Effect, PolicyType

Evaluate = Callable[[Organization, Request], tuple[str, ...] | None]
"""Decides a probe under an organization's guardrails: `None` unless it is surely denied, else what denies it, for
people (policy, Sid, node), in a fixed order."""

_GENERATED: Final = "0123456789abcdef0123456789abcdef"
"""Stands for the generated end of a role's name."""


class LockoutRole(msgspec.Struct, frozen=True):
    """A row of lockout_roles.toml."""

    name: str
    purpose: str
    unattended: bool
    needs: tuple[str, ...]
    assumable: bool
    assumed_by: str | None = None

    def arn(self, account: str) -> str:
        """The role's ARN in an account; `*` in the name is filled with a typical generated part."""
        return f"arn:aws:iam::{account}:role/{self.name.replace('*', _GENERATED)}"


def _read_roles() -> tuple[LockoutRole, ...]:
    table = tomllib.loads(files("simulator.organization").joinpath("lockout_roles.toml").read_text(encoding="utf-8"))
    return tuple(
        LockoutRole(
            name=row["name"],
            purpose=row["purpose"],
            unattended=row["unattended"],
            needs=tuple(row["needs"]),
            assumable=row["assumable"],
            assumed_by=row.get("assumed_by"),
        )
        for row in table["role"]
    )


LOCKOUT_ROLES: Final = _read_roles()


_ABSENT: Final = frozenset(
    {
        "aws:assumedroot",
        "aws:principalservicename",
        "aws:principalservicenameslist",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
    }
)
"""Keys that no call of an ordinary role session has: they are sent with calls of service principals or with root
sessions only (AWS IAM User Guide, reference_policies_condition-keys)."""


class ProbeContext(Mapping[str, ContextValue]):
    """A context of which only a few keys are known, or known to be absent: any other key is `UNKNOWN`."""

    __slots__ = ("_known",)

    def __init__(self, known: Mapping[str, ContextValue]) -> None:
        self._known = dict(known)

    def __getitem__(self, key: str) -> ContextValue:
        if key in _ABSENT:
            raise KeyError(key)
        return self._known.get(key, UNKNOWN)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key not in _ABSENT

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class Probe(msgspec.Struct, frozen=True):
    """A request that must stay possible. `entering`: the role is being assumed, rather than doing its work."""

    role: LockoutRole
    account: str
    entering: bool
    request: Request


class NoAllow(msgspec.Struct, frozen=True):
    """A node that would be left without any Allow: all calls of the accounts at or below it would be denied."""

    node: str
    path: str
    accounts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path} ({self.node}) is left without any Allow: every call of {_count(self.accounts)} is denied"


class RoleLockout(msgspec.Struct, frozen=True):
    """A needed role that would be caught in some accounts: `actions` denied `by` these statements."""

    role: str
    purpose: str
    entering: bool
    actions: tuple[str, ...]
    by: tuple[str, ...]
    accounts: tuple[str, ...]

    def __str__(self) -> str:
        what = "can no longer be assumed" if self.entering else f"loses {', '.join(self.actions)}"
        by = f" by {'; '.join(self.by)}" if self.by else ""
        return f"{self.role} {what} in {_count(self.accounts)}{by} ({self.purpose})"


Lockout = NoAllow | RoleLockout


def lockouts(current: Organization, proposed: Organization, evaluate: Evaluate) -> tuple[Lockout, ...]:
    """What the proposal would lock out that is not locked out now, in a fixed order.

    What the proposal cannot newly deny is not probed. `evaluate` decides one probe; a verdict that hangs on
    anything but the caller must count as not denied.
    """
    found: dict[tuple[LockoutRole, bool, tuple[str, ...]], dict[str, set[str]]] = {}
    for account in proposed.accounts:
        if account.id == proposed.management_account:
            continue
        may_deny = _newly_deniable(current, proposed, account.id)
        if may_deny is None:
            continue
        for probe in probes(proposed, account.id):
            if not may_deny(probe.request.action.lower()):
                continue
            by = evaluate(proposed, probe.request)
            if by is None or evaluate(current, probe.request) is not None:
                continue
            actions = found.setdefault((probe.role, probe.entering, by), {})
            actions.setdefault(account.id, set()).add(probe.request.action)
    rows: dict[tuple[LockoutRole, bool, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (role, entering, by), by_account in found.items():
        for account_id, actions_there in by_account.items():
            rows.setdefault((role, entering, tuple(sorted(actions_there)), by), []).append(account_id)
    role_lockouts = sorted(
        (
            RoleLockout(role.name, role.purpose, entering, actions_denied, by, tuple(sorted(accounts)))
            for (role, entering, actions_denied, by), accounts in rows.items()
        ),
        key=lambda row: (row.role, row.entering, row.by, row.actions),
    )
    return (*nodes_without_allow(current, proposed), *role_lockouts)


def nodes_without_allow(current: Organization, proposed: Organization) -> tuple[NoAllow, ...]:
    """The nodes with accounts at or below them that have an Allow now and would have none, in the order of the tree."""
    found = []
    for node in proposed.nodes.values():
        before = current.nodes.get(node.id)
        if _allows(proposed, node) or (before is not None and not _allows(current, before)):
            continue
        below = [account.id for account in proposed.accounts if node in proposed.chain(account.id)]
        accounts = tuple(each for each in below if each != proposed.management_account)
        if accounts or proposed.assumed:
            found.append(NoAllow(node.id, proposed.full_path(node.id), accounts))
    return tuple(found)


def probes(organization: Organization, account: str) -> Iterator[Probe]:
    """The requests that must stay possible in a member account."""
    for role in LOCKOUT_ROLES:
        arn = role.arn(account)
        caller = Principal(PrincipalKind.ROLE, arn, account)
        context = _context(organization, arn, account, role.unattended)
        for action in role.needs:
            yield Probe(role, account, False, Request(caller, action, UNKNOWN, account, context))
        manager = organization.management_account
        if role.assumable and manager is not None:
            from_arn = f"arn:aws:iam::{manager}:{role.assumed_by}" if role.assumed_by else None
            entering = Principal(PrincipalKind.ROLE, from_arn, manager)
            context = _context(organization, from_arn, manager, role.unattended)
            yield Probe(role, account, True, Request(entering, "sts:AssumeRole", arn, account, context))


def _context(organization: Organization, arn: str | None, account: str, unattended: bool) -> ProbeContext:
    """What is known of a call when only its caller is: the principal's keys (AWS IAM User Guide,
    reference_policies_condition-keys). Tags, network and region stay unknown.
    """
    known: dict[str, ContextValue] = {
        "aws:principalarn": arn or UNKNOWN,
        "aws:principalaccount": account,
        "aws:principalisawsservice": "false",
        # Key families of the caller's own request: a role session, never a service or anonymous.
        "aws:principaltype": "AssumedRole" if arn else UNKNOWN,
    }
    if organization.id is not None:
        known["aws:principalorgid"] = organization.id
        path = organization.org_path(account)
        if path is not None:
            known["aws:principalorgpaths"] = (path,)
    if unattended:
        known["aws:multifactorauthpresent"] = OneOf(("false", None))
    return ProbeContext(known)


def _allows(organization: Organization, node: Node) -> bool:
    """Whether some SCP of the node allows something, or may."""
    if PolicyType.SCP not in organization.policy_types or not organization.knows(node.id, PolicyType.SCP):
        return True
    documents = (organization.policies[each].document for each in node.scps)
    return any(statement.effect is Effect.ALLOW for document in documents for statement in document.statements)


def _newly_deniable(current: Organization, proposed: Organization, account: str) -> Matcher | None:
    """Tells which actions (in lower case) the proposal may newly deny to or in an account; `None` if none at all.

    A Deny that stands above the account today denies today what it would deny then, wherever it stands: only the
    statements of policies that are new there count, unless a level may lose an Allow.
    """
    if current.account(account) is None:
        return _any_action
    denying: list[Matcher] = []
    for side in PolicyType:
        before, after = levels(current, account, side), levels(proposed, account, side)
        if before == after:
            continue
        if side is PolicyType.SCP and not all(any(_allows_as_much(new, old) for old in before) for new in after):
            return _any_action
        known = [document for level in before for document in level.documents]
        added = [document for level in after for document in level.documents if document not in known]
        denying += [
            action_matcher(each) for document in added for each in document.statements if each.effect is Effect.DENY
        ]
    return (lambda action: any(matches(action) for matches in denying)) if denying else None


def _any_action(_action: str) -> bool:
    return True


def _allows_as_much(new: Level, old: Level) -> bool:
    """Whether a level surely allows what another one does: it has its policies with an Allow, known or not."""
    if new.complete and not old.complete:
        return False
    return all(
        document in new.documents
        for document in old.documents
        if any(statement.effect is Effect.ALLOW for statement in document.statements)
    )


def _count(accounts: tuple[str, ...]) -> str:
    if not accounts:
        return "every account"
    return f"account {accounts[0]}" if len(accounts) == 1 else f"{len(accounts)} accounts"
