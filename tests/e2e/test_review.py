"""What reviewers get of the samples, byte for byte. Renew with `pytest tests/e2e/test_review.py --snapshot-update`."""

from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from tests.e2e.command import SAMPLES, call

FILES = ("impact.md", "impact.sarif", "impact.junit.xml")


class Files(SingleFileSnapshotExtension):
    """Snapshots as files of their own."""

    file_extension = "txt"

    @classmethod
    def dirname(cls, *, test_location):
        return str(Path(__file__).parents[1] / "snapshots" / "e2e" / test_location.basename)


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory):
    """The files of one replay, and its standard output as `annotations`."""
    folder = tmp_path_factory.mktemp("review")
    done = call(*SAMPLES, "--format", "github", *(part for name in FILES for part in ("-o", folder / name)))
    assert (done.returncode, done.stderr) == (10, b"")
    return {"annotations": done.stdout, **{name: (folder / name).read_bytes() for name in FILES}}


@pytest.mark.parametrize("name", ["annotations", *FILES])
def test_the_samples(reviewed, snapshot, name):
    assert reviewed[name] == snapshot.use_extension(Files)


def test_redacted_the_samples_tell_no_account_person_or_address(reviewed, tmp_path):
    files = [tmp_path / name for name in (*FILES, "impact.json", "impact.csv", "impact.graphml")]
    done = call(*SAMPLES, "--redact", *(part for file in files for part in ("-o", file)))
    assert (done.returncode, done.stderr) == (10, b"")
    texts = [done.stdout.decode(), *(file.read_text(encoding="utf-8") for file in files)]
    for secret in ("333333330001", "555555550002", "mira.lindqvist", "@ferries", "legacy-backup", "o-exampleorg1"):
        assert [text for text in texts if secret in text] == []
    # The accounts and the person are in the report that is not redacted.
    assert b"333333330001" in reviewed["impact.md"]
    assert all("AWSReservedSSO_Developer" in text for text in texts)


def test_the_salt_comes_from_the_environment_before_the_organization(monkeypatch, tmp_path):
    told = []
    for salt in ("", "one", "one", "two"):
        monkeypatch.setenv("ORGSIM_REDACT_SALT", salt)
        told.append(call(*SAMPLES, "--account", "222222220002", "--redact").stdout)
    assert told[1] == told[2]
    assert len(set(told)) == 3


def test_without_anything_to_key_pseudonyms_it_is_wrong_usage():
    done = call("simulate", "samples/proposal", "--logs", "samples/logs", "--redact")
    assert done.returncode == 2
    assert b"[redact-salt]" in done.stderr
