"""Which actions are asked for: patterns that people write, or what the Deny statements of policies name."""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.errors import ExitStatus, OrgsimError
from simulator.iam.action_names import is_known_action, matcher_of_words, similar_action, similar_service
from simulator.iam.catalog import Catalog
from simulator.iam.pattern import Matcher
from simulator.policy.document import Effect, PolicyDocument, Statement

_REFERENCE = "look it up in the Service Authorization Reference; `orgsim catalog update` learns actions that are new"


@dataclass(frozen=True, slots=True)
class Restriction:
    """Some actions: those that a word takes in, or with `negated` all others. Picklable.

    `name` is what reports call it: the pattern, or the statement's Sid (without one its position from 1). `file` and
    `line` tell where the statement stands; `conditional` that it restricts only some calls or resources.
    """

    name: str
    words: tuple[str, ...]
    negated: bool = False
    file: str | None = None
    line: int | None = None
    conditional: bool = False

    def matcher(self) -> Matcher:
        """A predicate for `service:Action` in lower case."""
        return matcher_of_words(self.words, negated=self.negated)


def of_pattern(pattern: str, catalog: Catalog) -> Restriction:
    """The actions that an IAM action pattern takes in.

    Raises `OrgsimError` (`unknown-action-pattern`, usage) for one that takes in no known action: to find nobody who
    uses a misspelt action would look like good news.
    """
    problem = _problem(pattern, catalog)
    if problem is not None:
        message, hint = problem
        raise OrgsimError("unknown-action-pattern", message, hint=hint, status=ExitStatus.USAGE)
    return Restriction(pattern, (pattern,))


def of_policy(document: PolicyDocument) -> tuple[Restriction, ...]:
    """The actions that the Deny statements of a policy restrict, statement by statement.

    Raises `OrgsimError` (`no-deny-statement`) where there is none: an allow list denies by what it leaves out.
    """
    found = tuple(_of_statement(each, document.file) for each in document.statements if each.effect is Effect.DENY)
    if not found:
        hint = "an allow list denies by what it leaves out: ask `orgsim simulate` what it would deny"
        raise OrgsimError("no-deny-statement", "the policy has no Deny statement", hint=hint, file=document.file)
    return found


def unknown_words(restriction: Restriction, catalog: Catalog) -> Iterator[str]:
    """What is wrong with the words that take in no known action, with a hint: a sentence for each."""
    for word in restriction.words:
        problem = _problem(word, catalog)
        if problem is not None:
            yield "; ".join(problem)


def _of_statement(statement: Statement, file: str | None) -> Restriction:
    everything = not statement.resources.negated and any(each.value == "*" for each in statement.resources.words)
    return Restriction(
        name=statement.sid or f"statement {statement.index + 1}",
        words=tuple(word.value for word in statement.actions.words),
        negated=statement.actions.negated,
        file=file,
        line=statement.span.line,
        conditional=bool(statement.conditions) or not everything,
    )


def _problem(pattern: str, catalog: Catalog) -> tuple[str, str] | None:
    """Why a pattern takes in no known action, and what to do."""
    service, colon, name = pattern.partition(":")
    if pattern != "*" and (not colon or not service or not name):
        return f"`{pattern}` is not an action pattern", "write `service:Action`, for example `s3:Put*`"
    if is_known_action(pattern, catalog):
        return None
    if "*" in service or "?" in service:
        return f"`{pattern}` matches no known action", _REFERENCE
    if service.lower() not in catalog.services:
        close = similar_service(service, catalog)
        return f"AWS has no service prefix `{service}`", f"did you mean `{close}:{name}`?" if close else _REFERENCE
    close = similar_action(service, name, catalog)
    return f"`{pattern}` matches no known action of `{service}`", f"did you mean `{close}`?" if close else _REFERENCE
