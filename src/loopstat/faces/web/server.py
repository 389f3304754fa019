"""The local server of the interactive page: static files, desks, downloads, and the socket that answers."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import multiprocessing
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files as resources
from types import FrameType
from typing import Any, NoReturn

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ... import __version__
from ...errors import LoopstatError, SettingsError
from ...lenses import load
from ...parameters import nearest
from .answers import Answers, Asked, Crew, document_of, sentence
from .channel import Channel, message_of
from .desks import Place, places
from .guard import NAMES, Guard, new_token, token_of
from .sources import MOST_BYTES, Sources
from .tables import routes_of

PORT = 8321
TRIES = 100  # ports after it
LONGEST_MESSAGE = 1_000_000  # bytes
PATIENCE = 0.3  # seconds for what is still computed when all ends
ROOM = 1 << 20  # bytes on their way: a document is sent in one go
TABS = 8  # open at once
KINDS = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "json": "application/json",
}
BUSY = "this page is open in too many tabs already: close one of them."


class View:
    """What is served: the desks, the tables, what was found, and the open tabs."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.places: dict[str, Place] = places()
        self.answers, self.crew = Answers(), Crew()
        self.channels: set[Channel] = set()
        self.downloading = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        sources.changed.append(self.sources_changed)

    def asked(self, message: Mapping[str, Any]) -> Asked:
        """Return what a message is about.

        Raises
        ------
        SettingsError
            An unknown desk, setting or table, or a value that its setting does not take.
        """
        name = str(message.get("desk"))[:100]
        if name not in self.places:
            raise nearest(name, self.places, "desk")
        place = self.places[name]
        settings = place.read(message.get("settings") or {})
        ids = message.get("sources") or []
        if not isinstance(ids, list) or not all(isinstance(key, str) for key in ids):
            raise SettingsError("`sources` must be a list of the ids of tables.")
        if not place.reads:
            return Asked(place, settings)
        if not ids:
            raise SettingsError("no table is chosen: open one first.")
        return Asked(place, settings, tuple(ids), tuple(self.sources.paths(ids)), tuple(self.sources.typed(ids)))

    def routes(self) -> list[BaseRoute]:
        """Return what is answered below the token."""
        return [
            Route("/", self.index),
            Route("/static/{name}", self.static),
            Route("/desks", self.desks),
            Route("/download", self.download, methods=["POST"]),
            WebSocketRoute("/socket", self.socket),
            *routes_of(self.sources),
        ]

    async def index(self, request: Request) -> Response:
        """The page itself."""
        return _file(request, "index.html")

    async def static(self, request: Request) -> Response:
        """One of our own files."""
        return _file(request, request.path_params["name"])

    def desks(self, request: Request) -> Response:
        """What can be asked, and of which tables."""
        del request
        return JSONResponse(
            {
                "version": __version__,
                "uploads": {"most": MOST_BYTES},
                "desks": [place.described() for place in self.places.values()],
                "sources": self.sources.described(),
            }
        )

    async def download(self, request: Request) -> Response:
        """A file of an answer, to be saved."""
        from .downloads import download

        if self.downloading >= TABS:
            return JSONResponse({"error": "several files are being made already: wait for one of them."}, 503)
        self.downloading += 1
        try:
            message = message_of(await _body(request))
            asked, what = self.asked(message), str(message.get("what"))
            made = await self.crew.run(
                "whole", lambda job: download(self.answers, asked, what, job.told(lambda *_: None))
            )
        except Exception as error:  # whatever it is, the page hears a sentence
            status = 400 if isinstance(error, LoopstatError) else 500
            return JSONResponse({"error": sentence(error, self.sources.said)}, status)
        finally:
            self.downloading -= 1
        named = {"content-disposition": f'attachment; filename="{made.name}"'}
        return Response(made.text, media_type=made.media, headers=named)

    def sources_changed(self) -> None:
        """Tell every tab which tables there are now, and forget what was read of those that went."""
        known = self.sources.described()
        self.answers.keep({source["id"] for source in known})
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self._tell_sources, known)

    def _tell_sources(self, known: list[dict[str, Any]]) -> None:
        for channel in self.channels:
            channel.tell("sources", sources=known)

    async def socket(self, websocket: WebSocket) -> None:
        """Answer one tab until it goes."""
        await websocket.accept()
        self.loop = asyncio.get_running_loop()
        channel = Channel(self.answers, self.crew, self.asked, self.sources.said)
        if len(self.channels) >= TABS:
            channel.tell("error", seq=0, slot=0, message=BUSY, setting=None)
            await websocket.send_bytes(await channel.outbox.get())
            await websocket.close(1013)
            return
        self.channels.add(channel)
        sending = asyncio.create_task(_sending(websocket, channel))
        try:
            while True:
                message = await websocket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                channel.hear(message.get("text") or "")
        finally:
            self.channels.discard(channel)
            channel.close()
            sending.cancel()

    def warm(self) -> None:
        """Load what the first answers need while the page is on its way, that of the desk shown first before others."""
        tables = bool(self.sources.described())
        for place in sorted(self.places.values(), key=lambda place: place.reads != tables):
            try:
                self._warm(place)
            except Exception as error:  # told on standard error; the others are still loaded
                sentence(error, self.sources.said)
        gc.freeze()  # what was loaded stays: looking through it for garbage would hold up an answer now and then

    def _warm(self, place: Place) -> None:
        from .frames import frame

        for part in (place.desk.live, place.command.run, place.command.view):
            if part:
                load(part)
        asked = Asked(place, {})
        if place.desk.live and not place.reads and (found := self.answers.live(asked)) is not None:
            frame({}, document_of(asked, found))


async def _sending(websocket: WebSocket, channel: Channel) -> None:
    try:
        while True:
            await websocket.send_bytes(await channel.outbox.get())
    except (WebSocketDisconnect, RuntimeError):  # gone in between
        return


async def _body(request: Request) -> str:
    """Return the text of a request.

    Raises
    ------
    SettingsError
        It is too long, or no text.
    """
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > LONGEST_MESSAGE:
            raise SettingsError(f"a message takes at most {LONGEST_MESSAGE} bytes.")
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise SettingsError("a message must be text in UTF-8.") from error


# --------------------------------------------------------------------------- static files


@cache
def statics() -> dict[str, Callable[[], bytes]]:
    """Return what makes each static file by its name: a name that is not here is not served."""
    faces = resources("loopstat.faces")
    found: dict[str, Callable[[], bytes]] = {"tones.css": _tones}
    for folder in (faces / "vendor" / "uplot", faces / "web" / "static"):
        for item in folder.iterdir():
            if item.is_file() and item.name.rpartition(".")[2] in KINDS:
                found[item.name] = item.read_bytes
    for name in ("page.css", "svg.css"):
        found[name] = (faces / "templates" / name).read_bytes
    return found


def _tones() -> bytes:
    """Return the tones of pictures and words: as the reader's screen prefers, or as the page was told."""
    from ...results.chart import TONES

    light, dark = ("".join(f"--{name}:{tone[k]};" for name, tone in TONES.items()) for k in (0, 1))
    classes = "".join(f".t-{name}{{color:var(--{name})}}\n" for name in TONES)
    chosen = ':root:not(.printing):not([data-theme="light"])'
    return (
        f":root{{{light}}}\n"
        f"@media screen and (prefers-color-scheme: dark){{{chosen}{{{dark}}}}}\n"
        f'@media screen{{:root:not(.printing)[data-theme="dark"]{{{dark}}}}}\n{classes}'
    ).encode()


def _file(request: Request, name: str) -> Response:
    make = statics().get(name)
    if make is None:
        return Response(status_code=404)
    content = make()
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    headers = {"cache-control": "no-cache", "etag": tag, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["content-encoding"] = _packed(content), "gzip"
    return Response(content, media_type=KINDS[name.rpartition(".")[2]], headers=headers)


@lru_cache(maxsize=128)
def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


# --------------------------------------------------------------------------- the process


class _Server(uvicorn.Server):
    """Says when it serves, and ends quietly when it is told to."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        del sig, frame
        self.force_exit = self.should_exit = True  # no tab is waited for: each says that its line is cut


def listener(port: int | None) -> socket.socket:
    """Return a socket that listens on loopback: at the port asked for, else at the first free one from ours on.

    Raises
    ------
    SettingsError
        The port asked for is taken, or none is free.
    """
    for tried in [PORT + k for k in range(TRIES)] if port is None else [port]:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)  # connections take it over
        try:
            found.bind((NAMES[0], tried))
            found.listen(128)
        except OSError as error:
            found.close()
            if port is not None:
                raise SettingsError(f"port {port} cannot be used: {error.strerror or error}.") from error
        else:
            return found
    raise SettingsError(f"no port from {PORT} to {PORT + TRIES - 1} is free.")


def _token(port: int) -> str:
    """Return the token of a port, one for this once where it cannot be kept."""
    try:
        return token_of(port)
    except OSError as error:
        sys.stderr.write(f"the address will be another one next time: it cannot be kept ({error}).\n")
        return new_token()


def serve(files: Sequence[str], port: int | None, *, browser: bool, say: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted, and end the process then.

    Parameters
    ----------
    files : paths and globs
    port : int or None
    browser : bool
        Whether to open one.
    say : callable
        Is told the address once it is served.
    """
    sources = Sources(files)
    heard = listener(port)
    number = heard.getsockname()[1]
    token = _token(number)
    view = View(sources)
    address = f"http://{NAMES[0]}:{number}/{token}/"

    threading.Thread(target=view.warm, name="warm", daemon=True).start()  # while the browser comes up

    def ready() -> None:
        say(address)
        if browser:
            threading.Thread(target=webbrowser.open, args=(address,), name="browser", daemon=True).start()

    app = Guard(Starlette(routes=view.routes()), token, number)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_max_size=LONGEST_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    sys.setswitchinterval(0.001)  # a live answer never waits long for a whole one
    try:
        _Server(config, ready).run(sockets=[heard])
    finally:
        view.crew.stop(PATIENCE)
        sources.close()
    _leave()


def _leave() -> NoReturn:
    """End at once: work that cannot be called off would keep the process, and taking down what is loaded takes long."""
    for child in multiprocessing.active_children():
        child.terminate()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
