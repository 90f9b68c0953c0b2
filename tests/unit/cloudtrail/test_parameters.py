"""Reading request parameters: tolerant, case-blind, and honest about what is not known."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.cloudtrail.parameters import Parameters, is_empty
from simulator.cloudtrail.record import Record


def parameters_of(text: bytes, event_name: str = "") -> Parameters:
    record = Record(event_name=event_name, request_parameters=msgspec.Raw(text))
    return Parameters.from_record(record)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (b"{}", True),
        (b'{"a": null}', True),
        (b"null", False),
        (b"[1]", False),
        (b'"text"', False),
        (b'"{\\"a\\": 1}"', True),
        (b'{"omitted": true, "originalSize": 107376, "reason": "requestParameters too large"}', False),
        (b'{"omitted": true, "originalSize": 1, "name": "a real parameter"}', True),
        (b'{"broken', False),
    ],
)
def test_only_logged_parameters_are_known(text: bytes, known: bool) -> None:
    assert parameters_of(text).known is known


def test_a_record_without_parameters_knows_none() -> None:
    parameters = Parameters.from_record(Record())
    assert not parameters.known
    assert parameters.first("a") is None
    assert parameters.size == 0


def test_paths_walk_through_lists_whatever_the_letter_case() -> None:
    parameters = parameters_of(b'{"InstancesSet": {"items": [{"imageId": "ami-1"}, {"ImageID": "ami-2"}, 3]}}')
    assert parameters.all("instancesSet.items[].imageId") == ("ami-1", "ami-2")
    assert parameters.all("instancesset.ITEMS.imageid") == ("ami-1", "ami-2")


def test_a_list_stands_for_its_first_value() -> None:
    assert parameters_of(b'{"bucketName": ["x", "y"]}').first("bucketName") == "x"


def test_plain_values_become_text() -> None:
    parameters = parameters_of(b'{"a": true, "b": 12, "c": null, "d": {"e": 1}, "f": 1.5}')
    assert [parameters.first(name) for name in "abcdf"] == ["true", "12", None, None, "1.5"]


def test_raw_returns_the_list_itself() -> None:
    parameters = parameters_of(b'{"a": {"b": [1, {"c": 2}]}}')
    assert parameters.raw("a.b") == parameters.raw("a.b[]") == [1, {"c": 2}]
    assert parameters.raw("a.x") is None


def test_the_wrapper_of_newer_calls_is_looked_into() -> None:
    parameters = parameters_of(b'{"CreateNatGatewayRequest": {"SubnetId": "subnet-1"}}', "CreateNatGateway")
    assert parameters.first("subnetId") == "subnet-1"
    assert parameters.raw("subnetId") == "subnet-1"
    assert ("SubnetId", "subnet-1") in list(parameters.top_level())
    assert parameters_of(b'{"OtherRequest": {"SubnetId": "s"}}', "CreateNatGateway").first("subnetId") is None


@pytest.mark.parametrize("text", [b'{"a": [""]}', b'{"a": {"items": []}}', b'{"a": ""}', b'{"a": []}', b'{"b": 1}'])
def test_empty_values_are_not_there(text: bytes) -> None:
    parameters = parameters_of(text)
    assert not parameters.has("a")
    assert is_empty(parameters.raw("a"))


def test_deep_nesting_neither_raises_nor_hangs() -> None:
    deep = b'{"a":' * 400 + b"1" + b"}" * 400
    parameters = parameters_of(deep)
    assert parameters.known
    assert parameters.has("a")
    assert sum(1 for _ in parameters.members()) < 50
    nested = parameters_of(b'{"a": ' + b"[" * 300 + b'"x"' + b"]" * 300 + b"}")
    assert nested.all("a") == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "A", "b", "", "."]), inner),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["a", "A.b", "a[].b[]", "", ".", "a..b", "[]"]))
def test_no_shape_raises(value: Any, path: str) -> None:
    parameters = parameters_of(msgspec.json.encode(value), "a")
    assert parameters.all(path)[:1] == (() if parameters.first(path) is None else (parameters.first(path),))
    parameters.raw(path)
    parameters.has(path)
    names = [name for name, _ in parameters.members()]
    assert all(name in names for name, _ in Parameters(value).top_level())
