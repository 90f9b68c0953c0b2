"""What went wrong in a call to AWS, in words that hold no secret.

AWS's own messages can hold parts of a signed request (the session token among them), so only those of refusals are
shown, shortened, and with everything cut out that looks like a key.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from simulator.errors import OrgsimError

Kind = Literal["denied", "credentials", "throttled", "missing", "truncated", "unreachable", "failed"]

AWS_ERRORS: Final = (ClientError, BotoCoreError)
"""What a call through botocore raises."""

_LOGIN_HINT: Final = "renew them as for the AWS CLI (`aws sso login`, `aws configure`), then run the same command again"

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(
        (
            "AccessDenied",
            "AccessDeniedException",
            "AuthorizationError",
            "UnauthorizedOperation",
            "Client.UnauthorizedOperation",
            "AccessDeniedForDependencyException",
            "InsufficientEncryptionPolicyException",
            "AllAccessDisabled",
            "403",
        ),
        "denied",
    ),
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "TokenRefreshRequired",
            "AuthFailure",
            "IncompleteSignature",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "InvalidToken",
            "MissingAuthenticationToken",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
            "InvalidAccessKeyIdException",
        ),
        "credentials",
    ),
    **dict.fromkeys(
        (
            "BandwidthLimitExceeded",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "Throttling",
            "ThrottledException",
            "ThrottlingException",
            "TooManyRequestsException",
        ),
        "throttled",
    ),
    **dict.fromkeys(
        ("404", "NoSuchBucket", "NoSuchKey", "PreconditionFailed", "AWSOrganizationsNotInUseException"), "missing"
    ),
}
_STATUSES: Final[dict[int, Kind]] = {401: "credentials", 403: "denied", 404: "missing", 429: "throttled"}
_NO_CREDENTIALS: Final = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.ProfileNotFound,
    exceptions.SSOError,
    exceptions.TokenRetrievalError,
    exceptions.InfiniteLoopConfigError,
    exceptions.InvalidConfigError,
    exceptions.LoginError,
)
_SECRET: Final = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"  # access key ids
    r"|[A-Za-z0-9/+=]{40,}"  # secret keys, session tokens, encoded messages
    r"|(?<=://)[^/@\s]+@"  # the user and password of a proxy
)
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed call: what kind of failure, and a sentence for people."""

    kind: Kind
    text: str

    @property
    def final(self) -> bool:
        """Whether no further call can succeed either: there is no use in asking on."""
        return self.kind in ("credentials", "unreachable")

    def error(self) -> OrgsimError:
        """The failure as what stops a command."""
        match self.kind:
            case "credentials":
                return OrgsimError("aws-credentials", self.text, hint=_LOGIN_HINT)
            case "denied":
                hint = "docs/collect.md lists the permissions that each command needs; `orgsim doctor` tries them"
                return OrgsimError("aws-denied", self.text, hint=hint)
            case "unreachable":
                hint = "check the network, the proxy settings (HTTPS_PROXY) and --region"
                return OrgsimError("aws-unreachable", self.text, hint=hint)
        return OrgsimError("aws-failed", self.text, hint="run the same command again; what was read is kept")


def failure_of(error: BaseException) -> Failure:
    """What an error of `AWS_ERRORS` means."""
    if isinstance(error, ClientError):
        return _refusal(error)
    if isinstance(error, _NO_CREDENTIALS):
        return Failure("credentials", f"there are no usable AWS credentials: {redacted(str(error))}")
    if isinstance(error, exceptions.NoRegionError):
        return Failure("unreachable", "no AWS region is set: give --region, AWS_REGION or a profile that has one")
    if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        return Failure("unreachable", f"AWS cannot be reached: {redacted(str(error))}")
    return Failure("failed", f"the call to AWS failed: {redacted(str(error))}")


def redacted(text: str) -> str:
    """The first line of a text, shortened, without what looks like a key, a token or a password."""
    lines = text.strip().splitlines()
    line = _SECRET.sub("…", lines[0]) if lines else ""
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def _refusal(error: ClientError) -> Failure:
    details = error.response.get("Error", {})
    code = str(details.get("Code", "unknown error"))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind = _KINDS.get(code) or _STATUSES.get(status, "failed")
    operation = error.operation_name
    if kind == "credentials":
        what = "have expired" if "Expired" in code or "Refresh" in code else "are not accepted"
        return Failure(kind, f"the AWS credentials {what} ({operation}: {code})")
    message = redacted(str(details.get("Message", "")))
    return Failure(kind, f"{operation}: {code}: {message}" if message and message != code else f"{operation}: {code}")
