"""One moto server for all tests of this folder; every test begins with nothing recorded and nothing spoiled."""

import os
from functools import cache

import botocore.retries.standard
import botocore.session
import pytest

from simulator.sources.aws.session import shared
from tests.unit.sources.aws import organization
from tests.unit.sources.aws.permissions import allowed, needed
from tests.unit.sources.aws.server import aws_server, environment


@pytest.fixture(scope="session")
def served():
    with aws_server() as proxy:
        yield proxy


@pytest.fixture(scope="module")
def settings(served, tmp_path_factory):
    """The environment that leads to the proxy."""
    patch = pytest.MonkeyPatch()
    # botocore reads megabytes of its own data for each session; the tests make many.
    patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
    # Waiting before another attempt is botocore's; that there is another one is what matters here.
    patch.setattr(botocore.retries.standard.ExponentialBackoff, "delay_amount", lambda *_: 0.01)
    # A command ends with its process; here its connections would stay open until some later test.
    clients, create = [], botocore.session.Session.create_client

    def create_and_note(self, *arguments, **named):
        clients.append(create(self, *arguments, **named))
        return clients[-1]

    patch.setattr(botocore.session.Session, "create_client", create_and_note)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in environment(served, tmp_path_factory.getbasetemp()).items():
        patch.setenv(name, value)
    yield clients
    patch.undo()
    close(clients)


def close(clients):
    while clients:
        clients.pop().close()


@pytest.fixture
def proxy(served, settings, request):
    """The proxy. What a test's command called must be what the IAM policies of `POLICIES` of its module allow."""
    served.reset()
    served.recorded = set()
    yield served
    served.reset()
    shared.cache_clear()
    close(settings)
    if policies := getattr(request.module, "POLICIES", ()):
        assert needed(served.recorded) - allowed(*policies) == set()


@pytest.fixture(scope="module")
def ids(served, settings):
    """The ids of the made-up organization, built once for tests that only read."""
    served.empty()
    served.reset()
    return organization.build(served)


@pytest.fixture
def empty(proxy, request):
    """Nothing at AWS, for tests that change something there: they stand at the end of their module."""
    proxy.empty()
    return proxy
