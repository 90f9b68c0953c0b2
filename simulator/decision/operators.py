"""How each operator compares one value of the request with the values of the policy: one table.

Source: AWS IAM User Guide, reference_policies_elements_condition_operators. Where AWS states no rule (a value
that does not parse) the comparison is undecided; docs/limits.md lists these cases.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from simulator.decision.request import Context
from simulator.decision.truth import Truth, any_of
from simulator.decision.variables import (
    TemplatePiece,
    Unresolved,
    Variable,
    Widened,
    parse_template,
    substitute,
    variables_of,
)
from simulator.iam.operators import BaseOperator, Comparison, Family
from simulator.iam.pattern import Matcher, matcher

Alone = Callable[[str], Truth]
"""Compares a request's text; needs no context."""

Compare = Callable[[str, Context], Truth]
"""Compares a request's text; may read further keys through variables."""


def _always(_text: str) -> bool:
    return True


class ValueTest:
    """The values of one condition under one operator, ready to compare; polarity (`Not...`) included.

    `alone` is there when the answer depends on nothing but the text; `variables` are the keys read; `readable` tells
    whether a request's text is of a type that a negated operator can judge (positive ones do not match others).
    """

    __slots__ = ("alone", "compare", "each", "readable", "variables")

    def __init__(
        self,
        compare: Compare,
        alone: Alone | None = None,
        each: tuple[tuple[frozenset[str], Compare], ...] = (),
        readable: Matcher = _always,
    ) -> None:
        self.compare = compare
        self.alone = alone
        self.readable = readable
        self.each = each
        self.variables: frozenset[str] = frozenset().union(*(keys for keys, _ in each))

    def unknown_variables(self, text: str, context: Context) -> frozenset[str]:
        """The variables that keep `text` undecided."""
        keys: set[str] = set()
        for names, test in self.each:
            if names and test(text, context) is None:
                keys |= {name for name in names if not isinstance(context.get(name), str | None)}
        return frozenset(keys)


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
    fixed = [matcher(template) for template in templates if not _has_variable(template)]  # type: ignore[arg-type]
    open_templates = [template for template in templates if _has_variable(template)]
    literal: Matcher
    if like:
        literal = _any_matcher(fixed)
    else:
        wanted = frozenset(
            "".join(str(piece) for piece in template) for template in templates if not _has_variable(template)
        )
        literal = (lambda text: text.lower() in wanted) if fold else wanted.__contains__
    if not open_templates:
        return _alone_test((lambda text: not literal(text)) if base.negated else literal)
    each = tuple((variables_of(template), _template_test(template, fold)) for template in open_templates)
    return _open_test(base, [*each, (frozenset[str](), lambda text, _context: literal(text))])


def _has_variable(template: Sequence[TemplatePiece]) -> bool:
    return any(isinstance(piece, Variable) for piece in template)


def _any_matcher(matchers: Sequence[Matcher]) -> Matcher:
    if len(matchers) == 1:
        return matchers[0]
    several = tuple(matchers)

    def matches(text: str) -> bool:
        for each in several:  # noqa: SIM110  (a generator costs twice the time here)
            if each(text):
                return True
        return False

    return matches


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
    each: list[tuple[frozenset[str], Callable[[list[str], Context], Truth]]] = []
    for value in values:
        template = parse_template(value, wildcards=True, variables=variables)
        parts = split_template(template)
        names = variables_of(template)
        if len(parts) < 6:
            each.append((names, _undecided))
        elif names:
            each.append((names, _arn_template_test(parts)))
        else:
            each.append((names, _arn_pattern_test(parts)))
    # A request's value without six parts does not parse: positive operators do not match, negated are undecided.
    # (A policy value with fewer parts leaves the answer open whatever is compared with it.)
    on_mismatch: Truth = None if base.negated or any(test is _undecided for _, test in each) else False
    readable: Matcher = _has_six_parts if base.negated else _always
    if all(not names and test is not _undecided for names, test in each):
        return _alone_test(_arn_alone([test for _, test in each], base.negated, on_mismatch), readable)

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

    return ValueTest(compare, None, tuple((names, single(test)) for names, test in each), readable)


def _arn_alone(tests: Sequence[Callable[[list[str], Context], Truth]], negated: bool, on_mismatch: Truth) -> Alone:
    nothing: Context = {}

    def compare(text: str) -> Truth:
        parts = text.split(":", 5)
        if len(parts) < 6:
            return on_mismatch
        for test in tests:
            if test(parts, nothing):
                return not negated
        return negated

    return compare


def _has_six_parts(text: str) -> bool:
    return text.count(":") >= 5


def _undecided(_parts: list[str], _context: Context) -> Truth:
    return None


def _arn_pattern_test(parts: Sequence[Sequence[TemplatePiece]]) -> Callable[[list[str], Context], Truth]:
    tests: list[tuple[int, Matcher]] = []
    # The last part tells most ARNs apart: it goes first.
    for index in (5, 4, 3, 2, 1, 0):
        pieces = [piece for piece in parts[index] if not isinstance(piece, Variable)]
        test = matcher(pieces)
        if not (test("") and test("x") and test("any:text/at all")):
            tests.append((index, test))

    def matches(request: list[str], _context: Context) -> Truth:
        for index, test in tests:  # noqa: SIM110
            if not test(request[index]):
                return False
        return True

    return matches


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

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_DATE: Final = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]+)?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?)?)?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TEXT: Final = 400
"""Longer texts are no numbers, dates or addresses; bounds the work for hostile input."""


def parse_number(text: str) -> Decimal | None:
    """An integer or decimal number; `None` if `text` is none."""
    return Decimal(text) if len(text) <= _MAX_TEXT and _NUMBER.fullmatch(text) else None


def parse_date(text: str) -> Decimal | None:
    """Seconds since 1970 of a W3C ISO-8601 date or of epoch seconds; `None` if `text` is neither.

    Four digits are a year. A time without zone counts as UTC.
    """
    if len(text) > _MAX_TEXT:
        return None
    match = _DATE.fullmatch(text)
    if match is None:
        return parse_number(text)
    zone = match["zone"]
    offset = timedelta()
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        offset = -offset if zone[0] == "-" else offset
    try:
        moment = datetime(
            int(match["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            tzinfo=timezone(offset),
        )
    except ValueError:
        return None
    passed = moment - _EPOCH
    return Decimal(passed.days * 86400 + passed.seconds) + Decimal("0" + (match["fraction"] or ".0"))


def parse_bool(text: str) -> bool | None:
    """`true` or `false` in any case; `None` for anything else."""
    return {"true": True, "false": False}.get(text.lower())


def parse_binary(text: str) -> bytes | None:
    """Base64; `None` if `text` is not."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


Address = tuple[int, int]
"""IP version and the address as a number."""


def parse_address(text: str) -> Address | None:
    """One IPv4 or IPv6 address; `None` for anything else (a service name, two addresses, leading zeros)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.version, int(address)


def parse_network(text: str) -> tuple[int, int, int] | None:
    """IP version, mask and network of a CIDR range; without a prefix length, one host. `None` if `text` is none."""
    head, slash, length = text.partition("/")
    if slash and not (length.isascii() and length.isdigit() and len(length) <= 3):
        return None
    try:
        network = ipaddress.ip_network(f"{head}/{length}" if slash else head, strict=False)
    except ValueError:
        return None
    return network.version, int(network.netmask), int(network.network_address)


def _in_network(address: Address, network: tuple[int, int, int]) -> bool:
    return address[0] == network[0] and address[1] & network[1] == network[2]


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
    relation = _in_network if base.family is Family.IP else _RELATIONS[base.comparison]
    parsed = [read_policy(value) for value in values]
    wanted = tuple(value for value in parsed if value is not None)
    # A policy value that does not parse leaves its comparison undecided, unless another value decides.
    otherwise: Truth = False if len(wanted) == len(parsed) else None

    def positive(text: str) -> Truth:
        value = read_request(text)
        if value is None:
            return None if base.negated else otherwise
        for each in wanted:
            if relation(value, each):
                return True
        return otherwise

    def compare(text: str) -> Truth:
        truth = positive(text)
        return truth if not base.negated or truth is None else not truth

    return _alone_test(compare, (lambda text: read_request(text) is not None) if base.negated else _always)


# Assembling


def _alone_test(compare: Alone, readable: Matcher = _always) -> ValueTest:
    return ValueTest(lambda text, _context: compare(text), compare, readable=readable)


def _open_test(base: BaseOperator, each: Sequence[tuple[frozenset[str], Compare]]) -> ValueTest:
    def compare(text: str, context: Context) -> Truth:
        truth = any_of(test(text, context) for _, test in each)
        return truth if not base.negated or truth is None else not truth

    return ValueTest(compare, None, tuple(each))
