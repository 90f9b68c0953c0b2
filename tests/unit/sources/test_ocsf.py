"""Security Lake's rows turned back into records: the same record, made up as both, answers alike."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulator.cloudtrail.containers import Damage, SkippedRecord
from simulator.cloudtrail.decoder import decode
from simulator.cloudtrail.record import Record
from simulator.errors import OrgsimError
from simulator.sources import ocsf
from simulator.sources.files import FileBatch
from simulator.sources.ocsf import record_of
from tests.e2e.command import call

ROLE = "arn:aws:iam::111122223333:role/team/app"
RAW = {
    "eventVersion": "1.11",
    "eventID": "e1",
    "eventType": "AwsApiCall",
    "eventCategory": "Data",
    "eventName": "GetObject",
    "eventSource": "s3.amazonaws.com",
    "requestID": "r1",
    "errorCode": "AccessDenied",
    "errorMessage": "no",
    "awsRegion": "eu-central-1",
    "sourceIPAddress": "192.0.2.1",
    "vpcEndpointId": "vpce-1",
    "userAgent": "aws-cli",
    "eventTime": "2026-09-01T10:00:00Z",
    "recipientAccountId": "111122223333",
    "readOnly": "true",
    "requestParameters": {"bucketName": "b", "key": "k", "list": [1, {"a": "b"}]},
    "responseElements": None,
    "resources": [{"ARN": "arn:aws:s3:::b", "accountId": "444455556666", "type": "AWS::S3::Bucket"}],
    "tlsDetails": {"tlsVersion": "TLSv1.3"},
    "userIdentity": {
        "type": "AssumedRole",
        "principalId": "AROAX:me",
        "arn": "arn:aws:sts::111122223333:assumed-role/app/me",
        "accountId": "111122223333",
        "accessKeyId": "ASIAX",
        "sessionContext": {
            "sessionIssuer": {"arn": ROLE, "type": "Role", "userName": "app"},
            "attributes": {"creationDate": "2026-09-01T09:00:00Z", "mfaAuthenticated": "false"},
            "sourceIdentity": "ann",
        },
    },
}


def row(**changes):
    """`RAW` as Security Lake has it."""
    unmapped = {
        "readOnly": "true",
        "recipientAccountId": "111122223333",
        "sharedEventID": "",
        "tlsDetails.tlsVersion": "TLSv1.3",
        "userIdentity.sessionContext.sessionIssuer.type": "Role",
        "userIdentity.sessionContext.sessionIssuer.userName": "app",
        "userIdentity.sessionContext.sourceIdentity": "ann",
    }
    made = {
        "metadata": {
            "product": {"version": "1.11", "name": "CloudTrail", "feature": {"name": "Data"}},
            "uid": "e1",
            "event_code": "AwsApiCall",
            "version": "1.1.0",
        },
        "time": 1788256800000,
        "time_dt": datetime(2026, 9, 1, 10, tzinfo=UTC).replace(tzinfo=None),
        "cloud": {"region": "eu-central-1", "provider": "AWS"},
        "api": {
            "operation": "GetObject",
            "service": {"name": "s3.amazonaws.com"},
            "request": {"data": json.dumps(RAW["requestParameters"]), "uid": "r1"},
            "response": {"error": "AccessDenied", "message": "no", "data": ""},
            "version": None,
        },
        "actor": {
            "user": {
                "type": "AssumedRole",
                "uid_alt": "AROAX:me",
                "uid": "arn:aws:sts::111122223333:assumed-role/app/me",
                "account": {"uid": "111122223333"},
                "credential_uid": "ASIAX",
                "name": "",
            },
            "session": {"created_time_dt": datetime(2026, 9, 1, 9, tzinfo=UTC), "is_mfa": False, "issuer": ROLE},
            "invoked_by": "",
            "idp": {"name": ""},
        },
        "src_endpoint": {"uid": "vpce-1", "ip": "192.0.2.1", "domain": ""},
        "http_request": {"user_agent": "aws-cli"},
        "resources": [
            {"uid": "arn:aws:s3:::b", "type": "AWS::S3::Bucket", "owner": {"account": {"uid": "444455556666"}}}
        ],
        "class_uid": 6003,
        "unmapped": unmapped,
    }
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        place[name] = value
    return made


SCHEMA_OF_UNMAPPED = pa.map_(pa.string(), pa.string())


def write(path: Path, rows, **options) -> Path:
    table = pa.Table.from_pylist(rows)
    place = table.schema.get_field_index("unmapped")
    maps = pa.array([list(each["unmapped"].items()) for each in rows], SCHEMA_OF_UNMAPPED)
    pq.write_table(table.set_column(place, "unmapped", maps), path, compression="zstd", **options)
    return path


def items(path):
    return list(decode(FileBatch(path, path.stat().st_size).chunks()))


def test_a_row_is_the_record_it_was_made_of():
    assert record_of(row()) == RAW


def test_a_file_of_rows(tmp_path):
    path = write(tmp_path / "lake.gz.parquet", [row(metadata__uid=f"e{number}") for number in range(2500)])
    found = items(path)
    assert [each.event_id for each in found] == [f"e{number}" for number in range(2500)]
    (wanted,) = decode(iter([json.dumps({**RAW, "eventID": "e7"}).encode()]))
    assert isinstance(wanted, Record)
    for name in Record.__struct_fields__:
        mine, theirs = getattr(found[7], name), getattr(wanted, name)
        if isinstance(theirs, bytes) or name in ("request_parameters", "response_elements", "resources"):
            assert json.loads(bytes(mine)) == json.loads(bytes(theirs)), name
        else:
            assert mine == theirs, name


@pytest.mark.parametrize(
    ("changes", "member", "wanted"),
    [
        # What cannot be read is unknown, what was not logged is null.
        ({"api__request__data": '{"cut off'}, ("requestParameters",), {"omitted": True}),
        ({"api__request__data": None}, ("requestParameters",), None),
        (
            {"src_endpoint__ip": None, "src_endpoint__domain": "ec2.amazonaws.com"},
            ("sourceIPAddress",),
            "ec2.amazonaws.com",
        ),
        # Without a session the default of the column tells nothing.
        (
            {"actor__session": {"created_time_dt": None, "is_mfa": False, "issuer": None}},
            ("userIdentity", "sessionContext", "attributes"),
            None,
        ),
        (
            {"actor__session": {"created_time_dt": None, "is_mfa": True, "issuer": None}},
            ("userIdentity", "sessionContext", "attributes", "mfaAuthenticated"),
            "true",
        ),
        (
            {"actor__idp__name": "arn:aws:iam::1:oidc-provider/x"},
            ("userIdentity", "sessionContext", "webIdFederationData", "federatedProvider"),
            "arn:aws:iam::1:oidc-provider/x",
        ),
        (
            {"actor__idp__name": "accounts.example.com", "actor__user__type": "WebIdentityUser"},
            ("userIdentity", "identityProvider"),
            "accounts.example.com",
        ),
        ({"time": None, "time_dt": datetime(2026, 9, 1, 12, tzinfo=UTC)}, ("eventTime",), "2026-09-01T12:00:00Z"),
        ({"cloud__account": {"uid": "777788889999"}, "unmapped": {}}, ("recipientAccountId",), "777788889999"),
        ({"unmapped": {"eventName.x": "1", "eventName": "Other"}}, ("eventName",), "GetObject"),
    ],
)
def test_single_members(changes, member, wanted):
    found = record_of(row(**changes))
    for name in member:
        found = found.get(name) if found else None
    assert found == wanted


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata__version": "1.0.0-rc.2"},
        {"metadata__version": None},
        {"metadata__product__name": "Route 53"},
        {"metadata": None},
    ],
)
def test_other_products_and_schemas(tmp_path, changes):
    assert record_of(row(**changes)) is None


def test_other_tables(tmp_path):
    assert items(write(tmp_path / "a", [row(metadata__product__name="VPC")])) == [SkippedRecord("not-cloudtrail")]
    pq.write_table(pa.table({"x": [1]}), tmp_path / "b")
    assert items(tmp_path / "b") == [SkippedRecord("not-cloudtrail")]


def test_a_broken_file(tmp_path):
    path = write(tmp_path / "a", [row(metadata__uid=f"e{n}") for n in range(4000)], row_group_size=1000)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert items(path) == [Damage("corrupt-parquet")]
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes(200) + data[middle + 200 :])
    found = items(path)
    assert found[-1] == Damage("corrupt-parquet")
    assert [each.event_id for each in found[:1000] if isinstance(each, Record)] == [f"e{n}" for n in range(1000)]


def test_without_pyarrow(tmp_path, monkeypatch):
    path = write(tmp_path / "a", [row()])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(OrgsimError) as caught:
        next(ocsf.parquet_chunks(path))
    assert caught.value.code == "missing-extra"


@pytest.mark.parametrize("depth", [100, 300, 900, 990, 1000, 100_000])
def test_hostile_values(tmp_path, depth):
    deep = '{"a":' * depth + "1" + "}" * depth
    path = write(tmp_path / "x", [row(api__request__data=deep, time=2**62, time_dt=None), row(metadata__uid="e2")])
    found = items(path)
    assert [each.event_id for each in found if isinstance(each, Record)][-1] == "e2"
    assert len(found) == 2


def test_coverage_of_a_lake_equals_that_of_the_records(tmp_path):
    write(tmp_path / "lake.parquet", [row()])
    (tmp_path / "raw.json").write_text(json.dumps({"Records": [RAW]}))
    reports = [
        json.loads(call("catalog", "coverage", "--format", "json", "--logs", tmp_path / name).stdout)
        for name in ("lake.parquet", "raw.json")
    ]
    assert reports[0] == reports[1]
    assert reports[0]["records"]["read"] == 1
