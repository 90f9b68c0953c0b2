"""Write the logs of the made-up organization: ``python samples/generate.py`` (``--check`` compares instead).

``organization.json`` and ``proposal/`` are written by hand. This script writes ``logs/``, ``logs-extra/`` and
``expected.json``, the outcome that a correct replay of ``proposal/`` must give to every call told in a story. No clock
and no network: the same script writes the same files.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from storybook import containers, delivery, oddities, outside, people, pipelines, privileged, routine, workloads
from storybook.journal import Expectation, Journal
from storybook.world import BOOKING_PROD, DAYS, Json

HERE = Path(__file__).resolve().parent
GENERATED = ("logs", "logs-extra", "expected.json")


def _expectation(item: Expectation) -> Json:
    entry: Json = {"story": item.story, "event_ids": list(item.event_ids), "outcome": item.outcome}
    for name, value in (("by", list(item.by)), ("unknown", list(item.unknown)), ("why", item.why)):
        if value:
            entry[name] = value
    return entry


def _expected(journal: Journal, extra: Journal) -> bytes:
    """``expected.json``: one line for each call of a story; the routine is only counted, by outcome."""
    told = [item for item in journal.expectations if not item.story.startswith(routine.PREFIX)]
    counted = Counter(item.outcome for item in journal.expectations if item.story.startswith(routine.PREFIX))
    sections = [f'"routine": {delivery.compact(dict(sorted(counted.items())))}']
    for name, items in (("logs", told), ("logs-extra", extra.expectations)):
        lines = ",\n".join(delivery.compact(_expectation(item)) for item in items)
        sections.append(f'"{name}": [\n{lines}\n]')
    return ("{\n" + ",\n".join(sections) + "\n}\n").encode()


def build() -> dict[str, bytes]:
    """All generated files by path relative to ``samples/``."""
    journal = Journal()
    for chapter in (people, privileged, pipelines, workloads, outside, oddities, routine):
        for story in chapter.STORIES:
            story(journal)
    files = {f"logs/{key}": data for key, data in delivery.log_files(journal.deliveries).items()}
    logged = {key.removeprefix("logs/"): data for key, data in files.items()}
    key, data = delivery.digest_file(BOOKING_PROD, DAYS[7], logged)
    files[f"logs/{key}"] = data
    extra = Journal()
    files |= {f"logs-extra/{name}": data for name, data in containers.extra_files(extra).items()}
    files["expected.json"] = _expected(journal, extra)
    return files


def _content(data: bytes) -> bytes:
    """What has to agree: zlib versions pack differently, so of gzip files the content, and of a broken one nothing."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except EOFError:
        return b""


def differences(files: dict[str, bytes], folder: Path) -> list[str]:
    """Paths that are missing in the folder, differ from the generated files, or should not be there."""
    present = {
        path.relative_to(folder).as_posix()
        for name in GENERATED
        for path in ([folder / name] if (folder / name).is_file() else (folder / name).rglob("*"))
        if path.is_file()
    }
    wrong = {path for path in present & files.keys() if _content((folder / path).read_bytes()) != _content(files[path])}
    return sorted(wrong | (present ^ files.keys()))


def write(files: dict[str, bytes], folder: Path) -> None:
    """Replace the generated files of the folder."""
    for name in ("logs", "logs-extra"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for path, data in sorted(files.items()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the samples, or with ``--check`` end with 1 if they are not what this script writes."""
    parser = argparse.ArgumentParser(description="Write the logs of the made-up organization.")
    parser.add_argument("--output", type=Path, default=HERE, help="folder to write to (default: beside this script)")
    parser.add_argument("--check", action="store_true", help="compare with the folder instead of writing")
    options = parser.parse_args(arguments)
    files = build()
    if options.check:
        wrong = differences(files, options.output)
        sys.stderr.write("".join(f"differs: {path}\n" for path in wrong))
        return 1 if wrong else 0
    write(files, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
