"""The organization as it is at AWS now: the tree, the guardrails, and what could not be read.

Attachments are asked for by policy, not by node: an organization has thousands of accounts and tens of policies, and
AWS Organizations throttles early. What cannot be read is listed, never taken as empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.errors import OrgsimError
from simulator.organization.snapshot import document_json
from simulator.organization.snapshot_reader import SCHEMA
from simulator.organization.tree import FULL_ACCESS_POLICIES, Gap
from simulator.policy.diagnostic import PolicyError
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy
from simulator.sources.aws.failures import AWS_ERRORS, Failure, failure_of
from simulator.sources.aws.session import Aws

_ENABLED: Final = "ENABLED"


@dataclass(frozen=True, slots=True)
class Missing:
    """A row of the snapshot's `incomplete`: what could not be read, of which node or policy, and why."""

    what: str
    node: str | None
    why: str

    def as_json(self) -> dict[str, str | None]:
        """The row as the snapshot holds it."""
        return {"what": self.what, "node": self.node, "why": self.why}


@dataclass(frozen=True, slots=True)
class LiveOrganization:
    """The fields of a snapshot but for `incomplete`, and what is missing in them."""

    content: Mapping[str, Any]
    missing: tuple[Missing, ...]
    accounts: Mapping[str, str]
    """The status of every account of the tree."""


def read_live_organization(aws: Aws) -> LiveOrganization:
    """Read the organization that the credentials belong to.

    Raises `OrgsimError` where not even its id and its root can be read, or where it changed meanwhile.
    """
    return _Reader(aws).read()


@dataclass(slots=True)
class _Reader:
    """Reads one organization (use it once)."""

    aws: Aws
    missing: list[Missing] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: Failure | None = None

    def read(self) -> LiveOrganization:
        try:
            organization = self.aws.client("organizations").describe_organization()["Organization"]
            root = next(self.aws.items("organizations", "list_roots", "Roots"), None)
        except AWS_ERRORS as error:
            raise failure_of(error).error() from error
        if root is None:
            raise OrgsimError("aws-failed", "AWS shows no root of the organization", hint="try again")
        tree = self.unit(root["Id"], root.get("Name") or root["Id"])
        types = self.types(root.get("PolicyTypes") or ())
        content = {
            "schema": SCHEMA,
            "id": organization["Id"],
            "management_account": organization["MasterAccountId"],
            "policy_types": [each.value for each in types],
            "root": tree,
            "policies": {key: row for each in types for key, row in self.policies(each)},
            "delegated_administrators": self.delegations(),
        }
        return LiveOrganization(content, tuple(self.missing), self.statuses)

    # The tree

    def unit(self, unit_id: str, name: str) -> dict[str, Any]:
        """The root or a unit with all below it; policies are attached later."""
        node: dict[str, Any] = {"id": unit_id, "name": name, "policies": [], "accounts": [], "units": []}
        self.add(node)
        for account in self.ask(Gap.CHILDREN.value, unit_id, "list_accounts_for_parent", "Accounts", ParentId=unit_id):
            # AWS replaces `Status` by `State` (AWS Organizations API Reference, Account).
            status = account.get("State") or account.get("Status") or ""
            row = {"id": account["Id"], "name": account.get("Name") or account["Id"], "status": status, "policies": []}
            self.add(row)
            self.statuses[account["Id"]] = status
            node["accounts"].append(row)
        units = self.ask(
            Gap.CHILDREN.value, unit_id, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=unit_id
        )
        node["units"] = [self.unit(each["Id"], each.get("Name") or each["Id"]) for each in units]
        node["accounts"].sort(key=lambda each: str(each["id"]))
        node["units"].sort(key=lambda each: str(each["id"]))
        return node

    def add(self, node: dict[str, Any]) -> None:
        if node["id"] in self.nodes:
            message = f"{node['id']} moved while the organization was read"
            raise OrgsimError("aws-failed", message, hint="run the same command again")
        self.nodes[node["id"]] = node

    # Policies

    def types(self, rows: Iterable[Mapping[str, str]]) -> list[PolicyType]:
        """The types that are on, or on their way: what governs while AWS switches one is not known."""
        statuses = {row.get("Type"): row.get("Status") for row in rows}
        types = [each for each in PolicyType if each.value in statuses]
        for each in types:
            if (status := statuses[each.value]) != _ENABLED:
                self.missing.append(Missing(each.value, None, f"AWS is switching this policy type: {status}"))
        return types

    def policies(self, policy_type: PolicyType) -> list[tuple[str, dict[str, Any]]]:
        """The policies of one type by id; the nodes learn their attachments."""
        what = policy_type.value
        found = []
        summaries = self.ask(what, None, "list_policies", "Policies", Filter=what)
        # AWS's own policies first, as the console shows them; else by id, so that snapshots compare well.
        for summary in sorted(summaries, key=lambda each: (each["Id"] not in FULL_ACCESS_POLICIES, each["Id"])):
            policy_id = summary["Id"]
            for target in self.ask(what, None, "list_targets_for_policy", "Targets", PolicyId=policy_id):
                node = self.nodes.get(target["TargetId"])
                if node is not None:
                    node["policies"].append(policy_id)
                else:
                    why = f"{policy_id} is attached to {target['TargetId']}, which is not in the tree that was read"
                    self.missing.append(Missing(Gap.CHILDREN.value, None, why))
            if policy_id not in FULL_ACCESS_POLICIES:
                row = {"name": summary.get("Name") or policy_id, "type": what}
                document = self.document(policy_id)
                found.append((policy_id, row if document is None else {**row, "document": document}))
        return found

    def document(self, policy_id: str) -> Any:
        """The content of a policy, `None` if it cannot be had."""
        if self.stopped is None:
            try:
                policy = self.aws.client("organizations").describe_policy(PolicyId=policy_id)["Policy"]
                parse_policy(policy["Content"])
                return document_json(policy["Content"])
            except AWS_ERRORS as error:
                self.failed("document", policy_id, failure_of(error))
            except PolicyError as error:
                self.missing.append(Missing("document", policy_id, f"it cannot be read: {error.message}"))
        else:
            self.failed("document", policy_id, self.stopped)
        return None

    # Delegated administrators

    def delegations(self) -> list[dict[str, Any]]:
        what = "delegated_administrators"
        rows = self.ask(what, None, "list_delegated_administrators", "DelegatedAdministrators")
        found = []
        for account in sorted(str(row["Id"]) for row in rows):
            services = self.ask(
                what, account, "list_delegated_services_for_account", "DelegatedServices", AccountId=account
            )
            names = sorted(str(each["ServicePrincipal"]) for each in services)
            found.append({"account": account, "services": names})
        return found

    # Asking

    def ask(self, what: str, node: str | None, operation: str, key: str, **parameters: str) -> list[Any]:
        """What all pages hold; if they break off, what there was until then, and a row of `missing`."""
        found: list[Any] = []
        if self.stopped is not None:
            self.failed(what, node, self.stopped)
            return found
        try:
            found.extend(self.aws.items("organizations", operation, key, **parameters))
        except AWS_ERRORS as error:
            self.failed(what, node, failure_of(error))
        return found

    def failed(self, what: str, node: str | None, failure: Failure) -> None:
        if failure.final:
            self.stopped = failure
        row = Missing(what, node, failure.text)
        if row not in self.missing:
            self.missing.append(row)
