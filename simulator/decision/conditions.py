"""One condition, compiled: missing keys, `IfExists`, `Null`, set operators, and what an unknown key leaves open.

Source: AWS IAM User Guide, reference_policies_elements_condition_operators and
reference_policies_condition-single-vs-multi-valued-context-keys.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from simulator.decision.operators import Alone, Template, ValueTest, value_test
from simulator.decision.request import UNKNOWN, Context, ContextValue, OneOf, Outside
from simulator.decision.truth import Truth, all_of, any_of
from simulator.decision.variables import Unresolved, Widened, parse_template, substitute
from simulator.iam.operators import BaseOperator, Comparison, Family, Operator, Quantifier
from simulator.iam.pattern import ANY, normalize

Test = Callable[[Context], Truth]

_MAX_COMPILED: Final = 2_000
"""Conditions to remember."""

_ABSENT: Final[tuple[str, ...]] = ()


class CompiledCondition:
    """`test(context)` answers true, false or undecided; `keys` are all context keys it may read, in lower case.

    `cost` ranks tests by what they take: of several that must all hold, the quick ones are asked first.
    """

    __slots__ = ("cost", "key", "keys", "multivalued", "test", "values_test", "wants_one")

    def __init__(
        self,
        key: str,
        test: Test,
        values_test: ValueTest | None,
        *,
        cost: int = 0,
        wants_one: bool = False,
        multivalued: bool = False,
    ) -> None:
        self.cost = cost
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
            return frozenset({self.key}) | (tested.open_variables(context) if tested else frozenset())
        if tested is None:
            return frozenset()
        # A set where one value is expected is the request's own doing, and so is a text of another type; anything
        # else that is open here is a policy value without meaning, which no key could settle.
        texts = (value,) if isinstance(value, str) else value
        if self.wants_one and (self.multivalued or len(texts) > 1):
            return frozenset({self.key})
        keys = frozenset[str]().union(*(tested.open_variables(context, text) for text in texts))
        return keys or (frozenset() if all(map(tested.readable, texts)) else frozenset({self.key}))


@lru_cache(maxsize=_MAX_COMPILED)
def compile_condition(
    operator: Operator, key: str, values: tuple[str, ...], *, variables: bool, multivalued: bool
) -> CompiledCondition:
    """Compile one operator-key-values triple.

    `key` in any case. `variables`: whether `${...}` is a variable (Version 2012-10-17). `multivalued`: whether the
    key is known to hold a set (reference_policies_condition-keys). Remembered up to a bound: a policy that governs
    many accounts stands in many programs.
    """
    key = key.lower()
    if operator.base.family is Family.NULL:
        return CompiledCondition(key, _null_test(key, values), None)
    tested = value_test(operator.base, values, variables=variables)
    # A policy variable under Bool: AWS's pages contradict each other (docs/limits.md).
    missing = operator.if_exists or (
        operator.quantifier is Quantifier.ALL or (operator.base.negated and operator.quantifier is None)
    )
    judge = _judge(operator, tested, values, variables, missing, multivalued)

    def test(context: Context) -> Truth:
        return judge(context.get(key), context)

    alone = tested.alone
    cost = _cost(operator, tested)
    if operator.quantifier is not None and tested.wanted is not None:
        return CompiledCondition(key, _fast_set(key, tested.wanted, operator, judge), tested, cost=cost)
    if alone is None or operator.quantifier is not None or multivalued:
        return CompiledCondition(
            key,
            test,
            tested,
            cost=cost,
            wants_one=operator.base.negated and operator.quantifier is None,
            multivalued=multivalued,
        )
    fast = _fast(key, tested, alone, operator, judge)
    return CompiledCondition(key, fast, tested, cost=cost, wants_one=operator.base.negated)


def _cost(operator: Operator, tested: ValueTest) -> int:
    """A look-up, a match, a value to be parsed, a pattern to be put together: each takes about twice the one before."""
    if tested.variables:
        return 3
    if tested.wanted is not None or operator.base.family is Family.BOOL:
        return 0
    return 1 if operator.base.family in (Family.STRING, Family.ARN) else 2


Judge = Callable[[ContextValue | None, Context], Truth]


def _fast_set(key: str, wanted: frozenset[str], operator: Operator, judge: Judge) -> Test:
    """The test of a set of texts against a set of texts: one set operation; anything else goes to `judge`."""
    every = operator.quantifier is Quantifier.ALL
    negated = operator.base.negated

    def test(context: Context) -> Truth:
        value = context.get(key)
        if value.__class__ is not tuple or len(value) < 2:
            return judge(value, context)
        # All equal some value, or all equal none; some equals a value, or some equals none.
        if every:
            return wanted.isdisjoint(value) if negated else wanted.issuperset(value)
        return not wanted.issuperset(value) if negated else not wanted.isdisjoint(value)

    return test


def _fast(key: str, tested: ValueTest, alone: Alone, operator: Operator, judge: Judge) -> Test:
    """The test of a single-valued key: a plain text is compared on the spot, anything else goes to `judge`.

    Four times the same few lines: a call less for each condition is what the speed of a replay hangs on.
    """
    wanted = tested.wanted
    match = tested.full_match
    negated = operator.base.negated

    def contains(context: Context) -> Truth:
        value = context.get(key)
        if value.__class__ is str:
            return value in wanted  # type: ignore[operator]
        return judge(value, context)

    def contains_not(context: Context) -> Truth:
        value = context.get(key)
        if value.__class__ is str:
            return value not in wanted  # type: ignore[operator]
        return judge(value, context)

    def matches(context: Context) -> Truth:
        value = context.get(key)
        if value.__class__ is str:
            return (match(value) is None) is negated  # type: ignore[misc]
        return judge(value, context)

    def asks(context: Context) -> Truth:
        value = context.get(key)
        if value.__class__ is str:
            return alone(value)
        return judge(value, context)

    if wanted is not None:
        return contains_not if negated else contains
    return asks if match is None else matches


def _judge(
    operator: Operator, tested: ValueTest, values: tuple[str, ...], variables: bool, missing: bool, multivalued: bool
) -> Judge:
    compare = tested.compare
    base = operator.base
    quantifier = operator.quantifier
    like = base.comparison is Comparison.LIKE
    templates = tuple(parse_template(text, wildcards=like, variables=variables) for text in values)
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
            return _agree((missing, judge_outside(value, context)))
        if quantifier is None:
            if multivalued or (isinstance(value, tuple) and len(value) > 1):
                return on_set
            return compare(value if isinstance(value, str) else value[0], context)
        texts = (value,) if isinstance(value, str) else value
        if len(texts) == 1:
            return True if quantifier is Quantifier.ALL and texts[0] == "" else compare(texts[0], context)
        answers = [compare(text, context) for text in texts]
        return all_of(answers) if quantifier is Quantifier.ALL else any_of(answers)

    def judge_outside(value: Outside, context: Context) -> Truth:
        if quantifier is None and multivalued:
            return on_set
        return _outside(base, templates, value, context)

    return judge


def _agree(answers: Iterable[Truth]) -> Truth:
    """The answer that all possibilities share, else undecided."""
    distinct = set(answers)
    return distinct.pop() if len(distinct) == 1 else None


def _outside(base: BaseOperator, templates: Sequence[Template], value: Outside, context: Context) -> Truth:
    """Compare a text of which only the beginning it does *not* have is known."""
    if base.family is not Family.STRING:
        return None

    def one(template: Template) -> Truth:
        pieces = substitute(template, context)
        if isinstance(pieces, Unresolved):
            return False
        if isinstance(pieces, Widened):
            return None
        whole = normalize(pieces)
        if whole == (ANY,):
            return True
        # A pattern that fixes the forbidden beginning cannot match; anything else may.
        head = whole[0] if whole and isinstance(whole[0], str) else ""
        if base.comparison is Comparison.EQUALS_IGNORE_CASE:
            head = head.lower()
        rest = head.removeprefix(value.prefix)
        # Another organization's id may begin with ours: only our id itself, or what stands below it, is ruled out.
        ours = head.startswith(value.prefix) and (rest.startswith("/") or (not rest and len(whole) == 1))
        return False if ours else None

    truth = any_of(one(template) for template in templates)
    return truth if not base.negated or truth is None else not truth


def _null_test(key: str, values: tuple[str, ...]) -> Test:
    wanted = {value.lower() for value in values}
    # A policy value that is neither true nor false leaves the answer open, unless another value decides.
    otherwise: Truth = False if wanted <= {"true", "false"} else None
    when_present: Truth = "false" in wanted or otherwise

    def present(value: ContextValue | None) -> Truth:
        if value is None or value == ():
            return "true" in wanted or otherwise
        if value is UNKNOWN or isinstance(value, Outside):
            return None
        if isinstance(value, OneOf):
            return _agree(present(each) for each in value.values)
        return when_present

    def test(context: Context) -> Truth:
        value = context.get(key)
        return when_present if value.__class__ is str else present(value)

    return test
