"""The organization as a value: root, units and accounts, the policies, and which policy is attached where.

It knows nothing of files or of AWS clients. Look-ups name a node by its id, its name, or its path below the root.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

import msgspec

from simulator.errors import OrgsimError
from simulator.iam.arn import is_account_id
from simulator.policy.document import PolicyDocument, PolicyType
from simulator.policy.parser import parse_policy

ROOT_NAME: Final = "Root"
"""The reserved word for the root of the tree; it always means the root."""

FULL_ACCESS: Final[Mapping[PolicyType, str]] = {
    PolicyType.SCP: "p-FullAWSAccess",
    PolicyType.RCP: "p-RCPFullAWSAccess",
}
"""The policies AWS made, by type: attached to every node when the type is turned on."""

ASSUMED_ROOT_ID: Final = "r-assumed"


class NodeKind(Enum):
    """What a node of the tree is."""

    ROOT = "root"
    UNIT = "unit"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Node:
    """The root, an organizational unit or an account, with the ids of the policies attached to it.

    `rcps` always holds `p-RCPFullAWSAccess` while RCPs are on: it cannot be detached (AWS Organizations User Guide,
    orgs_manage_policies_rcps). `status` is an account's, as AWS says it (`ACTIVE`, `SUSPENDED`, ...).
    """

    id: str
    name: str
    kind: NodeKind
    parent: str | None
    scps: tuple[str, ...] = ()
    rcps: tuple[str, ...] = ()
    status: str | None = None

    def attached(self, policy_type: PolicyType) -> tuple[str, ...]:
        """The ids of the attached policies of one type, in the order of the snapshot."""
        return self.scps if policy_type is PolicyType.SCP else self.rcps

    def with_attached(self, policy_type: PolicyType, policies: Iterable[str]) -> "Node":
        """The same node with other policies of one type."""
        ids = tuple(policies)
        return replace(self, scps=ids) if policy_type is PolicyType.SCP else replace(self, rcps=ids)


class Policy(msgspec.Struct, frozen=True):
    """One SCP or RCP. `name` is its identity in reports; `id` is AWS's, or made up for a proposed policy."""

    id: str
    name: str
    type: PolicyType
    document: PolicyDocument

    @property
    def aws_managed(self) -> bool:
        """Whether AWS made it (FullAWSAccess, RCPFullAWSAccess): it can be neither edited nor deleted."""
        return self.id == FULL_ACCESS[self.type]


def _full_access(policy_type: PolicyType) -> Policy:
    principal = '"Principal": "*", ' if policy_type is PolicyType.RCP else ""
    statement = f'{{"Effect": "Allow", {principal}"Action": "*", "Resource": "*"}}'
    text = f'{{"Version": "2012-10-17", "Statement": [{statement}]}}'
    policy_id = FULL_ACCESS[policy_type]
    return Policy(policy_id, policy_id.removeprefix("p-"), policy_type, parse_policy(text))


FULL_ACCESS_POLICIES: Final[Mapping[str, Policy]] = {
    policy.id: policy for policy in (_full_access(PolicyType.SCP), _full_access(PolicyType.RCP))
}


class Gap(Enum):
    """What a snapshot can lack at a node."""

    SCPS = "SERVICE_CONTROL_POLICY"
    RCPS = "RESOURCE_CONTROL_POLICY"
    CHILDREN = "children"


class Delegation(msgspec.Struct, frozen=True):
    """An account that administers services for the organization; SCPs still govern it."""

    account: str
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Organization:
    """The tree, the policies and what else the snapshot tells.

    `nodes` holds every node by id, the root first and parents before their children. `policies` holds the full-access
    policies too. `policy_types` are the types that are turned on: a type that is off governs nothing. `gaps` says
    which nodes' attachments or children the snapshot lacks: unknown, not empty. `assumed`: no snapshot was given, any
    account is taken as a member directly under the root, and `id` and `management_account` are not known.
    """

    id: str | None
    management_account: str | None
    nodes: Mapping[str, Node]
    policies: Mapping[str, Policy] = field(default_factory=lambda: dict(FULL_ACCESS_POLICIES))
    policy_types: frozenset[PolicyType] = frozenset(PolicyType)
    principal_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    resource_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    resource_accounts: Mapping[str, str] = field(default_factory=dict)
    delegated_administrators: tuple[Delegation, ...] = ()
    gaps: frozenset[tuple[Gap, str]] = frozenset()
    assumed: bool = False

    # Nodes

    @property
    def root(self) -> Node:
        """The root of the tree."""
        return next(iter(self.nodes.values()))

    @property
    def accounts(self) -> tuple[Node, ...]:
        """Every account, in the order of the tree."""
        return tuple(node for node in self.nodes.values() if node.kind is NodeKind.ACCOUNT)

    def account(self, account: str) -> Node | None:
        """The account with this id; `None` if it is not in the tree. Where no snapshot was given, any account is."""
        node = self.nodes.get(account)
        if node is not None:
            return node if node.kind is NodeKind.ACCOUNT else None
        if self.assumed and is_account_id(account):
            return _assumed_account(account)
        return None

    def children(self, node_id: str) -> tuple[Node, ...]:
        """The units and accounts directly below a node."""
        return tuple(node for node in self.nodes.values() if node.parent == node_id)

    def chain(self, account: str) -> tuple[Node, ...]:
        """The nodes whose policies govern an account: root first, the account last.

        Also answers for a unit's id. Raises `OrgsimError` for an id that is not in the tree.
        """
        node = self.nodes.get(account) or self.account(account)
        if node is None:
            raise OrgsimError("unknown-account", f"account `{account}` is not in the organization")
        chain = [node]
        while node.parent is not None:
            node = self.nodes[node.parent]
            chain.append(node)
        return tuple(reversed(chain))

    def path(self, node_id: str) -> str:
        """The place of a node for people: a unit's path below the root, an account's unit; `Root` for the root.

        >>> organization.path("111122223333")  # doctest: +SKIP
        'Workloads/Prod'
        """
        names = [node.name for node in self.chain(node_id) if node.kind is NodeKind.UNIT]
        return "/".join(names) or ROOT_NAME

    def full_path(self, node_id: str) -> str:
        """The names below the root, an account's own name included: `Workloads/Prod/shop`; `Root` for the root."""
        return "/".join(node.name for node in self.chain(node_id)[1:]) or ROOT_NAME

    def org_path(self, account: str) -> str | None:
        """`o-.../r-.../ou-.../`, what aws:PrincipalOrgPaths holds; `None` where the organization's id is not known.

        Source: AWS IAM User Guide, reference_policies_condition-keys, aws:PrincipalOrgPaths.
        """
        if self.id is None:
            return None
        above = (node.id for node in self.chain(account) if node.kind is not NodeKind.ACCOUNT)
        return "/".join((self.id, *above)) + "/"

    # Naming nodes and policies

    def node(self, target: str, *, file: str | None = None, line: int | None = None) -> Node:
        """The node that `target` names: an id, `Root`, a name, or a path below the root.

        Raises `OrgsimError` (with `file` and `line`, where the name stands) if nothing or more than one thing has it.
        """
        if target in (self.root.id, ROOT_NAME):
            return self.root
        by_id = self.nodes.get(target) or self.account(target)
        if by_id is not None:
            return by_id
        found = [node for node in self.nodes.values() if node.name == target and node.parent is not None]
        wanted = target.removeprefix(f"{ROOT_NAME}/")
        if "/" in target:
            paths = [node for node in self.nodes.values() if node.parent and self.full_path(node.id) == wanted]
            found.extend(node for node in paths if node not in found)
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(f"{self.full_path(node.id)} ({node.id})" for node in found)
            message = f"`{target}` names {len(found)} nodes: {names}"
            raise OrgsimError("ambiguous-target", message, hint="name it by its id or path", file=file, line=line)
        message = f"there is no root, unit or account `{target}` in the organization"
        raise OrgsimError("unknown-target", message, hint=self._target_hint(target), file=file, line=line)

    def _target_hint(self, target: str) -> str:
        if self.assumed:
            return "without --organization only `Root` and account ids can be named"
        names = [ROOT_NAME]
        for node in self.nodes.values():
            names += [node.id, node.name, self.full_path(node.id)]
        folded = {name.lower(): name for name in reversed(names)}
        close = difflib.get_close_matches(target.lower(), folded, 1)
        if close:
            return f"did you mean `{folded[close[0]]}`?"
        return "name it by its id, its name, or its path below the root, such as `Workloads/Prod`"

    def policies_named(self, name: str) -> tuple[Policy, ...]:
        """The policies with this id, else those with this name (at most one of each type, as AWS keeps it)."""
        if name in self.policies:
            return (self.policies[name],)
        return tuple(policy for policy in self.policies.values() if policy.name == name)

    def policy(self, name: str, *, file: str | None = None, line: int | None = None) -> Policy:
        """The policy with this id or name; `OrgsimError` if there is none, or one of either type."""
        found = self.policies_named(name)
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(f"{policy.id} ({policy.type.value})" for policy in found)
            message = f"`{name}` names {len(found)} policies: {ids}"
            raise OrgsimError("ambiguous-policy", message, hint="name it by its id", file=file, line=line)
        names = [text for policy in self.policies.values() for text in (policy.name, policy.id)]
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean `{close[0]}`?" if close else "name a policy of the snapshot by its id or name"
        if self.assumed:
            hint = "current policies are known only with --organization"
        message = f"there is no policy `{name}` in the organization"
        raise OrgsimError("unknown-policy", message, hint=hint, file=file, line=line)

    def attachments(self, policy_id: str) -> tuple[Node, ...]:
        """The nodes that a policy is attached to, in the order of the tree."""
        return tuple(node for node in self.nodes.values() if policy_id in node.scps or policy_id in node.rcps)

    # What is not known

    def knows(self, node_id: str, policy_type: PolicyType) -> bool:
        """Whether the snapshot tells which policies of this type are attached to the node."""
        return (Gap(policy_type.value), node_id) not in self.gaps

    @property
    def incomplete_nodes(self) -> frozenset[str]:
        """The ids of the nodes about which the snapshot lacks something."""
        return frozenset(node for _, node in self.gaps)

    @property
    def may_lack_accounts(self) -> bool:
        """Whether the snapshot says that it lacks part of the tree: an absent account may then be ours."""
        return any(gap is Gap.CHILDREN for gap, _ in self.gaps)


def without_snapshot(accounts: Iterable[str] = ()) -> Organization:
    """The organization taken where no snapshot is given: accounts directly under one root, nothing restricted yet."""
    root = Node(
        ASSUMED_ROOT_ID,
        ROOT_NAME,
        NodeKind.ROOT,
        None,
        (FULL_ACCESS[PolicyType.SCP],),
        (FULL_ACCESS[PolicyType.RCP],),
    )
    members = {account: _assumed_account(account) for account in sorted(set(accounts))}
    return Organization(id=None, management_account=None, nodes={root.id: root, **members}, assumed=True)


def _assumed_account(account: str) -> Node:
    full = (FULL_ACCESS[PolicyType.SCP],), (FULL_ACCESS[PolicyType.RCP],)
    return Node(account, account, NodeKind.ACCOUNT, ASSUMED_ROOT_ID, *full)
