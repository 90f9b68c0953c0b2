"""`orgsim doctor`: what it finds out, what it says of selectors, and that it tries no more than it says."""

import json

import boto3
import pytest

from simulator.analysis.diagnosis import collected
from simulator.errors import ExitStatus
from tests.e2e.command import call
from tests.unit.sources.aws import bucket, organization
from tests.unit.sources.aws.permissions import FOLDER
from tests.unit.sources.aws.server import SECRETS, answer, failure

POLICIES = tuple(path.name for path in FOLDER.iterdir())
STORE = f"arn:aws:cloudtrail:eu-central-1:{bucket.OWNER}:eventdatastore/01234567-89ab-cdef-0123-456789abcdef"
DATA = {
    "Name": "objects",
    "FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {"Field": "readOnly", "Equals": ["false"]},
        {"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::scratch/"]},
    ],
}


def without_moto(call, reply):
    """What moto has no operation for."""
    if reply is not None:
        return None
    match call.operation:
        case "LookupEvents":
            return answer(Events=[])
        case "ListEventDataStores":
            return answer(EventDataStores=[{"EventDataStoreArn": STORE, "Name": "lake"}])
        case "GetEventDataStore":
            details = {"EventDataStoreArn": STORE, "Status": "ENABLED", "OrganizationEnabled": True}
            return answer(**details, MultiRegionEnabled=True, AdvancedEventSelectors=[DATA])
    return None


@pytest.fixture(scope="module")
def trail(ids, served):
    bucket.make("trail-bucket")
    bucket.fill("trail-bucket", days=1, per_day=1)
    client = boto3.client("cloudtrail", endpoint_url=f"http://127.0.0.1:{served.backend}")
    client.create_trail(Name="all", S3BucketName="trail-bucket", S3KeyPrefix="trails", IsMultiRegionTrail=True)
    client.start_logging(Name="all")
    default = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    client.put_event_selectors(TrailName="all", EventSelectors=[default])


def doctor(*more, status=ExitStatus.OK):
    done = call("doctor", *more)
    assert done.returncode == status, done.stdout.decode() + done.stderr.decode()
    assert not any(secret.encode() in done.stdout + done.stderr for secret in SECRETS)
    return done.stdout.decode()


def test_the_management_account_with_everything(proxy, trail, ids):
    proxy.spoil = without_moto
    text = doctor()
    assert f"{organization.MANAGEMENT}: the management account of {ids['o']}" in text
    assert "orgsim snapshot: ready" in text
    assert "orgsim collect events --bucket: ready" in text
    assert "orgsim collect events --event-history: ready" in text
    assert "trail all (account, all regions)" in text
    assert "management events" in text
    assert "orgsim collect events --bucket s3://trail-bucket/trails" in text
    assert "event data store lake (organization, all regions)" in text
    assert "data events of AWS::S3::Object, writes only" in text
    assert not [each for each in proxy.calls if each.operation in ("StartQuery", "AssumeRole")]
    found = json.loads(doctor("--format", "json"))
    assert found["schema"] == "orgsim/doctor/1"
    assert found["credentials"]["account"] == bucket.OWNER
    assert found["organization"]["is_management_account"] is True
    assert {each["status"] for each in found["checks"]} == {"allowed", "not_tried"}
    assert [each["logging"] for each in found["collections"]] == [True, True]


def test_what_is_missing(proxy, trail):
    def spoil(call, reply):
        if reply is None and call.operation in ("DescribePolicy", "LookupEvents", "GetEventSelectors"):
            return failure("AccessDeniedException", message=f"no {call.operation} for you")
        if reply is None and call.operation == "GetObject":
            return failure("AccessDenied", 403, service="s3")
        return without_moto(call, reply)

    proxy.spoil = spoil
    text = doctor("--bucket", "s3://trail-bucket/trails", status=ExitStatus.FINDINGS)
    assert "orgsim snapshot: lacks organizations:DescribePolicy" in text
    assert "orgsim collect events --event-history: lacks cloudtrail:LookupEvents" in text
    assert "orgsim collect events --bucket: lacks s3:GetObject" in text
    assert "orgsim doctor: lacks cloudtrail:GetEventSelectors" in text
    assert "what it collects cannot be seen" in text


def test_an_account_that_sees_no_organization(proxy, trail):
    proxy.spoil = lambda call, reply: (
        failure("AccessDeniedException") if call.service == "organizations" else without_moto(call, reply)
    )
    text = doctor(status=ExitStatus.FINDINGS)
    assert "its organization cannot be seen" in text
    found = json.loads(doctor("--format", "json", status=ExitStatus.FINDINGS))
    assert found["organization"]["is_management_account"] is None
    assert found["organization"]["is_delegated_administrator"] is None


def test_no_credentials(proxy, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    done = call("doctor")
    assert (done.returncode, b"[aws-credentials]" in done.stderr) == (ExitStatus.FAILED, True)


@pytest.mark.parametrize(
    ("selectors", "phrases"),
    [
        ([{"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}], ["management events"]),
        (
            [
                {
                    "ReadWriteType": "WriteOnly",
                    "IncludeManagementEvents": True,
                    "ExcludeManagementEventSources": ["kms.amazonaws.com"],
                    "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}],
                }
            ],
            [
                "management events, writes only, without kms.amazonaws.com",
                "data events of AWS::S3::Object, writes only: arn:aws:s3",
            ],
        ),
        ([{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": False}], []),
        (
            [DATA],
            ["data events of AWS::S3::Object, writes only, resources.ARN does not begin with arn:aws:s3:::scratch/"],
        ),
        (
            [
                {
                    "FieldSelectors": [
                        {"Field": "eventCategory", "Equals": ["NetworkActivity"]},
                        {"Field": "eventSource", "Equals": ["ec2.amazonaws.com"]},
                    ]
                }
            ],
            ["network activity, eventSource is ec2.amazonaws.com"],
        ),
    ],
)
def test_selectors_in_words(selectors, phrases):
    assert collected(selectors) == phrases
