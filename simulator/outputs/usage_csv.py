"""Who relies on some actions as a table, one row for each identity and action: CSV as the impact's."""

from typing import Final

from simulator.analysis.usage import UsageReport, UsageRow
from simulator.outputs.table_csv import cell, counted, joined, table

HEADER: Final = (
    "principal",
    "principal_type",
    "account",
    "account_name",
    "ou_path",
    "action",
    "access",
    "restricted_by",
    "scp_exempt",
    "calls",
    "denied_calls",
    "possible_calls",
    "first_seen",
    "last_seen",
    "regions",
    "networks",
    "resources",
    "sessions",
    "behind",
    "event_ids",
    "truncated",
)


def render(report: UsageReport) -> str:
    """The table with its header; lines end in CR LF and every cell is quoted."""
    return table(HEADER, map(_row, report.rows))


def _row(row: UsageRow) -> list[str]:
    principal = row.principal
    return [
        *map(cell, (principal.arn, principal.type, principal.account, principal.account_name, principal.ou_path)),
        *map(cell, (row.action, row.access)),
        joined(row.restricted_by),
        *map(cell, (row.scp_exempt, row.calls, row.denied_calls, row.possible_calls, row.first_seen, row.last_seen)),
        joined(row.regions),
        *(joined(counted(each)) for each in (row.networks, row.resources, row.sessions)),
        joined(f"{each.identity.label} ({each.confidence.value}, {each.calls})" for each in row.behind),
        joined(row.event_ids),
        joined(row.truncated),
    ]
