"""Resource and NotResource, compiled.

Source: AWS IAM User Guide, reference_policies_elements_resource: wildcards stand inside a segment, not in the
service segment; a `*` that ends a segment may run on beyond its colon. Resource-less actions are checked on `*`,
which only the pattern `*` matches; S3's also match `arn:aws:s3:::*` (reference_policies_elements_statement).
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

from simulator.decision.operators import split_template
from simulator.decision.request import RESOURCELESS, UNKNOWN, Context, Unknown
from simulator.decision.truth import Truth, negate
from simulator.decision.variables import (
    TemplatePiece,
    Unresolved,
    Variable,
    Widened,
    parse_template,
    substitute,
    variables_of,
)
from simulator.iam.pattern import ANY, ANY_INSIDE, ONE, ONE_INSIDE, Piece, glob_pieces, matcher, normalize
from simulator.policy.document import WordList

Resource = str | Literal[Unknown.UNKNOWN]
ResourceTest = Callable[[Resource, Context], Truth]

_S3_EVERYTHING: Final = "arn:aws:s3:::*"


class CompiledResources:
    """`test(resource, context)` for one statement; `keys` are the context keys its variables read.

    `everything`: the element matches every resource, so it need not be asked.
    """

    __slots__ = ("_patterns", "everything", "keys", "test")

    def __init__(self, element: WordList, *, variables: bool) -> None:
        self._patterns = tuple(_Pattern(word.value, variables) for word in element.words)
        self.keys = frozenset[str]().union(*(pattern.keys for pattern in self._patterns))
        stars = any(pattern.everything for pattern in self._patterns)
        self.everything = stars and not element.negated
        self.test = _negated(self._matches) if element.negated else self._matches

    def _matches(self, resource: Resource, context: Context) -> Truth:
        if resource is UNKNOWN:
            return True if any(pattern.everything for pattern in self._patterns) else None
        result: Truth = False
        for pattern in self._patterns:
            truth = pattern.test(resource, context)
            if truth:
                return True
            if truth is None:
                result = None
        return result

    def open_keys(self, resource: Resource, context: Context) -> frozenset[str]:
        """What would settle an undecided test: `resource`, or the variables that are unknown."""
        if resource is UNKNOWN:
            return frozenset({"resource"})
        undecided = (pattern for pattern in self._patterns if pattern.test(resource, context) is None)
        names = frozenset[str]().union(*(pattern.keys for pattern in undecided))
        return frozenset(name for name in names if not isinstance(context.get(name), str | None))


def _negated(test: ResourceTest) -> ResourceTest:
    return lambda resource, context: negate(test(resource, context))


class _Pattern:
    """One Resource string."""

    __slots__ = ("everything", "keys", "test")

    def __init__(self, text: str, variables: bool) -> None:
        template = _template(text, variables)
        self.keys = variables_of(template)
        fixed = tuple(piece for piece in template if not isinstance(piece, Variable))
        self.everything = not self.keys and normalize(fixed) == (ANY,)
        if self.everything:
            self.test: ResourceTest = lambda _resource, _context: True
        elif self.keys:
            self.test = _template_test(template)
        else:
            self.test = _fixed_test(fixed, doubtful=_has_service_wildcard(text))


def _template(text: str, variables: bool) -> tuple[TemplatePiece, ...]:
    """Variables count from the sixth ARN part on; in the first five parts wildcards keep inside their segment."""
    plain = parse_template(text, wildcards=True, variables=False)
    parts = split_template(plain)
    if len(parts) < 6:
        return _head(parts)
    head_length = 0
    for _ in range(5):
        head_length = text.index(":", head_length) + 1
    tail = parse_template(text[head_length:], wildcards=True, variables=variables)
    return (*_head(parts[:5]), ":", *tail)


def _head(parts: Sequence[tuple[TemplatePiece, ...]]) -> tuple[TemplatePiece, ...]:
    confined: dict[TemplatePiece, Piece] = {ANY: ANY_INSIDE, ONE: ONE_INSIDE}
    result: list[TemplatePiece] = []
    for number, part in enumerate(parts):
        if number:
            result.append(":")
        for index, piece in enumerate(part):
            ends_segment = index == len(part) - 1
            result.append(piece if piece is ANY and ends_segment else confined.get(piece, piece))
    return tuple(result)


def _has_service_wildcard(text: str) -> bool:
    parts = text.split(":", 5)
    return len(parts) > 2 and any(piece in (ANY, ONE) for piece in glob_pieces(parts[2]))


def _fixed_test(pieces: Sequence[Piece], *, doubtful: bool) -> ResourceTest:
    matches = matcher(pieces)

    def test(resource: Resource, _context: Context) -> Truth:
        if resource is UNKNOWN or resource == RESOURCELESS:
            return False
        # A wildcard in the service segment is refused by AWS; what it would match is not stated.
        return (None if doubtful else True) if matches(resource) else False

    return test


def _template_test(template: tuple[TemplatePiece, ...]) -> ResourceTest:
    def test(resource: Resource, context: Context) -> Truth:
        if resource is UNKNOWN or resource == RESOURCELESS:
            return False
        pieces = substitute(template, context)
        if isinstance(pieces, Unresolved):
            return False
        if isinstance(pieces, Widened):
            return None if matcher(pieces.pieces)(resource) else False
        return matcher(pieces)(resource)

    return test


def resource_of_request(action: str, resource: Resource) -> Resource:
    """The text that patterns are matched against.

    S3's resource-less actions are checked on `arn:aws:s3:::*` as well as `*`: for them the ARN stands, which the
    pattern `*` matches too.
    """
    if resource == RESOURCELESS and action[:3].lower() == "s3:":
        return _S3_EVERYTHING
    return resource
