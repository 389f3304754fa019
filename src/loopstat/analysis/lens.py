"""The command `analyze`: its settings and where its parts are; light, so that help costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..decide.lens import COLUMN_CONTROLS, FORECAST_CONTROLS, MOVING, PRICE_CONTROLS, SCORE_CONTROLS
from ..decide.rows import DECIDE, FORECAST
from ..drift.rows import FIT
from ..lenses import Command, Controls, Desk, Lens, Progress
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
    words,
)

if TYPE_CHECKING:
    from ..panel.panel import Panel
    from .analyze import Analysis

ANALYZE = (
    OBJECTIVES,
    BY,
    MINIMIZE,
    BOUNDS,
    *DECIDE,
    *FORECAST,
    WHERE,
    FROM_STEP,
    TRANSFORM,
    COLUMNS,
    SCORE,
    ARTIFACT,
    MIXED_SCORERS,
    FORMAT,
    words("reference", "Compare every group with this one.", metavar="LABEL", of="group"),
    *FIT,
    GROUP,
    SEED,
)

DESK = Desk(
    "Analysis",
    controls=(
        COLUMN_CONTROLS,
        SCORE_CONTROLS,
        PRICE_CONTROLS,
        FORECAST_CONTROLS,
        Controls("Where it goes", ("estimator", "stops_at_bounds", "thorough"), open=False),
        Controls("Estimate", ("cluster", "bootstrap", "level", "seed"), open=False),
        Controls("Shown", ("group", "reference"), open=False),
    ),
    live="loopstat.analysis.live:live",
    moving=MOVING,
)
LENS = Lens(
    "analysis",
    "when to stop, where the scores go, how fast, what trades off against what",
    (
        Command(
            "analyze",
            "Say when to stop recorded loops, what each further step is worth, where they go and what trades off.\n\n"
            "FILE is CSV, TSV, JSONL or Parquet with a session and a step column, or the log of another tool, or a "
            "folder of logs; several files or a glob are read as one table with a `file` label (compare them with "
            "--by file).",
            ANALYZE,
            run="loopstat.analysis.lens:run",
            view="loopstat.analysis.view:document",
            reads="panel",
            depth="front",
            desk=DESK,
        ),
    ),
    terms="loopstat.analysis.lens:TERMS",
)
TERMS: dict[str, str] = {}


def known_noise(options: Mapping[str, Any]) -> Any:
    """Return the covariance of the scorer's noise where a file gives it; that there is none concerns rules alone."""
    noise = options.get("scorer_noise")
    return None if noise == "none" else noise


def run(panel: Panel, options: Mapping[str, Any], *, progress: Progress | None = None) -> Analysis:
    """Analyse a panel as it was asked for.

    Parameters
    ----------
    panel : Panel
    options : mapping
        Values of `ANALYZE` by name, and `command`, the command line.
    progress : callable, optional
    """
    from ..decide.lens import estimator_of
    from ..drift.settings import LinearDrift
    from .analyze import analyze

    return analyze(
        panel,
        by=groups_asked(options),
        estimator=LinearDrift(**given({**options, "scorer_noise": known_noise(options)}, FIT)),
        decision=estimator_of(options),
        seed=int(options.get("seed") or 0),
        reference=options.get("reference"),
        settings=how_read(options),
        progress=progress,
    )
