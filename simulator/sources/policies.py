"""Finds the policy files under the paths a user names, for `orgsim check`.

A folder with proposal.yaml stands for the policies that it names; a file or folder in the form of another tool
(`as_code`) for the policies in it; any other folder for its JSON files that are policies. The type comes from the
manifest, else from the folder's name (`scp`, `rcp`), else from the content.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.errors import OrgsimError
from simulator.organization.manifest import parse_manifest
from simulator.policy.diagnostic import Diagnostic, PolicyError, Severity, Span
from simulator.policy.document import PolicyDocument, PolicyType
from simulator.policy.parser import parse_policy
from simulator.sources.as_code import PROPOSALS, is_proposal, read_as_code
from simulator.sources.given import Given
from simulator.sources.text import read_text

_LIMIT: Final = 4 << 20
_STATEMENT: Final = re.compile(r'"Statement"\s*:')
_TEMPLATE: Final = re.compile(r'"(?:AWSTemplateFormatVersion|Resources)"\s*:')
_FOLDERS: Final = {each.side: each for each in PolicyType}


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """One file to check: its document, or the reasons why there is none.

    `type` is what the option, the manifest, the folder or the content says; `None` if none of them does.
    """

    path: Path
    document: PolicyDocument | None
    type: PolicyType | None
    errors: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file that is, or may be, a policy: `certain` ones are reported even if they hold none."""

    path: Path
    type: PolicyType | None
    certain: bool


def read_policy_files(
    paths: Sequence[Path], policy_type: PolicyType | None = None, parameters: Sequence[str] = ()
) -> tuple[PolicyFile, ...]:
    """Read every policy under `paths`, each file once, in a fixed order.

    `policy_type` overrides what manifest, folder and content say; `parameters` (`KEY=VALUE`) are for what a template
    leaves open. Raises `OrgsimError` for a path that does not exist, for a broken proposal.yaml and for what another
    tool's form leaves open; what is wrong with a policy file stands in its `PolicyFile`.
    """
    seen: set[Path] = set()
    found: list[PolicyFile] = []
    given = Given(parameters)
    for path in paths:
        for group in _candidates(path, given):
            files = (group,) if isinstance(group, _Candidate) else group
            new = [each for each in files if each.path.resolve() not in seen]
            read = (_read(each, policy_type) if isinstance(each, _Candidate) else each for each in new)
            kept = [each for each in read if each is not None]
            seen.update(each.path.resolve() for each in kept)
            found += kept
    given.check_all_used()
    return tuple(found)


def _as_code(path: Path, given: Given) -> tuple[PolicyFile, ...] | None:
    """The policies of a path that is in another tool's form; `None` if it is not."""
    try:
        proposal = read_as_code(path, given)
    except PolicyError as error:
        return (PolicyFile(Path(error.file or path), None, None, error.diagnostics),)
    if proposal is None:
        return None
    documents = ((each.document, each.type) for each in proposal.policies)
    return tuple(PolicyFile(Path(document.file or path), document, kind) for document, kind in documents)


def _candidates(path: Path, given: Given) -> Iterator[_Candidate | tuple[PolicyFile, ...]]:
    """The files that may be policies, and in groups those that another tool's form holds."""
    if not path.exists():
        hint = "the path is relative to the folder the command runs in"
        raise OrgsimError("file-missing", "there is no such file or folder", hint=hint, file=path)
    if path.is_dir():
        yield from _in_folder(path, _FOLDERS.get(path.resolve().name.lower()), given)
    elif is_proposal(path):
        yield from _in_manifest(path)
    elif os.access(path, os.R_OK) and (inside := _as_code(path, given)) is not None:
        yield inside
    elif path.suffix.lower() in (".yaml", ".yml"):
        yield from _in_manifest(path)
    else:
        yield _Candidate(path, _FOLDERS.get(path.resolve().parent.name.lower()), certain=True)


def _in_folder(
    folder: Path, folder_type: PolicyType | None, given: Given
) -> Iterator[_Candidate | tuple[PolicyFile, ...]]:
    for name in PROPOSALS:
        if (folder / name).is_file():
            yield from _in_manifest(folder / name)
            return
    if (inside := _as_code(folder, given)) is not None:
        yield inside
        return
    try:
        children = sorted(folder.iterdir())
    except OSError as error:
        message = f"the folder cannot be read: {error.strerror or error}"
        raise OrgsimError("file-unreadable", message, file=folder) from error
    for child in children:
        if child.name.startswith("."):
            continue
        if child.is_dir() and not child.is_symlink():
            yield from _in_folder(child, _FOLDERS.get(child.name.lower(), folder_type), given)
        elif child.suffix.lower() == ".json":
            # In a folder that is called scp or rcp every JSON file should be a policy.
            yield _Candidate(child, folder_type, certain=folder_type is not None)


def _in_manifest(manifest: Path) -> Iterator[_Candidate]:
    parsed = parse_manifest(read_text(manifest, _LIMIT, "the proposal"), str(manifest))
    for row in parsed.policies:
        path = manifest.parent / row.file.text
        if not path.is_file():
            message = f"`{row.file}` does not exist" if not path.exists() else f"`{row.file}` is not a file"
            hint = f"files are named relative to {manifest.name}"
            raise OrgsimError("proposal-missing-file", message, hint=hint, file=row.file.file, line=row.file.line)
        yield _Candidate(path, row.type or _FOLDERS.get(path.parent.name.lower()), certain=True)


def _read(candidate: _Candidate, policy_type: PolicyType | None) -> PolicyFile | None:
    """The file as a policy; `None` for a JSON file that is something else."""
    path = candidate.path
    wanted = policy_type or candidate.type
    try:
        text = read_text(path, _LIMIT, "the policy")
    except OrgsimError as error:
        if not candidate.certain:
            return None
        place = Span(error.line or 1, 1, error.line or 1, 1)
        diagnostic = Diagnostic(error.code, Severity.ERROR, error.message, error.hint, place, str(path))
        return PolicyFile(path, None, wanted, (diagnostic,))
    if not candidate.certain and (not _STATEMENT.search(text) or _TEMPLATE.search(text)):
        return None
    try:
        document = parse_policy(text, str(path))
    except PolicyError as error:
        return PolicyFile(path, None, wanted, error.diagnostics)
    return PolicyFile(path, document, wanted or _type_of(document))


def _type_of(document: PolicyDocument) -> PolicyType:
    """By the content: an RCP names principals, an SCP does not."""
    named = any(statement.principal is not None for statement in document.statements)
    return PolicyType.RCP if named else PolicyType.SCP
