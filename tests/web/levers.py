"""A lens of an outside package, as `loopstat view` must take it: levers, a slow command, one that reads files."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from loopstat.errors import InputError
from loopstat.lenses import Command, Controls, Desk, Lens, Preset, Save
from loopstat.parameters import Parameter, choice, number, switch, whole, words
from loopstat.results.chart import Axis, Chart, Line
from loopstat.results.document import Answer, Document, Provenance, Section, figure

ROWS = (
    number("pull", "p", 1.0, "How hard it is pulled.", -10, 10, slider=(0, 2), unit="N"),
    whole("rounds", "n", 1, "Pauses of 20 ms.", 0, slider=(1, 100)),
    choice("way", "up", "Where it is pulled.", ("up", "down")),
    switch("greased", "Whether it is greased.", default=True),
    switch("broken", "Whether it breaks."),
    words("note", "What is written on it."),
    words("named", "Names of things.", "list", metavar="A,B"),
    words("given", "Names and values.", "pairs", metavar="NAME=VALUE"),
    words("file", "A file no page may name.", "path", metavar="FILE"),
)
PRESETS = (
    Preset("hard", {"pull": 2.0}, help="As hard as it goes."),
    Preset("slow", {"rounds": 50}, over=True, group="Tasks"),
)
MOVES = Desk(
    title="Levers",
    controls=(Controls("Hand", ("pull", "way")), Controls("Machine", ("rounds",), open=False)),
    presets="levers:PRESETS",
    live="levers:live",
)
MORE = Parameter("weight", default=5.0, low=0.0, unit="kg", help="Weight on the lever.")
SAVE = Save("note-file", "Write the note.", "levers:note_text")
LENS = Lens(
    "levers",
    "levers to pull",
    (
        Command("levers pull", "Pull.", ROWS, "levers:pull", "levers:document", desk=MOVES, saves=(SAVE,)),
        Command(
            "levers laid",
            "Pull with more settings than options.",
            (words("set", "Any.", "pairs", metavar="NAME=VALUE"),),
            "levers:pull",
            "levers:document",
            desk=Desk(settings=(ROWS[0], MORE), spelled="levers:spelled"),
        ),
        Command(
            "levers read",
            "Pull by the numbers of a file.",
            (ROWS[0], ROWS[1], words("unit", "Read once for every unit.")),
            "levers:pull",
            "levers:document",
            reads="levers:numbers",
            desk=Desk(live="levers:live", moving=("pull",)),
        ),
        Command("levers list", "No page.", (), "levers:pull", "levers:document", pages=False),
    ),
    terms="levers:TERMS",
)
TERMS: dict[str, str] = {}
READ: list[str] = []
"""Units that were read for, in this process."""


@dataclass(frozen=True)
class Pulled:
    """What came of it."""

    height: float
    read: int
    command: str
    live: bool = False
    base: float | None = None
    notes: tuple[str, ...] = ("Levers were pulled.",)

    def to_dict(self) -> dict[str, Any]:
        return {"height": self.height, "read": self.read, "notes": list(self.notes), "command": self.command}


def spelled(values: Any) -> dict[str, Any]:
    """Say every setting of the desk by `--set`."""
    return {"set": [f"{name}={value}" for name, value in values.items()]}


def numbers(files: Any, options: Any) -> list[float]:
    """Return the numbers of the files; only `unit` is looked at."""
    READ.append(str(options["unit"]))
    lines = [line for name in files for line in Path(name).read_text(encoding="utf-8").splitlines()[1:]]
    if "bad" in lines:
        raise InputError("holds no number.", file=files[0], row=lines.index("bad") + 1, hint="write one.")
    return [float(line.split(",")[-1]) for line in lines]


def pull(recording: Any, options: Any, *, progress: Any = None) -> Pulled:
    """Pull, with pauses."""
    warnings.warn("levers creak", stacklevel=1)
    if options.get("broken"):
        raise ZeroDivisionError("a secret of this machine: /root/password")
    for k in range(options.get("rounds") or 0):
        progress(k, options["rounds"], f"round {k}")
        time.sleep(0.02)
    height = float(sum(recording or [1.0])) * (options.get("pull") or 0.0)
    return Pulled(height, len(READ), options["command"])


def live(recording: Any, options: Any, last: Pulled | None) -> Pulled | None:
    """Pull at once; not downwards."""
    if options.get("way") == "down":
        return None
    if options.get("note") == "slow":
        time.sleep(0.2)
    found = pull(recording, {**options, "rounds": 0})
    return replace(found, live=True, base=None if last is None else last.height)


def document(result: Pulled) -> Document:
    """Say what came of it."""
    from loopstat.inference.estimate import Estimate

    height = figure(Estimate(result.height, result.height - 1, result.height + 1), place="height")
    line = Chart("path", "Path", (Line(np.arange(3.0), result.height * np.arange(3.0)),), Axis("time"), Axis("height"))
    return Document(
        "levers",
        "Levers",
        Provenance("1.0", result.command),
        lead=(f"base {result.base}",),
        sections=(Section("all", "All", (line,)),),
        answer=Answer("pulled", "pulled to ", (height,)),
        notes=result.notes,
        rough="no pauses" if result.live else "",
    )


def note_text(result: Pulled) -> str:
    """Return a file of it."""
    return f"{result.height}\n"
