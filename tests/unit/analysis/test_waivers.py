"""Who has agreed to what: patterns, selectors of statements, expiry, the baseline; and the file."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from simulator.analysis.findings import findings_of
from simulator.analysis.waivers import FindingRef, Waiver, accept, reference, selectors
from simulator.errors import OrgsimError
from simulator.organization.tree import without_snapshot
from simulator.replay.impact import Impact
from simulator.replay.outcome import Outcome
from simulator.sources.waivers import add_waiver, read_waivers
from tests.unit.outputs.conftest import CATALOG, NO_ALLOW, REGIONS, SHOP, TOKENS, every_outcome, role, see

DEPLOYER = role(SHOP, "ci/deployer")
CASES = yaml.safe_load((Path(__file__).parents[2] / "cases/waivers.yaml").read_text(encoding="utf-8"))
TODAY = date(2026, 6, 15)
PLACES = {"regions": REGIONS, "tokens": TOKENS, "no-allow": NO_ALLOW}


def finding(principal=DEPLOYER, action="s3:PutObject", place=REGIONS, outcome=Outcome.NEWLY_DENIED):
    impact = Impact()
    see(impact, outcome, principal, action, place, 1)
    return findings_of(impact, without_snapshot(), CATALOG)[0]


def waiver(identity="*", action="*", statement="OnlyFrankfurt", expires=date(2026, 12, 31)):
    return Waiver(identity, action, statement, "because", "ada", expires)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_what_a_waiver_concerns(case):
    given = finding(place=PLACES[case.get("place", "regions")], outcome=Outcome(case.get("outcome", "newly_denied")))
    wanted = {name: case[name] for name in ("identity", "action", "statement", "expires") if name in case}
    acceptance = accept([given], [waiver(**wanted)], None, TODAY)
    state = (
        "waived"
        if acceptance.accepts(given)
        else "lapsed"
        if reference(given) in acceptance.lapsed
        else "unused"
        if acceptance.unused
        else "expired"
    )
    assert state == case["is"]
    assert bool(acceptance.expired) == (waiver(**wanted).expires < TODAY)


def test_a_valid_waiver_counts_beside_an_expired_one():
    given = finding()
    acceptance = accept([given], [waiver(expires=date(2026, 1, 1)), waiver()], None, TODAY)
    assert acceptance.accepts(given)
    assert len(acceptance.expired) == 1
    assert acceptance.unused == ()


def test_each_statement_of_a_call_is_waived_on_its_own():
    one, other = finding(), finding(place=TOKENS)
    acceptance = accept([one, other], [waiver()], None, TODAY)
    assert [acceptance.accepts(each) for each in (one, other)] == [True, False]


@pytest.mark.parametrize(
    ("before", "now", "known"),
    [
        (Outcome.NEWLY_DENIED, Outcome.NEWLY_DENIED, True),
        (Outcome.NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED, True),
        (Outcome.POSSIBLY_NEWLY_DENIED, Outcome.POSSIBLY_NEWLY_DENIED, True),
        (Outcome.POSSIBLY_NEWLY_DENIED, Outcome.NEWLY_DENIED, False),
        (Outcome.ALREADY_DENIED, Outcome.NEWLY_DENIED, False),
    ],
)
def test_a_baseline_knows_what_was_as_grave(before, now, known):
    given = finding(outcome=now)
    acceptance = accept([given], [], {FindingRef(given.id, before)}, TODAY)
    assert acceptance.accepts(given) is known
    assert acceptance.known == ({reference(given)} if known else set())


def test_a_baseline_does_not_know_another_statement():
    given = finding()
    assert not accept([given], [], {reference(finding(place=TOKENS))}, TODAY).accepts(given)


@given(st.text(max_size=20), st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_a_waiver_of_exactly_the_finding_waives_it(name, action, sid):
    found = finding(f"arn:aws:iam::{SHOP}:role/{name}", action, REGIONS._replace(sid=sid))
    for selector in selectors(found.place):
        exact = waiver(found.principal.arn, found.action, selector)
        assert accept([found], [exact], None, TODAY).accepts(found)


def test_every_statement_has_a_selector():
    for found in findings_of(every_outcome(), without_snapshot(), CATALOG):
        assert all(selectors(found.place))


# The file

TEXT = """\
# who may be denied what
- identity: arn:aws:iam::*:role/app/*
  action: s3:Put*
  statement: perimeter:OnlyOurs   # for now
  reason: "it moves: soon"
  owner: storage
  expires: 2026-12-31
"""


def test_a_file_reads_back(tmp_path):
    file = tmp_path / "waivers.yaml"
    file.write_text(TEXT)
    [found] = read_waivers(file)
    assert (found.identity, found.reason, found.expires) == (
        "arn:aws:iam::*:role/app/*",
        "it moves: soon",
        date(2026, 12, 31),
    )
    assert (found.file, found.line) == (str(file), 2)
    file.write_text("# nothing yet\n")
    assert read_waivers(file) == ()


MEMBERS = {"identity": "x", "action": "x", "statement": "x", "reason": "x", "owner": "x", "expires": "2026-12-31"}
BROKEN = [
    *(
        (
            f"- {yaml.safe_dump({k: v for k, v in MEMBERS.items() if k != name}, default_flow_style=True)}",
            "waiver-missing",
        )
        for name in MEMBERS
    ),
    ("- {identity: x, action: x, statement: x, reason: '', owner: x, expires: 2026-12-31}", "yaml-shape"),
    ("- {identity: x, action: x, statement: x, reason: x, owner: x, expires: soon}", "waiver-expiry"),
    ("- {identity: x, action: x, statement: x, reason: x, owner: x, expires: 2026-02-30}", "waiver-expiry"),
    ("- {identity: x, action: x, statement: x, reason: x, owner: x, expires: 20261231}", "waiver-expiry"),
    ("- {identity: x, action: x, statement: x, reason: x, owner: x, expires: [2026-12-31]}", "waiver-expiry"),
    ("- {identity: x, actions: x}", "yaml-unknown-member"),
    ("identity: x", "yaml-shape"),
    ("- x", "yaml-shape"),
    ("- *x", "yaml-syntax"),
]


@pytest.mark.parametrize(("text", "code"), BROKEN)
def test_a_broken_file_is_an_error(tmp_path, text, code):
    file = tmp_path / "waivers.yaml"
    file.write_text(text)
    with pytest.raises(OrgsimError) as caught:
        read_waivers(file)
    assert (caught.value.code, caught.value.line) == (code, 1)


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# only a comment",
        TEXT,
        TEXT.rstrip("\n"),
        "  " + TEXT.replace("\n", "\n  "),
        "---\n" + TEXT,
        TEXT + "\n# end\n",
    ],
)
def test_a_waiver_is_written_behind_what_stands_there(tmp_path, before):
    file = tmp_path / "waivers.yaml"
    file.write_text(before)
    old = read_waivers(file)
    new = Waiver("arn:x:role/ä\x1b: #", "s3:*", "p:S", "- 'because'\nof it", "0123", date(2027, 1, 2))
    add_waiver(file, new)
    assert file.read_text().startswith(before)
    *rest, last = read_waivers(file)
    assert tuple(rest) == old
    assert [getattr(last, name) for name in MEMBERS] == [getattr(new, name) for name in MEMBERS]
    assert "\x1b" not in file.read_text()


@pytest.mark.parametrize("before", ["[]", f"[{yaml.safe_dump(MEMBERS, default_flow_style=True)}]", TEXT + "...\n"])
def test_a_file_in_another_form_is_left_alone(tmp_path, before):
    file = tmp_path / "waivers.yaml"
    file.write_text(before)
    with pytest.raises(OrgsimError) as caught:
        add_waiver(file, waiver())
    assert caught.value.code == "waiver-file"
    assert "statement: OnlyFrankfurt" in caught.value.hint
    assert file.read_text() == before
