"""Resource and NotResource: the form of ARNs, and ARNs that no action of the statement can touch.

Source: AWS IAM User Guide, reference_policies_elements_resource and reference_policies_elements_notresource; the ARN
formats of the Service Authorization Reference.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.arn import s3_bucket_of, split_arn
from simulator.iam.catalog import ActionInfo, Catalog
from simulator.iam.overlap import arn_overlap, free_parts_as_stars, overlap
from simulator.iam.pattern import glob_pieces, matcher
from simulator.policy.document import Effect, Statement, Word
from simulator.policy.rules.facts import FACTS
from simulator.policy.rules.placeholders import has_placeholder
from simulator.policy.rules.subject import EVERY_ACTION, Check, NamedActions, Problem, Subject

_PARTITIONS: Final = re.compile(r"aws(?:-[a-z]+)*")
_S3_EVERYTHING: Final = "arn:aws:s3:::*"


def resource_form(subject: Subject) -> Iterator[Problem]:
    """Neither `*` nor an ARN."""
    for word in _resources(subject):
        if word.value != "*" and not word.value.startswith("arn:"):
            message = f"`{word.value}` is neither an ARN nor `*`"
            yield Problem(word.span, message, "write arn:partition:service:region:account:resource")


def resource_too_short(subject: Subject) -> Iterator[Problem]:
    """An ARN with fewer than six parts."""
    for word in _resources(subject):
        parts = word.value.split(":")
        if parts[0] == "arn" and len(parts) < 6 and not word.value.endswith("*"):
            message = f"`{word.value}` has {len(parts)} of the six parts of an ARN"
            yield Problem(word.span, message, "write arn:partition:service:region:account:resource")


def resource_service_wildcard(subject: Subject) -> Iterator[Problem]:
    """A wildcard in the service part of an ARN."""
    for word in _resources(subject):
        parts = word.value.split(":", 5)
        if parts[0] == "arn" and len(parts) == 6 and ("*" in parts[2] or "?" in parts[2]):
            message = f"`{word.value}` has a wildcard in its service part"
            yield Problem(word.span, message, "write one ARN for each service")


def resource_partition(subject: Subject) -> Iterator[Problem]:
    """A partition that does not exist."""
    for word in _resources(subject):
        arn = split_arn(word.value)
        if arn and not has_placeholder(arn.partition) and not _is_partition(arn.partition):
            message = f"there is no AWS partition `{arn.partition}`"
            yield Problem(word.span, message, "write `aws`, `aws-cn`, `aws-us-gov`, or `*`")


def resource_account(subject: Subject) -> Iterator[Problem]:
    """An account part that no ARN can have."""
    for word in _resources(subject):
        arn = split_arn(word.value)
        if arn is None or not arn.account or has_placeholder(arn.account) or "${" in arn.account:
            continue
        if arn.account not in ("aws", "aws-managed") and not _may_be_account(arn.account):
            message = f"`{arn.account}` is no account id, which has twelve digits"
            yield Problem(word.span, message, "write the twelve digits, `*`, or nothing where the ARN has no account")


def action_without_resource(subject: Subject) -> Iterator[Problem]:
    """An action that can touch none of the statement's resources."""
    for statement, named in _actions_on_resources(subject):
        known = named.known or ()
        if not any(_can_touch(info, word, subject.catalog) for info in known for word in statement.resources.words):
            message = f"`{named.word.value}` takes no resource that this statement names, so it is never matched"
            yield Problem(named.word.span, message, _resource_hint(known, subject.catalog))


def resource_without_action(subject: Subject) -> Iterator[Problem]:
    """A resource that none of the statement's actions can touch."""
    for statement in subject.statements:
        actions = subject.governed_actions(statement)
        if not actions or statement.resources.negated or _has_unknown_action(subject, statement):
            continue
        touched = [
            (word, any(_can_touch(info, word, subject.catalog) for info in actions))
            for word in statement.resources.words
        ]
        if not any(found for _, found in touched):
            continue  # said of each action already
        for word, found in touched:
            if not found and not has_placeholder(word.value) and split_arn(word.value):
                message = f"none of the statement's actions can touch `{word.value}`"
                yield Problem(word.span, message, "correct the ARN, or remove it")


def not_resource_without_objects(subject: Subject) -> Iterator[Problem]:
    """NotResource names a bucket and not its objects."""
    for statement in subject.denies:
        if not statement.resources.negated or not _may_touch_objects(subject, statement):
            continue
        for word in statement.resources.words:
            bucket = s3_bucket_of(word.value)
            if bucket is None or "/" in word.value or word.value.endswith("*"):
                continue
            objects = word.value + "/*"
            if not any(overlap(objects, free_parts_as_stars(other.value)) for other in statement.resources.words):
                message = f"`{word.value}` spares the bucket alone: its objects are denied"
                yield Problem(word.span, message, f"add `{objects}`")


def not_resource_resourceless(subject: Subject) -> Iterator[Problem]:
    """A Deny with NotResource takes in actions that have no resource."""
    for statement in subject.denies:
        actions = subject.governed_actions(statement)
        if not statement.resources.negated or actions is None:
            continue
        if any(condition.key.value.lower() in FACTS.resource_keys for condition in statement.conditions):
            continue
        patterns = {word.value for word in statement.resources.words}
        spares_s3 = _S3_EVERYTHING in patterns
        hit = [
            info.name for info in actions if not info.resource_types and not (spares_s3 and info.name.startswith("s3:"))
        ]
        if hit and "*" not in patterns:
            shown = ", ".join(f"`{name}`" for name in hit[:3]) + (f" and {len(hit) - 3} more" if len(hit) > 3 else "")
            message = f"denies actions that have no resource: {shown}"
            fix = "list the actions that take these resources, or exempt the others in a statement of their own"
            yield Problem(statement.resources.span, message, fix)


def _resources(subject: Subject) -> Iterator[Word]:
    """The Resource strings without those that are templates still."""
    words = (word for statement in subject.statements for word in statement.resources.words)
    return (word for word in words if not has_placeholder(word.value))


def _is_partition(text: str) -> bool:
    return "*" in text or "?" in text or "${" in text or _PARTITIONS.fullmatch(text) is not None


def _may_be_account(text: str) -> bool:
    if "*" in text or "?" in text:
        return re.fullmatch(r"[0-9*?]+", text) is not None
    return re.fullmatch(r"[0-9]{12}", text) is not None


def _actions_on_resources(subject: Subject) -> Iterator[tuple[Statement, NamedActions]]:
    for statement in subject.statements:
        if statement.actions.negated or statement.resources.negated:
            continue
        if any(word.value == "*" or has_placeholder(word.value) for word in statement.resources.words):
            continue
        for named in subject.named_actions(statement):
            if named.word.value not in EVERY_ACTION and named.known:
                yield statement, named


def _can_touch(info: ActionInfo, word: Word, catalog: Catalog) -> bool:
    if word.value == "*":
        return True
    pattern = free_parts_as_stars(word.value)
    service = info.name.partition(":")[0]
    if not info.resource_types:
        # S3 checks its resource-less actions on `arn:aws:s3:::*` too (reference_policies_elements_statement).
        return service == "s3" and matcher(glob_pieces(pattern))(_S3_EVERYTHING)
    types = catalog.resource_types(service)
    for use in info.resource_types:
        resource_type = types.get(use.name.lower())
        if resource_type is None:
            return True
        # A bucket's name holds no slash: a pattern that asks for one means objects.
        if service == "s3" and resource_type.name == "bucket" and "/" in pattern:
            continue
        if arn_overlap(word.value, resource_type.arn):
            return True
    return False


def _resource_hint(known: tuple[ActionInfo, ...], catalog: Catalog) -> str:
    for info in known:
        types = catalog.resource_types(info.name.partition(":")[0])
        for use in info.resource_types:
            if use.name.lower() in types:
                return f"`{info.name}` takes `{types[use.name.lower()].arn}`"
    return 'it takes no resource: give it a statement with "Resource": "*"'


def _has_unknown_action(subject: Subject, statement: Statement) -> bool:
    return any(named.known == () for named in subject.named_actions(statement))


def _may_touch_objects(subject: Subject, statement: Statement) -> bool:
    actions = subject.governed_actions(statement)
    if actions is None:
        return statement.effect is Effect.DENY
    return any(use.name == "object" for info in actions if info.name.startswith("s3:") for use in info.resource_types)


CHECKS: Final[Mapping[str, Check]] = {
    "resource-form": resource_form,
    "resource-too-short": resource_too_short,
    "resource-service-wildcard": resource_service_wildcard,
    "resource-partition": resource_partition,
    "resource-account": resource_account,
    "action-without-resource": action_without_resource,
    "resource-without-action": resource_without_action,
    "not-resource-without-objects": not_resource_without_objects,
    "not-resource-resourceless": not_resource_resourceless,
}
