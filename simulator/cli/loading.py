"""What several commands load before they begin: the action catalog, with the local update where there is one."""

import os
from pathlib import Path

from simulator.iam.catalog import Catalog
from simulator.sources.catalog_cache import read_update


def cache_folder(given: Path | None = None) -> Path:
    """Where local updates are kept: as given, else ORGSIM_CACHE, else the user's cache folder."""
    if given is not None:
        return given
    configured = os.environ.get("ORGSIM_CACHE")
    if configured:
        return Path(configured)
    base = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path there is to be ignored (XDG Base Directory Specification).
    home = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return home / "orgsim"


def load_catalog(cache: Path | None = None) -> Catalog:
    """The catalog that every command uses: packaged tables under the local update, if `orgsim catalog update` made one.

    Raises `OrgsimError` (`catalog-cache`) for a cache that cannot be read: silently leaving it out would change
    answers.
    """
    return Catalog(read_update(cache_folder(cache)))


def update_note(catalog: Catalog) -> str | None:
    """A sentence for reports: answers depend on the local update, so readers must see that there is one."""
    update = catalog.update
    if update is None:
        return None
    return f"The action catalog has a local update of {update.fetched} from {update.origin}."
