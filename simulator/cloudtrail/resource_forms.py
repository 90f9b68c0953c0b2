"""How services name their resources in requests, where that is not simply the name at the end of the ARN.

Each form turns one parameter value into the ARN that AWS checks, `UNKNOWN` where the value names a resource whose
ARN the record does not show, or `None` where the value is not of this kind at all.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from simulator.cloudtrail.arn_format import ArnFormat
from simulator.cloudtrail.resource_names import SECRET, Call, Named, by_name, is_access_point_alias
from simulator.decision.request import UNKNOWN
from simulator.iam.arn import is_account_id, split_arn


def _lower(call: Call, form: ArnFormat, value: str) -> Named:
    # RDS and its kin store identifiers in lower case (RDS API Reference, CreateDBInstance).
    return by_name(call, form, value if value.startswith("arn:") else value.lower())


_QUEUE_URL: Final = re.compile(r"https?://([^/]+)/(\d{12})/([^/?]+)/?")
_QUEUE_HOST: Final = re.compile(r"(?:sqs\.([a-z0-9-]+)\.|([a-z0-9-]+)\.queue\.|queue\.)amazonaws\.com(?:\.cn)?")


def _queue(call: Call, form: ArnFormat, value: str) -> Named:
    match = _QUEUE_URL.fullmatch(value)
    if match is None:
        return UNKNOWN if "/" in value else by_name(call, form, value)
    host = _QUEUE_HOST.fullmatch(match[1])
    region = (host[1] or host[2]) if host else None
    arn = form.fill(call.partition, region or call.region, match[2], {form.variables[0]: match[3]})
    return arn or UNKNOWN


def _function(call: Call, form: ArnFormat, value: str) -> Named:
    """Name, partial ARN (`account:function:name`) or ARN, each with or without `:qualifier` (Lambda API Reference)."""
    arn = split_arn(value)
    account = None
    if arn is not None:
        if arn.service != "lambda" or not arn.resource.startswith("function:"):
            return None
        name = arn.resource.removeprefix("function:")
    else:
        account, middle, tail = value.partition(":function:")
        name = tail if middle else value
        account = account if middle else None
    if ":" not in name:
        qualifier = call.parameters.first("qualifier")
        name = f"{name}:{qualifier}" if qualifier else name
    if arn is not None:
        return ":".join((*arn[:5], f"function:{name}"))
    return call.fill(form, {form.variables[0]: name}, account) or UNKNOWN


_KEY_ID: Final = re.compile(r"mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _kms_key(call: Call, form: ArnFormat, value: str) -> Named:
    # A call through an alias is checked on the key behind it (KMS Developer Guide, alias-authorization).
    arn = split_arn(value)
    if arn is None:
        return by_name(call, form, value) if _KEY_ID.fullmatch(value) else UNKNOWN
    if arn.service != "kms":
        return None
    return value if arn.resource.startswith("key/") else UNKNOWN


def _kms_alias(call: Call, form: ArnFormat, value: str) -> Named:
    return by_name(call, form, value.removeprefix("alias/"))


_CREATES_IAM: Final = re.compile(r"iam:create(role|user|group|policy|instanceprofile|virtualmfadevice)")


def _iam(call: Call, form: ArnFormat, value: str) -> Named:
    """An IAM name: its ARN holds the path, which only calls that create the resource tell.

    The path of a new resource is `/` if none is given (IAM API Reference, CreateRole).
    """
    arn = split_arn(value)
    if arn is not None:
        return value if form.matches(arn) else None
    kind = form.text.split(":", 5)[5].partition("/")[0]
    account = call.home
    if account is None:
        return UNKNOWN
    made = _CREATES_IAM.fullmatch(call.action)
    if made and made[1] == {"mfa": "virtualmfadevice"}.get(kind, kind.replace("-", "")) and call.parameters.known:
        path = call.parameters.first("path") or "/"
        return call.fill(form, {form.variables[0]: f"{path.strip('/')}/{value}".lstrip("/")}) or UNKNOWN
    if call.caller is not None:
        own = split_arn(call.caller)
        head, _, tail = own.resource.partition("/") if own else ("", "", "")
        if own and own.account == account and head == kind and tail.rpartition("/")[2].lower() == value.lower():
            return call.caller
    return call.names.iam(account, kind, value) or UNKNOWN


def _secret(call: Call, _form: ArnFormat, value: str) -> Named:
    arn = split_arn(value)
    if arn is not None:
        if arn.service != "secretsmanager":
            return None
        if SECRET.fullmatch(arn.resource) or call.names.is_secret(arn):
            return value
        return call.names.secret(arn.account, arn.region, arn.resource.removeprefix("secret:")) or UNKNOWN
    if call.home is None or call.region is None:
        return UNKNOWN
    return call.names.secret(call.home, call.region, value) or UNKNOWN


def _ssm_parameter(call: Call, form: ArnFormat, value: str) -> Named:
    # `name:version` and `name:label` select a version; the ARN is that of the parameter.
    if value.startswith("arn:"):
        return by_name(call, form, ":".join(value.split(":", 6)[:6]))
    return by_name(call, form, value.partition(":")[0].lstrip("/"))


def _ssm_document(call: Call, form: ArnFormat, value: str) -> Named:
    # AWS's own documents have no account in their ARN; the prefixes are reserved (SSM API Reference, CreateDocument).
    if value.lower().startswith(("aws", "amazon")):
        return f"arn:{call.partition}:ssm:{call.region}::document/{value}" if call.region else UNKNOWN
    return by_name(call, form, value)


def _prefixed(prefix: str) -> Callable[[Call, ArnFormat, str], Named]:
    def form_of(call: Call, form: ArnFormat, value: str) -> Named:
        return by_name(call, form, value) if value.startswith(prefix) else None

    return form_of


def _log_group(call: Call, form: ArnFormat, value: str) -> Named:
    return by_name(call, form, value.removesuffix(":*"))


def _bucket(call: Call, form: ArnFormat, value: str) -> Named:
    # Access point aliases stand where a bucket name does; AWS checks the access point.
    if is_access_point_alias(value):
        return UNKNOWN
    return by_name(call, form, value)


def _ec2_id(call: Call, _form: ArnFormat, value: str) -> Named:
    """Any EC2 resource id: the type is told by the prefix."""
    if value.startswith("arn:"):
        return value
    prefix = value.rpartition("-")[0]
    form = call.ec2_formats.get(call.ec2_ids.get(prefix, ""))
    if form is None:
        return UNKNOWN
    return call.fill(form, {form.variables[0]: value}) or UNKNOWN


def _ec2_new(call: Call, _form: ArnFormat, value: str) -> Named:
    """A type that the call makes and tags: named in a tag specification, checked as `type/*`."""
    form = call.ec2_formats.get(value)
    if form is None:
        return UNKNOWN
    return call.fill(form, dict.fromkeys(form.variables, "*")) or UNKNOWN


def _in_organization(start: str, variable: str) -> Callable[[Call, ArnFormat, str], Named]:
    """An id inside our own organization: its ARN holds the management account and the organization id."""

    def form_of(call: Call, form: ArnFormat, value: str) -> Named:
        if not value.startswith(start) or (start == "" and not value.isdigit()):
            return None
        if call.organization is None:
            return UNKNOWN
        management, organization = call.organization
        values = {
            "ManagementAccountId": management,
            "OrganizationId": organization.removeprefix("o-"),
            variable: value.removeprefix(start),
        }
        return call.fill(form, values, management) or UNKNOWN

    return form_of


def _unnamed(_call: Call, _form: ArnFormat, _value: str) -> Named:
    return UNKNOWN


def _copy_source(call: Call, form: ArnFormat, value: str) -> Named:
    # `bucket/key`, perhaps with a leading slash, `?versionId=` and URL encoding (S3 API Reference, CopyObject).
    text = unquote(value.partition("?versionId=")[0]).lstrip("/")
    if text.startswith("arn:"):
        return text
    bucket, _, key = text.partition("/")
    if is_access_point_alias(bucket) or not key:
        return UNKNOWN
    return call.fill(form, {"BucketName": bucket, "ObjectName": key}) or UNKNOWN


def _access_point_object(call: Call, _form: ArnFormat, value: str) -> Named:
    arn, key = split_arn(value), call.parameters.first("key")
    if arn is None or not arn.resource.startswith("accesspoint/"):
        return None
    return f"{value}/object/{key}" if key else UNKNOWN


def _access_point(_call: Call, form: ArnFormat, value: str) -> Named:
    arn = split_arn(value)
    return value if arn is not None and form.matches(arn) else None


def _load_balancer(call: Call, form: ArnFormat, value: str) -> Named:
    """Classic load balancers are `loadbalancer/NAME`; newer ones carry their kind and an id that comes later."""
    if not call.parameters.first("name"):
        return by_name(call, form, value)
    kinds = {"application": "app", "network": "net", "gateway": "gwy"}
    kind = kinds.get(call.parameters.first("type") or "application")
    return (call.fill(form, {form.variables[0]: f"{kind}/{value}/*"}) if kind else None) or UNKNOWN


def _source_region(call: Call, form: ArnFormat, value: str) -> Named:
    region = call.parameters.first("sourceRegion") or call.region
    return form.fill(call.partition, region, call.home, {form.variables[0]: value}) or UNKNOWN


def _new_revision(call: Call, form: ArnFormat, value: str) -> Named:
    return call.fill(form, {form.variables[0]: value, form.variables[1]: "*"}) or UNKNOWN


def _root_user(call: Call, form: ArnFormat, value: str) -> Named:
    if value.startswith("arn:"):
        return by_name(call, form, value)
    return call.fill(form, {}, value) or UNKNOWN


def _in_catalog(call: Call, form: ArnFormat, value: str) -> Named:
    # CatalogId is the owner's account, the caller's own by default (Glue API Reference); other catalogs have names.
    catalog = call.parameters.first("catalogId") or ""
    if catalog and not is_account_id(catalog):
        return UNKNOWN
    if "DatabaseName" not in form.variables:
        return UNKNOWN
    database = call.parameters.first("databaseName")
    values = {"DatabaseName": value} if len(form.variables) == 1 else {"TableName": value}
    if len(form.variables) > 1 and database:
        values["DatabaseName"] = database
    return call.fill(form, values, catalog or None) or UNKNOWN


def _catalog(call: Call, form: ArnFormat, value: str) -> Named:
    return call.fill(form, {}, value) or UNKNOWN if is_account_id(value) else None


def _web_acl_part(call: Call, form: ArnFormat, value: str) -> Named:
    scope = {"REGIONAL": "regional", "CLOUDFRONT": "global"}.get(call.parameters.first("scope") or "")
    name = call.parameters.first("name")
    if scope is None or name is None:
        return UNKNOWN
    return call.fill(form, {"Scope": scope, "Name": name, "Id": value}) or UNKNOWN


def _path(call: Call, form: ArnFormat, value: str) -> Named:
    # GetParametersByPath is checked on the path itself; whether a trailing slash stays is not documented.
    return UNKNOWN if value.endswith("/") else _ssm_parameter(call, form, value)


def _revision(call: Call, form: ArnFormat, value: str) -> Named:
    if value.startswith("arn:"):
        return by_name(call, form, value)
    family, _, revision = value.partition(":")
    return call.fill(form, {form.variables[0]: family, form.variables[1]: revision}) or UNKNOWN


def _qualified(*, version: bool) -> Callable[[Call, ArnFormat, str], Named]:
    def form_of(call: Call, form: ArnFormat, value: str) -> Named:
        named = _function(call, form, value)
        qualifier = named.split(":")[7:] if isinstance(named, str) else []
        return named if qualifier and qualifier[0].isdigit() is version else None

    return form_of


def _registry(call: Call, form: ArnFormat, value: str) -> Named:
    if value.startswith("arn:"):
        return by_name(call, form, value)
    return call.fill(form, {form.variables[0]: value}, call.parameters.first("registryId")) or UNKNOWN


def _part_of(kind: str, *paths: str, default: str = "") -> Callable[[Call, ArnFormat, str], Named]:
    """The value names a part of a thing that another parameter names, by name or ARN: `table/T/index/VALUE`."""

    def form_of(call: Call, form: ArnFormat, value: str) -> Named:
        if value.startswith("arn:"):
            return by_name(call, form, value)
        whole = next(filter(None, map(call.parameters.first, paths)), default)
        arn = split_arn(whole)
        name = arn.resource.removeprefix(kind).removesuffix(":*") if arn else whole
        values = dict(zip(form.variables, (name, value), strict=False))
        if arn is None or not arn.resource.startswith(kind):
            return (call.fill(form, values) if arn is None else None) or UNKNOWN
        return form.fill(arn.partition, arn.region, arn.account, values) or UNKNOWN

    return form_of


def _domain_owner(call: Call, form: ArnFormat, value: str) -> Named:
    values = {"DomainName": value}
    if "RepositoryName" in form.variables:
        values = {"DomainName": call.parameters.first("domain") or "", "RepositoryName": value}
    return call.fill(form, values, call.parameters.first("domainOwner")) or UNKNOWN


def _rule(*, custom: bool) -> Callable[[Call, ArnFormat, str], Named]:
    def form_of(call: Call, form: ArnFormat, value: str) -> Named:
        bus = call.parameters.first("eventBusName") or "default"
        arn = split_arn(bus)
        account, bus = (arn.account, arn.resource.partition("/")[2]) if arn else (None, bus)
        if (bus != "default") is not custom:
            return None
        return call.fill(form, {"EventBusName": bus, "RuleName": value}, account) or UNKNOWN

    return form_of


def _foundation_model(call: Call, form: ArnFormat, value: str) -> Named:
    # Ids with a region prefix (`us.anthropic...`) are inference profiles.
    if value.startswith("arn:") or value.count(".") == 1:
        return by_name(call, form, value)
    return UNKNOWN


def _last_segment(call: Call, form: ArnFormat, value: str) -> Named:
    return by_name(call, form, value if value.startswith("arn:") else value.rpartition("/")[2])


def _stack(call: Call, form: ArnFormat, value: str) -> Named:
    # A stack given by name is checked as `stack/NAME/*` (so say CloudFormation's own access-denied messages).
    if value.startswith("arn:"):
        return by_name(call, form, value)
    return call.fill(form, {form.variables[0]: value, form.variables[1]: "*"}) or UNKNOWN


FORMS: Final[Mapping[str, Callable[[Call, ArnFormat, str], Named]]] = MappingProxyType(
    {
        "name": by_name,
        "lower": _lower,
        "queue-url": _queue,
        "lambda-function": _function,
        "kms-key": _kms_key,
        "kms-alias": _kms_alias,
        "iam": _iam,
        "secret": _secret,
        "ssm-parameter": _ssm_parameter,
        "ssm-document": _ssm_document,
        "instance-id": _prefixed("i-"),
        "managed-instance-id": _prefixed("mi-"),
        "log-group": _log_group,
        "bucket": _bucket,
        "ec2-id": _ec2_id,
        "ec2-new": _ec2_new,
        "organization-member": _in_organization("", "MemberAccountId"),
        "organization-account": _in_organization("", "AccountId"),
        "organization-ou": _in_organization("ou-", "OrganizationalUnitId"),
        "organization-root": _in_organization("r-", "RootId"),
        "unknown": _unnamed,
        "copy-source": _copy_source,
        "access-point": _access_point,
        "access-point-object": _access_point_object,
        "load-balancer": _load_balancer,
        "source-region": _source_region,
        "new-revision": _new_revision,
        "root-user": _root_user,
        "in-catalog": _in_catalog,
        "catalog-account": _catalog,
        "web-acl-part": _web_acl_part,
        "ssm-path": _path,
        "family-revision": _revision,
        "function-alias": _qualified(version=False),
        "function-version": _qualified(version=True),
        "registry": _registry,
        "domain-owner": _domain_owner,
        "index-of-table": _part_of("table/", "tableName"),
        "service-of-cluster": _part_of("cluster/", "cluster", default="default"),
        "stream-of-group": _part_of("log-group:", "logGroupName", "logGroupIdentifier"),
        "default-bus-rule": _rule(custom=False),
        "custom-bus-rule": _rule(custom=True),
        "foundation-model": _foundation_model,
        "last-segment": _last_segment,
        "stack": _stack,
    }
)
