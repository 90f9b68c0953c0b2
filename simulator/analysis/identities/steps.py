"""One step of a chain: who is directly behind a session, by the record that issued it or by its own calls."""

from typing import Final, NamedTuple

from simulator.analysis.identities.model import Confidence, Identity, IdentityKind, Relation
from simulator.analysis.identities.naming import (
    name_of,
    token_holder,
    workload_from_arn,
    workload_of_service,
    workloads,
)
from simulator.cloudtrail.call import is_identity_center_role
from simulator.decision.request import PrincipalKind
from simulator.iam.arn import account_of, is_account_id, is_service_linked_role, split_arn
from simulator.organization.tree import Organization
from simulator.replay.session_names import group_of, is_instance_id
from simulator.replay.tie_folds import Assumption, Use

IDENTITY_CENTER_USER: Final = "Identity Center user"
ANONYMOUS: Final = "anyone, without credentials"


class Step(NamedTuple):
    """Who is behind a session, and why. `why` are words for people."""

    identity: Identity
    relation: Relation
    confidence: Confidence
    why: str


class Steps:
    """Tells the step behind a session. `ours` are accounts that the tree lacks although they are ours."""

    def __init__(self, organization: Organization, ours: frozenset[str]) -> None:
        self._organization = organization
        self._ours = ours
        self._by_name: dict[tuple[str, str, str], Step] = {}

    def principal(self, label: str) -> Identity:
        """The identity of a principal as findings and records name it: a role's, user's or root's ARN."""
        account = account_of(label) or ""
        parts = split_arn(label)
        kind = parts.resource.partition("/")[0] if parts is not None else ""
        if self._is_foreign(account):
            return Identity(IdentityKind.EXTERNAL_ACCOUNT.value, account, label, account, "external account")
        match kind:
            case "user":
                return Identity(IdentityKind.USER.value, name_of(label), label, account, "IAM user")
            case "federated-user":
                return Identity(IdentityKind.USER.value, name_of(label), label, account, "federated user")
            case "root":
                return Identity(IdentityKind.ROOT.value, "root", label, account, "root user")
        return Identity(IdentityKind.ROLE.value, name_of(label), label if parts else "", account, "role")

    def caller(
        self, label: str, kind: str, account: str = "", role: str = "", name: str = "", subject: str = ""
    ) -> Identity:
        """The identity of a caller by its label and kind (`PrincipalKind.value`), as findings and records have them.

        `role`, `name` and `subject` tell of the session that it got, if any: a service takes roles for workloads.
        """
        if kind == PrincipalKind.AWS_SERVICE.value:
            row = workload_of_service(label) if role else None
            return row.identity(role, name, subject) if row is not None else _service(label)
        if kind == PrincipalKind.ANONYMOUS.value:
            return Identity(IdentityKind.CALLER.value, label, "", "", ANONYMOUS)
        if label.startswith("arn:") and kind != PrincipalKind.FEDERATED.value:
            return self.principal(label)
        account = account or (label if is_account_id(label) else "")
        if self._is_foreign(account):
            return Identity(IdentityKind.EXTERNAL_ACCOUNT.value, account, "", account, "external account")
        if kind == PrincipalKind.FEDERATED.value:
            return token_holder(label, "", role)
        return Identity(IdentityKind.CALLER.value, account or label, "", account, "caller known by account only")

    def of_assumption(self, assumption: Assumption) -> Step:
        """Who got the session, as the record says that issued it."""
        role, subject = assumption.role, assumption.subject
        match assumption.how:
            case "AssumeRoleWithSAML":
                detail = IDENTITY_CENTER_USER if is_identity_center_role(role) else "SAML user"
                person = _person(subject or "(no name)", role, detail)
                return _recorded(person, Relation.SIGNS_IN, assumption.how)
            case "AssumeRoleWithWebIdentity":
                holder = token_holder(assumption.provider, subject, role)
                return _recorded(holder, Relation.EXCHANGES_TOKEN, assumption.how)
        relation = {"AssumeRoot": Relation.ASSUMES_ROOT, "GetFederationToken": Relation.FEDERATES}.get(
            assumption.how, Relation.ASSUMES
        )
        caller = self.caller(
            assumption.caller, assumption.caller_kind, assumption.caller_account, role, assumption.name, subject
        )
        return _recorded(caller, relation, assumption.how)

    def of_use(self, role: str, session: str, use: Use) -> Step | None:
        """What the calls of a session say themselves of who makes them, strongest first; `None` for root users.

        `session` is the session's name, or the group of names where several sessions were folded to one.
        """
        return (
            self._written_by_aws(role, session, use)
            or self._only_by_aws(role, session, use)
            or self._source_identity(role, use)
            or self._named(role, session, use)
        )

    # What AWS writes into the records

    def _written_by_aws(self, role: str, session: str, use: Use) -> Step | None:
        if use.issued_to:
            workload = workload_from_arn(use.issued_to, role, session)
            return Step(workload, Relation.RUNS_AS, Confidence.PROVED, "inScopeOf names who holds the credentials")
        if use.delivered and is_instance_id(session):
            row = workload_of_service("ec2.amazonaws.com")
            assert row is not None  # noqa: S101  (a row of the packaged table)
            why = f"EC2 delivered the credentials (ec2RoleDelivery {use.delivered})"
            return Step(row.identity(role, session), Relation.RUNS_AS, Confidence.PROVED, why)
        if use.user_id:
            center = is_identity_center_role(role)
            person = _person(session if center else use.user_id, role, IDENTITY_CENTER_USER)
            return Step(person, Relation.SIGNS_IN, Confidence.PROVED, "onBehalfOf names the user")
        if use.provider:
            holder = token_holder(use.provider, "", role)
            why = "webIdFederationData names the provider; the token's subject is not in the log"
            return Step(holder, Relation.EXCHANGES_TOKEN, Confidence.PROVED, why)
        if use.issuer:
            return Step(
                self.principal(use.issuer), Relation.FEDERATES, Confidence.PROVED, "sessionIssuer names the user"
            )
        return None

    def _only_by_aws(self, role: str, session: str, use: Use) -> Step | None:
        """What nobody but AWS can have made so."""
        if is_identity_center_role(role) and session:
            why = "only Identity Center can assume this role, and it names sessions after users"
            person = _person(session, role, IDENTITY_CENTER_USER)
            return Step(person, Relation.SIGNS_IN, Confidence.MATCHED, why)
        if is_service_linked_role(role):
            service = role.partition(":role/aws-service-role/")[2].partition("/")[0]
            why = "only this service can assume its service-linked role"
            return Step(_service(service), Relation.ASSUMES, Confidence.MATCHED, why)
        if use.invoked_by and use.invoked == use.calls:
            row = workload_of_service(use.invoked_by)
            if row is not None and row.invokes:
                why = f"every call came through {use.invoked_by} (invokedBy)"
                return Step(row.identity(role, session), Relation.RUNS_AS, Confidence.MATCHED, why)
        return None

    def _source_identity(self, role: str, use: Use) -> Step | None:
        if not use.source_identity:
            return None
        person = _person(use.source_identity, role, "source identity")
        why = "sourceIdentity, set by whoever assumed the first role of the chain, names them"
        return Step(person, Relation.SET_AS_SOURCE, Confidence.MATCHED, why)

    # Names, which whoever assumes a role may choose

    def _named(self, role: str, session: str, use: Use) -> Step | None:
        if not session:
            return None
        # Most sessions of a log are told by their name alone, and most of those names fall into few groups.
        key = (role, group_of(session), use.agent)
        if key not in self._by_name:
            self._by_name[key] = _step_by_name(*key)
        return self._by_name[key]

    # Identities

    def _is_foreign(self, account: str) -> bool:
        return bool(account) and self._organization.account(account) is None and account not in self._ours


def _service(name: str) -> Identity:
    return Identity(IdentityKind.SERVICE.value, name, "", "", "AWS service")


def _recorded(identity: Identity, relation: Relation, how: str) -> Step:
    return Step(identity, relation, Confidence.PROVED, f"{how} recorded")


def _person(label: str, role: str, detail: str) -> Identity:
    # One person has one name in Identity Center, whichever account they sign in to.
    account = "" if detail == IDENTITY_CENTER_USER else account_of(role) or ""
    return Identity(IdentityKind.PERSON.value, label, "", account, detail)


def _step_by_name(role: str, group: str, agent: str) -> Step:
    """What the names of a group of sessions and their user agent look like."""
    for row in workloads():
        by_name = row.session is not None and row.session.fullmatch(group) is not None
        by_agent = bool(row.agent) and agent.startswith(row.agent)
        if by_name or by_agent:
            told = " and ".join(["the session's name"] * by_name + ["the user agent"] * by_agent)
            why = f"only by name: {told} looks like {row.detail}"
            return Step(row.identity(role, group), Relation.NAMED_IN, Confidence.NAMED, why)
    if "@" in group and "*" not in group:
        person = _person(group, role, "session named like a person")
        return Step(person, Relation.NAMED_IN, Confidence.NAMED, "only by name: the session is named so")
    sessions = Identity(
        IdentityKind.SESSION_GROUP.value, group, "", account_of(role) or "", f"sessions of {name_of(role)}"
    )
    return Step(
        sessions, Relation.NAMED_IN, Confidence.NAMED, "only by name: the log shows no beginning of the session"
    )
