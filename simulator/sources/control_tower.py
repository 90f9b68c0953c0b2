"""A configuration folder of Customizations for AWS Control Tower (CfCT) as a proposal: its `manifest.yaml`.

CfCT attaches a policy to the units it names and detaches it from none. Source: AWS Control Tower User Guide,
"Set up a configuration package for SCPs or RCPs", "Nested OU", "The CfCT manifest file".
"""

from pathlib import Path
from typing import Final

from simulator.errors import OrgsimError
from simulator.organization.proposal import Proposal, ProposedPolicy
from simulator.organization.reference import Reference
from simulator.organization.tree import ROOT_NAME
from simulator.policy.document import PolicyType
from simulator.policy.json_text import Members, Node
from simulator.policy.parser import parse_policy
from simulator.sources.documents import LIMIT, Reader, file_within
from simulator.sources.text import read_text

_FIRST, _SECOND = "2020-01-01", "2021-03-15"
_METHODS: Final = {each.side: each for each in PolicyType}


def is_manifest(node: Node) -> bool:
    """Whether a document is a CfCT manifest."""
    names = {key.value for key, _ in node.values} if isinstance(node, Members) else set()
    return {"region", "version"} <= names and bool({"resources", "organization_policies"} & names)


def read_manifest(path: Path) -> Proposal:
    """Read a manifest and the policy files it names. Raises `OrgsimError`, `PolicyError` for a broken policy."""
    reader = Reader(path)
    top = reader.tree("the manifest")
    members = reader.members(top, "a manifest")
    version = reader.required_text(top, members, "version").text
    if version == _SECOND:
        policies = [_second(reader, each) for each in reader.rows(members, "resources")]
    elif version == _FIRST:
        policies = [_first(reader, each) for each in reader.rows(members, "organization_policies")]
    else:
        raise reader.refusal("manifest-version", f"there is no manifest version `{version}`", members["version"])
    found = tuple(each for each in policies if each is not None)
    if not found:
        hint = "it has no resource with `deploy_method: scp` or `rcp`"
        raise OrgsimError("proposal-empty", "the manifest holds no proposal", hint=hint, file=path)
    note = f"{path}: policies that the manifest no longer names, and units that it no longer lists, stay as they are"
    return Proposal(found, notes=(note,))


def _second(reader: Reader, node: Node) -> ProposedPolicy | None:
    members = reader.members(node, "a resource")
    method = reader.required_text(node, members, "deploy_method").text.lower()
    if method not in _METHODS:
        return None
    targets = reader.members(reader.required(node, members, "deployment_targets"), "`deployment_targets`")
    if reader.rows(targets, "accounts"):
        message = "CfCT does not attach policies to accounts"
        raise reader.refusal("manifest-accounts", message, targets["accounts"], "name organizational units")
    units = tuple(_path(each) for each in reader.texts(targets, "organizational_units"))
    return _policy(reader, node, members, "resource_file", _METHODS[method], units)


def _first(reader: Reader, node: Node) -> ProposedPolicy:
    members = reader.members(node, "a policy")
    units = tuple(_path(each) for each in reader.texts(members, "apply_to_accounts_in_ou"))
    return _policy(reader, node, members, "policy_file", PolicyType.SCP, units)


def _policy(
    reader: Reader,
    node: Node,
    members: dict[str, Node],
    file_member: str,
    policy_type: PolicyType,
    units: tuple[Reference, ...],
) -> ProposedPolicy:
    name = reader.required_text(node, members, "name")
    file = reader.required_text(node, members, file_member)
    if file.text.startswith(("s3://", "https://")):
        raise reader.refusal(
            "source-remote", f"`{file}` is not read from S3", members[file_member], "give a local copy"
        )
    path = file_within(Path(reader.file).parent, file)
    document = parse_policy(read_text(path, LIMIT, "the policy"), str(path))
    return ProposedPolicy(name.text, policy_type, document, attach=units, place=name, needs_place=False)


def _path(unit: Reference) -> Reference:
    """CfCT names a unit by its path below the root, with colons."""
    path = ROOT_NAME if unit.text == ROOT_NAME else f"{ROOT_NAME}/{unit.text.replace(':', '/')}"
    return Reference(path, unit.file, unit.line)
