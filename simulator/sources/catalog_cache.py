"""The local cache of a catalog update: one small file, replaced as a whole or not at all."""

import gzip
import os
import tempfile
import zlib
from pathlib import Path
from typing import Final

import msgspec

from simulator.errors import OrgsimError
from simulator.iam.catalog_update import CatalogUpdate, ServiceUpdate

FILE_NAME: Final = "service-reference.json.gz"
SCHEMA: Final = "orgsim/catalog-update/1"
_LARGEST: Final = 256 << 20
_HINT: Final = "run `orgsim catalog update` again, or delete the file to use the packaged tables alone"


class _Cache(msgspec.Struct):
    schema: str
    origin: str
    fetched: str
    services: dict[str, msgspec.Raw]


def read_update(folder: Path) -> CatalogUpdate | None:
    """The update in a cache folder, `None` if there is none.

    Raises `OrgsimError` (`catalog-cache`) for a file that cannot be read, or is of another version of this program.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file, gzip.open(file) as stream:
            content = stream.read(_LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, EOFError, zlib.error) as error:
        message = f"the catalog update cannot be read: {error}"
        raise OrgsimError("catalog-cache", message, hint=_HINT, file=path) from error
    try:
        cache = msgspec.json.decode(content, type=_Cache)
        if cache.schema != SCHEMA:
            raise OrgsimError("catalog-cache", "the catalog update is of another version", hint=_HINT, file=path)
        services = {name: bytes(raw) for name, raw in cache.services.items()}
        for encoded in services.values():
            msgspec.json.decode(encoded, type=ServiceUpdate)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = "the catalog update is not what this program wrote"
        raise OrgsimError("catalog-cache", message, hint=_HINT, file=path) from error
    return CatalogUpdate(cache.origin, cache.fetched, services)


def write_update(update: CatalogUpdate, folder: Path) -> Path:
    """Put an update into a cache folder in place of the old one; the path of the file.

    The new file is complete on the disk before it takes the old one's name, so a crash leaves one of the two. Raises
    `OrgsimError` (`cannot-write`).
    """
    services = {name: msgspec.Raw(encoded) for name, encoded in sorted(update.services.items())}
    content = msgspec.json.encode(_Cache(SCHEMA, update.origin, update.fetched, services))
    path = folder / FILE_NAME
    temporary: Path | None = None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{FILE_NAME}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(gzip.compress(content, mtime=0))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        temporary = None
        _flush_folder(folder)
    except OSError as error:
        raise OrgsimError("cannot-write", f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return path


def _flush_folder(folder: Path) -> None:
    """Make the new name survive a crash, where folders can be flushed at all."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
