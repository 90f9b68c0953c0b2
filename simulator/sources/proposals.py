"""Reads a proposal from disk; what kind it is, its content tells.

Of its own: a folder with `proposal.yaml` (or that file itself), a folder with `scp/*.json` and `rcp/*.json`, one
policy file; docs/proposal.md describes them. And what other tools keep guardrails in, which `as_code` recognizes;
docs/proposals-as-code.md describes that.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulator.errors import ExitStatus, OrgsimError
from simulator.organization.proposal import MANIFEST_MEMBERS, POLICY_TYPE_NAMES, Proposal, ProposedPolicy
from simulator.organization.reference import Reference
from simulator.organization.tree import ROOT_NAME
from simulator.policy.document import PolicyDocument, PolicyType
from simulator.policy.json_text import Members, parse_json
from simulator.policy.parser import parse_policy
from simulator.sources.as_code import PROPOSALS, is_proposal, read_as_code
from simulator.sources.given import Given
from simulator.sources.text import read_text

if TYPE_CHECKING:
    from simulator.organization.manifest import ManifestPolicy

_LIMIT: Final = 4 << 20
_MANIFEST_LINE: Final = re.compile(rf"^({'|'.join(MANIFEST_MEMBERS)})\s*:", re.MULTILINE)
_STATEMENT: Final = re.compile(r'^\s*"Statement"\s*:|[{,]\s*"Statement"\s*:', re.MULTILINE)
_KINDS: Final = (
    "a folder with proposal.yaml, a folder with scp/*.json or rcp/*.json, one policy file, or a form of "
    "docs/proposals-as-code.md"
)


def read_proposal(
    path: Path | str,
    policy_type: PolicyType | str | None = None,
    attach: Sequence[str] = (),
    parameters: Sequence[str] | Given = (),
) -> Proposal:
    """Read the proposal at `path`.

    `policy_type` (an API name, `scp` or `rcp`) and `attach` (targets) are for a single policy file; left out, its
    folder or else its content tells the type, and it is attached at the root. `parameters` (`KEY=VALUE`) are for what
    a template or a configuration leaves open; who gives them as `Given` checks that all are used. Raises `OrgsimError`
    with the file and, where there is one, the line; `PolicyError` for a policy that does not parse.
    """
    place = Path(path)
    wanted = _policy_type(policy_type) if isinstance(policy_type, str) else policy_type
    if not place.exists():
        raise OrgsimError("proposal-missing-path", "the proposal does not exist", hint=f"give {_KINDS}", file=place)
    given = parameters if isinstance(parameters, Given) else Given(parameters)
    found = None if is_proposal(place) else read_as_code(place, given)
    if given is not parameters:
        given.check_all_used()
    if found is None and not place.is_dir():
        text = read_text(place, _LIMIT, "the proposal")
        if _is_policy(text, place):
            return _single_policy(text, place, wanted, attach)
    if wanted is not None or attach:
        message = "--type and --attach are for a single policy file"
        raise OrgsimError("proposal-options", message, hint="say it in proposal.yaml", status=ExitStatus.USAGE)
    if found is not None:
        return found
    if not place.is_dir():
        return _manifest(text, place)
    for name in PROPOSALS:
        if (place / name).is_file():
            return _manifest(read_text(place / name, _LIMIT, "the proposal"), place / name)
    return _folder(place)


def _policy_type(name: str) -> PolicyType:
    if name not in POLICY_TYPE_NAMES:
        hint = "use scp or rcp"
        raise OrgsimError("proposal-type", f"there is no policy type `{name}`", hint=hint, status=ExitStatus.USAGE)
    return POLICY_TYPE_NAMES[name]


# One policy


def _is_policy(text: str, file: Path) -> bool:
    """Whether a file is a policy (else it is a proposal.yaml); an error if it is neither.

    What begins like JSON, or as people begin policies (comments, templates), is read as a policy: its errors are then
    those of the policy's syntax.
    """
    start = text.lstrip("\ufeff \t\r\n")[:2]
    is_yaml = file.suffix.lower() in (".yaml", ".yml")
    if is_yaml and not _STATEMENT.search(text):
        return False
    if not start.startswith("{"):
        if _MANIFEST_LINE.search(text):
            return False
        if start in ("//", "/*") or file.suffix.lower() == ".json":
            return True
        raise OrgsimError("proposal-kind", "this is neither a policy nor a proposal", hint=f"give {_KINDS}", file=file)
    node = parse_json(text, str(file))
    names = [key.value for key, _ in node.values] if isinstance(node, Members) else []
    if "Statement" in names or "Version" in names:
        return True
    if set(names) & set(MANIFEST_MEMBERS) and "schema" not in names:
        return False
    hint = f"give {_KINDS}"
    if "management_account" in names:
        hint = "this looks like an organization snapshot: give it as --organization"
    shown = f"it has {', '.join(names[:5])}" if names else "it is empty"
    message = f"this is neither a policy nor a proposal: {shown}"
    raise OrgsimError("proposal-kind", message, hint=hint, file=file, line=node.span.line)


def _single_policy(text: str, file: Path, policy_type: PolicyType | None, attach: Sequence[str]) -> Proposal:
    document = parse_policy(text, str(file))
    place = Reference(file.stem, str(file), document.span.line)
    return Proposal(
        policies=(
            ProposedPolicy(
                name=file.stem,
                type=policy_type or _type_of(file, document, place, "add --type scp or --type rcp"),
                document=document,
                attach=tuple(Reference(target, "--attach") for target in attach),
                default_attach=(Reference(ROOT_NAME, str(file), document.span.line),),
                place=place,
            ),
        )
    )


def _type_of(file: Path, document: PolicyDocument, place: Reference, hint: str) -> PolicyType:
    """The type by the folder's name, else by the content: every statement of an RCP has a Principal, none of an SCP."""
    folder = file.parent.name.lower()
    if folder in ("scp", "rcp"):
        return POLICY_TYPE_NAMES[folder]
    with_principal = sum(statement.principal is not None for statement in document.statements)
    if with_principal == 0:
        return PolicyType.SCP
    if with_principal == len(document.statements):
        return PolicyType.RCP
    message = "an SCP has no Principal and an RCP one in every statement; this policy has it in some"
    raise OrgsimError("proposal-type", message, hint=hint, file=place.file, line=place.line)


# proposal.yaml


def _manifest(text: str, file: Path) -> Proposal:
    # Imported here: only this kind of proposal needs a YAML parser.
    from simulator.organization.manifest import parse_manifest

    manifest = parse_manifest(text, str(file))
    policies = tuple(_listed_policy(row, file) for row in manifest.policies)
    named = {(file.parent / row.file.text).resolve() for row in manifest.policies}
    unlisted = [each for each in _policy_files(file.parent) if each.resolve() not in named]
    notes = tuple(f"{each} is not named in {file.name} and takes no part" for each in unlisted)
    return Proposal(policies, (), manifest.detach, manifest.move, notes)


def _listed_policy(row: "ManifestPolicy", manifest: Path) -> ProposedPolicy:
    path = manifest.parent / row.file.text
    if not path.is_file():
        message = f"`{row.file}` does not exist" if not path.exists() else f"`{row.file}` is not a file"
        hint = f"files are named relative to {manifest.name}"
        raise OrgsimError("proposal-missing-file", message, hint=hint, file=row.file.file, line=row.file.line)
    document = parse_policy(read_text(path, _LIMIT, "the policy"), str(path))
    name = row.name or path.stem
    hint = "add `type: SERVICE_CONTROL_POLICY` or `type: RESOURCE_CONTROL_POLICY`"
    return ProposedPolicy(
        name=name,
        type=row.type or _type_of(path, document, row.file, hint),
        document=document,
        attach=row.attach or (),
        replaces=row.replaces,
        place=Reference(name, row.file.file, row.line),
    )


# scp/*.json and rcp/*.json


def _folder(folder: Path) -> Proposal:
    files = [each for each in _policy_files(folder) if each.parent != folder and each.parent.parent == folder]
    if not files:
        raise OrgsimError("proposal-empty", "the folder holds no proposal", hint=f"give {_KINDS}", file=folder)
    policies = []
    for file in files:
        document = parse_policy(read_text(file, _LIMIT, "the policy"), str(file))
        place = Reference(file.stem, str(file), document.span.line)
        root = Reference(ROOT_NAME, str(file), document.span.line)
        policy_type = POLICY_TYPE_NAMES[file.parent.name]
        policies.append(ProposedPolicy(file.stem, policy_type, document, default_attach=(root,), place=place))
    left = [each for each in _policy_files(folder) if each not in files]
    return Proposal(
        tuple(policies), notes=tuple(f"{each} is not directly in scp/ or rcp/ and takes no part" for each in left)
    )


def _policy_files(folder: Path) -> list[Path]:
    """The JSON files of a proposal's folder and of its scp/ and rcp/, at any depth there, in a fixed order."""
    found = [each for each in folder.iterdir() if each.suffix.lower() == ".json" and each.is_file()]
    for name in ("scp", "rcp"):
        if (folder / name).is_dir():
            found += [each for each in (folder / name).rglob("*") if each.suffix.lower() == ".json" and each.is_file()]
    return sorted(found)
