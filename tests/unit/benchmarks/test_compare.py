"""The benchmark's check of its own results: it finds nothing to say of a right report, and every wrong one."""

import json
import subprocess
import sys

import msgspec
import pytest

from benchmarks.compare import Reference, all_records, differences_of_sample, differences_of_whole, named_records
from benchmarks.generate import file_name, file_text
from benchmarks.proposals import write_proposals
from benchmarks.world import snapshot
from simulator.cloudtrail.record import Record


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A small log, the product's report of it, and the reference with its answers."""
    folder = tmp_path_factory.mktemp("bench")
    organization = folder / "organization.json"
    organization.write_text(json.dumps(snapshot()))
    proposal = write_proposals(folder)["most-denied"]
    file = folder / "logs" / file_name(0).removesuffix(".gz")
    file.parent.mkdir(parents=True)
    file.write_text(file_text(0, 60))
    reply = subprocess.run(
        [
            *(sys.executable, "-m", "simulator", "simulate", proposal, "--logs", folder / "logs"),
            *("--organization", organization, "--format", "json", "--workers", "1"),
        ],
        stdout=subprocess.PIPE,
        check=False,
    )
    records = [msgspec.json.decode(json.dumps(each), type=Record) for each in json.loads(file_text(0, 60))["Records"]]
    return json.loads(reply.stdout), Reference(proposal, organization, records), records


def answers(judge, records):
    return [answer for record in judge.counting(records) if (answer := judge.answer(record)) is not None]


def differences(impact, judge, records):
    named = named_records(impact)
    return differences_of_sample(impact, answers(judge, records)) + differences_of_whole(impact, named, judge, records)


def test_a_right_report_has_no_differences(judged):
    impact, judge, records = judged
    assert impact["outcomes"]["newly_denied"] > 30
    assert impact["outcomes"]["unchanged"] > 0
    assert differences(impact, judge, records) == []


def test_a_wrong_count_is_a_difference(judged):
    impact, judge, records = judged
    wrong = {**impact, "outcomes": {**impact["outcomes"], "unchanged": impact["outcomes"]["unchanged"] + 1}}
    found = differences_of_sample(wrong, answers(judge, records))
    assert len(found) == 1
    assert found[0].startswith("unchanged: product")


def test_a_finding_left_out_is_a_difference(judged):
    impact, judge, records = judged
    wrong = {**impact, "findings": impact["findings"][1:]}
    assert len(differences_of_sample(wrong, answers(judge, records))) == 1
    assert any("not reported" in each for each in differences_of_whole(wrong, named_records(wrong), judge, records))


def test_a_finding_made_up_is_a_difference(judged):
    impact, judge, records = judged
    finding = impact["findings"][0]
    wrong = {**impact, "findings": [*impact["findings"], {**finding, "action": "s3:MadeUp"}]}
    assert any("MadeUp" in each for each in differences_of_sample(wrong, answers(judge, records)))
    assert any("does not make it" in each for each in differences_of_whole(wrong, named_records(wrong), judge, records))


def test_records_are_read_from_files(tmp_path):
    assert list(all_records(tmp_path)) == []
