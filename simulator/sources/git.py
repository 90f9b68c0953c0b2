"""Reads what a folder held at a revision of a git repository: the listed blobs, into a temporary folder.

Nothing is checked out and no filter, hook or attribute of the repository runs: `git ls-tree` and `git cat-file` only.
Trees of a repository are input like any other: paths that would leave the folder, and links to outside, are errors.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final

from simulator.errors import ExitStatus, OrgsimError

_TIMEOUT: Final = 120
_MOST_FILES: Final = 20_000
_MOST_BYTES: Final = 256 << 20
_LINK: Final = "120000"
_QUIET: Final = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1", "LC_ALL": "C"}
_LEFT_OUT: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})
"""Set in hooks, relative to another folder: the repository is the one that the named folder lies in."""


@dataclass(frozen=True, slots=True)
class RevisionRange:
    """`A..B`, `A..` (`head` is `None`: the files as they are now), `A...B` (from where both have forked)."""

    base: str
    head: str | None
    from_fork: bool = False

    def __str__(self) -> str:
        return f"{self.base}{'...' if self.from_fork else '..'}{self.head or ''}"


def parse_range(text: str) -> RevisionRange | None:
    """The two revisions that a text names; `None` if it holds no `..` (which no revision's name does), or is a path.

    Raises `OrgsimError` (usage) where a revision is missing or could be taken for an option of git.
    """
    base, dots, head = text.partition("..")
    if not dots or (not base and head.startswith("/")) or base.endswith("/"):
        return None
    from_fork = head.startswith(".")
    head = head[1:] if from_fork else head
    if not base or base.startswith("-") or head.startswith(("-", ".")) or "\0" in text:
        message = f"`{text}` names no two revisions"
        hint = "give BASE..HEAD, or BASE.. for the files as they are now"
        raise OrgsimError("git-range", message, hint=hint, status=ExitStatus.USAGE)
    return RevisionRange(base, head or None, from_fork)


@dataclass(frozen=True, slots=True)
class _Blob:
    """A file of a tree. `path` is below the repository's top folder."""

    path: str
    mode: str
    name: str
    size: int


class Repository:
    """The repository that a path (it need not exist any more) lies in. `inside` is the path below its top folder."""

    def __init__(self, path: Path) -> None:
        folder, missing = path.absolute(), list[str]()
        while not folder.is_dir():
            missing.insert(0, folder.name)
            folder = folder.parent
        self._folder = folder
        prefix = self._git("git-not-a-repository", f"{path} is in no git repository", ["rev-parse", "--show-prefix"])
        self.inside = _joined(os.fsdecode(prefix).rstrip("\n"), missing)

    def commit(self, revision: str) -> str:
        """The id of the commit that a revision names."""
        arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
        found = self._git("git-unknown-revision", f"there is no revision `{revision}`", arguments, _FETCH)
        return found.decode("ascii", "replace").strip()

    def fork(self, one: str, other: str) -> str:
        """The commit from where two commits have forked."""
        message = f"`{one}` and `{other}` have no commit in common"
        found = self._git("git-unknown-revision", message, ["merge-base", one, other], _FETCH)
        return found.decode("ascii", "replace").strip()

    @contextmanager
    def files(self, commit: str, path: str, more: Iterable[str] = ()) -> Iterator[Path | None]:
        """A folder that holds the files below `path` (and `more` paths) of a commit, as they lie below the top folder.

        Gives the place of `path` in it; `None` if the commit has no such path.
        """
        blobs = self._blobs(commit, [path, *more])
        if not any(blob.path == path or path == "" or blob.path.startswith(f"{path}/") for blob in blobs):
            yield None
            return
        with TemporaryDirectory(prefix="orgsim-") as folder:
            top = Path(folder).resolve()
            try:
                _write(top, blobs, self._contents(blobs))
            except OSError as error:
                raise OrgsimError(
                    "git-failed", f"the files of {commit} cannot be laid out: {error.strerror}"
                ) from error
            yield top / path

    def _blobs(self, commit: str, paths: Sequence[str]) -> list[_Blob]:
        wanted = [] if "" in paths else ["--", *paths]
        message = f"the files of {commit} cannot be listed"
        listed = self._git("git-failed", message, ["ls-tree", "-r", "-z", "-l", "--full-tree", commit, *wanted])
        blobs = []
        for row in listed.split(b"\0")[:-1]:
            told, _, name = row.partition(b"\t")
            mode, kind, blob, size = told.decode("ascii").split()
            path = os.fsdecode(name)
            if kind == "blob" and not size.isdigit():
                raise OrgsimError("git-failed", f"the repository lacks the content of `{path}` at {commit}")
            if kind != "blob":
                hint = "name a folder without submodules"
                raise OrgsimError("git-tree", f"`{path}` is a submodule, which cannot be read here", hint=hint)
            if not _is_plain(path):
                raise OrgsimError("git-tree", f"the commit holds a path that leads elsewhere: `{path}`")
            blobs.append(_Blob(path, mode, blob, int(size)))
        if len(blobs) > _MOST_FILES or sum(blob.size for blob in blobs) > _MOST_BYTES:
            message = f"{len(blobs):,} files are more than a proposal can be"
            raise OrgsimError("git-tree", message, hint="name the folder of the proposal alone")
        return blobs

    def _contents(self, blobs: Sequence[_Blob]) -> Iterator[bytes]:
        names = "".join(f"{blob.name}\n" for blob in blobs).encode("ascii")
        answer = self._git("git-failed", "the files cannot be read", ["cat-file", "--batch"], given=names)
        place = 0
        for blob in blobs:
            # <name> blob <size>\n<content>\n
            head = f"{blob.name} blob {blob.size}\n".encode("ascii")
            if not answer.startswith(head, place):
                raise OrgsimError("git-failed", f"the repository lacks the content of `{blob.path}`")
            place += len(head) + blob.size + 1
            yield answer[place - blob.size - 1 : place - 1]

    def _git(self, code: str, message: str, arguments: Sequence[str], hint: str = "", given: bytes = b"") -> bytes:
        """What a git command writes; an error with this code and message, and what git says, if it fails."""
        try:
            done = subprocess.run(  # noqa: S603  (no shell; revisions stand behind --end-of-options)
                ["git", "-C", str(self._folder), *arguments],  # noqa: S607  (the git that the user has)
                input=given,
                capture_output=True,
                check=False,
                timeout=_TIMEOUT,
                env={**{name: value for name, value in os.environ.items() if name not in _LEFT_OUT}, **_QUIET},
            )
        except FileNotFoundError as error:
            hint = "install git, or give two folders: orgsim diff BASE HEAD"
            raise OrgsimError("git-missing", "git is not installed", hint=hint) from error
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise OrgsimError("git-failed", f"git could not be run: {error}") from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
            raise OrgsimError(code, f"{message} (git: {said})" if said else message, hint=hint)
        return done.stdout


_FETCH: Final = "in a pipeline fetch it first: a shallow clone lacks older commits"


def _joined(prefix: str, parts: Sequence[str]) -> str:
    path = os.path.normpath("/".join([prefix.rstrip("/"), *parts]).lstrip("/"))
    if path.startswith("../"):
        raise OrgsimError("git-not-a-repository", f"{path} is outside the repository")
    return "" if path == "." else path


def _is_plain(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and ".git" not in parts and "\\" not in path


def _write(top: Path, blobs: Sequence[_Blob], contents: Iterable[bytes]) -> None:
    held = {blob.path for blob in blobs}
    links = []
    for blob, content in zip(blobs, contents, strict=True):
        if blob.mode == _LINK:
            links.append((blob.path, os.fsdecode(content)))
            continue
        place = top / blob.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for path, target in links:
        # A link becomes the file that it leads to.
        leads_to = os.path.normpath(f"{PurePosixPath(path).parent}/{target}")
        if target.startswith("/") or leads_to not in held or not (top / leads_to).is_file():
            message = f"the link `{path}` leads to `{target}`, which is no file that was read"
            raise OrgsimError("git-tree", message, hint="put the file itself there")
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_bytes((top / leads_to).read_bytes())
