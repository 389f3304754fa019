"""A client of the socket, as plain as the page's own: JSON out, frames in."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from websockets.sync.client import ClientConnection, connect

SECONDS = 60
MADE = ("document", "error", "whole", "cancelled")


def opened(address: str, *, origin: str | None = "", **more: Any) -> ClientConnection:
    """Return an open socket of the server at an address; `origin` as the page's own unless told otherwise."""
    own = address.rsplit("/", 2)[0]
    said = own if origin == "" else origin
    return connect(f"{address.replace('http', 'ws', 1)}socket", origin=said, max_size=None, **more)  # type: ignore[arg-type]


def ask(socket: ClientConnection, seq: int, desk: str, settings: Any = None, **more: Any) -> None:
    """Ask for an answer."""
    message = {"do": "answer", "seq": seq, "slot": 0, "desk": desk, "settings": settings or {}, "live": False, **more}
    socket.send(json.dumps(message))


def header_of(frame: bytes) -> dict[str, Any]:
    """Return the header of a frame."""
    size = int.from_bytes(frame[:4], "little")
    found = json.loads(frame[4 : 4 + size])
    assert isinstance(found, dict)
    return found


def heard(socket: ClientConnection, *kinds: str, seq: int | None = None) -> dict[str, Any]:
    """Return the header of the next frame of some kinds, by default whatever ends a request; others are passed over."""
    while True:
        frame = socket.recv(timeout=SECONDS)
        assert isinstance(frame, bytes)
        found = header_of(frame)
        if found["kind"] in (kinds or MADE) and seq in (None, found.get("seq")):
            return found


def answered(socket: ClientConnection, seq: int, desk: str, settings: Any = None, **more: Any) -> dict[str, Any]:
    """Ask, and return the header of what ends the request."""
    ask(socket, seq, desk, settings, **more)
    return heard(socket, seq=seq)


def got(url: str, *, body: bytes | None = None, method: str | None = None, **headers: str) -> tuple[int, Any, bytes]:
    """Return status, headers and body of an HTTP answer, whatever its status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(url, data=body, method=method, headers=named)
    try:
        with urlopen(request, timeout=SECONDS) as answer:
            return answer.status, answer.headers, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.headers, error.read()
