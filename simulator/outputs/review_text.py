"""The sentences of a review: how two proposals differ, and which findings somebody has agreed to. All come out safe."""

from collections.abc import Iterator
from typing import Final

from simulator.analysis.policy_diff import Change, PolicySize
from simulator.analysis.report import Version
from simulator.analysis.statement_diff import Tells
from simulator.analysis.waivers import Acceptance, Waiver
from simulator.outputs.safe_text import safe_text
from simulator.outputs.wording import name, shorten

_LONGEST: Final = 500
"""Characters of one detail; AWS's policies are not much longer as a whole."""

_KINDS: Final = {
    "policy-added": "is new",
    "policy-removed": "is gone",
    "policy-renamed": "has a new name",
    "policy-edited": "is edited",
    "statement-added": "statement {} added",
    "statement-removed": "statement {} removed",
    "statement-changed": "statement {} changed",
    "attachment-added": "is attached to more",
    "attachment-removed": "is attached to less",
    "attachment-moved": "is attached elsewhere",
    "type-turned-on": "are turned on",
    "type-turned-off": "are turned off",
    "unit-added": "a unit is new",
    "unit-removed": "a unit is gone",
    "account-moved": "an account moves",
}


def version(told: Version) -> str:
    """A version as it was named, with the beginning of its commit."""
    return name(told.name) + (f" ({told.commit[:12]})" if told.commit else "")


def change(told: Change) -> str:
    """A difference in a few words: `SCP regions: statement OnlyEurope changed, tightened`."""
    what = _KINDS[told.kind].format(name(told.statement) if told.statement else "")
    if told.policy_type is not None and told.policy is None:
        what = f"{told.policy_type.name}s {what}"
    elif told.policy_type is not None:
        what = f"{told.policy_type.name} {name(told.policy or '')}{' ' if told.statement is None else ': '}{what}"
    return f"{what}, {told.tells.value}" if told.tells in (Tells.TIGHTENED, Tells.LOOSENED) else what


def details(told: Change) -> list[str]:
    """The sentences behind a difference."""
    return [shorten(safe_text(each), _LONGEST) for each in told.details]


def change_source(told: Change) -> str:
    """`file:line` of a difference; the empty text where it has none."""
    if told.file is None:
        return ""
    return safe_text(told.file) + (f":{told.line}" if told.line is not None else "")


def size(told: PolicySize) -> str:
    """`SCP regions: 812 → 845 of 10,240 characters`."""
    before, after = ("—" if each is None else f"{each:,}" for each in (told.base, told.head))
    figures = after if told.base == told.head else f"{before} → {after}"
    return f"{told.policy_type.name} {name(told.policy)}: {figures} of {told.most:,} characters"


def troubles(acceptance: Acceptance) -> Iterator[str]:
    """Each waiver that has run out or matches nothing."""
    for waiver in acceptance.expired:
        yield f"{_place(waiver)}ran out on {waiver.expires}: {_subject(waiver)} (owner {name(waiver.owner)})"
    for waiver in acceptance.unused:
        yield f"{_place(waiver)}matches no finding: {_subject(waiver)}"


def _subject(waiver: Waiver) -> str:
    return f"{name(waiver.statement)} denying {name(waiver.action)} to {name(waiver.identity)}"


def _place(waiver: Waiver) -> str:
    return f"{safe_text(waiver.file)}:{waiver.line}: " if waiver.file else ""
