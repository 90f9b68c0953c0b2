"""What changes for a call between the current and the proposed guardrails."""

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from simulator.decision.verdict import Decision


class Outcome(Enum):
    """The outcomes, gravest first; a record takes the gravest of its checks."""

    NEWLY_DENIED = "newly_denied"
    POSSIBLY_NEWLY_DENIED = "possibly_newly_denied"
    NEWLY_ALLOWED = "newly_allowed"
    ALREADY_DENIED = "already_denied"
    UNCHANGED = "unchanged"
    EXEMPT = "exempt"

    @property
    def gravity(self) -> int:
        """0 for the gravest."""
        return _GRAVITY[self]

    @property
    def is_open(self) -> bool:
        """Whether a finding of this outcome may hang on facts that the log does not show."""
        return self is not Outcome.NEWLY_DENIED

    @property
    def makes_finding(self) -> bool:
        """Whether the outcome is reported by identity and statement."""
        return self not in (Outcome.UNCHANGED, Outcome.EXEMPT)


_GRAVITY = {outcome: number for number, outcome in enumerate(Outcome)}


class StatementPlace(NamedTuple):
    """A determining statement in the organization. An implicit deny names the level that lacks an Allow: no policy.

    `attached_to` is the node's id, `level` its depth (0 is the root), `statement` its position in the policy from 0,
    `text` its content in canonical form (what identifies it where there is no Sid).
    """

    policy_type: str
    policy: str | None
    sid: str | None
    statement: int | None
    attached_to: str
    level: int
    file: str | None
    line: int | None
    text: str


class SideAnswer(NamedTuple):
    """One side's answer under one set of guardrails, with its determining statements resolved.

    `keys` would settle it if it is undecided; `keys_by` are those of each statement of `by`. `fresh`: an undecided
    answer that hangs on something the other set of guardrails does not have.
    """

    decision: Decision
    applies: bool
    by: tuple[StatementPlace, ...] = ()
    keys: tuple[str, ...] = ()
    keys_by: tuple[tuple[str, ...], ...] = ()
    reason: str = ""
    fresh: bool = False

    def found(self) -> Iterator[tuple[StatementPlace, tuple[str, ...]]]:
        """Each determining statement with the keys that would settle it (none for a decided one)."""
        return zip(self.by, self.keys_by or ((),) * len(self.by), strict=True)


class Answer(NamedTuple):
    """Both sides' answers under one set of guardrails."""

    scp: SideAnswer
    rcp: SideAnswer

    @property
    def decision(self) -> Decision:
        """Denied if a side denies, else undecided if one is, else allowed."""
        sides = (self.scp.decision, self.rcp.decision)
        if Decision.DENIED in sides:
            return Decision.DENIED
        return Decision.UNDECIDED if Decision.UNDECIDED in sides else Decision.ALLOWED

    @property
    def exempt(self) -> bool:
        """Whether no guardrail reaches the call."""
        return not self.scp.applies and not self.rcp.applies

    @property
    def deciding(self) -> tuple[SideAnswer, ...]:
        """The sides that made a denied or undecided answer."""
        decision = self.decision
        return () if decision is Decision.ALLOWED else tuple(side for side in self if side.decision is decision)


def outcome_of(current: Answer, proposed: Answer, *, passed: bool) -> Outcome:
    """The outcome of one check. `passed`: the log shows that the call passed authorization.

    `proposed` must already hold what a passed call proves of statements standing in both versions.
    """
    if current.exempt and proposed.exempt:
        return Outcome.EXEMPT
    if current.decision is Decision.DENIED:
        return Outcome.NEWLY_ALLOWED if proposed.decision is Decision.ALLOWED else Outcome.UNCHANGED
    if proposed.decision is Decision.DENIED:
        return Outcome.NEWLY_DENIED if passed else Outcome.ALREADY_DENIED
    if proposed.decision is Decision.UNDECIDED and any(side.fresh for side in proposed.deciding):
        return Outcome.POSSIBLY_NEWLY_DENIED if passed else Outcome.ALREADY_DENIED
    return Outcome.UNCHANGED


def change_of(base: Answer, head: Answer, *, passed: bool, lifted: bool) -> Outcome:
    """The outcome of one check between two proposals. `passed` as above, under the guardrails of the log's time.

    Both answers must already hold what the log proves. `lifted`: those guardrails deny, or may deny, what base does
    not: that the call failed then does not tell that it would fail under base.
    """
    if base.exempt and head.exempt:
        return Outcome.EXEMPT
    if base.decision is Decision.DENIED:
        return Outcome.NEWLY_ALLOWED if head.decision is Decision.ALLOWED else Outcome.UNCHANGED
    if head.decision is Decision.ALLOWED:
        return Outcome.UNCHANGED
    if head.decision is Decision.UNDECIDED and not any(side.fresh for side in head.deciding):
        return Outcome.UNCHANGED
    if not passed:
        return Outcome.POSSIBLY_NEWLY_DENIED if lifted else Outcome.ALREADY_DENIED
    sure = base.decision is Decision.ALLOWED and head.decision is Decision.DENIED
    return Outcome.NEWLY_DENIED if sure else Outcome.POSSIBLY_NEWLY_DENIED
