"""What providers' subjects and workloads' ARNs are called."""

import time

import pytest

from simulator.analysis.identities.naming import token_holder, workload_from_arn, workload_of_service, workloads

ROLE = "arn:aws:iam::111111111111:role/app/worker"


@pytest.mark.parametrize(
    ("provider", "subject", "kind", "label"),
    [
        ("token.actions.githubusercontent.com", "repo:o/r:ref:refs/heads/main", "pipeline", "o/r"),
        ("token.actions.githubusercontent.com", "repo:o/r:pull_request", "pipeline", "o/r"),
        ("token.actions.githubusercontent.com", "repo:o@1/r@2:environment:prod", "pipeline", "o@1/r@2"),
        ("token.actions.githubusercontent.com/octo", "repo:o/r:environment:prod", "pipeline", "o/r"),
        ("token.actions.githubusercontent.com", "custom", "token_holder", "custom"),
        ("token.actions.githubusercontent.com.evil.example", "repo:o/r:x", "token_holder", "repo:o/r:x"),
        ("gitlab.com", "project_path:g/p:ref_type:branch:ref:main", "pipeline", "g/p"),
        ("app.terraform.io", "organization:o:project:p:workspace:w:run_phase:plan", "pipeline", "o/p/w"),
        ("oidc.circleci.com/org/1", "org/1/project/2/user/3", "pipeline", "project/2"),
        ("agent.buildkite.com", "organization:o:pipeline:p:ref:x:commit:y:step:", "pipeline", "o/p"),
        ("vstoken.dev.azure.com/1", "sc://o/p/s", "pipeline", "o/p/s"),
        ("oidc.eks.eu-west-1.amazonaws.com/id/A", "system:serviceaccount:n:s", "workload", "n/s"),
        ("k8s.example.com", "system:serviceaccount:n:s", "workload", "n/s"),
        ("cognito-identity.amazonaws.com", "eu-west-1:*", "token_holder", "cognito-identity.amazonaws.com"),
        ("accounts.google.com", "108899776655443322110", "token_holder", "*"),
        ("accounts.google.com", "", "token_holder", "accounts.google.com"),
    ],
)
def test_who_holds_a_token(provider, subject, kind, label):
    for name in (provider, f"arn:aws:iam::111111111111:oidc-provider/{provider}"):
        found = token_holder(name, subject, ROLE)
        assert (found.kind, found.label, found.account) == (kind, label, "111111111111")


@pytest.mark.parametrize(
    ("arn", "label", "kept"),
    [
        ("arn:aws:lambda:eu-central-1:111111111111:function:mailer", "mailer", True),
        ("arn:aws:lambda:eu-central-1:111111111111:function:mailer:prod", "mailer", True),
        ("arn:aws:ec2:eu-central-1:111111111111:instance/i-0c0ffee000000bb00", "i-0c0ffee000000bb00", True),
        ("arn:aws:codebuild:eu-central-1:111111111111:build/site:1-2", "worker", False),
        ("arn:aws:new:eu-central-1:111111111111:thing/x", "thing/x", True),
        ("no arn", "no arn", True),
    ],
)
def test_a_workload_by_its_arn(arn, label, kept):
    found = workload_from_arn(arn, ROLE, "session")
    assert (found.kind, found.label, found.arn) == ("workload", label, arn if kept else "")


def test_a_service_belongs_to_one_kind_of_workload():
    services = [service for row in workloads() for service in row.services]
    assert len(services) == len(set(services))
    assert {row.label for row in workloads()} == {"session", "role", "subject"}
    assert workload_of_service("s3.amazonaws.com") is None


def test_hostile_subjects_take_linear_time():
    start = time.perf_counter()
    for subject in ("organization:" * 20_000, "repo:" + ":" * 10**6, "org/" * 10**5, "sc://" + "/" * 10**6):
        token_holder("app.terraform.io", subject, ROLE)
        token_holder("oidc.circleci.com/org/", subject, ROLE)
    assert time.perf_counter() - start < 1
