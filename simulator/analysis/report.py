"""All that a report says, ready for the outputs to render."""

from dataclasses import dataclass

from simulator.analysis.findings import Finding, findings_of
from simulator.analysis.identities.linker import identities_of
from simulator.analysis.identities.model import Identities
from simulator.iam.catalog import Catalog
from simulator.organization.tree import Organization
from simulator.replay.impact import Impact


@dataclass(frozen=True, slots=True)
class Report:
    """An impact with its findings.

    `organization` is the proposed one (names of accounts and units). `lockouts` are warnings that hold even where the
    log is silent; `notes` say how the inputs were read (no snapshot given, today's tree used for past events, ...).
    `identities` tell who is behind the principals; `None` where the replay was not asked (`Question.ties`).
    """

    impact: Impact
    findings: tuple[Finding, ...]
    organization: Organization
    lockouts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    identities: Identities | None = None


def make_report(
    impact: Impact,
    organization: Organization,
    catalog: Catalog,
    *,
    lockouts: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Report:
    """Build the report of one replay."""
    findings = findings_of(impact, organization, catalog)
    return Report(impact, findings, organization, lockouts, notes, identities_of(impact, organization))
