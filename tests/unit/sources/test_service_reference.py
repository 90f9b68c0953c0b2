"""The Service Reference from a server, from a mirror and from files, and everything that can break on the way."""

import json
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from simulator.errors import OrgsimError
from simulator.iam.catalog import Catalog
from simulator.sources.download import Limits, _Redirects, download
from simulator.sources.service_reference import fetch_update
from tests.unit.sources.reference_server import AWS, INDEX, PAGES, SQS, hang_up, send, serving, write_copy

HASTY = Limits(pause=0.01, silence=0.2, duration=5.0)


def hasty(address, _limits):
    return download(address, HASTY)


def no_progress(_done, _total):
    pass


def fetch(where, fetcher=hasty):
    return fetch_update(str(where), no_progress, fetcher)


@pytest.fixture
def server():
    with serving() as running:
        yield running


# --- what arrives ----------------------------------------------------------------------------------------------


def test_a_mirror_is_read_and_compiled(server):
    steps = []
    update = fetch_update(server.url, lambda done, total: steps.append((done, total)), hasty)
    assert (update.origin, set(update.services)) == (server.url, {"rockets", "sqs"})
    assert steps == [(0, 2), (1, 2), (2, 2)]
    # The index names AWS; the documents are the mirror's all the same.
    assert sorted(server.asked) == sorted(PAGES)
    sqs = update.service("SQS")
    assert sqs.operations == {"BrandNewOperation": ("sqs:BrandNewAction",)}
    assert [each.name for each in sqs.actions] == ["SendMessage", "BrandNewAction"]
    assert update.service("s3").actions == ()


def test_the_update_outranks_and_completes_the_packaged_tables(server):
    packaged, updated = Catalog(), Catalog(fetch(server.url))
    assert packaged.action("sqs:BrandNewAction") is None
    new = updated.action("sqs:brandnewaction")
    assert (new.name, [use.name for use in new.resource_types]) == ("sqs:BrandNewAction", ["newthing"])
    assert updated.resource_types("sqs")["newthing"].arn.endswith("thing/${ThingName}")
    assert updated.key("sqs:newkey").multivalued
    # What the reference does not say stays: which type is required, the keys of a type, all other actions.
    old, merged = packaged.action("sqs:SendMessage"), updated.action("sqs:SendMessage")
    assert merged.resource_types == old.resource_types
    assert merged.condition_keys == (*old.condition_keys, "sqs:NewKey")
    assert set(updated.actions("sqs")) == {*packaged.actions("sqs"), "brandnewaction"}
    assert updated.actions("s3") == packaged.actions("s3")
    # A service that the packaged tables do not have at all.
    assert "rockets" in updated.services
    assert updated.action("rockets:launch").name == "rockets:Launch"
    assert updated.operations("rockets") == {}
    assert packaged.operations("sqs") == {}


def test_a_key_of_one_resource_type_does_not_become_everyones(tmp_path):
    document = {
        "Name": "ec2",
        "Actions": [{"Name": "RunInstances", "ActionConditionKeys": ["ec2:InstanceType", "ec2:BrandNew"]}],
        "ConditionKeys": [{"Name": "ec2:ResourceTag/key", "Types": ["Bool"]}],
    }
    file = tmp_path / "ec2.json"
    file.write_text(json.dumps(document))
    packaged, updated = Catalog(), Catalog(fetch(file))
    keys = updated.action("ec2:RunInstances").condition_keys
    assert set(keys) - set(packaged.action("ec2:RunInstances").condition_keys) == {"ec2:BrandNew"}
    # The free part of a known family, written as a word, is no key of its own.
    assert updated.key("ec2:ResourceTag/key") == packaged.key("ec2:ResourceTag/key")


def restated(catalog, service):
    """The packaged tables of a service as a document of the Service Reference."""
    actions = [
        {
            "Name": info.name.partition(":")[2],
            "ActionConditionKeys": [
                *info.condition_keys,
                *(key for use in info.resource_types for key in use.condition_keys),
            ],
            "Resources": [{"Name": use.name} for use in info.resource_types],
        }
        for info in catalog.actions(service).values()
    ]
    types = [
        {"Name": kind.name, "ARNFormats": ["arn:other", kind.arn], "ConditionKeys": list(kind.condition_keys)}
        for kind in catalog.resource_types(service).values()
    ]
    return {"Name": service, "Actions": actions, "Resources": types}


def test_an_update_that_says_the_same_changes_nothing(tmp_path):
    packaged = Catalog()
    services = ("ec2", "s3", "sts", "iam", "dms", "ssm")
    for service in services:
        (tmp_path / f"{service}.json").write_text(json.dumps(restated(packaged, service)))
    updated = Catalog(fetch(tmp_path))
    for service in services:
        assert updated.actions(service) == packaged.actions(service)
        assert updated.resource_types(service) == packaged.resource_types(service)


@pytest.mark.parametrize(
    ("properties", "level"),
    [
        ({"IsList": True}, "List"),
        ({"IsWrite": True}, "Write"),
        ({"IsWrite": True, "IsTaggingOnly": True}, "Tagging, Write"),
        ({"IsWrite": True, "IsPermissionManagement": True}, "Permissions management, Write"),
        ({}, "Read"),
    ],
)
def test_access_levels_are_those_of_the_packaged_tables(tmp_path, properties, level):
    document = {"Name": "rockets", "Actions": [{"Name": "Do", "Annotations": {"Properties": properties}}]}
    (tmp_path / "rockets.json").write_text(json.dumps(document))
    assert Catalog(fetch(tmp_path)).action("rockets:Do").access_level == level


@pytest.mark.parametrize("index_name", ["index.json", "index.html"])
def test_copies_on_disk_are_read(tmp_path, index_name):
    folder = write_copy(tmp_path / "copy", index_name)
    wanted = {"rockets", "sqs"}
    assert set(fetch(folder).services) == wanted
    assert set(fetch(folder / index_name).services) == wanted
    assert set(fetch(folder.as_uri()).services) == wanted
    assert set(fetch((folder / index_name).as_uri()).services) == wanted
    assert set(fetch(folder / "v1/sqs/sqs.json").services) == {"sqs"}
    (folder / index_name).unlink()
    (folder / "v1/mapping.json").write_text('{"SDK": {}}')
    assert set(fetch(folder).services) == wanted


def test_documents_of_one_prefix_add_up(tmp_path):
    for number, name in enumerate(("Launch", "Land")):
        document = {"Name": "rockets", "Actions": [{"Name": name}]}
        (tmp_path / f"{number}.json").write_text(json.dumps(document))
    assert set(Catalog(fetch(tmp_path)).actions("rockets")) == {"launch", "land"}


# --- what breaks -------------------------------------------------------------------------------------------------

DOCUMENT = "/v1/sqs/sqs.json"
GOOD = PAGES[DOCUMENT]


def refuse(handler):
    send(handler, b"no", status=500)


def slow(handler):
    send(handler, b"{", announced=100)
    time.sleep(0.7)


def drip(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


BROKEN = {
    "cut off": (lambda handler: send(handler, GOOD[:-20], announced=len(GOOD)), "catalog-download", "20 bytes"),
    "cut off, no length": (lambda handler: send(handler, GOOD[:-20], announced=0), "catalog-format", "Reference"),
    "500": (refuse, "catalog-download", "500"),
    "404": (None, "catalog-download", "404"),
    "hung up": (hang_up, "catalog-download", "connection"),
    "silent": (slow, "catalog-download", "silent"),
    "not JSON": (b"<html>Please log in</html>", "catalog-format", "Service Reference"),
    "other JSON": (b'{"message": "hello"}', "catalog-format", "Service Reference"),
    "a list": (b"[1, 2]", "catalog-format", "Service Reference"),
    "not UTF-8": (b'{"Name": "\xff", "Actions": []}', "catalog-format", "Service Reference"),
    "deep": (b'{"Name": "x", "Actions": [], "More": ' + b"[" * 100_000, "catalog-format", "Service Reference"),
    "empty": (b"", "catalog-format", "Service Reference"),
}


@pytest.mark.parametrize("page", [DOCUMENT, "/"])
@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_broken_answer_is_an_error_that_says_where(server, kind, page):
    answer, code, words = BROKEN[kind]
    if page == "/" and kind == "cut off":
        answer = lambda handler: send(handler, PAGES["/"][:-20], announced=len(PAGES["/"]))  # noqa: E731
    server.pages[page] = answer
    with pytest.raises(OrgsimError) as caught:
        fetch(server.url)
    assert caught.value.code == code
    assert words in str(caught.value)
    assert server.url.rstrip("/") + page in str(caught.value)


def test_what_passes_is_tried_again(server):
    failures = iter([refuse, hang_up])

    def answer(handler):
        next(failures, lambda each: send(each, GOOD))(handler)

    server.pages[DOCUMENT] = answer
    assert "sqs" in fetch(server.url).services
    assert server.asked.count(DOCUMENT) == 3


def test_what_does_not_pass_is_not_tried_again(server):
    server.pages[DOCUMENT] = None
    with pytest.raises(OrgsimError, match="404"):
        fetch(server.url)
    assert server.asked.count(DOCUMENT) == 1


def test_a_huge_document_is_not_read_to_its_end(server):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            stopped.set()

    stopped = threading.Event()
    server.pages[DOCUMENT] = endless
    with pytest.raises(OrgsimError, match="larger than 1,000,000 bytes"):
        fetch(server.url, lambda address, _: download(address, Limits(document=1_000_000, pause=0.01)))
    assert stopped.wait(5)


def test_a_document_that_drips_ends_in_time(server):
    server.pages[DOCUMENT] = drip
    limits = Limits(duration=0.3, attempts=1)
    with pytest.raises(OrgsimError, match="took longer than"):
        fetch(server.url, lambda address, _: download(address, limits))


def test_a_server_that_is_not_there():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OrgsimError, match="cannot be reached") as caught:
            fetch(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert caught.value.code == "catalog-download"


def test_redirects_are_followed_but_never_away_from_https(server):
    server.pages["/old"] = lambda handler: send(handler, b"", status=302, headers=[("Location", "/")])
    assert json.loads(download(f"{server.url}old", HASTY)) == INDEX
    server.pages["/old"] = lambda handler: send(handler, b"", status=302, headers=[("Location", "file:///etc/hosts")])
    with pytest.raises(OrgsimError):
        download(f"{server.url}old", HASTY)

    from urllib.request import Request

    asked = Request("https://mirror.example/")
    with pytest.raises(OrgsimError, match="away from https"):
        _Redirects().redirect_request(asked, None, 302, "Found", {}, "http://mirror.example/")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    key, certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def shake_hands():
            connection, _ = listening.accept()
            with connection, pytest.raises(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=shake_hands)
        thread.start()
        with pytest.raises(OrgsimError, match="certificate"):
            fetch(f"https://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for this machine, made for this run."""
    x509 = pytest.importorskip("cryptography.x509")
    from datetime import UTC, datetime, timedelta

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "key.pem", folder / "certificate.pem"


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/v1/sqs/sqs.json",
        "//elsewhere.example/v1/sqs/sqs.json",
        "file:///etc/passwd",
        "ftp://127.0.0.1/sqs.json",
    ],
)
def test_an_index_cannot_send_us_elsewhere(server, url):
    server.pages["/"] = json.dumps([{"service": "sqs", "url": url}]).encode()
    with pytest.raises(OrgsimError) as caught:
        fetch(server.url)
    assert caught.value.code == "catalog-format"


def test_an_index_on_disk_cannot_leave_its_folder(tmp_path):
    folder = write_copy(tmp_path / "copy")
    (folder / "index.json").write_text(json.dumps([{"service": "sqs", "url": f"{AWS}/../../secret.json"}]))
    with pytest.raises(OrgsimError, match="outside its folder"):
        fetch(folder)


@pytest.mark.parametrize("content", ["[]", '[{"service": "sqs"}]', "[", json.dumps([INDEX[0]] * 5001)])
def test_an_index_of_the_wrong_form_is_refused(tmp_path, content):
    (tmp_path / "index.json").write_text(content)
    with pytest.raises(OrgsimError) as caught:
        fetch(tmp_path)
    assert caught.value.code == "catalog-format"


def test_files_that_are_missing_or_broken_are_named(tmp_path):
    with pytest.raises(OrgsimError, match="nothing"):
        fetch(tmp_path / "nothing.json")
    with pytest.raises(OrgsimError, match="no document"):
        fetch(tmp_path)
    folder = write_copy(tmp_path / "copy")
    (folder / DOCUMENT.lstrip("/")).unlink()
    with pytest.raises(OrgsimError, match=r"sqs\.json") as caught:
        fetch(folder)
    assert caught.value.code == "file-missing"
    (folder / "index.json").unlink()
    (folder / "v1/broken.json").write_text('{"Name": ')
    with pytest.raises(OrgsimError, match=r"broken\.json"):
        fetch(folder)


def test_a_type_error_inside_a_document_is_refused(tmp_path):
    (tmp_path / "sqs.json").write_text(json.dumps({**SQS, "Operations": [{"Name": 7}]}))
    with pytest.raises(OrgsimError) as caught:
        fetch(tmp_path)
    assert caught.value.code == "catalog-format"
