"""A CloudTrail record as the authorization checks it stands for.

Record → principal, actions, resources of each action, context of each pair. What has no IAM check is `Skipped`, what
cannot be mapped is `Unmapped`; neither is ever called safe. Nothing here raises on a record's content.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from simulator.cloudtrail.call import Call
from simulator.cloudtrail.checks import ActionCheck, Mapped, Normalized, ResourceCheck, Skipped, Unmapped
from simulator.cloudtrail.context import ContextBuilder
from simulator.cloudtrail.inference_regions import inference_regions
from simulator.cloudtrail.parameters import Parameters
from simulator.cloudtrail.principal import principal_of
from simulator.cloudtrail.record import Record
from simulator.cloudtrail.resource_shapes import ShapeFinder
from simulator.decision.facts import Facts
from simulator.decision.request import UNKNOWN, ContextValue, Request, Resource
from simulator.iam.catalog import Catalog


class ActionFinder(Protocol):
    """Tells the IAM actions that AWS checked for a record (`ActionMap`)."""

    def checks(self, record: Record, parameters: Parameters) -> tuple[ActionCheck, ...] | Unmapped | Skipped:
        """The checks, or why there are none."""
        ...


class ResourceFinder(Protocol):
    """Tells the resources that an action was checked on (`ResourceMap`)."""

    def resources(self, record: Record, parameters: Parameters, action: str, facts: Facts) -> tuple[ResourceCheck, ...]:
        """At least one check."""
        ...


class Normalizer:
    """Turns records into requests; made once per run with the condition keys that the programs read."""

    def __init__(
        self,
        catalog: Catalog,
        keys: frozenset[str],
        action_map: ActionFinder,
        resource_map: ResourceFinder,
        asked: Callable[[str], frozenset[str]] | None = None,
    ) -> None:
        """`asked` tells which of the keys are read at all for an action; without it, all are."""
        self._asked = asked
        self._actions = action_map
        self._resources = resource_map
        self._shapes = ShapeFinder(catalog)
        self._contexts = ContextBuilder(catalog, keys)
        self._region_matters = "aws:requestedregion" in self._contexts.keys

    def normalize(self, record: Record, facts: Facts) -> Normalized:
        """The requests of a record, or why there are none."""
        parameters = Parameters.from_record(record)
        checks = self._actions.checks(record, parameters)
        if not isinstance(checks, tuple):
            return checks
        if not checks:
            return Unmapped("no action is known for this event")
        principal = principal_of(record)
        call = Call(record, parameters, principal, facts)
        by_action = None if self._asked is None else {check.action: self._asked(check.action) for check in checks}
        shared = self._contexts.of_call(
            call, None if by_action is None else frozenset[str]().union(*by_action.values())
        )
        requests: list[Request] = []
        for check in checks:
            for found in self._resources.resources(record, parameters, check.action, facts):
                # Of a resource that is only possibly involved nothing but its type may be taken as known.
                resource = found if found.certain else replace(found, arn=UNKNOWN, account=UNKNOWN, exempt=UNKNOWN)
                asked = None if by_action is None else by_action[check.action]
                context = self._contexts.of_check(call, shared, check.action, resource, asked)
                request = self._request(call, check, resource, context)
                requests.append(request)
                if self._region_matters:
                    requests += [
                        replace(request, context={**context, "aws:requestedregion": region})
                        for region in inference_regions(call, check.action)
                    ]
        if not requests:
            return Unmapped("no resource check is known for this event")
        return Mapped(tuple(requests))

    def _request(
        self, call: Call, check: ActionCheck, resource: ResourceCheck, context: dict[str, ContextValue]
    ) -> Request:
        arn: Resource = resource.arn
        if arn is UNKNOWN:
            arn = self._shapes.shape(call, check.action, resource.type, resource.account)
        return Request(
            principal=call.principal,
            action=check.action,
            resource=arn,
            resource_account=resource.account if resource.certain else UNKNOWN,
            context=context,
            exempt_resource=resource.exempt,
            tier=check.tier,
            # A resource that is only possibly involved leaves undecided whatever a policy says of it.
            certain=resource.certain,
        )
