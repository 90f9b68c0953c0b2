"""Printing a policy: faithful, canonical, and compact when every character counts."""

import json

import pytest

from simulator.policy.parser import parse_policy
from simulator.policy.printer import print_policy
from simulator.policy.quotas import policy_size

POLICY = """
{"Statement": [{"Resource": "*", "Action": ["s3:GetObject"], "Effect": "Deny", "Sid": "One",
  "Condition": {"Bool": {"aws:SecureTransport": false}, "NumericLessThan": {"s3:TlsVersion": [1.20, "1.3"]},
    "stringEquals": {"aws:PrincipalTag/caf\\u00e9": []}}}],
 "Id": "x", "Version": "2012-10-17"}
"""


def test_pretty():
    assert (
        print_policy(parse_policy(POLICY))
        == """\
{
  "Version": "2012-10-17",
  "Id": "x",
  "Statement": [
    {
      "Sid": "One",
      "Effect": "Deny",
      "Action": ["s3:GetObject"],
      "Resource": "*",
      "Condition": {
        "Bool": {
          "aws:SecureTransport": false
        },
        "NumericLessThan": {
          "s3:TlsVersion": [
            1.20,
            "1.3"
          ]
        },
        "stringEquals": {
          "aws:PrincipalTag/café": []
        }
      }
    }
  ]
}
"""
    )


def test_compact():
    assert print_policy(parse_policy(POLICY), compact=True) == (
        '{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"One","Effect":"Deny","Action":["s3:GetObject"],'
        '"Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false},'
        '"NumericLessThan":{"s3:TlsVersion":[1.20,"1.3"]},"stringEquals":{"aws:PrincipalTag/café":[]}}}]}'
    )


@pytest.mark.parametrize(
    "principal",
    ['"*"', '{"AWS": ["*", "111122223333"]}', "1" * 5000, "1e999", '{"a b": " : , "}'],
)
def test_principal_stays_as_written(principal):
    text = f'{{"Statement": {{"Effect": "Deny", "Principal": {principal}, "Action": "s3:*", "Resource": "*"}}}}'
    document = parse_policy(text)
    for printed in (print_policy(document), print_policy(document, compact=True)):
        assert parse_policy(printed).statements[0].principal.text == document.statements[0].principal.text


def test_one_statement_stays_an_object():
    text = '{"Statement":{"Effect":"Deny","NotAction":"s3:*","NotResource":["arn:aws:s3:::b"]}}'
    assert print_policy(parse_policy(text), compact=True) == text


def test_lone_surrogates_and_controls_stay_escapes():
    text = '{"Statement":{"Sid":"a\\ud800\\u0007\\u202e\\"","Effect":"Deny","Action":"s3:*","Resource":"*"}}'
    printed = print_policy(parse_policy(text))
    assert printed.encode() and "\x07" not in printed and "\u202e" not in printed
    assert parse_policy(printed).statements[0].sid == 'a\ud800\x07\u202e"'


def test_compact_form_has_the_counted_size():
    document = parse_policy(json.dumps(json.loads(POLICY), indent=4))
    compact = print_policy(document, compact=True)
    assert policy_size(parse_policy(compact)) == len(compact)
