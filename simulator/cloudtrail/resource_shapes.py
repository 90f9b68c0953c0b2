"""The outline of a resource whose ARN the log lost: what the Service Authorization Reference says of its type.

A snapshot that a call may have touched is no instance: a policy on `instance/*` does not reach it, whatever its id.
"""

import re
from typing import Final

from simulator.cloudtrail.call import Call
from simulator.cloudtrail.principal import partition_of
from simulator.decision.request import UNKNOWN, Resource, ResourceShape
from simulator.iam.catalog import Catalog

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z0-9]+)\}")
_COLONS_IN_NAMES: Final = frozenset({"s3", "logs", "execute-api"})
"""Services whose resource names may hold colons: no outline with unknown parts is sure there."""


class ShapeFinder:
    """Finds outlines; formats are read from the catalog once per type."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._formats: dict[tuple[str, str], str | None] = {}

    def shape(self, call: Call, action: str, resource_type: str | None, account: object) -> Resource:
        """The outline of a resource of this type, or `UNKNOWN` where the type tells nothing sure.

        `account` is the owner's id if it is a text; anything else is unknown.
        """
        service = action.partition(":")[0].lower()
        form = self._format(service, resource_type) if resource_type else None
        if form is None:
            return UNKNOWN
        known = {
            "partition": partition_of(call.record) or "*",
            "region": call.record.aws_region or "*",
            "account": account if isinstance(account, str) else "*",
        }
        return ResourceShape(_VARIABLE.sub(lambda match: known.get(match.group(1).lower(), "*"), form))

    def _format(self, service: str, resource_type: str) -> str | None:
        key = (service, resource_type.lower())
        if key not in self._formats:
            found = self._catalog.resource_types(service).get(key[1])
            usable = found is not None and service not in _COLONS_IN_NAMES and found.arn.count(":") == 5
            self._formats[key] = found.arn if found is not None and usable else None
        return self._formats[key]
