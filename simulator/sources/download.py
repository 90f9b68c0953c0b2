"""Reads one document from a web server: bounded in size and time, complete or not at all.

urllib of the standard library. Certificates and host names are verified; an `https:` address never leads to another
scheme; proxies come from the environment as everywhere.
"""

import http.client
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from simulator import __version__
from simulator.errors import OrgsimError

_PIECE: Final = 64 * 1024
_PASSING: Final = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one document: bytes, seconds without any byte, seconds in all, and how often it is tried."""

    document: int = 32 << 20
    silence: float = 20.0
    duration: float = 120.0
    attempts: int = 3
    pause: float = 1.0
    """Seconds before the second attempt; twice as long before each further one."""


Fetch = Callable[[str, Limits], bytes]


class _PassingError(Exception):
    """A failure that another attempt may not meet."""


def download(address: str, limits: Limits) -> bytes:
    """The whole body behind an `http:` or `https:` address.

    Raises `OrgsimError` (`catalog-download`) where the server cannot be reached, refuses, or sends too little, too
    much, or too slowly.
    """
    pause = limits.pause
    for attempt in range(1, limits.attempts + 1):
        try:
            return _read(address, limits)
        except _PassingError as error:
            if attempt == limits.attempts:
                raise _failed(address, str(error)) from error
        time.sleep(pause)
        pause *= 2
    raise _failed(address, "no attempt was made")


def _read(address: str, limits: Limits) -> bytes:
    asked = request.Request(  # noqa: S310 (the opener below knows no other schemes)
        address, headers={"User-Agent": f"orgsim/{__version__}", "Accept": "application/json"}
    )
    end = time.monotonic() + limits.duration
    try:
        with _opener().open(asked, timeout=limits.silence) as answer:
            return _body(answer, address, limits, end)
    except HTTPError as error:
        reason = f"the server answers {error.code} {error.reason}".rstrip()
        error.close()
        if error.code in _PASSING:
            raise _PassingError(reason) from error
        raise _failed(address, reason) from error
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise _failed(address, f"the server's certificate is not valid: {error.reason.verify_message}") from error
        raise _PassingError(f"the server cannot be reached: {error.reason}") from error
    except TimeoutError as error:
        raise _PassingError(f"the server was silent for {limits.silence:g} seconds") from error
    except (http.client.HTTPException, OSError) as error:
        # An answer that ends before the length it announced is an `IncompleteRead`.
        raise _PassingError(f"the connection broke: {error or type(error).__name__}") from error


def _body(answer: http.client.HTTPResponse, address: str, limits: Limits, end: float) -> bytes:
    body = bytearray()
    while piece := answer.read1(_PIECE):
        body += piece
        if len(body) > limits.document:
            raise _failed(address, f"the document is larger than {limits.document:,} bytes")
        if time.monotonic() > end:
            raise _PassingError(f"the document took longer than {limits.duration:g} seconds")
    missing = answer.length
    if missing:
        # `read1` ends quietly where the connection does.
        raise _PassingError(f"the document ends {missing:,} bytes too early")
    return bytes(body)


def _failed(address: str, reason: str) -> OrgsimError:
    return OrgsimError(
        "catalog-download",
        f"{address}: {reason}",
        hint="the local catalog is as it was; try again, or give a mirror or a copy on disk with --url",
    )


class _Redirects(request.HTTPRedirectHandler):
    """Follows the server to other addresses, but never from `https:` to anything else."""

    def redirect_request(
        self,
        req: request.Request,
        fp: object,
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> request.Request | None:
        """The request for the new address."""
        if req.type == "https" and urlsplit(newurl).scheme.lower() != "https":
            raise _failed(req.full_url, "the server leads away from https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


@cache
def _opener() -> request.OpenerDirector:
    """An opener for the web alone: no `file:`, `ftp:` or `data:`. Made once: it reads the system's certificates."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(context=ssl.create_default_context()),
        _Redirects(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
