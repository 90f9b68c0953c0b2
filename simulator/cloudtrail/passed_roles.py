"""Roles and instance profiles that a request hands to a service: what iam:PassRole is checked on.

iam:PassRole leaves no event of its own (AWS IAM User Guide, id_roles_use_passrole); the request's parameters show it.
"""

import msgspec

from simulator.cloudtrail.action_tables import RoleTable
from simulator.cloudtrail.parameters import Parameters
from simulator.iam.arn import split_arn


class PassedRole(msgspec.Struct, frozen=True):
    """A role as the request names it: `value` is an ARN or a bare name.

    With `profile` it is an instance profile: the role inside it is what is passed, and the request does not name it.
    """

    value: str
    profile: bool = False


def passed_roles(table: RoleTable, operation: str, parameters: Parameters) -> tuple[PassedRole, ...]:
    """The roles in the parameters of `service:operation` (lower case), in the record's order, each once.

    Whether the operation passes roles at all is not asked here.
    """
    found: dict[PassedRole, None] = {}
    for _, value in parameters.matching(table.may_name_role):
        for text in value if isinstance(value, list) else (value,):
            role = _role_arn(text)
            if role is not None:
                found[role] = None
    roles, profiles = table.named.get(operation, ((), ()))
    for paths, profile in ((roles, False), (profiles, True)):
        for path in paths:
            for text in parameters.all(path):
                role = _role_arn(text) if text.startswith("arn:") else PassedRole(text, profile) if text else None
                if role is not None:
                    found[role] = None
    return tuple(found)


def _role_arn(value: object) -> PassedRole | None:
    if not isinstance(value, str) or ":iam:" not in value:
        return None
    arn = split_arn(value)
    if arn is None or arn.service != "iam":
        return None
    if arn.resource.startswith("role/"):
        return PassedRole(value)
    return PassedRole(value, profile=True) if arn.resource.startswith("instance-profile/") else None
