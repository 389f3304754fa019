"""Answers to what the page asks: whole ones and live ones, computed in threads so that no socket ever waits."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
import traceback
from collections import OrderedDict, UserDict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ...errors import LoopstatError
from ...lenses import Progress, Result, load
from .desks import Place

if TYPE_CHECKING:
    from ...results.document import Document

RECORDINGS, RESULTS = 4, 8  # kept at most, the ones used last
CREWS = {"live": 1, "whole": 2}  # threads of each kind of work
T = TypeVar("T")
OUR_FAULT = "This should not have happened; what did is told where loopstat was started."


class Cancelled(Exception):
    """Raised inside a computation that nobody waits for any more."""


@dataclass(frozen=True)
class Asked:
    """What a page asks of a desk.

    Attributes
    ----------
    place : Place
    settings : mapping
        Those that differ from their defaults, as their rows take them.
    sources : tuple of str
        Ids of tables.
    paths : tuple of str
        Where these are.
    shown : tuple of str
        The same in a command line: as they were typed, or the name of an upload.
    """

    place: Place
    settings: Mapping[str, Any]
    sources: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command line that answers the same."""
        return self.place.command_line(self.settings, self.shown)

    @property
    def options(self) -> dict[str, Any]:
        """Values of all settings, and the command line."""
        return {**self.place.defaults, **self.settings, "command": self.command}

    @property
    def files(self) -> tuple[Any, ...]:
        """The files as they stand, by id: one that has grown since is read again."""
        stats = [Path(path).stat() for path in self.paths]
        return tuple((key, s.st_size, s.st_mtime_ns) for key, s in zip(self.sources, stats, strict=True))

    @property
    def ground(self) -> str:
        """What a live answer stands on: the desk, the files, and every setting that `live` does not follow."""
        moving = set(self.place.desk.moving if self.place.reads else self.settings)
        fixed = {name: value for name, value in self.settings.items() if name not in moving}
        return json.dumps([self.place.name, self.files, fixed], sort_keys=True)


# --------------------------------------------------------------------------- threads


class Job:
    """A piece of work for a thread, which can be called off."""

    def __init__(self, work: Callable[[Job], None]) -> None:
        self.work, self.off = work, False

    def cancel(self) -> None:
        """Call it off: it ends when it next tells of its progress, or never begins."""
        self.off = True

    def told(self, tell: Progress) -> Progress:
        """Return the progress of this job: ends it where it was called off."""

        def progress(done: int, total: int, what: str) -> None:
            if self.off:
                raise Cancelled
            tell(done, total, what)

        return progress


class Crew:
    """Threads that end with the process, and the work that waits for them; what was called off is never begun."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Job]] = {kind: deque() for kind in CREWS}
        self._working: set[Job] = set()
        self._changed = threading.Condition()
        for kind, count in CREWS.items():
            for k in range(count):
                threading.Thread(target=self._work, args=(kind,), name=f"{kind} {k}", daemon=True).start()

    def submit(self, kind: str, job: Job) -> None:
        """Put a job into the queue of a kind of work."""
        with self._changed:
            queue = self._waiting[kind]
            for old in [other for other in queue if other.off]:
                queue.remove(old)
            queue.append(job)
            self._changed.notify_all()

    async def run(self, kind: str, work: Callable[[Job], T]) -> T:
        """Do a piece of work in a thread and wait for what comes of it; it is called off where nobody waits."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def done(found: T | None, error: Exception | None) -> None:
            if not future.done():
                future.set_exception(error) if error is not None else future.set_result(cast(T, found))

        def begin(job: Job) -> None:
            try:
                found = work(job)
            except Exception as error:  # raised where it is waited for
                loop.call_soon_threadsafe(done, None, error)
            else:
                loop.call_soon_threadsafe(done, found, None)

        job = Job(begin)
        self.submit(kind, job)
        try:
            return await future
        finally:
            job.cancel()

    def stop(self, seconds: float = 1.0) -> bool:
        """Call everything off and return whether all threads came to rest in time."""
        with self._changed:
            for job in (*self._working, *(job for queue in self._waiting.values() for job in queue)):
                job.cancel()
            return self._changed.wait_for(lambda: not self._working, seconds)

    def _work(self, kind: str) -> None:
        queue = self._waiting[kind]
        while True:
            with self._changed:
                self._changed.wait_for(lambda: queue)
                job = queue.popleft()
                self._working.add(job)
            try:
                if not job.off:
                    job.work(job)
            finally:
                with self._changed:
                    self._working.discard(job)
                    self._changed.notify_all()


# --------------------------------------------------------------------------- recordings and results


class Noted(UserDict[str, Any]):
    """Options that note which of them were looked at: a recording is read again where one of these changes."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.data = dict(options)
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return self.data.get(name) if name in self.data else super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.seen.add(str(name))
        return name in self.data

    def __iter__(self) -> Iterator[str]:
        self.seen |= set(self.data)
        return iter(self.data)


@dataclass
class _Recording:
    """A recording, and what it hangs on."""

    reads: str
    files: tuple[Any, ...]
    seen: Mapping[str, Any]
    value: Any


@dataclass
class _Last:
    """The last whole result on some ground."""

    settings: Mapping[str, Any]
    sources: tuple[str, ...]
    shown: tuple[str, ...]
    recording: Any
    result: Result


@dataclass
class Answers:
    """What was read and found so far, and how to find more; shared by all tabs."""

    _recordings: deque[_Recording] = field(default_factory=lambda: deque(maxlen=RECORDINGS))
    _results: OrderedDict[str, _Last] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def whole(self, asked: Asked, progress: Progress) -> Result:
        """Return the whole result; one found before for the same settings is given again."""
        ground = asked.ground
        kept = self._last(ground)
        if kept is not None and kept.settings == asked.settings and kept.shown == asked.shown:
            return kept.result
        recording, known = self._read(asked, progress)
        result: Result = load(asked.place.command.run)(recording, known, progress=progress)
        with self._lock:
            self._results[ground] = _Last(asked.settings, asked.sources, asked.shown, recording, result)
            self._results.move_to_end(ground)
            while len(self._results) > RESULTS:
                self._results.popitem(last=False)
        return result

    def live(self, asked: Asked) -> Result | None:
        """Return what a live answer gives; None where only a whole one will do."""
        if not asked.place.desk.live:
            return None
        kept = self._last(asked.ground)
        if kept is None and asked.place.reads:
            return None
        recording, last = (None, None) if kept is None else (kept.recording, kept.result)
        from ...io.asked import asked as meant

        recording, known = meant(lambda *_: recording, asked.paths, asked.options)
        found: Result | None = load(asked.place.desk.live)(recording, known, last)
        return found

    def keep(self, sources: Collection[str]) -> None:
        """Forget what was read of any other tables."""
        with self._lock:
            kept = [r for r in self._recordings if all(key in sources for key, *_ in r.files)]
            self._recordings = deque(kept, RECORDINGS)
            for ground in [g for g, last in self._results.items() if not set(last.sources) <= set(sources)]:
                del self._results[ground]

    def _last(self, ground: str) -> _Last | None:
        with self._lock:
            found = self._results.get(ground)
            if found is not None:
                self._results.move_to_end(ground)
            return found

    def _read(self, asked: Asked, progress: Progress) -> tuple[Any, dict[str, Any]]:
        """Return the recording as the settings ask for it, and the options with their texts taken apart."""
        from ...io.asked import READERS
        from ...io.asked import asked as meant

        reads = asked.place.command.reads
        reader = load(reads) if ":" in reads else READERS[reads]

        def kept(paths: Sequence[str], known: Mapping[str, Any]) -> Any:
            files = asked.files
            for old in self._recordings:
                if (old.reads, old.files) == (reads, files) and all(known.get(k) == v for k, v in old.seen.items()):
                    return old.value
            progress(0, 1, "reading")
            noted = Noted(known)
            value = reader(paths, noted)
            seen = {name: noted.data.get(name) for name in noted.seen}
            with self._lock:
                self._recordings.append(_Recording(reads, files, seen, value))
            return value

        if not asked.place.reads:
            return meant("nothing", (), asked.options)
        with self._reading:
            return meant(kept, asked.paths, asked.options)


# --------------------------------------------------------------------------- what the page is sent


def document_of(asked: Asked, result: Result) -> Document:
    """Return what a desk says of a result."""
    made: Document = load(asked.place.command.view)(result)
    return made


def sentence(error: Exception, said: Callable[[LoopstatError], str]) -> str:
    """Return what the page is told of an error; one that is none of ours is told in full on standard error."""
    from ...results.words import clean_sentence

    if isinstance(error, LoopstatError):
        return clean_sentence(said(error))
    if isinstance(error, MemoryError):
        return "This takes more memory than there is: ask for less at once."
    if isinstance(error, OSError):
        return clean_sentence(f"A file cannot be read: {error.strerror or error}.")
    traceback.print_exception(error, file=sys.stderr)
    return OUR_FAULT


def milliseconds(begun: float) -> float:
    """Return the time since a moment of `time.perf_counter`."""
    return round(1000 * (time.perf_counter() - begun), 2)
