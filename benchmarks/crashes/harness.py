"""Kills writers, then looks at what is left: everything that a call returned from, and nothing that is half there."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loopstat.record.reading import Reader
from loopstat.record.schema import FILE
from loopstat.record.session import Session
from loopstat.record.store import Store
from loopstat.record.verify import problems

from .victims import digest_of

OLD = Path(__file__).parents[2] / "tests" / "record" / "data" / "format1.db"
WITHIN = ("sessions", "steps", "new_texts", "verdicts", "opening", "migrating")
"""What is also killed from within, at a statement or an operation drawn at random."""


@dataclass
class Fate:
    """What was found after one kill.

    Attributes
    ----------
    kind : str
        What was being written.
    within : bool
        Killed from within, at a statement or an operation; else from outside, at some moment.
    told : int
        Calls that had returned.
    extra : int
        Steps in the store of which no call had returned: killed between commit and return.
    torn : bool
        The log held more than was committed: SQLite dropped the rest.
    faults : list of str
        What was lost or broken.
    """

    kind: str
    within: bool
    told: int = 0
    extra: int = 0
    torn: bool = False
    faults: list[str] = field(default_factory=list)


def kill_once(kind: str, folder: Path, rng: random.Random, *, within: bool = False) -> Fate:
    """Let one writer be killed in a directory of its own and return what is left."""
    runs = folder / "runs"
    if kind == "migrating":
        runs.mkdir(parents=True)
        shutil.copy(OLD, runs / FILE)
    if kind == "exporting":
        _filled(runs)
    at = (0, 0)
    if within:
        most = 45 if kind == "migrating" else 90
        at = (rng.randint(1, most), 0) if rng.random() < 0.5 else (0, rng.randint(1, 2 * most))
    folder.mkdir(parents=True, exist_ok=True)
    heard, fell = _killed(kind, runs, rng, at)
    fate = Fate(kind, fell, told=sum(line["kind"] != "ready" for line in heard))
    log = runs / f"{FILE}-wal"
    fate.torn = log.is_file() and log.stat().st_size > 0
    _look(fate, runs, heard)
    return fate


def _filled(runs: Path) -> None:
    with Session(runs, sync="normal") as s:
        for k in range(300):
            s.step({"x": float(k)}, text=f"text {k} " * 50)


def _killed(kind: str, runs: Path, rng: random.Random, at: tuple[int, int]) -> tuple[list[dict[str, Any]], bool]:
    """Run a writer until it is killed; return what it had said, and whether it fell by its own hand."""
    command = [sys.executable, "-m", "benchmarks.crashes.victims", kind, str(runs), *map(str, at)]
    said = Path(f"{runs}.said")
    with said.open("ab") as stream:  # every process appends whole lines
        writer = subprocess.Popen(command, stdout=stream, process_group=0)
    while not said.stat().st_size and writer.poll() is None:
        time.sleep(0.005)
    if any(at):
        try:
            writer.wait(2)
        except subprocess.TimeoutExpired:
            pass  # it had less to do than the statement it was to die at
    else:
        time.sleep(rng.uniform(0.0, 1.5 if kind == "exporting" else 0.4))
    fell = writer.poll() is not None
    if not fell:
        os.killpg(writer.pid, signal.SIGKILL)
    writer.wait()
    return [json.loads(line) for line in said.read_bytes().split(b"\n")[:-1]], fell


def _look(fate: Fate, runs: Path, heard: Sequence[dict[str, Any]]) -> None:
    """Compare what was said with what is there: as a reader finds it, then as the next writer does."""
    if not (runs / FILE).is_file():
        if fate.told:
            fate.faults.append("the store is gone")
        return
    if (runs / FILE).stat().st_size or fate.told:
        for _ in range(2):
            _compare(fate, runs, heard)
            Store(runs).close()
    Store(runs).close()
    with Session(runs, name="afterwards", sync="normal") as s:
        s.step({"x": 1.0, "speed": 1.0})
    if fate.kind == "exporting":
        _look_at_export(fate, Path(f"{runs}.csv"))


def _compare(fate: Fate, runs: Path, heard: Sequence[dict[str, Any]]) -> None:
    with Reader(runs) as reader:
        fate.faults += problems(reader)
        known = {row.name: row for row in reader.sessions()}
        rows = {}
        for row in reader.steps():
            name = next(s.name for s in known.values() if s.id == row.session)
            rows[name, row.step, row.candidate] = row
        for line in heard:
            fault = _missing(line, known, rows, reader)
            if fault:
                fate.faults.append(fault)
        told = {(line["session"], line["step"], line["candidate"]) for line in heard if line["kind"] == "step"}
        if fate.kind == "migrating":
            kept = sum(row.step in range(3) and "mark" not in row.fields for row in rows.values())
            if kept != 8:
                fate.faults.append(f"{kept} of 8 rows of the older store are left")
        elif fate.kind != "exporting":
            fate.extra = len(rows.keys() - told)


def _missing(line: dict[str, Any], known: dict[str, Any], rows: dict[Any, Any], reader: Reader) -> str:
    """Return what of one thing said is not there, or not as it was."""
    if line["kind"] == "begun":
        return "" if line["session"] in known else f"session {line['session']} is lost"
    if line["kind"] == "ended":
        found = known.get(line["session"])
        return "" if found is not None and found.ended == line["ended"] else f"the end of {line['session']} is lost"
    if line["kind"] != "step":
        return ""
    row = rows.get((line["session"], line["step"], line["candidate"]))
    if row is None:
        return f"step {line['step']} of {line['session']} is lost"
    if "mark" in line and row.fields.get("mark") != line["mark"]:
        return f"step {line['step']} has another label"
    if "accepted" in line and row.accepted is not line["accepted"]:
        return f"the verdict on step {line['step']} is lost"
    if "text" in line and digest_of(reader.text(row.texts["artifact"])) != line["text"]:
        return f"step {line['step']} has another text"
    return ""


def _look_at_export(fate: Fate, path: Path) -> None:
    """A table that is there must be whole."""
    if path.is_file():
        import csv

        with path.open(newline="") as stream:
            n = sum(1 for _ in csv.DictReader(stream))
        if n != 300:
            fate.faults.append(f"the exported table has {n} of 300 rows")
    elif fate.told:
        fate.faults.append("the exported table is gone")


@dataclass
class Row:
    """What was found after all kills of one kind."""

    kind: str
    kills: int
    told: int
    extra: int
    torn: int
    faults: list[str]


def table(fates: Sequence[Fate]) -> list[Row]:
    """Return a row for every kind."""
    rows = []
    for (kind, within), n in Counter((f.kind, f.within) for f in fates).items():
        mine = [f for f in fates if (f.kind, f.within) == (kind, within)]
        rows.append(
            Row(
                f"{kind}, from within" if within else kind,
                n,
                sum(f.told for f in mine),
                sum(f.extra for f in mine),
                sum(f.torn for f in mine),
                [fault for f in mine for fault in f.faults],
            )
        )
    return rows
