"""No call that writes to AWS can be made, and no secret gets into a message."""

import ast
import subprocess
import sys
from pathlib import Path

import botocore.session
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoRegionError, ProfileNotFound

from simulator.errors import OrgsimError
from simulator.iam.catalog import Catalog
from simulator.sources.aws.failures import failure_of, redacted
from simulator.sources.aws.session import Aws, Login, read_only_operations
from tests.e2e.command import ROOT
from tests.unit.sources.aws.server import SECRETS

HARMLESS_WRITES = {
    "sts:AssumeRole": "issues credentials, changes nothing",
    "cloudtrail:StartQuery": "runs a SELECT; nothing but its result comes into being",
}


def test_listed_operations_exist_and_only_read():
    session, catalog = botocore.session.get_session(), Catalog()
    for service, operations in read_only_operations().items():
        assert set(operations) <= set(session.get_service_model(service).operation_names)
        for actions in operations.values():
            for name in actions:
                info = catalog.action(name)
                assert info is not None, name
                assert info.access_level in ("Read", "List") or name in HARMLESS_WRITES, name


def test_whatever_is_not_listed_is_refused_before_a_request(proxy):
    aws = Aws.login(Login())
    member = aws.in_account("111122223333", "reader")
    for one in (aws, member):
        for service, operation, arguments in (
            ("organizations", "attach_policy", {"PolicyId": "p-12345678", "TargetId": "r-ab12"}),
            ("s3", "delete_object", {"Bucket": "b", "Key": "k"}),
            ("iam", "create_user", {"UserName": "x"}),
            ("sqs", "list_queues", {}),
        ):
            with pytest.raises(OrgsimError) as caught:
                getattr(one.client(service), operation)(**arguments)
            assert caught.value.code == "aws-not-read-only"
    assert proxy.calls == []


def test_clients_are_made_in_one_place():
    """Nothing else in the program gets a client, a resource or a session of its own."""
    makers = []
    for path in sorted((ROOT / "simulator").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Attribute) and node.attr in ("client", "resource", "create_client")
            if named and ast.unparse(node.value) in ("session", "boto3", "self._session", "core", "botocore"):
                makers.append((path.relative_to(ROOT).as_posix(), ast.unparse(node)))
    assert makers == [("simulator/sources/aws/session.py", "session.client")]


SIGNED = f"The request signature does not match.\n\nThe Canonical String was 'x-amz-security-token:{SECRETS[2]}'"


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("SignatureDoesNotMatch", SIGNED, "credentials"),
        ("ExpiredToken", f"{SECRETS[2]} is expired", "credentials"),
        ("InvalidAccessKeyId", f"{SECRETS[0]} does not exist", "credentials"),
        ("AccessDenied", f"refused; key {SECRETS[0]}, secret {SECRETS[1]}", "denied"),
        ("ThrottlingException", "Rate exceeded", "throttled"),
        ("NoSuchBucket", "gone", "missing"),
        ("SomethingNew", f"line\n{SECRETS[2]}", "failed"),
    ],
)
def test_messages_of_refusals_hold_no_secret(code, message, kind):
    failure = failure_of(ClientError({"Error": {"Code": code, "Message": message}}, "ListRoots"))
    assert failure.kind == kind
    assert "ListRoots" in failure.text
    assert not any(secret in failure.text for secret in SECRETS)
    assert str(failure.error())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EndpointConnectionError(endpoint_url="https://user:word@proxy.example/x"), "aws-unreachable"),
        (NoRegionError(), "aws-unreachable"),
        (ProfileNotFound(profile="x"), "aws-credentials"),
    ],
)
def test_other_errors(error, code):
    found = failure_of(error).error()
    assert found.code == code
    assert "word" not in found.message


def test_what_redaction_leaves():
    arn = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_R_0123456789abcdef"
    text = f"User: {arn} is not authorized to perform: s3:GetObject"
    assert redacted(text) == text
    assert len(redacted("x y " * 1000)) < 400
    assert redacted("") == ""


def test_boto3_is_not_imported_at_start():
    code = "import simulator.cli.simulate, simulator.cli.snapshot, sys; sys.exit('botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(ROOT), check=False).returncode == 0
