"""Credentials, regions and clients: as the AWS CLI finds them, and for reading only.

Profiles, environment variables, SSO, `credential_process`, roles of instances and containers, endpoints of partitions
and proxies are boto3's to find. Nothing here keeps, shows or writes a secret.
"""

import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)

from simulator import __version__
from simulator.errors import OrgsimError
from simulator.sources.aws.failures import AWS_ERRORS, failure_of

_ATTEMPTS: Final = 10
"""Attempts at one call where the user's configuration says nothing; adaptive retries slow down by themselves."""

_CONNECTIONS: Final = 64


@dataclass(frozen=True, slots=True)
class Login:
    """How to reach AWS, as people say it: names only, no secrets. Picklable, so that worker processes can log in."""

    profile: str | None = None
    region: str | None = None
    role_arn: str | None = None


@cache
def read_only_operations() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Service, operation, the IAM actions that it needs: the only operations that a client may call."""
    table = tomllib.loads(files("simulator.sources.aws").joinpath("read_only.toml").read_text(encoding="utf-8"))
    return {name: {each: tuple(actions) for each, actions in rows.items()} for name, rows in table.items()}


class Aws:
    """One identity at AWS and the clients that act for it. Safe to use from several threads."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str | None], Any] = {}

    @classmethod
    def login(cls, login: Login) -> "Aws":
        """Raises `OrgsimError` (`aws-credentials`) for a profile that does not exist."""
        try:
            session = boto3.Session(profile_name=login.profile, region_name=login.region)
            return cls(session if login.role_arn is None else _assumed(session, login.role_arn))
        except AWS_ERRORS as error:
            raise failure_of(error).error() from error

    def client(self, service: str, region: str | None = None) -> Any:
        """The client of a service in a region (default: that of the login).

        Every operation that is not listed in read_only.toml raises `OrgsimError` (`aws-not-read-only`) before any
        request is made. The client retries throttled and failed calls by itself, ever more slowly.
        """
        with self._lock:
            # boto3 sessions do not make clients in several threads at once; the clients themselves are safe.
            client = self._clients.get((service, region))
            if client is None:
                try:
                    client = _new_client(self._session, service, region_name=region, config=self._config())
                except AWS_ERRORS as error:
                    raise failure_of(error).error() from error
                self._clients[service, region] = client
            return client

    def items(
        self, service: str, operation: str, key: str, region: str | None = None, **parameters: Any
    ) -> Iterator[Any]:
        """What all pages of an operation (`list_roots`) hold under `key`, page by page as they are needed."""
        for page in self.client(service, region).get_paginator(operation).paginate(**parameters):
            yield from page.get(key) or ()

    def in_account(self, account: str, role_name: str) -> "Aws":
        """The same for the role of this name in another account; credentials are got when first needed."""
        return Aws(_assumed(self._session, f"arn:{self.partition}:iam::{account}:role/{role_name}"))

    def account(self) -> str:
        """The account of the credentials. Raises `OrgsimError` if AWS does not accept them."""
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except AWS_ERRORS as error:
            raise failure_of(error).error() from error

    @property
    def region(self) -> str | None:
        """The region that the login or the configuration names."""
        return self._session.region_name

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn`, `aws-us-gov`, …: told by the region."""
        region = self._session.region_name
        return self._session.get_partition_for_region(region) if region else "aws"

    @property
    def method(self) -> str | None:
        """How the credentials were found (`env`, `sso`, `assume-role`, …); `None` if there are none."""
        try:
            credentials = self._session.get_credentials()
        except AWS_ERRORS as error:
            raise failure_of(error).error() from error
        return None if credentials is None else credentials.method

    def _config(self) -> Config:
        core: botocore.session.Session = self._session._session  # boto3 has no public way to ask for a setting
        attempts = core.get_config_variable("max_attempts")
        retries: Any = {"mode": "adaptive"} if attempts else {"mode": "adaptive", "total_max_attempts": _ATTEMPTS}
        return Config(
            retries=retries,
            max_pool_connections=_CONNECTIONS,
            connect_timeout=10,
            user_agent_extra=f"orgsim/{__version__}",
        )


@cache
def shared(login: Login) -> Aws:
    """The one `Aws` of a login in this process: batches that a worker reads share its connections."""
    return Aws.login(login)


def _new_client(session: boto3.Session, service: str, **arguments: Any) -> Any:
    """The only place that makes clients."""
    # Times are shown at most, and parsing them is half of the work of reading a long listing. Nothing else is changed.
    session._session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=str)
    make: Callable[..., Any] = session.client
    client = make(service, **arguments)
    client.meta.events.register_first("before-parameter-build", _refuse_to_write)
    return client


def _refuse_to_write(model: Any, **_: Any) -> None:
    """A handler for botocore's `before-parameter-build`: stops whatever is not known to only read."""
    if model.name not in read_only_operations().get(model.service_model.service_name, {}):
        raise OrgsimError(
            "aws-not-read-only",
            f"{model.service_model.service_name}:{model.name} is not on the list of operations that only read",
            hint="this is a mistake in orgsim: please report it",
        )


class _Role(CredentialProvider):
    """The credentials of a role, renewed before they expire."""

    METHOD = "assume-role"

    def __init__(self, session: boto3.Session, role_arn: str) -> None:
        super().__init__()
        self._session = session
        self._role_arn = role_arn

    def load(self) -> DeferredRefreshableCredentials:
        source = self._session.get_credentials()
        if source is None:
            raise OrgsimError("aws-credentials", "there are no AWS credentials to assume a role with")
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=self._client,
            source_credentials=source,
            role_arn=self._role_arn,
            extra_args={"RoleSessionName": "orgsim"},
        )
        return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    def _client(self, service: str, **credentials: Any) -> Any:
        return _new_client(self._session, service, **credentials)


def _assumed(session: boto3.Session, role_arn: str) -> boto3.Session:
    core = botocore.session.get_session()
    core.register_component("credential_provider", CredentialResolver([_Role(session, role_arn)]))
    # What botocore has read of its own data is the same for every identity, and slow to read again.
    core.register_component("data_loader", session._session.get_component("data_loader"))
    return boto3.Session(botocore_session=core, region_name=session.region_name)
