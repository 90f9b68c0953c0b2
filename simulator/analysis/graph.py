"""The impact as a graph: who acts, as whom, which call, on what, the statement that denies it, and where they stand.

Every node has a `kind` (`GraphKind`) and a `label`, every edge a `relation`:

    principal  -makes->       call        for each finding: outcome, calls, first_seen, last_seen
    call       -on->          resource    for each finding: outcome, calls
    call       -meets->       statement   for each finding: outcome, calls, first_seen, last_seen, attached_to
    statement  -part_of->     policy
    policy     -attached_to-> attachment
    statement  -missing_at->  attachment  an implicit deny: no policy there allows the call
    attachment -is->          root, ou or account
    identity   -belongs_to->  account
    account    -inside->      ou or root; ou -inside-> ou or root

Principals are roles, users, root users, services, external accounts and callers of whom no more is known. Where the
replay asked who is behind them, `graph_identities` adds who does, and what is lost with a denied AssumeRole.

An edge with a `finding` says exactly what that finding says: a call that meets two statements has two edges, so calls
are not to be added up over edges of different statements.
"""

from typing import TYPE_CHECKING, Any

from simulator.analysis.findings import Finding
from simulator.analysis.graph_identities import add_identities, principal_node
from simulator.analysis.graph_parts import GraphBuilder, GraphKind, PlainGraph, statement_node
from simulator.analysis.report import Report

if TYPE_CHECKING:
    import networkx as nx


def plain_graph(report: Report) -> PlainGraph:
    """The graph of a report's findings. Deterministic: nodes and edges come in the order of the findings.

    Node ids are texts, unique over kinds; edge keys are unique in the whole graph. No attribute is `None`.
    """
    builder = GraphBuilder(report.organization)
    for finding in report.findings:
        _add(builder, report, finding)
    add_identities(builder, report)
    return builder.plain()


def impact_graph(report: Report) -> "nx.MultiDiGraph[str]":
    """The same as networkx's graph."""
    # Imported here: it is heavy, and most commands never draw a graph.
    import networkx as nx

    plain = plain_graph(report)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for node, attributes in plain.nodes.items():
        graph.add_node(node, **attributes)
    for start, end, key, attributes in plain.edges:
        graph.add_edge(start, end, key, **attributes)
    return graph


def _add(builder: GraphBuilder, report: Report, finding: Finding) -> None:
    """Add what one finding says."""
    principal = principal_node(builder, report, finding.principal)
    call = builder.node(GraphKind.CALL, (finding.action,), finding.action, access=finding.access)
    statement = statement_node(builder, finding.place)
    told: dict[str, Any] = {"finding": finding.id, "outcome": finding.outcome.value, "calls": finding.calls}
    seen = {"first_seen": finding.first_seen, "last_seen": finding.last_seen}
    builder.edge(principal, call, "makes", **told, **seen)
    builder.edge(call, statement, "meets", **told, **seen, attached_to=finding.place.attached_to)
    for each in finding.resources:
        resource = builder.node(GraphKind.RESOURCE, (each.text,), each.text)
        builder.edge(call, resource, "on", **{**told, "calls": each.calls})
    _add_above(builder, statement, finding)


def _add_above(builder: GraphBuilder, statement: str, finding: Finding) -> None:
    """What a statement is part of and where that is attached."""
    place = finding.place
    attachment = builder.node(GraphKind.ATTACHMENT, (place.attached_to,), finding.attached_name, level=place.level)
    target = builder.tree_node(place.attached_to)
    if target is not None:
        builder.link(attachment, target, "is")
    if place.policy is None:
        builder.link(statement, attachment, "missing_at")
        return
    policy = builder.node(
        GraphKind.POLICY, (place.policy_type, place.policy), place.policy, policy_type=place.policy_type
    )
    builder.link(statement, policy, "part_of")
    builder.link(policy, attachment, "attached_to")
