"""The kinds of records of the benchmark's trail, as templates.

`<name>` is filled in once per role, account and region; `%(name)s` anew for every record: `eid`, `rid` (ids), `time`,
`net` (source address and endpoint), `day`, `session`, `akid` (access key id), `key` (32 hexadecimal digits), `issued`
(the access key id that an AssumeRole gives), `error`.
"""

import json
from typing import Any, Final

from benchmarks.world import ACCOUNTS, Role, bucket, key_arn

Json = dict[str, Any]

_AGENTS: Final = {
    "app": "Boto3/1.40.11 md/Botocore#1.40.11 os/linux#6.8.0 lang/python#3.12.9",
    "function": "aws-sdk-java/2.31.0 Linux/5.10.240 exec-env/AWS_Lambda_java21",
    "batch": "aws-cli/1.38.2 os/linux#6.1.0 lang/python#3.11.12",
    "deploy": "HashiCorp/1.0 Terraform/1.12.2 aws-sdk-go-v2/1.36.5",
    "node": "aws-sdk-go/1.55.5 (go1.23.4; linux; arm64) amazon-vpc-cni-k8s",
    "person": "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
    "audit": "Boto3/1.40.11 md/Botocore#1.40.11 os/linux#6.8.0 lang/python#3.12.9",
    "linked": "autoscaling.amazonaws.com",
}

SESSIONS: Final = {
    "function": "<role>-%(session)s",
    "node": "i-0%(session).16s",
    "person": "user-%(session).7s@example.com",
    "linked": "AutoScaling",
}
"""The form of session names by job; the others have 32 hexadecimal digits."""

JOBS: Final[dict[str, dict[str, float]]] = {
    "app": {
        "get-object": 22, "put-object": 8, "copy-object": 1, "list-objects": 4, "decrypt": 16, "data-key": 5,
        "query": 9, "get-item": 6, "send-message": 7, "secret": 5, "parameter": 3, "invoke": 4, "assume": 4,
    },
    "function": {"get-object": 12, "query": 14, "put-item": 8, "decrypt": 10, "log-stream": 8, "send-message": 8},
    "batch": {
        "get-object": 14, "put-object": 9, "decrypt": 14, "get-item": 8, "send-message": 4, "parameter": 4,
        "assume": 3, "secret": 3, "scan": 2,
    },
    "deploy": {
        "assume": 8, "images": 8, "instances": 12, "groups": 6, "run": 2, "create-role": 1, "roles": 4,
        "update-function": 2, "caller": 6, "put-object": 6, "bucket-policy": 2, "put-bucket-policy": 1,
    },
    "node": {"images": 10, "instances": 14, "groups": 4, "caller": 4, "create-tags": 2},
    "person": {
        "instances": 10, "groups": 5, "roles": 6, "buckets": 5, "secret": 1, "alarms": 6, "delete-bucket": 0.2,
    },
    "audit": {"roles": 6, "instances": 6, "buckets": 4, "bucket-policy": 8, "groups": 6, "alarms": 3},
    "linked": {"run": 3, "instances": 6},
}  # fmt: skip
"""What each kind of role does, and how often."""

GLOBAL: Final = frozenset({"roles", "create-role", "caller"})
"""Kinds that only us-east-1 has (IAM; STS's global endpoint)."""

SERVICE_CALLS: Final = {"service-assume": 3, "service-decrypt": 2, "service-invoke": 1}
"""What AWS services do of themselves in an account."""


def template(kind: str, role: Role | None, account: str, region: str, number: int) -> str:
    """One kind of record of one role (`None`: an AWS service), ready for `%` with the values of a record.

    `number` picks among the account's buckets, keys and other things, so that roles differ in what they use.
    """
    service, name, parameters, more = _CALLS[kind]
    caller = _SERVICES.get(kind) or ("autoscaling.amazonaws.com" if role is not None and role.job == "linked" else None)
    is_data = kind in _DATA
    record: Json = {
        "eventVersion": "1.11",
        "userIdentity": _identity(role, caller),
        "eventTime": "%(time)s",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "<region>",
        "sourceIPAddress": caller or "%(net)s",
        "userAgent": caller or _AGENTS[role.job if role is not None else "app"],
        "error": "",
        "requestParameters": parameters,
        "responseElements": None,
        "requestID": "%(rid)s",
        "eventID": "%(eid)s",
        "readOnly": name.startswith(("Get", "List", "Describe", "Query", "Scan", "BatchGet", "Decrypt")),
        **more,
        "eventType": "AwsApiCall",
        "managementEvent": not is_data,
        "recipientAccountId": "<account>",
        "eventCategory": "Data" if is_data else "Management",
    }
    if caller is None:
        host = "<bucket>.s3.<region>.amazonaws.com" if service == "s3" else f"{service}.<region>.amazonaws.com"
        record["tlsDetails"] = {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host,
        }
    text = json.dumps(record, separators=(",", ":"))
    text = text.replace('"error":"",', "%(error)s").replace('"sourceIPAddress":"%(net)s"', "%(net)s")
    name = role.name if role is not None else ""
    for token, value in {
        "<session>": SESSIONS.get(role.job, "%(session)s") if role is not None else "",
        "<role>": name,
        "<path>": role.path if role is not None else "",
        "<role-id>": f"AROA{account[-4:]}{sum(name.encode()) % 10000:04d}BENCHMARK",
        "<account>": account,
        "<region>": region,
        "<bucket>": bucket(account, number % 4),
        "<key-arn>": key_arn(account, region, number % 4),
        "<number>": str(number % 4),
        "<other>": ACCOUNTS[(int(account[-2:]) + 1) % len(ACCOUNTS)],
    }.items():
        text = text.replace(token, value)
    return text


def _identity(role: Role | None, caller: str | None) -> Json:
    if role is None:
        return {"type": "AWSService", "invokedBy": caller}
    return {
        "type": "AssumedRole",
        "principalId": "<role-id>:<session>",
        "arn": "arn:aws:sts::<account>:assumed-role/<role>/<session>",
        "accountId": "<account>",
        "accessKeyId": "%(akid)s",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "<role-id>",
                "arn": "arn:aws:iam::<account>:role<path><role>",
                "accountId": "<account>",
                "userName": "<role>",
            },
            "attributes": {"creationDate": "2026-09-01T00:00:00Z", "mfaAuthenticated": "false"},
        },
        **({"invokedBy": caller} if caller else {}),
    }


def _resource(arn: str, kind: str, owner: str = "<account>") -> Json:
    return {"ARN": arn, "accountId": owner, "type": kind}


_OBJECT: Final = {"bucketName": "<bucket>", "Host": "<bucket>.s3.<region>.amazonaws.com", "key": "%(day)s/%(key)s.json"}
_BUCKET: Final = {"bucketName": "<bucket>", "Host": "<bucket>.s3.<region>.amazonaws.com"}
_S3_BUCKET: Final = _resource("arn:aws:s3:::<bucket>", "AWS::S3::Bucket")
_S3_OBJECT: Final = {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::<bucket>/%(day)s/%(key)s.json"}
_S3_DETAILS: Final = {
    "SignatureVersion": "SigV4",
    "CipherSuite": "TLS_AES_128_GCM_SHA256",
    "bytesTransferredIn": 0,
    "AuthenticationMethod": "AuthHeader",
    "x-amz-id-2": "%(rid)s=",
    "bytesTransferredOut": 426726,
}
_OF_OBJECT: Final = {"additionalEventData": _S3_DETAILS, "resources": [_S3_OBJECT, _S3_BUCKET]}
_OF_BUCKET: Final = {"additionalEventData": _S3_DETAILS, "resources": [_S3_BUCKET]}
_OF_KEY: Final = {"resources": [_resource("<key-arn>", "AWS::KMS::Key")]}
_OF_TABLE: Final = {
    "resources": [_resource("arn:aws:dynamodb:<region>:<account>:table/ledger-<number>", "AWS::DynamoDB::Table")]
}
_OF_QUEUE: Final = {"resources": [_resource("arn:aws:sqs:<region>:<account>:work-<number>", "AWS::SQS::Queue")]}
_FUNCTION: Final = "arn:aws:lambda:<region>:<account>:function:handler-<number>"
_OF_FUNCTION: Final = {"resources": [_resource(_FUNCTION, "AWS::Lambda::Function")]}
_TABLE: Final = {"tableName": "ledger-<number>"}
_NOTHING: Final[Json] = {}


def _assumed(owner: str) -> tuple[Json, Json]:
    """Parameters and further members of an AssumeRole of a role in the account `owner`."""
    role = f"arn:aws:iam::{owner}:role/platform/deploy-<number>"
    parameters = {
        "roleArn": role,
        "roleSessionName": "%(key)s",
        "durationSeconds": 3600,
        "tags": [{"key": "team", "value": "team-<number>"}],
    }
    more = {
        "responseElements": {
            "credentials": {
                "accessKeyId": "%(issued)s",
                "sessionToken": "EXAMPLE-NOT-A-TOKEN",
                "expiration": "Sep 1, 2026, 10:02:00 PM",
            },
            "assumedRoleUser": {
                "assumedRoleId": "AROABENCHMARK:%(key)s",
                "arn": f"arn:aws:sts::{owner}:assumed-role/deploy-<number>/%(key)s",
            },
        },
        "resources": [_resource(role, "AWS::IAM::Role", owner)],
    }
    return parameters, more


_CALLS: Final[dict[str, tuple[str, str, Json | None, Json]]] = {
    # kind: service, event name, parameters, further members
    "get-object": ("s3", "GetObject", _OBJECT, _OF_OBJECT),
    "put-object": ("s3", "PutObject", _OBJECT, _OF_OBJECT),
    "copy-object": ("s3", "CopyObject", _OBJECT | {"x-amz-copy-source": "<bucket>/from/%(rid)s"}, _OF_OBJECT),
    "list-objects": ("s3", "ListObjects", _BUCKET | {"list-type": "2", "prefix": "%(day)s/"}, _OF_BUCKET),
    "buckets": ("s3", "ListBuckets", {"Host": "s3.<region>.amazonaws.com"}, {"additionalEventData": _S3_DETAILS}),
    "bucket-policy": ("s3", "GetBucketPolicy", _BUCKET | {"policy": ""}, _OF_BUCKET),
    "put-bucket-policy": ("s3", "PutBucketPolicy", _BUCKET | {"policy": ""}, _OF_BUCKET),
    "delete-bucket": ("s3", "DeleteBucket", _BUCKET, _OF_BUCKET),
    "decrypt": (
        "kms",
        "Decrypt",
        {
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "encryptionContext": {"aws:s3:arn": "arn:aws:s3:::<bucket>/%(day)s/%(key)s.json"},
        },
        _OF_KEY,
    ),
    "data-key": ("kms", "GenerateDataKey", {"keySpec": "AES_256", "keyId": "<key-arn>"}, _OF_KEY),
    "query": ("dynamodb", "Query", _TABLE, _OF_TABLE),
    "scan": ("dynamodb", "Scan", _TABLE, _OF_TABLE),
    "get-item": ("dynamodb", "GetItem", _TABLE | {"key": {"id": "HIDDEN_DUE_TO_SECURITY_REASONS"}}, _OF_TABLE),
    "put-item": ("dynamodb", "PutItem", _TABLE | {"key": {"id": "HIDDEN_DUE_TO_SECURITY_REASONS"}}, _OF_TABLE),
    "send-message": (
        "sqs",
        "SendMessage",
        {
            "queueUrl": "https://sqs.<region>.amazonaws.com/<account>/work-<number>",
            "messageBody": "HIDDEN_DUE_TO_SECURITY_REASONS",
        },
        _OF_QUEUE,
    ),
    "secret": ("secretsmanager", "GetSecretValue", {"secretId": "prod/db-<number>"}, _NOTHING),
    "parameter": ("ssm", "GetParameter", {"name": "/bench/settings/<number>", "withDecryption": True}, _NOTHING),
    "invoke": ("lambda", "Invoke", {"functionName": _FUNCTION, "invocationType": "Event"}, _OF_FUNCTION),
    "update-function": ("lambda", "UpdateFunctionCode20150331v2", {"functionName": "handler-<number>"}, _NOTHING),
    "log-stream": (
        "logs",
        "CreateLogStream",
        {"logGroupName": "/aws/lambda/handler-<number>", "logStreamName": "%(day)s/[$LATEST]%(key)s"},
        _NOTHING,
    ),
    "images": (
        "ecr",
        "BatchGetImage",
        {"repositoryName": "app-<number>", "imageIds": [{"imageTag": "main"}]},
        _NOTHING,
    ),
    "instances": ("ec2", "DescribeInstances", {"instancesSet": {}, "filterSet": {}, "maxResults": 1000}, _NOTHING),
    "groups": ("ec2", "DescribeSecurityGroups", {"securityGroupSet": {}, "filterSet": {}}, _NOTHING),
    "create-tags": (
        "ec2",
        "CreateTags",
        {
            "resourcesSet": {"items": [{"resourceId": "i-0%(key).16s"}]},
            "tagSet": {"items": [{"key": "owner", "value": "team-<number>"}]},
        },
        _NOTHING,
    ),
    "run": (
        "ec2",
        "RunInstances",
        {
            "instancesSet": {"items": [{"imageId": "ami-0c0ffee0000000001", "minCount": 1, "maxCount": 1}]},
            "instanceType": "t3.small",
            "monitoring": {"enabled": False},
            "subnetId": "subnet-0c0ffee0000000002",
            "groupSet": {"items": [{"groupId": "sg-0c0ffee0000000003"}]},
            "clientToken": "%(rid)s",
            "tagSpecificationSet": {
                "items": [{"resourceType": "instance", "tags": [{"key": "team", "value": "team-<number>"}]}]
            },
        },
        _NOTHING,
    ),
    "roles": ("iam", "ListRoles", {"maxItems": 100}, _NOTHING),
    "create-role": (
        "iam",
        "CreateRole",
        {"roleName": "made-%(key)s", "path": "/", "tags": [{"key": "owner", "value": "bench"}]},
        _NOTHING,
    ),
    "alarms": ("monitoring", "DescribeAlarms", {"maxRecords": 100}, _NOTHING),
    "caller": ("sts", "GetCallerIdentity", None, _NOTHING),
    "assume": ("sts", "AssumeRole", *_assumed("<other>")),
    "service-assume": ("sts", "AssumeRole", *_assumed("<account>")),
    "service-decrypt": ("kms", "Decrypt", {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}, _OF_KEY),
    "service-invoke": ("lambda", "Invoke", {"functionName": _FUNCTION, "invocationType": "Event"}, _OF_FUNCTION),
}
_DATA: Final = frozenset(
    {"get-object", "put-object", "copy-object", "query", "scan", "get-item", "put-item", "send-message", "invoke"}
)
_SERVICES: Final = {
    "service-assume": "ec2.amazonaws.com",
    "service-decrypt": "dynamodb.amazonaws.com",
    "service-invoke": "events.amazonaws.com",
}
