"""All that a report says, ready for the outputs to render."""

from dataclasses import dataclass

from simulator.analysis.findings import Finding, findings_of
from simulator.iam.catalog import Catalog
from simulator.organization.tree import Organization
from simulator.replay.impact import Impact


@dataclass(frozen=True, slots=True)
class Report:
    """An impact with its findings.

    `organization` is the proposed one (names of accounts and units). `lockouts` are warnings that hold even where the
    log is silent; `notes` say how the inputs were read (no snapshot given, today's tree used for past events, ...).
    """

    impact: Impact
    findings: tuple[Finding, ...]
    organization: Organization
    lockouts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def make_report(
    impact: Impact,
    organization: Organization,
    catalog: Catalog,
    *,
    lockouts: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Report:
    """Build the report of one replay."""
    return Report(impact, findings_of(impact, organization, catalog), organization, lockouts, notes)
