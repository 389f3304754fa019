"""What a page asks about tables over HTTP: uploads, lists of sessions, one session to be read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ...errors import LoopstatError
from ...io.sessions.one import NoSessionError, SessionListed, SessionRead, list_sessions, read_session
from ...io.table.columns import near
from ...parameters import pairs
from .changes import SECONDS, changes
from .sources import MOST_BYTES, Source, Sources, prefixes, remove

SHORT = 20_000  # characters of a text that are sent unasked
COMPARED = 200_000  # characters of a text that are compared
SENT = 2_000_000  # characters of texts in one answer; later steps are asked for when they are opened
IN_ALL = 1.5  # seconds that the comparisons of one answer may take
MOST_STEPS = 5_000
MOST_LISTED = 200
NEIGHBOURS = 2_000  # names among which a near one is looked for
KEPT_LISTS = 6

Columns = Mapping[str, str]
Handler = Callable[[Request], Awaitable[Response]]


class Tables:
    """The handlers, and the lists of sessions read last.

    Parameters
    ----------
    sources : Sources
    """

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._lists: OrderedDict[Hashable, list[SessionListed]] = OrderedDict()

    # ------------------------------------------------------------------ tables

    async def listed(self, request: Request) -> Response:
        """Return all tables."""
        del request
        return JSONResponse({"sources": self.sources.described()})

    async def upload(self, request: Request) -> Response:
        """Take a table in: as many bytes as come, up to the most that is taken."""
        name, path = self.sources.place(request.query_params.get("name", ""))
        try:
            size = await received(request, path)
        except ClientDisconnect:
            remove(path)
            return Response(status_code=400)
        if size > MOST_BYTES:
            remove(path)
            most = f"{MOST_BYTES // 1_000_000} MB"
            return refused(f"{name} is larger than {most}: name it on the command line, loopstat view {name}.", 413)
        source = await to_thread.run_sync(self.sources.take, name, path)
        return JSONResponse(source.described(self.sources.said), 201)

    async def forget(self, request: Request) -> Response:
        """Forget a table."""
        await to_thread.run_sync(self.sources.remove, request.path_params["ids"])
        return Response(status_code=204)

    # ------------------------------------------------------------------ sessions

    async def sessions(self, request: Request) -> Response:
        """Return sessions: those whose name holds a text, or those around one."""
        tables, columns = self._asked(request)
        found = await to_thread.run_sync(self._all, tables, columns)
        query = request.query_params
        sought = query.get("find", "").casefold()
        if sought:
            found = [s for s in found if sought in s.name.casefold()]
        at = next((i for i, s in enumerate(found) if s.name == query.get("around")), None)
        start = 0 if at is None else max(0, at - MOST_LISTED // 2)
        shown = found[start : start + MOST_LISTED]
        listed = [{"name": s.name, "steps": s.steps, "labels": dict(s.labels)} for s in shown]
        more = len(found) - len(shown)
        where = {} if at is None else {"at": at - start, "number": at + 1}
        return JSONResponse({"sessions": listed, "more": more, "total": len(found), **where})

    async def session(self, request: Request) -> Response:
        """Return one session to be read, or one whole text of it."""
        tables, columns = self._asked(request)
        query = request.query_params
        name, whole = query.get("name", ""), query.get("whole")
        table, own = self.sources.of_session([t.id for t in tables], name)
        read = partial(_read, table, own, columns, best=query.get("best", ""), longest=None if whole else COMPARED)
        try:
            found = await to_thread.run_sync(read)
        except NoSessionError:
            known = await to_thread.run_sync(self._all, tables, columns)
            return refused(f"there is no session {name[:80]!r}.{_nearest(name, known)}", 404)
        if whole:
            place, _, column = whole.partition(":")
            return await to_thread.run_sync(_whole, found, place, column)
        start = place_of(query.get("from", "")) or 0
        data = await to_thread.run_sync(session_data, found, start)
        more = {} if len(tables) == 1 else {"file": table.name}
        return JSONResponse({"session": name, **data, "labels": {**more, **data["labels"]}})

    def _asked(self, request: Request) -> tuple[list[Source], Columns]:
        tables = self.sources.named(request.path_params["ids"].split(","))
        return tables, pairs([c for c in request.query_params.getlist("columns") if c], "--columns")

    def _all(self, tables: Sequence[Source], columns: Columns) -> list[SessionListed]:
        """Return the sessions of tables, as they are called where these are read as one."""
        found = []
        for prefix, table in prefixes(tables).items():
            own = self._list(table, columns)
            found += own if not prefix else [SessionListed(prefix + s.name, s.steps, s.labels) for s in own]
        return found

    def _list(self, table: Source, columns: Columns) -> list[SessionListed]:
        seen = table.read()  # first: what has changed on disk has its new stamp then
        key = (table.id, table.stamp, tuple(sorted(columns.items())))
        known = self._lists.get(key)
        if known is None:
            known = list_sessions(table.path, seen, columns)
            self._lists[key] = known
            while len(self._lists) > KEPT_LISTS:
                self._lists.popitem(last=False)
        return known


def routes_of(sources: Sources) -> list[BaseRoute]:
    """Return the routes that serve tables and their sessions."""
    tables = Tables(sources)
    rows: list[tuple[str, Handler, str]] = [
        ("/sources", tables.listed, "GET"),
        ("/sources", tables.upload, "POST"),
        ("/sources/{ids}", tables.forget, "DELETE"),
        ("/sources/{ids}/sessions", tables.sessions, "GET"),
        ("/sources/{ids}/session", tables.session, "GET"),
    ]
    return [Route(path, plain(sources, handler), methods=[method]) for path, handler, method in rows]


def plain(sources: Sources, handler: Handler) -> Handler:
    """Return a handler whose refusals are sentences."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except LoopstatError as error:
            return refused(sources.said(error), 400)

    return answered


def refused(sentence: str, status: int) -> Response:
    """Return a refusal in words."""
    return JSONResponse({"error": sentence}, status)


async def received(request: Request, path: Path) -> int:
    """Write the body of a request to a file and return how many bytes came, counted up to twice the most taken.

    What is beyond the most is read and dropped: a page hears the answer only once it has sent its file.
    """
    size = 0
    with path.open("xb") as out:
        async for block in request.stream():
            size += len(block)
            if size <= MOST_BYTES:
                out.write(block)
            elif size > 2 * MOST_BYTES:
                break
    return size


def _nearest(name: str, known: Sequence[SessionListed]) -> str:
    """Return the hint about a name that is none; near names are looked for among those that begin alike."""
    names = [s.name for s in known]
    alike = sorted(names, key=lambda n: n[:3] != name[:3])[:NEIGHBOURS] if len(names) > NEIGHBOURS else names
    close = near(name[:200], alike)
    return f" Did you mean {close[0]!r}?" if close else f" There are {len(names):,} sessions."


def _read(table: Source, name: str, columns: Columns, *, best: str, longest: int | None) -> SessionRead:
    return read_session(table.path, name, table.read(), columns, longest=longest, best=best)


def session_data(found: SessionRead, start: int = 0) -> dict[str, Any]:
    """Return a session as the page reads it; texts from the step at `start` on, as many as one answer holds."""
    until, sent = perf_counter() + IN_ALL, 0
    steps = []
    for k, step in enumerate(found.steps[:MOST_STEPS]):
        before = None if step.source is None else found.steps[step.source]
        shown = None
        if k >= start and (sent < SENT or k == start):
            shown = {
                column: text_data(text, None if before is None else before.texts[column], until)
                for column, text in step.texts.items()
            }
            sent += sum(min(len(text or ""), SHORT) for text in step.texts.values())
        row: dict[str, Any] = {
            "step": step.step,
            "parent": None if before is None else before.step,
            "source": step.source,
        }
        row |= {"scores": dict(step.scores), "kept": step.kept, "labels": dict(step.labels), "texts": shown}
        steps.append(row)
    return {"labels": dict(found.labels), "steps": steps, "more": len(found.steps) - len(steps)}


def text_data(text: str | None, before: str | None, until: float) -> dict[str, Any] | None:
    """Return a text, cut where it is long, and what changed from the version it was made from."""
    if text is None:
        return None
    found = None
    left = min(until - perf_counter(), SECONDS)
    if before is not None and max(len(text), len(before)) <= COMPARED and left > 0:
        found = changes(before, text, left)
    if found is not None and len(text) > SHORT and sum(len(lines) for _, lines in found) > 2 * SHORT:
        found = _shortened(found)
    return {"text": text[:SHORT], "shortened": len(text) > SHORT, "changes": found}


def place_of(text: str) -> int | None:
    """Return a place in a session out of a request, None where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _shortened(found: list[list[str]]) -> list[list[str]]:
    """Cut changes where they are long; the page then asks for the whole."""
    left, kept = 2 * SHORT, []
    for sign, lines in found:
        if left <= 0:
            break
        kept.append([sign, lines[:left]])
        left -= len(lines)
    return kept


def _whole(found: SessionRead, place: str, column: str) -> Response:
    """Return one whole text, and what changed in it."""
    at = place_of(place)
    step = found.steps[at] if at is not None and at < len(found.steps) else None
    if step is None or column not in step.texts:
        return refused(f"the session has no text {column[:80]!r} at {place[:20]!r}.", 404)
    text = step.texts[column]
    before = None if step.source is None else found.steps[step.source].texts[column]
    known = text is not None and before is not None
    return JSONResponse({"text": text, "changes": changes(before or "", text or "", IN_ALL) if known else None})
