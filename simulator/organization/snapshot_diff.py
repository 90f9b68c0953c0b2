"""What changed between two snapshots of an organization, in words.

What either snapshot lacks is not compared: an attachment that could not be read was not removed.
"""

from collections.abc import Iterator, Mapping

from simulator.organization.snapshot import document_json
from simulator.organization.tree import Gap, Node, NodeKind, Organization, Policy
from simulator.policy.document import PolicyType


def differences(old: Organization, new: Organization) -> list[str]:
    """One sentence for each change; empty if the two say the same."""
    return [
        *_identity(old, new),
        *_types(old, new),
        *_nodes(old, new),
        *_policies(old, new),
        *_attachments(old, new),
        *_delegations(old, new),
        *_tables(old, new),
    ]


def _identity(old: Organization, new: Organization) -> Iterator[str]:
    if old.id != new.id:
        yield f"these are two organizations: {old.id} and {new.id}"
    elif old.management_account != new.management_account:
        yield f"the management account was {old.management_account}, now it is {new.management_account}"


def _types(old: Organization, new: Organization) -> Iterator[str]:
    for each in PolicyType:
        before, after = each in old.policy_types, each in new.policy_types
        if before != after:
            yield f"{each.side.upper()}s were turned {'on' if after else 'off'}"


def _nodes(old: Organization, new: Organization) -> Iterator[str]:
    for node in new.nodes.values():
        before = old.nodes.get(node.id)
        if before is None and not old.may_lack_accounts:
            yield f"{_kind(node)} {_label(node)} was added under {_above(new, node)}"
        elif before is not None:
            yield from _changed_node(old, new, before, node)
    if not new.may_lack_accounts:
        for node in old.nodes.values():
            if node.id not in new.nodes:
                yield f"{_kind(node)} {_label(node)} was removed; it stood under {_above(old, node)}"


def _changed_node(old: Organization, new: Organization, before: Node, node: Node) -> Iterator[str]:
    if before.name != node.name:
        yield f"{_kind(node)} {node.id} was renamed from {before.name} to {node.name}"
    if before.parent != node.parent:
        yield f"{_kind(node)} {_label(node)} was moved from {_above(old, before)} to {_above(new, node)}"
    if before.status != node.status and before.status and node.status:
        yield f"{_kind(node)} {_label(node)} was {before.status}, now it is {node.status}"


def _policies(old: Organization, new: Organization) -> Iterator[str]:
    for policy in new.policies.values():
        before = old.policies.get(policy.id)
        if before is None:
            if not _lacks(old, policy.type):
                yield f"{_policy(policy)} was created"
            continue
        if before.name != policy.name:
            yield f"{policy.type.side.upper()} {policy.id} was renamed from {before.name} to {policy.name}"
        if document_json(before.document.text) != document_json(policy.document.text):
            yield f"{_policy(policy)} was edited"
    for policy in old.policies.values():
        if policy.id not in new.policies and not _lacks(new, policy.type):
            yield f"{_policy(policy)} was deleted"


def _attachments(old: Organization, new: Organization) -> Iterator[str]:
    for node in new.nodes.values():
        before = old.nodes.get(node.id)
        if before is None:
            continue
        for each in PolicyType:
            if not (old.knows(node.id, each) and new.knows(node.id, each)):
                continue
            # What came or went with its type is told once, above.
            if each not in old.policy_types or each not in new.policy_types:
                continue
            then, now = before.attached(each), node.attached(each)
            for policy in (one for one in now if one not in then):
                yield f"{_policy(new.policies[policy])} was attached to {_label(node)}"
            for policy in (one for one in then if one not in now):
                yield f"{_policy(old.policies[policy])} was detached from {_label(node)}"


def _delegations(old: Organization, new: Organization) -> Iterator[str]:
    before = {(each.account, service) for each in old.delegated_administrators for service in each.services}
    after = {(each.account, service) for each in new.delegated_administrators for service in each.services}
    for account, service in sorted(after - before):
        yield f"account {account} became a delegated administrator of {service}"
    for account, service in sorted(before - after):
        yield f"account {account} is no longer a delegated administrator of {service}"


def _tables(old: Organization, new: Organization) -> Iterator[str]:
    tables: tuple[tuple[str, Mapping[str, object], Mapping[str, object]], ...] = (
        ("tags of principals", old.principal_tags, new.principal_tags),
        ("tags of resources", old.resource_tags, new.resource_tags),
        ("owners of resources", old.resource_accounts, new.resource_accounts),
    )
    for what, before, after in tables:
        counts = {
            "added": len(after.keys() - before.keys()),
            "removed": len(before.keys() - after.keys()),
            "changed": sum(before[key] != after[key] for key in before.keys() & after.keys()),
        }
        if any(counts.values()):
            yield f"{what}: " + ", ".join(f"{count:,} {how}" for how, count in counts.items() if count)


def _lacks(organization: Organization, policy_type: PolicyType) -> bool:
    """Whether the snapshot lacks something of this type: a policy that it does not list may exist."""
    return any(gap is Gap(policy_type.value) for gap, _ in organization.gaps)


def _kind(node: Node) -> str:
    return {NodeKind.ROOT: "root", NodeKind.UNIT: "unit", NodeKind.ACCOUNT: "account"}[node.kind]


def _label(node: Node) -> str:
    return node.name if node.name == node.id else f"{node.name} ({node.id})"


def _above(organization: Organization, node: Node) -> str:
    return organization.full_path(node.parent) if node.parent is not None else "nothing"


def _policy(policy: Policy) -> str:
    return f"{policy.type.side.upper()} {policy.name} ({policy.id})"
