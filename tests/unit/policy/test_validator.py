"""The validator beyond the examples of the rules' pages: what must not be reported, borders, and test vector 29."""

import json

import pytest

from simulator.iam.catalog import Catalog
from simulator.policy.diagnostic import PolicyError, Severity
from simulator.policy.document import PolicyType
from simulator.policy.json_text import parse_json
from simulator.policy.parser import parse_policy, parse_policy_node
from simulator.policy.validator import RULES, validate
from tests.reference.cases import load, policy_text

CATALOG = Catalog()
SCP, RCP = PolicyType.SCP, PolicyType.RCP


def found(statement, policy_type=SCP, version="2012-10-17"):
    """The rule ids for a policy of one statement, sorted; `Effect` is Deny and `Resource` is `*` unless given."""
    statement = {"Effect": "Deny", **statement}
    if "Resource" not in statement and "NotResource" not in statement:
        statement["Resource"] = "*"
    if policy_type is RCP:
        statement.setdefault("Principal", "*")
    text = json.dumps({"Version": version, "Statement": [statement]})
    return sorted(each.rule for each in validate(parse_policy(text), policy_type, CATALOG))


def with_condition(condition, action="s3:*", policy_type=SCP, **more):
    return found({"Action": action, "Condition": condition, **more}, policy_type)


@pytest.mark.parametrize("case", load("validate.yaml"), ids=lambda case: case["id"])
def test_cases(case):
    try:
        diagnostics = validate(parse_policy(policy_text(case)), PolicyType(case["type"]), CATALOG)
    except PolicyError as error:
        diagnostics = error.diagnostics
    errors = [each for each in diagnostics if each.severity is Severity.ERROR]
    assert bool(errors) == (case["expect"] == "error"), errors


# Sizes


def sized(characters, spaces=0):
    start = '{"Version":"2012-10-17","Statement":[{"Sid":"'
    end = '","Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}'
    return start + "A" * (characters - len(start) - len(end)) + end + " " * spaces


@pytest.mark.parametrize(
    ("characters", "spaces", "expected"),
    [
        (10240, 0, []),
        (10241, 0, ["policy-too-large"]),
        (10200, 40, []),
        (10200, 41, ["policy-too-large-as-written"]),
        (10241, 500, ["policy-too-large"]),
    ],
)
def test_scp_size(characters, spaces, expected):
    assert [each.rule for each in validate(parse_policy(sized(characters, spaces)), SCP, CATALOG)] == expected


def test_while_the_type_is_unknown_the_larger_quota_counts():
    assert validate(parse_policy(sized(10240)), None, CATALOG) == ()
    assert [each.rule for each in validate(parse_policy(sized(10241)), None, CATALOG)] == ["policy-too-large"]


def test_of_a_policy_far_too_large_only_the_size_is_said():
    actions = [f"s3:Get{number}*" for number in range(20000)]
    text = json.dumps({"Statement": {"Effect": "Deny", "Action": actions, "Resource": "nowhere"}})
    assert [each.rule for each in validate(parse_policy(text), SCP, CATALOG)] == ["policy-too-large"]


# The type


def test_unknown_type_leaves_out_the_rules_of_one_type():
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    document = parse_policy(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    assert validate(document, None, CATALOG) == ()
    assert {each.rule for each in validate(document, RCP, CATALOG)} == {"rcp-effect", "rcp-every-action"}
    assert {each.rule for each in validate(document, SCP, CATALOG)} == {"scp-principal"}


@pytest.mark.parametrize("principal", [{"AWS": "*"}, ["*"], "111122223333", {"Service": "ec2.amazonaws.com"}])
def test_rcp_principal_is_exactly_a_star(principal):
    assert found({"Principal": principal, "Action": "s3:*"}, RCP) == ["rcp-principal"]


def test_rcp_without_principal():
    text = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}'
    assert [each.rule for each in validate(parse_policy(text), RCP, CATALOG)] == ["rcp-principal"]


def test_every_supported_service_may_stand_in_an_rcp():
    assert found({"Action": [f"{name}:*" for name in sorted(CATALOG.rcp_services)]}, RCP) == []


def test_rcp_service_is_read_without_case():
    assert found({"Action": "S3:GetObject"}, RCP) == []
    assert found({"Action": "SNS:Publish"}, RCP) == ["rcp-unsupported-service"]


# Actions


@pytest.mark.parametrize("action", ["*", "*:*", "s3:*", "S3:getobject", "s3:Get?bject", "iam:*AccessKey*"])
def test_actions_that_are_fine(action):
    condition = {"StringEquals": {"aws:PrincipalTag/team": "x"}}
    assert found({"Action": action, "Condition": condition}) == []


def test_actions_of_notaction_are_checked_too():
    assert found({"NotAction": ["iam:*", "ima:*", "s3:Fetch*"]}) == ["action-matches-nothing", "unknown-service"]


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["s3:Get*", "s3:GetObject"], ["redundant-action"]),
        (["s3:getobject", "s3:GetObject"], ["redundant-action"]),
        (["*", "s3:GetObject"], ["redundant-action"]),
        (["s3:GetObject*", "s3:GetO*"], ["redundant-action"]),
        (["s3:GetObject", "s3:GetObjectAcl"], []),
        (["s3:Get*Acl", "s3:GetObject*"], []),
    ],
)
def test_redundant_actions(actions, expected):
    condition = {"StringEquals": {"aws:PrincipalTag/team": "x"}}
    assert found({"Action": actions, "Condition": condition}) == expected


# Resources


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:s3:::*",
        "arn:*:s3:::bucket",
        "arn:aws:s3:::bucket*",
        "arn:aws:s3:::${aws:PrincipalTag/bucket}",
        "arn:aws:s3*",
    ],
)
def test_resources_that_are_fine(resource):
    assert found({"Action": "s3:PutBucketPolicy", "Resource": resource}) == []


@pytest.mark.parametrize(
    ("action", "resource", "expected"),
    [
        ("s3:GetObject", "arn:aws:s3:::bucket", ["action-without-resource"]),
        ("s3:GetObject", "arn:aws:s3:::bucket/*", []),
        ("s3:GetObject", "arn:aws:s3:::bucket*", []),
        ("s3:ListAllMyBuckets", "arn:aws:s3:::*", []),
        ("s3:ListAllMyBuckets", "arn:aws:s3:::bucket", ["action-without-resource"]),
        ("ec2:DescribeInstances", "arn:aws:ec2:*:*:instance/*", ["action-without-resource"]),
        ("iam:CreateRole", "arn:aws:iam::*:role/ops-*", []),
        ("iam:CreateRole", "arn:aws:iam:eu-west-1:*:role/ops-*", ["action-without-resource"]),
        ("kms:Decrypt", "arn:aws:kms:*:111122223333:key/*", []),
        ("ssm:*", "arn:aws:ssm:*:*:parameter/platform/*", []),
        ("logs:*", "arn:aws:logs:*:*:log-group:platform:*", []),
        ("sts:AssumeRole", "arn:aws:iam::*:role/x", []),
    ],
)
def test_actions_meet_resources(action, resource, expected):
    assert found({"Action": action, "Resource": resource}) == expected


def test_unknown_actions_do_not_make_resources_suspicious():
    resources = ["arn:aws:s3:::bucket", "arn:aws:sqs:*:*:queue"]
    assert found({"Action": ["s3:DeleteBucket", "sqs:Levitate"], "Resource": resources}) == ["unknown-action"]


def test_notresource_next_to_its_objects_or_without_object_actions():
    assert found({"Action": "s3:PutBucketPolicy", "NotResource": "arn:aws:s3:::b"}) == []
    assert found({"Action": "s3:PutObject", "NotResource": ["arn:aws:s3:::b", "arn:aws:s3:::b/public/*"]}) == []


# Placeholders


@pytest.mark.parametrize(
    "text",
    [
        "${ACCEL_LOOKUP::VPC:main}",
        "${AWS::AccountId}",
        "${account}",
        "{account-id}",
        "${var.account_id}",
        "$${account}",
        "<account>",
        "{{ account }}",
        "{{resolve:ssm:account}}",
        "[[account]]",
        "[ACCOUNT_ID]",
        "%ACCOUNT%",
        "YOUR_ACCOUNT",
        "REPLACE_ME",
        "CHANGEME",
        "DEFINE_YOUR_ORG_ID_HERE",
        "o-xxxxxxxxxx",
        "vpc-XXXXXXXX",
    ],
)
def test_placeholders(text):
    assert found({"Action": "s3:*", "Resource": f"arn:aws:s3:::{text}"}) == ["placeholder"]


@pytest.mark.parametrize(
    "text",
    [
        "${aws:username}",
        "${aws:PrincipalTag/team, 'x'}",
        "${saml:sub}",
        "${*}",
        "100%",
        "o-x1x2x3",
        "a<b",
        "TODOS",
        "X",
    ],
)
def test_texts_that_are_no_placeholders(text):
    assert with_condition({"StringLike": {"aws:PrincipalTag/team": text}}) == []


# Condition values


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"NumericLessThan": {"s3:TlsVersion": 1.2}}, []),
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, []),
        ({"NumericLessThan": {"s3:TlsVersion": "v1.2"}}, ["condition-value"]),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, []),
        ({"DateGreaterThan": {"aws:CurrentTime": 1767225600}}, []),
        ({"DateGreaterThan": {"aws:CurrentTime": "January"}}, ["condition-value"]),
        ({"Bool": {"aws:SecureTransport": False}}, []),
        ({"Bool": {"aws:SecureTransport": "FALSE"}}, []),
        ({"Bool": {"aws:SecureTransport": "no"}}, ["condition-value"]),
        ({"Null": {"aws:SourceVpce": "yes"}}, ["condition-value"]),
        ({"IpAddress": {"aws:SourceIp": ["203.0.113.7", "2001:db8::/32"]}}, []),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/33"}}, ["condition-value"]),
        ({"IpAddress": {"aws:SourceIp": "192.168.0.0/16"}}, ["source-ip-private"]),
        ({"IpAddress": {"aws:SourceIp": "fd00::/8"}}, ["source-ip-private"]),
        ({"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}}, []),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, []),
        ({"StringEquals": {"aws:PrincipalTag/team": "a?c"}}, ["wildcard-in-equals"]),
        ({"StringEquals": {"aws:PrincipalTag/team": "a${?}c"}}, []),
        ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, []),
        ({"ArnEquals": {"aws:PrincipalArn": "*"}}, ["condition-arn"]),
        ({"BoolIfExists": {"aws:SecureTransport": ["true", "false"]}}, ["several-booleans"]),
    ],
)
def test_condition_values(condition, expected):
    assert with_condition(condition) == expected


def test_a_star_is_the_value_that_lambda_principal_holds():
    condition = {"StringEquals": {"lambda:Principal": "*"}}
    assert with_condition(condition, action="lambda:AddPermission") == []


# Condition keys and operators


@pytest.mark.parametrize(
    "key",
    [
        "token.actions.githubusercontent.com:sub",
        "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud",
        "accounts.google.com:aud",
        "saml:aud",
        "SAML:aud",
        "lambda:SourceFunctionArn",
        "AWS:principalorgid",
        "aws:PrincipalIsAwsService",
    ],
)
def test_keys_that_exist(key):
    condition = {"Bool": {key: "true"}} if "IsAws" in key else {"StringEquals": {key: "o-exampleorg1"}}
    assert with_condition(condition, action="sts:AssumeRole") == []


@pytest.mark.parametrize("key", ["aws:PrincipalOrg", "s3:TLSversions", "nosuch:Key"])
def test_keys_that_do_not_exist(key):
    assert with_condition({"StringEquals": {key: "x"}}) == ["unknown-key"]


@pytest.mark.parametrize(
    ("condition", "action", "expected"),
    [
        ({"StringEquals": {"ec2:InstanceType": "x"}}, "ec2:RunInstances", []),
        ({"StringEquals": {"ec2:InstanceType": "x"}}, "ec2:*", []),
        ({"StringEquals": {"ec2:InstanceType": "x"}}, "s3:*", ["key-not-supplied"]),
        ({"StringEquals": {"ec2:InstanceType": "x"}}, "*", []),
        ({"StringEquals": {"aws:RequestTag/a": "x"}}, "ec2:TerminateInstances", ["key-not-supplied"]),
        ({"StringEquals": {"aws:ResourceTag/a": "x"}}, "ec2:TerminateInstances", []),
        ({"StringEquals": {"aws:ResourceTag/a": "x"}}, "sts:AssumeRole", []),
        ({"StringNotEquals": {"aws:ResourceTag/a": "x"}}, ["sts:AssumeRole", "sts:GetFederationToken"], []),
        ({"StringEquals": {"rds:StorageEncrypted": "x"}}, "rds:CreateDBInstance", []),
        ({"NumericLessThan": {"ec2:RoleDelivery": "2"}}, "s3:*", []),
    ],
)
def test_keys_and_the_actions_that_carry_them(condition, action, expected):
    assert with_condition(condition, action=action) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"StringLike": {"aws:PrincipalArn": "arn:*"}}, []),
        ({"ArnLike": {"aws:PrincipalOrgID": "arn:aws:a:b:c:d"}}, ["operator-type"]),
        ({"StringEquals": {"aws:SourceIp": "203.0.113.7"}}, ["operator-type"]),
        ({"NumericLessThan": {"aws:EpochTime": "1767225600"}}, []),
        ({"StringEquals": {"aws:SecureTransport": "false"}}, []),
        ({"Null": {"aws:SourceIp": "true"}}, []),
        ({"ForAllValues:StringNotEquals": {"aws:CalledVia": "athena.amazonaws.com"}}, []),
        ({"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}}, []),
        ({"StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}}, ["set-operator-missing"]),
        ({"Null": {"aws:CalledVia": "true"}}, []),
    ],
)
def test_operators_and_types(condition, expected):
    assert with_condition(condition) == expected


def test_vacuous_for_all_values_of_an_allow():
    condition = {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}
    assert with_condition(condition, action="ec2:CreateTags", Effect="Allow") == ["for-all-values-vacuous"]


@pytest.mark.parametrize(
    ("key", "operator", "good", "bad"),
    [
        (
            "aws:PrincipalOrgID",
            "StringEquals",
            ["o-exampleorg1", "${aws:ResourceOrgID}"],
            ["o-x", "exampleorg1", "O-EXAMPLEORG1"],
        ),
        ("aws:ResourceAccount", "StringEquals", ["111122223333"], ["11122223333", "1111222233334", "1111-2222-3333"]),
        ("aws:PrincipalAccount", "StringLike", ["1111*", "anonymous"], ["x"]),
        (
            "aws:RequestedRegion",
            "StringEquals",
            ["eu-west-1", "us-gov-east-1", "eusc-de-east-1"],
            ["eu-west1", "Frankfurt"],
        ),
        ("aws:SourceVpce", "StringEquals", ["vpce-0a1b2c3d"], ["vpc-0a1b2c3d"]),
    ],
)
def test_value_forms(key, operator, good, bad):
    guard = {"Null": {"aws:SourceAccount": "true"}}
    for value in good:
        assert with_condition({operator: {key: value}, **guard}, policy_type=RCP) == []
    for value in bad:
        assert with_condition({operator: {key: value}, **guard}, policy_type=RCP) == ["value-form"]


@pytest.mark.parametrize(
    ("path", "fine"),
    [
        ("o-exampleorg1/r-ab12/ou-ab12-11111111/", True),
        ("o-exampleorg1/r-ab12/ou-ab12-11111111/*", True),
        ("o-exampleorg1/r-ab12/ou-ab12-111*", True),
        ("o-exampleorg1/*/ou-ab12-11111111/*", True),
        ("*/ou-ab12-11111111/*", True),
        ("o-exampleorg1/*", True),
        ("o-exampleorg1/r-ab12/ou-ab12-11111111", False),
        ("o-exampleorg1", False),
        ("ou-ab12-11111111/*", False),
    ],
)
def test_organization_paths(path, fine):
    condition = {"ForAnyValue:StringLike": {"aws:ResourceOrgPaths": path}}
    assert with_condition(condition) == ([] if fine else ["value-form"])


def test_star_beside_arns():
    condition = {"StringEquals": {"aws:PrincipalTag/team": "x"}}
    resources = ["arn:aws:s3:::a/*", "*", "arn:aws:s3:::a/*"]
    statement = {"Action": "s3:PutObject", "Resource": resources, "Condition": condition}
    assert found(statement) == ["redundant-resource", "redundant-resource"]


@pytest.mark.parametrize(
    ("other", "contradiction"),
    [
        ({"StringEquals": {"aws:sourcevpc": "vpc-0a1b2c3d"}}, True),
        ({"StringNotEquals": {"aws:SourceVpc": "vpc-0a1b2c3d"}, "Bool": {"aws:ViaAWSService": "false"}}, False),
        ({"StringEquals": {"aws:SourceVpce": "vpce-0a1b2c3d"}}, False),
    ],
)
def test_contradicting_conditions(other, contradiction):
    rules = with_condition({"Null": {"aws:SourceVpc": "true"}, **other})
    assert ("contradicting-conditions" in rules) is contradiction


def test_empty_conditions_are_found_where_they_stand():
    text = """{"Version": "2012-10-17", "Statement": [
  {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {}},
  {"Effect": "Deny", "Action": "sqs:*", "Resource": "*",
   "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {}}}]}"""
    diagnostics = validate(parse_policy(text), SCP, CATALOG)
    assert [(each.rule, each.span.line, each.span.column) for each in diagnostics] == [
        ("empty-condition", 2, 70),
        ("empty-condition", 4, 76),
    ]


def test_empty_conditions_of_a_policy_inside_a_larger_file():
    statement = '{"Effect": "Deny", "Action": "s3:*",\n "Resource": "*", "Condition": {}}'
    policy = f'{{"Version": "2012-10-17", "Statement": {statement}}}'
    file = f'{{"policies":\n   [{policy}]}}'
    node = parse_json(file).values[0][1].values[0]
    document = parse_policy_node(node, policy, "snapshot.json")
    (diagnostic,) = validate(document, SCP, CATALOG)
    lines = file.split("\n")
    assert (diagnostic.rule, diagnostic.file) == ("empty-condition", "snapshot.json")
    assert lines[diagnostic.span.line - 1][diagnostic.span.column - 1 :].startswith("{}")


@pytest.mark.parametrize(
    ("condition", "rules"),
    [
        ({"ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/x", "arn:aws:iam::*:root"]}}, ["denies-assume-root"]),
        ({"StringLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "Bool": {"aws:AssumedRoot": "false"}}, []),
        ({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}, []),
    ],
)
def test_root_users(condition, rules):
    assert with_condition(condition) == rules
    assert with_condition(condition, policy_type=RCP) == []


def test_sign_in_calls_are_out_of_the_reach_of_scps_only():
    assert found({"Action": "sts:AssumeRoleWithSAML"}) == ["uncontrollable-action"]
    assert found({"Action": "sts:AssumeRoleWithSAML"}, RCP) == []
    assert found({"Action": "kms:RetireGrant"}) == []
    assert found({"Action": "kms:RetireGrant"}, RCP) == ["uncontrollable-action"]
    assert found({"NotAction": "sts:GetCallerIdentity"}) == []


# Several resources in one call


@pytest.mark.parametrize(
    ("resource", "condition", "expected"),
    [
        ("*", {"StringNotEquals": {"ec2:InstanceType": "t3.micro"}}, ["key-on-some-resources"]),
        ("arn:aws:ec2:*:*:*", {"StringNotEquals": {"ec2:InstanceType": "t3.micro"}}, ["key-on-some-resources"]),
        ("arn:aws:ec2:*:*:instance/*", {"StringNotEquals": {"ec2:InstanceType": "t3.micro"}}, []),
        ("*", {"StringEquals": {"ec2:InstanceType": "t3.micro"}}, []),
        ("*", {"StringEqualsIfExists": {"ec2:InstanceType": "t3.micro"}}, ["key-on-some-resources"]),
        ("*", {"StringNotEquals": {"ec2:Region": "eu-west-1"}}, []),
        ("*", {"StringNotLike": {"aws:RequestTag/a": "x*"}, "Null": {"aws:RequestTag/a": "false"}}, []),
    ],
)
def test_run_instances(resource, condition, expected):
    assert with_condition(condition, action="ec2:RunInstances", Resource=resource) == expected


# Callers that lack a key


def test_a_perimeter_that_thinks_of_everyone():
    condition = {
        "NotIpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"},
        "StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-0a1b2c3d4e5f60718", "aws:PrincipalTag/exempt": "true"},
        "BoolIfExists": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": "false"},
    }
    assert with_condition(condition) == []
    assert with_condition(condition, policy_type=RCP) == []


def test_a_perimeter_that_thinks_of_nobody():
    condition = {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    hits = ["denies-forward-access", "denies-service-roles", "denies-vpc-endpoints"]
    assert with_condition(condition) == hits
    assert with_condition(condition, policy_type=RCP) == ["denies-aws-services", *hits]


@pytest.mark.parametrize(
    ("action", "condition", "expected"),
    [
        ("sts:*", {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorg1"}}, True),
        ("sts:AssumeRole*", {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}, True),
        ("sts:AssumeRoleWithSAML", {"StringNotEquals": {"aws:PrincipalTag/a": "x"}}, True),
        ("sts:AssumeRole", {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}, False),
        ("sts:*", {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}, False),
        (
            "sts:*",
            {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}, "Null": {"aws:PrincipalOrgID": "false"}},
            False,
        ),
    ],
)
def test_federated_sign_in(action, condition, expected):
    assert ("denies-federated-sign-in" in with_condition(condition, action=action, policy_type=RCP)) is expected
    assert "denies-federated-sign-in" not in with_condition(condition, action=action)


def test_unconditional_denials_are_meant():
    assert found({"Action": "sts:*"}, RCP) == []


@pytest.mark.parametrize(
    ("statement", "services"),
    [
        ({"NotAction": "iam:*"}, True),
        ({"Action": "iam:*"}, True),
        ({"Action": "ec2:*"}, False),
        ({"Action": ["iam:CreateRole"]}, False),
    ],
)
def test_region_guardrails(statement, services):
    outside = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1"]}}
    assert found({**statement, "Condition": outside}) == (["region-without-global-services"] if services else [])
    with_home = {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}}
    assert found({**statement, "Condition": with_home}) == []
    china = {"StringNotEquals": {"aws:RequestedRegion": ["cn-north-1"]}}
    assert found({**statement, "Condition": china}) == []


def test_region_guardrail_by_allow():
    statement = {"Effect": "Allow", "Action": "*", "Condition": {"StringLike": {"aws:RequestedRegion": "eu-*"}}}
    assert found(statement) == ["region-without-global-services"]
    statement["Condition"] = {"StringLike": {"aws:RequestedRegion": ["eu-*", "us-*"]}}
    assert found(statement) == []


# Places


def test_findings_come_in_the_order_of_their_places_and_name_the_file():
    text = '{\n "Statement": [\n  {"Effect": "Deny", "Action": ["s3:Foo",\n "x:Y"], "Resource": "b"}\n ]}'
    diagnostics = validate(parse_policy(text, "a.json"), SCP, CATALOG)
    assert [str(each).partition(": ")[0] for each in diagnostics] == [
        "a.json:1:1",
        "a.json:3:33",
        "a.json:4:2",
        "a.json:4:22",
    ]
    assert [each.rule for each in diagnostics] == [
        "missing-version",
        "unknown-action",
        "unknown-service",
        "resource-form",
    ]
    assert all(each.severity is RULES[each.rule].severity for each in diagnostics)
