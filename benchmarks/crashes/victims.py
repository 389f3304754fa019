"""What is killed: loops that write without a pause and say what they were told is safe.

A line is written after a call has returned, and never before: whatever was said must be in the store.
`die_within` kills the process at the n-th statement or operation of SQLite's machine; otherwise a parent does it.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from loopstat.record import schema
from loopstat.record.session import Session, Step
from loopstat.record.store import Store

LONG = "def f(x):\n    return sorted(x)\n" * 200


def say(**told: Any) -> None:
    """Say what has returned, in one write that is whole or not there."""
    os.write(1, (json.dumps(told) + "\n").encode())


def digest_of(text: str) -> str:
    """Return what is said of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def _told(s: Session, step: Step, *, text: str | None = None, **more: Any) -> None:
    if text is not None:
        more["text"] = digest_of(text)
    say(kind="step", session=s.name, step=step.step, candidate=step.candidate, **more)


def sessions(runs: str) -> None:
    """Begin and end sessions."""
    for k in count():
        s = Session(runs, name=f"{os.getpid()}-{k}", task=f"t{k}")
        say(kind="begun", session=s.name)
        s.end("target")
        say(kind="ended", session=s.name, ended="target")


def steps(runs: str) -> None:
    """Record steps without texts."""
    s = Session(runs)
    say(kind="begun", session=s.name)
    for k in count():
        _told(s, s.step({"x": float(k)}, mark=k), mark=k)


def new_texts(runs: str) -> None:
    """Record steps with texts that are new, half of them longer than a page."""
    s = Session(runs)
    for k in count():
        text = f"{s.name} {k} " + (os.urandom(6000).hex() if k % 2 else "short")
        _told(s, s.step({"x": float(k)}, text=text), text=text)


def same_texts(runs: str) -> None:
    """Record steps with texts that are there already."""
    s = Session(runs)
    for k in count():
        _told(s, s.step({"x": float(k)}, text=LONG + str(k % 3)), text=LONG + str(k % 3))


def verdicts(runs: str) -> None:
    """Accept steps after they were recorded."""
    s = Session(runs)
    for k in count():
        step = s.step({"x": float(k)})
        s.accept(step, bool(k % 2))
        _told(s, step, accepted=bool(k % 2))


def threads(runs: str) -> None:
    """Record steps from eight threads that share a session."""
    s = Session(runs)
    first = s.step(0.0)

    def work(k: int) -> None:
        for t in count(1):
            _told(s, s.step(float(k), step=t, parent=first, text=f"{k} {t}"), text=f"{k} {t}")

    for k in range(8):
        threading.Thread(target=work, args=(k,), daemon=True).start()
    threading.Event().wait()


def processes(runs: str) -> None:
    """Record steps from four processes that share a directory; all of them are killed at once."""
    os.setpgid(0, 0)
    context = multiprocessing.get_context("fork")
    for _ in range(3):
        context.Process(target=new_texts, args=(runs,)).start()
    new_texts(runs)


def opening(runs: str) -> None:
    """Open the store over and over; the first time it is made."""
    while True:
        store = Store(runs)
        store.close()
        say(kind="opened")


def migrating(runs: str) -> None:
    """Bring a store of the first format up to date, and write to it."""
    s = Session(runs)
    _told(s, s.step({"speed": 1.0}, mark=7), mark=7)
    threading.Event().wait()


def exporting(runs: str) -> None:
    """Export a store over and over, into the file whose name stands beside the directory."""
    from loopstat.io.exported import Stored, table
    from loopstat.io.write import write_file

    class Asked:
        stored = Stored(Path(runs) / schema.FILE, None)

    for _ in count():
        write_file(f"{runs}.csv", table(Asked(), f"{runs}.csv"))
        say(kind="exported")


VICTIMS: dict[str, Callable[[str], None]] = {
    work.__name__: work
    for work in (
        sessions,
        steps,
        new_texts,
        same_texts,
        verdicts,
        threads,
        processes,
        opening,
        migrating,
        exporting,
    )
}


def die_within(statements: int, operations: int) -> None:
    """Kill this process at the n-th SQL statement, or at the n-th ten of operations of SQLite's machine."""
    opened = sqlite3.connect
    left = [statements, operations]

    def count_down(which: int) -> None:
        left[which] -= 1
        if left[which] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(*args: Any, **more: Any) -> sqlite3.Connection:
        con = opened(*args, **more)
        if statements:
            con.set_trace_callback(lambda _: count_down(0))
        if operations:
            con.set_progress_handler(lambda: count_down(1), 10)
        return con

    sqlite3.connect = connect  # type: ignore[assignment]


if __name__ == "__main__":
    name, directory, at_statement, at_operation = sys.argv[1:]
    if name == "exporting":
        import duckdb  # noqa: F401 - it takes longer than what is to be killed

        import loopstat.io.exported  # noqa: F401
    if int(at_statement) or int(at_operation):
        die_within(int(at_statement), int(at_operation))
    say(kind="ready")
    VICTIMS[name](directory)
