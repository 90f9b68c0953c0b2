"""What records teach about the resources that others name less fully."""

from typing import Any

import msgspec

from simulator.cloudtrail.learned import learned_accounts
from simulator.cloudtrail.record import Record

ACCOUNT = "111111111111"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/app"


def learn(**fragment: Any) -> dict[str, str]:
    return learned_accounts(msgspec.json.decode(msgspec.json.encode(fragment), type=Record))


def test_the_session_issuer_teaches_the_path_of_the_role() -> None:
    identity = {"type": "AssumedRole", "accountId": ACCOUNT, "sessionContext": {"sessionIssuer": {"arn": ROLE}}}
    assert learn(userIdentity=identity) == {ROLE: ACCOUNT}


def test_a_session_arn_teaches_nothing() -> None:
    identity = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/app/session"}
    assert learn(userIdentity=identity) == {}


def test_the_answer_of_create_role_teaches_the_role() -> None:
    assert learn(responseElements={"role": {"arn": ROLE, "roleName": "app"}}) == {ROLE: ACCOUNT}


def test_a_request_teaches_only_if_it_succeeded() -> None:
    assert learn(requestParameters={"roleArn": ROLE}) == {ROLE: ACCOUNT}
    assert learn(requestParameters={"roleArn": ROLE}, errorCode="AccessDenied") == {}


def test_secrets_are_learned_with_their_suffix() -> None:
    secret = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:db/prod-a1B2c3"
    assert learn(responseElements={"aRN": secret}) == {secret: ACCOUNT}


def test_a_request_may_have_left_out_the_suffix_of_a_secret() -> None:
    maybe_cut = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:db/prod-agquim"
    assert learn(requestParameters={"secretId": maybe_cut}) == {}
    assert learn(responseElements={"aRN": maybe_cut}) == {maybe_cut: ACCOUNT}


def test_bucket_owners_are_learned_from_resources() -> None:
    resources = [
        {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::logs/key"},
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::logs", "accountId": "222222222222"},
    ]
    assert learn(resources=resources) == {"logs": "222222222222"}


def test_the_owners_copy_teaches_the_owner() -> None:
    copy = {"userIdentity": {"type": "AWSAccount", "accountId": "222222222222"}, "recipientAccountId": ACCOUNT}
    assert learn(resources=[{"ARN": "arn:aws:s3:::logs"}], **copy) == {"logs": ACCOUNT}


def test_a_bucket_of_unknown_owner_is_not_learned() -> None:
    caller = {"userIdentity": {"type": "IAMUser", "accountId": ACCOUNT}, "recipientAccountId": ACCOUNT}
    assert learn(resources=[{"ARN": "arn:aws:s3:::logs"}], requestParameters={"bucketName": "x"}, **caller) == {}
