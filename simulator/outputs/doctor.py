"""What `orgsim doctor` found, for people and for programs."""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from simulator.analysis.diagnosis import Check, CheckStatus, Collection, Diagnosis, collected, collects
from simulator.outputs.safe_text import safe_text

SCHEMA = "orgsim/doctor/1"


def terminal(found: Diagnosis) -> str:
    """The report that people read."""
    return "".join(f"{safe_text(line)}\n" for line in (*_identity(found), *_commands(found), *_collections(found)))


def as_json(found: Diagnosis) -> str:
    """The same for programs; described in docs/collect.md."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "credentials": {"method": found.method, "account": found.account, "arn": found.arn},
        "organization": {
            "id": found.organization_id,
            "management_account": found.management_account,
            "is_management_account": found.is_management_account if found.management_account else None,
            "is_delegated_administrator": found.delegated_administrator,
        },
        "checks": [
            {
                "command": each.command,
                "operation": each.operation,
                "actions": list(each.actions),
                "status": each.status.value,
                "reason": each.reason,
            }
            for each in found.checks
        ],
        "collections": [
            {
                "kind": each.kind,
                "name": each.name,
                "arn": each.arn,
                "home_region": each.home_region,
                "organization": each.organization,
                "multi_region": each.multi_region,
                "logging": each.logging,
                "address": each.address,
                "collects": None if each.selectors is None else collected(each.selectors),
                "selectors": None if each.selectors is None else list(each.selectors),
            }
            for each in found.collections
        ],
    }
    return json.dumps(content, indent=2, default=str) + "\n"


def _identity(found: Diagnosis) -> Iterator[str]:
    yield f"Credentials   {found.arn} (found by: {found.method})"
    if found.organization_id is None:
        yield f"Account       {found.account}; its organization cannot be seen"
        return
    if found.is_management_account:
        role = "the management account"
    elif found.delegated_administrator:
        role = "a delegated administrator"
    else:
        role = f"a member account; {found.management_account} is the management account"
    yield f"Account       {found.account}: {role} of {found.organization_id}"


def _commands(found: Diagnosis) -> Iterator[str]:
    yield ""
    yield "Permissions"
    for command, checks in groupby(sorted(found.checks, key=lambda each: each.command), key=lambda each: each.command):
        yield from _command(command, list(checks), found.missing(command))


def _command(command: str, checks: Sequence[Check], missing: Sequence[str]) -> Iterator[str]:
    left_out = [each for each in checks if each.status is CheckStatus.NOT_TRIED]
    unclear = [each for each in checks if each.status is CheckStatus.UNCLEAR]
    if missing:
        verdict = f"lacks {', '.join(missing)}"
    elif len(left_out) == len(checks):
        verdict = "not tried"
    elif unclear:
        verdict = "unclear"
    else:
        verdict = "ready"
    yield f"  orgsim {command}: {verdict}"
    for each in unclear:
        yield f"      {each.operation}: {each.reason}"
    for reason, rows in groupby(left_out, key=lambda each: each.reason):
        yield f"      not tried: {', '.join(dict.fromkeys(each.operation for each in rows))} ({reason})"


def _collections(found: Diagnosis) -> Iterator[str]:
    yield ""
    yield "Trails and event data stores"
    if not found.collections:
        yield "  none was found; those of one other region only are found with --region"
    for each in found.collections:
        yield from _collection(each)
    known = [each.selectors for each in found.collections if each.selectors is not None and each.logging is not False]
    if known and not any(collects(selectors, "Data") for selectors in known):
        yield "  No data events are collected: a log from here shows no object reads, no invocations, no items."


def _collection(each: Collection) -> Iterator[str]:
    scope = "organization" if each.organization else "account"
    regions = "all regions" if each.multi_region else each.home_region
    state = {True: "", False: ", NOT LOGGING", None: ", state not known"}[each.logging]
    yield f"  {each.kind} {each.name} ({scope}, {regions}{state})"
    for phrase in collected(each.selectors) if each.selectors is not None else ["what it collects cannot be seen"]:
        yield f"      {phrase}"
    if each.address is not None:
        yield f"      orgsim collect events --bucket {each.address}"
