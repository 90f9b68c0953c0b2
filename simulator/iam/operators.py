"""Names and properties of the condition operators: one table, read by the parser, the validator and the evaluator.

Source: AWS IAM User Guide, reference_policies_elements_condition_operators and
reference_policies_condition-single-vs-multi-valued-context-keys.
"""

from enum import Enum

import msgspec


class Family(Enum):
    """What an operator compares."""

    STRING = "string"
    NUMERIC = "numeric"
    DATE = "date"
    BOOL = "bool"
    BINARY = "binary"
    IP = "ip"
    ARN = "arn"
    NULL = "null"


class Comparison(Enum):
    """How an operator compares, within its family."""

    EQUALS = "equals"
    EQUALS_IGNORE_CASE = "equals-ignore-case"
    LIKE = "like"
    LESS = "less"
    LESS_EQUALS = "less-equals"
    GREATER = "greater"
    GREATER_EQUALS = "greater-equals"


class Quantifier(Enum):
    """The set operators of multivalued keys."""

    ANY = "ForAnyValue"
    ALL = "ForAllValues"


class BaseOperator(msgspec.Struct, frozen=True):
    """An operator without quantifier and `IfExists`; `negated` ones match when the key is missing."""

    name: str
    family: Family
    comparison: Comparison
    negated: bool = False

    @property
    def allows_variables(self) -> bool:
        """Whether `${...}` in its values is a policy variable."""
        return self.family in (Family.STRING, Family.ARN)


class Operator(msgspec.Struct, frozen=True):
    """A condition operator as a policy writes it, for example `ForAnyValue:StringNotLikeIfExists`."""

    base: BaseOperator
    quantifier: Quantifier | None = None
    if_exists: bool = False

    def __str__(self) -> str:
        prefix = f"{self.quantifier.value}:" if self.quantifier else ""
        return f"{prefix}{self.base.name}{'IfExists' if self.if_exists else ''}"


def _table() -> dict[str, BaseOperator]:
    string, numeric, date, ip, arn = Family.STRING, Family.NUMERIC, Family.DATE, Family.IP, Family.ARN
    equals, like = Comparison.EQUALS, Comparison.LIKE
    ignore_case = Comparison.EQUALS_IGNORE_CASE
    rows = [
        BaseOperator("StringEquals", string, equals),
        BaseOperator("StringNotEquals", string, equals, negated=True),
        BaseOperator("StringEqualsIgnoreCase", string, ignore_case),
        BaseOperator("StringNotEqualsIgnoreCase", string, ignore_case, negated=True),
        BaseOperator("StringLike", string, like),
        BaseOperator("StringNotLike", string, like, negated=True),
        BaseOperator("Bool", Family.BOOL, equals),
        BaseOperator("BinaryEquals", Family.BINARY, equals),
        BaseOperator("IpAddress", ip, equals),
        BaseOperator("NotIpAddress", ip, equals, negated=True),
        # ArnEquals and ArnLike behave identically (reference_policies_elements_condition_operators).
        BaseOperator("ArnEquals", arn, like),
        BaseOperator("ArnLike", arn, like),
        BaseOperator("ArnNotEquals", arn, like, negated=True),
        BaseOperator("ArnNotLike", arn, like, negated=True),
        BaseOperator("Null", Family.NULL, equals),
    ]
    for prefix, family in (("Numeric", numeric), ("Date", date)):
        rows += [
            BaseOperator(f"{prefix}Equals", family, equals),
            BaseOperator(f"{prefix}NotEquals", family, equals, negated=True),
            BaseOperator(f"{prefix}LessThan", family, Comparison.LESS),
            BaseOperator(f"{prefix}LessThanEquals", family, Comparison.LESS_EQUALS),
            BaseOperator(f"{prefix}GreaterThan", family, Comparison.GREATER),
            BaseOperator(f"{prefix}GreaterThanEquals", family, Comparison.GREATER_EQUALS),
        ]
    return {row.name.lower(): row for row in rows}


BASE_OPERATORS = _table()


def parse_operator(text: str) -> Operator | None:
    """Read an operator name; case does not matter. `None` if there is no such operator.

    >>> str(parse_operator("foranyvalue:stringlike"))
    'ForAnyValue:StringLike'
    """
    prefix, colon, rest = text.rpartition(":")
    quantifier: Quantifier | None = None
    if colon:
        quantifier = next((item for item in Quantifier if item.value.lower() == prefix.lower()), None)
        if quantifier is None:
            return None
    name = rest.lower()
    if_exists = name.endswith("ifexists")
    base = BASE_OPERATORS.get(name.removesuffix("ifexists"))
    if base is None or (base.family is Family.NULL and if_exists):
        return None
    return Operator(base, quantifier, if_exists)
