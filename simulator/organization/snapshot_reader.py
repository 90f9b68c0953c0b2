"""Reads the JSON of a snapshot into an `Organization`, every complaint with its field and line."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, NoReturn, TypeVar

import msgspec

from simulator.errors import OrgsimError
from simulator.iam.arn import is_account_id
from simulator.organization.tree import (
    FULL_ACCESS,
    FULL_ACCESS_POLICIES,
    ROOT_NAME,
    Delegation,
    Gap,
    Node,
    NodeKind,
    Organization,
    Policy,
)
from simulator.policy import json_text
from simulator.policy.diagnostic import Span
from simulator.policy.document import PolicyType
from simulator.policy.json_text import Items, Lines, Members, Text, parse_json
from simulator.policy.parser import parse_policy_node

SCHEMA: Final = "orgsim/organization/1"

_GAPS: Final[Mapping[str, tuple[Gap, ...]]] = {
    "policies": (Gap.SCPS, Gap.RCPS),
    "attachments": (Gap.SCPS, Gap.RCPS),
    "SERVICE_CONTROL_POLICY": (Gap.SCPS,),
    "RESOURCE_CONTROL_POLICY": (Gap.RCPS,),
    "children": (Gap.CHILDREN,),
    "units": (Gap.CHILDREN,),
    "accounts": (Gap.CHILDREN,),
    # What these lack is unknown anyway: ARNs that are not listed have unknown tags and owners.
    "principal_tags": (),
    "resource_tags": (),
    "resource_accounts": (),
    "delegated_administrators": (),
}

_Value = TypeVar("_Value")


def read_snapshot(text: str, file: str | None = None) -> Organization:
    """Read a snapshot's text; errors as `simulator.organization.snapshot.parse_organization` describes them."""
    if not text.strip("\ufeff \t\r\n"):
        raise OrgsimError("snapshot-empty", "the snapshot is empty", file=file, hint="see docs/snapshot.md")
    return _Reader(text, file).organization(parse_json(text, file))


class _Attachments(msgspec.Struct, frozen=True):
    """The policy ids listed at a node, with the place of each."""

    ids: tuple[tuple[str, Span], ...]


class _Reader:
    """Reads one snapshot (use it once); `path` in its methods names the field for messages."""

    def __init__(self, text: str, file: str | None) -> None:
        self.lines = Lines(text)
        self.file = file
        self.nodes: dict[str, Node] = {}
        self.spans: dict[str, Span] = {}
        self.listed: dict[str, _Attachments] = {}
        self.implied: str | None = None

    def fail(self, code: str, message: str, span: Span, hint: str = "") -> NoReturn:
        raise OrgsimError(code, message, hint=hint, file=self.file, line=span.line, column=span.column)

    # The whole

    def organization(self, top: json_text.Node) -> Organization:
        members = self.members(top, "the snapshot")
        self.check_schema(members, top.span)
        organization_id = self.text_of(members, "id", "", top.span)
        if not organization_id.startswith("o-"):
            message = f"id: `{organization_id}` is not the id of an organization"
            self.fail("snapshot-shape", message, members["id"].span, "it begins with `o-`")
        management = self.account_id(self.required(members, "management_account", "", top.span), "management_account")
        self.node(self.required(members, "root", "", top.span), "root", NodeKind.ROOT, None)
        self.add_management_account(management)
        policies, undocumented = self.policies(members, self.policy_gaps(members))
        self.check_attached(policies, undocumented)
        gaps = self.gaps(members)
        types = self.types_in_force(self.policy_types(members), policies, gaps)
        nodes = self.attach(policies, types)
        gaps.update(self.holes(nodes, undocumented))
        return Organization(
            id=organization_id,
            management_account=management,
            nodes=nodes,
            policies=policies,
            policy_types=types,
            principal_tags=self.mapping(members, "principal_tags", self.tags),
            resource_tags=self.mapping(members, "resource_tags", self.tags),
            resource_accounts=self.mapping(members, "resource_accounts", self.account_id),
            delegated_administrators=tuple(self.delegations(members)),
            gaps=frozenset(gap for gap in gaps if _can_lack(gap[0], types)),
        )

    def check_schema(self, members: Mapping[str, json_text.Node], span: Span) -> None:
        schema = members.get("schema")
        if schema is None:
            hint = f'an organization snapshot begins with "schema": "{SCHEMA}"'
            self.fail("snapshot-schema", "the file has no `schema`", span, hint)
        name = schema.value if isinstance(schema, Text) else None
        if name != SCHEMA:
            shown = f"`{name}`" if name is not None else _kind(schema)
            hint = f"this version reads {SCHEMA}"
            self.fail("snapshot-schema", f"schema: {shown} is not a snapshot this version can read", schema.span, hint)

    # The tree

    def node(self, value: json_text.Node, path: str, kind: NodeKind, parent: str | None) -> None:
        members = self.members(value, path)
        if kind is NodeKind.ACCOUNT:
            node_id = self.account_id(self.required(members, "id", path, value.span), f"{path}.id")
        else:
            node_id = self.text_of(members, "id", path, value.span)
        if node_id in self.nodes:
            first = self.spans[node_id].line
            what = "account" if kind is NodeKind.ACCOUNT else "id"
            message = f"{path}: {what} `{node_id}` stands in the tree a second time (first on line {first})"
            self.fail("snapshot-duplicate", message, members["id"].span, "a node has one place; remove the other")
        default = ROOT_NAME if kind is NodeKind.ROOT else node_id
        status = self.optional_text(members, "status", path, None) if kind is NodeKind.ACCOUNT else None
        name = self.optional_text(members, "name", path, default) or default
        self.nodes[node_id] = Node(node_id, name, kind, parent, status=status)
        self.spans[node_id] = members["id"].span
        self.listed[node_id] = self.attachments(self.required(members, "policies", path, value.span), path)
        if kind is NodeKind.ACCOUNT:
            return
        for field, child in (("accounts", NodeKind.ACCOUNT), ("units", NodeKind.UNIT)):
            if field in members:
                for index, item in enumerate(self.items(members[field], f"{path}.{field}")):
                    self.node(item, f"{path}.{field}[{index}]", child, node_id)

    def attachments(self, value: json_text.Node, path: str) -> _Attachments:
        ids: dict[str, Span] = {}
        for index, item in enumerate(self.items(value, f"{path}.policies")):
            policy_id = self.plain_text(item, f"{path}.policies[{index}]")
            if policy_id in ids:
                message = f"{path}.policies: `{policy_id}` is attached twice"
                self.fail("snapshot-duplicate", message, item.span, "remove one")
            ids[policy_id] = item.span
        return _Attachments(tuple(ids.items()))

    def add_management_account(self, account: str) -> None:
        """A management account that the tree leaves out stands directly under the root; no guardrail governs it."""
        if account not in self.nodes:
            root = next(iter(self.nodes))
            self.nodes[account] = Node(account, account, NodeKind.ACCOUNT, root)
            self.listed[account] = _Attachments(())
            self.implied = account

    # Policies

    def policies(
        self, members: Mapping[str, json_text.Node], gaps: frozenset[str]
    ) -> tuple[dict[str, Policy], dict[str, PolicyType]]:
        """The policies by id, and the types of those whose document the snapshot says it lacks."""
        policies = dict(FULL_ACCESS_POLICIES)
        undocumented: dict[str, PolicyType] = {}
        names: dict[tuple[PolicyType, str], Span] = {}
        if "policies" not in members:
            return policies, undocumented
        for key, value in self.keyed(members["policies"], "policies"):
            path = f"policies.{key.value}"
            if key.value in FULL_ACCESS_POLICIES:
                continue
            inner = self.members(value, path)
            policy_type = self.policy_type(self.required(inner, "type", path, value.span), f"{path}.type")
            name = self.text_of(inner, "name", path, value.span)
            if (policy_type, name) in names:
                line = names[policy_type, name].line
                message = (
                    f"{path}.name: `{name}` is already the name of another {policy_type.side.upper()} (line {line})"
                )
                self.fail("snapshot-duplicate", message, inner["name"].span, "AWS keeps policy names unique")
            names[policy_type, name] = inner["name"].span
            if key.value in gaps and not isinstance(inner.get("document"), Members):
                undocumented[key.value] = policy_type
                continue
            document = self.required(inner, "document", path, value.span)
            if isinstance(document, Text):
                hint = "write the policy itself, not a string that holds it"
                self.fail("snapshot-shape", f"{path}.document: a policy is an object", document.span, hint)
            parsed = parse_policy_node(document, self.lines.piece(document.span), self.file)
            policies[key.value] = Policy(key.value, name, policy_type, parsed)
        return policies, undocumented

    def policy_type(self, value: json_text.Node, path: str) -> PolicyType:
        text = self.plain_text(value, path)
        try:
            return PolicyType(text)
        except ValueError:
            known = [each.value for each in PolicyType]
            close = difflib.get_close_matches(text, known, 1)
            hint = f"did you mean `{close[0]}`?" if close else f"it is {' or '.join(known)}"
            self.fail("snapshot-shape", f"{path}: there is no policy type `{text}` here", value.span, hint)

    def policy_types(self, members: Mapping[str, json_text.Node]) -> frozenset[PolicyType] | None:
        """The types that the snapshot says are on; other policy types of Organizations are passed over."""
        value = members.get("policy_types")
        if value is None or _is_null(value):
            return None
        names = [self.plain_text(item, "policy_types") for item in self.items(value, "policy_types")]
        return frozenset(each for each in PolicyType if each.value in names)

    def types_in_force(
        self, stated: frozenset[PolicyType] | None, policies: Mapping[str, Policy], gaps: set[tuple[Gap, str]]
    ) -> frozenset[PolicyType]:
        """The types that are on. Where the snapshot is silent, a tree without a single SCP shows that SCPs are off.

        AWS keeps at least one SCP attached to every node while SCPs are on (AWS Organizations User Guide,
        orgs_manage_policies_scps_evaluation).
        """
        if stated is not None:
            return stated
        attached = (policies.get(policy_id) for each in self.listed.values() for policy_id, _ in each.ids)
        if any(policy is not None and policy.type is PolicyType.SCP for policy in attached):
            return frozenset(PolicyType)
        return frozenset(PolicyType) if any(gap is Gap.SCPS for gap, _ in gaps) else frozenset({PolicyType.RCP})

    def attach(self, policies: Mapping[str, Policy], types: frozenset[PolicyType]) -> dict[str, Node]:
        """The nodes with their policies by type. Turning a policy type off detaches its policies."""
        nodes: dict[str, Node] = {}
        for node_id, node in self.nodes.items():
            ids = [policy_id for policy_id, _ in self.listed[node_id].ids]
            by_type = {each: [one for one in ids if one in policies and policies[one].type is each] for each in types}
            rcps = by_type.get(PolicyType.RCP)
            if rcps is not None and FULL_ACCESS[PolicyType.RCP] not in rcps:
                rcps.insert(0, FULL_ACCESS[PolicyType.RCP])  # it cannot be detached, so it stands
            if node_id == self.implied and PolicyType.SCP in types:
                by_type[PolicyType.SCP].append(FULL_ACCESS[PolicyType.SCP])
            scps = by_type.get(PolicyType.SCP, ())
            nodes[node_id] = replace(node, scps=tuple(scps), rcps=tuple(rcps or ()))
        return nodes

    def check_attached(self, policies: Mapping[str, Policy], undocumented: Mapping[str, PolicyType]) -> None:
        for node_id, listed in self.listed.items():
            for policy_id, span in listed.ids:
                if policy_id in policies or policy_id in undocumented:
                    continue
                close = difflib.get_close_matches(policy_id, policies, 1)
                hint = f"did you mean `{close[0]}`?" if close else "list it under `policies`"
                message = f"policy `{policy_id}`, attached to `{self.nodes[node_id].name}`, is not in the snapshot"
                self.fail("snapshot-unknown-policy", message, span, hint)

    def holes(self, nodes: Mapping[str, Node], undocumented: Mapping[str, PolicyType]) -> Iterator[tuple[Gap, str]]:
        """What the listing itself shows to be lacking."""
        for node_id, listed in self.listed.items():
            for policy_id, _ in listed.ids:
                if policy_id in undocumented:
                    yield Gap(undocumented[policy_id].value), node_id
            # AWS leaves no node without an SCP: an empty list among filled ones is a hole in the snapshot. Read as
            # "nothing is allowed here" it would hide every new denial behind an old one.
            if not nodes[node_id].scps:
                yield Gap.SCPS, node_id

    # What the snapshot lacks

    def incomplete(self, members: Mapping[str, json_text.Node]) -> Iterator[tuple[str, str | None]]:
        """The rows of `incomplete`: what, and at which node (or policy); `None` for everywhere."""
        value = members.get("incomplete")
        if value is None or _is_null(value):
            return
        for index, item in enumerate(self.items(value, "incomplete")):
            path = f"incomplete[{index}]"
            row = self.members(item, path)
            yield self.text_of(row, "what", path, item.span), self.optional_text(row, "node", path, None)

    def policy_gaps(self, members: Mapping[str, json_text.Node]) -> frozenset[str]:
        return frozenset(node for what, node in self.incomplete(members) if what == "document" and node)

    def gaps(self, members: Mapping[str, json_text.Node]) -> set[tuple[Gap, str]]:
        found: set[tuple[Gap, str]] = set()
        for what, node in self.incomplete(members):
            if what == "document" and node:
                continue
            # Whatever else a newer writer may lack, nothing is then known of the node.
            kinds = _GAPS.get(what, tuple(Gap))
            for node_id in self.nodes if node is None else (node,):
                found.update((kind, node_id) for kind in kinds)
        return found

    # The optional tables

    def mapping(
        self,
        members: Mapping[str, json_text.Node],
        name: str,
        read: Callable[[json_text.Node, str], _Value],
    ) -> dict[str, _Value]:
        value = members.get(name)
        if value is None or _is_null(value):
            return {}
        return {key.value: read(item, f"{name}.{key.value}") for key, item in self.keyed(value, name)}

    def tags(self, value: json_text.Node, path: str) -> dict[str, str]:
        return {key.value: self.plain_text(item, f"{path}.{key.value}") for key, item in self.keyed(value, path)}

    def delegations(self, members: Mapping[str, json_text.Node]) -> Iterator[Delegation]:
        value = members.get("delegated_administrators")
        if value is None or _is_null(value):
            return
        for index, item in enumerate(self.items(value, "delegated_administrators")):
            path = f"delegated_administrators[{index}]"
            if isinstance(item, Text):
                yield Delegation(self.account_id(item, path))
                continue
            row = self.members(item, path)
            services = self.items(row["services"], f"{path}.services") if "services" in row else ()
            names = tuple(self.plain_text(each, f"{path}.services") for each in services)
            yield Delegation(self.account_id(self.required(row, "account", path, item.span), f"{path}.account"), names)

    # Shapes

    def keyed(self, value: json_text.Node, path: str) -> tuple[tuple[Text, json_text.Node], ...]:
        if not isinstance(value, Members):
            self.fail("snapshot-shape", f"{path}: this is an object, not {_kind(value)}", value.span)
        return value.values

    def members(self, value: json_text.Node, path: str) -> dict[str, json_text.Node]:
        return {key.value: item for key, item in self.keyed(value, path)}

    def items(self, value: json_text.Node, path: str) -> tuple[json_text.Node, ...]:
        if not isinstance(value, Items):
            self.fail("snapshot-shape", f"{path}: this is a list, not {_kind(value)}", value.span)
        return value.values

    def required(self, members: Mapping[str, json_text.Node], name: str, path: str, span: Span) -> json_text.Node:
        if name not in members:
            where = f"{path} has" if path else "the snapshot has"
            hint = "list `p-FullAWSAccess`, as AWS does" if name == "policies" else "see docs/snapshot.md"
            self.fail("snapshot-missing", f"{where} no `{name}`", span, hint)
        return members[name]

    def text_of(self, members: Mapping[str, json_text.Node], name: str, path: str, span: Span) -> str:
        field = f"{path}.{name}" if path else name
        text = self.plain_text(self.required(members, name, path, span), field)
        if not text:
            self.fail("snapshot-shape", f"{field}: this is empty", members[name].span)
        return text

    def optional_text(
        self, members: Mapping[str, json_text.Node], name: str, path: str, default: str | None
    ) -> str | None:
        value = members.get(name)
        if value is None or _is_null(value):
            return default
        return self.plain_text(value, f"{path}.{name}")

    def plain_text(self, value: json_text.Node, path: str) -> str:
        if not isinstance(value, Text):
            message = f"{path}: this is a string, not {_kind(value)}"
            self.fail("snapshot-shape", message, value.span, "put it in double quotes")
        return value.value

    def account_id(self, value: json_text.Node, path: str) -> str:
        text = self.plain_text(value, path)
        if not is_account_id(text):
            message = f"{path}: `{text}` is not an account id"
            self.fail("snapshot-shape", message, value.span, "an account id has twelve digits")
        return text


def _can_lack(gap: Gap, types: frozenset[PolicyType]) -> bool:
    """Whether something can be lacking here: a policy type that is off has nothing attached."""
    return gap is Gap.CHILDREN or PolicyType(gap.value) in types


def _is_null(value: json_text.Node) -> bool:
    return isinstance(value, json_text.Scalar) and value.kind == "null"


def _kind(value: json_text.Node) -> str:
    """A value's JSON type in words, for messages."""
    if isinstance(value, json_text.Scalar):
        return "null" if value.kind == "null" else f"a {value.kind}"
    return {Text: "a string", Items: "a list", Members: "an object"}[type(value)]
