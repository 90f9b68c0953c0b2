"""Reads an organization snapshot from a file."""

from pathlib import Path
from typing import Final

from simulator.organization.snapshot import parse_organization
from simulator.organization.tree import Organization, without_snapshot
from simulator.sources.text import read_text

_LIMIT: Final = 1 << 30


def read_organization(path: Path | str | None) -> Organization:
    """The organization of a snapshot file; for `None` the one assumed without a snapshot (`Organization.assumed`).

    Raises `OrgsimError` for a file that cannot be read or is not a snapshot.
    """
    if path is None:
        return without_snapshot()
    file = Path(path)
    return parse_organization(read_text(file, _LIMIT, "the organization snapshot"), str(file))
