"""Reads the small text files that people write (policies, proposals, snapshots), with errors they understand."""

from pathlib import Path

from simulator.errors import OrgsimError


def read_bytes(path: Path, limit: int, what: str) -> bytes:
    """The content of a file of at most `limit` bytes; `what` names it in messages ("the policy").

    Raises `OrgsimError` if it cannot be read or is too large.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except FileNotFoundError as error:
        hint = "the path is relative to the folder the command runs in"
        raise OrgsimError("file-missing", f"{what} does not exist", hint=hint, file=path) from error
    except OSError as error:
        raise OrgsimError("file-unreadable", f"{what} cannot be read: {error.strerror or error}", file=path) from error
    if len(content) > limit:
        raise OrgsimError("file-too-large", f"{what} is larger than {limit:,} bytes", file=path)
    return content


def read_text(path: Path, limit: int, what: str) -> str:
    """The text of a file of at most `limit` bytes; `what` names it in messages ("the policy").

    Raises `OrgsimError` if it cannot be read, is too large, or is not UTF-8.
    """
    content = read_bytes(path, limit, what)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise OrgsimError(
            "file-encoding", f"{what} is not UTF-8", hint="save it as UTF-8", file=path, line=line
        ) from error
