"""Condition keys as AWS itself logged them: `eventContext` of enriched events.

Source: AWS CloudTrail User Guide, cloudtrail-context-events. Only event data stores hold it. What stands there was
evaluated, so it outranks everything derived; what does not stand there proves nothing (only selected keys are
logged).
"""

from collections.abc import Iterable, Mapping

from simulator.cloudtrail.caller_keys import tag_value
from simulator.cloudtrail.checks import ResourceCheck
from simulator.decision.request import ContextValue
from simulator.iam.catalog import Catalog


class EventContext:
    """Puts logged keys into a context; knows which keys are wanted."""

    def __init__(self, catalog: Catalog, keys: frozenset[str]) -> None:
        self._multivalued = frozenset(key for key in keys if catalog.is_multivalued(key))
        self._keys = keys
        self._principal_tags = _names(keys, "aws:principaltag/")
        self._resource_tags = _names(keys, "aws:resourcetag/")

    def apply(self, logged: Mapping[str, object], check: ResourceCheck, context: dict[str, ContextValue]) -> None:
        """Overwrite `context` with what the record's `eventContext` says of the wanted keys."""
        request = logged.get("requestContext")
        if isinstance(request, dict):
            for name, value in request.items():
                key = str(name).lower()
                if key in self._keys:
                    self._put(key, value, context)
        tags = logged.get("tagContext")
        if not isinstance(tags, dict):
            return
        of_principal = _tags(tags.get("principalTags"))
        for key, name in self._principal_tags:
            found = tag_value(of_principal, name)
            if found is not None:
                context[key] = found
        if self._resource_tags and isinstance(check.arn, str):
            of_resource = _resource_tags(tags.get("resourceTags"), check.arn)
            for key, name in self._resource_tags:
                found = tag_value(of_resource, name)
                if found is not None:
                    context[key] = found

    def _put(self, key: str, value: object, context: dict[str, ContextValue]) -> None:
        texts = [text for text in map(_text, value if isinstance(value, list) else [value]) if text is not None]
        if not texts:
            return
        if key in self._multivalued:
            context[key] = tuple(texts)
        elif len(texts) == 1:
            context[key] = texts[0]


def _names(keys: Iterable[str], family: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, key.removeprefix(family)) for key in sorted(keys) if key.startswith(family))


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None


def _tags(node: object) -> dict[str, str]:
    """Tags as an object, or as a list of key and value."""
    if isinstance(node, dict):
        return {key: value for key, value in node.items() if isinstance(value, str)}
    pairs = node if isinstance(node, list) else ()
    found: dict[str, str] = {}
    for pair in pairs:
        if isinstance(pair, dict) and isinstance(pair.get("key"), str) and isinstance(pair.get("value"), str):
            found[pair["key"]] = pair["value"]
    return found


def _resource_tags(node: object, arn: str) -> dict[str, str]:
    for each in node if isinstance(node, list) else ():
        if isinstance(each, dict) and arn in (each.get("arn"), each.get("ARN")):
            return _tags(each.get("tags"))
    return {}
