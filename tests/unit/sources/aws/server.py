"""AWS for tests: moto behind a proxy that records every call and can spoil any of them, all over real HTTP.

What moto has no operation for, a test answers itself through `Proxy.answer`.
"""

import http.client
import json
import logging
import re
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from moto.server import ThreadedMotoServer

KEY_ID = "AKIAMADEUPKEYFORTEST"
SECRET = "made+up/secret/of+the/tests/0123456789ab"
TOKEN = "IQoJb3JpZ2luX2VjMadeUpForTests/" * 6 + "end=="
SECRETS = (KEY_ID, SECRET, TOKEN)

_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")


@dataclass(frozen=True)
class Call:
    """One request as it came: `operation` is its name in the API, `text` its body, `target` its path and query."""

    service: str
    operation: str
    region: str
    key_id: str
    target: str
    text: str

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def query(self):
        return {
            name: values[0] for name, values in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()
        }

    @property
    def key(self):
        """The key of an object in S3."""
        return unquote(urlsplit(self.target).path.split("/", 2)[2])


@dataclass
class Reply:
    status: int
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    cut: int | None = None
    """Send so many bytes of the body only, then close the connection."""
    wait: float = 0.0


def failure(code, status=400, message="made up", service="json"):
    """An error as AWS words it."""
    if service == "s3":
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        return Reply(status, body, {"Content-Type": "application/xml"})
    if service == "query":
        body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>".encode()
        return Reply(status, body, {"Content-Type": "text/xml"})
    body = json.dumps({"__type": code, "message": message}).encode()
    return Reply(status, body, {"Content-Type": "application/x-amz-json-1.1"})


def answer(**members):
    """An answer of a service that speaks JSON."""
    return Reply(200, json.dumps(members).encode(), {"Content-Type": "application/x-amz-json-1.1"})


class Proxy:
    """Stands before moto. `spoil(call, reply)` may answer a call itself (return a `Reply`), or change moto's reply
    (it is asked again with it); `None` leaves things as they are."""

    def __init__(self, backend):
        self.backend = backend
        self.calls = []
        self.recorded = set()
        self.spoil = lambda call, reply: None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def operations(self):
        return {(call.service, call.operation) for call in self.calls}

    def reset(self):
        self.recorded |= self.operations
        self.calls = []
        self.spoil = lambda call, reply: None

    def empty(self):
        """Make moto forget everything."""
        connection = http.client.HTTPConnection("127.0.0.1", self.backend)
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
        connection.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def _operation(method, path, query, headers, text, service):
    if target := headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    if found := re.search(r"(?:^|&)Action=(\w+)", text):
        return found[1]
    if service == "s3":
        bucket, _, key = path.lstrip("/").partition("/")
        if method == "HEAD":
            return "HeadObject" if key else "HeadBucket"
        if method != "GET":
            return f"{method}-S3"
        return (
            "GetObject"
            if key
            else ("ListObjectsV2" if "list-type=2" in query else "ListBuckets" if not bucket else "?")
        )
    return f"{method} {path}"


def _handler(proxy):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def serve(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            scope = _SCOPE.search(self.headers.get("Authorization", ""))
            key_id, region, service = scope.groups() if scope else ("", "", "")
            service = {"tagging": "resourcegroupstaggingapi"}.get(service, service)
            text = body.decode("utf-8", "replace")
            url = urlsplit(self.path)
            operation = _operation(self.command, url.path, url.query, self.headers, text, service)
            call = Call(service, operation, region, key_id, self.path, text)
            proxy.calls.append(call)
            reply = proxy.spoil(call, None)
            if reply is None:
                reply = self.forward(body)
                reply = proxy.spoil(call, reply) or reply
            self.send(reply)

        def forward(self, body):
            connection = http.client.HTTPConnection("127.0.0.1", proxy.backend, timeout=60)
            try:
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                data = answer.read()
            finally:
                connection.close()
            left_out = ("connection", "transfer-encoding", "date", "server")
            return Reply(answer.status, data, {k: v for k, v in answer.getheaders() if k.lower() not in left_out})

        def send(self, reply):
            time.sleep(reply.wait)
            self.send_response(reply.status)
            length = reply.headers.get("Content-Length") if self.command == "HEAD" else None
            headers = {k: v for k, v in reply.headers.items() if k.lower() != "content-length"}
            headers["Content-Length"] = length or str(len(reply.body))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if reply.cut is None:
                self.wfile.write(reply.body)
            else:
                self.wfile.write(reply.body[: reply.cut])
                self.wfile.flush()
                self.close_connection = True

        def log_message(self, *_):
            pass

    for method in ("GET", "HEAD", "POST"):
        setattr(Handler, f"do_{method}", Handler.serve)
    return Handler


@contextmanager
def aws_server():
    """moto and the proxy before it."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto.start()
    _, port = moto.get_host_and_port()
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
        moto.stop()


def environment(proxy, folder):
    """What makes boto3 talk to the proxy, and know nothing of the developer's own configuration."""
    return {
        "AWS_ENDPOINT_URL": proxy.url,
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": TOKEN,
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": str(folder / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "4",
        "NO_PROXY": "127.0.0.1",
    }


def once(*replies):
    """A queue of replies that a `spoil` can pop, then nothing."""
    waiting = deque(replies)
    return lambda: waiting.popleft() if waiting else None
