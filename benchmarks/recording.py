"""`python -m benchmarks.recording`: what a recorded step takes, beside a plain insert and a line appended to a file.

All of them in one run, in turns, on the same disk. Each keeps the same step: two scores, four labels, a text of 2 kB.
`full` survives a loss of power, `normal` kill -9 alone; the others are as their users write them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loopstat.record.session import Session

SCORES = {"security": 7.25, "functionality": 3.5}
LABELS = {"strategy": "feature-first", "cost": 0.0125, "tokens_in": 812, "tokens_out": 333}
TEXT = "".join(f"def step_{k}(x):\n    return sorted(x)[{k}]\n" for k in range(48))  # 2 kB of source


def _text(k: int) -> str:
    return f"# version {k}\n{TEXT}"


@contextmanager
def ours(folder: Path, sync: str) -> Any:
    """A step as loopstat records it."""
    s = Session(folder / f"ours-{sync}", task="t", sync=sync)
    yield lambda k: s.step(SCORES, text=_text(k), **LABELS)
    s.end("budget")


@contextmanager
def sqlite(folder: Path, sync: str) -> Any:
    """The same as a row of one table, texts as they are, a transaction each."""
    con = sqlite3.connect(folder / f"plain-{sync}.db", isolation_level=None)
    con.execute("PRAGMA journal_mode = WAL")
    con.execute(f"PRAGMA synchronous = {sync}")
    con.execute("CREATE TABLE steps (step INTEGER, scores TEXT, labels TEXT, text TEXT)")
    sql = "INSERT INTO steps VALUES (?, ?, ?, ?)"
    yield lambda k: con.execute(sql, (k, json.dumps(SCORES), json.dumps(LABELS), _text(k)))
    con.close()


@contextmanager
def lines(folder: Path, sync: str) -> Any:
    """The same as a line of JSON appended and handed to the system; with `full`, to the disk."""
    with (folder / f"lines-{sync}.jsonl").open("a") as stream:

        def write(k: int) -> None:
            stream.write(json.dumps({"step": k, **SCORES, **LABELS, "text": _text(k)}) + "\n")
            stream.flush()
            if sync == "full":
                os.fsync(stream.fileno())

        yield write


WAYS: dict[str, Callable[[Path, str], Any]] = {
    "loopstat.Session": ours,
    "sqlite3, one INSERT": sqlite,
    "JSONL, one line": lines,
}


def measured(folder: Path, sync: str, *, rounds: int, n: int) -> dict[str, float]:
    """Return microseconds per step by the way it is kept: the median over rounds taken in turns."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for turn in range(rounds):
        for name, way in WAYS.items():
            place = folder / f"{sync}-{turn}"
            place.mkdir(exist_ok=True)
            with way(place, sync) as write:
                begun = time.perf_counter()
                for k in range(n):
                    write(turn * n + k)
                found[name].append((time.perf_counter() - begun) / n * 1e6)
    return {name: statistics.median(times) for name, times in found.items()}


def together(folder: Path, sync: str, *, threads: int, n: int) -> float:
    """Return steps per second of several threads that share a session."""
    with Session(folder / f"threads-{sync}", sync=sync) as s:
        first = s.step(0.0)

        def work(k: int) -> None:
            for t in range(n):
                s.step(SCORES, step=t + 1, parent=first, text=_text(k * n + t))

        workers = [threading.Thread(target=work, args=(k,)) for k in range(threads)]
        begun = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return threads * n / (time.perf_counter() - begun)


def main() -> int:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default where temporary files go")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="recording-", dir=asked.folder) as name:
        folder = Path(name)
        print("| | full, µs a step | beside SQLite | normal, µs a step | beside SQLite |\n|---|---|---|---|---|")
        full, normal = (measured(folder, sync, rounds=asked.rounds, n=asked.steps) for sync in ("full", "normal"))
        plain = "sqlite3, one INSERT"
        for way in WAYS:
            cells = (full[way], full[way] / full[plain], normal[way], normal[way] / normal[plain])
            print(f"| {way} | {cells[0]:,.0f} | {cells[1]:.2f} | {cells[2]:,.0f} | {cells[3]:.2f} |")
        rates = [together(folder, sync, threads=8, n=50) for sync in ("full", "normal")]
        print(f"| 8 threads, one session | {rates[0]:,.0f} steps/s | | {rates[1]:,.0f} steps/s | |")
    print(f"\nPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
