"""A CloudTrail record as the authorization checks it stands for.

Record → principal, actions, resources of each action, context of each pair. What has no IAM check is `Skipped`, what
cannot be mapped is `Unmapped`; neither is ever called safe. Nothing here raises on a record's content.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from simulator.cloudtrail.call import Call
from simulator.cloudtrail.caller_keys import CallRule
from simulator.cloudtrail.checks import ActionCheck, Mapped, Normalized, ResourceCheck, Skipped, Unmapped
from simulator.cloudtrail.context import ContextBuilder
from simulator.cloudtrail.inference_regions import inference_regions
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import principal_of
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resource_shapes import ShapeFinder
from simulator.decision.facts import Facts
from simulator.decision.request import UNKNOWN, ContextValue, Principal, Request, Resource
from simulator.iam.catalog import Catalog

FoundChecks = tuple[ActionCheck, ...] | Unmapped | Skipped


class ActionFinder(Protocol):
    """Tells the IAM actions that AWS checked for a record (`ActionMap`)."""

    def checks(self, record: Record, parameters: Parameters) -> FoundChecks:
        """The checks, or why there are none."""
        ...


class ResourceFinder(Protocol):
    """Tells the resources that an action was checked on (`ResourceMap`)."""

    def resources(self, record: Record, parameters: Parameters, action: str, facts: Facts) -> tuple[ResourceCheck, ...]:
        """At least one check."""
        ...

    def is_surely_checked(self, action: str, event: str) -> bool:
        """Whether AWS checks the action on at least one resource, whatever a record of this event holds."""
        ...


class FoundResource(NamedTuple):
    """A check on a resource, with the resource as policies meet it: an ARN, or what is known of it."""

    check: ResourceCheck
    resource: Resource
    certain: bool


class Reading:
    """How the parts of a record are read that many rules share: here, by computing them.

    A replay puts another one in its place, which notes what was read and remembers what it gave.
    """

    def checks(
        self, find: Callable[[Record, Parameters], FoundChecks], record: Record, parameters: Parameters
    ) -> FoundChecks:
        """The actions that AWS checked."""
        return find(record, parameters)

    def principal(self, record: Record) -> Principal:
        """The caller, as the requests name it."""
        return principal_of(record)

    def caller(self, record: Record) -> Principal:
        """The caller, as the rules for condition keys look at it."""
        return principal_of(record)

    def key(self, key: str, rule: CallRule, call: Call, actions: tuple[str, ...]) -> ContextValue | None:
        """The condition key `key`, which is the same for all checks of a call; `actions` are those of the call."""
        del key, actions  # What other readings remember it by.
        return rule(call)

    def resources(
        self, find: Callable[[Call, str], tuple[FoundResource, ...]], call: Call, action: str
    ) -> tuple[FoundResource, ...]:
        """The resources that an action was checked on."""
        return find(call, action)


COMPUTED: Final = Reading()


class Normalizer:
    """Turns records into requests; made once per run with the condition keys that the programs read."""

    def __init__(
        self,
        catalog: Catalog,
        keys: frozenset[str],
        action_map: ActionFinder,
        resource_map: ResourceFinder,
        asked: Callable[[str], frozenset[str]] | None = None,
        asks_resource: Callable[[str, Principal, Facts], bool] | None = None,
    ) -> None:
        """`asked` tells which of the keys are read at all for an action; without it, all are.

        `asks_resource` tells whether anything is asked about the resource of an action of this caller. Where nothing
        is, and the action is surely checked on something, it is not looked for: one request stands for all of them.
        """
        self._asked = asked
        self._asks_resource = asks_resource
        self._actions = action_map
        self._resources = resource_map
        self._shapes = ShapeFinder(catalog)
        self._contexts = ContextBuilder(catalog, keys)
        self._region_matters = "aws:requestedregion" in self._contexts.keys

    def normalize(self, record: Record, facts: Facts, reading: Reading = COMPUTED) -> Normalized:
        """The requests of a record, or why there are none."""
        parameters = Parameters.from_record(record)
        checks = reading.checks(self._actions.checks, record, parameters)
        if not isinstance(checks, tuple):
            return checks
        if not checks:
            return Unmapped("no action is known for this event")
        principal = reading.principal(record)
        call = Call(record, parameters, reading.caller(record), facts)
        by_action = None if self._asked is None else {check.action: self._asked(check.action) for check in checks}
        shared = self._contexts.of_call(
            call,
            None if by_action is None else frozenset[str]().union(*by_action.values()),
            lambda key, rule: reading.key(key, rule, call, tuple(check.action for check in checks)),
        )
        requests: list[Request] = []
        numbers: list[int | None] = []
        for check in checks:
            asked = None if by_action is None else by_action[check.action]
            for number, found in enumerate(self._found(reading, call, check.action, principal, asked)):
                context = self._contexts.of_check(call, shared, check.action, found.check, asked)
                request = Request(
                    principal=principal,
                    action=check.action,
                    resource=found.resource,
                    resource_account=found.check.account,
                    context=context,
                    exempt_resource=found.check.exempt,
                    tier=check.tier,
                    # A resource that is only possibly involved leaves undecided whatever a policy says of it.
                    certain=found.certain,
                )
                requests.append(request)
                if self._region_matters:
                    requests += [
                        replace(request, context={**context, "aws:requestedregion": region})
                        for region in inference_regions(call, check.action)
                    ]
                numbers += [None if found is SOMETHING else number] * (len(requests) - len(numbers))
        if not requests:
            return Unmapped("no resource check is known for this event")
        return Mapped(tuple(requests), tuple(numbers))

    def asks_of_checks(self, action: str) -> bool:
        """Whether a condition key is read for `action` that hangs on the action or the resource."""
        return self._asked is None or self._contexts.asks_of_checks(self._asked(action))

    def find_resources(self, call: Call, action: str) -> tuple[FoundResource, ...]:
        """All resources that an action of a call was checked on."""
        return tuple(
            self._outlined(call, action, check)
            for check in self._resources.resources(call.record, call.parameters, action, call.facts)
        )

    def _found(
        self, reading: Reading, call: Call, action: str, principal: Principal, asked: frozenset[str] | None
    ) -> tuple[FoundResource, ...]:
        unasked = (
            self._asks_resource is not None
            and asked is not None
            and not self._contexts.asks_of_checks(asked)
            and not self._asks_resource(action, principal, call.facts)
            and self._resources.is_surely_checked(action, call.record.event_name or "")
        )
        return (SOMETHING,) if unasked else reading.resources(self.find_resources, call, action)

    def _outlined(self, call: Call, action: str, found: ResourceCheck) -> FoundResource:
        # Of a resource that is only possibly involved nothing but its type may be taken as known.
        check = found if found.certain else replace(found, arn=UNKNOWN, account=UNKNOWN, exempt=UNKNOWN)
        arn: Resource = check.arn
        if arn is UNKNOWN:
            arn = self._shapes.shape(call, action, check.type, check.account)
        return FoundResource(check, arn, found.certain)


SOMETHING: Final = FoundResource(ResourceCheck(UNKNOWN, UNKNOWN), UNKNOWN, True)
"""A resource that nobody asks about."""
