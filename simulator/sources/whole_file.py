"""Writes files that are there as a whole or not at all, whenever the process or the machine stops."""

import os
import tempfile
from pathlib import Path

from simulator.errors import OrgsimError


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in the place of an older one; folders are made as needed.

    The new file is complete on the disk before it takes the old one's name, so a crash leaves one of the two. Raises
    `OrgsimError` (`cannot-write`).
    """
    temporary: Path | None = None
    make_folder(path.parent)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        temporary = None
        _flush_folder(path.parent)
    except OSError as error:
        raise OrgsimError("cannot-write", f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder for this user alone, and those above it. Raises `OrgsimError` (`cannot-write`)."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OrgsimError("cannot-write", f"cannot write {folder}: {error.strerror or error}") from error


def _flush_folder(folder: Path) -> None:
    """Make a new name survive a crash, where folders can be flushed at all."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
