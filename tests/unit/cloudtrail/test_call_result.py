"""What errorCode and errorMessage prove about authorization."""

import pytest

from simulator.cloudtrail.call_result import (
    CallResult,
    authorization_failed,
    failed_otherwise,
    passed_authorization,
    result_of,
)
from simulator.cloudtrail.record import Record


@pytest.mark.parametrize(
    ("code", "message", "result"),
    [
        (None, None, CallResult.SUCCEEDED),
        ("", None, CallResult.SUCCEEDED),
        ("200", None, CallResult.SUCCEEDED),
        ("AccessDenied", "Access Denied", CallResult.DENIED),
        ("AccessDeniedException", None, CallResult.DENIED),
        ("com.amazon.coral.service#AccessDeniedException", None, CallResult.DENIED),
        ("UnauthorizedOperation", None, CallResult.DENIED),
        ("Client.UnauthorizedOperation", "You are not authorized to perform this operation.", CallResult.DENIED),
        ("Client.OperationNotPermitted", None, CallResult.DENIED),
        ("NotAuthorized", None, CallResult.DENIED),
        ("AuthorizationError", None, CallResult.DENIED),
        ("accessdenied", None, CallResult.DENIED),
        ("VpceAccessDenied", None, CallResult.DENIED),
        ("SomeError", "User: x is not authorized to perform: s3:GetObject", CallResult.DENIED),
        ("Client.DryRunOperation", "Request would have succeeded", CallResult.FAILED_LATER),
        ("DryRunOperationException", None, CallResult.FAILED_LATER),
        ("ThrottlingException", None, CallResult.FAILED_LATER),
        ("NoSuchBucket", None, CallResult.FAILED_LATER),
        ("EntityAlreadyExistsException", None, CallResult.FAILED_LATER),
        ("Client.InvalidInstanceID.NotFound", None, CallResult.FAILED_LATER),
        ("ExpiredToken", None, CallResult.UNAUTHENTICATED),
        ("InvalidClientTokenId", None, CallResult.UNAUTHENTICATED),
        ("Client.AuthFailure", None, CallResult.UNAUTHENTICATED),
    ],
)
def test_result(code: str | None, message: str | None, result: CallResult) -> None:
    record = Record(error_code=code, error_message=message)
    assert result_of(record) is result
    assert authorization_failed(record) is (result is CallResult.DENIED)
    assert failed_otherwise(record) is (result is CallResult.FAILED_LATER)
    assert passed_authorization(record) is (result in (CallResult.SUCCEEDED, CallResult.FAILED_LATER))
