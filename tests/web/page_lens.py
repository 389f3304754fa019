"""A lens of an outside package, made for the tests of the page: every kind of setting, block and answer, and no figure
that costs time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loopstat import lenses
from loopstat.errors import SettingsError
from loopstat.lenses import Command, Controls, Desk, Lens, Preset
from loopstat.parameters import SEED, Parameter, choice, number, switch, whole, words
from loopstat.results.chart import Axis, Chart, Line, Paths, Points
from loopstat.results.check import Check
from loopstat.results.document import (
    Answer,
    Checks,
    Document,
    Fact,
    Facts,
    Formula,
    Formulas,
    Handle,
    Provenance,
    Section,
    Sheet,
    Text,
    figure,
    word,
)

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>&amp;\u202eevil"
SLOW = 12  # this many turns take their time
LEVELS = ("none", "one", "two", "three", "a word that is quite long", "another word that is as long")

ROWS: tuple[Parameter, ...] = (
    number("pull", "p", 0.5, "How strongly it is drawn.", 0, 1, slider=(0, 1), unit="per step", source="the paper"),
    whole("turns", "n", 5, "How often it turns.", 1, slider=(1, 12)),
    number("free", "", None, "Any number from 0 on.", 0),
    choice("way", "left", "Where it goes.", ("left", "right", "up")),
    choice("rank", None, "A word out of many.", LEVELS),
    switch("quick", "Leave half of it out while a hand moves."),
    switch("whole_story", "Say all of it.", True),
    words("label", "What it is called.", metavar="TEXT"),
    words("names", "Some names.", "list", metavar="A,B"),
    words("weights", "What each is worth.", "pairs", metavar="A=1"),
    SEED,
)
PRESETS = (
    Preset("calm", {"pull": 0.1, "turns": 2}, help="Hardly moves"),
    Preset("wild", {"pull": 0.9, "way": "up"}),
    Preset("rightwards", {"way": "right", "quick": True}, over=True, group="Laid over"),
)


@dataclass(frozen=True)
class Turned:
    """What the settings give: figures that follow from them by one line each."""

    options: Mapping[str, Any]
    rough: str = ""
    notes: tuple[str, ...] = ("Nothing was read.",)

    @property
    def curve(self) -> np.ndarray:
        """Where it is after each of 21 steps, shape (21,)."""
        rate = self.options["pull"] * {"left": 0.2, "right": 0.4, "up": 0.6}[self.options["way"]]
        return np.asarray(1 - np.exp(-rate * np.arange(21.0)))

    @property
    def weights(self) -> dict[str, float]:
        """What each name is worth."""
        given = dict(pair.split("=") for pair in self.options["weights"] or ())
        return {name: float(given.get(name, 1)) for name in ("a", "b")}

    def to_dict(self) -> dict[str, Any]:
        """Return the plain data of the JSON form."""
        curve = self.curve
        return {
            "schema": "turned/1",
            "pull": self.options["pull"],
            "turns": self.options["turns"],
            "end": float(curve[-1]),
            "steps": [{"at": float(v)} for v in curve],
            "weights": self.weights,
            "checks": [{"value": float(curve[-1])}],
        }


def run(recording: Any, options: Mapping[str, Any], *, progress: Any = None) -> Turned:
    """Return what the settings give; many turns take their time."""
    del recording
    if (options["free"] or 0) > 1000:
        raise SettingsError("more than 1000 leads nowhere. Take less.")
    for k in range(100 if options["turns"] == SLOW else 0):
        progress(k, 100, "turning")
        time.sleep(0.03)
    return Turned(options)


def live(recording: Any, options: Mapping[str, Any], last: Turned | None) -> Turned | None:
    """Answer at once: all of it, or half where `quick` says so; nothing where only a whole run will do."""
    del recording, last
    if options["turns"] == SLOW or (options["free"] or 0) > 1000:
        return None
    return Turned(options, "half of it left out" if options["quick"] else "")


def document(result: Turned) -> Document:
    """Return what is said of it."""
    options, curve = result.options, result.curve
    said = ": it ends at ", figure(float(curve[-1]), place="end"), f", called {options['label'] or HOSTILE}"
    sections = (
        Section("main", "What happens", (*_words(result), *_charts(result), *_long(result)), lead=(HOSTILE,)),
        Section("folded", "Folded away", (_sheet(curve), *_charts(result, "inner")), folded=True),
    )
    return Document(
        "turned",
        f"A loop that turns {options['way']}",
        Provenance("1.0", options.get("command", "")),
        lead=(figure(options["turns"], form="count", place="turns"), " turns"),
        sections=sections,
        answer=Answer("go", "go on" if curve[-1] > 0.9 else "stop", said, "ours" if curve[-1] > 0.9 else "doubt"),
        notes=result.notes,
        first=("This is made for tests.",),
        handles=(
            Handle("pull", 0, 1, options["pull"], label="pull by hand"),
            Handle("weights", 0, 4, result.weights["a"], entry="a", label="weight of a"),
        ),
        rough=result.rough,
    )


def _words(result: Turned) -> tuple[Facts | Text, ...]:
    facts = Fact("pull", (figure(result.options["pull"], place="pull"),)), Fact("weight of a", (_weight(result),))
    return Facts(facts), Text(((HOSTILE,), ("seed ", f"{result.options['seed']}")), tone="doubt")


def _weight(result: Turned) -> Any:
    return figure(result.weights["a"], form="number", place="weights.a")


def _long(result: Turned) -> tuple[Sheet | Checks | Formulas, ...]:
    end = float(result.curve[-1])
    check = Check("far_enough", end, 0.5, end > 0.5, HOSTILE)
    formulas = Formula("where it is", r"x_t = 1 - e^{-r t}", "x[t] = 1 - exp(-r t)", "corrected", "The sign was wrong.")
    return _sheet(result.curve), Checks((check,), place="checks"), Formulas((formulas,))


def _sheet(curve: np.ndarray) -> Sheet:
    rows = tuple((word(f"step {k}"), figure(float(v), place=f"steps.{k}.at")) for k, v in enumerate(curve))
    return Sheet("Every step", ("step", "at"), rows, "One row a step.")


def _charts(result: Turned, prefix: str = "") -> tuple[Chart, ...]:
    steps, curve = np.arange(21.0), result.curve
    rng = np.random.default_rng(result.options["seed"])
    noisy = curve + 0.1 * rng.normal(size=(6, 21))
    names = tuple(f"s{k}{HOSTILE}" for k in range(6))
    axis = Axis("step", whole=True)
    line = Line(steps, curve, curve - 0.05, curve + 0.05, label="mean", strong=True)
    return (
        Chart(f"{prefix}curve", "Where it is", (Paths(steps, noisy, names), line), axis, Axis("at"), "A curve."),
        Chart(f"{prefix}ends", "Ends", (Points(noisy[:, 9], noisy[:, -1], names=names),), Axis("x"), Axis("y"), "Six."),
    )


DESK = Desk(
    title="Turning <b>",
    controls=(Controls("Core", ("pull", "turns", "way")), Controls("More", ("free", "rank", "quick"), open=False)),
    presets="page_lens:PRESETS",
    live="page_lens:live",
)
COMMAND = Command(
    "turn", "Say where a loop turns. <i>Help</i>.", ROWS, "page_lens:run", "page_lens:document", desk=DESK
)
LENS = Lens("turned", "where loops turn", (COMMAND,), terms="page_lens:TERMS")
TERMS: dict[str, str] = {}


def installed(folder: Path) -> Path:
    """Install this lens in a folder and return it."""
    metadata = folder / "page_lens-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: page-lens\nVersion: 1.0\n", encoding="utf-8")
    points = f"[{lenses.GROUP}]\nturned = page_lens:LENS\n"
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    shutil.copy(__file__, folder)
    return folder
