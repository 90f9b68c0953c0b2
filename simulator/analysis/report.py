"""All that a report says, ready for the outputs to render."""

from dataclasses import dataclass

from simulator.analysis.findings import Finding, findings_of
from simulator.analysis.identities.linker import identities_of
from simulator.analysis.identities.model import Identities
from simulator.analysis.policy_diff import Change, PolicySize
from simulator.analysis.waivers import Acceptance
from simulator.iam.catalog import Catalog
from simulator.organization.tree import Organization
from simulator.replay.impact import Impact


@dataclass(frozen=True, slots=True)
class Version:
    """One of two proposals compared: as it was named, and the commit where it came from git."""

    name: str
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a report of two proposals says beside the impact, in which base stands for current and head for proposed."""

    base: Version
    head: Version
    changes: tuple[Change, ...] = ()
    sizes: tuple[PolicySize, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """An impact with its findings.

    `organization` is the proposed one (names of accounts and units). `lockouts` are warnings that hold even where the
    log is silent; `notes` say how the inputs were read (no snapshot given, today's tree used for past events, ...).
    `identities` tell who is behind the principals; `None` where the replay was not asked (`Question.ties`).
    `comparison` is there where two proposals were compared, `acceptance` where waivers or a baseline were given.
    """

    impact: Impact
    findings: tuple[Finding, ...]
    organization: Organization
    lockouts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    identities: Identities | None = None
    comparison: Comparison | None = None
    acceptance: Acceptance | None = None


def make_report(
    impact: Impact,
    organization: Organization,
    catalog: Catalog,
    *,
    lockouts: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    comparison: Comparison | None = None,
) -> Report:
    """Build the report of one replay."""
    findings = findings_of(impact, organization, catalog)
    return Report(impact, findings, organization, lockouts, notes, identities_of(impact, organization), comparison)
