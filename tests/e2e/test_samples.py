"""The samples: every call of every story gets the outcome that the rules give it, and the counts add up.

`samples/expected.json` is written by hand (through `samples/storybook`), from the rules; see samples/README.md.
"""

import gzip
import json
import re
import subprocess
import sys
import zlib
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.record import Record
from simulator.iam.catalog import Catalog
from simulator.organization.proposal import apply
from simulator.replay.outcome import Outcome
from simulator.replay.reading import folder_accounts
from simulator.replay.replayer import Question, Replayer
from simulator.sources.files import find_batches
from simulator.sources.organizations import read_organization
from simulator.sources.proposals import read_proposal
from tests.e2e.command import ORGANIZATION, PROPOSAL, ROOT, run
from tests.replay_tools import Memory

SAMPLES = ROOT / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text(encoding="utf-8"))
STORIES = sorted({row["story"] for row in EXPECTED["logs"]})
EXTRA = SAMPLES / "logs-extra"
OUTCOMES = {outcome.value: outcome for outcome in Outcome}


def table(heading):
    """The rows of the README table whose first column has this heading, as lists of cells without backticks."""
    lines = (SAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


# One call after the other


class Calls:
    """The sample log, surveyed as a whole and judged call by call."""

    def __init__(self):
        current = read_organization(ROOT / ORGANIZATION)
        proposed = apply(read_proposal(ROOT / PROPOSAL), current)
        self.replayer = Replayer(Question(current, proposed), Catalog())
        batches, _ = find_batches([SAMPLES / "logs"])
        texts = [text for batch in batches for text in raw_records(batch)]
        self.by_id = {}
        self.judged = {}
        for text in texts:
            self.by_id.setdefault(json.loads(text).get("eventID"), text)
        # One batch for everything: the numbers of files do not matter here.
        self.survey = self.replayer.survey([(0, Memory(texts))])
        self.survey.close()
        self.folders = folder_accounts(self.replayer.facts, batches)

    def judge(self, event_ids):
        """The impact of the records of one call alone."""
        key = tuple(event_ids)
        if key not in self.judged:
            texts = [self.by_id[event] for event in event_ids if event in self.by_id]
            self.judged[key] = self.replayer.judge(self.survey, self.folders, [(0, Memory(texts))])
        return self.judged[key]


def raw_records(batch):
    return [json.dumps(each) for each in json.loads(b"".join(batch.chunks())).get("Records", ())]


@pytest.fixture(scope="module")
def calls():
    return Calls()


def seen(impact):
    """How one call came out: an outcome, `skipped` or `unmapped`; several if the records disagree."""
    found = [outcome.value for outcome, count in impact.outcomes.items() if count]
    return found + ["skipped"] * bool(impact.skipped) + ["unmapped"] * bool(impact.unmapped)


def statements(impact, outcome):
    """The Sids behind an outcome; a denial by a missing Allow has none."""
    return {key.place.sid for key in impact.findings if key.outcome.value == outcome and key.place.sid}


@pytest.mark.parametrize("story", STORIES)
def test_every_call_of_a_story(calls, story):
    wrong = []
    for row in EXPECTED["logs"]:
        if row["story"] != story:
            continue
        impact = calls.judge(row["event_ids"])
        keys = {
            key
            for found, fold in impact.findings.items()
            if found.outcome is OUTCOMES.get(row["outcome"])
            for key in fold.keys
        }
        got = {"outcome": seen(impact), "by": statements(impact, row["outcome"])}
        want = {"outcome": [row["outcome"]], "by": set(row.get("by", ()))}
        if "unknown" in row or row["outcome"] == "newly_denied":
            got["keys"], want["keys"] = keys, {key.lower() for key in row.get("unknown", ())}
        if got != want:
            wrong.append((row, got))
    assert not wrong


def test_every_finding_of_a_story_counts_its_call_once(calls):
    for row in EXPECTED["logs"]:
        impact = calls.judge(row["event_ids"])
        assert all(fold.calls == 1 for fold in impact.findings.values()), row
        assert sum(impact.outcomes.values()) + sum(impact.skipped.values()) + impact.unmapped == 1, row


# The replay as a whole, by the command


def test_the_outcomes_are_those_of_the_stories(impact, expected):
    told = Counter(row["outcome"] for row in expected["logs"]) + Counter(expected["routine"])
    assert impact["outcomes"] == {each.value: told[each.value] for each in Outcome}
    assert impact["records"]["unmapped"] == told["unmapped"]
    assert sum(impact["records"]["skipped"].values()) == told["skipped"]


def test_every_outcome_occurs(impact):
    assert all(impact["outcomes"].values())


def test_records_add_up(impact):
    records = impact["records"]
    left_out = records["unmapped"] + records["duplicates"] + sum(records["skipped"].values())
    assert records["read"] == records["mapped"] + left_out
    assert sum(impact["outcomes"].values()) == records["mapped"]
    assert records["requests"] >= records["mapped"] - impact["outcomes"]["unchanged"]


def test_every_record_of_the_files_is_read(impact):
    """Counted by this test alone, from the bytes: only the folders of other kinds of files are left out."""
    paths = list((SAMPLES / "logs").rglob("*.json.gz"))
    left_out = [p for p in paths if re.search(r"CloudTrail-(Digest|Insight|Aggregated)", str(p))]
    read = [path for path in paths if path not in left_out]
    assert impact["files"]["read"] == len(read)
    assert sum(impact["files"]["skipped"].values()) == len(left_out) == 3
    assert impact["files"]["damaged"] == []
    assert impact["records"]["read"] == sum(len(json.loads(gzip.decompress(p.read_bytes()))["Records"]) for p in read)


def test_each_finding_holds_calls_of_its_outcome_and_statement(impact, expected):
    """The other direction: what the report lists is what the stories tell, nothing more."""
    by_event = {event: row for row in expected["logs"] for event in row["event_ids"]}
    for finding in impact["findings"]:
        for event in finding["event_ids"]:
            row = by_event[event]
            assert row["outcome"] == finding["outcome"], (row, finding["id"])
            sid = finding["statement"]["sid"]
            assert sid in row["by"] if sid else "by" not in row, (row, finding["id"])


def test_each_statement_has_the_calls_of_its_stories(impact, expected):
    """Where no list was cut, the events of a statement's findings are exactly those of the stories."""
    listed, cut = defaultdict(set), set()
    for finding in impact["findings"]:
        key = finding["outcome"], finding["statement"]["sid"]
        listed[key] |= set(finding["event_ids"])
        cut |= {key} if "event_ids" in finding["truncated"] else set()
    told = defaultdict(set)
    for row in expected["logs"]:
        if row["outcome"] in ("newly_denied", "possibly_newly_denied", "already_denied"):
            for sid in row.get("by", [None]):
                told[row["outcome"], sid] |= {frozenset(row["event_ids"])}
    assert {key for key in listed if key[0] != "newly_allowed"} == set(told)
    for key, calls_told in told.items():
        found = {call for call in calls_told if call & listed[key]}
        assert (found < calls_told) if key in cut else (found == calls_told), key


def test_a_missing_account_is_reported(impact):
    assert [row["id"] for row in impact["evidence"]["stale_accounts"]] == ["444444440003"]


def test_drift_is_the_call_that_passed_a_denial(impact, calls, expected):
    passed = [
        row["story"]
        for row in expected["logs"]
        if row["outcome"] == "newly_allowed" and "errorCode" not in json.loads(calls.by_id[row["event_ids"][0]])
    ]
    assert passed == ["seat-map-servers"]
    assert impact["evidence"]["drift"] == len(passed)


def test_the_forgotten_account_is_a_lock_out_warning(impact):
    warnings = " ".join(impact["evidence"]["lockouts"])
    assert "555555550002" in warnings
    assert "locked-away" in warnings


# README


def test_the_readme_states_the_outcomes(impact):
    assert {row[0].strip("`"): int(row[1]) for row in table("outcome")} == impact["outcomes"]


def test_the_readme_states_the_records(impact):
    records = impact["records"]
    stated = {row[0]: int(row[1]) for row in table("records")}
    assert stated == {
        **{name: records[name] for name in ("read", "mapped", "unmapped", "duplicates")},
        "skipped": sum(records["skipped"].values()),
    }


def test_the_readme_names_every_story():
    assert {row[0].strip("`") for row in table("story")} - {"other-event-folders"} == set(STORIES) - {
        "other-event-folders"
    }


def test_the_readme_names_every_policy_of_the_proposal():
    named = " ".join(row[0] for row in table("policy"))
    text = (SAMPLES / "proposal" / "proposal.yaml").read_text(encoding="utf-8")
    files = [Path(name).stem for name in re.findall(r"file: (\S+)", text)]
    assert files
    assert all(stem in named for stem in files)


def test_the_files_are_what_the_script_writes():
    done = subprocess.run(
        [sys.executable, "samples/generate.py", "--check"], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


# The other containers


def extra_rows():
    return {row[0].strip("`"): row for row in table("file | records")}


def test_the_readme_names_every_file_of_logs_extra():
    assert set(extra_rows()) == {path.name for path in EXTRA.iterdir()}


@pytest.fixture(scope="module")
def extra_impacts(calls):
    """Each file of logs-extra on its own."""
    found = {}
    for path in sorted(EXTRA.iterdir()):
        batches, skipped = find_batches([path])
        impact = calls.replayer.run(batches)
        for file in skipped:
            impact.files_skipped[file.reason] += 1
        found[path.name] = impact
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in EXTRA.iterdir()))
def test_a_file_is_read_as_the_readme_says(extra_impacts, name):
    _, records, how = extra_rows()[name]
    impact = extra_impacts[name]
    assert impact.read == int(records)
    said = set(re.findall(r"`([a-z-]+)`", how))
    damage = {reason for _, reason in impact.damaged}
    assert said == damage | set(impact.files_skipped) | set(impact.skipped)
    assert impact.files_read == (0 if impact.files_skipped else 1)


def test_every_record_of_logs_extra_gets_its_outcome(extra_impacts, expected):
    rows = {row["event_ids"][0]: row for row in expected["logs-extra"]}
    told = Counter(row["outcome"] for row in rows.values())
    whole = Counter()
    for name, impact in extra_impacts.items():
        for key, fold in impact.findings.items():
            for event in fold.event_ids.counts:
                if name != "truncated.json.gz":
                    assert rows[event]["outcome"] == key.outcome.value, (name, event)
                    assert rows[event]["by"] == [key.place.sid]
        if name != "truncated.json.gz":
            whole.update({outcome.value: count for outcome, count in impact.outcomes.items()})
    assert whole == told


def test_what_survives_of_a_truncated_file_is_exactly_what_can_be_inflated(extra_impacts):
    text = zlib.decompressobj(31).decompress((EXTRA / "truncated.json.gz").read_bytes()).decode()
    reader, position, whole = json.JSONDecoder(), text.index("[") + 1, 0
    while True:
        try:
            _, position = reader.raw_decode(text, position)
        except ValueError:
            break
        whole, position = whole + 1, position + 1
    assert extra_impacts["truncated.json.gz"].mapped == whole > 0


def test_the_folder_as_a_whole(extra_impacts):
    done = run(
        "simulate", PROPOSAL, "--logs", EXTRA, "--organization", ORGANIZATION, "--format", "json", "--workers", 1
    )
    impact = json.loads(done.stdout)
    assert done.returncode == 10
    assert impact["records"]["read"] == sum(each.read for each in extra_impacts.values())
    assert impact["files"]["read"] + sum(impact["files"]["skipped"].values()) == len(list(EXTRA.iterdir()))
    assert {Path(row["file"]).name for row in impact["files"]["damaged"]} == {"bad-line.jsonl", "truncated.json.gz"}
    assert done.stderr == b""


# What goes in


def test_the_records_hold_no_real_account_key_or_address():
    """Account ids and access keys are invented, addresses are from the ranges kept for documentation."""
    batches, _ = find_batches([SAMPLES / "logs"])
    for batch in batches:
        for item in decode(batch.chunks()):
            if isinstance(item, Record) and item.user_identity and item.user_identity.access_key_id:
                assert item.user_identity.access_key_id.endswith("EXAMPLE")
