"""Findings that somebody has agreed to: waivers, which run out, and what an earlier report knew already."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from simulator.analysis.findings import Finding
from simulator.iam.pattern import Matcher, glob_pieces, matcher
from simulator.replay.outcome import Outcome, StatementPlace

WAIVABLE = (Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED)
"""What can fail a run, and so can be agreed to."""


@dataclass(frozen=True, slots=True)
class FindingRef:
    """What a finding is known by from run to run: the same call, from possibly to surely denied, is something new."""

    id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody answers for some findings until the end of the day `expires` (UTC).

    `identity` and `action` are patterns with `*` and `?`; the action's case does not matter. `statement` is a Sid,
    `policy:Sid`, `policy:#2` (the second statement) or `no-allow:node`. `line` from 1.
    """

    identity: str
    action: str
    statement: str
    reason: str
    owner: str
    expires: date
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Which findings are agreed to, and what there is to say of the waivers.

    `waived`: the waiver of each finding that has a valid one. `lapsed`: the expired waiver of each finding that only
    such a one matches. `known`: findings that the baseline had too; `None` where no baseline was given. `unused`:
    valid waivers that match nothing. `expired`: all that have run out, whether they match or not.
    """

    waivers: tuple[Waiver, ...] = ()
    waived: Mapping[FindingRef, Waiver] = field(default_factory=dict)
    lapsed: Mapping[FindingRef, Waiver] = field(default_factory=dict)
    known: frozenset[FindingRef] | None = None
    unused: tuple[Waiver, ...] = ()
    expired: tuple[Waiver, ...] = ()

    def state(self, waiver: Waiver) -> str:
        """`used`, `unused` or `expired`."""
        return "expired" if waiver in self.expired else "unused" if waiver in self.unused else "used"

    def accepts(self, finding: Finding) -> bool:
        """Whether the finding does not fail the run."""
        ref = reference(finding)
        return ref in self.waived or (self.known is not None and ref in self.known)


def reference(finding: Finding) -> FindingRef:
    """What the finding is known by."""
    return FindingRef(finding.id, finding.outcome)


def selectors(place: StatementPlace) -> tuple[str, ...]:
    """What a waiver may call a statement, the most precise first."""
    if place.policy is None:
        return (f"no-allow:{place.attached_to}",)
    if place.sid:
        return f"{place.policy}:{place.sid}", place.sid
    return (f"{place.policy}:#{(place.statement or 0) + 1}",)


def accept(
    findings: Iterable[Finding],
    waivers: Sequence[Waiver],
    baseline: Iterable[FindingRef] | None,
    today: date,
) -> Acceptance:
    """Sort findings into those agreed to and the others. `baseline`: what an earlier report found."""
    by_statement: dict[str, list[tuple[int, Callable[[Finding], bool]]]] = {}
    for number, waiver in enumerate(waivers):
        by_statement.setdefault(waiver.statement, []).append((number, _matches(waiver)))
    earlier = None if baseline is None else set(baseline)
    waived: dict[FindingRef, Waiver] = {}
    lapsed: dict[FindingRef, Waiver] = {}
    known: set[FindingRef] = set()
    used: set[int] = set()
    for finding in findings:
        if finding.outcome not in WAIVABLE:
            continue
        ref = reference(finding)
        as_grave = {FindingRef(finding.id, each) for each in WAIVABLE if each.gravity <= finding.outcome.gravity}
        if earlier is not None and not earlier.isdisjoint(as_grave):
            known.add(ref)
        numbers = sorted(
            number
            for selector in selectors(finding.place)
            for number, matches in by_statement.get(selector, ())
            if matches(finding)
        )
        valid = [number for number in numbers if waivers[number].expires >= today]
        used.update(numbers)
        if valid:
            waived[ref] = waivers[valid[0]]
        elif numbers:
            lapsed[ref] = waivers[numbers[0]]
    expired = tuple(each for each in waivers if each.expires < today)
    unused = tuple(each for number, each in enumerate(waivers) if number not in used and each.expires >= today)
    return Acceptance(tuple(waivers), waived, lapsed, None if earlier is None else frozenset(known), unused, expired)


def waiver_for(finding_identity: str, action: str, selector: str, reason: str, owner: str, expires: date) -> Waiver:
    """The narrowest waiver of one finding: wildcards that its texts happen to hold stand for one character."""
    identity, exact_action = (text.replace("*", "?") for text in (finding_identity, action))
    return Waiver(identity, exact_action, selector, reason, owner, expires)


def _matches(waiver: Waiver) -> Callable[[Finding], bool]:
    identity: Matcher = matcher(glob_pieces(waiver.identity))
    action: Matcher = matcher(glob_pieces(waiver.action.lower()))
    return lambda finding: identity(finding.principal.arn) and action(finding.action.lower())
