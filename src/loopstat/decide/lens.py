"""The decision lens as a command: its settings and where its parts are; light, so that help costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..lenses import Command, Controls, Desk, Lens, Progress, Save
from ..parameters import (
    ARTIFACT,
    BOUNDS,
    BY,
    COLUMNS,
    FORMAT,
    FROM_STEP,
    GROUP,
    MINIMIZE,
    MIXED_SCORERS,
    OBJECTIVES,
    SCORE,
    SEED,
    TRANSFORM,
    WHERE,
    given,
    groups_asked,
    how_read,
)
from .rows import FIT, SCORER_NOISE

if TYPE_CHECKING:
    from ..panel.panel import Panel
    from .analysis import Decisions
    from .settings import MeanCurve

READ = (OBJECTIVES, BY, MINIMIZE, BOUNDS, WHERE, FROM_STEP, TRANSFORM, COLUMNS, FORMAT, SCORE, ARTIFACT, MIXED_SCORERS)
DECIDE = (*READ, *FIT, SCORER_NOISE, GROUP, SEED)

SAVED = "loopstat.decide.rules.saving:rules_text"

COLUMN_CONTROLS = Controls(
    "Columns", ("objectives", "minimize", "by", "columns", "bounds", "transform", "where", "from_step", "format")
)
SCORE_CONTROLS = Controls("Scoring of texts", ("score", "artifact", "mixed_scorers"), open=False)
PRICE_CONTROLS = Controls(
    "Decision", ("price", "weights", "keep", "select", "value", "cost", "worth", "ended", "horizon")
)
FORECAST_CONTROLS = Controls("Forecast", ("forecast", "target", "session", "scores"), open=False)
MOVING = ("price", "worth", "weights", "group")
"""Settings that decisions follow while a hand moves them."""

DESK = Desk(
    "When to stop",
    controls=(
        COLUMN_CONTROLS,
        SCORE_CONTROLS,
        PRICE_CONTROLS,
        Controls("Rules", ("rules", "scorer_noise", "guarantee", "confidence"), open=False),
        FORECAST_CONTROLS,
        Controls("Estimate", ("cluster", "bootstrap", "level", "seed"), open=False),
        Controls("Shown", ("group",), open=False),
    ),
    live="loopstat.decide.live:live",
    moving=MOVING,
)

LENS = Lens(
    "decide",
    "what each further step is worth, and when to stop",
    (
        Command(
            "decide",
            "Say when to stop recorded loops, what each further step is worth, and what may be lost.\n\n"
            "FILE is CSV, TSV, JSONL or Parquet with a session and a step column, or the log of another tool.",
            DECIDE,
            run="loopstat.decide.lens:run",
            view="loopstat.decide.view:document",
            reads="panel",
            saves=(
                Save(
                    "save", "Write the rule of each group, for `loopstat.StopRule`.", SAVED, title="Rules of stopping"
                ),
            ),
            depth="front",
            desk=DESK,
        ),
    ),
    terms="loopstat.decide.terms:TERMS",
)


def estimator_of(options: Mapping[str, Any]) -> MeanCurve:
    """Return the estimator as options ask for it."""
    from .settings import MeanCurve

    found = {**given(options, FIT), "rules": bool(options.get("rules"))}
    exact = options.get("scorer_noise") == "none"
    named = {name: numbers_of(found[name], f"--{name}") for name in ("weights", "target")}
    return MeanCurve(**{**found, **named, "scores": found["scores"] or (), "exact": exact})


def numbers_of(items: Any, option: str) -> dict[str, float]:
    """Read pairs NAME=NUMBER, several of them with commas between.

    Raises
    ------
    SettingsError
        A number that is none, or not finite.
    """
    from ..parameters import number, pairs

    if not isinstance(items, Mapping):
        items = pairs([part for item in items or () for part in item.split(",")], option)
    row = number(option, "", None, "")
    return {name: row.read(value, f"{option} {name}") for name, value in items.items()}


def run(panel: Panel, options: Mapping[str, Any], *, progress: Progress | None = None) -> Decisions:
    """Decide for a panel as it was asked for.

    Parameters
    ----------
    panel : Panel
    options : mapping
        Values of `DECIDE` by name, and `command`, the command line.
    progress : callable, optional
    """
    from ..panel.groups import default_groups
    from .analysis import analyze_decisions

    by = groups_asked(options)
    return analyze_decisions(
        panel,
        by=default_groups(panel)[0] if by is None else by,
        estimator=estimator_of(options),
        seed=int(options.get("seed") or 0),
        settings=how_read(options),
        progress=progress,
    )
