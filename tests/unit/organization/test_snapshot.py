"""Snapshots: what is read, what is refused (with field and line), what is unknown, and the way back to text."""

import json
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.decision.facts import Membership
from simulator.errors import OrgsimError
from simulator.organization.snapshot import dump_organization, facts, parse_organization
from simulator.organization.tree import FULL_ACCESS, without_snapshot
from simulator.policy.diagnostic import PolicyError
from tests.unit.organization.small import (
    BANK,
    FULL,
    LOOSE,
    MANAGEMENT,
    RCP,
    SCP,
    SHOP,
    account,
    deny,
    organization,
    rcp,
    snapshot,
)

SCHEMA = json.loads(files("simulator.organization").joinpath("organization.schema.json").read_text(encoding="utf-8"))


def error_of(value):
    text = value if isinstance(value, str) else json.dumps(value, indent=1)
    with pytest.raises(OrgsimError) as caught:
        parse_organization(text, "org.json")
    assert caught.value.file == "org.json"
    return caught.value


def line_with(value, needle):
    lines = json.dumps(value, indent=1).splitlines()
    found = [number for number, line in enumerate(lines, 1) if needle in line]
    return found[-1]


def test_the_example_is_valid_by_the_shipped_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(snapshot(), SCHEMA)
    jsonschema.validate(json.loads(dump_organization(organization())), SCHEMA)


def test_the_full_access_policies_need_not_be_listed():
    org = organization()
    assert org.policies["p-FullAWSAccess"].document.statements[0].effect.value == "Allow"
    assert org.policies["p-RCPFullAWSAccess"].type is RCP


def test_policies_keep_their_place_in_the_snapshot_file():
    value = snapshot()
    org = organization()
    document = org.policies["p-vault"].document
    assert document.file == "org.json"
    assert document.statements[0].actions.words[0].span.line == line_with(value, "s3:DeleteBucket")
    assert json.loads(document.text) == value["policies"]["p-vault"]["document"]


def test_the_line_of_a_broken_policy_is_that_of_the_snapshot():
    value = snapshot()
    value["policies"]["p-stay"]["document"]["Statement"][0]["Effect"] = "deny"
    with pytest.raises(PolicyError) as caught:
        parse_organization(json.dumps(value, indent=1), "org.json")
    assert caught.value.line == line_with(value, '"deny"')


def test_unknown_fields_are_ignored_everywhere():
    value = snapshot(written_by={"tool": 1})
    value["root"]["colour"] = "blue"
    value["root"]["accounts"][0]["joined"] = 2020
    value["policies"]["p-stay"]["arn"] = None
    assert organization(**value).nodes == organization().nodes


def test_units_and_accounts_and_names_may_be_left_out():
    value = snapshot()
    del value["root"]["units"]
    del value["root"]["accounts"][1]["name"]
    org = organization(**value)
    assert org.chain(LOOSE)[-1].name == LOOSE


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"schema": "orgsim/organization/2"}, "snapshot-schema", "orgsim/organization/2"),
        ({"schema": 1}, "snapshot-schema", "a number"),
        ({"id": "r-1"}, "snapshot-shape", "id"),
        ({"management_account": 999999999999}, "snapshot-shape", "management_account"),
        ({"management_account": "99999999999"}, "snapshot-shape", "management_account"),
        ({"root": []}, "snapshot-shape", "root"),
        ({"policies": []}, "snapshot-shape", "policies"),
        ({"principal_tags": {"arn:x": {"team": 1}}}, "snapshot-shape", "principal_tags.arn:x.team"),
        ({"resource_accounts": {"bucket": "12"}}, "snapshot-shape", "resource_accounts.bucket"),
        ({"incomplete": ["children"]}, "snapshot-shape", "incomplete[0]"),
    ],
)
def test_wrong_shapes_name_the_field(change, code, field):
    value = snapshot(**change)
    error = error_of(value)
    assert error.code == code
    assert field in error.message
    assert error.line is not None
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, SCHEMA)


@pytest.mark.parametrize("field", ["schema", "id", "management_account", "root"])
def test_required_fields(field):
    value = snapshot()
    del value[field]
    error = error_of(value)
    assert f"`{field}`" in error.message
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, SCHEMA)


def test_an_account_without_policies_is_an_error_with_its_path_and_line():
    value = snapshot()
    del value["root"]["units"][0]["units"][0]["accounts"][1]["policies"]
    error = error_of(value)
    assert "root.units[0].units[0].accounts[1] has no `policies`" in error.message
    assert error.line == line_with(value, f'"id": "{BANK}"') - 1


def test_an_account_in_two_places():
    value = snapshot()
    value["root"]["units"][1]["accounts"].append(account(SHOP, "shop again"))
    error = error_of(value)
    assert error.code == "snapshot-duplicate"
    assert SHOP in error.message
    assert error.line == line_with(value, SHOP)


def test_a_unit_id_twice():
    value = snapshot()
    value["root"]["units"][1]["id"] = "ou-a1b2-work"
    assert error_of(value).code == "snapshot-duplicate"


def test_a_policy_attached_twice_to_one_node():
    value = snapshot()
    value["root"]["policies"].append("p-stay")
    assert error_of(value).code == "snapshot-duplicate"


def test_two_policies_of_one_type_and_name():
    value = snapshot()
    value["policies"]["p-other"] = {"name": "stay", "type": "SERVICE_CONTROL_POLICY", "document": deny()}
    assert error_of(value).code == "snapshot-duplicate"


def test_a_json_key_twice():
    assert error_of('{"schema": "orgsim/organization/1", "schema": "x"}').code == "duplicate-key"


def test_an_attached_policy_must_be_listed():
    value = snapshot()
    value["root"]["policies"].append("p-vaullt")
    error = error_of(value)
    assert (error.code, error.hint) == ("snapshot-unknown-policy", "did you mean `p-vault`?")
    assert error.line == line_with(value, "p-vaullt")


def test_an_unknown_policy_type_is_an_error_with_a_suggestion():
    value = snapshot()
    value["policies"]["p-stay"]["type"] = "SERVICE_CONTROL_POLCY"
    assert error_of(value).hint == "did you mean `SERVICE_CONTROL_POLICY`?"


def test_a_document_as_a_string_is_refused():
    value = snapshot()
    value["policies"]["p-stay"]["document"] = json.dumps(deny())
    assert "not a string" in error_of(value).hint


@pytest.mark.parametrize("text", ["", " \n", "\ufeff"])
def test_an_empty_file(text):
    assert error_of(text).code == "snapshot-empty"


def test_a_byte_order_mark_is_no_harm():
    assert parse_organization("\ufeff" + json.dumps(snapshot(), indent=1), "org.json") == organization()


def test_hostile_nesting_is_an_error():
    assert error_of('{"root":' * 5000).code == "json-depth"


# Policy types that are off


def test_a_policy_type_that_is_off_detaches_its_policies():
    org = organization(policy_types=["SERVICE_CONTROL_POLICY", "TAG_POLICY"])
    assert org.policy_types == {SCP}
    assert all(node.rcps == () for node in org.nodes.values())
    assert org.node("Root").scps == ("p-FullAWSAccess", "p-stay")


def test_scps_off():
    org = organization(policy_types=["RESOURCE_CONTROL_POLICY"])
    assert org.policy_types == {RCP}
    assert all(node.scps == () for node in org.nodes.values())
    assert org.gaps == frozenset()


def strip_scps(node):
    node["policies"] = [each for each in node["policies"] if each not in ("p-FullAWSAccess", "p-stay")]
    for child in (*node.get("units", ()), *node.get("accounts", ())):
        strip_scps(child)


def test_a_tree_without_any_scp_shows_that_scps_are_off():
    value = snapshot()
    strip_scps(value["root"])
    assert organization(**value).policy_types == {RCP}


def test_rcp_full_access_stands_even_where_it_is_not_listed():
    value = snapshot()
    value["root"]["accounts"][1]["policies"] = ["p-FullAWSAccess"]
    assert organization(**value).chain(LOOSE)[-1].rcps == ("p-RCPFullAWSAccess",)


# What the snapshot lacks


def test_a_node_without_scps_among_others_is_a_hole_not_a_denial():
    value = snapshot()
    value["root"]["accounts"][1]["policies"] = []
    org = organization(**value)
    assert not org.knows(LOOSE, SCP)
    assert org.knows(LOOSE, RCP)
    assert org.incomplete_nodes == {LOOSE}


@pytest.mark.parametrize(
    ("what", "scps", "rcps", "children"),
    [
        ("policies", False, False, False),
        ("SERVICE_CONTROL_POLICY", False, True, False),
        ("RESOURCE_CONTROL_POLICY", True, False, False),
        ("children", True, True, True),
        ("principal_tags", True, True, False),
        ("something a later version may lack", False, False, True),
    ],
)
def test_incomplete_says_what_is_unknown(what, scps, rcps, children):
    org = organization(incomplete=[{"what": what, "node": "ou-a1b2-work"}])
    assert org.knows("ou-a1b2-work", SCP) is scps
    assert org.knows("ou-a1b2-work", RCP) is rcps
    assert org.may_lack_accounts is children
    assert org.knows("ou-a1b2-labs", SCP)


def test_incomplete_without_a_node_means_everywhere():
    org = organization(incomplete=[{"what": "policies"}])
    assert not any(org.knows(node, SCP) for node in org.nodes)


def test_a_policy_whose_document_is_lacking_makes_its_nodes_unknown():
    value = snapshot(incomplete=[{"what": "document", "node": "p-vault"}])
    value["policies"]["p-vault"]["document"] = None
    org = organization(**value)
    assert not org.knows("ou-a1b2-wprd", RCP)
    assert org.knows("ou-a1b2-wprd", SCP)
    assert "p-vault" not in org.policies
    del value["incomplete"]
    assert error_of(value).code == "snapshot-shape" or error_of(value).code == "policy-shape"


# Facts


def test_facts_for_condition_keys():
    found = facts(
        organization(
            principal_tags={"arn:aws:iam::111111111111:role/a": {"team": "x"}},
            resource_accounts={"our-bucket": SHOP},
        )
    )
    assert found.organization_id == "o-smallorg01"
    assert found.org_paths[SHOP] == "o-smallorg01/r-a1b2/ou-a1b2-work/ou-a1b2-wprd/"
    assert found.principal_tags["arn:aws:iam::111111111111:role/a"] == {"team": "x"}
    assert found.resource_accounts == {"our-bucket": SHOP}
    assert found.membership(MANAGEMENT) is Membership.MEMBER
    assert found.membership("555555555555") is Membership.FOREIGN


def test_a_management_account_that_the_tree_leaves_out_is_ours():
    value = snapshot()
    del value["root"]["accounts"][0]
    org = organization(**value)
    assert facts(org).membership(MANAGEMENT) is Membership.MEMBER
    assert org.chain(MANAGEMENT)[-1].scps == ("p-FullAWSAccess",)


def test_facts_without_a_snapshot():
    found = facts(without_snapshot())
    assert found.assume_members
    assert found.organization_id is None
    assert found.membership("555555555555") is Membership.MEMBER


# The way back


def test_dump_and_parse_are_inverse():
    org = organization(
        principal_tags={"arn:b": {"z": "1", "a": "2"}, "arn:a": {}},
        resource_tags={"arn:c": {"k": "ö"}},
        resource_accounts={"bucket": SHOP},
        delegated_administrators=[{"account": SHOP, "services": ["guardduty.amazonaws.com"]}, BANK],
        incomplete=[{"what": "children", "node": "ou-a1b2-labs"}],
        policy_types=["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"],
    )
    text = dump_organization(org)
    again = parse_organization(text, "org.json")
    assert dump_organization(again) == text
    assert again.nodes == org.nodes
    assert (again.gaps, again.policy_types) == (org.gaps, org.policy_types)
    assert again.delegated_administrators == org.delegated_administrators
    assert {key: plain(each) for key, each in again.policies.items()} == {
        key: plain(each) for key, each in org.policies.items()
    }


def plain(policy):
    return policy.name, policy.type, json.loads(policy.document.text)


def test_numbers_keep_the_text_they_were_written_as():
    value = snapshot()
    text = json.dumps(value, indent=1).replace(
        '"Resource": "*"', '"Resource": "*", "Condition": {"NumericEquals": {"s3:max-keys": [1.10, 7, 1e400]}}', 1
    )
    dumped = dump_organization(parse_organization(text))
    assert '"1.10"' in dumped
    assert "\n              7,\n" in dumped or " 7," in dumped
    assert '"1e400"' in dumped


def test_the_assumed_organization_cannot_be_written():
    with pytest.raises(OrgsimError):
        dump_organization(without_snapshot())


names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
own_policies = st.dictionaries(
    st.sampled_from(["p-a", "p-b", "p-c", "p-d"]), st.tuples(st.sampled_from([SCP, RCP]), names), max_size=4
).filter(lambda rows: len(set(rows.values())) == len(rows))


@st.composite
def trees(draw):
    policies = draw(own_policies)
    numbers = iter(range(1, 100))

    def attached():
        own = draw(st.lists(st.sampled_from(sorted(policies)), unique=True)) if policies else []
        return [*FULL, *own]

    def unit(depth):
        number = next(numbers)
        return {
            "id": f"ou-{number}",
            "name": draw(names),
            "policies": attached(),
            "accounts": [member() for _ in range(draw(st.integers(0, 2)))],
            "units": [unit(depth + 1) for _ in range(draw(st.integers(0, 2)) if depth < 3 else 0)],
        }

    def member():
        return {"id": f"{next(numbers):012d}", "name": draw(names), "policies": attached()}

    return snapshot(
        root={"id": "r-1", "policies": attached(), "units": [unit(1)], "accounts": [member()]},
        policies={
            key: {"name": name, "type": kind.value, "document": deny(sid=key) if kind is SCP else rcp(sid=key)}
            for key, (kind, name) in policies.items()
        },
    )


@settings(max_examples=40)
@given(trees())
def test_every_tree_survives_the_round_trip(value):
    jsonschema.validate(value, SCHEMA)
    org = organization(**value)
    text = dump_organization(org)
    again = parse_organization(text)
    assert again.nodes == org.nodes
    assert dump_organization(again) == text


@settings(max_examples=40)
@given(trees())
def test_chains_and_paths_agree(value):
    org = organization(**value)
    for node in org.accounts:
        chain = org.chain(node.id)
        assert chain[0] is org.root
        assert chain[-1] is node
        assert all(below.parent == above.id for above, below in pairwise(chain))
        inner = [each.id for each in chain[:-1]]
        assert org.org_path(node.id) == "/".join(["o-smallorg01", *inner]) + "/"
        assert all(FULL_ACCESS[RCP] in each.rcps for each in chain)


# Robustness

values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 10**12) | st.sampled_from(["", "p-stay", SHOP, "o-smallorg01", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "policies", "what"]), inner),
    max_leaves=4,
)


def places(value, path=()):
    yield path
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in rows:
        yield from places(inner, (*path, key))


def with_value(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_value(copy[path[0]], path[1:], new)
    return copy


FULL_EXAMPLE = snapshot(
    principal_tags={"arn:a": {"k": "v"}},
    resource_tags={"arn:b": {"k": "v"}},
    resource_accounts={"bucket": SHOP},
    delegated_administrators=[{"account": SHOP, "services": ["x"]}],
    incomplete=[{"what": "children", "node": "r-a1b2"}],
    policy_types=["SERVICE_CONTROL_POLICY"],
)


@given(st.sampled_from(sorted(places(FULL_EXAMPLE), key=str)), values)
def test_whatever_stands_in_a_snapshot_is_read_or_refused_with_a_place(path, new):
    value = with_value(FULL_EXAMPLE, path, new)
    try:
        org = parse_organization(json.dumps(value, indent=1), "org.json")
    except OrgsimError as error:
        assert error.file == "org.json"
        assert error.line is not None
        return
    jsonschema.validate(value, SCHEMA)
    assert dump_organization(parse_organization(dump_organization(org))) == dump_organization(org)


def test_the_example_of_the_documentation_is_valid():
    page = Path(__file__).parents[3].joinpath("docs", "snapshot.md").read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]
    jsonschema.validate(json.loads(example), SCHEMA)
    org = parse_organization(example)
    assert org.path("111122223333") == "Workloads"
