"""A proposal as it was at two revisions of a git repository."""

import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from simulator.errors import OrgsimError
from simulator.organization.manifest import parse_manifest
from simulator.organization.proposal import Proposal
from simulator.organization.yaml_text import Reference
from simulator.policy.document import PolicyType
from simulator.sources.git import Repository, RevisionRange
from simulator.sources.proposals import MANIFESTS, read_proposal
from simulator.sources.text import read_text

_LIMIT: Final = 4 << 20

_Rename = Callable[[str], str]
_Read = Callable[[Path], Proposal | None]


@dataclass(frozen=True, slots=True)
class ReadVersion:
    """A proposal with the name of its version, and the commit where it is not the files as they are."""

    name: str
    commit: str | None
    proposal: Proposal


def read_revisions(
    revisions: RevisionRange, path: Path, policy_type: PolicyType | None = None, attach: Sequence[str] = ()
) -> tuple[ReadVersion, ReadVersion]:
    """Base and head of the proposal at `path`; the other arguments are those of `read_proposal`.

    Files of head are called as they are in the working tree, those of base `revision:path`. A version that has
    nothing at `path` proposes nothing, and a note says so. Raises `OrgsimError`.
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
            return read_proposal(place, policy_type, attach)
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
    with repository.files(commit, inside) as place:
        more = list(_named_elsewhere(place, inside)) if place is not None else []
        if place is not None and not more:
            return _read_as(read, place, inside, shown)
    if place is None:
        return None
    with repository.files(commit, inside, more) as place:
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
    manifests = [place / name for name in MANIFESTS] if place.is_dir() else [place]
    folder = inside if place.is_dir() else posixpath.dirname(inside)
    manifest = next((each for each in manifests if each.is_file()), None)
    if manifest is None or (not place.is_dir() and manifest.suffix.lower() not in (".yaml", ".yml")):
        return
    for row in parse_manifest(read_text(manifest, _LIMIT, "the proposal"), manifest.name).policies:
        path = posixpath.normpath(posixpath.join(folder, row.file.text))
        if not place.is_dir() or (folder and not path.startswith(f"{folder}/")):
            yield path


def _beside(path: Path, inside: str, other: str) -> str:
    """The path of `other` as people would write it who write `path` for `inside`."""
    return str(path / posixpath.relpath(other, inside or ".")) if other != inside else str(path)


def _renamed(proposal: Proposal, renamed: _Rename, top: str) -> Proposal:
    def named(reference: Reference) -> Reference:
        return replace(reference, file=renamed(reference.file)) if reference.file else reference

    def all_named(references: Sequence[Reference]) -> tuple[Reference, ...]:
        return tuple(map(named, references))

    policies = tuple(
        replace(
            each,
            document=replace(each.document, file=renamed(each.document.file) if each.document.file else None),
            attach=all_named(each.attach),
            replaces=named(each.replaces) if each.replaces else None,
            default_attach=all_named(each.default_attach),
            place=named(each.place) if each.place else None,
        )
        for each in proposal.policies
    )
    return Proposal(
        policies,
        tuple(
            replace(each, policy=named(each.policy), targets=all_named(each.targets)) for each in proposal.attachments
        ),
        tuple(
            replace(each, policy=named(each.policy), targets=all_named(each.targets)) for each in proposal.detachments
        ),
        tuple(replace(each, account=named(each.account), to=named(each.to)) for each in proposal.moves),
        tuple(note.replace(top, "") for note in proposal.notes),
    )
