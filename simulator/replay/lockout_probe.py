"""Answers the lock-out probes of a proposal with compiled guardrails."""

from simulator.decision.request import Request
from simulator.decision.verdict import Decision
from simulator.iam.catalog import Catalog
from simulator.organization.snapshot import facts
from simulator.organization.tree import Organization
from simulator.replay.guardrails import GuardrailPair
from simulator.replay.outcome import StatementPlace


class LockoutProbe:
    """Says what surely denies a probe under the current or the proposed organization; `None` if nothing does."""

    def __init__(self, current: Organization, proposed: Organization, catalog: Catalog) -> None:
        self._pair = GuardrailPair(current, proposed, catalog)
        self._facts = facts(current)

    def __call__(self, organization: Organization, request: Request) -> tuple[str, ...] | None:
        """What denies `request` in `organization`, for people, in a fixed order."""
        now, then = self._pair.judge(request, request, self._facts, passed=False)
        answer = then if organization is self._pair.proposed else now
        if answer.decision is not Decision.DENIED:
            return None
        return tuple(sorted({_describe(place, organization) for side in answer.deciding for place in side.by}))


def _describe(place: StatementPlace, organization: Organization) -> str:
    where = organization.full_path(place.attached_to)
    if place.policy is None:
        return f"no Allow at {where}"
    return f"{place.policy}, statement {place.sid or place.statement}, at {where}"
