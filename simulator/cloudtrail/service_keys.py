"""The keys of single services: from request parameters by table (mappings/context.toml), or computed.

Sources: Service Authorization Reference; Amazon S3 User Guide; AWS KMS Developer Guide; AWS Lambda Developer Guide;
AWS IAM User Guide.
"""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

import msgspec

from simulator.cloudtrail.call import Call, Target
from simulator.cloudtrail.tags import CheckRule, TagReader, resource_tag
from simulator.decision.request import UNKNOWN, ContextValue, OneOf
from simulator.iam.arn import split_arn

_HIDDEN: Final = ("HIDDEN_DUE_TO_SECURITY_REASONS", "***", "REDACTED")


class _Row(msgspec.Struct, frozen=True):
    key: str
    paths: tuple[str, ...]
    absent_if_missing: bool
    actions: frozenset[str] | None
    kind: str
    multivalued: bool

    def value(self, call: Call, target: Target) -> ContextValue | None:
        """The rule of the key."""
        if self.actions is not None and target.action.lower() not in self.actions:
            return UNKNOWN
        found: tuple[str, ...] = ()
        for path in self.paths:
            found = call.parameters.all(path)
            if found:
                break
        if not found:
            return None if self.absent_if_missing and call.parameters.known else UNKNOWN
        if any(text.startswith(_HIDDEN) for text in found):
            return UNKNOWN
        if self.kind != "text":
            return self._arn(found, target)
        values = tuple(dict.fromkeys(found))
        if self.multivalued:
            return values
        # Several values for one key: the call was checked for each, and the log does not say which is this check's.
        return values[0] if len(values) == 1 else OneOf(values)

    def _arn(self, found: tuple[str, ...], target: Target) -> ContextValue:
        if len(found) == 1 and split_arn(found[0]) is not None:
            return found[0]
        if self.kind == "resource-arn" and isinstance(target.check.arn, str) and "*" not in target.check.arn:
            return target.check.arn
        return UNKNOWN


class ServiceKeys:
    """Gives the rule of a service's key, `None` for keys without one."""

    def __init__(self, tags: TagReader) -> None:
        self._tags = tags
        text = files("simulator.cloudtrail.mappings").joinpath("context.toml").read_text(encoding="utf-8")
        table = tomllib.loads(text)
        self._rows = {row.key: row for row in map(_read_row, table["key"])}
        self._computed: Mapping[str, CheckRule] = {
            "s3:resourceaccount": _resource_account,
            "s3:tlsversion": _tls_version,
            "s3:authtype": _from_extra("AuthenticationMethod", _S3_AUTH),
            "s3:signatureversion": _from_extra("SignatureVersion", _S3_SIGNATURES),
            "kms:viaservice": _via_service,
            "kms:calleraccount": _caller_account,
            "kms:encryptioncontextkeys": _encryption_context_keys,
            "kms:grantisforawsresource": _grant_for_service,
            "ec2:region": _region,
            "ec2:launchtemplate": _launch_template,
            "lambda:vpcids": _lambda_vpc,
            "iam:passedtoservice": _passed_to(table["passed_to"]),
        }

    def rule(self, key: str) -> CheckRule | None:
        """The rule of `key` (lower case)."""
        row = self._rows.get(key)
        if row is not None:
            return row.value
        if key in self._computed:
            return self._computed[key]
        family, slash, name = key.partition("/")
        if slash and family.endswith(":resourcetag"):
            return resource_tag(name, self._tags)
        if family == "s3:existingobjecttag" and slash:
            return resource_tag(name, self._tags)
        if family == "s3:requestobjecttag" and slash:
            return _object_tag(name, self._tags)
        if key == "s3:requestobjecttagkeys":
            return _object_tag_keys(self._tags)
        if key.startswith("kms:encryptioncontext:"):
            return _encryption_context(key.removeprefix("kms:encryptioncontext:"))
        return None


def _read_row(row: Mapping[str, Any]) -> _Row:
    return _Row(
        key=row["name"].lower(),
        paths=tuple(row["paths"]),
        absent_if_missing=row["missing"] == "absent",
        actions=frozenset(name.lower() for name in row["actions"]) if "actions" in row else None,
        kind=row.get("kind", "text"),
        multivalued=row.get("multi", False),
    )


_S3_AUTH: Final = {"AuthHeader": "REST-HEADER", "QueryString": "REST-QUERY-STRING"}
_S3_SIGNATURES: Final = {"SigV4": "AWS4-HMAC-SHA256", "SigV2": "AWS"}


def _from_extra(name: str, values: Mapping[str, str]) -> CheckRule:
    def value(call: Call, _target: Target) -> ContextValue | None:
        logged = call.extra.get(name)
        return values.get(logged, UNKNOWN) if isinstance(logged, str) else UNKNOWN

    return value


def _tls_version(call: Call, _target: Target) -> ContextValue | None:
    tls = call.record.tls_details
    version = tls.tls_version if tls is not None else None
    return version.removeprefix("TLSv") if version and version.startswith("TLSv") else UNKNOWN


def _resource_account(_call: Call, target: Target) -> ContextValue | None:
    return target.check.account


def _via_service(call: Call, _target: Target) -> ContextValue | None:
    """`kms:ViaService`: `<service>.<region>.amazonaws.com`, that suffix in every partition; forwarded access only."""
    via = call.via_service
    if via is False and not call.identity.invoked_by:
        return None
    invoked_by, region = call.identity.invoked_by or "", call.record.aws_region
    if via is not True or not region:
        return UNKNOWN
    service = invoked_by.partition(".")[0]
    # `ec2.amazonaws.com` becomes `ec2.eu-west-1.amazonaws.com`; names that hold a region already are left open.
    return f"{service}.{region}.amazonaws.com" if invoked_by == f"{service}.amazonaws.com" else UNKNOWN


def _caller_account(call: Call, _target: Target) -> ContextValue | None:
    return call.principal.account or UNKNOWN


def _grant_for_service(call: Call, _target: Target) -> ContextValue | None:
    # True where a service makes the grant for its user; a direct call has it false, or not at all.
    if call.via_service is False and not call.identity.invoked_by:
        return OneOf(("false", None))
    return UNKNOWN


_CONTEXTS: Final = {
    "kms:reencryptfrom": ("sourceEncryptionContext",),
    "kms:reencryptto": ("destinationEncryptionContext",),
    "kms:creategrant": ("constraints.encryptionContextEquals", "constraints.encryptionContextSubset"),
}


def _contexts(call: Call, target: Target) -> list[tuple[str, object]] | None:
    """The pairs of the request's encryption context; `None` where they are not known."""
    if not call.parameters.known:
        return None
    pairs: list[tuple[str, object]] = []
    for path in _CONTEXTS.get(target.action.lower(), ("encryptionContext",)):
        node = call.parameters.raw(path)
        if isinstance(node, dict):
            pairs += node.items()
        elif node is not None:
            return None
    return pairs


def _encryption_context(name: str) -> CheckRule:
    def value(call: Call, target: Target) -> ContextValue | None:
        pairs = _contexts(call, target)
        if pairs is None:
            return UNKNOWN
        found = {key: held for key, held in pairs if key.lower() == name}
        if not found:
            return None
        held = next(iter(found.values()))
        # Keys of an encryption context are case-sensitive, condition keys are not: two hits leave it open.
        return held if len(found) == 1 and isinstance(held, str) and not held.startswith(_HIDDEN) else UNKNOWN

    return value


def _encryption_context_keys(call: Call, target: Target) -> ContextValue | None:
    pairs = _contexts(call, target)
    if pairs is None:
        return UNKNOWN
    return tuple(dict.fromkeys(key for key, _ in pairs)) or None


def _region(call: Call, _target: Target) -> ContextValue | None:
    return call.record.aws_region or UNKNOWN


def _launch_template(call: Call, _target: Target) -> ContextValue | None:
    return UNKNOWN if not call.parameters.known or call.parameters.has("launchTemplate") else None


def _lambda_vpc(call: Call, target: Target) -> ContextValue | None:
    """`lambda:VpcIds`: no log holds the VPC of a subnet; a function made without subnets surely has none."""
    if target.action.lower() != "lambda:createfunction" or not call.parameters.known:
        return UNKNOWN
    return UNKNOWN if call.parameters.has("vpcConfig.subnetIds") else None


def _passed_to(rows: list[Mapping[str, Any]]) -> CheckRule:
    services = {(row["event_source"], name): row["service"] for row in rows for name in row["events"]}
    events = sorted({name for _, name in services}, key=len, reverse=True)

    def value(call: Call, _target: Target) -> ContextValue | None:
        source, event = call.record.event_source or "", call.record.event_name or ""
        # Lambda's event names end in an API date: CreateFunction20150331.
        base = next((name for name in events if event == name or event.startswith(name + "20")), event)
        return str(services.get((source, base), "")) or UNKNOWN

    return value


def _object_tag(name: str, tags: TagReader) -> CheckRule:
    def value(call: Call, target: Target) -> ContextValue | None:
        found = tags.tags(call.parameters, target)
        return UNKNOWN if found is None else found.value(name)

    return value


def _object_tag_keys(tags: TagReader) -> CheckRule:
    def value(call: Call, target: Target) -> ContextValue | None:
        found = tags.tags(call.parameters, target)
        return UNKNOWN if found is None else found.keys

    return value
