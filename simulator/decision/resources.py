"""Resource and NotResource, compiled.

Source: AWS IAM User Guide, reference_policies_elements_resource: wildcards stand inside a segment, not in the
service segment; a `*` that ends a segment may run on beyond its colon. Resource-less actions are checked on `*`,
which only the pattern `*` matches; S3's also match `arn:aws:s3:::*` (reference_policies_elements_statement).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from simulator.decision.operators import split_template
from simulator.decision.request import RESOURCELESS, Context, Resource, ResourceShape
from simulator.decision.truth import Truth, all_of, negate
from simulator.decision.variables import (
    TemplatePiece,
    Unresolved,
    Variable,
    Widened,
    open_variables,
    parse_template,
    substitute,
    variables_of,
)
from simulator.iam.pattern import ANY, ANY_INSIDE, ONE, ONE_INSIDE, Piece, any_matcher, glob_pieces, matcher, normalize
from simulator.policy.document import WordList

_MAX_COMPILED: Final = 2_000
"""Resource strings to remember: a policy that governs many accounts stands in many programs."""

ResourceTest = Callable[[Resource, Context], Truth]

_S3_EVERYTHING: Final = "arn:aws:s3:::*"


class CompiledResources:
    """`test(resource, context)` for one statement; `keys` are the context keys its variables read.

    `everything`: the element matches every resource, so it need not be asked. `content` is equal for elements that
    say the same.
    """

    __slots__ = ("_patterns", "content", "everything", "keys", "test")

    def __init__(self, element: WordList, *, variables: bool) -> None:
        self._patterns = tuple(_pattern(word.value, variables) for word in element.words)
        self.content = repr((element.name, sorted({word.value for word in element.words}), variables))
        self.keys = frozenset[str]().union(*(pattern.keys for pattern in self._patterns))
        stars = any(pattern.everything for pattern in self._patterns)
        self.everything = stars and not element.negated
        test = self._matches if self.keys or any(each.doubtful for each in self._patterns) else self._fast()
        self.test = _negated(test) if element.negated else test

    def _fast(self) -> ResourceTest:
        """The test for patterns that need nothing but the resource: one look at it for all of them."""
        if any(pattern.everything for pattern in self._patterns):
            return lambda _resource, _context: True
        matches = any_matcher([pattern.pieces for pattern in self._patterns])

        def test(resource: Resource, context: Context) -> Truth:
            if resource.__class__ is str and resource != RESOURCELESS:
                return matches(resource)
            return self._matches(resource, context)

        return test

    def _matches(self, resource: Resource, context: Context) -> Truth:
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
        if not isinstance(resource, str):
            return frozenset({"resource"})
        undecided = (pattern for pattern in self._patterns if pattern.test(resource, context) is None)
        return frozenset[str]().union(*(open_variables(pattern.template, context) for pattern in undecided))


def _negated(test: ResourceTest) -> ResourceTest:
    return lambda resource, context: negate(test(resource, context))


class _Pattern:
    """One Resource string."""

    __slots__ = ("doubtful", "everything", "keys", "pieces", "template", "test")

    def __init__(self, text: str, variables: bool) -> None:
        self.template = template = _template(text, variables)
        self.keys = variables_of(template)
        self.pieces = fixed = tuple(piece for piece in template if not isinstance(piece, Variable))
        self.everything = not self.keys and normalize(fixed) == (ANY,)
        self.doubtful = not self.keys and _has_service_wildcard(text)
        if self.everything:
            self.test: ResourceTest = lambda _resource, _context: True
        elif self.keys:
            self.test = _template_test(template)
        else:
            self.test = _fixed_test(text, fixed, doubtful=self.doubtful)


@lru_cache(maxsize=_MAX_COMPILED)
def _pattern(text: str, variables: bool) -> _Pattern:
    return _Pattern(text, variables)


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


def _fixed_test(text: str, pieces: Sequence[Piece], *, doubtful: bool) -> ResourceTest:
    matches = matcher(pieces)

    def test(resource: Resource, _context: Context) -> Truth:
        if isinstance(resource, ResourceShape):
            return None if doubtful else match_shape(text, resource)
        if not isinstance(resource, str):
            return None
        if resource == RESOURCELESS:
            return False
        # A wildcard in the service segment is refused by AWS; what it would match is not stated.
        return (None if doubtful else True) if matches(resource) else False

    return test


def _template_test(template: tuple[TemplatePiece, ...]) -> ResourceTest:
    def test(resource: Resource, context: Context) -> Truth:
        if not isinstance(resource, str):
            return None
        if resource == RESOURCELESS:
            return False
        pieces = substitute(template, context)
        if isinstance(pieces, Unresolved):
            return False
        if isinstance(pieces, Widened):
            return None if matcher(pieces.pieces)(resource) else False
        return matcher(pieces)(resource)

    return test


def match_shape(pattern: str, shape: ResourceShape) -> Truth:
    """Whether a pattern matches every ARN of this outline (true), none (false), or it cannot be told.

    With as many colons on both sides, no `*` of the pattern can reach beyond its own part.

    >>> match_shape("arn:aws:ec2:*:*:instance/*", ResourceShape("arn:aws:ec2:eu-west-1:111122223333:snapshot/*"))
    False
    """
    wanted, given = pattern.split(":"), shape.text.split(":")
    if len(wanted) != len(given):
        return None
    return all_of(_match_part(*parts) for parts in zip(wanted, given, strict=True))


def _match_part(wanted: str, given: str) -> Truth:
    if "?" not in wanted and (wanted == given or set(wanted) == {"*"}):
        return True
    wanted_head, wanted_star, _ = wanted.replace("?", "*").partition("*")
    given_head, given_star, _ = given.partition("*")
    if not given_star:
        return matcher(glob_pieces(wanted))(given)
    if wanted == f"{wanted_head}*" and given_head.startswith(wanted_head):
        return True
    if not wanted_star:
        # The pattern is one text: it must at least begin as the outline does.
        return None if wanted.startswith(given_head) else False
    length = min(len(wanted_head), len(given_head))
    return None if wanted_head[:length] == given_head[:length] else False


def resource_of_request(action: str, resource: Resource) -> Resource:
    """The text that patterns are matched against.

    S3's resource-less actions are checked on `arn:aws:s3:::*` as well as `*`: for them the ARN stands, which the
    pattern `*` matches too.
    """
    if resource == RESOURCELESS and action[:3].lower() == "s3:":
        return _S3_EVERYTHING
    return resource
