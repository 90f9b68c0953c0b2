"""What is asked for: patterns that must mean something, and what Deny statements name."""

import json

import pytest

from simulator.errors import ExitStatus, OrgsimError
from simulator.policy.parser import parse_policy
from simulator.replay.restrictions import of_pattern, of_policy, unknown_words
from tests.unit.replay.world import CATALOG


def policy(*statements):
    full = [{"Effect": "Deny", "Resource": "*", **each} for each in statements]
    return parse_policy(json.dumps({"Version": "2012-10-17", "Statement": full}), "p.json")


@pytest.mark.parametrize("pattern", ["*", "s3:*", "S3:put*", "s3:PutObject", "*:Create*", "ec2:Run?nstances", "s?:*"])
def test_patterns_that_take_in_a_known_action(pattern):
    assert of_pattern(pattern, CATALOG).words == (pattern,)


@pytest.mark.parametrize(
    ("pattern", "said", "hint"),
    [
        ("s3:PutObjct", "matches no known action of `s3`", "did you mean `s3:PutObject`?"),
        ("S3:putobjct*", "matches no known action of `S3`", "did you mean `s3:PutObject`?"),
        ("s3:Frobnicate*", "matches no known action of `s3`", "Service Authorization Reference"),
        ("dynamdb:PutItem", "no service prefix `dynamdb`", "did you mean `dynamodb:PutItem`?"),
        ("qqqqqqq:Get", "no service prefix `qqqqqqq`", "Service Authorization Reference"),
        ("*:Frobnicate", "matches no known action", "Service Authorization Reference"),
        ("PutObject", "is not an action pattern", "`service:Action`"),
        ("s3:", "is not an action pattern", "`service:Action`"),
        (":PutObject", "is not an action pattern", "`service:Action`"),
        ("", "is not an action pattern", "`service:Action`"),
        ("s3:Put:Object", "matches no known action of `s3`", "did you mean `s3:PutObject`?"),
    ],
)
def test_a_pattern_that_takes_in_nothing_is_an_error_with_a_hint(pattern, said, hint):
    with pytest.raises(OrgsimError) as caught:
        of_pattern(pattern, CATALOG)
    assert (caught.value.code, caught.value.status) == ("unknown-action-pattern", ExitStatus.USAGE)
    assert said in caught.value.message
    assert hint in caught.value.hint


def test_each_deny_statement_of_a_policy_is_asked_for():
    found = of_policy(
        policy(
            {"Sid": "One", "Action": "s3:Put*"},
            {"Effect": "Allow", "Action": "s3:Get*"},
            {"NotAction": ["iam:*", "sts:*"], "Condition": {"Bool": {"aws:ViaAWSService": "false"}}},
            {"Action": ["kms:*"], "Resource": "arn:aws:kms:*:*:key/x"},
        )
    )
    assert [(each.name, each.words, each.negated, each.conditional) for each in found] == [
        ("One", ("s3:Put*",), False, False),
        ("statement 3", ("iam:*", "sts:*"), True, True),
        ("statement 4", ("kms:*",), False, True),
    ]
    assert {each.file for each in found} == {"p.json"}
    one, rest, _ = (each.matcher() for each in found)
    assert (one("s3:putobject"), one("s3:getobject")) == (True, False)
    assert (rest("ec2:runinstances"), rest("iam:listroles")) == (True, False)


def test_an_allow_list_is_refused_for_it_names_what_it_does_not_deny():
    with pytest.raises(OrgsimError) as caught:
        of_policy(policy({"Effect": "Allow", "Action": "s3:Get*"}))
    assert (caught.value.code, caught.value.file) == ("no-deny-statement", "p.json")


def test_words_of_a_policy_that_take_in_nothing_are_told():
    [restriction] = of_policy(policy({"Action": ["s3:PutObject", "s3:PutObjct", "*"]}))
    assert list(unknown_words(restriction, CATALOG)) == [
        "`s3:PutObjct` matches no known action of `s3`; did you mean `s3:PutObject`?"
    ]
