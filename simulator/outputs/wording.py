"""The report's sentences, shared by the formats that people read. Texts from logs and policies come out safe."""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from typing import Final

from simulator.analysis.findings import Finding, FindingPrincipal
from simulator.analysis.report import Report
from simulator.analysis.waivers import WAIVABLE, reference
from simulator.organization.tree import Organization
from simulator.outputs.safe_text import safe_text
from simulator.policy.document import PolicyType
from simulator.replay.impact import Impact
from simulator.replay.outcome import Outcome, StatementPlace

_NAME_LIMIT: Final = 80
"""Columns for one name from a log; AWS's own names are shorter, hostile ones are cut in the middle."""

_PIECES: Final = re.compile(r"[^/]+/?|/")

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")

_KINDS: Final = {
    "role": "role",
    "user": "user",
    "root": "root user",
    "federated-user": "federated user",
    "aws-service": "service",
    "federated": "federated identity",
    "account": "account",
    "identity-center": "Identity Center user",
}
"""Principal types as people call them; a caller of another type is an unknown one."""

OUTCOMES: Final = {
    Outcome.NEWLY_DENIED: "would be denied",
    Outcome.POSSIBLY_NEWLY_DENIED: "may be denied",
    Outcome.NEWLY_ALLOWED: "would be allowed",
    Outcome.ALREADY_DENIED: "already denied",
    Outcome.UNCHANGED: "unchanged",
    Outcome.EXEMPT: "exempt",
}
"""The outcomes as people call them."""

_FACTS: Final = {
    "resource": "which resource was called",
    "resource_account": "which account owns the resource, and where it stands in the organization",
    "principal": "who called, and where its account stands in the organization",
    "organization": "the part of the organization that the snapshot lacks",
    "action": "whether AWS checked this action for the call at all",
    "other_policies": "whether other policies let the call pass, which failed under today's guardrails",
}
"""What settles a finding and is not a condition key."""

_VERBS: Final = {
    Outcome.NEWLY_DENIED: "would be denied",
    Outcome.POSSIBLY_NEWLY_DENIED: "may be denied",
    Outcome.NEWLY_ALLOWED: "would be allowed",
    Outcome.ALREADY_DENIED: "failed authorization in the log anyway and would be denied, or may be,",
}
"""What happens to a caller in each outcome that makes findings."""


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "identity", "identities"), plural(1200, "call")
    ('1 identity', '1,200 calls')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` (10 or more) characters, cut in the middle; what stands behind the last `/` survives.

    >>> shorten("arn:aws:iam::111122223333:role/a/very/long/path/deployer", 44)
    'arn:aws:iam::111122223333:role/a/v…/deployer'
    """
    if len(text) <= limit:
        return text
    last = len(text) - text.rfind("/")
    tail = last if last <= limit * 2 // 3 else limit // 2
    return f"{text[: limit - tail - 1]}…{text[len(text) - tail :]}"


def arn_lines(arn: str, width: int) -> list[str]:
    """A safe ARN in lines of at most `width` columns, broken after `/` where that keeps its names whole."""
    lines = [""]
    for piece in _PIECES.findall(shorten(safe_text(arn), 3 * width)):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def name(text: str) -> str:
    """A name from a log or policy, safe and not too long."""
    return shorten(safe_text(text), _NAME_LIMIT)


def identity(principal: FindingPrincipal) -> str:
    """The identity in a few words: `role deployer`, `service lambda.amazonaws.com`.

    An ARN is called by its last part. `arn` repeats the type or the account where the log has lost the name.
    """
    kind = _KINDS.get(principal.type, "caller")
    if principal.type == "anonymous":
        return "anonymous callers"
    if principal.type == "root":
        return kind
    if principal.arn in ("", principal.type, principal.account) and principal.type != "account":
        return f"{kind} of unknown name"
    is_arn = principal.arn.startswith("arn:")
    return f"{kind} {name(principal.arn.rpartition('/')[2] if is_arn else principal.arn)}"


def who_and_where(principal: FindingPrincipal, organization: Organization, stale: Container[str] = ()) -> str:
    """The identity with its account and place: `role deployer in shop (111122223333), Workloads/Prod`."""
    return " in ".join(who_lines(principal, organization, stale))


def who_lines(principal: FindingPrincipal, organization: Organization, stale: Container[str] = ()) -> tuple[str, ...]:
    """The same as lines: the identity, and its account and place where it has them."""
    where = home(principal, organization, stale)
    if principal.type == "account" and principal.arn == principal.account:
        return (where,)
    return (identity(principal), where) if where else (identity(principal),)


def home(principal: FindingPrincipal, organization: Organization, stale: Container[str] = ()) -> str:
    """The account of an identity and its place in the tree; the empty text where it has none.

    `stale`: accounts that are ours but missing from the snapshot.
    """
    account = principal.account
    if account is None:
        return ""
    if organization.account(account) is None:
        what = "account {}, missing from the snapshot" if account in stale else "external account {}"
        return what.format(safe_text(account))
    named = principal.account_name and principal.account_name != account
    label = f"{name(principal.account_name)} ({safe_text(account)})" if named else f"account {safe_text(account)}"
    return f"{label}, {safe_text(principal.ou_path)}" if principal.ou_path else label


def statement(place: StatementPlace, attached_name: str, organization: Organization) -> str:
    """The statement: Sid (or position), policy, and where it is attached; or which level lacks an Allow."""
    kind = PolicyType(place.policy_type).name
    known = place.attached_to in organization.nodes
    where = safe_text(organization.full_path(place.attached_to) if known else attached_name)
    if place.policy is None:
        return f"no {kind} on {where} allows it"
    # People count from one.
    which = name(place.sid) if place.sid else f"statement {(place.statement or 0) + 1}"
    return f"{which} of {kind} {name(place.policy)} on {where}"


def sentence(finding: Finding, report: Report) -> str:
    """A finding in one sentence: who would lose what, by which statement, how often and when, and what is open."""
    who = who_and_where(finding.principal, report.organization, report.impact.stale_accounts.counts)
    by = statement(finding.place, finding.attached_name, report.organization)
    denied = finding.place.policy is not None
    match finding.outcome:
        case Outcome.NEWLY_ALLOWED:
            why = f", {now(report)} denied by {by}" if denied else f"; {now(report)} {by}"
        case _:
            why = f" by {by}" if denied else f": {by}"
    times = ", ".join(filter(None, (plural(finding.calls, "call"), window(finding.first_seen, finding.last_seen))))
    told = f"{who} {_VERBS[finding.outcome]} {name(finding.action)}{why} ({times})"
    if finding.settled_by:
        told += f"; settled by {'; '.join(map(settles, finding.settled_by))}"
    agreed = mark(report, finding)
    return f"{told}; {agreed}" if agreed else told


def mark(report: Report, finding: Finding) -> str:
    """What was agreed of a finding: `waived until 2026-12-31 by ada`, `known`, or nothing."""
    acceptance = report.acceptance
    if acceptance is None:
        return ""
    ref = reference(finding)
    if ref in acceptance.waived:
        waiver = acceptance.waived[ref]
        return f"waived until {waiver.expires} by {name(waiver.owner)}"
    if acceptance.known and ref in acceptance.known:
        return "known"
    if ref in acceptance.lapsed:
        return f"its waiver ran out on {acceptance.lapsed[ref].expires}"
    return ""


def source(place: StatementPlace) -> str:
    """`file:line` of the statement; the empty text where it has none."""
    if place.file is None:
        return ""
    return safe_text(place.file) + (f":{place.line}" if place.line is not None else "")


def settles(key: str) -> str:
    """What would settle an undecided finding: a condition key, or a fact in words."""
    return _FACTS.get(key) or name(key)


def actions(findings: Iterable[Finding]) -> str:
    """How many actions, by access category: `3 actions (2 Write, 1 Read)`; empty without findings."""
    categories = Counter(access for _, access in {(each.action, each.access) for each in findings})
    by_category = sorted(categories.items(), key=lambda each: (-each[1], each[0]))
    listed = ", ".join(f"{count:,} {name(access)}" for access, count in by_category)
    return f"{plural(categories.total(), 'action')} ({listed})" if listed else ""


def window(first: str, last: str) -> str:
    """From the first to the last day: `2026-01-02 to 2026-03-04`, or the one day; empty if no time is known."""
    days = [each[:10] if _DATE.match(each) else name(each) for each in (first, last) if each]
    return " to ".join(dict.fromkeys(days))


def identities(findings: Iterable[Finding], outcome: Outcome) -> int:
    """How many identities have findings of an outcome."""
    return len({each.principal for each in findings if each.outcome is outcome})


def now(report: Report) -> str:
    """What the proposal is compared with, in a word."""
    return "today" if report.comparison is None else "in base"


def headline(report: Report) -> tuple[str, ...]:
    """What a manager needs to know, a few sentences, the main one first.

    It never says that a proposal is safe: where nothing is denied it says what was judged.
    """
    impact = report.impact
    if not impact.read:
        sentences = ["No CloudTrail record was read, so nothing can be said about this proposal."]
    elif not impact.mapped:
        read = plural(impact.read, "record")
        sentences = [f"None of the {read} read could be judged, so nothing can be said about this proposal."]
    else:
        sentences = _judged(report)
    sentences += _agreement(report)
    if report.lockouts:
        sentences.append(f"{plural(len(report.lockouts), 'lock-out warning')}, whatever the log says.")
    if impact.drift:
        calls = plural(impact.drift, "call")
        sentences.append(f"{calls} passed that today's guardrails deny: the snapshot does not fit the log.")
    return tuple(sentences)


def _judged(report: Report) -> list[str]:
    impact = report.impact
    denied, possible = impact.outcomes[Outcome.NEWLY_DENIED], impact.outcomes[Outcome.POSSIBLY_NEWLY_DENIED]
    allowed = impact.outcomes[Outcome.NEWLY_ALLOWED]
    sentences = []
    if denied:
        who = plural(identities(report.findings, Outcome.NEWLY_DENIED), "identity", "identities")
        more = f"; {plural(possible, 'more call')} may be denied" if possible else ""
        against = "" if report.comparison is None else " that base allows"
        sentences.append(f"{who} would lose {plural(denied, 'call')} of this log{against}{more}.")
    elif possible:
        sentences.append(f"No call in this log would surely be newly denied, but {plural(possible, 'call')} may be.")
    else:
        sentences.append("No call in this log would be newly denied.")
    if allowed:
        theirs = "today's guardrails deny" if report.comparison is None else "base denies"
        sentences.append(f"{plural(allowed, 'call')} that {theirs} would be allowed.")
    if not denied or impact.unmapped:
        sentences.append(_what_was_judged(impact))
    return sentences


def _agreement(report: Report) -> Iterator[str]:
    """Sentences on the findings agreed to and on waivers that have run out or match nothing."""
    acceptance = report.acceptance
    if acceptance is None:
        return
    findings = [each for each in report.findings if each.outcome in WAIVABLE]
    left = sum(not acceptance.accepts(each) for each in findings)
    parts = []
    if acceptance.waivers:
        parts.append(f"{len(acceptance.waived):,} waived")
    if acceptance.known is not None:
        only = len(acceptance.known - acceptance.waived.keys())
        parts.append(f"{only:,} known")
    yield f"Of {plural(len(findings), 'finding')} {', '.join([*parts, f'{left:,} not agreed to'])}."
    if acceptance.expired:
        yield f"{plural(len(acceptance.expired), 'waiver has', 'waivers have')} run out."
    if acceptance.unused:
        yield f"{plural(len(acceptance.unused), 'waiver matches', 'waivers match')} no finding."


def _what_was_judged(impact: Impact) -> str:
    days = window(impact.first_time, impact.last_time)
    judged = f"{plural(impact.mapped, 'call')} judged" + (f", of {days}" if days else "")
    if impact.unmapped:
        return f"{judged}; {plural(impact.unmapped, 'record')} could not be judged."
    return f"{judged}."
