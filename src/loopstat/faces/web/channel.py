"""One tab of the page: what it asks over its socket, the latest of every slot, and the frames that go back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ...errors import LoopstatError, SettingsError
from .answers import Answers, Asked, Cancelled, Crew, Job, document_of, milliseconds, sentence

SLOTS = 4  # the view, and three pins
PAUSE = 0.05  # seconds between two words on progress
LARGEST = 2**53  # whole numbers that survive JavaScript


@dataclass(frozen=True)
class Request:
    """A message that asks for an answer; `asked` is what it is about."""

    seq: int
    slot: int
    live: bool
    asked: Asked


@dataclass
class Slot:
    """What a slot waits for."""

    waiting: Request | None = None
    running: Request | None = None
    job: Job | None = None


class Outbox:
    """Frames on their way: of one kind and slot only the newest is kept, so that a slow reader never falls behind."""

    def __init__(self) -> None:
        self._frames: dict[tuple[str, int], bytes] = {}
        self._there = asyncio.Event()

    def put(self, kind: str, slot: int, frame: bytes) -> None:
        """Put a frame in, in the place of an older one of the same kind and slot."""
        self._frames.pop((kind, slot), None)
        self._frames[kind, slot] = frame
        self._there.set()

    async def get(self) -> bytes:
        """Wait for a frame."""
        while not self._frames:
            self._there.clear()
            await self._there.wait()
        return self._frames.pop(next(iter(self._frames)))


class Channel:
    """The requests of one tab.

    Parameters
    ----------
    answers : Answers
    crew : Crew
    asked : callable
        Makes what is asked for of a message; raises a LoopstatError where it cannot.
    said : callable
        Makes the message of such an error.
    """

    def __init__(
        self,
        answers: Answers,
        crew: Crew,
        asked: Callable[[Mapping[str, Any]], Asked],
        said: Callable[[LoopstatError], str],
    ) -> None:
        self.answers, self.crew, self.asked, self.said = answers, crew, asked, said
        self.outbox = Outbox()
        self.slots = [Slot() for _ in range(SLOTS)]
        self.loop = asyncio.get_running_loop()

    def tell(self, kind: str, **words: Any) -> None:
        """Send a message without a document."""
        from .frames import frame

        self.outbox.put(kind, words.get("slot", 0), frame({"kind": kind, **words}))

    def hear(self, text: str) -> None:
        """Do what a message asks."""
        seq = slot = 0
        try:
            message = message_of(text)
            seq, slot = _whole(message, "seq", LARGEST), _whole(message, "slot", SLOTS - 1)
            match message.get("do"):
                case "answer":
                    self._ask(Request(seq, slot, message.get("live") is True, self.asked(message)))
                case "cancel":
                    self._drop(self.slots[slot])
                case "ping":
                    self.tell("pong")
                case other:
                    raise SettingsError(f"`do` must be answer, cancel or ping. Got {str(other)[:40]!r}.")
        except Exception as error:  # whatever it is, the page hears a sentence and may ask again
            self.tell(**self._error(seq, slot, error))

    def close(self) -> None:
        """Call everything off: the tab has gone."""
        for slot in self.slots:
            slot.waiting = None
            if slot.job is not None:
                slot.job.cancel()

    # ----------------------------------------------------------------- the latest of every slot

    def _ask(self, request: Request) -> None:
        slot = self.slots[request.slot]
        self._drop(slot, keep_live=True)
        slot.waiting = request
        self._next(slot)

    def _drop(self, slot: Slot, *, keep_live: bool = False) -> None:
        """Call off what a slot waits for and what runs for it; a live answer is too short to be called off."""
        if slot.waiting is not None:
            self._said(slot.waiting, "cancelled")
            slot.waiting = None
        if slot.running is not None and slot.job is not None and not (keep_live and slot.running.live):
            slot.job.cancel()
            self._said(slot.running, "cancelled")
            slot.running = slot.job = None

    def _next(self, slot: Slot) -> None:
        if slot.running is not None or slot.waiting is None:
            return
        request, slot.waiting = slot.waiting, None
        slot.running, slot.job = request, Job(partial(self._work, request))
        self.crew.submit("live" if request.live else "whole", slot.job)

    def _done(self, job: Job, request: Request, kind: str, frame: bytes) -> None:
        slot = self.slots[request.slot]
        if slot.job is job:
            slot.running = slot.job = None
            self.outbox.put(kind, request.slot, frame)
            self._next(slot)

    def _proceeds(self, request: Request, words: Mapping[str, Any]) -> None:
        if self.slots[request.slot].running is request:
            self._said(request, "progress", **words)

    def _said(self, request: Request, kind: str, **words: Any) -> None:
        self.tell(kind, seq=request.seq, slot=request.slot, **words)

    def _error(self, seq: int, slot: int, error: Exception) -> dict[str, Any]:
        setting = error.setting if isinstance(error, SettingsError) else None
        words = {"message": sentence(error, self.said), "setting": setting}
        return {"kind": "error", "seq": seq, "slot": slot, **words}

    # ----------------------------------------------------------------- in a thread

    def _work(self, request: Request, job: Job) -> None:
        from .frames import frame

        words: dict[str, Any] = {"seq": request.seq, "slot": request.slot}
        try:
            kind, made = self._answered(request, job, words)
        except Cancelled:
            kind, made = "cancelled", frame({"kind": "cancelled", **words})
        except Exception as error:  # whatever it is, the page hears a sentence and the others go on
            kind, made = "error", frame(self._error(request.seq, request.slot, error))
        self._call(self._done, job, request, kind, made)

    def _answered(self, request: Request, job: Job, words: Mapping[str, Any]) -> tuple[str, bytes]:
        """Return the kind of what a request is answered with, and its frame."""
        from .frames import frame

        begun = time.perf_counter()
        progress = job.told(self._progress(request))
        result = self.answers.live(request.asked) if request.live else self.answers.whole(request.asked, progress)
        if result is None:
            return "whole", frame({"kind": "whole", **words})
        if job.off:
            raise Cancelled
        document = document_of(request.asked, result)
        words = {**words, "desk": request.asked.place.name, "live": request.live, "took": milliseconds(begun)}
        return "document", frame({"kind": "document", **words}, document)

    def _progress(self, request: Request) -> Any:
        said = 0.0

        def tell(done: int, total: int, what: str) -> None:
            nonlocal said
            if time.monotonic() - said > PAUSE:
                said = time.monotonic()
                self._call(self._proceeds, request, {"done": done, "total": total, "label": what})

        return tell

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(function, *args)


def message_of(text: str) -> Mapping[str, Any]:
    """Return a message of the page.

    Raises
    ------
    SettingsError
        It is no JSON object.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError("a message must be one JSON object.") from error
    if not isinstance(message, Mapping):
        raise SettingsError("a message must be one JSON object.")
    return message


def _whole(message: Mapping[str, Any], name: str, most: int) -> int:
    value = message.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise SettingsError(f"`{name}` must be a whole number from 0 to {most}.")
    return value
