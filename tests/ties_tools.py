"""Records that issue and use sessions, written short, and the fold and trees they give."""

from dataclasses import dataclass, field

from simulator.analysis.identities.linker import identities_of
from simulator.replay.impact import FindingKey, Impact
from simulator.replay.outcome import Outcome, StatementPlace
from simulator.replay.ties import Ties
from tests.replay_tools import record, role
from tests.unit.replay.world import parsed

DENY = StatementPlace("SERVICE_CONTROL_POLICY", "p", "No", 0, "r-test", 0, None, None, "{}")
OTHER = StatementPlace("SERVICE_CONTROL_POLICY", "q", "Never", 0, "r-test", 0, None, None, "{1}")


@dataclass(frozen=True)
class Touched:
    """A finding that a call stands in."""

    key: FindingKey


@dataclass(frozen=True)
class Judged:
    """What the replay found out about a record."""

    outcome: Outcome = Outcome.UNCHANGED
    findings: tuple = field(default=())


def judged(*places, outcome=Outcome.NEWLY_DENIED):
    """A judgement by some statements; none: nothing changes."""
    if not places:
        return Judged()
    return Judged(outcome, tuple(Touched(FindingKey(outcome, "", "role", None, "s3:X", each)) for each in places))


def arn(account, name):
    """A role's ARN; `name` may hold a path."""
    return f"arn:aws:iam::{account}:role/{name}"


def assume(who, target, key, *, session="session", at="10:00:00", event="AssumeRole", answer=None, **more):
    """A record that issues a session of the role `target` (its ARN) with the access key `key` (`None`: not told)."""
    parameters = {"roleArn": target, "roleSessionName": session, **more.pop("parameters", {})}
    credentials = {"credentials": {"accessKeyId": key}} if key else {}
    return record(
        "sts",
        event,
        who,
        parameters=parameters,
        responseElements={**credentials, **(answer or {})},
        eventTime=at if "T" in at else f"2026-09-01T{at}Z",
        recipient=target.split(":")[4],
        **more,
    )


def session_of(target, key, *, session="session", created="2026-09-01T10:00:00Z", context=None, **identity):
    """The `userIdentity` of a session of the role `target` (its ARN)."""
    who = role(target.split(":")[4], target.partition(":role/")[2], session, **identity)
    who["accessKeyId"] = key
    if key is None:
        del who["accessKeyId"]
    attributes = {"creationDate": created, "mfaAuthenticated": "false"} if created else {}
    who["sessionContext"] = {**who["sessionContext"], "attributes": attributes, **(context or {})}
    return who


def call(who, *, at="10:05:00", name="GetObject", source="s3", **more):
    """A call."""
    return record(source, name, who, eventTime=at if "T" in at else f"2026-09-01T{at}Z", **more)


def folded(records, ties=None):
    """The fold of records; `(record, judgement)` for those that something denies."""
    ties = Ties() if ties is None else ties
    for each in records:
        text, found = each if isinstance(each, tuple) else (each, Judged())
        ties.look(parsed(text), found)
    return ties


def linked(records, organization, ties=None, stale=()):
    """The identities that records give."""
    impact = Impact()
    impact.ties = folded(records, ties)
    for account in stale:
        impact.stale_accounts.add(account)
    return identities_of(impact, organization)


def told(trees):
    """Trees as texts: `proved signs_in person:mira 2/1 < ...`: calls and newly denied ones, then who is behind."""
    lines = []
    for tree in trees:
        line = f"{tree.confidence.value} {tree.relation.value} {tree.identity.kind}:{tree.identity.label}"
        line += f" {tree.calls}/{tree.denied}"
        behind = told(tree.behind)
        lines += [f"{line} < {each}" for each in behind] or [line]
    return lines
