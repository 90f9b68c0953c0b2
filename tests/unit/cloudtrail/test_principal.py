"""`userIdentity` read as a principal: every documented type, and what real logs leave out."""

import json
from typing import Any

import msgspec
import pytest

from simulator.cloudtrail.principal import partition_of, principal_of, session_name_of
from simulator.cloudtrail.record import Record
from simulator.decision.request import UNKNOWN, Principal, PrincipalKind

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/ops"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/deploy-7"
SLR = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"


def record(identity: dict[str, Any] | None, **fields: Any) -> Record:
    document = {"eventType": "AwsApiCall", "awsRegion": "eu-west-1", **fields}
    if identity is not None:
        document["userIdentity"] = identity
    return msgspec.json.decode(json.dumps(document), type=Record)


def issued_by(arn: str | None, **issuer: Any) -> dict[str, Any]:
    return {"sessionIssuer": {"type": "Role", "arn": arn, **issuer}}


CASES: dict[str, tuple[dict[str, Any] | None, Principal]] = {
    "assumed role": (
        {"type": "AssumedRole", "arn": SESSION, "accountId": ACCOUNT, "sessionContext": issued_by(ROLE)},
        Principal(PrincipalKind.ROLE, ROLE, ACCOUNT),
    ),
    "role with a persistent identity": (
        {"type": "Role", "arn": ROLE, "accountId": ACCOUNT},
        Principal(PrincipalKind.ROLE, ROLE, ACCOUNT),
    ),
    "service-linked role": (
        {"type": "AssumedRole", "accountId": ACCOUNT, "sessionContext": issued_by(SLR)},
        Principal(PrincipalKind.ROLE, SLR, ACCOUNT, service_linked=True),
    ),
    "role without an issuer": (
        {"type": "AssumedRole", "arn": SESSION, "accountId": ACCOUNT},
        Principal(PrincipalKind.ROLE, None, ACCOUNT),
    ),
    "role without an issuer, named like a service-linked one": (
        {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForRDS/s"},
        Principal(PrincipalKind.ROLE, None, ACCOUNT, service_linked=UNKNOWN),
    ),
    "role of which nothing is known": (
        {"type": "AssumedRole", "userName": "x"},
        Principal(PrincipalKind.ROLE, service_linked=UNKNOWN),
    ),
    "role with an anonymised issuer": (
        {"type": "AssumedRole", "arn": SESSION, "sessionContext": issued_by("...")},
        Principal(PrincipalKind.ROLE, None, ACCOUNT),
    ),
    "issuer known by name only": (
        {"type": "AssumedRole", "accountId": ACCOUNT, "sessionContext": issued_by(None, userName="ops")},
        Principal(PrincipalKind.ROLE, None, ACCOUNT),
    ),
    "account of the issuer": (
        {"type": "AssumedRole", "sessionContext": issued_by(None, userName="ops", accountId=ACCOUNT)},
        Principal(PrincipalKind.ROLE, None, ACCOUNT),
    ),
    "identity center role without an issuer keeps no path": (
        {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_01/alice"},
        Principal(PrincipalKind.ROLE, None, ACCOUNT),
    ),
    "EC2's own role has no path to lose": (
        {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/aws:ec2-infrastructure/i-0abc"},
        Principal(PrincipalKind.ROLE, f"arn:aws:iam::{ACCOUNT}:role/aws:ec2-infrastructure", ACCOUNT),
    ),
    "user": (
        {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/people/alice", "accountId": ACCOUNT},
        Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/people/alice", ACCOUNT),
    ),
    "user without an arn": (
        {"type": "IAMUser", "userName": "alice", "accountId": ACCOUNT},
        Principal(PrincipalKind.USER, None, ACCOUNT),
    ),
    "user without an account": (
        {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/alice"},
        Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT),
    ),
    "root": (
        {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
        Principal(PrincipalKind.ROOT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT),
    ),
    "root by account": (
        {"type": "Root", "accountId": ACCOUNT},
        Principal(PrincipalKind.ROOT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT),
    ),
    "root without anything": ({"type": "Root", "userName": "root"}, Principal(PrincipalKind.ROOT)),
    "federated user": (
        {
            "type": "FederatedUser",
            "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
            "accountId": ACCOUNT,
            "sessionContext": issued_by(f"arn:aws:iam::{ACCOUNT}:user/broker", type="IAMUser"),
        },
        Principal(PrincipalKind.FEDERATED_USER, f"arn:aws:sts::{ACCOUNT}:federated-user/bob", ACCOUNT),
    ),
    "service": (
        {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"},
        Principal(PrincipalKind.AWS_SERVICE, name="lambda.amazonaws.com"),
    ),
    "service in its own account is nobody's account": (
        {"type": "AWSService", "invokedBy": "lambda.amazonaws.com", "accountId": ACCOUNT},
        Principal(PrincipalKind.AWS_SERVICE, name="lambda.amazonaws.com"),
    ),
    "unnamed service": ({"type": "AWSService"}, Principal(PrincipalKind.AWS_SERVICE)),
    "foreign caller in the owner's copy": (
        {"type": "AWSAccount", "accountId": "999988887777", "principalId": "AROAEXAMPLE:x"},
        Principal(PrincipalKind.ACCOUNT, account="999988887777"),
    ),
    "account with an arn": (
        {"type": "AWSAccount", "accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/alice"},
        Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT),
    ),
    "anonymous": (
        {"type": "AWSAccount", "accountId": "anonymous", "principalId": ""},
        Principal(PrincipalKind.ANONYMOUS),
    ),
    "anonymous of old": (
        {"type": "AWSAccount", "accountId": "ANONYMOUS_PRINCIPAL"},
        Principal(PrincipalKind.ANONYMOUS),
    ),
    "SAML": (
        {"type": "SAMLUser", "identityProvider": "hash=", "userName": "alice"},
        Principal(PrincipalKind.FEDERATED, name="hash="),
    ),
    "web identity": (
        {"type": "WebIdentityUser", "identityProvider": "cognito-identity.amazonaws.com", "userName": "x"},
        Principal(PrincipalKind.FEDERATED, name="cognito-identity.amazonaws.com"),
    ),
    "identity center": (
        {"type": "IdentityCenterUser", "accountId": ACCOUNT, "arn": "", "onBehalfOf": {"userId": "u"}},
        Principal(PrincipalKind.IDENTITY_CENTER, account=ACCOUNT),
    ),
    "Unknown with a session": (
        {"type": "Unknown", "arn": SESSION, "accountId": ACCOUNT},
        Principal(PrincipalKind.ROLE, None, ACCOUNT),
    ),
    "Unknown with an issuer": (
        {"type": "Unknown", "arn": SESSION, "sessionContext": issued_by(ROLE)},
        Principal(PrincipalKind.ROLE, ROLE, ACCOUNT),
    ),
    "Unknown without an arn": (
        {"type": "Unknown", "accountId": ACCOUNT},
        Principal(PrincipalKind.UNKNOWN, account=ACCOUNT),
    ),
    "Directory": ({"type": "Directory", "accountId": ACCOUNT}, Principal(PrincipalKind.UNKNOWN, account=ACCOUNT)),
    "a type not yet invented": (
        {"type": "Robot", "arn": f"arn:aws:iam::{ACCOUNT}:root"},
        Principal(PrincipalKind.ROOT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT),
    ),
    "no type but an arn": (
        {"arn": f"arn:aws:iam::{ACCOUNT}:user/alice"},
        Principal(PrincipalKind.USER, f"arn:aws:iam::{ACCOUNT}:user/alice", ACCOUNT),
    ),
    "account and invokedBy alone": (
        {"accountId": ACCOUNT, "invokedBy": "secretsmanager.amazonaws.com"},
        Principal(PrincipalKind.UNKNOWN, account=ACCOUNT, name="secretsmanager.amazonaws.com"),
    ),
    "garbage": ({"type": "...", "arn": "...", "accountId": "<account>"}, Principal(PrincipalKind.UNKNOWN)),
    "empty": ({}, Principal(PrincipalKind.UNKNOWN)),
    "nothing": (None, Principal(PrincipalKind.UNKNOWN)),
}


@pytest.mark.parametrize(("identity", "expected"), CASES.values(), ids=CASES)
def test_principal(identity: dict[str, Any] | None, expected: Principal) -> None:
    assert principal_of(record(identity)) == expected


def test_service_event_without_a_type_is_the_service() -> None:
    identity = {"accountId": ACCOUNT, "invokedBy": "secretsmanager.amazonaws.com"}
    found = principal_of(record(identity, eventType="AwsServiceEvent"))
    assert found == Principal(PrincipalKind.AWS_SERVICE, name="secretsmanager.amazonaws.com")


def test_service_named_by_its_address_only() -> None:
    found = principal_of(record({"type": "AWSService"}, sourceIPAddress="config.amazonaws.com"))
    assert found.name == "config.amazonaws.com"


def test_root_of_another_partition() -> None:
    found = principal_of(record({"type": "Root", "accountId": ACCOUNT}, awsRegion="us-gov-west-1"))
    assert found.arn == f"arn:aws-us-gov:iam::{ACCOUNT}:root"


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ({"type": "AssumedRole", "arn": SESSION}, "deploy-7"),
        ({"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/a/b"}, "a/b"),
        ({"type": "AssumedRole", "principalId": "AROAEXAMPLE:deploy-7"}, "deploy-7"),
        ({"type": "AWSAccount", "principalId": "AROAEXAMPLE:vendor"}, "vendor"),
        ({"type": "FederatedUser", "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob"}, "bob"),
        ({"type": "FederatedUser", "principalId": f"{ACCOUNT}:bob"}, "bob"),
        ({"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/alice", "principalId": "AIDAEXAMPLE"}, None),
        ({"type": "SAMLUser", "principalId": "hash=:alice"}, None),
        ({"type": "Root", "principalId": ACCOUNT}, None),
        ({}, None),
        (None, None),
    ],
)
def test_session_name(identity: dict[str, Any] | None, name: str | None) -> None:
    assert session_name_of(record(identity)) == name


@pytest.mark.parametrize(
    ("identity", "region", "partition"),
    [
        ({"arn": "arn:aws-cn:iam::111122223333:user/a"}, "eu-west-1", "aws-cn"),
        ({"sessionContext": issued_by("arn:aws-us-gov:iam::111122223333:role/a")}, None, "aws-us-gov"),
        (None, "us-isob-east-1", "aws-iso-b"),
        (None, "us-iso-east-1", "aws-iso"),
        (None, "cn-north-1", "aws-cn"),
        (None, "eu-west-1", "aws"),
        (None, None, None),
    ],
)
def test_partition(identity: dict[str, Any] | None, region: str | None, partition: str | None) -> None:
    assert partition_of(record(identity, awsRegion=region)) == partition
