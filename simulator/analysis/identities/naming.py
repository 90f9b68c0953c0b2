"""What workloads, pipelines and token holders are called: `naming.toml`, read once."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from simulator.analysis.identities.model import Identity, IdentityKind
from simulator.iam.arn import account_of, split_arn
from simulator.replay.session_names import group_of


@dataclass(frozen=True, slots=True)
class WorkloadRow:
    """A kind of workload; see naming.toml for the members."""

    services: tuple[str, ...]
    detail: str
    label: str
    issued_to: str
    session: re.Pattern[str] | None
    agent: str
    invokes: bool

    def identity(self, role: str, session: str, subject: str = "", arn: str = "") -> Identity:
        """The workload behind a session of `role`; `session` is its name or group."""
        # A group of names is no name: the role's stands for it.
        named = "" if "*" in session else session
        label = {"session": named, "role": "", "subject": _pod(subject)}[self.label] or name_of(role)
        return Identity(IdentityKind.WORKLOAD.value, label, arn, account_of(role) or "", self.detail)


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A kind of OpenID Connect provider; see naming.toml for the members."""

    host: re.Pattern[str]
    kind: str
    detail: str
    subject: re.Pattern[str]


@cache
def workloads() -> tuple[WorkloadRow, ...]:
    """The kinds of workloads."""
    return tuple(
        WorkloadRow(
            services=tuple(row["services"]),
            detail=row["detail"],
            label=row["label"],
            issued_to=row.get("issued_to", ""),
            session=re.compile(row["session"]) if "session" in row else None,
            agent=row.get("agent", ""),
            invokes=row.get("invokes", False),
        )
        for row in _rows("workload")
    )


@cache
def _providers() -> tuple[ProviderRow, ...]:
    return tuple(
        ProviderRow(re.compile(row["host"]), row["kind"], row["detail"], re.compile(row["subject"]))
        for row in _rows("provider")
    )


def workload_of_service(service: str) -> WorkloadRow | None:
    """The kind of workload that a service principal takes on roles for; `None`: the service acts for itself."""
    return next((row for row in workloads() if service in row.services), None)


def token_holder(provider: str, subject: str, role: str) -> Identity:
    """Who holds a token of a provider (its ARN or host) with this subject; `""` is a subject that is not known."""
    host = provider.partition(":oidc-provider/")[2] or provider
    account = account_of(role) or ""
    for row in _providers():
        if row.host.fullmatch(host) is None:
            continue
        match = row.subject.fullmatch(subject)
        if match is not None:
            return Identity(row.kind, "/".join(match.groups()) or host, "", account, row.detail)
    return Identity(IdentityKind.TOKEN_HOLDER.value, group_of(subject) or host, "", account, f"token of {host}")


def name_of(arn: str) -> str:
    """The last part of a role's or user's ARN: what people call it."""
    return arn.rpartition("/")[2] or arn


def workload_from_arn(arn: str, role: str, session: str) -> Identity:
    """The workload that AWS names by its ARN as holder of a session's credentials."""
    parts = split_arn(arn)
    resource = parts.resource if parts is not None else arn
    row = next((each for each in workloads() if each.issued_to and each.issued_to in arn), None)
    if row is None:
        return Identity(IdentityKind.WORKLOAD.value, resource, arn, account_of(role) or "", "workload")
    named = resource.partition(":" if ":function:" in arn else "/")[2].partition(":")[0]
    return row.identity(role, named or session, arn=arn if row.label == "session" else "")


def _pod(subject: str) -> str:
    return subject.removeprefix("system:serviceaccount:").replace(":", "/")


def _rows(kind: str) -> list[dict[str, Any]]:
    text = files("simulator.analysis.identities").joinpath("naming.toml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)[kind]
    return rows
