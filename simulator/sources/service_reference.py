"""Reads AWS's Service Reference, from AWS, from a mirror or from files, and compiles it into a catalog update.

Format: Service Authorization Reference, service-reference ("Simplified AWS service information for programmatic
access"): an index of services with the address of one JSON document each. All or nothing: one document that cannot be
read means no update.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import msgspec

from simulator.errors import OrgsimError
from simulator.iam.catalog_update import ActionUpdate, CatalogUpdate, KeyUpdate, ServiceUpdate, TypeUpdate
from simulator.sources.download import Fetch, Limits, download

DEFAULT_URL: Final = "https://servicereference.us-east-1.amazonaws.com/"
INDEX_FILES: Final = ("index.json", "index.html")
"""Names that an index has in a folder: AWS serves it at `/`, which copying programs store under one of these."""

_MOST_SERVICES: Final = 5_000
_WORKERS: Final = 8

Progress = Callable[[int, int], None]
"""Called with the number of documents that were read, and of all."""


class _Entry(msgspec.Struct):
    service: str
    url: str


class _Properties(msgspec.Struct, rename="pascal"):
    is_list: bool = False
    is_permission_management: bool = False
    is_tagging_only: bool = False
    is_write: bool = False


class _Annotations(msgspec.Struct, rename="pascal"):
    properties: _Properties | None = None


class _Name(msgspec.Struct, rename="pascal"):
    name: str


class _Action(msgspec.Struct, rename="pascal"):
    name: str
    action_condition_keys: list[str] = []
    resources: list[_Name] = []
    annotations: _Annotations | None = None


class _Type(msgspec.Struct, rename="pascal"):
    name: str
    arns: list[str] = msgspec.field(name="ARNFormats", default_factory=list)
    condition_keys: list[str] = []


class _Key(msgspec.Struct, rename="pascal"):
    name: str
    types: list[str] = []


class _Authorized(msgspec.Struct, rename="pascal"):
    name: str
    service: str


class _Operation(msgspec.Struct, rename="pascal"):
    name: str
    authorized_actions: list[_Authorized] = []


class _Document(msgspec.Struct, rename="pascal"):
    name: str
    actions: list[_Action]
    resources: list[_Type] = []
    condition_keys: list[_Key] = []
    operations: list[_Operation] = []


_index_of: Final = msgspec.json.Decoder(list[_Entry]).decode
_document_of: Final = msgspec.json.Decoder(_Document).decode


def fetch_update(where: str, progress: Progress, fetch: Fetch = download) -> CatalogUpdate:
    """The update that an address or a path holds.

    `where` is the `https:` (or `http:`) address of an index, a `file:` address, or a path: of an index, of one
    service's document, or of a folder with an index or with documents at any depth. Raises `OrgsimError`
    (`catalog-download`, `catalog-format`, or those of unreadable files).
    """
    scheme = urlsplit(where).scheme.lower()
    if scheme in ("http", "https"):
        documents = _from_address(where, progress, fetch)
    elif scheme == "file":
        documents = _from_path(Path(url2pathname(urlsplit(where).path)), progress)
    else:
        documents = _from_path(Path(where), progress)
    services: dict[str, list[_Document]] = {}
    for document in documents:
        services.setdefault(document.name.lower(), []).append(document)
    encoded = {name: msgspec.json.encode(_compiled(found)) for name, found in services.items()}
    return CatalogUpdate(where, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), encoded)


# --- over the network --------------------------------------------------------------------------------------------


def _from_address(where: str, progress: Progress, fetch: Fetch) -> list[_Document]:
    limits = Limits()
    addresses = [_address(entry, where) for entry in _read_index(fetch(where, limits), where)]
    addresses = list(dict.fromkeys(addresses))
    progress(0, len(addresses))
    documents: dict[str, _Document] = {}
    for address, content in _fetch_all(addresses, lambda address: fetch(address, limits)):
        documents[address] = _read_document(content, address)
        progress(len(documents), len(addresses))
    return [documents[address] for address in addresses]


def _fetch_all(addresses: list[str], fetch: Callable[[str], bytes]) -> Iterator[tuple[str, bytes]]:
    """Addresses and contents, as they come. Several are fetched at once; the first error is raised.

    The threads are daemons: after an error or Ctrl-C the program need not wait for a slow server.
    """
    waiting: SimpleQueue[str] = SimpleQueue()
    done: SimpleQueue[tuple[str, bytes | OrgsimError | None]] = SimpleQueue()
    for address in addresses:
        waiting.put(address)
    stopped = threading.Event()

    def work() -> None:
        while not stopped.is_set():
            try:
                address = waiting.get_nowait()
            except Empty:
                return
            result: bytes | OrgsimError | None = None
            try:
                result = fetch(address)
            except OrgsimError as error:
                result = error
            finally:
                done.put((address, result))

    for _ in range(min(_WORKERS, len(addresses))):
        threading.Thread(target=work, daemon=True).start()
    try:
        for _ in addresses:
            address, result = done.get()
            if result is None:
                raise RuntimeError(f"fetching {address} failed without a reason")
            if isinstance(result, OrgsimError):
                raise result
            yield address, result
    finally:
        stopped.set()


def _address(entry: _Entry, index: str) -> str:
    """Where a document lies. A mirror's copy of the index still names AWS: its documents are the mirror's own."""
    url = entry.url
    if urlsplit(url).netloc == urlsplit(DEFAULT_URL).netloc != urlsplit(index).netloc:
        url = urlsplit(url).path.lstrip("/")
    address = urljoin(index, url)
    if urlsplit(address)[:2] != urlsplit(index)[:2]:
        raise OrgsimError(
            "catalog-format",
            f"the index names a document elsewhere, for {entry.service!r}: {address}",
            hint="documents must lie on the server of the index",
            file=index,
        )
    return address


# --- on disk -----------------------------------------------------------------------------------------------------


def _from_path(path: Path, progress: Progress) -> list[_Document]:
    if path.is_dir():
        index = next((path / name for name in INDEX_FILES if (path / name).is_file()), None)
        if index is None:
            return _from_folder(path, progress)
        path = index
    content = _read_file(path)
    if content.lstrip()[:1] != b"[":
        return [_read_document(content, str(path))]
    files = [_beside(entry, path) for entry in _read_index(content, str(path))]
    return list(_read_files(list(dict.fromkeys(files)), progress))


def _from_folder(folder: Path, progress: Progress) -> list[_Document]:
    """All JSON documents below a folder; those of AWS that are not about a service (`mapping.json`) are left out."""
    files = sorted(folder.rglob("*.json"))
    found = [file for file in files if _is_service(_read_file(file), file)]
    if not found:
        raise OrgsimError(
            "catalog-format",
            "there is no document of the Service Reference in this folder",
            hint="a copy holds index.json, or v1/<service>/<service>.json",
            file=folder,
        )
    return list(_read_files(found, progress))


def _is_service(content: bytes, file: Path) -> bool:
    try:
        members = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return False
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(str(file), error) from error
    return "Name" in members and "Actions" in members


def _beside(entry: _Entry, index: Path) -> Path:
    """Where a copy of the index finds a document: by its path below the folder of the index."""
    inside = urlsplit(entry.url).path.lstrip("/")
    path = index.parent / inside
    if not path.resolve().is_relative_to(index.parent.resolve()):
        raise OrgsimError("catalog-format", f"the index names a document outside its folder: {entry.url}", file=index)
    return path


def _read_files(files: list[Path], progress: Progress) -> Iterator[_Document]:
    for number, file in enumerate(files, 1):
        yield _read_document(_read_file(file), str(file))
        progress(number, len(files))


def _read_file(path: Path) -> bytes:
    limit = Limits().document
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError as error:
        raise OrgsimError("file-missing", "there is no such document of the Service Reference", file=path) from error
    except OSError as error:
        raise OrgsimError("file-unreadable", f"it cannot be read: {error.strerror or error}", file=path) from error
    if len(content) > limit:
        raise OrgsimError("file-too-large", f"a document is larger than {limit:,} bytes", file=path)
    return content


# --- from documents to an update -----------------------------------------------------------------------------------


def _read_index(content: bytes, place: str) -> list[_Entry]:
    try:
        entries = _index_of(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(place, error) from error
    if not 0 < len(entries) <= _MOST_SERVICES:
        raise OrgsimError("catalog-format", f"an index of {len(entries):,} services cannot be right", file=place)
    return entries


def _read_document(content: bytes, place: str) -> _Document:
    try:
        return _document_of(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(place, error) from error


def _wrong(place: str, error: Exception) -> OrgsimError:
    return OrgsimError(
        "catalog-format",
        f"this is not AWS's Service Reference: {error}",
        hint="give the address of its index, or a copy of it",
        file=place,
    )


def _compiled(documents: Iterable[_Document]) -> ServiceUpdate:
    """One service; a prefix that several documents describe has what they say together."""
    actions: dict[str, ActionUpdate] = {}
    types: dict[str, TypeUpdate] = {}
    keys: dict[str, KeyUpdate] = {}
    operations: dict[str, tuple[str, ...]] = {}
    for document in documents:
        for action in document.actions:
            names = tuple(each.name for each in action.resources)
            level = _access_level(action.annotations)
            actions[action.name] = ActionUpdate(action.name, level, names, tuple(action.action_condition_keys))
        for kind in document.resources:
            if kind.arns:
                types[kind.name] = TypeUpdate(kind.name, tuple(kind.arns), tuple(kind.condition_keys))
        for key in document.condition_keys:
            if key.types:
                keys[key.name] = KeyUpdate(key.name, key.types[0])
        for operation in document.operations:
            if operation.authorized_actions:
                names = tuple(f"{each.service}:{each.name}" for each in operation.authorized_actions)
                operations[operation.name] = tuple(dict.fromkeys((*operations.get(operation.name, ()), *names)))
    return ServiceUpdate(tuple(actions.values()), tuple(types.values()), tuple(keys.values()), operations)


def _access_level(annotations: _Annotations | None) -> str:
    """In the words of the packaged tables; `""` where nothing is said."""
    properties = annotations.properties if annotations else None
    if properties is None:
        return ""
    words = [
        word
        for word, holds in (
            ("Permissions management", properties.is_permission_management),
            ("Tagging", properties.is_tagging_only),
            ("Write", properties.is_write),
        )
        if holds
    ]
    return ", ".join(words) or ("List" if properties.is_list else "Read")
