"""Every operation of every AWS API maps to an action, is skipped for a listed reason, or is a listed gap.

Assumption: CloudTrail writes an operation's event source with the API's signing name, or its endpoint prefix where it
has none. That holds for most services; where CloudTrail is known to write another name, `sources.toml` has rows for
both. The operation's own name stands for the event's name (dated names are cut down to it).
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.loaders import Loader

from simulator.cloudtrail.actions import ActionMap
from simulator.iam.catalog import Catalog

GAPS = Path(__file__).parents[2] / "cases" / "mapping-gaps.txt"
REASONS = {"not-in-catalog", "retired", "undocumented"}
TARGET = 0.97


def operations() -> Iterator[tuple[str, str, str]]:
    """(API name, event source label, operation) of the newest version of every API."""
    loader = Loader(include_default_search_paths=False)
    loader.search_paths.append(Loader.BUILTIN_DATA_PATH)
    for api in loader.list_available_services("service-2"):
        model = loader.load_service_model(api, "service-2")
        metadata = model["metadata"]
        label = (metadata.get("signingName") or metadata["endpointPrefix"]).lower()
        for operation in model["operations"]:
            yield api, label, operation


def listed_gaps() -> dict[str, str]:
    lines = GAPS.read_text(encoding="utf-8").splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))


def test_every_sdk_operation_is_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    actions = ActionMap(Catalog())
    listed = listed_gaps()
    total = mapped = skipped = 0
    unmapped: set[str] = set()
    closed: set[str] = set()
    for api, label, operation in operations():
        total += 1
        explanation = actions.explain(label, operation)
        name = f"{api}:{operation}"
        if explanation.unmapped is not None:
            unmapped.add(name)
            continue
        if name in listed:
            closed.add(name)
        mapped += bool(explanation.actions)
        skipped += explanation.skipped is not None
    share = (mapped + skipped) / total
    with capsys.disabled():
        sys.stdout.write(f"\nSDK operations: {total}, mapped {mapped}, skipped {skipped}, covered {share:.2%}\n")
    assert not closed, "these map now: take them off tests/cases/mapping-gaps.txt"
    assert not unmapped - listed.keys(), "new gaps: add rows to the mapping tables (docs/adding-a-mapping.md)"
    assert share >= TARGET


def test_gap_file_is_sorted_and_has_reasons() -> None:
    gaps = listed_gaps()
    assert list(gaps) == sorted(gaps)
    assert set(gaps.values()) <= REASONS
