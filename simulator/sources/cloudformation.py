"""A CloudFormation template as a proposal: its `AWS::Organizations::Policy` resources, JSON or YAML.

A template says how things shall be: a policy is attached to its `TargetIds` and nowhere else. Source: AWS
CloudFormation Template Reference, AWS::Organizations::Policy, …::OrganizationalUnit, …::Account, …::Organization.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from simulator.errors import OrgsimError
from simulator.organization.additions import NewUnit
from simulator.organization.proposal import Move, Proposal, ProposedPolicy
from simulator.organization.reference import Reference
from simulator.organization.tree import ROOT_NAME
from simulator.policy.document import PolicyType
from simulator.policy.json_text import Members, Node, Text
from simulator.sources.documents import Reader, policy_of
from simulator.sources.given import Given
from simulator.sources.intrinsics import Resolver

_PREFIX: Final = "AWS::Organizations::"
_POLICY: Final = f"{_PREFIX}Policy"
_UNIT: Final = f"{_PREFIX}OrganizationalUnit"
_ACCOUNT: Final = f"{_PREFIX}Account"
_ORGANIZATION: Final = f"{_PREFIX}Organization"
_UNREAD: Final = ("AWS::CloudFormation::Stack", "AWS::CloudFormation::StackSet", "AWS::ControlTower::EnabledControl")
_KNOWN_TRANSFORMS: Final = ("AWS::LanguageExtensions", "AWS::Serverless-2016-10-31")
_TYPES: Final = {each.value: each for each in PolicyType}


def is_template(node: Node) -> bool:
    """Whether a document is a CloudFormation template."""
    names = {key.value: value for key, value in node.values} if isinstance(node, Members) else {}
    return isinstance(names.get("Resources"), Members)


def read_template(path: Path, given: Given) -> Proposal:
    """Read a template. Raises `OrgsimError` for what the template leaves open, `PolicyError` for a broken policy."""
    reader = Reader(path)
    return _Template(reader, reader.tree("the template"), given).proposal()


class _Template:
    """Reads one template (use it once)."""

    def __init__(self, reader: Reader, top: Node, given: Given) -> None:
        self.reader = reader
        self.top = top
        members = reader.members(top, "a template")
        self.resolver = Resolver(reader, members, given)
        self.notes: list[str] = []
        self.check_transforms(members)
        self.resources = dict(self.read_resources(members))
        self.targets = self.names_of_targets()

    def proposal(self) -> Proposal:
        policies: list[ProposedPolicy] = []
        moves: list[Move] = []
        units: list[NewUnit] = []
        others = 0
        for name, (kind, body) in self.resources.items():
            if kind == _POLICY:
                policy = self.policy(name, body)
                policies += [policy] if policy else []
                others += policy is None
            elif kind == _ACCOUNT:
                moves += self.moves(body)
            elif kind == _UNIT:
                units.append(self.unit(name, body))
            elif kind in _UNREAD:
                self.note(f"{name.value} ({kind}) is not read")
        if others:
            self.note(f"{others} policies of other types take no part")
        if not policies and not moves:
            hint = f"it has no {_POLICY} of a type this program simulates"
            raise OrgsimError("proposal-empty", "the template holds no proposal", hint=hint, file=self.reader.file)
        self.note("policies that this template no longer holds stay as they are")
        notes = (*self.notes, *self.resolver.notes)
        return Proposal(policies=tuple(policies), moves=tuple(moves), notes=notes, units=tuple(units))

    def note(self, text: str) -> None:
        self.notes.append(f"{self.reader.file}: {text}")

    def check_transforms(self, members: dict[str, Node]) -> None:
        transform = members.get("Transform")
        listed = (transform,) if isinstance(transform, Text) else self.reader.rows(members, "Transform")
        for each in listed:
            if not isinstance(each, Text) or each.value not in _KNOWN_TRANSFORMS:
                self.note("the template is changed by a macro, which is not run here")

    def read_resources(self, members: dict[str, Node]) -> Iterator[tuple[Text, tuple[str, dict[str, Node]]]]:
        """The resources that are created, with their types."""
        for name, node in self.reader.named(members["Resources"], "`Resources`"):
            if name.value.startswith("Fn::"):
                raise self.reader.refusal(
                    "template-function", f"`{name.value}` is not supported here", name, "write it out"
                )
            body = self.reader.members(node, f"`{name.value}`")
            kind = self.reader.required_text(node, body, "Type").text
            if not kind.startswith(_PREFIX) and kind not in _UNREAD:
                continue
            condition = body.get("Condition")
            if condition is not None:
                wanted = self.reader.text(condition, "`Condition`").text
                if not self.resolver.holds(wanted, condition):
                    self.note(f"{name.value} is left out: the condition `{wanted}` is false")
                    continue
            properties = body.get("Properties") or Members((), node.span)
            yield name, (kind, self.reader.members(properties, "`Properties`"))

    def names_of_targets(self) -> dict[str, str]:
        """What a reference to a unit, an account or the organization means where a target is asked for."""
        targets = {}
        for name, (kind, body) in self.resources.items():
            if kind == _UNIT:
                targets[name.value] = targets[f"{name.value}.Id"] = _unit_id(name.value)
            elif kind == _ACCOUNT and "AccountName" in body:
                account = self.resolver.text(body["AccountName"], {}, "`AccountName`")
                targets[name.value] = targets[f"{name.value}.AccountId"] = account
            elif kind == _ORGANIZATION:
                targets[f"{name.value}.RootId"] = ROOT_NAME
        return targets

    def reference(self, text: str, node: Node) -> Reference:
        return Reference(text, self.reader.file, node.span.line)

    def text_of(self, name: Text, body: dict[str, Node], member: str) -> Reference:
        """A text that a resource must have."""
        node = self.reader.required(name, body, member)
        return self.reference(self.resolver.text(node, {}, f"`{member}`"), node)

    def policy(self, name: Text, body: dict[str, Node]) -> ProposedPolicy | None:
        """The policy, or nothing for one of a type that is not simulated."""
        policy_type = _TYPES.get(self.text_of(name, body, "Type").text)
        if policy_type is None:
            return None
        called = self.text_of(name, body, "Name")
        content = self.resolver.value(self.reader.required(name, body, "Content"), {})
        if content is None:
            raise self.reader.refusal("source-missing", f"`Content` of {name.value} is AWS::NoValue", name)
        targets = self.resolver.texts(body["TargetIds"], self.targets, "`TargetIds`") if "TargetIds" in body else ()
        return ProposedPolicy(
            name=called.text,
            type=policy_type,
            document=policy_of(content, self.reader.file),
            attach=tuple(self.reference(each.value, each) for each in targets),
            place=self.reference(called.text, name),
            attach_only=True,
            needs_place=False,
        )

    def moves(self, body: dict[str, Node]) -> Iterator[Move]:
        """An account belongs where its `ParentIds` says."""
        if "ParentIds" in body and "AccountName" in body:
            account = self.resolver.text(body["AccountName"], {}, "`AccountName`")
            for parent in self.resolver.texts(body["ParentIds"], self.targets, "`ParentIds`"):
                to = self.reference(parent.value, parent)
                yield Move(self.reference(account, body["AccountName"]), to, if_needed=True)

    def unit(self, name: Text, body: dict[str, Node]) -> NewUnit:
        parent = self.reader.required(name, body, "ParentId")
        above = self.reference(self.resolver.text(parent, self.targets, "`ParentId`"), parent)
        return NewUnit(_unit_id(name.value), self.text_of(name, body, "Name"), above, if_needed=True)


def _unit_id(name: str) -> str:
    return f"template:{name}"
