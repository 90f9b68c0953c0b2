"""A parsed SCP or RCP: immutable, with the place of every statement and condition in its source text."""

from enum import Enum

import msgspec

from simulator.iam.operators import Operator
from simulator.policy.diagnostic import Span


class PolicyType(Enum):
    """The two authorization policy types of AWS Organizations, by their API names."""

    SCP = "SERVICE_CONTROL_POLICY"
    RCP = "RESOURCE_CONTROL_POLICY"

    @property
    def side(self) -> str:
        """`scp` or `rcp`: the short name in folders, reports and `orgsim evaluate`."""
        return self.name.lower()


class Effect(Enum):
    """The effect of a statement; the policy's text is case-sensitive here."""

    ALLOW = "Allow"
    DENY = "Deny"


class Word(msgspec.Struct, frozen=True):
    """One string of a policy (an action, a resource, a condition value) and where it stands.

    `kind` is `string`, or `number` / `boolean` for a condition value written without quotes.
    """

    value: str
    span: Span
    kind: str = "string"

    def __str__(self) -> str:
        return self.value


class Condition(msgspec.Struct, frozen=True):
    """One operator applied to one key: `{"StringEquals": {"aws:RequestedRegion": [...]}}`.

    `values` holds the texts to compare with; JSON numbers and booleans stand as the text they were written as.
    `as_list` tells whether the source wrote an array (kept so that printing is faithful).
    """

    operator: Operator
    operator_text: Word
    key: Word
    values: tuple[Word, ...]
    as_list: bool
    span: Span


class WordList(msgspec.Struct, frozen=True):
    """The value of Action, NotAction, Resource or NotResource; `as_list` as in `Condition`."""

    name: str
    words: tuple[Word, ...]
    as_list: bool
    span: Span

    @property
    def negated(self) -> bool:
        """Whether this is NotAction, NotResource or NotPrincipal."""
        return self.name.startswith("Not")


class Principal(msgspec.Struct, frozen=True):
    """A Principal or NotPrincipal element: `everyone` is true for `"*"` and `{"AWS": "*"}`; `text` is its JSON."""

    name: str
    everyone: bool
    star: bool
    text: str
    span: Span


class Statement(msgspec.Struct, frozen=True):
    """One statement. `actions` and `resources` are Action or NotAction, Resource or NotResource; `index` from 0."""

    index: int
    sid: str | None
    effect: Effect
    actions: WordList
    resources: WordList
    principal: Principal | None
    conditions: tuple[Condition, ...]
    span: Span
    sid_span: Span | None = None


class PolicyDocument(msgspec.Struct, frozen=True):
    """One policy document. `file` is the name to show; `text` the source it was parsed from.

    `single_statement` tells that Statement was one object, not an array (kept so that printing is faithful).
    """

    version: str | None
    id: str | None
    statements: tuple[Statement, ...]
    single_statement: bool
    span: Span
    text: str
    file: str | None = None
    version_span: Span | None = None
