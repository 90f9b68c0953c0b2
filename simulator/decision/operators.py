"""How each operator compares one value of the request with the values of the policy: one table.

Source: AWS IAM User Guide, reference_policies_elements_condition_operators. Where AWS states no rule (a value
that does not parse) the comparison is undecided; docs/limits.md lists these cases.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from simulator.decision.request import Context
from simulator.decision.truth import Truth, any_of
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
from simulator.iam.operators import BaseOperator, Comparison, Family
from simulator.iam.pattern import (
    Matcher,
    Piece,
    any_expression,
    any_matcher,
    arn_expression,
    expression,
    full_match,
    matcher,
)
from simulator.iam.values import (
    OCTETS,
    parse_address,
    parse_binary,
    parse_bool,
    parse_date,
    parse_network,
    parse_number,
)

Alone = Callable[[str], Truth]
"""Compares a request's text; needs no context."""

Template = tuple[TemplatePiece, ...]

Compare = Callable[[str, Context], Truth]
"""Compares a request's text; may read further keys through variables."""


def _always(_text: str) -> bool:
    return True


class ValueTest:
    """The values of one condition under one operator, ready to compare; polarity (`Not...`) included.

    `alone` is there when the answer depends on nothing but the text; `wanted` where it is also a mere look-up (polarity
    left out), `full_match` where it is a mere match: the hot path then saves a call. `variables` are the keys read;
    `readable` tells whether a request's text is of a type that a negated operator can judge (positive ones do not
    match others).
    """

    __slots__ = ("alone", "compare", "each", "full_match", "readable", "variables", "wanted")

    def __init__(
        self,
        compare: Compare,
        alone: Alone | None = None,
        each: tuple[tuple[Template, Compare], ...] = (),
        readable: Matcher = _always,
        wanted: frozenset[str] | None = None,
        full_match: Callable[[str], object] | None = None,
    ) -> None:
        self.wanted = wanted
        self.full_match = full_match
        self.compare = compare
        self.alone = alone
        self.readable = readable
        self.each = each
        self.variables: frozenset[str] = frozenset().union(*(variables_of(template) for template, _ in each))

    def open_variables(self, context: Context, text: str | None = None) -> frozenset[str]:
        """The variables that keep `text` undecided; for `None` (an unknown text) all that are open."""
        return frozenset[str]().union(
            *(
                open_variables(template, context)
                for template, test in self.each
                if text is None or test(text, context) is None
            )
        )


def value_test(base: BaseOperator, values: Sequence[str], *, variables: bool) -> ValueTest:
    """Prepare the comparison of `base` (any family but Null) with the policy's `values`."""
    variables = variables and base.allows_variables
    if base.family is Family.STRING:
        return _string_test(base, values, variables)
    if base.family is Family.ARN:
        return _arn_test(base, values, variables)
    return _parsed_test(base, values)


# Strings


def _string_test(base: BaseOperator, values: Sequence[str], variables: bool) -> ValueTest:
    like = base.comparison is Comparison.LIKE
    fold = base.comparison is Comparison.EQUALS_IGNORE_CASE
    templates = [
        parse_template(value.lower() if fold else value, wildcards=like, variables=variables) for value in values
    ]
    fixed = [_pieces(template) for template in templates if not _has_variable(template)]
    open_templates = [template for template in templates if _has_variable(template)]
    wanted = None if like or fold else frozenset("".join(map(str, pieces)) for pieces in fixed)
    match = full_match([expression(pieces) for pieces in fixed]) if like and len(fixed) > 1 else None
    literal: Matcher
    if wanted is not None:
        literal = wanted.__contains__
    elif fold:
        folded = frozenset("".join(map(str, pieces)) for pieces in fixed)
        literal = _in_lower_case(folded)
    else:
        literal = any_matcher(fixed)
    if not open_templates:
        alone: Alone = (lambda text: not literal(text)) if base.negated else literal
        return ValueTest(lambda text, _context: alone(text), alone, wanted=wanted, full_match=match)
    each = tuple((template, _template_test(template, fold)) for template in open_templates)
    return _open_test(base, [*each, ((), lambda text, _context: literal(text))])


def _in_lower_case(texts: frozenset[str]) -> Matcher:
    return lambda text: text.lower() in texts


def _has_variable(template: Sequence[TemplatePiece]) -> bool:
    return any(isinstance(piece, Variable) for piece in template)


def _pieces(template: Template) -> tuple[Piece, ...]:
    """The pieces of a template without variables."""
    return tuple(piece for piece in template if not isinstance(piece, Variable))


def _template_test(template: tuple[TemplatePiece, ...], fold: bool) -> Compare:
    def compare(text: str, context: Context) -> Truth:
        pieces = substitute(template, context)
        if isinstance(pieces, Unresolved):
            return False
        if fold:
            text = text.lower()
        if isinstance(pieces, Widened):
            widened = [piece.lower() if fold and isinstance(piece, str) else piece for piece in pieces.pieces]
            return None if matcher(widened)(text) else False
        return matcher([piece.lower() if fold and isinstance(piece, str) else piece for piece in pieces])(text)

    return compare


# ARNs: six parts, each matched on its own; the sixth may hold colons.


def split_template(template: Sequence[TemplatePiece]) -> list[tuple[TemplatePiece, ...]]:
    """Split a template at its first five literal colons."""
    parts: list[list[TemplatePiece]] = [[]]
    for piece in template:
        if not isinstance(piece, str):
            parts[-1].append(piece)
            continue
        head, *rest = piece.split(":", 6 - len(parts))
        if head:
            parts[-1].append(head)
        parts.extend([text] if text else [] for text in rest)
    return [tuple(part) for part in parts]


def _arn_test(base: BaseOperator, values: Sequence[str], variables: bool) -> ValueTest:
    each: list[tuple[Template, Callable[[list[str], Context], Truth]]] = []
    for value in values:
        template = parse_template(value, wildcards=True, variables=variables)
        parts = split_template(template)
        if len(parts) < 6:
            each.append((template, _undecided))
        elif _has_variable(template):
            each.append((template, _arn_template_test(parts)))
        else:
            each.append((template, _arn_pattern_test(parts)))
    # A request's value without six parts does not parse: positive operators do not match, negated are undecided.
    # (A policy value with fewer parts leaves the answer open whatever is compared with it.)
    on_mismatch: Truth = None if base.negated or any(test is _undecided for _, test in each) else False
    readable: Matcher = _has_six_parts if base.negated else _always
    if not any(test is _undecided or _has_variable(template) for template, test in each):
        match = full_match(
            [arn_expression([_pieces(part) for part in split_template(template)]) for template, _ in each]
        )
        alone = _arn_alone(match, base.negated)
        # A text that a negated operator cannot judge needs a second look: no mere match.
        simple = None if base.negated else match
        return ValueTest(lambda text, _context: alone(text), alone, readable=readable, full_match=simple)

    def compare(text: str, context: Context) -> Truth:
        parts = text.split(":", 5)
        if len(parts) < 6:
            return on_mismatch
        truth = any_of(test(parts, context) for _, test in each)
        return truth if not base.negated or truth is None else not truth

    def single(test: Callable[[list[str], Context], Truth]) -> Compare:
        def compare_one(text: str, context: Context) -> Truth:
            parts = text.split(":", 5)
            return on_mismatch if len(parts) < 6 else test(parts, context)

        return compare_one

    return ValueTest(compare, None, tuple((template, single(test)) for template, test in each), readable)


def _arn_alone(match: Callable[[str], object], negated: bool) -> Alone:
    if not negated:
        return lambda text: match(text) is not None

    def negation(text: str) -> Truth:
        if match(text) is not None:
            return False
        return True if text.count(":") >= 5 else None

    return negation


def _has_six_parts(text: str) -> bool:
    return text.count(":") >= 5


def _undecided(_parts: list[str], _context: Context) -> Truth:
    return None


def _arn_pattern_test(parts: Sequence[Template]) -> Callable[[list[str], Context], Truth]:
    matches = any_expression([arn_expression([_pieces(part) for part in parts])])
    return lambda request, _context: matches(":".join(request))


def _arn_template_test(parts: Sequence[tuple[TemplatePiece, ...]]) -> Callable[[list[str], Context], Truth]:
    def matches(request: list[str], context: Context) -> Truth:
        truth: Truth = True
        for index, part in enumerate(parts):
            pieces = substitute(part, context, inside=index < 5)
            if isinstance(pieces, Unresolved):
                return False
            widened = isinstance(pieces, Widened)
            if not matcher(pieces.pieces if isinstance(pieces, Widened) else pieces)(request[index]):
                return False
            if widened:
                truth = None
        return truth

    return matches


# Numbers, dates, booleans, binary, addresses: parsed on both sides.


Parse = Callable[[str], Any]
Relation = Callable[[Any, Any], bool]

_PARSERS: Final[dict[Family, tuple[Parse, Parse]]] = {
    # family: (reads the request's value, reads the policy's value)
    Family.NUMERIC: (parse_number, parse_number),
    Family.DATE: (parse_date, parse_date),
    Family.BOOL: (parse_bool, parse_bool),
    Family.BINARY: (parse_binary, parse_binary),
    Family.IP: (parse_address, parse_network),
}
_RELATIONS: Final[dict[Comparison, Relation]] = {
    Comparison.EQUALS: lambda request, policy: bool(request == policy),
    Comparison.LESS: lambda request, policy: bool(request < policy),
    Comparison.LESS_EQUALS: lambda request, policy: bool(request <= policy),
    Comparison.GREATER: lambda request, policy: bool(request > policy),
    Comparison.GREATER_EQUALS: lambda request, policy: bool(request >= policy),
}


def _parsed_test(base: BaseOperator, values: Sequence[str]) -> ValueTest:
    read_request, read_policy = _PARSERS[base.family]
    parsed = [read_policy(value) for value in values]
    wanted = tuple(value for value in parsed if value is not None)
    negated = base.negated
    # A policy value that does not parse leaves its comparison undecided, unless another value decides.
    garbage = len(wanted) < len(parsed)
    on_match, on_miss = not negated, None if garbage else negated
    on_mismatch: Truth = None if negated or garbage else False
    readable: Matcher = (lambda text: read_request(text) is not None) if negated else _always
    if base.family is Family.IP:
        return _alone_test(_address_test(wanted, on_match, on_miss, on_mismatch), readable)
    relation = _RELATIONS[base.comparison]

    def compare(text: str) -> Truth:
        value = read_request(text)
        if value is None:
            return on_mismatch
        for each in wanted:
            if relation(value, each):
                return on_match
        return on_miss

    if base.family is Family.BOOL and not garbage:
        # Two texts are all that logs hold: a table answers them.
        known = {text for text in ("true", "false") if compare(text)}
        return ValueTest(
            lambda text, _context: compare(text),
            lambda text: text in known if text in ("true", "false") else compare(text),
            readable=readable,
        )
    return _alone_test(compare, readable)


def _address_test(
    networks: Sequence[tuple[int, int, int]], on_match: Truth, on_miss: Truth, on_mismatch: Truth
) -> Alone:
    by_version = {
        version: tuple((mask, network) for each, mask, network in networks if each == version) for version in (4, 6)
    }
    fourth_version = by_version[4]

    def compare(text: str) -> Truth:
        try:
            # Nearly all addresses in logs are IPv4: read on the spot, which saves two calls.
            first, second, third, fourth = text.split(".")
            number = OCTETS[first] << 24 | OCTETS[second] << 16 | OCTETS[third] << 8 | OCTETS[fourth]
        except (ValueError, KeyError):
            return compare_other(text)
        for mask, network in fourth_version:
            if number & mask == network:
                return on_match
        return on_miss

    def compare_other(text: str) -> Truth:
        address = parse_address(text)
        if address is None:
            return on_mismatch
        version, number = address
        for mask, network in by_version[version]:
            if number & mask == network:
                return on_match
        return on_miss

    return compare


# Assembling


def _alone_test(compare: Alone, readable: Matcher = _always) -> ValueTest:
    return ValueTest(lambda text, _context: compare(text), compare, readable=readable)


def _open_test(base: BaseOperator, each: Sequence[tuple[Template, Compare]]) -> ValueTest:
    def compare(text: str, context: Context) -> Truth:
        truth = any_of(test(text, context) for _, test in each)
        return truth if not base.negated or truth is None else not truth

    return ValueTest(compare, None, tuple(each))
