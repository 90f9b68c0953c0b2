"""Both sides of a request put together: the SCPs of the caller's chain and the RCPs of the resource owner's."""

import msgspec

from simulator.decision.exemptions import ActionExemptions, principal_exemption, resource_exemption
from simulator.decision.program import Program, Settled
from simulator.decision.request import UNKNOWN, Principal, Request
from simulator.decision.verdict import NO_SIDE, SideResult, SideVerdict, Verdict, not_applicable
from simulator.iam.catalog import Catalog
from simulator.policy.document import PolicyType


class Evaluator:
    """Decides requests; holds the tables of exemptions."""

    def __init__(self, catalog: Catalog) -> None:
        self._actions = ActionExemptions(catalog)

    def evaluate(
        self,
        request: Request,
        scp: Program | None,
        rcp: Program | None,
        settled: tuple[Settled | None, Settled | None] = (None, None),
    ) -> Verdict:
        """Decide `request` by the caller's SCPs and the owner's RCPs; a `None` side does not apply."""
        return Verdict(self.side(request, scp, settled[0]), self.side(request, rcp, settled[1]))

    def exemption(self, principal: Principal, action: str, side: PolicyType) -> str | None:
        """Why this side never reaches the caller or the action, as a stable id; `None` if it may."""
        return principal_exemption(principal, side) or self._actions.reason(action, side)

    def side(self, request: Request, program: Program | None, settled: Settled | None = None) -> SideVerdict:
        """One side's answer, exemptions of principal, action and resource included."""
        if program is None:
            return NO_SIDE
        side = program.side
        reason = self.exemption(request.principal, request.action, side)
        if reason is None and side is PolicyType.RCP:
            reason = resource_exemption(request)
        if reason is not None:
            return not_applicable(reason)
        verdict = program.evaluate(request, settled)
        if verdict.result is SideResult.ALLOWED:
            return verdict
        return _with_open_facts(verdict, _open_facts(request, side))


def _open_facts(request: Request, side: PolicyType) -> tuple[str, ...]:
    """Facts about the request itself that could put it out of this side's reach."""
    facts = []
    if request.principal.service_linked is UNKNOWN:
        facts.append("principal")
    if not request.certain:
        facts.append("resource")
    if side is PolicyType.RCP:
        # It may be an AWS managed key, or a service-linked role that a service assumes.
        unseen = not isinstance(request.resource, str) and request.action[:4].lower() in ("kms:", "sts:")
        if request.exempt_resource is UNKNOWN or unseen:
            facts.append("resource")
        if request.resource_account is UNKNOWN:
            facts.append("resource_account")
    return tuple(facts)


def _with_open_facts(verdict: SideVerdict, facts: tuple[str, ...]) -> SideVerdict:
    """A denial that one unknown fact could lift is undecided; that fact would settle it."""
    if not facts:
        return verdict
    keys = tuple(sorted({*verdict.keys, *facts}))
    by_statement = verdict.keys_by or ((),) * len(verdict.by)
    keys_by = tuple(tuple(sorted({*each, *facts})) for each in by_statement)
    return msgspec.structs.replace(verdict, result=SideResult.UNDECIDED, keys=keys, keys_by=keys_by)
