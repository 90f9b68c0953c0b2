"""The table: one row per finding, RFC 4180, and nothing a spreadsheet would run."""

import csv
import io

import pytest

from simulator.outputs import table_csv
from tests.unit.outputs.conftest import DEPLOYER


def rows(report):
    return list(csv.DictReader(io.StringIO(table_csv.render(report), newline=""), strict=True))


def test_one_row_per_finding_under_a_fixed_header(report):
    text = table_csv.render(report)
    assert text.splitlines()[0] == (
        '"id","outcome","principal","principal_type","account","account_name","ou_path","action","access","policy_type",'
        '"policy","sid","statement_index","attached_to","attached_name","level","file","line","calls","first_seen",'
        '"last_seen","regions","settled_by","resources","sessions","event_ids","truncated"'
    )
    assert len(rows(report)) == len(report.findings)
    assert text.count("\r\n") == len(report.findings) + 1
    assert text.count("\n") == text.count("\r")


def test_the_cells_say_what_the_finding_says(report):
    row = rows(report)[0]
    assert (row["outcome"], row["principal"], row["action"]) == ("newly_denied", DEPLOYER, "s3:PutObject")
    assert (row["policy"], row["sid"], row["attached_name"], row["calls"]) == (
        "workload-regions",
        "OnlyFrankfurt",
        "Workloads",
        "100",
    )
    assert row["resources"].startswith("arn:aws:s3:::bucket-00/* (1); arn:aws:s3:::bucket-01/* (1); ")
    assert row["truncated"] == "event_ids; resources"


def test_no_cell_of_a_hostile_report_starts_a_formula(report):
    for row in rows(report):
        for value in row.values():
            for part in value.split("; "):
                assert part.lstrip()[:1] not in set("=+-@\t\r\n＝＋－＠") or not part


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\n=1",
        " =1",
        "\xa0=1",
        "\u2003=1",
        "\u202f-1",
        "＝1",
        "＠x",
        "\ufeff=1",
    ],
)
def test_a_would_be_formula_becomes_text(text):
    assert table_csv.cell(text).startswith("'")


@pytest.mark.parametrize(
    "text", ["", "s3:GetObject", "arn:aws:iam::111122223333:role/a", "a=b", "'quoted'", "é", 0, 12]
)
def test_other_cells_stay(text):
    assert table_csv.cell(text) == str(text)


def test_nothing_is_an_empty_cell():
    assert table_csv.cell(None) == ""
