"""What is known of who is behind whom: identities, links with their evidence, and the tree behind a principal.

Plain immutable values for outputs to render. Every text in an `Identity` or an `Evidence` may come from the log
(session names, subjects of tokens): outputs must treat all of them as hostile.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from simulator.replay.outcome import StatementPlace


class IdentityKind(Enum):
    """What an identity is. Only the last four are IAM principals; a `session_group` is what names alone tell apart."""

    PERSON = "person"
    PIPELINE = "pipeline"
    WORKLOAD = "workload"
    TOKEN_HOLDER = "token_holder"  # noqa: S105 an OpenID Connect subject: the log does not tell a person from a machine
    SERVICE = "service"
    EXTERNAL_ACCOUNT = "external_account"
    SESSION_GROUP = "session_group"
    USER = "user"
    ROOT = "root"
    ROLE = "role"
    CALLER = "caller"  # somebody in an account of ours, of whom the log shows no more

    @property
    def ultimate(self) -> bool:
        """Whether this is who acts in the end, and not only what somebody acts through."""
        return self not in (IdentityKind.ROLE, IdentityKind.SESSION_GROUP)


class Confidence(Enum):
    """How sure a link is, strongest first. Of a chain the weakest step counts.

    `proved`: AWS wrote both ends down. One record names them (an AssumeRole that succeeded names caller and role,
    `inScopeOf` names the function), or one record issued the access key that the other was signed with.
    `matched`: no credentials tie the ends, but role, session name and time agree with the record that issued the
    session, AWS alone can have written the name (sessions of Identity Center roles, `invokedBy`), or `sourceIdentity`,
    which is kept along role chains, names them.
    `possible`: each step of the chain happened, but no session shows that they happened together.
    `named`: only a name that the caller may choose (session name, user agent) says so. Whoever shows such a link
    must say that it rests on a name.
    """

    PROVED = "proved"
    MATCHED = "matched"
    POSSIBLE = "possible"
    NAMED = "named"

    @property
    def weakness(self) -> int:
        """0 for the strongest."""
        return _WEAKNESS[self]


_WEAKNESS: Final = {confidence: number for number, confidence in enumerate(Confidence)}


def weakest(*steps: Confidence) -> Confidence:
    """The confidence of a chain of steps; a chain of none is proved."""
    return max(steps, key=lambda each: each.weakness, default=Confidence.PROVED)


class Relation(Enum):
    """How the start of a link comes to act as its end."""

    ASSUMES = "assumes"  # sts:AssumeRole
    SIGNS_IN = "signs_in"  # sts:AssumeRoleWithSAML, and Identity Center users
    EXCHANGES_TOKEN = "exchanges_token"  # noqa: S105 sts:AssumeRoleWithWebIdentity
    ASSUMES_ROOT = "assumes_root"  # sts:AssumeRoot
    FEDERATES = "federates"  # sts:GetFederationToken
    RUNS_AS = "runs_as"  # a workload whose credentials AWS delivers, seen by the calls themselves
    SET_AS_SOURCE = "set_as_source"  # `sourceIdentity` of the session names it
    NAMED_IN = "named_in"  # a session group: nothing but the session's name is known


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Somebody or something that acts.

    `label` is what people call it (`mira@example.com`, `octo-org/octo-repo`, `invoice-mailer`, the role's ARN);
    `arn` is empty where it has none; `account` is twelve digits or empty; `detail` says in words what it is
    (`GitHub Actions`, `Lambda function`, `Identity Center user`), empty for plain IAM principals.
    """

    kind: str
    label: str
    arn: str = ""
    account: str = ""
    detail: str = ""

    @property
    def identity_kind(self) -> IdentityKind:
        """`kind` as the enum; the field is a text so that identities sort and serialise as they are."""
        return IdentityKind(self.kind)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason for a link. `what` are words for people; `count` is how often it was seen, `event_ids` a few."""

    what: str
    count: int
    event_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """`start` acted as `end`. A link stands for itself: that two links follow one another proves no chain.

    `count` is the number of records that made the link (sessions issued) or, where no such record was seen, of
    sessions; `calls` those made by `end` in sessions that are known to be `start`'s, a lower bound.
    """

    start: Identity
    end: Identity
    relation: Relation
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    count: int
    calls: int
    first_seen: str
    last_seen: str


@dataclass(frozen=True, slots=True)
class Behind:
    """One identity behind a principal, and who is behind that: a tree whose paths are chains of sessions.

    All counts are of the *principal's* sessions and calls that came this way: `denied` (newly) and `undecided`
    (possibly newly denied) are part of `calls`. `confidence` is the weakest of all steps from here to the principal.
    `denied_by` are the statements that newly deny some of these calls, `undecided_by` those that may, with the calls.
    """

    identity: Identity
    relation: Relation
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    sessions: int
    calls: int
    denied: int
    undecided: int
    first_seen: str
    last_seen: str
    denied_by: tuple[tuple[StatementPlace, int], ...] = ()
    behind: tuple["Behind", ...] = ()
    undecided_by: tuple[tuple[StatementPlace, int], ...] = ()

    def walk(self) -> Iterator["Behind"]:
        """This one and all that are behind it, nearest first."""
        yield self
        for each in self.behind:
            yield from each.walk()


@dataclass(frozen=True, slots=True)
class LostCalls:
    """Calls of one name made in lost sessions; `event` is CloudTrail's name (`s3:GetObject`), not the IAM action."""

    event: str
    calls: int


@dataclass(frozen=True, slots=True)
class Lost:
    """What is lost with newly denied AssumeRole calls: the sessions they issued, and all that those did.

    Counted apart: none of this is in the newly denied calls of the report. `by` are the statements that deny the
    AssumeRole; `assumptions` the denied AssumeRole calls, `sessions` those of them whose session was seen at work
    (with sessions that these went on to assume), `calls` their calls that are not newly denied themselves.
    `complete` is false where the bounds of memory were met: the numbers are then the least there are.
    """

    caller: Identity
    role: Identity
    by: tuple[StatementPlace, ...]
    assumptions: int
    sessions: int
    calls: int
    events: tuple[LostCalls, ...]
    further: tuple[Identity, ...]
    first_seen: str
    last_seen: str
    confidence: Confidence
    complete: bool


@dataclass(frozen=True, slots=True)
class Identities:
    """All that the log tells of who is behind whom.

    `behind` maps a principal as findings name it (`FindingPrincipal.arn`: role with path, root, federated user) to
    the trees behind it, most denied calls first. `truncated` names what was cut to keep memory bounded.
    """

    links: tuple[Link, ...] = ()
    behind: Mapping[str, tuple[Behind, ...]] = field(default_factory=lambda: MappingProxyType({}))
    lost: tuple[Lost, ...] = ()
    truncated: tuple[str, ...] = ()

    def of(self, principal: str) -> tuple[Behind, ...]:
        """The trees behind a principal; empty where nothing is known."""
        return self.behind.get(principal, ())

    def ultimate(self, principal: str) -> tuple[Behind, ...]:
        """Who acts in the end: people, pipelines, workloads and other ends of the trees, most denied calls first."""
        found = [
            each
            for tree in self.of(principal)
            for each in tree.walk()
            if each.identity.identity_kind.ultimate or not each.behind
        ]
        return tuple(sorted(found, key=order_of_behind))


def order_of_behind(behind: Behind) -> tuple[int, int, int, int, Identity, str]:
    """A total order for readers: most newly denied, then undecided, then other calls; what is surest first."""
    weakness = behind.confidence.weakness
    return (-behind.denied, -behind.undecided, -behind.calls, weakness, behind.identity, behind.relation.value)
