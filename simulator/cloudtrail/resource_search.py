"""The search of one record for the resources of one action."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Final, Literal
from urllib.parse import quote

from simulator.cloudtrail.arn_format import ArnFormat, best_match
from simulator.cloudtrail.checks import ResourceCheck
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.passed_roles import PassedRole
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resource_names import Call, is_access_point_alias
from simulator.cloudtrail.resource_owners import Account, Owners, arns_within, kms_exemption, read_json
from simulator.cloudtrail.resource_plans import TypePlan
from simulator.cloudtrail.resource_tables import Absent
from simulator.decision.request import UNKNOWN, Unknown
from simulator.iam.arn import account_of, split_arn

_PLACE: Final = re.compile(r"\{(\w+)\}")
_MOST: Final = 1000
"""The most resources one call may name (S3 DeleteObjects takes 1000 keys)."""

Found = tuple[str | Literal[Unknown.UNKNOWN], str | None]
"""An ARN or `UNKNOWN`, and the account in which the call named it, if that is known."""


class Search:
    """Looks through the parts of a record in turn; what costs decoding is decoded when first asked for."""

    def __init__(self, record: Record, call: Call, owners: Owners, formats: Mapping[str, ArnFormat]) -> None:
        self._record = record
        self._call = call
        self._owners = owners
        self._formats = formats
        self._listed = self._by_type(owners.listed) if owners.listed else {}
        self._answer: Parameters | None = None
        self._answered: dict[str, list[str]] | None = None
        self._scanned: dict[str, list[str]] | None = None

    def of_type(self, kind: TypePlan, *, self_named: bool) -> list[ResourceCheck]:
        """The resources of one type; empty if the record names none."""
        call = self._call
        if not applies(kind, call):
            return []
        if kind.fixed is not None:
            return [self.check(kind, (call.fill(kind.fixed, {}) or UNKNOWN, call.home), created=kind.created)]
        found: list[Found] = []
        if kind.listed:
            found = [(arn, None) for arn in self._listed.get(kind.name, ())]
            if kind.name == "accesspointobject":
                found = self._through_access_point()
        found = found or self._named(kind)
        if not found and self_named and kind.name == "user":
            found = self._caller()
        if not found and kind.response:
            found = [each for path in kind.response for each in self._values(kind, self._response().all(path))]
        if not found and kind.wildcard:
            arn = call.fill(kind.format, dict.fromkeys(kind.format.variables, "*")) or UNKNOWN
            certain = not kind.sure or any(call.parameters.has(path) for path in kind.sure) or self._answer_proves(kind)
            return [self.check(kind, (arn, call.home), created=kind.created, certain=certain)]
        if all(arn is UNKNOWN for arn, _ in found):
            found = self._one_in_answer(kind) or found
        if not found and kind.scan:
            found = [(arn, None) for arn in self._arns_sent().get(kind.name, ())]
        certain = not any(call.parameters.has(path) for path in kind.possible_when)
        checks = [self.check(kind, each, created=kind.created_if_named, certain=certain) for each in found[:_MOST]]
        if kind.plus_new and checks:
            arn = call.fill(kind.format, dict.fromkeys(kind.format.variables, "*")) or UNKNOWN
            checks.append(self.check(kind, (arn, call.home), created=True))
        if kind.possible_suffix:
            checks += [
                replace(check, arn=check.arn + kind.possible_suffix, certain=False)
                for check in checks
                if isinstance(check.arn, str)
            ]
        return checks

    def of_role(self, kind: TypePlan, role: PassedRole) -> ResourceCheck:
        """One role that the call hands over; the role inside an instance profile is not in the request."""
        home = self._call.home
        if role.value.startswith("arn:"):
            return self.check(kind, (UNKNOWN if role.profile else role.value, account_of(role.value)))
        return self.check(
            kind, (UNKNOWN if role.profile else kind.form(self._call, kind.format, role.value) or UNKNOWN, home)
        )

    def foreign_type(self) -> list[ResourceCheck]:
        """The one ARN among the parameters that is the service's own, although the catalog lists no such type.

        Elastic Load Balancing's two generations share their action names; the catalog knows the types of one.
        """
        sent = {arn: name for name, arns in self._arns_sent().items() for arn in arns}
        if len(sent) != 1:
            return []
        ((arn, name),) = sent.items()
        return [ResourceCheck(arn, self._owners.of(arn, own=self._call.home), name)]

    def of_path(self, templates: tuple[str, ...]) -> ResourceCheck:
        """API Gateway's resource: the path of the request, in an ARN without an account."""
        parameters, call = self._call.parameters, self._call
        for template in templates:
            if call.region and all(parameters.first(name) for name in _PLACE.findall(template)):
                path = _PLACE.sub(lambda match: _in_path(parameters.first(match[1]) or ""), template)
                return ResourceCheck(f"arn:{call.partition}:apigateway:{call.region}::{path}", call.home or UNKNOWN)
        return ResourceCheck(UNKNOWN, UNKNOWN)

    def check(self, kind: TypePlan, found: Found, *, created: bool = False, certain: bool = True) -> ResourceCheck:
        """One check, with the owner of the resource."""
        arn, named_in = found
        call = self._call
        account: Account
        if arn is UNKNOWN:
            account = named_in or (call.home if kind.owner_home else None) or UNKNOWN
            if kind.owner_unknown:
                account = self._owners.of_bucket(call.parameters.first("bucketName"), call.partition)
        elif created and kind.name in ("bucket", "snapshot", "image", "fpga-image"):
            account = call.home or UNKNOWN
        elif kind.owner_aws or (kind.format.has_account and kind.name != "*" and _has_no_account(arn)):
            account = None  # AWS's own: documents, managed policies, ...
        else:
            account = self._owners.of(arn, own=None if kind.owner_unknown or kind.name == "*" else call.home)
        exempt = kms_exemption(self._record, call.parameters, call.action, arn, self._owners.facts)
        name: str | None = kind.name
        if name == "*":
            parts = split_arn(arn) if isinstance(arn, str) else None
            name = next(iter(best_match(parts, self._formats.items())), None) if parts else None
        return ResourceCheck(arn, account, name, created, exempt, certain)

    def lost(self, kind: TypePlan | None, *, certain: bool = True) -> ResourceCheck:
        """A check on a resource that the record does not show, of a known type or not."""
        if kind is not None:
            possible = kind.absent is Absent.POSSIBLE
            return self.check(kind, (UNKNOWN, None), created=kind.created, certain=certain and not possible)
        exempt = kms_exemption(self._record, self._call.parameters, self._call.action, UNKNOWN, self._owners.facts)
        return ResourceCheck(UNKNOWN, UNKNOWN, exempt=exempt, certain=certain)

    def _named(self, kind: TypePlan) -> list[Found]:
        if kind.paths:
            found: list[Found] = []
            for path in kind.paths:
                found += self._values(kind, self._values_at(path))
                if found and not kind.every:
                    break
            if found or not kind.constant:
                return found
        if kind.constant:
            return [(self._call.fill(kind.format, {}) or UNKNOWN, self._call.home)]
        if not kind.variables:
            return []
        values = [self._first_values(kind.variables.get(name, ())) for name in kind.format.variables]
        whole = [text for texts in values for text in texts if text.startswith("arn:")]
        fitting = [each for each in self._values(kind, whole) if each[0] is not UNKNOWN]
        if fitting:
            return fitting
        if not all(values):
            # Some part of the name is there and the rest is not: there is such a resource, its ARN is not known.
            return [(UNKNOWN, self._call.home)] if any(values) and kind.required else []
        found = []
        for combination in product(*values):
            if len(combination) == 1:
                found += self._values(kind, combination)
                continue
            if any(text.startswith("arn:") for text in combination[:-1]):
                continue
            alias = kind.owner_unknown and is_access_point_alias(combination[0])
            given = dict(zip(kind.format.variables, combination, strict=True))
            found.append(((None if alias else self._call.fill(kind.format, given)) or UNKNOWN, self._call.home))
        return found

    def _through_access_point(self) -> list[Found]:
        """`resources[]` lists the access point, not the object in it (Amazon S3 User Guide, access-points-policies)."""
        key = self._call.parameters.first("key")
        return [
            (f"{arn}/object/{key}" if key else UNKNOWN, account_of(arn)) for arn in self._listed.get("accesspoint", ())
        ]

    def _values(self, kind: TypePlan, texts: Iterable[str]) -> list[Found]:
        found: list[Found] = []
        for text in texts:
            if not text:
                continue
            named = kind.form(self._call, kind.format, text)
            if named is not None:
                found.append((named, account_of(text) if text.startswith("arn:") else self._call.home))
        return found

    def _values_at(self, path: str) -> tuple[str, ...]:
        parameters = self._call.parameters
        if _head(path) not in parameters.names:
            return ()
        if path.endswith("{}"):
            node = parameters.raw(path[:-2])
            return tuple(str(name) for name in node) if isinstance(node, dict) else ()
        # `{"tag": 1, "content": "vpc-..."}` is how newer EC2 calls write a list item.
        return parameters.all(path) or parameters.all(f"{path}.content")

    def _first_values(self, paths: Iterable[str]) -> list[str]:
        for path in paths:
            texts = [text for text in self._values_at(path) if text]
            if texts:
                return texts
        return []

    def _answer_proves(self, kind: TypePlan) -> bool:
        return kind.sure_answer is not None and self._response().first(kind.sure_answer[0]) == kind.sure_answer[1]

    def _caller(self) -> list[Found]:
        """IAM's user calls without a user name are about the caller (IAM API Reference, GetUser and others)."""
        identity, caller = self._record.user_identity, self._call.caller
        sent_nothing = self._call.parameters.known or self._record.error_code is None
        if sent_nothing and identity is not None and identity.type == "IAMUser" and caller is not None:
            return [(caller, None)]
        return []

    def _one_in_answer(self, kind: TypePlan) -> list[Found]:
        if self._answered is None:
            self._answered = self._by_type(arns_within(read_json(self._record.response_elements), depth=4))
        answered = self._answered.get(kind.name, [])
        return [(answered[0], None)] if len(answered) == 1 else []

    def _arns_sent(self) -> dict[str, list[str]]:
        if self._scanned is None:
            self._scanned = self._by_type(self._call.parameters.outer_texts("arn:"))
        return self._scanned

    def _response(self) -> Parameters:
        if self._answer is None:
            self._answer = Parameters(read_json(self._record.response_elements))
        return self._answer

    def _by_type(self, arns: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for text in arns:
            arn = split_arn(text)
            if arn is not None:
                for name in best_match(arn, self._formats.items()):
                    found.setdefault(name, []).append(text)
        return found


@cache
def _head(path: str) -> str:
    # The paths are those of the tables and of the catalog's ARN formats: a bounded number.
    return path.partition(".")[0].removesuffix("[]").removesuffix("{}").lower()


def _in_path(value: str) -> str:
    # Tags are asked for by the ARN of the tagged resource, URL-encoded (SAR, Amazon API Gateway Management: Tags).
    return quote(value, safe="") if value.startswith("arn:") else value


def _has_no_account(arn: str) -> bool:
    parts = split_arn(arn)
    return parts is not None and not parts.account


def applies(kind: TypePlan, call: Call) -> bool:
    """Whether the conditions of the type's table row are met by the parameters."""
    if kind.when and not any(call.parameters.has(path) for path in kind.when):
        return False
    if any(call.parameters.has(path) for path in kind.unless):
        return False
    if kind.where is None:
        return True
    path, value = kind.where
    return call.parameters.first(path) == value


def without_access_point_twins(checks: list[ResourceCheck]) -> list[ResourceCheck]:
    """Mark bucket and object as possible only where an access point was used.

    A request through an access point is checked on the access point's ARN (Amazon S3 User Guide,
    access-points-policies); whether also on the bucket depends on the bucket's own policy.
    """
    if not any(check.type in ("accesspoint", "accesspointobject") for check in checks):
        return checks
    return [replace(check, certain=False) if check.type in ("bucket", "object") else check for check in checks]
