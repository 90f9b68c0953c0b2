"""How large a policy may be: AWS Organizations User Guide, orgs_reference_limits."""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.policy.diagnostic import Span
from simulator.policy.quotas import QUOTAS, policy_size
from simulator.policy.rules.subject import Check, Problem, Subject


def too_large(subject: Subject) -> Iterator[Problem]:
    """Too many characters even without white space."""
    name, limit = _limit(subject)
    compact = policy_size(subject.document)
    if compact > limit:
        message = f"{compact:,} characters without white space; {name} may have {limit:,}"
        yield Problem(_start(subject), message, "split it into two policies, or shorten lists with wildcards")


def too_large_as_written(subject: Subject) -> Iterator[Problem]:
    """Fits only without its white space, which the CLI and the SDKs count."""
    name, limit = _limit(subject)
    written = len(subject.document.text)
    compact = policy_size(subject.document)
    if compact <= limit < written:
        message = f"{written:,} characters as written ({compact:,} without white space); {name} may have {limit:,}"
        fix = "minify it before it is uploaded; only the console strips white space by itself"
        yield Problem(_start(subject), message, fix)


def _limit(subject: Subject) -> tuple[str, int]:
    """Whose limit counts: that of the type, or while it is unknown the larger one."""
    if subject.policy_type is None:
        return "a policy", max(quota.characters for quota in QUOTAS.values())
    return f"an {subject.policy_type.name}", QUOTAS[subject.policy_type].characters


def _start(subject: Subject) -> Span:
    span = subject.document.span
    return Span(span.line, span.column, span.line, span.column + 1)


CHECKS: Final[Mapping[str, Check]] = {
    "policy-too-large": too_large,
    "policy-too-large-as-written": too_large_as_written,
}
