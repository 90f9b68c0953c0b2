"""Calls that are checked on several resources of which only some carry the key.

RunInstances is checked on the image, the instance, the subnet and more; aws:RequestTag and ec2:InstanceType exist on
some of them only. Source: Service Authorization Reference (Amazon EC2); AWS IAM User Guide,
reference_policies_elements_condition_operators.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.catalog import ActionInfo, Catalog, ResourceUse
from simulator.iam.overlap import arn_overlap, free_parts_as_stars
from simulator.policy.document import Condition, Effect, Statement
from simulator.policy.rules.subject import Check, Problem, Subject, matches_when_missing
from simulator.policy.rules.supplied_keys import is_key

_OF_THE_RESOURCE: Final = ("aws:requesttag/", "aws:tagkeys", "ec2:", "rds:")
"""Keys that the Service Authorization Reference lists resource type by resource type."""


def key_on_some_resources(subject: Subject) -> Iterator[Problem]:
    """A Deny matches on a resource of the call that never has the key."""
    for statement, condition in subject.conditions:
        if statement.effect is not Effect.DENY or not matches_when_missing(condition):
            continue
        for named in subject.named_actions(statement):
            if statement.actions.negated or named.has_wildcard or not named.known:
                continue
            info = named.known[0]
            without = _resources_without(info, condition, statement, subject.catalog)
            if without:
                shown = ", ".join(without[:4]) + (", …" if len(without) > 4 else "")
                message = (
                    f"`{info.name}` is checked on {shown} too, which never have `{condition.key.value}`: "
                    "the condition matches there and the call is denied"
                )
                fix = f"name only the resources that carry it: {_with_key(info, condition, subject.catalog)}"
                yield Problem(condition.span, message, fix)
                break


def _resources_without(info: ActionInfo, condition: Condition, statement: Statement, catalog: Catalog) -> list[str]:
    """The resource types that the action always takes, that the statement matches, and that lack the key."""
    if any(is_key(name, condition.key.value) for name in info.condition_keys):
        return []
    uses = [use for use in info.resource_types if use.required]
    lacking = [use for use in uses if not any(is_key(name, condition.key.value) for name in use.condition_keys)]
    carrying = [
        use for use in info.resource_types if any(is_key(name, condition.key.value) for name in use.condition_keys)
    ]
    if not carrying:
        return []  # nothing carries it: key-not-supplied says so
    types = catalog.resource_types(info.name.partition(":")[0])
    return [
        use.name
        for use in lacking
        if _covers(statement, types[use.name.lower()].arn) and not _is_spared(info, use, statement)
    ]


def _is_spared(info: ActionInfo, use: ResourceUse, statement: Statement) -> bool:
    """Whether another condition, on a key that the resource lacks as well, keeps the statement from matching."""
    listed = (*info.condition_keys, *use.condition_keys)
    return any(
        matches_when_missing(condition) is False
        and condition.key.value.lower().startswith(_OF_THE_RESOURCE)
        and not any(is_key(name, condition.key.value) for name in listed)
        for condition in statement.conditions
    )


def _covers(statement: Statement, arn: str) -> bool:
    found = any(arn_overlap(word.value, arn) for word in statement.resources.words)
    return found is not statement.resources.negated


def _with_key(info: ActionInfo, condition: Condition, catalog: Catalog) -> str:
    types = catalog.resource_types(info.name.partition(":")[0])
    arns = [
        free_parts_as_stars(types[use.name.lower()].arn).replace("arn:*:", "arn:aws:")
        for use in info.resource_types
        if any(is_key(name, condition.key.value) for name in use.condition_keys) and use.name.lower() in types
    ]
    return ", ".join(f"`{arn}`" for arn in arns[:3])


CHECKS: Final[Mapping[str, Check]] = {"key-on-some-resources": key_on_some_resources}
