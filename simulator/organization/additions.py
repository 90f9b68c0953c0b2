"""What an organization gains when a policy type is turned on or a unit is created: nodes with full access attached.

Source: AWS Organizations User Guide, orgs_manage_policies_enable-disable.
"""

from dataclasses import dataclass, replace

from simulator.errors import OrgsimError
from simulator.organization.reference import Reference
from simulator.organization.tree import FULL_ACCESS, Gap, Node, NodeKind, Organization
from simulator.policy.document import PolicyType


@dataclass(frozen=True, slots=True)
class NewUnit:
    """An organizational unit that is created; `if_needed`: unless it exists. Targets can name it by `id`."""

    id: str
    name: Reference
    parent: Reference
    if_needed: bool = False


def turn_on(organization: Organization, types: tuple[PolicyType, ...]) -> Organization:
    """The organization with more policy types on: AWS then attaches the full-access policy to every node."""
    nodes = dict(organization.nodes)
    for policy_type in types:
        nodes = {key: node.with_attached(policy_type, (FULL_ACCESS[policy_type],)) for key, node in nodes.items()}
    return replace(organization, nodes=nodes, policy_types=organization.policy_types | frozenset(types))


def with_units(organization: Organization, units: tuple[NewUnit, ...]) -> tuple[Organization, dict[str, str]]:
    """The organization with new, empty units, and the node of each by the id that the proposal gives it.

    AWS attaches the full-access policies of the types that are on. Parents may come after their children.
    """
    ids: dict[str, str] = {}
    waiting = list(units)
    while waiting:
        open_ids = {unit.id for unit in waiting}
        unit = next((each for each in waiting if each.parent.text not in open_ids), None)
        if unit is None:
            raise _error("these units hold each other", waiting[0].name, "a unit has one parent")
        waiting.remove(unit)
        above = ids.get(unit.parent.text, unit.parent.text)
        if unit.if_needed and organization.assumed:
            continue  # without a snapshot nobody knows whether it exists: naming it is an error
        parent = organization.node(above, file=unit.parent.file, line=unit.parent.line)
        if parent.kind is NodeKind.ACCOUNT:
            raise _error(f"`{parent.name}` is an account", unit.parent, "a unit is created in a unit")
        units_there = (each for each in organization.children(parent.id) if each.kind is NodeKind.UNIT)
        twin = next((each for each in units_there if each.name == unit.name.text), None)
        if twin is not None and not unit.if_needed:
            message = f"`{organization.full_path(parent.id)}` has a unit `{unit.name}` already"
            raise _error(message, unit.name, "take a newer snapshot, or give another name")
        if twin is None and unit.if_needed and (Gap.CHILDREN, parent.id) in organization.gaps:
            continue
        ids[unit.id] = twin.id if twin else f"proposed:unit/{unit.id}"
        if twin is None:
            node = Node(ids[unit.id], unit.name.text, NodeKind.UNIT, parent.id)
            for policy_type in PolicyType:
                if policy_type in organization.policy_types:
                    node = node.with_attached(policy_type, (FULL_ACCESS[policy_type],))
            organization = replace(organization, nodes={**organization.nodes, node.id: node})
    return organization, ids


def _error(message: str, place: Reference, hint: str) -> OrgsimError:
    return OrgsimError("proposal-unit", message, hint=hint, file=place.file, line=place.line)
