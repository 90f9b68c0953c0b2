"""Values that have a fixed form: account ids, ids and paths of an organization, regions, VPCs.

The forms stand in facts.toml.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.operators import Family
from simulator.policy.rules.facts import FACTS
from simulator.policy.rules.placeholders import has_placeholder
from simulator.policy.rules.subject import Check, Problem, Subject, has_wildcard


def value_form(subject: Subject) -> Iterator[Problem]:
    """A value that the key never has."""
    for _, condition in subject.conditions:
        form = FACTS.value_forms.get(condition.key.value.lower())
        if form is None or condition.operator.base.family is not Family.STRING:
            continue
        for word in condition.values:
            skipped = "${" in word.value or has_placeholder(word.value)
            if skipped or (has_wildcard(word.value) and not form.with_wildcards):
                continue
            if not form.pattern.fullmatch(word.value):
                message = f"`{word.value}` is not {form.wanted}, which `{condition.key.value}` holds"
                yield Problem(word.span, message, f"write for example `{form.example}`")


CHECKS: Final[Mapping[str, Check]] = {"value-form": value_form}
