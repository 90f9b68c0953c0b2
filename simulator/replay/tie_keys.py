"""Keys of sessions, and how long a session is joined to the record that issued it.

A session's key in `Ties.used` is its access key id (or what stands for one), its role, root or federated user, its
session's ARN, and, without an access key, when it began.
"""

from datetime import timedelta
from typing import Final

from simulator.cloudtrail.call import is_identity_center_role, parse_time
from simulator.replay.bounded import Key
from simulator.replay.session_names import MAX_NAME, is_instance_id

HOLDS: Final = timedelta(hours=36)
"""Log time for which a session is joined to the record that issued it: the longest that STS gives credentials for."""


def session_of(key: Key) -> str:
    """The name of the session in the key of a use; `""` for root users."""
    return session_name(key[2])


def session_name(arn: str) -> str:
    """The session's name in the ARN of a role's session or a federated user."""
    kind, _, rest = arn.partition("/")
    if kind.endswith(":assumed-role"):
        return rest.partition("/")[2]
    return rest if kind.endswith(":federated-user") else ""


def unkeyed(role: str, session: str) -> str:
    """Stands for the access key of a session whose records name none."""
    return f"{role}\x00{session}"


def has_access_key(key: Key) -> bool:
    """Whether the records of a session name its access key."""
    return "\x00" not in key[0]


def group_key(key: Key) -> Key:
    """The key in `Ties.loose` of a session's key: its role, and its name where that may tell who it is, else `*`."""
    role, name = key[1], session_name(key[2])
    telling = "@" in name or is_identity_center_role(role) or is_instance_id(name)
    return role, name[:MAX_NAME] if telling or not name else "*"


def is_over(created: str, time: str) -> bool:
    """Whether a call came too long after its session began to be joined to it."""
    if not created or time[:10] <= created[:10]:
        # The same day, as nearly always.
        return False
    start, end = parse_time(created), parse_time(time)
    return start is not None and end is not None and end - start > HOLDS
