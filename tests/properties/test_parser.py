"""Laws of the parser and the printer: what is printed reads the same, and no text raises anything but PolicyError."""

import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.iam.catalog import Catalog
from simulator.iam.operators import BASE_OPERATORS
from simulator.policy.diagnostic import PolicyError, Span
from simulator.policy.document import PolicyType
from simulator.policy.parser import parse_policy
from simulator.policy.printer import print_policy
from simulator.policy.quotas import policy_size
from simulator.policy.validator import RULES, validate

CATALOG = Catalog()
OPERATORS = [
    f"{prefix}{row.name}{suffix}"
    for row in BASE_OPERATORS.values()
    for prefix in ("", "ForAnyValue:", "forallvalues:")
    for suffix in ("", "IfExists")
    if not (row.name == "Null" and suffix)
]
WORDS = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
ACTIONS = st.sampled_from(["*", "s3:*", "s3:GetObject", "ec2:Run*", "x-y:?", "S3:getobject", "sts:*", "iam:Pass*"])
RESOURCES = (
    st.sampled_from(["*", "arn:aws:s3:::b", "arn:aws:s3:::b/${aws:username}", "arn:*:iam::*:role/a?", "b"]) | WORDS
)
KEYS = st.sampled_from(["aws:SourceIp", "aws:TagKeys", "aws:PrincipalOrgID", "s3:TlsVersion", "x"]) | WORDS
VALUES = WORDS | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def one_or_more(items):
    return items | st.lists(items, min_size=1, max_size=3)


def objects(keys, values):
    return st.dictionaries(keys, values, min_size=1, max_size=3)


@st.composite
def statements(draw):
    statement = {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(one_or_more(ACTIONS)),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(one_or_more(RESOURCES)),
    }
    if draw(st.booleans()):
        statement["Sid"] = draw(WORDS)
    if draw(st.booleans()):
        statement[draw(st.sampled_from(["Principal", "NotPrincipal"]))] = draw(
            st.sampled_from(["*", {"AWS": "*"}, {"AWS": ["1", "2"], "Service": "x"}])
        )
    if draw(st.booleans()):
        values = VALUES | st.lists(VALUES, max_size=3)
        statement["Condition"] = draw(objects(st.sampled_from(OPERATORS), objects(KEYS, values)))
    names = draw(st.permutations(list(statement)))
    return {name: statement[name] for name in names}


@st.composite
def policies(draw):
    policy = {"Statement": draw(statements() | st.lists(statements(), min_size=1, max_size=3))}
    if draw(st.booleans()):
        policy["Version"] = draw(st.sampled_from(["2012-10-17", "2008-10-17"]))
    if draw(st.booleans()):
        policy["Id"] = draw(WORDS)
    return policy


def texts_of(policy):
    return st.sampled_from(
        [
            json.dumps(policy),
            json.dumps(policy, indent=3),
            json.dumps(policy, ensure_ascii=False, separators=(",", ":")),
        ]
    )


def without_places(value):
    """The value with every span, source text and file name left out."""
    if isinstance(value, msgspec.Struct) and not isinstance(value, Span):
        left_out = {"text", "file", "span", "sid_span", "version_span"}
        if type(value).__name__ == "Principal":
            left_out -= {"text"}
        kept = [name for name in value.__struct_fields__ if name not in left_out]
        return type(value).__name__, {name: without_places(getattr(value, name)) for name in kept}
    if isinstance(value, tuple):
        return tuple(without_places(item) for item in value)
    return value


@given(st.data(), policies(), st.booleans())
def test_printed_policies_read_the_same(data, policy, compact):
    document = parse_policy(data.draw(texts_of(policy)))
    printed = print_policy(document, compact=compact)
    assert without_places(parse_policy(printed)) == without_places(document)
    assert print_policy(parse_policy(printed), compact=compact) == printed
    assert json.loads(printed) == policy


@given(policies())
def test_the_compact_form_is_the_smallest(policy):
    document = parse_policy(json.dumps(policy, indent=1))
    compact = print_policy(document, compact=True)
    assert policy_size(parse_policy(compact)) == len(compact) <= policy_size(document)


@given(st.data(), policies())
def test_every_place_lies_in_the_text_and_words_stand_there(data, policy):
    text = data.draw(texts_of(policy))
    document = parse_policy(text)
    lines = text.split("\n")
    for statement in document.statements:
        for word in (*statement.actions.words, *(item for each in statement.conditions for item in each.values)):
            assert word.span.line == word.span.end_line
            piece = lines[word.span.line - 1][word.span.column - 1 : word.span.end_column - 1]
            assert (json.loads(piece) if word.kind == "string" else piece) == word.value


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_no_text_raises_anything_but_policy_error(text):
    _read(text)


@given(st.data(), policies())
def test_no_damaged_policy_raises_anything_but_policy_error(data, policy):
    text = data.draw(texts_of(policy))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    _read(text[:start] + data.draw(st.text('"{}[],:\\u0-9.eE/*#$<abtrunl \n\x00\ufeff', max_size=4)) + text[end:])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
)


@given(JSON)
@example({"Statement": {"Principal": 10**5000}})
@example({"Statement": [{}, [], None, {"Condition": {"Bool": {"a": {}}}}]})
def test_no_json_raises_anything_but_policy_error(value):
    # An integer too long for Python's own writer is a legal number all the same.
    text = json.dumps(value) if not isinstance(value, dict) or "Statement" not in value else _write(value)
    _read(text)


def _write(value):
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_write(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_write(item) for item in value) + "]"
    return "1" + "0" * 5000 if isinstance(value, int) and value > 10**4999 else json.dumps(value)


def _read(text):
    try:
        document = parse_policy(text, "policy.json")
    except PolicyError as error:
        assert error.diagnostics
        lines = text.count("\n") + text.count("\r") + 1
        for each in error.diagnostics:
            assert each.rule in RULES
            assert each.message
            assert 1 <= each.span.line <= lines
            assert each.span.column >= 1
        return None
    assert without_places(parse_policy(print_policy(document))) == without_places(document)
    return document


@given(policies(), st.sampled_from([None, *PolicyType]))
def test_any_policy_can_be_validated(policy, policy_type):
    found = validate(parse_policy(json.dumps(policy)), policy_type, CATALOG)
    assert list(found) == sorted(found, key=lambda each: (each.span.line, each.span.column, each.rule, each.message))
    for each in found:
        assert each.severity is RULES[each.rule].severity
        assert each.fix


@given(policies(), st.sampled_from(["Effect", "Sid", "Action", "Condition"]))
def test_a_repeated_key_is_an_error_wherever_it_stands(policy, name):
    first = policy["Statement"] if isinstance(policy["Statement"], dict) else policy["Statement"][0]
    statement = json.dumps(first)
    text = f'{{"Statement": [{statement[:-1]}, {json.dumps(name)}: "x", {json.dumps(name)}: "y"}}]}}'
    with pytest.raises(PolicyError) as raised:
        parse_policy(text)
    assert [each.rule for each in raised.value.diagnostics] == ["duplicate-key"]
    # An escaped spelling of a name is the same name.
    escaped = "".join(f"\\u{ord(character):04x}" for character in name)
    with pytest.raises(PolicyError) as raised:
        parse_policy(f'{{"{name}": 1, "{escaped}": 2}}')
    assert raised.value.diagnostics[0].rule == "duplicate-key"
