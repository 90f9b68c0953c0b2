"""The contract between sources, which find log files, and engines, which replay them."""

from collections.abc import Iterator
from typing import Protocol


class Batch(Protocol):
    """One log file or object: small and picklable, so that it can travel to the process that reads it.

    `name` is the path or address as the user gave it (for messages). `size` is the number of stored (compressed)
    bytes, 0 where it is not known; it serves progress bars and load balancing only. `log_account` and
    `log_organization` are the account and organization ids of an `AWSLogs/[o-…/]<account>/` path, else `None`:
    that folder proves that the account sends its logs to this trail (AWS CloudTrail User Guide,
    cloudtrail-find-log-files).
    """

    @property
    def name(self) -> str:
        """The path or address as given."""
        ...

    @property
    def size(self) -> int:
        """Stored bytes, 0 where not known."""
        ...

    @property
    def log_account(self) -> str | None:
        """The account of the delivery folder."""
        ...

    @property
    def log_organization(self) -> str | None:
        """The organization of the delivery folder."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """The inflated bytes, in order, in pieces of at most about a megabyte; each call starts anew.

        Raises `simulator.cloudtrail.containers.BrokenInputError` after the last readable piece where the rest cannot
        be read or inflated; the decoder turns that into a `Damage`.
        """
        ...
