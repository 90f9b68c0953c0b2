"""Which condition keys an action carries, by the Service Authorization Reference."""

from simulator.iam.catalog import ActionInfo, Catalog
from simulator.iam.keys import key_info_from_row

_TAGS_OF_THE_REQUEST = ("aws:requesttag/", "aws:tagkeys")


def is_key(listed: str, key: str) -> bool:
    """Whether `key` is the listed one, or of its family.

    >>> is_key("aws:RequestTag/${TagKey}", "aws:requesttag/team")
    True
    """
    name = key_info_from_row(listed, "").name.lower()
    lower = key.lower()
    return lower == name or (name.endswith(("/", ":")) and lower.startswith(name))


def carries(info: ActionInfo, key: str, catalog: Catalog) -> bool:
    """Whether calls of the action can carry `key`.

    A key listed for a resource type counts for every action that takes the type, but for the tags of a request: they
    come with the actions that set tags.
    """
    listed = [*info.condition_keys, *(name for use in info.resource_types for name in use.condition_keys)]
    if not key.lower().startswith(_TAGS_OF_THE_REQUEST):
        types = catalog.resource_types(info.name.partition(":")[0])
        for use in info.resource_types:
            if use.name.lower() in types:
                listed += types[use.name.lower()].condition_keys
    return any(is_key(name, key) for name in listed)
