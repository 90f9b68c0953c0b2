"""API calls as CloudTrail describes them, apart from who made them and when: one small builder per service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from storybook.world import BUCKET_OWNERS, BUCKET_REGIONS, FRANKFURT, GLOBAL, Json, digest

_DATA = "Data"


@dataclass(frozen=True, slots=True)
class Call:
    """One API call. ``owner`` is the account of the resource, ``None`` where that is simply the caller's own."""

    source: str
    name: str
    region: str = FRANKFURT
    parameters: Json | None = None
    resources: tuple[Json, ...] = ()
    owner: str | None = None
    read_only: bool = True
    category: str = "Management"
    response: Json | None = None
    additional: Json = field(default_factory=dict)
    host: str | None = None

    def without_parameters(self) -> Call:
        """The call as services log it that drop the parameters of denied requests."""
        return replace(self, parameters=None, resources=())

    def on(self, **parameters: object) -> Call:
        """The call with further request parameters."""
        return replace(self, parameters={**(self.parameters or {}), **parameters})


def resource(arn: str, kind: str | None, account: str | None = None) -> Json:
    """One entry of ``resources``."""
    entry: Json = {"ARN": arn}
    if account is not None:
        entry["accountId"] = account
    if kind is not None:
        entry["type"] = kind
    return entry


def read(source: str, name: str, region: str = FRANKFURT, /, **parameters: object) -> Call:
    """A reading management call without a named resource, such as ``read("ec2", "DescribeInstances")``."""
    return Call(source, name, region, parameters or None)


def write(
    source: str, name: str, region: str = FRANKFURT, response: Json | None = None, /, **parameters: object
) -> Call:
    """A changing management call."""
    return Call(source, name, region, parameters or None, read_only=False, response=response)


# --- s3 -----------------------------------------------------------------------------------------------------------


def _s3_traffic(read_only: bool, *labels: str) -> Json:
    """``additionalEventData`` of an S3 record; the byte counts only look alive."""
    size = int(digest("size", *labels)[:5], 16)
    return {
        "SignatureVersion": "SigV4",
        "CipherSuite": "TLS_AES_128_GCM_SHA256",
        "bytesTransferredIn": 0 if read_only else size,
        "AuthenticationMethod": "AuthHeader",
        "x-amz-id-2": digest("id-2", *labels)[:40] + "=",
        "bytesTransferredOut": size if read_only else 0,
    }


def _bucket_resource(bucket: str) -> Json:
    return resource(f"arn:aws:s3:::{bucket}", "AWS::S3::Bucket", BUCKET_OWNERS[bucket])


def s3_object(name: str, bucket: str, key: str, region: str | None = None, /, **headers: object) -> Call:
    """A data event on one object; ``headers`` are further request parameters (``versionId``, ``x-amz-acl``, …)."""
    reading = name.startswith(("Get", "Head"))
    region = region or BUCKET_REGIONS.get(bucket, FRANKFURT)
    host = f"{bucket}.s3.{region}.amazonaws.com"
    return Call(
        "s3",
        name,
        region,
        {"bucketName": bucket, "Host": host, "key": key, **headers},
        (resource(f"arn:aws:s3:::{bucket}/{key}", "AWS::S3::Object"), _bucket_resource(bucket)),
        BUCKET_OWNERS[bucket],
        reading,
        _DATA,
        additional=_s3_traffic(reading, name, bucket, key),
        host=host,
    )


def s3_listing(bucket: str, prefix: str = "") -> Call:
    """ListObjectsV2, which CloudTrail calls ListObjects."""
    host = f"{bucket}.s3.{FRANKFURT}.amazonaws.com"
    return Call(
        "s3",
        "ListObjects",
        FRANKFURT,
        {
            "list-type": "2",
            "bucketName": bucket,
            "encoding-type": "url",
            "prefix": prefix,
            "delimiter": "/",
            "Host": host,
        },
        ({"type": "AWS::S3::Object", "ARNPrefix": f"arn:aws:s3:::{bucket}/{prefix}"}, _bucket_resource(bucket)),
        BUCKET_OWNERS[bucket],
        True,
        _DATA,
        additional=_s3_traffic(True, "ListObjects", bucket, prefix),
        host=host,
    )


def s3_delete_many(bucket: str, keys: int) -> Call:
    """DeleteObjects: the keys are not in the record, S3 writes one event per key besides."""
    host = f"{bucket}.s3.{FRANKFURT}.amazonaws.com"
    return Call(
        "s3",
        "DeleteObjects",
        FRANKFURT,
        {"bucketName": bucket, "Host": host, "delete": ""},
        ({"type": "AWS::S3::Object", "ARNPrefix": f"arn:aws:s3:::{bucket}/"}, _bucket_resource(bucket)),
        BUCKET_OWNERS[bucket],
        False,
        _DATA,
        additional={**_s3_traffic(False, "DeleteObjects", bucket), "deletedObjectCount": keys},
        host=host,
    )


def s3_bucket(name: str, bucket: str, **parameters: object) -> Call:
    """A management event on a bucket."""
    reading = name.startswith(("Get", "Head", "List"))
    host = f"{bucket}.s3.{FRANKFURT}.amazonaws.com"
    return Call(
        "s3",
        name,
        FRANKFURT,
        {"bucketName": bucket, "Host": host, **parameters},
        (_bucket_resource(bucket),),
        BUCKET_OWNERS[bucket],
        reading,
        additional=_s3_traffic(reading, name, bucket),
        host=host,
    )


def s3_list_buckets() -> Call:
    """ListBuckets, the resource-less call of S3."""
    return Call(
        "s3",
        "ListBuckets",
        GLOBAL,
        {"Host": "s3.amazonaws.com"},
        additional=_s3_traffic(True, "ListBuckets"),
        host="s3.amazonaws.com",
    )


# --- keys, secrets, queues, tables --------------------------------------------------------------------------------


def kms(name: str, key: str, **parameters: object) -> Call:
    """A KMS call on a key given by its ARN; KMS events count as management events."""
    account, region = key.split(":")[4], key.split(":")[3]
    reading = name in {"Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey"}
    if name == "Decrypt":
        parameters = {"encryptionAlgorithm": "SYMMETRIC_DEFAULT", **parameters}
    else:
        parameters = {"keyId": key, **parameters}
    return Call("kms", name, region, dict(parameters), (resource(key, "AWS::KMS::Key", account),), account, reading)


def secret(name: str, account: str, secret_name: str, region: str = FRANKFURT) -> Call:
    """A Secrets Manager call on a secret, named by ARN."""
    arn = f"arn:aws:secretsmanager:{region}:{account}:secret:{secret_name}-{digest('secret', secret_name)[:6]}"
    reading = name.startswith(("Get", "Describe"))
    return Call("secretsmanager", name, region, {"secretId": arn}, (), account, reading)


def queue(name: str, account: str, queue_name: str, region: str = FRANKFURT, **parameters: object) -> Call:
    """A data event of an SQS queue."""
    arn = f"arn:aws:sqs:{region}:{account}:{queue_name}"
    url = f"https://sqs.{region}.amazonaws.com/{account}/{queue_name}"
    if name == "SendMessage":
        parameters = {"messageBody": "HIDDEN_DUE_TO_SECURITY_REASONS", **parameters}
    elif name == "ReceiveMessage":
        parameters = {"maxNumberOfMessages": 10, "waitTimeSeconds": 20, **parameters}
    return Call(
        "sqs",
        name,
        region,
        {"queueUrl": url, **parameters},
        (resource(arn, "AWS::SQS::Queue", account),),
        account,
        name == "ReceiveMessage",
        _DATA,
    )


def table(name: str, account: str, table_name: str, region: str = FRANKFURT, **parameters: object) -> Call:
    """A data event of a DynamoDB table; key values are redacted as DynamoDB does."""
    arn = f"arn:aws:dynamodb:{region}:{account}:table/{table_name}"
    if name in {"GetItem", "PutItem", "UpdateItem", "DeleteItem"}:
        parameters = {"key": {"id": {"S": "HIDDEN_DUE_TO_SECURITY_REASONS"}}, **parameters}
    return Call(
        "dynamodb",
        name,
        region,
        {"tableName": table_name, **parameters},
        (resource(arn, "AWS::DynamoDB::Table", account),),
        account,
        name in {"GetItem", "Query", "Scan", "BatchGetItem"},
        _DATA,
    )


# --- lambda, ec2, iam ---------------------------------------------------------------------------------------------


def invoke(account: str, function: str, region: str = FRANKFURT) -> Call:
    """A Lambda invocation (data event ``Invoke``, action lambda:InvokeFunction)."""
    arn = f"arn:aws:lambda:{region}:{account}:function:{function}"
    return Call(
        "lambda",
        "Invoke",
        region,
        {"functionName": arn, "invocationType": "Event"},
        (resource(arn, "AWS::Lambda::Function", account),),
        account,
        False,
        _DATA,
        additional={"functionVersion": f"{arn}:$LATEST"},
    )


def create_function(account: str, function: str, role: str, region: str) -> Call:
    """CreateFunction with an execution role, which also needs iam:PassRole."""
    parameters = {
        "functionName": function,
        "runtime": "python3.13",
        "role": role,
        "handler": "main.handle",
        "code": {"s3Bucket": "nordhaven-build-artifacts", "s3Key": f"{function}.zip"},
        "timeout": 30,
        "publish": False,
    }
    arn = f"arn:aws:lambda:{region}:{account}:function:{function}"
    response = {"functionName": function, "functionArn": arn, "role": role, "version": "$LATEST", "state": "Pending"}
    return write("lambda", "CreateFunction20150331", region, response, **parameters)


def update_function(function: str, region: str) -> Call:
    """New code for a function; the event name carries the date of the API and a version."""
    return write(
        "lambda",
        "UpdateFunctionCode20150331v2",
        region,
        functionName=function,
        s3Bucket="nordhaven-build-artifacts",
        s3Key=f"{function}.zip",
        publish=True,
        dryRun=False,
    )


def run_instances(
    instance_type: str,
    tokens: str | None,
    region: str = FRANKFURT,
    *,
    profile: str | None = None,
    tags: Sequence[tuple[str, str]] = (),
) -> Call:
    """A launch of one instance; ``tokens`` is the IMDS setting of the request, ``None`` where it says nothing."""
    parameters: Json = {
        "instancesSet": {"items": [{"imageId": "ami-0c0ffee0000000001", "minCount": 1, "maxCount": 1}]},
        "instanceType": instance_type,
        "blockDeviceMapping": {},
        "monitoring": {"enabled": False},
        "subnetId": "subnet-0c0ffee0000000002",
        "groupSet": {"items": [{"groupId": "sg-0c0ffee0000000003"}]},
        "disableApiTermination": False,
        "clientToken": f"{digest('launch', instance_type, str(tokens), region)[:8]}-launch",
    }
    if tokens is not None:
        parameters["metadataOptions"] = {"httpTokens": tokens, "httpPutResponseHopLimit": 2}
    if profile is not None:
        parameters["iamInstanceProfile"] = {"arn": profile}
    if tags:
        parameters["tagSpecificationSet"] = {
            "items": [{"resourceType": "instance", "tags": [{"key": key, "value": value} for key, value in tags]}]
        }
    return Call("ec2", "RunInstances", region, parameters, read_only=False)


def create_user(name: str, account: str) -> Call:
    """iam:CreateUser."""
    response = {"user": {"path": "/", "userName": name, "arn": f"arn:aws:iam::{account}:user/{name}"}}
    return write("iam", "CreateUser", GLOBAL, response, userName=name)


def create_access_key(user: str | None) -> Call:
    """iam:CreateAccessKey; ``None`` for one's own, which the record shows as no parameters at all."""
    call = write("iam", "CreateAccessKey", GLOBAL)
    return call if user is None else call.on(userName=user)
