"""A proposal as it was at two revisions of a git repository."""

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Final, TypeVar, cast

import msgspec

from simulator.errors import OrgsimError
from simulator.organization.manifest import parse_manifest
from simulator.organization.proposal import Proposal
from simulator.organization.yaml_text import Reference
from simulator.policy.document import PolicyDocument
from simulator.sources.as_code import PROPOSALS
from simulator.sources.git import Repository, RevisionRange
from simulator.sources.text import read_text

_LIMIT: Final = 4 << 20

_T = TypeVar("_T")
_Rename = Callable[[str], str]
_Read = Callable[[Path], Proposal | None]


@dataclass(frozen=True, slots=True)
class ReadVersion:
    """A proposal with the name of its version, and the commit where it is not the files as they are."""

    name: str
    commit: str | None
    proposal: Proposal


def read_revisions(
    revisions: RevisionRange, path: Path, read_proposal: Callable[[Path], Proposal]
) -> tuple[ReadVersion, ReadVersion]:
    """Base and head of the proposal at `path`; `read_proposal` reads it from a folder or file.

    Files of head are called as they are in the working tree, those of base `commit:path`. A version that has no
    proposal there proposes nothing, and a note says so. Raises `OrgsimError`.
    """
    repository = Repository(path)
    base = repository.commit(revisions.base)
    head = repository.commit(revisions.head) if revisions.head else None
    name = revisions.base
    if revisions.from_fork:
        base = repository.fork(base, head or repository.commit("HEAD"))
        name = f"{revisions.base}...{revisions.head or ''}"

    def read(place: Path) -> Proposal | None:
        try:
            return read_proposal(place)
        except OrgsimError as error:
            if error.code == "proposal-empty":
                return None
            raise

    before = _at(repository, base, read, lambda inside: f"{base[:12]}:{inside}")
    if head is not None:
        after = _at(repository, head, read, lambda inside: _beside(path, repository.inside, inside))
    else:
        after = read(path) if path.exists() else None
    if before is None and after is None:
        where = f"neither in {revisions.base} nor in {revisions.head or 'the working tree'}"
        message = f"there is a proposal at `{path}` {where}"
        raise OrgsimError("proposal-missing-path", message, hint="name the folder of the proposal", file=path)
    return (
        ReadVersion(name, base, before or _nothing(path, name)),
        ReadVersion(revisions.head or "working tree", head, after or _nothing(path, revisions.head or "working tree")),
    )


def _nothing(path: Path, version: str) -> Proposal:
    return Proposal(notes=(f"there is no proposal at {path} in {version}, which is taken to propose nothing",))


def _at(repository: Repository, commit: str, read: _Read, shown: _Rename) -> Proposal | None:
    """The proposal as it was at a commit; `shown` names a file by its path in the repository."""
    inside = repository.inside
    # A manifest names files beside it.
    more = [posixpath.dirname(inside)] if inside.lower().endswith((".yaml", ".yml")) else []
    with repository.files(commit, inside, more) as place:
        if place is None:
            return None
        elsewhere = list(_named_elsewhere(place, inside))
        if not elsewhere:
            return _read_as(read, place, inside, shown)
    with repository.files(commit, inside, [*more, *elsewhere]) as place:
        return _read_as(read, place, inside, shown) if place is not None else None


def _read_as(read: _Read, place: Path, inside: str, shown: _Rename) -> Proposal | None:
    """Read a proposal that lies in a temporary folder, and call its files as people know them."""
    top = str(place)[: len(str(place)) - len(inside)].rstrip("/") + "/"

    def renamed(text: str) -> str:
        return shown(posixpath.normpath(text.removeprefix(top))) if text.startswith(top) else text

    try:
        proposal = read(place)
    except OrgsimError as error:
        error.file = renamed(error.file) if error.file else None
        raise
    return _renamed(proposal, renamed, top) if proposal is not None else None


def _named_elsewhere(place: Path, inside: str) -> Iterator[str]:
    """The files that a proposal.yaml names outside its folder, by their path in the repository."""
    manifests = [place / name for name in PROPOSALS] if place.is_dir() else [place]
    folder = inside if place.is_dir() else posixpath.dirname(inside)
    manifest = next((each for each in manifests if each.name in PROPOSALS and each.is_file()), None)
    if manifest is None:
        return
    for row in parse_manifest(read_text(manifest, _LIMIT, "the proposal"), manifest.name).policies:
        path = posixpath.normpath(posixpath.join(folder, row.file.text))
        if folder and not path.startswith(f"{folder}/"):
            yield path


def _beside(path: Path, inside: str, other: str) -> str:
    """The path of `other` as people would write it who write `path` for `inside`."""
    if other == inside:
        return str(path)
    if not inside or other.startswith(f"{inside}/"):
        return str(path / posixpath.relpath(other, inside or "."))
    return str(path.parent / posixpath.relpath(other, posixpath.dirname(inside) or "."))


def _renamed(value: _T, renamed: _Rename, top: str) -> _T:
    """The same part of a proposal with other names of files; in sentences for people they lose their folder."""
    found: object = value
    match value:
        case Reference() | PolicyDocument():
            found = msgspec.structs.replace(value, file=renamed(value.file)) if value.file else value
        case str():
            found = value.replace(top, "")
        case tuple():
            found = tuple(_renamed(each, renamed, top) for each in value)
        case msgspec.Struct():
            told = {name: _renamed(getattr(value, name), renamed, top) for name in value.__struct_fields__}
            found = msgspec.structs.replace(value, **told)
        case _ if is_dataclass(value) and not isinstance(value, type):
            parts = {each.name: _renamed(getattr(value, each.name), renamed, top) for each in fields(value)}
            found = replace(value, **parts)
    return cast(_T, found)
