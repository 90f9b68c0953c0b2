"""Whether a list of actions, resources or condition values matches more than another one, where that can be told."""

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from simulator.iam.operators import BaseOperator, Comparison, Family, Operator
from simulator.iam.pattern import glob_pieces, matcher
from simulator.iam.values import parse_bool, parse_date, parse_network, parse_number
from simulator.policy.document import Condition
from simulator.policy.rules.subject import has_wildcard, matches_when_missing

Covers = Callable[[str, str], bool]
"""Whether all that the second text matches, the first one surely matches too."""


_MOST_PAIRS: Final = 20_000
"""Words to compare with one another; policies are small, but nobody promised it."""


class Reach(Enum):
    """How what a newer element matches compares with what an older one does."""

    SAME = "same"
    WIDER = "wider"
    NARROWER = "narrower"
    OTHER = "other"

    @property
    def inverse(self) -> "Reach":
        """The same comparison for an element that matches what this one does not."""
        return {Reach.WIDER: Reach.NARROWER, Reach.NARROWER: Reach.WIDER}.get(self, self)


def together(parts: Iterable[Reach]) -> Reach:
    """The reach of a statement all of whose parts must match."""
    found = set(parts) - {Reach.SAME}
    if not found:
        return Reach.SAME
    return found.pop() if len(found) == 1 else Reach.OTHER


def of_lists(old: Sequence[str], new: Sequence[str], covers: Covers) -> Reach:
    """Compare two lists of which one member has to match. What cannot be told is `OTHER`."""
    dropped, added = [each for each in old if each not in new], [each for each in new if each not in old]
    if len(dropped) * len(new) + len(added) * len(old) > _MOST_PAIRS:
        return Reach.OTHER
    gained = all(any(covers(each, before) for each in new) for before in dropped)
    lost = all(any(covers(each, after) for each in old) for after in added)
    if gained and lost:
        return Reach.SAME
    return Reach.WIDER if gained else Reach.NARROWER if lost else Reach.OTHER


def pattern_covers(wide: str, narrow: str) -> bool:
    """Whether a pattern of `*` and `?` takes in another one.

    The stars of the narrow one count as text, which only a star of the wide one can match.

    >>> pattern_covers("s3:Get*", "s3:GetObject*"), pattern_covers("s3:Get?", "s3:Get*")
    (True, False)
    """
    if wide == narrow:
        return True
    if "${" in wide + narrow or ("?" in wide and "*" in narrow):
        return False
    return matcher(glob_pieces(wide))(narrow)


def resource_covers(wide: str, narrow: str) -> bool:
    """Whether a Resource (or an ARN of a condition) takes in another one; only the last part crosses colons."""
    if wide in ("*", narrow):
        return True
    parts, others = wide.split(":", 5), narrow.split(":", 5)
    if len(parts) < 6 or len(others) < 6:
        return False
    return all(pattern_covers(part, other) for part, other in zip(parts, others, strict=True))


def of_conditions(old: Condition, new: Condition) -> Reach:
    """Compare two conditions on the same key."""
    found = [_of_operators(old, new), _of_values(old, new)]
    if old.operator.base.negated and new.operator.base.negated:
        found = [each.inverse for each in found]
    return together([*found, _of_missing(old, new)])


def _of_operators(old: Condition, new: Condition) -> Reach:
    """Compare what the operators make of the same values, polarity left out."""
    before, after = old.operator, new.operator
    one, other = before.base, after.base
    if before.quantifier is not after.quantifier or one.family is not other.family or one.negated != other.negated:
        return Reach.OTHER
    if one.comparison is other.comparison:
        return Reach.SAME
    order = [Comparison.EQUALS, Comparison.EQUALS_IGNORE_CASE]
    if one.family is not Family.STRING:
        return Reach.OTHER
    if {one.comparison, other.comparison} == set(order):
        return Reach.WIDER if one.comparison is Comparison.EQUALS else Reach.NARROWER
    if {one.comparison, other.comparison} != {Comparison.EQUALS, Comparison.LIKE}:
        return Reach.OTHER
    if not any(has_wildcard(word.value) for word in (*old.values, *new.values)):
        return Reach.SAME
    return Reach.WIDER if one.comparison is Comparison.EQUALS else Reach.NARROWER


def _of_values(old: Condition, new: Condition) -> Reach:
    base = new.operator.base if old.operator.base.comparison is not Comparison.LIKE else old.operator.base
    return of_lists([word.value for word in old.values], [word.value for word in new.values], _value_covers(base))


def _of_missing(old: Condition, new: Condition) -> Reach:
    """Compare what they answer where the request lacks the key."""
    before, after = matches_when_missing(old), matches_when_missing(new)
    if before is after:
        return Reach.SAME
    if before is None or after is None or _null(old.operator) or _null(new.operator):
        return Reach.OTHER
    return Reach.WIDER if after else Reach.NARROWER


def _null(operator: Operator) -> bool:
    return operator.base.family is Family.NULL


def _value_covers(base: BaseOperator) -> Covers:
    """How the values of an operator compare, polarity left out."""
    if base.comparison is Comparison.LIKE:
        return resource_covers if base.family is Family.ARN else pattern_covers
    if base.comparison is Comparison.EQUALS_IGNORE_CASE:
        return lambda wide, narrow: wide.lower() == narrow.lower()
    if base.family is Family.IP:
        return _network_covers
    if base.family in (Family.NUMERIC, Family.DATE):
        return _ordered(base)
    if base.family in (Family.BOOL, Family.NULL):
        return lambda wide, narrow: (
            wide == narrow or (parse_bool(wide) is not None and parse_bool(wide) is parse_bool(narrow))
        )
    return str.__eq__


def _ordered(base: BaseOperator) -> Covers:
    parse = parse_number if base.family is Family.NUMERIC else parse_date

    def covers(wide: str, narrow: str) -> bool:
        one, other = parse(wide), parse(narrow)
        if one is None or other is None:
            return wide == narrow
        if base.comparison in (Comparison.LESS, Comparison.LESS_EQUALS):
            return one >= other
        if base.comparison in (Comparison.GREATER, Comparison.GREATER_EQUALS):
            return one <= other
        return one == other

    return covers


def _network_covers(wide: str, narrow: str) -> bool:
    one, other = _network(wide), _network(narrow)
    if one is None or other is None:
        return wide == narrow
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return other.subnet_of(one)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and other.subnet_of(one)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    return ip_network(text, strict=False) if parse_network(text) is not None else None
