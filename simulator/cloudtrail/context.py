"""The request context of a check: every condition key that the programs read, from one CloudTrail record.

A key is a value, *absent* (proved missing: then it is not in the dict), `UNKNOWN`, or partly known. A key without a
rule is unknown, never absent. The rules stand in their own modules by theme; the tables in `mappings/`; the whole is
described in docs/mapping.md. Source: AWS IAM User Guide, reference_policies_condition-keys; Service Authorization
Reference.
"""

from collections.abc import Callable, Mapping
from typing import Final

from simulator.cloudtrail.call import Call, Target
from simulator.cloudtrail.caller_keys import CALLER_RULES, CallRule, principal_tag
from simulator.cloudtrail.checks import ResourceCheck
from simulator.cloudtrail.event_context import EventContext
from simulator.cloudtrail.key_availability import Availability
from simulator.cloudtrail.network import ENDPOINT_OWNER_RULES, NETWORK_RULES
from simulator.cloudtrail.organization_keys import ORGANIZATION_RULES
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.record import NO_JSON, Record
from simulator.cloudtrail.request_keys import REQUEST_RULES
from simulator.cloudtrail.resource_keys import owner_rules
from simulator.cloudtrail.service_keys import ServiceKeys
from simulator.cloudtrail.tags import CheckRule, TagReader, request_tag, resource_tag, tag_keys
from simulator.cloudtrail.web_identity import identity_rule
from simulator.cloudtrail.workload_keys import WORKLOAD_RULES
from simulator.decision.facts import Facts
from simulator.decision.request import UNKNOWN, ContextValue, OneOf, Principal
from simulator.iam.catalog import Catalog

_CALL_RULES: Final[Mapping[str, CallRule]] = {
    **CALLER_RULES,
    **ORGANIZATION_RULES,
    **NETWORK_RULES,
    **REQUEST_RULES,
    **WORKLOAD_RULES,
}

_LISTED_GLOBALS: Final = ("aws:requesttag/", "aws:tagkeys", "aws:resourcetag/")
"""Global keys that exist only where the Service Authorization Reference lists them."""


class ContextBuilder:
    """Builds contexts of the wanted keys; made once per run, the rules are chosen then."""

    def __init__(self, catalog: Catalog, keys: frozenset[str]) -> None:
        self._catalog = catalog
        self._availability = Availability(catalog)
        self._tags = TagReader()
        self._services: ServiceKeys | None = None
        self._owners = owner_rules()
        self.keys = frozenset(key.lower() for key in keys)
        self._call_rules: list[tuple[str, CallRule]] = []
        self._check_rules: list[tuple[str, CheckRule, bool]] = []
        for key in sorted(self.keys):
            call_rule = self._call_rule(key)
            if call_rule is not None:
                self._call_rules.append((key, call_rule))
            else:
                self._check_rules.append((key, *self._check_rule(key)))
        self._keys_of_checks = frozenset(key for key, *_ in self._check_rules)
        self._plans: dict[tuple[str, str | None], tuple[tuple[str, CheckRule], ...]] = {}
        self._event_context = EventContext(catalog, self.keys)

    def context(
        self,
        record: Record,
        parameters: Parameters,
        principal: Principal,
        action: str,
        resource_check: ResourceCheck,
        facts: Facts,
    ) -> dict[str, ContextValue]:
        """The wanted keys for one check of `action` (`service:Action`); what is left out is proved absent."""
        call = Call(record, parameters, principal, facts)
        return self.of_check(call, self.of_call(call), action, resource_check)

    def asks_of_checks(self, keys: frozenset[str]) -> bool:
        """Whether some of these keys hang on the action or the resource."""
        return not keys.isdisjoint(self._keys_of_checks)

    def of_call(
        self,
        call: Call,
        asked: frozenset[str] | None = None,
        read: Callable[[str, CallRule], ContextValue | None] | None = None,
    ) -> dict[str, ContextValue]:
        """The wanted keys that are the same for all checks of a call; of those that are not `asked` for, none.

        `read` takes the place of calling the rule of a key.
        """
        found: dict[str, ContextValue] = {}
        for key, rule in self._call_rules:
            if asked is not None and key not in asked:
                continue
            value = rule(call) if read is None else read(key, rule)
            if value is not None:
                found[key] = value
        return found

    def of_check(
        self,
        call: Call,
        of_call: Mapping[str, ContextValue],
        action: str,
        resource_check: ResourceCheck,
        asked: frozenset[str] | None = None,
    ) -> dict[str, ContextValue]:
        """The context of one check, on top of what `of_call` told."""
        found = dict(of_call)
        plan = self._plan(action, resource_check.type) if asked is None or self.asks_of_checks(asked) else ()
        if plan:
            target = Target(action, action.partition(":")[0].lower(), resource_check)
            for key, rule in plan:
                if asked is not None and key not in asked:
                    continue
                value = rule(call, target)
                if value is not None:
                    found[key] = value
        if call.record.event_context is not NO_JSON and call.event_context:
            self._event_context.apply(call.event_context, resource_check, found)
        return found

    def _plan(self, action: str, resource_type: str | None) -> tuple[tuple[str, CheckRule], ...]:
        """The rules for an action on a resource type, without those of keys that cannot exist there."""
        place = (action, resource_type)
        plan = self._plans.get(place)
        if plan is None:
            rules: list[tuple[str, CheckRule]] = []
            for key, rule, listed in self._check_rules:
                possible = self._availability.has(action, resource_type, key) if listed else True
                if possible is None:
                    rule = _perhaps(rule) if self._availability.knows(action) else _perhaps(rule, absent=UNKNOWN)
                if possible is not False:
                    rules.append((key, rule))
            plan = self._plans[place] = tuple(rules)
        return plan

    def _call_rule(self, key: str) -> CallRule | None:
        rule = _CALL_RULES.get(key)
        if rule is not None:
            return rule
        family, slash, name = key.partition("/")
        if slash and family == "aws:principaltag":
            return principal_tag(name)
        service = key.partition(":")[0]
        if service != "aws" and service not in self._catalog.services:
            # `token.actions.githubusercontent.com:sub`, `saml:aud`: claims of an identity provider.
            return identity_rule(key)
        return None

    def _check_rule(self, key: str) -> tuple[CheckRule, bool]:
        """The rule of a key, and whether the reference decides where the key exists."""
        if key in self._owners:
            return self._owners[key], False
        if key in ENDPOINT_OWNER_RULES:
            return ENDPOINT_OWNER_RULES[key], False
        if key.startswith("aws:"):
            if not key.startswith(_LISTED_GLOBALS):
                return _unknown, False
            return self._tag_rule(key), True
        if self._services is None:
            # Made when first asked: its table is the longest, and most policies read global keys only.
            self._services = ServiceKeys(self._tags)
        return self._services.rule(key) or _unknown, True

    def _tag_rule(self, key: str) -> CheckRule:
        family, _, name = key.partition("/")
        if family == "aws:requesttag":
            return request_tag(name, self._tags)
        if family == "aws:resourcetag":
            return resource_tag(name, self._tags)
        return tag_keys(self._tags)


def _unknown(_call: Call, _target: Target) -> ContextValue | None:
    return UNKNOWN


def _perhaps(rule: CheckRule, absent: ContextValue | None = None) -> CheckRule:
    """A rule where the key may not exist for this resource at all; `absent` is what its "absent" then means."""

    def value(call: Call, target: Target) -> ContextValue | None:
        found = rule(call, target)
        if found is None:
            return absent
        return OneOf((found, None)) if isinstance(found, str) else UNKNOWN

    return value
