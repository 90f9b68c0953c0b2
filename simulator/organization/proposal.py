"""A proposed change and what it makes of an organization: `apply` is pure, `current` + proposal = `proposed`.

Every name in a proposal means the organization as it is now; the order of the entries has no meaning. What AWS
Organizations would refuse is an error that names the file and line to mend.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from simulator.errors import OrgsimError
from simulator.organization.additions import NewUnit, turn_on, with_units
from simulator.organization.reference import Reference
from simulator.organization.tree import (
    FULL_ACCESS,
    Node,
    NodeKind,
    Organization,
    Policy,
)
from simulator.policy.document import PolicyDocument, PolicyType
from simulator.policy.printer import print_policy
from simulator.policy.quotas import QUOTAS, policy_size

MANIFEST_MEMBERS: Final = ("policies", "detach", "move")
"""What proposal.yaml may hold."""

POLICY_TYPE_NAMES: Final[Mapping[str, PolicyType]] = {
    **{each.value: each for each in PolicyType},
    **{each.side: each for each in PolicyType},
    **{each.name: each for each in PolicyType},
}
"""How people name the policy types: by the API's name, or `scp` and `rcp`."""


class ProposedPolicy(msgspec.Struct, frozen=True):
    """A policy that the proposal adds, edits (it has the name of a current policy of its type) or puts in the place
    of another one (`replaces`).

    `attach` is empty where the proposal does not say; `default_attach` then tells where a policy goes that neither
    edits nor replaces one. With `attach_only`, `attach` is the whole list: the policy leaves all other nodes. `edits`
    names the current policy that this one is, which may have had another name. `needs_place`: a new policy that is
    attached nowhere is a mistake. `place` is where the proposal speaks of the policy.
    """

    name: str
    type: PolicyType
    document: PolicyDocument
    attach: tuple[Reference, ...] = ()
    replaces: Reference | None = None
    default_attach: tuple[Reference, ...] = ()
    place: Reference | None = None
    edits: Reference | None = None
    attach_only: bool = False
    needs_place: bool = True


class Attachment(msgspec.Struct, frozen=True):
    """A current policy that is also attached elsewhere."""

    policy: Reference
    targets: tuple[Reference, ...]


class Detachment(msgspec.Struct, frozen=True):
    """A current policy that is detached from some nodes; `if_needed`: where it is not attached, nothing is wrong."""

    policy: Reference
    targets: tuple[Reference, ...]
    if_needed: bool = False


class Move(msgspec.Struct, frozen=True):
    """An account that moves to another unit, or to the root; `if_needed`: unless it is there already, or is new."""

    account: Reference
    to: Reference
    if_needed: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would change. `removals` are current policies that are deleted, which must not be attached any more.

    `notes` are remarks for people from reading it (files left aside, for example).
    """

    policies: tuple[ProposedPolicy, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    detachments: tuple[Detachment, ...] = ()
    moves: tuple[Move, ...] = ()
    notes: tuple[str, ...] = ()
    removals: tuple[Reference, ...] = ()
    units: tuple[NewUnit, ...] = ()


def apply(proposal: Proposal, organization: Organization) -> Organization:
    """The organization as the proposal would make it.

    Raises `OrgsimError` (file and line of the entry) for unknown or ambiguous names, a policy attached twice to one
    node, breached quotas, and what AWS refuses: detaching the last SCP of a node, detaching or editing a policy that
    AWS made, moving anything but an account. A proposal that uses a policy type that is off turns it on.
    """
    return _Change(proposal, organization).result()


def notes(proposal: Proposal, organization: Organization) -> tuple[str, ...]:
    """What a reader of the report should know about how the proposal was read; deterministic, for people."""
    off = (each.side.upper() for each in _types_to_turn_on(proposal, organization))
    found = [*proposal.notes, *(f"{kind}s are off in this organization; simulated as if turned on" for kind in off)]
    after, ids = with_units(organization, proposal.units)
    for policy in proposal.policies:
        current = _edited(policy, organization)
        if current is not None:
            places = ", ".join(organization.full_path(node.id) for node in organization.attachments(current.id))
            kept = f"keeps its attachments: {places}" if places else "it is attached nowhere now"
            if policy.attach_only:
                nodes = {after.node(ids.get(each.text, each.text)).id for each in policy.attach}
                wanted = ", ".join(after.full_path(node) for node in after.nodes if node in nodes)
                if wanted != places:
                    kept = f"it is attached to {places or 'nothing'} now, and to {wanted or 'nothing'} as proposed"
                elif print_policy(policy.document) == print_policy(current.document):
                    continue
            found.append(f"`{policy.name}` edits the current policy {current.id}; {kept}")
        elif not (policy.attach or policy.default_attach or policy.replaces or policy.needs_place):
            found.append(f"the new policy `{policy.name}` is attached nowhere")
    if organization.assumed:
        return tuple(found)
    created = (each for each in ids.values() if each not in organization.nodes)
    found += [f"the unit `{after.full_path(each)}` is not in the snapshot and is taken as new" for each in created]
    new = (each for each in proposal.moves if each.if_needed and not _has_account(organization, each.account.text))
    found += [f"the account `{each.account}` is not in the snapshot and is not moved to `{each.to}`" for each in new]
    return tuple(found)


def _edited(policy: ProposedPolicy, organization: Organization) -> Policy | None:
    """The current policy that is meant: the one named by `edits`, else the one of this type and name.

    AWS keeps names unique, so a proposal can only mean that one.
    """
    if policy.edits is not None:
        return organization.policy(policy.edits.text, file=policy.edits.file, line=policy.edits.line)
    same = (each for each in organization.policies.values() if each.type is policy.type and each.name == policy.name)
    return next(same, None)


def _types_to_turn_on(proposal: Proposal, organization: Organization) -> tuple[PolicyType, ...]:
    wanted = {policy.type for policy in proposal.policies}
    for attachment in proposal.attachments:
        wanted.update(policy.type for policy in organization.policies_named(attachment.policy.text))
    return tuple(each for each in PolicyType if each in wanted - organization.policy_types)


class _Change:
    """One application of a proposal: collects the new attachments, then checks the whole."""

    def __init__(self, proposal: Proposal, organization: Organization) -> None:
        self.proposal = proposal
        organization = turn_on(organization, _types_to_turn_on(proposal, organization))
        self.before, self.units = with_units(organization, proposal.units)
        self.nodes = dict(self.before.nodes)
        self.policies = dict(self.before.policies)
        self.removed: dict[tuple[str, PolicyType], Reference] = {}
        self.added: dict[tuple[str, PolicyType], Reference] = {}
        self.detached: dict[tuple[str, str], Reference] = {}
        self.attached: dict[tuple[str, str], Reference] = {}

    def result(self) -> Organization:
        for detachment in self.proposal.detachments:
            self.detach(detachment)
        names: dict[tuple[PolicyType, str], ProposedPolicy] = {}
        for policy in self.proposal.policies:
            twin = names.setdefault((policy.type, policy.name), policy)
            if twin is not policy:
                first = f" (first on line {twin.place.line})" if twin.place and twin.place.line else ""
                message = f"two proposed {policy.type.side.upper()}s are named `{policy.name}`{first}"
                raise _error("proposal-duplicate-name", message, policy.place, "AWS keeps policy names unique")
            self.propose(policy)
        for attachment in self.proposal.attachments:
            current = self.find_policy(attachment.policy)
            for target in attachment.targets:
                self.attach(current, self.find_node(target), target)
        self.move()
        self.check()
        return replace(self.before, nodes=self.nodes, policies=self.policies)

    # Names

    def find_node(self, target: Reference) -> Node:
        node = self.before.node(self.units.get(target.text, target.text), file=target.file, line=target.line)
        return self.nodes.setdefault(node.id, node)  # without a snapshot, naming an account makes it known

    def find_policy(self, name: Reference, policy_type: PolicyType | None = None) -> Policy:
        found = self.before.policies_named(name.text)
        of_type = [policy for policy in found if policy.type is policy_type]
        if policy_type is not None and len(of_type) == 1:
            return of_type[0]
        return self.before.policy(name.text, file=name.file, line=name.line)

    # Detaching

    def detach(self, detachment: Detachment) -> None:
        policy = self.find_policy(detachment.policy)
        for target in detachment.targets:
            node = self.find_node(target)
            if (node.id, policy.id) in self.detached:
                message = f"`{policy.name}` is detached from `{target}` twice"
                raise _error("proposal-double-detachment", message, target, "remove one")
            self.detached[node.id, policy.id] = target
            if not detachment.if_needed or policy.id in node.attached(policy.type):
                self.remove(policy, node, target, f"`{policy.name}` is not attached to `{target}`")

    def remove(self, policy: Policy, node: Node, place: Reference, otherwise: str) -> None:
        """Take a policy off a node; where the snapshot does not list the node's policies it may be there unseen."""
        if policy.id == FULL_ACCESS[PolicyType.RCP]:
            message = "RCPFullAWSAccess cannot be detached or replaced"
            raise _error("proposal-not-detachable", message, place, "AWS keeps it attached to every node; leave it out")
        ids = self.nodes[node.id].attached(policy.type)
        if policy.id in ids:
            self.set_attached(node.id, policy.type, (each for each in ids if each != policy.id))
            self.removed[node.id, policy.type] = place
        elif self.before.knows(node.id, policy.type):
            where = ", ".join(self.before.full_path(each.id) for each in self.before.attachments(policy.id))
            hint = f"it is attached to: {where}" if where else "it is attached nowhere"
            raise _error("proposal-not-attached", otherwise, place, hint)

    # Adding, editing, replacing

    def propose(self, proposed: ProposedPolicy) -> None:
        self.check_size(proposed)
        current = _edited(proposed, self.before)
        if current is not None and current.aws_managed:
            message = f"`{current.name}` is a policy of AWS and cannot be edited"
            raise _error("proposal-immutable", message, proposed.place, "give the new policy another name")
        policy_id = current.id if current else f"proposed:{proposed.type.side}/{proposed.name}"
        policy = Policy(policy_id, proposed.name, proposed.type, proposed.document)
        self.policies[policy.id] = policy
        for target in self.targets(proposed, policy, current):
            self.attach(policy, self.find_node(target), target)
        if proposed.attach_only and current is not None:
            for node in self.before.attachments(current.id):
                if (node.id, policy.id) not in self.attached:
                    self.remove(policy, node, proposed.place or Reference(proposed.name), "")

    def targets(self, proposed: ProposedPolicy, policy: Policy, current: Policy | None) -> tuple[Reference, ...]:
        """Where the policy is to be attached beside the places it has or takes over."""
        if proposed.replaces is not None:
            replaced = self.find_policy(proposed.replaces, proposed.type)
            if replaced.id != policy.id:  # a policy that replaces itself is an edit
                self.take_place(policy, replaced, proposed.attach, proposed.replaces)
                return proposed.attach
        if proposed.attach or not proposed.needs_place or (current and self.before.attachments(current.id)):
            return proposed.attach
        if proposed.default_attach:
            return proposed.default_attach
        message = f"the proposal does not say where `{policy.name}` is attached"
        raise _error("proposal-no-target", message, proposed.place, "add `attach:`, for example `attach: Root`")

    def take_place(self, policy: Policy, replaced: Policy, attach: tuple[Reference, ...], place: Reference) -> None:
        """Take `replaced` off where `policy` comes: everywhere (and attach `policy` there), or at the nodes named."""
        if replaced.type is not policy.type:
            message = f"`{place}` is an {replaced.type.side.upper()}, `{policy.name}` an {policy.type.side.upper()}"
            raise _error("proposal-type", message, place, "a policy can replace only one of its own type")
        stands = list(self.before.attachments(replaced.id))
        left = [node for node in stands if (node.id, replaced.id) not in self.detached]
        wanted = [self.find_node(target).id for target in attach] or [node.id for node in left]
        nodes = [node for node in left if node.id in wanted]
        # Nothing to take over is a mistake, unless `detach` does it or the snapshot does not show what stands there.
        if not nodes and left == stands and all(self.before.knows(node, policy.type) for node in wanted):
            where = ", ".join(self.before.full_path(node.id) for node in stands)
            message = f"`{replaced.name}` is not attached where `{policy.name}` should replace it"
            hint = f"it is attached to {where}; `detach` takes it off there" if where else "it is attached nowhere"
            raise _error("proposal-not-attached", message, place, hint)
        for node in nodes:
            if not attach:
                self.attach(policy, node, place)
            if replaced.id in self.nodes[node.id].attached(replaced.type):  # another entry may have replaced it, too
                self.remove(replaced, node, place, "")

    def attach(self, policy: Policy, node: Node, place: Reference) -> None:
        key = node.id, policy.id
        if key in self.attached:
            message = f"`{policy.name}` is attached to `{self.before.full_path(node.id)}` ({node.id}) twice"
            raise _error("proposal-double-attachment", message, place, "remove one")
        if key in self.detached:
            message = f"`{policy.name}` is both attached to `{place}` and detached from it"
            raise _error("proposal-contradiction", message, place, "decide for one")
        self.attached[key] = place
        ids = self.nodes[node.id].attached(policy.type)
        if policy.id not in ids:
            self.set_attached(node.id, policy.type, (*ids, policy.id))
            self.added[node.id, policy.type] = place

    def set_attached(self, node_id: str, policy_type: PolicyType, ids: Iterable[str]) -> None:
        self.nodes[node_id] = self.nodes[node_id].with_attached(policy_type, ids)

    # Moving

    def move(self) -> None:
        moved: dict[str, Reference] = {}
        for move in self.proposal.moves:
            if move.if_needed and not _has_account(self.before, move.account.text):
                continue
            node, to = self.find_node(move.account), self.find_node(move.to)
            if node.kind is not NodeKind.ACCOUNT:
                message = f"`{move.account}` is not an account"
                raise _error("proposal-move", message, move.account, "AWS moves accounts only, never units")
            if to.kind is NodeKind.ACCOUNT:
                raise _error("proposal-move", f"`{move.to}` is an account", move.to, "name a unit or `Root`")
            if node.id in moved:
                raise _error("proposal-move", f"`{move.account}` is moved twice", move.account, "decide for one place")
            if node.parent == to.id and move.if_needed:
                continue
            if node.parent == to.id:
                raise _error("proposal-move", f"`{move.account}` is already in `{move.to}`", move.account, "remove it")
            moved[node.id] = move.account
            # Parents stand before their children: the account goes to the end.
            self.nodes[node.id] = replace(self.nodes.pop(node.id), parent=to.id)

    # What AWS refuses

    def check_size(self, proposed: ProposedPolicy) -> None:
        size, most = policy_size(proposed.document), QUOTAS[proposed.type].characters
        if size > most:
            kind = proposed.type.side.upper()
            message = f"the {kind} `{proposed.name}` has {size:,} characters; AWS takes at most {most:,}"
            document = proposed.document
            place = Reference(proposed.name, document.file, document.span.line)
            raise _error("policy-too-large", message, place, "shorten it, or split it in two")

    def check(self) -> None:
        for removal in self.proposal.removals:
            policy = self.find_policy(removal)
            left = [node.id for node in self.nodes.values() if policy.id in node.attached(policy.type)]
            if left:
                where = ", ".join(self.before.full_path(node) for node in left)
                message = f"`{policy.name}` is deleted but still attached to {where}, which AWS refuses"
                raise _error("proposal-still-attached", message, removal, "detach it there, too")
            del self.policies[policy.id]
        for (node_id, policy_type), place in self.added.items():
            count, most = len(self.nodes[node_id].attached(policy_type)), QUOTAS[policy_type].attached_to_one_node
            if count > most:
                counted = ", RCPFullAWSAccess counted" if policy_type is PolicyType.RCP else ""
                message = (
                    f"`{self.before.full_path(node_id)}` would have {count} {policy_type.side.upper()}s{counted}; "
                    f"AWS takes at most {most}"
                )
                raise _error("too-many-attached", message, place, "merge policies, or attach one to another level")
        for (node_id, policy_type), place in self.removed.items():
            if self.before.knows(node_id, policy_type) and not self.nodes[node_id].attached(policy_type):
                message = f"`{self.before.full_path(node_id)}` would be left without any SCP, which AWS refuses"
                raise _error("proposal-last-scp", message, place, "attach another SCP there, FullAWSAccess for one")


def _has_account(organization: Organization, name: str) -> bool:
    """Whether there is an account of this id or name."""
    return any(name in (account.id, account.name) for account in organization.accounts)


def _error(code: str, message: str, place: Reference | None, hint: str = "") -> OrgsimError:
    file, line = (place.file, place.line) if place else (None, None)
    return OrgsimError(code, message, hint=hint, file=file, line=line)
