"""What credentials reach at AWS, and what the trails found there collect."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class CheckStatus(Enum):
    """What became of trying a call."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNCLEAR = "unclear"
    NOT_TRIED = "not_tried"


@dataclass(frozen=True, slots=True)
class Check:
    """One call that a command makes: the IAM actions it needs, and whether it passed; `reason` if it did not."""

    command: str
    operation: str
    actions: tuple[str, ...]
    status: CheckStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """One trail or event data store; `selectors` are as AWS gives them, `None` if they could not be read.

    `address` is where a trail delivers to, as `--logs` takes it; `logging` is `None` where it is not known.
    """

    kind: str
    name: str
    arn: str
    home_region: str
    organization: bool
    multi_region: bool
    logging: bool | None
    address: str | None
    selectors: Sequence[Mapping[str, Any]] | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that `orgsim doctor` found. `delegated_administrator` is `None` where nothing tells."""

    method: str
    account: str
    arn: str
    organization_id: str | None
    management_account: str | None
    delegated_administrator: bool | None
    checks: tuple[Check, ...]
    collections: tuple[Collection, ...]

    @property
    def is_management_account(self) -> bool:
        """Whether the credentials are of the management account."""
        return self.management_account == self.account

    def missing(self, command: str) -> tuple[str, ...]:
        """The actions that a command needs and the credentials have not."""
        denied = (check for check in self.checks if check.command == command and check.status is CheckStatus.DENIED)
        return tuple(sorted({action for check in denied for action in check.actions}))


# What selectors say (AWS CloudTrail API Reference, EventSelector and AdvancedFieldSelector)

_READ_WRITE: Final = {"ReadOnly": ", reads only", "WriteOnly": ", writes only"}
_OPERATORS: Final = {
    "Equals": "is",
    "NotEquals": "is not",
    "StartsWith": "begins with",
    "NotStartsWith": "does not begin with",
    "EndsWith": "ends with",
    "NotEndsWith": "does not end with",
}
_CATEGORIES: Final = {"Management": "management events", "Data": "data events", "NetworkActivity": "network activity"}


def collected(selectors: Sequence[Mapping[str, Any]]) -> list[str]:
    """What selectors, basic or advanced, let through: one phrase for each part."""
    return [phrase for selector in selectors for phrase in _phrases(selector)]


def collects(selectors: Sequence[Mapping[str, Any]], category: str) -> bool:
    """Whether any event of a category (`Management`, `Data`, `NetworkActivity`) is let through."""
    name = _CATEGORIES[category]
    return any(phrase.startswith(name) for phrase in collected(selectors))


def _phrases(selector: Mapping[str, Any]) -> Iterator[str]:
    if "FieldSelectors" in selector:
        yield _advanced(selector["FieldSelectors"] or ())
        return
    kind = _READ_WRITE.get(selector.get("ReadWriteType") or "", "")
    if selector.get("IncludeManagementEvents", True):
        left_out = selector.get("ExcludeManagementEventSources") or ()
        yield f"management events{kind}" + (f", without {', '.join(left_out)}" if left_out else "")
    for resource in selector.get("DataResources") or ():
        values = ", ".join(resource.get("Values") or ())
        yield f"data events of {resource.get('Type')}{kind}" + (f": {values}" if values else "")


def _advanced(fields: Sequence[Mapping[str, Any]]) -> str:
    name, conditions = "events", []
    for row in fields:
        field = row.get("Field", "")
        for operator, values in row.items():
            if operator not in _OPERATORS or not values:
                continue
            if (field, operator) == ("eventCategory", "Equals"):
                name = _CATEGORIES.get(values[0], f"{values[0]} events")
            elif (field, operator) == ("resources.type", "Equals"):
                name += f" of {', '.join(values)}"
            elif (field, operator) == ("readOnly", "Equals"):
                conditions.append("reads only" if values == ["true"] else "writes only")
            else:
                conditions.append(f"{field} {_OPERATORS[operator]} {' or '.join(values)}")
    return ", ".join([name, *conditions])
