"""The answer to a request: allowed, denied or undecided, who decided it, and what would settle it."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import msgspec

from simulator.policy.document import PolicyType


class Decision(Enum):
    """The answer for a request. Guardrails never grant: `ALLOWED` means "not denied by an SCP or RCP"."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNDECIDED = "undecided"


class SideResult(Enum):
    """What one side (the SCPs of the caller, or the RCPs of the resource owner) says."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicit-deny"
    IMPLICIT_DENY = "implicit-deny"
    UNDECIDED = "undecided"
    NOT_APPLICABLE = "not-applicable"

    @property
    def denies(self) -> bool:
        """Whether this side denies, explicitly or for want of an Allow."""
        return self in (SideResult.EXPLICIT_DENY, SideResult.IMPLICIT_DENY)


class StatementRef(msgspec.Struct, frozen=True):
    """Where a determining statement stands: level from the root (0), policy and statement from 0.

    An implicit deny names the first level without an Allow: `policy`, `statement` and `sid` are then `None`.
    """

    side: PolicyType
    level: int
    policy: int | None = None
    statement: int | None = None
    sid: str | None = None


class SideVerdict(msgspec.Struct, frozen=True):
    """One side's answer. `keys`: what would settle it if undecided (context keys in lower case, `resource`,
    `resource_account`, `principal`), sorted; `keys_by` the same for each statement of `by`. `reason`: why the side
    does not apply, a kebab-case id.
    """

    result: SideResult
    by: tuple[StatementRef, ...] = ()
    keys: tuple[str, ...] = ()
    reason: str = ""
    keys_by: tuple[tuple[str, ...], ...] = ()


NO_SIDE: Final = SideVerdict(SideResult.NOT_APPLICABLE, reason="not-given")
ALLOWED_SIDE: Final = SideVerdict(SideResult.ALLOWED)


def not_applicable(reason: str) -> SideVerdict:
    """A side that does not reach the request, with the reason kept."""
    return SideVerdict(SideResult.NOT_APPLICABLE, reason=reason)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Both sides' answers; `decision`, `by` and `keys` follow from them."""

    scp: SideVerdict = NO_SIDE
    rcp: SideVerdict = NO_SIDE
    decision: Decision = field(init=False)

    def __post_init__(self) -> None:
        sides = (self.scp.result, self.rcp.result)
        if any(side.denies for side in sides):
            decision = Decision.DENIED
        elif SideResult.UNDECIDED in sides:
            decision = Decision.UNDECIDED
        else:
            decision = Decision.ALLOWED
        object.__setattr__(self, "decision", decision)

    @property
    def exempt(self) -> bool:
        """Whether no guardrail reaches the request at all."""
        return self.scp.result is self.rcp.result is SideResult.NOT_APPLICABLE

    @property
    def deciding(self) -> tuple[SideVerdict, ...]:
        """The sides that made the decision."""
        if self.decision is Decision.DENIED:
            return tuple(side for side in (self.scp, self.rcp) if side.result.denies)
        if self.decision is Decision.UNDECIDED:
            return tuple(side for side in (self.scp, self.rcp) if side.result is SideResult.UNDECIDED)
        return ()

    @property
    def by(self) -> tuple[StatementRef, ...]:
        """The statements that determine a denial, or leave the verdict undecided; SCPs first."""
        return tuple(ref for side in self.deciding for ref in side.by)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that would settle an undecided verdict, sorted; empty for a decided one."""
        if self.decision is not Decision.UNDECIDED:
            return ()
        return tuple(sorted({key for side in self.deciding for key in side.keys}))
