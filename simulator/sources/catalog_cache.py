"""The local cache of a catalog update: one small file, replaced as a whole or not at all."""

import gzip
import zlib
from pathlib import Path
from typing import Final

import msgspec

from simulator.errors import OrgsimError
from simulator.iam.catalog_update import CatalogUpdate, ServiceUpdate
from simulator.sources.whole_file import write_whole

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
    write_whole(path, gzip.compress(content, mtime=0))
    return path
