"""Who acts through the principals of the impact graph, and what is lost with a denied AssumeRole.

    identity   -assumes, signs_in, ...->  principal or role   for each step of each chain (`Relation`)
    caller     -acts_in->                 session_group       sessions lost with a newly denied AssumeRole
    session_group -acts_as->              role
    statement  -takes_away->              session_group       sessions, calls, complete
    session_group -loses->                event               calls that are denied only because the session is gone

An edge of a chain names the `principal` at its end and its `confidence` (the weakest step up to there): only edges of
one principal make a chain; their `calls`, `denied` and `undecided` are that principal's. `why` says what it rests on.
"""

import hashlib
from typing import Any, Final

from simulator.analysis.findings import FindingPrincipal
from simulator.analysis.graph_parts import GraphBuilder, GraphKind, statement_node
from simulator.analysis.identities.model import Behind, Identity, IdentityKind, Lost
from simulator.analysis.report import Report
from simulator.decision.request import PrincipalKind

_OF_PRINCIPAL: Final = {
    PrincipalKind.ROLE.value: GraphKind.ROLE,
    PrincipalKind.USER.value: GraphKind.USER,
    PrincipalKind.FEDERATED_USER.value: GraphKind.USER,
    PrincipalKind.ROOT.value: GraphKind.ROOT_USER,
    PrincipalKind.AWS_SERVICE.value: GraphKind.SERVICE,
    PrincipalKind.ANONYMOUS.value: GraphKind.ANONYMOUS,
    PrincipalKind.FEDERATED.value: GraphKind.TOKEN_HOLDER,
}
_IAM: Final = (IdentityKind.ROLE, IdentityKind.USER, IdentityKind.ROOT)


def principal_kind(report: Report, principal: FindingPrincipal) -> GraphKind:
    """What kind of node a finding's principal is."""
    found = _OF_PRINCIPAL.get(principal.type)
    if found is not None:
        return found
    account = principal.account
    foreign = (
        principal.type == PrincipalKind.ACCOUNT.value
        and account is not None
        and report.organization.account(account) is None
        and account not in report.impact.stale_accounts.counts
    )
    return GraphKind.EXTERNAL_ACCOUNT if foreign else GraphKind.CALLER


def principal_node(builder: GraphBuilder, report: Report, principal: FindingPrincipal) -> str:
    """The node of a finding's principal, with its account."""
    # Several accounts have callers whose name the log lost, so the account is part of the id.
    node = builder.node(
        principal_kind(report, principal),
        (principal.account or "", principal.arn),
        principal.arn,
        type=principal.type,
        account=principal.account,
        account_name=principal.account_name,
        ou_path=principal.ou_path,
    )
    if principal.account is not None:
        builder.link(node, builder.account(principal.account), "belongs_to")
    return node


def identity_node(builder: GraphBuilder, identity: Identity) -> str:
    """The node of somebody behind a principal; a role or user that is a principal itself has one node only."""
    kind = identity.identity_kind
    if kind in _IAM and identity.arn:
        graph_kind = GraphKind.ROOT_USER if kind is IdentityKind.ROOT else GraphKind(kind.value)
        node = builder.node(
            graph_kind, (identity.account, identity.arn), identity.arn, account=identity.account or None
        )
    else:
        graph_kind = GraphKind(kind.value)
        # An external account of which a role is known stays that account.
        parts: tuple[str, ...] = (identity.account, identity.arn or identity.label)
        if graph_kind not in (GraphKind.EXTERNAL_ACCOUNT, GraphKind.SERVICE, GraphKind.CALLER):
            parts = (identity.account, identity.detail, identity.label)
        node = builder.node(
            graph_kind,
            parts,
            identity.label,
            detail=identity.detail or None,
            arn=identity.arn or None,
            account=identity.account or None,
        )
    if identity.account:
        builder.link(node, builder.account(identity.account), "belongs_to")
    return node


def add_identities(builder: GraphBuilder, report: Report) -> None:
    """Add the chains behind the principals of the report's findings, and what is lost."""
    identities = report.identities
    if identities is None:
        return
    for principal in dict.fromkeys(finding.principal for finding in report.findings):
        node = principal_node(builder, report, principal)
        for behind in identities.of(principal.arn):
            _add_behind(builder, behind, node, node)
    for number, lost in enumerate(identities.lost):
        _add_lost(builder, lost, number)


def _add_behind(builder: GraphBuilder, behind: Behind, end: str, principal: str) -> None:
    node = identity_node(builder, behind.identity)
    builder.edge(
        node,
        end,
        behind.relation.value,
        principal=principal,
        confidence=behind.confidence.value,
        sessions=behind.sessions,
        calls=behind.calls,
        denied=behind.denied,
        undecided=behind.undecided,
        first_seen=behind.first_seen,
        last_seen=behind.last_seen,
        why="; ".join(each.what for each in behind.evidence),
        event_ids=" ".join(each for one in behind.evidence for each in one.event_ids),
    )
    for each in behind.behind:
        _add_behind(builder, each, node, principal)


def _add_lost(builder: GraphBuilder, lost: Lost, number: int) -> None:
    told: dict[str, Any] = {"sessions": lost.sessions, "calls": lost.calls, "complete": lost.complete}
    seen = {"first_seen": lost.first_seen, "last_seen": lost.last_seen, "confidence": lost.confidence.value}
    # Where a policy is written does not make it another one.
    by = [place._replace(file=None, line=None) for place in lost.by]
    places = hashlib.sha256(repr(by).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    label = f"lost sessions of {lost.role.label}"
    parts = (lost.role.account, lost.role.arn or lost.role.label, lost.caller.label, places, str(number))
    group = builder.node(GraphKind.SESSION_GROUP, parts, label, lost=True, **told)
    builder.edge(identity_node(builder, lost.caller), group, "acts_in", **told, **seen)
    builder.edge(group, identity_node(builder, lost.role), "acts_as", **told, **seen)
    for place in lost.by:
        builder.edge(statement_node(builder, place), group, "takes_away", **told, **seen)
    for each in lost.events:
        event = builder.node(GraphKind.EVENT, (each.event,), each.event)
        builder.edge(group, event, "loses", calls=each.calls)
