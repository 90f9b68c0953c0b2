"""The tags that a request carries: `aws:RequestTag/k`, `aws:TagKeys`, and `aws:ResourceTag/k` of what it acts on.

Source: AWS IAM User Guide, reference_policies_condition-keys ("Properties of the request", "Properties of the
resource"). Where a request's tags stand is data: mappings/request_tags.toml.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from simulator.cloudtrail.call import Call, Target
from simulator.cloudtrail.caller_keys import tag_value
from simulator.cloudtrail.parameters import Parameters
from simulator.decision.request import RESOURCELESS, UNKNOWN, ContextValue, OneOf, Unknown

_TAG_WORD: Final = re.compile(r"(?:^|[a-z0-9_-])(?:Tag|TAG)|^tag|[_-]tag")
"""A parameter name that speaks of tags: `resourceTags`, `tag-set`, `Tags`, but not `stage`."""

_LAUNCH_TEMPLATE: Final = "launchTemplate"

CheckRule = Callable[[Call, Target], ContextValue | None]
"""Decides a key for one check: a value, `None` for "proved absent", or unknown."""


Pair = tuple[str, str | Unknown | None]
"""A tag's key and value: `None` where the tag is to be removed, unknown where the log garbled the value."""


class RequestTags(msgspec.Struct, frozen=True):
    """The tags in a request.

    `open`: there may be more tags than these.
    """

    pairs: tuple[Pair, ...]
    open: bool = False

    def value(self, lower: str) -> ContextValue | None:
        """The tag whose key in lower case is `lower`; unknown where keys differ in case only."""
        found = [(key, value) for key, value in self.pairs if key.lower() == lower]
        if not found:
            return UNKNOWN if self.open else None
        # AWS picks one of two tags that differ in case only, unpredictably (condition operators, case sensitivity).
        if len({key for key, _ in found}) > 1 or len({value for _, value in found}) > 1:
            return UNKNOWN
        return found[0][1]

    @property
    def keys(self) -> ContextValue | None:
        """The set of tag keys; absent where there are none."""
        if self.open:
            return UNKNOWN
        return tuple(dict.fromkeys(key for key, _ in self.pairs)) or None


class _Place(msgspec.Struct, frozen=True):
    shape: str
    actions: frozenset[str] | None


class TagReader:
    """Finds a request's tags by the table."""

    def __init__(self) -> None:
        text = files("simulator.cloudtrail.mappings").joinpath("request_tags.toml").read_text(encoding="utf-8")
        table = tomllib.loads(text)
        self._places = {
            name.lower(): _Place(
                row["shape"],
                frozenset(action.lower() for action in row["actions"]) if "actions" in row else None,
            )
            for row in table["place"]
            for name in row["names"]
        }
        self._ignored = frozenset(name.lower() for name in table["ignored"]["names"])

    def tags(self, parameters: Parameters, target: Target) -> RequestTags | None:
        """The request's tags for one target; `None` where they cannot be told.

        No tag parameter at all means no tags, provided that CloudTrail logged the parameters.
        """
        if not parameters.known:
            return None
        suspects = [(name, node) for name, node in parameters.matching(self._suspect) if _filled(node)]
        # A launch template may bring tags of its own.
        template = parameters.has(_LAUNCH_TEMPLATE)
        if not suspects:
            return RequestTags((), open=template)
        wrappers = [name for name, node in parameters.matching(_may_wrap) if isinstance(node, dict)]
        pairs: list[Pair] = []
        placed = False
        for name, node in suspects:
            place = self._places.get(name.lower())
            if place is None or not _is_outer(parameters, wrappers, name, node):
                continue
            placed = True
            if place.actions is not None and target.action.lower() not in place.actions:
                continue
            found = _read(place.shape, node, target.check.type)
            if found is None:
                return None
            pairs += found
        # Only nested or unlisted names: some service keeps its tags there, or they are no tags of this request.
        return RequestTags(tuple(pairs), open=template) if placed else None

    def _suspect(self, name: str) -> bool:
        lower = name.lower()
        return lower in self._places or (lower not in self._ignored and bool(_TAG_WORD.search(name)))


def _may_wrap(name: str) -> bool:
    return name.endswith("Request")


def request_tag(name: str, reader: TagReader) -> CheckRule:
    """The rule of `aws:RequestTag/name`."""
    lower = name.lower()

    def value(call: Call, target: Target) -> ContextValue | None:
        tags = reader.tags(call.parameters, target)
        return UNKNOWN if tags is None else tags.value(lower)

    return value


def tag_keys(reader: TagReader) -> CheckRule:
    """The rule of `aws:TagKeys`."""

    def value(call: Call, target: Target) -> ContextValue | None:
        tags = reader.tags(call.parameters, target)
        return UNKNOWN if tags is None else tags.keys

    return value


def resource_tag(name: str, reader: TagReader) -> CheckRule:
    """The rule of `aws:ResourceTag/name` and of a service's own twin (`ec2:ResourceTag/name`).

    A resource that the call creates has the tags the request gives it, or none: AWS includes the key "in requests
    that create a resource with an attached tag", but not for every service.
    """
    lower = name.lower()

    def value(call: Call, target: Target) -> ContextValue | None:
        check = target.check
        if check.arn == RESOURCELESS:
            return None
        if check.created:
            tags = reader.tags(call.parameters, target)
            asked = UNKNOWN if tags is None else tags.value(lower)
            return OneOf((asked, None)) if isinstance(asked, str) else asked
        listed = call.facts.resource_tags.get(check.arn) if isinstance(check.arn, str) else None
        return UNKNOWN if listed is None else tag_value(listed, lower)

    return value


def _is_outer(parameters: Parameters, wrappers: Sequence[str], name: str, node: object) -> bool:
    """Whether a member stands at the top level or in EC2's wrapper object (`CreateNatGatewayRequest`)."""
    if "." in name:
        return False
    return parameters.raw(name) is node or any(parameters.raw(f"{wrapper}.{name}") is node for wrapper in wrappers)


def _read(shape: str, node: object, resource_type: str | None) -> list[Pair] | None:
    match shape:
        case "list":
            return _pairs(node)
        case "map":
            return _map(node)
        case "either":
            return _map(node) if _is_map(node) else _pairs(node)
        case "specs":
            return _specs(node, resource_type)
        case "keys":
            return _keys(node)
        case "header":
            return [*parse_qsl(node, keep_blank_values=True)] if isinstance(node, str) else None
        case "s3":
            return _s3(node)
    return None


def _items(node: object) -> list[object] | None:
    """A list however it is written: bare, under `items` or `member`, or one object for a list of one."""
    if isinstance(node, dict):
        for name in ("items", "member", "Items", "Member"):
            if name in node:
                return _items(node[name])
        return [node] if node else []
    if isinstance(node, list):
        return node
    return [] if node in (None, "") else None


def _field(node: Mapping[str, Any], *names: str) -> object:
    for key, value in node.items():
        if key.lower() in names:
            return value
    return None


def _structures(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if isinstance(value, dict | list)}


def _pairs(node: object) -> list[Pair] | None:
    items = _items(node)
    if items is None:
        return None
    pairs: list[Pair] = []
    for item in items:
        if not isinstance(item, dict):
            return None
        key = _field(item, "key", "tagkey")
        value = _field(item, "value", "tagvalue")
        if not isinstance(key, str) or isinstance(value, dict | list):
            return None
        # A tag without a value is a tag with the empty value. Calls logged from XML turn "True" and "007" into JSON
        # literals, so that the text is lost.
        pairs.append((key, UNKNOWN if isinstance(value, bool | int | float) else str(value or "")))
    return pairs


def _is_map(node: object) -> bool:
    if not isinstance(node, dict) or not node:
        return False
    lower = {key.lower() for key in node}
    return not (lower <= {"key", "value", "tag", "tagkey", "tagvalue"} and "key" in lower) and not (
        len(lower) == 1 and lower <= {"items", "member"}
    )


def _map(node: object) -> list[Pair] | None:
    if node in (None, ""):
        return []
    if not isinstance(node, dict) or not all(isinstance(value, str) for value in node.values()):
        return None
    return [*node.items()]


def _specs(node: object, resource_type: str | None) -> list[Pair] | None:
    items = _items(node)
    if items is None:
        return None
    pairs: list[Pair] = []
    types: set[str] = set()
    for item in items:
        if not isinstance(item, dict):
            return None
        kind = _field(item, "resourcetype")
        # EC2's newer calls number their list entries: `{"tag": 1, "Tag": [...]}`.
        found = _pairs(_field(_structures(item), "tags", "tag", "tagset"))
        if not isinstance(kind, str) or found is None:
            return None
        types.add(kind)
        if resource_type is None or kind.lower() == resource_type.lower():
            pairs += found
    # Without the checked resource's type it stays open which specification is meant.
    return None if resource_type is None and pairs and len(types) > 1 else pairs


def _keys(node: object) -> list[Pair] | None:
    items = _items(node)
    if items is None:
        return None
    keys: list[Pair] = []
    for item in items:
        key = _field(item, "key", "tagkey") if isinstance(item, dict) else item
        if not isinstance(key, str):
            return None
        keys.append((key, None))
    return keys


def _s3(node: object) -> list[Pair] | None:
    # In S3 calls the bare subresource (`?tagging`) is logged as `tagging: ""`.
    if not _filled(node):
        return []
    tag_set = _field(node, "tagset") if isinstance(node, dict) else None
    if not isinstance(tag_set, dict):
        return None
    return _pairs(_field(tag_set, "tag"))


def _filled(node: object) -> bool:
    # Numbers are EC2's list positions (`"tag": 1`), booleans are options.
    return isinstance(node, str | list | dict) and node not in ("", [], {}, [""])
