"""A usage report in every format: byte for byte, true to its schema, and harmless where the log is hostile."""

import csv
import io
import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from simulator.analysis.identities.model import Behind, Confidence, Evidence, Identities, Identity, Relation
from simulator.analysis.usage import make_usage_report
from simulator.organization.tree import without_snapshot
from simulator.outputs.usage_formats import ENDINGS, FORMATS, render
from simulator.outputs.view import PLAIN, View
from simulator.replay.impact import UnmappedKind
from simulator.replay.restrictions import Restriction
from simulator.replay.usage import Usage, UsageFold, UsageKey, place_of
from tests.unit.organization.small import BANK, SHOP, organization
from tests.unit.outputs.conftest import BIDI, CATALOG, DEPLOYER, ESCAPE, HOSTILE, role
from tests.unit.outputs.test_impact_json import closed

SCHEMA = json.loads(files("simulator.outputs").joinpath("usage.schema.json").read_text(encoding="utf-8"))
PATTERNS = (Restriction("s3:Put*", ("s3:Put*",)), Restriction("kms:*", ("kms:*",)), Restriction("*", ("*",)))
POLICY = (
    Restriction("OnlyStewards", ("s3:Delete*", "s3:Put*"), file="scp/keep-data.json", line=9, conditional=True),
    Restriction(HOSTILE, ("iam:*", "s3:Delete*"), negated=True, file=HOSTILE, line=3),
)


PIPELINE = Identity("pipeline", "octo-org/octo-repo", detail="GitHub Actions")
BY_NAME = Identity("session_group", HOSTILE, account=SHOP, detail=f"sessions of {HOSTILE}")
PERSON = Identity("person", "mira@example.com", detail="Identity Center user")


def behind(identity, confidence, calls, *above):
    """Somebody behind the deployer; `calls` of s3:PutObject."""
    evidence = (Evidence(f"why {ESCAPE}", calls, ("e1",)),)
    hits = ((place_of("s3:PutObject"), calls),) if calls else ()
    return Behind(identity, Relation.ASSUMES, confidence, evidence, 1, calls, calls, 0, "", "", hits, above)


IDENTITIES = Identities(
    behind={
        DEPLOYER: (
            behind(PIPELINE, Confidence.PROVED, 60),
            behind(BY_NAME, Confidence.NAMED, 30),
            behind(
                Identity("role", role(SHOP, "build"), role(SHOP, "build"), SHOP),
                Confidence.PROVED,
                10,
                behind(PERSON, Confidence.POSSIBLE, 0),
            ),
        )
    },
    truncated=("sessions",),
)


def use(usage, principal, action, calls, *, kind="role", account=SHOP, exempt=None, denied=0, possible=0, **lists):
    """Add a row as the counting would have."""
    fold = usage.uses[UsageKey(principal, kind, account, action)] = UsageFold(exempt)
    fold.calls, fold.denied_calls, fold.possible_calls = calls, denied, possible
    for time in ("2026-01-02T08:00:00Z", "2026-03-04T17:30:00Z")[: lists.pop("times", 2)]:
        fold.see(time)
    for name, texts in {"regions": ("eu-west-1",), **lists}.items():
        for text in texts:
            getattr(fold, name).add(text)


def a_usage():
    usage = Usage()
    usage.read, usage.mapped, usage.unmapped, usage.duplicates, usage.calls = 1300, 1200, 60, 28, 131
    usage.skipped.update({"console-sign-in": 10, "service-event": 2})
    usage.note_unmapped([(UnmappedKind("iam.amazonaws.com", HOSTILE, "unknown-action"), 60)])
    usage.see("2026-01-01T00:00:00Z")
    usage.see("2026-03-31T23:59:59Z")
    for account, count in ((SHOP, 900), (BANK, 300), ("777777777777", 10)):
        usage.accounts.add(account, count)
    usage.stale_accounts.add("777777777777", 10)
    usage.regions.add("eu-west-1", 1200)
    usage.files_read = 12
    usage.note_damage(f"logs/{HOSTILE}", "bad-json", 2)
    buckets = [f"arn:aws:s3:::bucket-{number:02}/*" for number in range(25)]
    use(
        usage,
        DEPLOYER,
        "s3:PutObject",
        100,
        denied=3,
        resources=buckets,
        networks=["192.0.2.0/24", "vpce-0a", "vpce-0a", "lambda.amazonaws.com", "2001:db8:1::/48"],
        sessions=["release-41", "release-42"],
        event_ids=["e1", "e2"],
    )
    use(usage, DEPLOYER, "kms:Decrypt", 7, possible=7, resources=["(unknown)"])
    use(usage, role(BANK, "teller"), "s3:DeleteObject", 2, account=BANK, denied=2, times=1)
    hostile = {name: [HOSTILE] for name in ("regions", "resources", "networks", "sessions", "event_ids")}
    use(usage, role(SHOP, HOSTILE), HOSTILE, 1, times=0, **hostile)
    use(
        usage, "cloudtrail.amazonaws.com", "s3:PutObject", 21, kind="aws-service", account=None,
        exempt="aws-service-principal",
    )  # fmt: skip
    return usage


@pytest.fixture(params=["patterns", "policy"])
def report(request):
    asked = PATTERNS if request.param == "patterns" else POLICY
    made = make_usage_report(a_usage(), asked, organization(), CATALOG, IDENTITIES, ("a note", f"a note {ESCAPE}"))
    assert [each.identity for each in made.rows[0].behind] == [PIPELINE, BY_NAME, PERSON]
    return made


def empty(usage=None):
    return make_usage_report(usage or Usage(), PATTERNS, without_snapshot(), CATALOG, Identities())


VIEWS = {"100": PLAIN, "60": View(width=60), "color": View(color=True), "quiet": View(quiet=True)}


@pytest.mark.parametrize("view", VIEWS)
def test_terminal(report, snapshot, view):
    assert render("terminal", report, VIEWS[view]).encode() == snapshot


@pytest.mark.parametrize("name", ["json", "csv"])
def test_file(report, snapshot, name):
    assert render(name, report, PLAIN).encode() == snapshot


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_passes_on_what_steers_a_terminal(report, name):
    text = render(name, report, View(width=60))
    assert text == render(name, report, View(width=60))
    text.encode("utf-8")
    assert not {each for each in ESCAPE + BIDI + "\ud800" if not each.isprintable()} & set(text)
    allowed = {"csv": "\r\n"}.get(name, "\n")
    assert not {each for each in text if ord(each) < 32 or 127 <= ord(each) < 160} - set(allowed)


def test_every_ending_stands_for_a_format():
    assert set(ENDINGS.values()) <= set(FORMATS)


def test_the_json_follows_its_schema(report):
    document = json.loads(render("json", report, PLAIN))
    Draft202012Validator.check_schema(SCHEMA)
    assert list(Draft202012Validator(closed(SCHEMA)).iter_errors(document)) == []
    for spoil in (
        lambda value: value.pop("window"),
        lambda value: value["identities"][0].pop("denied_calls"),
        lambda value: value["identities"][0].update(networks=[{"name": "n", "calls": 1}] * 21),
        lambda value: value.update(schema="orgsim/usage/2"),
    ):
        spoilt = json.loads(json.dumps(document))
        spoil(spoilt)
        assert not Draft202012Validator(SCHEMA).is_valid(spoilt)


def test_an_empty_report_follows_the_schema_and_claims_nothing():
    document = json.loads(render("json", empty(), PLAIN))
    assert list(Draft202012Validator(closed(SCHEMA)).iter_errors(document)) == []
    assert document["identities"] == []
    assert "nothing can be said" in render("terminal", empty(), PLAIN)
    unmapped = Usage()
    unmapped.read = unmapped.unmapped = 3
    assert "nothing can be said" in render("terminal", empty(unmapped), PLAIN)


def test_where_nobody_is_found_the_headline_tells_what_was_looked_at():
    usage = Usage()
    usage.read, usage.mapped, usage.unmapped = 10, 7, 3
    assert render("terminal", empty(usage), View(quiet=True)).splitlines() == [
        "No call in this log needs `s3:Put*`, `kms:*`, `*`.",
        "7 calls looked at; 3 records could not be mapped to actions.",
    ]


def test_the_busiest_identity_comes_first_and_rows_say_what_restricts_them(report):
    assert [(row.principal.arn, row.action) for row in report.rows[:2]] == [
        (DEPLOYER, "s3:PutObject"),
        (DEPLOYER, "kms:Decrypt"),
    ]
    if report.restrictions is POLICY:
        rows = {(row.principal.arn, row.action): row.restricted_by for row in report.rows}
        assert rows[DEPLOYER, "s3:PutObject"] == ("OnlyStewards", HOSTILE)
        assert rows[role(BANK, "teller"), "s3:DeleteObject"] == ("OnlyStewards",)
        assert rows[DEPLOYER, "kms:Decrypt"] == (HOSTILE,)


def test_no_cell_of_a_hostile_table_starts_a_formula(report):
    rows = list(csv.DictReader(io.StringIO(render("csv", report, PLAIN), newline=""), strict=True))
    assert len(rows) == len(report.rows)
    assert (rows[0]["principal"], rows[0]["calls"], rows[0]["denied_calls"]) == (DEPLOYER, "100", "3")
    assert rows[0]["networks"].split("; ")[-1] == "vpce-0a (2)"
    for row in rows:
        for value in row.values():
            for part in value.split("; "):
                assert part.lstrip()[:1] not in set("=+-@\t\r\n＝＋－＠") or not part
