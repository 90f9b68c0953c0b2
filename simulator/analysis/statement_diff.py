"""What changes between two versions of a policy's statements, in words, and whether they deny more or less."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from simulator.analysis.reach import Reach, of_conditions, of_lists, pattern_covers, resource_covers, together
from simulator.policy.document import Condition, Effect, PolicyDocument, Statement, WordList

_LISTED: Final = 6
"""Words of a list that are named; the rest is counted."""


class Tells(Enum):
    """What a change means for the calls it concerns: a tightened guardrail stops more of them, a loosened one fewer.

    `CHANGED`: some more and some fewer, or it cannot be told. `SAME`: the same ones.
    """

    TIGHTENED = "tightened"
    LOOSENED = "loosened"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class StatementChange:
    """A statement that is only in one version (`old` or `new` is `None`), or says something else in the other."""

    old: Statement | None
    new: Statement | None
    tells: Tells
    details: tuple[str, ...]

    @property
    def statement(self) -> Statement:
        """The newer of the two."""
        found = self.new or self.old
        assert found is not None  # noqa: S101  (one of the two is always there)
        return found


def statement_name(statement: Statement) -> str:
    """The Sid, or `#` and the position for people, who count from one."""
    return statement.sid or f"#{statement.index + 1}"


def changed_statements(old: PolicyDocument, new: PolicyDocument) -> Iterator[StatementChange]:
    """The statements that differ, in the order of the new version, those that go last. Order alone is no change."""
    pairs = _pairs(old.statements, new.statements)
    before = {id(after): statement for statement, after in pairs}
    for statement in new.statements:
        former = before.get(id(statement))
        if former is None:
            yield StatementChange(None, statement, _alone(statement.effect), (_summary(statement),))
            continue
        change = _changed(former, statement)
        if change is not None:
            yield change
    kept = {id(statement) for statement, _ in pairs}
    for statement in old.statements:
        if id(statement) not in kept:
            yield StatementChange(statement, None, _alone(statement.effect, gone=True), (_summary(statement),))


def share_a_statement(one: PolicyDocument, other: PolicyDocument) -> bool:
    """Whether a statement of one has the Sid of one of the other, or says the same."""
    sids = {each.sid for each in one.statements} & {each.sid for each in other.statements}
    return bool(sids - {None}) or not {*map(_said, one.statements)}.isdisjoint(map(_said, other.statements))


# Which statement has become which


def _pairs(old: Sequence[Statement], new: Sequence[Statement]) -> list[tuple[Statement, Statement]]:
    """Statements that are versions of each other: by Sid, by what they say, else by effect and a common action."""
    rules: tuple[Callable[[Statement, Statement], bool], ...] = (
        lambda one, other: one.sid is not None and one.sid == other.sid,
        lambda one, other: _said(one) == _said(other),
        lambda one, other: None in (one.sid, other.sid) and _related(one, other),
    )
    left, right = list(old), list(new)
    pairs = []
    for alike in rules:
        for one in list(left):
            other = next((each for each in right if alike(one, each)), None)
            if other is not None:
                pairs.append((one, other))
                left.remove(one)
                right.remove(other)
    return pairs


def _related(one: Statement, other: Statement) -> bool:
    same = one.effect is other.effect and one.actions.name == other.actions.name
    return same and not _words(one.actions, lower=True).isdisjoint(_words(other.actions, lower=True))


def _said(statement: Statement) -> Hashable:
    """What a statement says, its Sid left out."""
    return (
        statement.effect,
        statement.actions.name,
        _words(statement.actions, lower=True),
        statement.resources.name,
        _words(statement.resources),
        statement.principal.text if statement.principal else None,
        frozenset(
            (str(each.operator), each.key.value.lower(), frozenset(word.value for word in each.values))
            for each in statement.conditions
        ),
    )


# What has changed


def _changed(old: Statement, new: Statement) -> StatementChange | None:
    details = []
    if old.sid != new.sid:
        details.append(f"renamed from {statement_name(old)}")
    if _said(old) == _said(new):
        return StatementChange(old, new, Tells.SAME, tuple(details)) if details else None
    if old.effect is not new.effect:
        details.append(f"effect {old.effect.value} → {new.effect.value}")
    reaches = []
    if (old.principal and old.principal.text) != (new.principal and new.principal.text):
        details.append("principal changed")
        reaches.append(Reach.OTHER)
    for told, reach in (
        _changed_list(old.actions, new.actions, lower=True),
        _changed_list(old.resources, new.resources, lower=False),
    ):
        if told:
            details.append(told)
            reaches.append(reach)
    for told, reach in _changed_conditions(old, new):
        details.append(told)
        reaches.append(reach)
    tells = Tells.CHANGED if old.effect is not new.effect else _tells(together(reaches), new.effect)
    return StatementChange(old, new, tells, tuple(details))


def _changed_list(old: WordList, new: WordList, *, lower: bool) -> tuple[str, Reach]:
    what = new.name
    if old.name != new.name:
        return f"{old.name} → {new.name}", Reach.OTHER
    before, after = _words(old, lower=lower), _words(new, lower=lower)
    if before == after:
        return "", Reach.SAME
    reach = of_lists(sorted(before), sorted(after), pattern_covers if lower else resource_covers)
    if new.negated:
        reach = reach.inverse
    gained = [word.value for word in new.words if (word.value.lower() if lower else word.value) not in before]
    lost = [word.value for word in old.words if (word.value.lower() if lower else word.value) not in after]
    told = f"{what} {_REACHES[reach]}"
    return f"{told}: {'; '.join(_gained_and_lost(gained, lost))}", reach


_REACHES: Final = {Reach.SAME: "rewritten", Reach.WIDER: "widened", Reach.NARROWER: "narrowed", Reach.OTHER: "changed"}


def _changed_conditions(old: Statement, new: Statement) -> Iterator[tuple[str, Reach]]:
    """Each condition that differs; the fewer conditions, the more a statement matches."""
    left = [each for each in old.conditions if _sign(each) not in set(map(_sign, new.conditions))]
    right = [each for each in new.conditions if _sign(each) not in set(map(_sign, old.conditions))]
    for alike in (_same_operator, _same_key):
        for one in list(left):
            others = [each for each in right if alike(one, each)]
            if len(others) != 1 or sum(alike(each, others[0]) for each in left) != 1:
                continue
            left.remove(one)
            right.remove(others[0])
            yield _changed_condition(one, others[0], new.effect)
    for each in right:
        yield f"condition added ({_tells(Reach.NARROWER, new.effect).value}): {_condition(each)}", Reach.NARROWER
    for each in left:
        yield f"condition removed ({_tells(Reach.WIDER, new.effect).value}): {_condition(each)}", Reach.WIDER


def _changed_condition(old: Condition, new: Condition, effect: Effect) -> tuple[str, Reach]:
    reach = of_conditions(old, new)
    if str(old.operator) != str(new.operator):
        what = f"{_condition(old)} → {_condition(new)}"
    else:
        before, after = ({word.value for word in each.values} for each in (old, new))
        gained = [word.value for word in new.values if word.value not in before]
        lost = [word.value for word in old.values if word.value not in after]
        what = f"{new.operator} {new.key.value}: {'; '.join(_gained_and_lost(gained, lost))}"
    return f"condition {_tells(reach, effect).value}: {what}", reach


def _sign(condition: Condition) -> tuple[str, str, frozenset[str]]:
    return str(condition.operator), condition.key.value.lower(), frozenset(word.value for word in condition.values)


def _same_operator(one: Condition, other: Condition) -> bool:
    return _sign(one)[:2] == _sign(other)[:2]


def _same_key(one: Condition, other: Condition) -> bool:
    return one.key.value.lower() == other.key.value.lower()


def _tells(reach: Reach, effect: Effect) -> Tells:
    """A Deny that matches more stops more; an Allow that matches more stops less."""
    if reach is Reach.SAME:
        return Tells.SAME
    if reach is Reach.OTHER:
        return Tells.CHANGED
    return Tells.TIGHTENED if (reach is Reach.WIDER) is (effect is Effect.DENY) else Tells.LOOSENED


def _alone(effect: Effect, *, gone: bool = False) -> Tells:
    """A statement that comes, or goes."""
    return _tells(Reach.NARROWER if gone else Reach.WIDER, effect)


# Words


def _words(words: WordList, *, lower: bool = False) -> frozenset[str]:
    return frozenset(word.value.lower() if lower else word.value for word in words.words)


def _gained_and_lost(gained: Sequence[str], lost: Sequence[str]) -> list[str]:
    rows = (("added", gained), ("removed", lost))
    return [f"{verb} {_listed(words)}" for verb, words in rows if words] or ["only the way it is written"]


def _listed(words: Sequence[str]) -> str:
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return ", ".join(words[:_LISTED]) + more


def _condition(condition: Condition) -> str:
    return f"{condition.operator} {condition.key.value} [{_listed([word.value for word in condition.values])}]"


def _summary(statement: Statement) -> str:
    """A statement in a line."""
    text = f"{statement.effect.value} {_element(statement.actions)}"
    if statement.resources.negated or [word.value for word in statement.resources.words] != ["*"]:
        text += f" on {_element(statement.resources)}"
    if statement.conditions:
        text += " if " + " and ".join(map(_condition, statement.conditions))
    return text


def _element(words: WordList) -> str:
    return f"{'all but ' if words.negated else ''}{_listed([word.value for word in words.words])}"
