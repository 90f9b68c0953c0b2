"""Tags of principals and resources, and owners of buckets, account by account through a role of one name.

What AWS lists completely is stated completely: a role without tags surely has none. Resources that were never tagged
are not listed by AWS (Resource Groups Tagging API Reference, GetResources), so their tags stay unknown.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from simulator.iam.arn import account_of
from simulator.sources.aws.failures import AWS_ERRORS, Failure, failure_of
from simulator.sources.aws.organizations import Missing
from simulator.sources.aws.parallel import in_parallel
from simulator.sources.aws.session import Aws

_ACCOUNTS_AT_ONCE: Final = 8


@dataclass(slots=True)
class Inventory:
    """The tables of a snapshot that tell tags and owners, and what is missing in them."""

    principal_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    resource_tags: dict[str, dict[str, str]] = field(default_factory=dict)
    resource_accounts: dict[str, str] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)

    def add(self, other: "Inventory") -> None:
        """Take what another account has."""
        self.principal_tags.update(other.principal_tags)
        self.resource_tags.update(other.resource_tags)
        self.resource_accounts.update(other.resource_accounts)
        self.missing.extend(other.missing)


def read_inventory(
    aws: Aws, own_account: str, accounts: Iterable[str], role_name: str, regions: Sequence[str]
) -> Inventory:
    """Read tags and owners in all accounts: in `own_account` as who we are, elsewhere through the role.

    Resource tags are read in `regions` only. An account that refuses is a row of `missing`.
    """
    whole = Inventory()

    def read(account: str) -> Inventory:
        session = aws if account == own_account else aws.in_account(account, role_name)
        return _read_account(session, account, regions)

    for part in in_parallel(read, sorted(set(accounts)), _ACCOUNTS_AT_ONCE):
        whole.add(part)
    return whole


def _read_account(aws: Aws, account: str, regions: Sequence[str]) -> Inventory:
    found = Inventory()
    failure = _try(found, "principal_tags", account, _principals(aws), found.principal_tags)
    if failure is not None and failure.text.startswith("AssumeRole"):
        # The role cannot be assumed: the rest would only say so again.
        found.missing += [Missing(what, account, failure.text) for what in ("resource_tags", "resource_accounts")]
        return found
    _try(found, "resource_accounts", account, _buckets(aws, account), found.resource_accounts)
    for region in regions:
        _try(found, "resource_tags", account, _resources(aws, region), found.resource_tags, region)
    # An ARN without an account (a bucket's) does not tell its owner; being listed here does.
    found.resource_accounts.update({arn: account for arn in found.resource_tags if account_of(arn) is None})
    return found


def _try(
    found: Inventory, what: str, account: str, rows: Iterator[tuple[str, Any]], table: dict[str, Any], place: str = ""
) -> Failure | None:
    """Put the rows into the table; if they break off, note what is missing and return why."""
    try:
        table.update(rows)  # one by one: what came before an error stays
    except AWS_ERRORS as error:
        failure = failure_of(error)
        found.missing.append(Missing(what, account, f"{place}: {failure.text}" if place else failure.text))
        return failure
    return None


def _principals(aws: Aws) -> Iterator[tuple[str, dict[str, str]]]:
    pages = aws.client("iam").get_paginator("get_account_authorization_details").paginate(Filter=["User", "Role"])
    for page in pages:
        for row in [*page.get("UserDetailList", ()), *page.get("RoleDetailList", ())]:
            yield row["Arn"], _tags(row)


def _buckets(aws: Aws, account: str) -> Iterator[tuple[str, str]]:
    for row in aws.items("s3", "list_buckets", "Buckets"):
        yield row["Name"], account


def _resources(aws: Aws, region: str) -> Iterator[tuple[str, dict[str, str]]]:
    for row in aws.items("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", region):
        yield row["ResourceARN"], _tags(row)


def _tags(row: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in row.get("Tags") or ()}
