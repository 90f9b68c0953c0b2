"""A report made by hand: every outcome, an implicit deny, cut lists, and texts that attack whoever shows them."""

from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from simulator.analysis.report import make_report
from simulator.iam.catalog import Catalog
from simulator.organization.tree import without_snapshot
from simulator.replay.impact import FindingKey, Impact, UnmappedKind
from simulator.replay.outcome import Outcome, StatementPlace
from tests.unit.organization.small import BANK, SHOP, TEST, organization

SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
REGIONS = StatementPlace(
    SCP, "workload-regions", "OnlyFrankfurt", 0, "ou-a1b2-work", 1, "scp/workload-regions.json", 4, '{"Sid":"x"}'
)
TOKENS = StatementPlace(SCP, "imdsv2", None, 2, "ou-a1b2-wprd", 2, "scp/imdsv2.json", 31, '{"Effect":"Deny"}')
NO_ALLOW = StatementPlace(SCP, None, None, None, "ou-a1b2-lprd", 2, None, None, "")
STEWARDS = StatementPlace(SCP, "keep-data", "OnlyStewards", 1, "r-a1b2", 0, "scp/keep-data.json", 9, '{"Sid":"s"}')
PERIMETER = StatementPlace(RCP, "perimeter", "OurOrg", 0, "r-a1b2", 0, "rcp/perimeter.json", 3, '{"Sid":"o"}')
OLD = StatementPlace(SCP, "no-gpu", "NoGpu", 0, "ou-a1b2-labs", 1, None, None, '{"Sid":"g"}')

CATALOG = Catalog()

ESCAPE = "\x1b[2J\x1b]0;owned\x07\x9b31m"
BIDI = "gnp\u202eexe\u2066\u200b"
SCRIPT = '<script>alert("1")</script>'
FORMULA = '=cmd|"/C calc"!A0'
HOSTILE = f"{FORMULA}\n{ESCAPE}{BIDI}{SCRIPT}[bold red]:smile:[/]\r\ud800"


def role(account, path):
    return f"arn:aws:iam::{account}:role/{path}"


DEPLOYER = role(SHOP, "ci/pipelines/eu-central-1/production/deployer")


def see(
    impact,
    outcome,
    principal,
    action,
    place,
    calls,
    *,
    kind="role",
    account=SHOP,
    first="2026-01-02",
    last="2026-03-04",
    **lists,
):
    """Add a finding as the replay would have."""
    fold = impact.finding(FindingKey(outcome, principal, kind, account, action, place))
    fold.calls = calls
    fold.see(f"{first}T08:00:00Z" if first else None)
    fold.see(f"{last}T17:30:00Z" if last else None)
    fold.keys |= set(lists.get("keys", ()))
    for region in lists.get("regions", ("eu-west-1",)):
        fold.regions.add(region)
    for name in ("resources", "sessions", "event_ids"):
        for text in lists.get(name, ()):
            getattr(fold, name).add(text)
    return fold


def an_impact():
    impact = Impact()
    impact.read, impact.mapped, impact.unmapped, impact.duplicates = 1300, 1200, 60, 28
    impact.requests = 1350
    impact.skipped.update({"console-sign-in": 10, "service-event": 2})
    impact.outcomes.update(
        {
            Outcome.NEWLY_DENIED: 155,
            Outcome.POSSIBLY_NEWLY_DENIED: 28,
            Outcome.NEWLY_ALLOWED: 5,
            Outcome.ALREADY_DENIED: 3,
            Outcome.UNCHANGED: 1000,
            Outcome.EXEMPT: 9,
        }
    )
    impact.drift = 1
    impact.note_unmapped(
        [
            (UnmappedKind("new.amazonaws.com", "DoThing", "unknown-service"), 40),
            (UnmappedKind("iam.amazonaws.com", HOSTILE, "unknown-action"), 20),
        ]
    )
    impact.see("2026-01-01T00:00:00Z")
    impact.see("2026-03-31T23:59:59Z")
    for account, count in ((SHOP, 900), (BANK, 300), (TEST, 90), ("777777777777", 10)):
        impact.accounts.add(account, count)
    impact.stale_accounts.add("777777777777", 10)
    for region in ("eu-central-1", "eu-west-1", "us-east-1"):
        impact.regions.add(region, 400)
    impact.files_read = 12
    impact.files_skipped.update({"digest": 2, "insight": 1})
    impact.note_damage("logs/cut.json.gz", "truncated-gzip")
    impact.note_damage(f"logs/{HOSTILE}", "bad-json", 2)
    return impact


def every_outcome():
    """The impact with a finding of every outcome that makes findings."""
    impact, denied = an_impact(), Outcome.NEWLY_DENIED
    buckets = [f"arn:aws:s3:::bucket-{number:02}/*" for number in range(25)]
    events = [f"{number:08}-0000-4000-8000-000000000000" for number in range(30)]
    see(
        impact,
        denied,
        DEPLOYER,
        "s3:PutObject",
        REGIONS,
        100,
        resources=buckets,
        event_ids=events,
        sessions=["build-1"],
    )
    see(impact, denied, DEPLOYER, "ec2:RunInstances", REGIONS, 12, sessions=["build-1", "build-2", "mira@example.com"])
    see(impact, denied, DEPLOYER, "ec2:RunInstances", TOKENS, 12, sessions=["build-1", "nora@example.com"])
    see(
        impact,
        denied,
        role(TEST, "tester"),
        "redshift:DescribeClusters",
        NO_ALLOW,
        30,
        account=TEST,
        first="2026-02-03",
        last="2026-02-03",
        regions=("us-east-1", "eu-west-1"),
    )
    see(impact, denied, f"arn:aws:iam::{BANK}:root", "iam:CreateAccessKey", STEWARDS, 1, kind="root", account=BANK)
    see(
        impact,
        denied,
        f"arn:aws:iam::{BANK}:user/old-{SCRIPT}",
        "s3:GetObject",
        PERIMETER,
        2,
        kind="user",
        account=BANK,
    )
    see(impact, denied, "555555555555", "s3:GetObject", PERIMETER, 4, kind="account", account="555555555555")
    see(impact, denied, "delivery.logs.amazonaws.com", "s3:PutObject", PERIMETER, 5, kind="aws-service", account=None)
    see(
        impact,
        denied,
        role(SHOP, HOSTILE),
        HOSTILE,
        STEWARDS._replace(policy=HOSTILE, sid=HOSTILE, file=HOSTILE),
        1,
        resources=[HOSTILE],
        sessions=[HOSTILE, "line\nbreak"],
        event_ids=[HOSTILE],
        regions=(HOSTILE,),
        first="",
        last="",
    )
    undecided = Outcome.POSSIBLY_NEWLY_DENIED
    tag = ("aws:principaltag/data-steward",)
    see(impact, undecided, DEPLOYER, "s3:DeleteObject", STEWARDS, 20, keys=tag)
    see(impact, undecided, role(BANK, "teller"), "s3:DeleteObject", STEWARDS, 5, keys=tag, account=BANK)
    see(
        impact,
        undecided,
        role(BANK, "teller"),
        "kms:Decrypt",
        PERIMETER,
        3,
        keys=("resource_account", "action"),
        account=BANK,
    )
    see(impact, Outcome.NEWLY_ALLOWED, role(TEST, "gamer"), "ec2:RunInstances", OLD, 5, account=TEST)
    see(impact, Outcome.ALREADY_DENIED, role(TEST, "tester"), "s3:DeleteBucket", STEWARDS, 3, account=TEST)
    return impact


@pytest.fixture
def report():
    return make_report(
        every_outcome(),
        organization(),
        CATALOG,
        lockouts=("AWSControlTowerExecution loses sts:* in 2 accounts by OnlyFrankfurt of workload-regions",),
        notes=("today's tree was used for past events", f"a note {ESCAPE}"),
    )


@pytest.fixture
def quiet_report():
    """Nothing is denied, and all of the log was judged."""
    impact = Impact()
    impact.read = impact.mapped = impact.requests = 7
    impact.outcomes[Outcome.UNCHANGED] = 7
    impact.see("2026-01-01T00:00:00Z")
    impact.files_read = 1
    impact.accounts.add(SHOP, 7)
    impact.regions.add("eu-west-1", 7)
    return make_report(impact, without_snapshot(), CATALOG)


class _Files(SingleFileSnapshotExtension):
    """Snapshots as files of their own, byte for byte (CSV ends its lines with CR LF)."""

    file_extension = "txt"

    @classmethod
    def dirname(cls, *, test_location):
        return str(Path(__file__).parents[2] / "snapshots" / "outputs" / test_location.basename)


@pytest.fixture
def snapshot(snapshot):
    return snapshot.use_extension(_Files)
