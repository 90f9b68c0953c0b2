"""The organization snapshot `orgsim/organization/1`: text to `Organization` and back.

The format is described in docs/snapshot.md and organization.schema.json. Unknown fields are ignored, so that newer
snapshots stay readable; wrong shapes are errors that name the field and its line. What the snapshot says it lacks
(`incomplete`) is unknown, never empty. Policies keep the lines they have in the snapshot file.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from simulator.decision.facts import Facts
from simulator.errors import OrgsimError
from simulator.organization.snapshot_reader import SCHEMA, read_snapshot
from simulator.organization.tree import FULL_ACCESS_POLICIES, Node, NodeKind, Organization
from simulator.policy.document import PolicyType


def parse_organization(text: str, file: str | None = None) -> Organization:
    """Read a snapshot.

    `file` is the name used in messages and kept in the policies' places. Raises `OrgsimError` for what cannot be
    meant: another schema, wrong shapes, an id twice, a policy that is not listed; `PolicyError` for a policy that
    does not parse, with its line in this file.
    """
    return read_snapshot(text, file)


def facts(organization: Organization) -> Facts:
    """What the organization tells about condition keys, for the cloudtrail floor."""
    paths = ((node.id, organization.org_path(node.id)) for node in organization.accounts)
    return Facts(
        organization_id=organization.id,
        management_account=organization.management_account,
        org_paths={account: path for account, path in paths if path is not None},
        principal_tags=organization.principal_tags,
        resource_tags=organization.resource_tags,
        resource_accounts=organization.resource_accounts,
        assume_members=organization.assumed,
    )


def dump_organization(organization: Organization) -> str:
    """The snapshot of an organization: JSON that `parse_organization` reads back, the same bytes for the same value.

    Raises `OrgsimError` for the organization assumed where no snapshot was given: it has no id to write.
    """
    if organization.id is None or organization.management_account is None:
        raise OrgsimError("snapshot-assumed", "an organization assumed without a snapshot cannot be written as one")
    below: dict[str, list[Node]] = {}
    for node in organization.nodes.values():
        below.setdefault(node.parent or "", []).append(node)
    managed = FULL_ACCESS_POLICIES
    policies = sorted((each for each in organization.policies.values() if each.id not in managed), key=lambda p: p.id)
    snapshot: dict[str, Any] = {
        "schema": SCHEMA,
        "id": organization.id,
        "management_account": organization.management_account,
        "policy_types": [each.value for each in PolicyType if each in organization.policy_types],
        "root": _node_json(organization.root, below),
        "policies": {
            each.id: {"name": each.name, "type": each.type.value, "document": document_json(each.document.text)}
            for each in policies
        },
    }
    optional = {
        "delegated_administrators": [
            {"account": each.account, "services": list(each.services)} for each in organization.delegated_administrators
        ],
        "principal_tags": {arn: _sorted(tags) for arn, tags in sorted(organization.principal_tags.items())},
        "resource_tags": {arn: _sorted(tags) for arn, tags in sorted(organization.resource_tags.items())},
        "resource_accounts": _sorted(organization.resource_accounts),
        "incomplete": [
            {"what": gap.value, "node": node}
            for gap, node in sorted(organization.gaps, key=lambda row: (row[1], row[0].value))
        ],
    }
    snapshot.update((name, value) for name, value in optional.items() if value)
    return snapshot_text(snapshot)


def snapshot_text(snapshot: Mapping[str, Any]) -> str:
    """The text of a snapshot whose fields are put together already."""
    text = json.dumps(snapshot, indent=2, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        text = json.dumps(snapshot, indent=2)  # half a surrogate pair can be written only as an escape
    return text + "\n"


def _node_json(node: Node, below: Mapping[str, list[Node]]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": node.id, "name": node.name}
    if node.status is not None:
        row["status"] = node.status
    row["policies"] = [*node.scps, *node.rcps]
    if node.kind is not NodeKind.ACCOUNT:
        children = below.get(node.id, [])
        row["accounts"] = [_node_json(each, below) for each in children if each.kind is NodeKind.ACCOUNT]
        row["units"] = [_node_json(each, below) for each in children if each.kind is NodeKind.UNIT]
    return row


def _sorted(table: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(table.items()))


def document_json(text: str) -> Any:
    """A policy's text as JSON values. A number that Python would rewrite stays as the text it was written as."""
    return json.loads(text.lstrip("\ufeff"), parse_int=_integer, parse_float=_decimal)


def _integer(text: str) -> int | str:
    return int(text) if len(text) < 20 and str(int(text)) == text else text


def _decimal(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) and repr(value) == text else text
