"""proposal.yaml: what it says, with the line of every name. Reading the files it names is the caller's part.

The format is described in docs/proposal.md.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
import yaml

from simulator.errors import OrgsimError
from simulator.organization.proposal import MANIFEST_MEMBERS, POLICY_TYPE_NAMES, Detachment, Move
from simulator.organization.reference import Reference
from simulator.organization.yaml_text import YamlReader
from simulator.policy.document import PolicyType

_POLICY_MEMBERS: Final = ("file", "name", "type", "attach", "replaces")


class ManifestPolicy(msgspec.Struct, frozen=True):
    """One item of `policies`; what is left out is `None`."""

    file: Reference
    name: str | None
    type: PolicyType | None
    attach: tuple[Reference, ...] | None
    replaces: Reference | None
    line: int


class Manifest(msgspec.Struct, frozen=True):
    """A proposal.yaml as written."""

    policies: tuple[ManifestPolicy, ...] = ()
    detach: tuple[Detachment, ...] = ()
    move: tuple[Move, ...] = ()


def parse_manifest(text: str, file: str | None = None) -> Manifest:
    """Read a proposal.yaml. `file` is the name used in messages. Raises `OrgsimError` with file and line."""
    return _ManifestReader(file).manifest(text)


class _ManifestReader(YamlReader):
    def manifest(self, text: str) -> Manifest:
        top = self.parse(text)
        if top is None:
            hint = f"it has {', '.join(MANIFEST_MEMBERS)}"
            raise OrgsimError("proposal-empty", "the proposal is empty", hint=hint, file=self.file)
        members = self.members(top, MANIFEST_MEMBERS, "a proposal")
        return Manifest(
            tuple(self.policy(item) for item in self.rows(members, "policies")),
            tuple(self.detachment(item) for item in self.rows(members, "detach")),
            tuple(self.move(item) for item in self.rows(members, "move")),
        )

    def rows(self, members: Mapping[str, yaml.Node], name: str) -> list[yaml.Node]:
        return self.items(members[name], f"`{name}`") if name in members else []

    def policy(self, node: yaml.Node) -> ManifestPolicy:
        members = self.members(node, _POLICY_MEMBERS, "an item of `policies`")
        name = self.text(members["name"], "`name`").text if "name" in members else None
        return ManifestPolicy(
            file=self.required(node, members, "file"),
            name=name,
            type=self.policy_type(members["type"]) if "type" in members else None,
            attach=self.texts(members["attach"], "`attach`") if "attach" in members else None,
            replaces=self.text(members["replaces"], "`replaces`") if "replaces" in members else None,
            line=self.line(node),
        )

    def policy_type(self, node: yaml.Node) -> PolicyType:
        name = self.text(node, "`type`").text
        if name not in POLICY_TYPE_NAMES:
            hint = f"it is {' or '.join(each.value for each in PolicyType)}"
            self.fail("proposal-type", f"there is no policy type `{name}`", node, hint)
        return POLICY_TYPE_NAMES[name]

    def detachment(self, node: yaml.Node) -> Detachment:
        members = self.members(node, ("policy", "from"), "an item of `detach`")
        policy = self.required(node, members, "policy")
        if "from" not in members:
            self.missing(node, "from")
        return Detachment(policy, self.texts(members["from"], "`from`"))

    def move(self, node: yaml.Node) -> Move:
        members = self.members(node, ("account", "to"), "an item of `move`")
        return Move(self.required(node, members, "account"), self.required(node, members, "to"))

    def required(self, node: yaml.Node, members: Mapping[str, yaml.Node], name: str) -> Reference:
        if name not in members:
            self.missing(node, name)
        return self.text(members[name], f"`{name}`")

    def missing(self, node: yaml.Node, name: str) -> None:
        self.fail("proposal-missing", f"`{name}` is missing here", node, "see docs/proposal.md")
