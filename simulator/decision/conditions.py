"""One condition, compiled: missing keys, `IfExists`, `Null`, set operators, and what an unknown key leaves open.

Source: AWS IAM User Guide, reference_policies_elements_condition_operators and
reference_policies_condition-single-vs-multi-valued-context-keys.
"""

from collections.abc import Callable, Iterable
from typing import Final

from simulator.decision.operators import ValueTest, value_test
from simulator.decision.request import UNKNOWN, Context, ContextValue, OneOf, Outside
from simulator.decision.truth import Truth, all_of, any_of
from simulator.iam.operators import BaseOperator, Comparison, Family, Operator, Quantifier
from simulator.iam.pattern import ANY, glob_pieces, normalize

Test = Callable[[Context], Truth]

_ABSENT: Final[tuple[str, ...]] = ()


class CompiledCondition:
    """`test(context)` answers true, false or undecided; `keys` are all context keys it may read, in lower case."""

    __slots__ = ("key", "keys", "multivalued", "test", "values_test", "wants_one")

    def __init__(
        self, key: str, test: Test, values_test: ValueTest | None, *, wants_one: bool = False, multivalued: bool = False
    ) -> None:
        self.key = key
        self.wants_one = wants_one
        self.multivalued = multivalued
        self.test = test
        self.values_test = values_test
        self.keys = frozenset({key}) | (values_test.variables if values_test else frozenset())

    def open_keys(self, context: Context) -> frozenset[str]:
        """The keys that would settle an undecided answer; empty if no key could (a value that does not parse)."""
        value = context.get(self.key, _ABSENT)
        tested = self.values_test
        if not isinstance(value, str | tuple):
            return frozenset({self.key}) | (_open_variables(tested, context) if tested else frozenset())
        if tested is None:
            return frozenset()
        texts = (value,) if isinstance(value, str) else value
        keys = frozenset[str]().union(*(tested.unknown_variables(text, context) for text in texts))
        if keys:
            return keys
        # A set where one value is expected, or a text of another type, is the request's own; anything else that is
        # open here is a policy value without meaning, which no key could settle.
        unfit = self.wants_one and (self.multivalued or isinstance(value, tuple))
        return frozenset({self.key}) if unfit or not all(map(tested.readable, texts)) else frozenset()


def _open_variables(tested: ValueTest, context: Context) -> frozenset[str]:
    return frozenset(name for name in tested.variables if not isinstance(context.get(name), str | None))


def compile_condition(
    operator: Operator, key: str, values: tuple[str, ...], *, variables: bool, multivalued: bool
) -> CompiledCondition:
    """Compile one operator-key-values triple.

    `key` in any case. `variables`: whether `${...}` is a variable (Version 2012-10-17). `multivalued`: whether the
    key is known to hold a set (reference_policies_condition-keys).
    """
    key = key.lower()
    if operator.base.family is Family.NULL:
        return CompiledCondition(key, _null_test(key, values), None)
    tested = value_test(operator.base, values, variables=variables)
    # A policy variable under Bool: AWS's pages contradict each other (docs/limits.md).
    missing = operator.if_exists or (
        operator.quantifier is Quantifier.ALL or (operator.base.negated and operator.quantifier is None)
    )
    judge = _judge(operator, tested, values, missing, multivalued)

    def test(context: Context) -> Truth:
        return judge(context.get(key), context)

    alone = tested.alone
    if alone is None or operator.quantifier is not None or multivalued:
        return CompiledCondition(
            key, test, tested, wants_one=operator.base.negated and operator.quantifier is None, multivalued=multivalued
        )

    def fast(context: Context) -> Truth:
        value = context.get(key)
        if value.__class__ is str:
            return alone(value)
        return judge(value, context)

    return CompiledCondition(key, fast, tested, wants_one=operator.base.negated)


def _judge(
    operator: Operator, tested: ValueTest, values: tuple[str, ...], missing: bool, multivalued: bool
) -> Callable[[ContextValue | None, Context], Truth]:
    compare = tested.compare
    base = operator.base
    quantifier = operator.quantifier
    # A set under an operator without set qualifier never matches; for negated operators AWS states no rule.
    on_set: Truth = None if base.negated else False

    def judge(value: ContextValue | None, context: Context) -> Truth:
        if value is None or value == ():
            return missing
        if value is UNKNOWN:
            return None
        if isinstance(value, OneOf):
            return _agree(judge(each, context) for each in value.values)
        if isinstance(value, Outside):
            return _agree((missing, judge_outside(value)))
        if quantifier is None:
            if multivalued or (isinstance(value, tuple) and len(value) > 1):
                return on_set
            return compare(value if isinstance(value, str) else value[0], context)
        texts = (value,) if isinstance(value, str) else value
        if quantifier is Quantifier.ALL:
            if texts == ("",):
                return True
            return all_of(compare(text, context) for text in texts)
        return any_of(compare(text, context) for text in texts)

    def judge_outside(value: Outside) -> Truth:
        if quantifier is None and multivalued:
            return on_set
        return _outside(base, values, value)

    return judge


def _agree(answers: Iterable[Truth]) -> Truth:
    """The answer that all possibilities share, else undecided."""
    distinct = set(answers)
    return distinct.pop() if len(distinct) == 1 else None


def _outside(base: BaseOperator, values: tuple[str, ...], value: Outside) -> Truth:
    """Compare a text of which only the beginning it does *not* have is known."""
    if base.family is not Family.STRING:
        return None

    def one(text: str) -> Truth:
        pieces = glob_pieces(text) if base.comparison is Comparison.LIKE else (text,)
        if normalize(pieces) == (ANY,):
            return True
        # A pattern that fixes the forbidden beginning cannot match; anything else may.
        head = pieces[0] if pieces and isinstance(pieces[0], str) else ""
        if base.comparison is Comparison.EQUALS_IGNORE_CASE:
            head = head.lower()
        return False if "${" not in head and head.startswith(value.prefix) else None

    truth = any_of(one(text) for text in values)
    return truth if not base.negated or truth is None else not truth


def _null_test(key: str, values: tuple[str, ...]) -> Test:
    wanted = {value.lower() for value in values}
    # A policy value that is neither true nor false leaves the answer open, unless another value decides.
    otherwise: Truth = False if wanted <= {"true", "false"} else None

    def present(value: ContextValue | None) -> Truth:
        if value is None or value == ():
            return "true" in wanted or otherwise
        if value is UNKNOWN or isinstance(value, Outside):
            return None
        if isinstance(value, OneOf):
            return _agree(present(each) for each in value.values)
        return "false" in wanted or otherwise

    def test(context: Context) -> Truth:
        return present(context.get(key))

    return test
