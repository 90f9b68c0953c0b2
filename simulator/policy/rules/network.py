"""Keys of the VPC endpoint that only some services supply.

Source: AWS IAM User Guide, reference_policies_condition-keys (aws:SourceVpcArn, aws:VpceAccount, aws:VpceOrgID,
aws:VpceOrgPaths).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from simulator.iam.network_keys import NETWORK_KEYS
from simulator.policy.document import Effect
from simulator.policy.rules.subject import Check, Problem, Subject, matches_when_missing


def network_key_not_supplied(subject: Subject) -> Iterator[Problem]:
    """A Deny matches for want of a key that the service never supplies."""
    for statement, condition in subject.conditions:
        row = NETWORK_KEYS.get(condition.key.value.lower())
        if row is None or statement.effect is not Effect.DENY or not matches_when_missing(condition):
            continue
        if statement.actions.negated:
            continue
        without = sorted(
            {
                named.service
                for named in subject.named_actions(statement)
                if named.known and not any(row.supplied_for(info.name) for info in named.known)
            }
        )
        if any(named.known is None for named in subject.named_actions(statement)):
            without = ["most services"]
        if without:
            message = f"`{row.name}` never comes with {', '.join(without)}: the condition matches every call there"
            fix = f"limit the statement to services that supply `{row.name}`, or use aws:SourceVpc or aws:SourceVpce"
            yield Problem(condition.span, message, fix)


CHECKS: Final[Mapping[str, Check]] = {"network-key-not-supplied": network_key_not_supplied}
