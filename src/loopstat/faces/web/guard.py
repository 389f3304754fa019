"""Who may speak to the local page: a token in the address, our own Host and Origin, strict headers on every answer."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

NAMES = ("127.0.0.1", "localhost")
DAY = 86400.0  # seconds for which a token is used again
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def token_of(port: int) -> str:
    """Return the token of a port: the one of the last server there, so that open tabs find the next; else a new one.

    Raises
    ------
    OSError
        It cannot be kept.
    """
    path = state_folder() / f"view-{port}"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = _kept(path) or new_token()
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(token)
    beside.replace(path)
    return token


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def state_folder() -> Path:
    """Return where this user's state is kept; a relative XDG_STATE_HOME does not count, as its specification says."""
    given = Path(os.environ.get("XDG_STATE_HOME") or "")
    return (given if given.is_absolute() else Path.home() / ".local" / "state") / "loopstat"


def _kept(path: Path) -> str | None:
    """Return the token in a file that is this user's alone and less than a day old."""
    try:
        known = path.lstat()
        text = path.read_text(encoding="ascii") if stat.S_ISREG(known.st_mode) else ""
    except (OSError, UnicodeDecodeError):  # none yet, or not ours: a new one is made
        return None
    private = not known.st_mode & 0o077 and (not hasattr(os, "getuid") or known.st_uid == os.getuid())
    fresh = 0 <= time.time() - known.st_mtime < DAY
    return text if private and fresh and TOKEN.fullmatch(text) else None


class Guard:
    """The outermost layer of the server: nothing below it hears of a request that is not the page's own.

    Parameters
    ----------
    app : ASGI application
        Sees paths without the token.
    token : str
    port : int
    """

    def __init__(self, app: App, token: str, port: int) -> None:
        self.app, self.token = app, token.encode()
        self.hosts = {f"{name}:{port}".encode() for name in NAMES}
        self.origins = {b"http://" + host for host in self.hosts}
        self.headers = _headers(port)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or socket, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            return
        refused = self._refused(scope)
        if scope["type"] == "websocket":
            await (self.app(self._inside(scope), receive, send) if not refused else _closed(receive, send))
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._protected(message.get("headers", ()))
            await send(message)

        if refused:
            await _short(protected, refused)
        elif scope["path"] == self._place():
            await _short(protected, 307, [(b"location", self._place().encode() + b"/")])
        else:
            await self.app(self._inside(scope), receive, protected)

    def _place(self) -> str:
        return "/" + self.token.decode()

    def _refused(self, scope: Scope) -> int:
        """Return the status a request is refused with, 0 where it is not."""
        hosts, origins = (_all(scope, name) for name in (b"host", b"origin"))
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts or not set(origins) <= self.origins:
            return 403
        if len(origins) > 1 or (scope["type"] == "websocket" and not origins):
            return 403
        first = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        return 0 if hmac.compare_digest(first.encode("utf-8", "surrogateescape"), self.token) else 404

    def _inside(self, scope: Scope) -> Scope:
        path = scope["path"][len(self._place()) :] or "/"
        return {**scope, "path": path, "raw_path": path.encode("utf-8", "surrogateescape"), "root_path": ""}

    def _protected(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Return an answer's headers with ours; what it says of keeping it in a cache stays."""
        own = [(name.lower(), value) for name, value in headers]
        names = {name for name, _ in own}
        return [*own, *((name, value) for name, value in self.headers if name not in names)]


def _headers(port: int) -> list[tuple[bytes, bytes]]:
    sockets = " ".join(f"ws://{name}:{port}" for name in NAMES)
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]


def _all(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name.lower() == wanted]


async def _short(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    length = [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": b""})


async def _closed(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})
