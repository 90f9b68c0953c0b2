"""Condition keys: their form, whether they exist, and whether the statement's actions supply them.

Source: AWS IAM User Guide, reference_policies_condition-keys; the condition keys of the Service Authorization
Reference; access-analyzer-reference-policy-checks (UNSUPPORTED_GLOBAL_CONDITION_KEY, MISSING_TAG_KEY_IN_CONDITION,
DUPLICATE_KEYS_WITH_DIFFERENT_CASE).
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.catalog import ActionInfo, Catalog
from simulator.iam.keys import GLOBAL_KEYS
from simulator.policy.document import Condition, PolicyType, Statement
from simulator.policy.rules.facts import FACTS
from simulator.policy.rules.placeholders import has_placeholder
from simulator.policy.rules.subject import Check, Problem, Subject, matches_when_missing
from simulator.policy.rules.supplied_keys import carries


def key_form(subject: Subject) -> Iterator[Problem]:
    """A key without a service prefix."""
    for _, condition in subject.conditions:
        key = condition.key.value
        prefix, colon, name = key.partition(":")
        if not has_placeholder(key) and not (prefix and colon and name):
            message = f"`{key}` has no service prefix"
            yield Problem(condition.key.span, message, "write `service:key`, for example `aws:RequestedRegion`")


def unsupported_key(subject: Subject) -> Iterator[Problem]:
    """A key that AWS does not support."""
    for _, condition in subject.conditions:
        if condition.key.value.lower() in FACTS.unsupported_keys:
            message = f"AWS does not support the key `{condition.key.value}`"
            yield Problem(condition.key.span, message, "use aws:PrincipalArn")


def unknown_key(subject: Subject) -> Iterator[Problem]:
    """A key that neither AWS's global keys nor the service's list has."""
    for _, condition in subject.conditions:
        key = condition.key.value
        if has_placeholder(key) or ":" not in key or _lacks_tag_name(key, subject.catalog):
            continue
        if not _is_known(key, subject.catalog):
            close = difflib.get_close_matches(key, _keys_like(key, subject.catalog), 1, cutoff=0.75)
            fix = f"did you mean `{close[0]}`?" if close else "look it up in the Service Authorization Reference"
            yield Problem(condition.key.span, f"there is no condition key `{key}`", fix)


def tag_key_missing(subject: Subject) -> Iterator[Problem]:
    """A tag key without the name of the tag."""
    for _, condition in subject.conditions:
        key = condition.key.value
        if _lacks_tag_name(key, subject.catalog):
            message = f"`{key}` does not say which one it asks for"
            yield Problem(condition.key.span, message, f"write `{key.rstrip('/')}/name`")


def duplicate_key_case(subject: Subject) -> Iterator[Problem]:
    """One key twice under one operator, in different case."""
    for statement in subject.statements:
        seen: dict[tuple[str, str], Condition] = {}
        for condition in statement.conditions:
            identity = (condition.operator_text.value, condition.key.value.lower())
            if identity in seen:
                first = seen[identity].key
                message = f"`{condition.key.value}` is the key `{first.value}` of line {first.span.line} again"
                yield Problem(condition.key.span, message, "merge the two: the case of a key does not matter")
            else:
                seen[identity] = condition


def key_not_supplied(subject: Subject) -> Iterator[Problem]:
    """A key that the statement's actions never carry."""
    known: dict[tuple[int, str], list[ActionInfo]] = {}
    for statement, condition in subject.conditions:
        key = condition.key.value
        actions = subject.governed_actions(statement)
        if not actions or not _depends_on_action(key, subject.catalog):
            continue
        # All tags of a kind come and go together.
        family = (statement.index, key.lower().partition("/")[0])
        if family not in known:
            known[family] = [info for info in actions if not carries(info, key, subject.catalog)]
        without = known[family]
        if len(without) == len(actions):
            yield Problem(condition.key.span, _message(key, without, condition, every=True), _fix(condition))
            continue
        # Part of the actions carry it: worth a word only for actions that were named one by one, and not where the
        # key exempts tagged resources or another condition asks whether it is there.
        if _is_exemption(condition) or _is_guarded(statement, condition):
            continue
        named = {
            each.known[0].name for each in subject.named_actions(statement) if each.known and not each.has_wildcard
        }
        lacking = [info for info in without if info.name in named]
        if lacking:
            yield Problem(condition.key.span, _message(key, lacking, condition, every=False), _fix(condition))


def service_principal_key(subject: Subject) -> Iterator[Problem]:
    """An SCP asks for a key that only AWS service principals carry."""
    if subject.policy_type is not PolicyType.SCP:
        return
    for _, condition in subject.conditions:
        if condition.key.value.lower() in FACTS.service_principal_keys:
            always = "always matches" if matches_when_missing(condition) else "never matches"
            message = f"`{condition.key.value}` exists only for AWS service principals, which no SCP reaches: {always}"
            yield Problem(condition.key.span, message, "remove it; restrict service principals with an RCP")


def _is_known(key: str, catalog: Catalog) -> bool:
    lower = key.lower()
    prefix = lower.partition(":")[0]
    # Keys of OIDC providers are named after their host: token.actions.githubusercontent.com:sub.
    if "." in prefix or prefix in FACTS.session_key_prefixes or lower in FACTS.session_keys:
        return True
    return catalog.key(key) is not None or lower in FACTS.further_keys | FACTS.unsupported_keys


def _lacks_tag_name(key: str, catalog: Catalog) -> bool:
    head = key.rstrip("/")
    if "/" in head or ":" not in head:
        return False
    info = catalog.key(f"{head}/name")
    return info is not None and info.name.endswith("/") and catalog.key(head) is None


def _keys_like(key: str, catalog: Catalog) -> list[str]:
    prefix = key.partition(":")[0].lower()
    names = {info.name for info in GLOBAL_KEYS.values()}
    for info in catalog.actions(prefix).values():
        names.update(_keys_of(info))
    return sorted(names)


def _keys_of(info: ActionInfo) -> set[str]:
    return {*info.condition_keys, *(key for use in info.resource_types for key in use.condition_keys)}


def _depends_on_action(key: str, catalog: Catalog) -> bool:
    """Whether some actions carry the key and others do not, according to the Service Authorization Reference."""
    lower = key.lower()
    if lower.startswith(("aws:requesttag/", "aws:resourcetag/")) or lower == "aws:tagkeys":
        return True
    prefix = lower.partition(":")[0]
    if "." in prefix or prefix == "aws" or prefix in FACTS.session_key_prefixes or lower in FACTS.session_keys:
        return False
    # A key that the reference lists for no action at all is a gap of the reference.
    return any(carries(info, key, catalog) for info in catalog.actions(prefix).values())


def _is_exemption(condition: Condition) -> bool:
    return condition.key.value.lower().startswith("aws:resourcetag/") and matches_when_missing(condition) is True


def _is_guarded(statement: Statement, condition: Condition) -> bool:
    key = condition.key.value.lower()
    return any(
        other is not condition and other.key.value.lower() == key and matches_when_missing(other) is False
        for other in statement.conditions
    )


def _message(key: str, actions: list[ActionInfo], condition: Condition, *, every: bool) -> str:
    shown = ", ".join(f"`{info.name}`" for info in actions[:3])
    shown += f" and {len(actions) - 3} more" if len(actions) > 3 else ""
    who = f"none of the statement's actions carries `{key}`" if every else f"`{key}` is never there for {shown}"
    effect = "always matches" if matches_when_missing(condition) else "never matches"
    return f"{who}: the condition {effect}" + ("" if every else " there")


def _fix(condition: Condition) -> str:
    if matches_when_missing(condition):
        return "move these actions to a statement of their own, or use a key that they carry"
    return "remove these actions from the statement, or use a key that they carry"


CHECKS: Final[Mapping[str, Check]] = {
    "key-form": key_form,
    "unsupported-key": unsupported_key,
    "unknown-key": unknown_key,
    "tag-key-missing": tag_key_missing,
    "duplicate-key-case": duplicate_key_case,
    "key-not-supplied": key_not_supplied,
    "service-principal-key": service_principal_key,
}
