"""The keys that a principal alone fills, for every kind of principal."""

import pytest

from simulator.decision.principal_keys import PRINCIPAL_KEYS, fields_of_principal
from simulator.decision.request import UNKNOWN, OneOf, Principal, PrincipalKind, principal_from_arn


@pytest.mark.parametrize("kind", PrincipalKind)
def test_only_declared_keys(kind: PrincipalKind) -> None:
    assert set(fields_of_principal(Principal(kind))) <= PRINCIPAL_KEYS


@pytest.mark.parametrize("kind", PrincipalKind)
def test_a_principal_of_which_only_the_kind_is_known_has_no_arn_value(kind: PrincipalKind) -> None:
    assert fields_of_principal(Principal(kind)).get("aws:principalarn", UNKNOWN) is UNKNOWN


def test_role() -> None:
    found = fields_of_principal(principal_from_arn("arn:aws:iam::111122223333:role/team/ops"))
    assert found == {
        "aws:principalarn": "arn:aws:iam::111122223333:role/team/ops",
        "aws:principalaccount": "111122223333",
        "aws:principaltype": "AssumedRole",
        "aws:principalisawsservice": "false",
        "aws:userid": UNKNOWN,
    }


def test_session_arn_never_stands_in_principal_arn() -> None:
    found = fields_of_principal(principal_from_arn("arn:aws:sts::111122223333:assumed-role/ops/s"))
    assert found["aws:principalarn"] is UNKNOWN
    assert found["aws:principalaccount"] == "111122223333"


def test_user() -> None:
    found = fields_of_principal(principal_from_arn("arn:aws:iam::111122223333:user/people/alice"))
    assert (found["aws:username"], found["aws:principaltype"]) == ("alice", "User")


def test_root() -> None:
    found = fields_of_principal(principal_from_arn("arn:aws:iam::111122223333:root"))
    assert (found["aws:userid"], found["aws:principaltype"]) == ("111122223333", "Account")
    assert "aws:username" not in found


def test_federated_user() -> None:
    found = fields_of_principal(principal_from_arn("arn:aws:sts::111122223333:federated-user/bob"))
    assert (found["aws:userid"], found["aws:principaltype"]) == ("111122223333:bob", "FederatedUser")


def test_service_principal() -> None:
    found = fields_of_principal(Principal(PrincipalKind.AWS_SERVICE, name="s3.amazonaws.com"))
    assert found["aws:principalisawsservice"] == "true"
    assert found["aws:principalservicename"] == "s3.amazonaws.com"
    assert "aws:principalarn" not in found
    assert "aws:username" not in found


def test_anonymous() -> None:
    found = fields_of_principal(Principal(PrincipalKind.ANONYMOUS))
    assert found == {
        "aws:principalaccount": "anonymous",
        "aws:principaltype": "Anonymous",
        "aws:userid": OneOf(("anonymous", None)),
    }


def test_federated_sign_in_is_unsigned() -> None:
    found = fields_of_principal(Principal(PrincipalKind.FEDERATED, name="idp"))
    assert not {"aws:principalarn", "aws:principalisawsservice", "aws:username"} & set(found)


def test_unknown_caller_may_be_a_service() -> None:
    found = fields_of_principal(Principal(PrincipalKind.UNKNOWN))
    assert {found[key] for key in PRINCIPAL_KEYS} == {UNKNOWN}
