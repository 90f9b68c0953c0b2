"""CloudFormation templates: functions (tests/cases/cloudformation.yaml), places, targets, what takes no part."""

import json
from pathlib import Path

import pytest
import yaml

from simulator.errors import OrgsimError
from simulator.organization.proposal import apply, notes
from simulator.policy.diagnostic import PolicyError
from simulator.policy.document import PolicyType
from simulator.sources.proposals import read_proposal
from tests.unit.organization.small import SHOP, deny, organization, rcp

CASES = Path(__file__).parents[2] / "cases/cloudformation.yaml"
TEMPLATE = """\
Parameters:
  Bucket: {Type: String, Default: "arn:aws:s3:::default"}
  Buckets: {Type: CommaDelimitedList, Default: "arn:aws:s3:::a, arn:aws:s3:::b"}
  Open: {Type: String}
  Stage: {Type: String, AllowedValues: [test, live]}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /path}
Mappings:
  Stages:
    live: {Bucket: "arn:aws:s3:::live"}
    test: {Bucket: "arn:aws:s3:::test"}
Conditions:
  IsLive: !Equals [!Ref Stage, live]
  NotLive: !Not [!Condition IsLive]
  LiveAndDefault: !And [!Condition IsLive, !Equals [!Ref Bucket, "arn:aws:s3:::default"]]
  LiveOrTest: !Or [!Equals [!Ref Stage, test], Condition: IsLive]
  Circle: !Not [!Condition Circle]
Resources:
  Unrelated: {Type: "AWS::S3::Bucket", Properties: {Public: no, Name: !Base64 x}}
  Guard:
    Type: AWS::Organizations::Policy
    Properties:
      Name: guard
      Type: SERVICE_CONTROL_POLICY
      TargetIds: [r-a1b2]
      Content:
        Version: 2012-10-17
        Statement:
          Effect: Deny
          Action: s3:*
          Resource: RESOURCE
"""


def cases():
    """The cases, `resource` as the text that stands in the file."""
    text = CASES.read_text(encoding="utf-8")
    for node in yaml.compose(text).value[0][1].value:
        members = {key.value: value for key, value in node.value}
        resource = members.pop("resource")
        row = {key: yaml.SafeLoader("").construct_object(value, deep=True) for key, value in members.items()}
        written = text[resource.start_mark.index : resource.end_mark.index]
        yield pytest.param({**row, "resource": written}, id=row["name"])


def write(folder, text, name="template.yaml"):
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text, indent=1), encoding="utf-8")
    return path


@pytest.mark.parametrize("case", list(cases()))
def test_function(tmp_path, case):
    path = write(tmp_path, TEMPLATE.replace("RESOURCE", case["resource"]))
    if "error" not in case:
        proposal = read_proposal(path, parameters=case.get("given", ()))
        words = proposal.policies[0].document.statements[0].resources.words
        assert [word.value for word in words] == case["want"]
        return
    with pytest.raises(OrgsimError) as caught:
        read_proposal(path, parameters=case.get("given", ()))
    assert caught.value.code == case["error"]
    assert case.get("hint", "") in caught.value.hint
    assert (caught.value.file, bool(caught.value.line)) == (str(path), True)


def resource(content, policy_type="SERVICE_CONTROL_POLICY", **properties):
    body = {"Name": "guard", "Type": policy_type, "Content": content, "TargetIds": ["r-a1b2"], **properties}
    return {"Type": "AWS::Organizations::Policy", "Properties": body}


def template(resources, **more):
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources, **more}


# Places


def test_a_yaml_policy_has_the_lines_of_the_template(tmp_path):
    proposal = read_proposal(write(tmp_path, TEMPLATE.replace("RESOURCE", "'*'")))
    statement = proposal.policies[0].document.statements[0]
    assert TEMPLATE.splitlines()[statement.span.line - 1].strip() == "Effect: Deny"
    assert statement.actions.span.line == statement.span.line + 1


def test_a_json_policy_has_the_lines_of_the_template(tmp_path):
    path = write(tmp_path, template({"Guard": resource(deny())}), "t.json")
    line = read_proposal(path).policies[0].document.statements[0].span.line
    assert path.read_text().splitlines()[line].strip() == '"Sid": "No",'


@pytest.mark.parametrize("tag", ["", "!Sub "])
def test_a_policy_in_a_block_has_its_own_lines(tmp_path, tag):
    block = "\n".join(" " * 10 + line for line in json.dumps(deny(), indent=1).splitlines())
    text = TEMPLATE[: TEMPLATE.index("      Content:")] + f"      Content: {tag}|\n{block}\n"
    document = read_proposal(write(tmp_path, text)).policies[0].document
    span = document.statements[0].span
    line = text.splitlines()[span.line - 1]
    assert line[span.column - 1 :] == "{"
    assert '"Sid": "No"' in text.splitlines()[span.line]


def test_an_error_in_a_block_names_its_line(tmp_path):
    text = (
        TEMPLATE[: TEMPLATE.index("      Content:")]
        + '      Content: |\n        {\n          "Statement": [,]\n        }\n'
    )
    with pytest.raises(PolicyError) as caught:
        read_proposal(write(tmp_path, text))
    assert text.splitlines()[caught.value.line - 1].strip() == '"Statement": [,]'


def test_content_as_a_text_in_json(tmp_path):
    path = write(tmp_path, template({"Guard": resource(json.dumps(deny()))}), "t.json")
    document = read_proposal(path).policies[0].document
    assert document.statements[0].sid == "No"
    assert '"Content"' in path.read_text().splitlines()[document.statements[0].span.line - 1]


# What is proposed


def test_both_types_and_what_takes_no_part(tmp_path):
    resources = {
        "A": resource(deny()),
        "B": resource(rcp(), "RESOURCE_CONTROL_POLICY"),
        "C": resource({"tags": {}}, "TAG_POLICY"),
        "D": {"Type": "AWS::CloudFormation::Stack", "Properties": {}},
    }
    proposal = read_proposal(write(tmp_path, template(resources), "t.json"))
    assert [each.type for each in proposal.policies] == [PolicyType.SCP, PolicyType.RCP]
    assert any("1 policies of other types" in each for each in proposal.notes)
    assert any("D (AWS::CloudFormation::Stack) is not read" in each for each in proposal.notes)


def test_target_ids_are_all_targets(tmp_path):
    """A policy leaves the nodes that the template does not name."""
    proposal = read_proposal(
        write(tmp_path, template({"A": resource(deny(), Name="stay", TargetIds=[SHOP])}), "t.json")
    )
    after = apply(proposal, organization())
    assert "p-stay" not in after.root.scps
    assert "p-stay" in after.nodes[SHOP].scps
    assert any("attached to Root now" in each for each in notes(proposal, organization()))


def test_a_policy_without_targets_is_detached_everywhere(tmp_path):
    body = resource(deny(), Name="stay")
    del body["Properties"]["TargetIds"]
    after = apply(read_proposal(write(tmp_path, template({"A": body}), "t.json")), organization())
    assert after.attachments("p-stay") == ()


def test_a_false_condition_leaves_a_resource_out(tmp_path):
    resources = {"A": resource(deny()), "B": {**resource(deny(), Name="b"), "Condition": "Never"}}
    more = {"Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}}
    proposal = read_proposal(write(tmp_path, template(resources, **more), "t.json"))
    assert [each.name for each in proposal.policies] == ["guard"]
    assert any("B is left out" in each for each in proposal.notes)


def test_units_and_accounts_of_the_template(tmp_path):
    units = {
        "New": {
            "Type": "AWS::Organizations::OrganizationalUnit",
            "Properties": {"Name": "New", "ParentId": {"Ref": "Work"}},
        },
        "Work": {
            "Type": "AWS::Organizations::OrganizationalUnit",
            "Properties": {"Name": "Workloads", "ParentId": {"Fn::GetAtt": ["Org", "RootId"]}},
        },
        "Org": {"Type": "AWS::Organizations::Organization", "Properties": {}},
        "Loose": {
            "Type": "AWS::Organizations::Account",
            "Properties": {"AccountName": "loose", "Email": "x@example.com", "ParentIds": [{"Ref": "New"}]},
        },
        "Shop": {
            "Type": "AWS::Organizations::Account",
            "Properties": {"AccountName": "shop", "Email": "y@example.com", "ParentIds": ["ou-a1b2-wprd"]},
        },
    }
    guard = resource(deny(), TargetIds=[{"Ref": "New"}, {"Ref": "Work"}, {"Ref": "Shop"}])
    proposal = read_proposal(write(tmp_path, template({"Guard": guard, **units}), "t.json"))
    before = organization()
    after = apply(proposal, before)
    assert after.path("444444444444") == "Workloads/New"
    where = {after.full_path(node.id) for node in after.attachments("proposed:scp/guard")}
    assert where == {"Workloads/New", "Workloads", "Workloads/Prod/shop"}
    assert after.node("Workloads/New").scps[0] == "p-FullAWSAccess"
    assert "the unit `Workloads/New` is not in the snapshot and is taken as new" in notes(proposal, before)


def test_a_unit_cannot_be_taken_as_new_without_a_snapshot(tmp_path):
    """Else a policy would be attached to an empty unit and harm nobody."""
    from simulator.organization.tree import without_snapshot

    unit = {"Type": "AWS::Organizations::OrganizationalUnit", "Properties": {"Name": "Workloads", "ParentId": "Root"}}
    guard = resource(deny(), TargetIds=[{"Ref": "Work"}])
    proposal = read_proposal(write(tmp_path, template({"Guard": guard, "Work": unit}), "t.json"))
    with pytest.raises(OrgsimError) as caught:
        apply(proposal, without_snapshot())
    assert caught.value.code == "unknown-target"


@pytest.mark.parametrize(
    ("resources", "code"),
    [
        ({"A": {"Type": "AWS::S3::Bucket"}}, "proposal-empty"),
        ({"A": {"Properties": {}}}, "source-missing"),
        ({"A": resource(deny()), "Fn::ForEach::X": []}, "template-function"),
        ({"A": resource([])}, "policy-shape"),
        ({"A": resource(deny(), Name={"Ref": "AWS::NoValue"})}, "template-shape"),
    ],
)
def test_refused(tmp_path, resources, code):
    with pytest.raises(OrgsimError) as caught:
        read_proposal(write(tmp_path, template(resources), "t.json"))
    assert caught.value.code == code
    assert caught.value.file


# Hostile files


def bomb():
    lines = ["Resources: {A: {Type: 'AWS::Organizations::Policy', Properties: {Content: *l9}}}"]
    anchors = ["x0: &l0 [a, a]"] + [f"x{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join([*anchors, *lines])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (bomb(), "yaml-size"),
        ("x: &a [*a]\nResources: {A: {Type: 'AWS::Organizations::Policy'}}", "yaml-depth"),
        ("Resources: {A: {<<: {Type: 'AWS::Organizations::Policy'}}}", "yaml-merge"),
        ("Resources: {A: {Type: 'AWS::Organizations::Policy', Type: b}}", "yaml-duplicate-key"),
        ("Resources: {? [a] : {Type: 'AWS::Organizations::Policy'}}", "yaml-shape"),
        ("Resources: {A: !!python/object/apply:os.system {Type: 'AWS::Organizations::Policy'}}", "source-missing"),
    ],
)
def test_hostile_yaml(tmp_path, text, code):
    with pytest.raises(OrgsimError) as caught:
        read_proposal(write(tmp_path, text))
    assert caught.value.code == code
    assert caught.value.line


def test_functions_cannot_grow_without_end(tmp_path):
    text = TEMPLATE.replace("arn:aws:s3:::default", "x" * 60_000).replace(
        "RESOURCE", "!Sub '" + "${Bucket}" * 400 + "'"
    )
    with pytest.raises(OrgsimError) as caught:
        read_proposal(write(tmp_path, text))
    assert caught.value.code == "template-size"


# --parameters


@pytest.mark.parametrize("given", ["Bukket=x", "=x", "Bucket"])
def test_parameters_that_nothing_asks_for(tmp_path, given):
    with pytest.raises(OrgsimError) as caught:
        read_proposal(write(tmp_path, TEMPLATE.replace("RESOURCE", "!Ref Bucket")), parameters=[given])
    assert (caught.value.code, caught.value.status) == ("proposal-parameter", 2)
