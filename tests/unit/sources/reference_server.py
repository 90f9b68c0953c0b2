"""A small Service Reference of made-up content, and a web server on this machine that serves it, well or badly."""

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AWS = "https://servicereference.us-east-1.amazonaws.com"

SQS = {
    "Name": "sqs",
    "Version": "v1.4",
    "Actions": [
        {
            "Name": "SendMessage",
            "ActionConditionKeys": ["sqs:NewKey"],
            "Annotations": {"Properties": {"IsList": False, "IsWrite": True}},
            "Resources": [{"Name": "queue"}],
        },
        {"Name": "BrandNewAction", "Resources": [{"Name": "newthing"}]},
    ],
    "Resources": [
        {"Name": "newthing", "ARNFormats": ["arn:${Partition}:sqs:${Region}:${Account}:thing/${ThingName}"]},
        {"Name": "queue", "ARNFormats": ["arn:${Partition}:sqs:${Region}:${Account}:${QueueName}"]},
    ],
    "ConditionKeys": [{"Name": "sqs:NewKey", "Types": ["ArrayOfString"]}],
    "Operations": [
        {
            "Name": "BrandNewOperation",
            "AuthorizedActions": [{"Name": "BrandNewAction", "Service": "sqs"}],
            "SDK": [{"Name": "sqs", "Method": "brand_new_operation", "Package": "Boto3"}],
        },
        {"Name": "SendMessage"},
    ],
}
ROCKETS = {"Name": "rockets", "Actions": [{"Name": "Launch"}, {"Name": "ListPads"}]}
INDEX = [
    {"service": "rockets", "url": f"{AWS}/v1/rockets/rockets.json"},
    {"service": "sqs", "url": f"{AWS}/v1/sqs/sqs.json"},
]
PAGES = {
    "/": json.dumps(INDEX).encode(),
    "/v1/rockets/rockets.json": json.dumps(ROCKETS).encode(),
    "/v1/sqs/sqs.json": json.dumps(SQS).encode(),
}


class Server:
    """What it answers can be changed while it runs: a page's bytes, or a function that answers as it likes."""

    def __init__(self, url):
        self.url = url
        self.pages = dict(PAGES)
        self.asked = []


@contextmanager
def serving():
    """A running server; it stops at the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.path)
            page = server.pages.get(self.path)
            if page is None:
                self.send_error(404)
            elif callable(page):
                page(self)
            else:
                send(self, page)

        def log_message(self, *_):
            pass

    http_server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http_server.daemon_threads = True
    server = Server(f"http://127.0.0.1:{http_server.server_port}/")
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http_server.shutdown()
        thread.join()
        http_server.server_close()


def send(handler, content, *, announced=None, status=200, headers=()):
    """An answer whose length may be announced wrongly, or (0) not at all."""
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    for name, value in headers:
        handler.send_header(name, value)
    if announced != 0:
        handler.send_header("Content-Length", str(announced or len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def hang_up(handler):
    """Close the connection in the middle of nothing."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def write_copy(folder, index_name="index.json"):
    """The same content as a folder of files."""
    for path, content in PAGES.items():
        file = folder / (index_name if path == "/" else path.lstrip("/"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder
