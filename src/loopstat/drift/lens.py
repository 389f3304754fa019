"""The drift lens as a command: its settings and where its parts are; light, so that help costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..lenses import Command, Lens, Progress
from ..parameters import COLUMNS, FROM_STEP, OBJECTIVES, SEED, WHERE, given, words
from .rows import FIT

if TYPE_CHECKING:
    from ..panel.panel import Panel
    from .analysis import Analysis

ANALYZE = (
    OBJECTIVES,
    words("by", "One group per value; `none` pools. Default: strategy.", "list", metavar="COL,COL"),
    words("minimize", "Objectives where smaller is better.", "list", metavar="A,B"),
    words("bounds", "Limits scores cannot leave; LOW:HIGH for all.", "pairs", metavar="A=LOW:HIGH"),
    WHERE,
    FROM_STEP,
    words("transform", "log, log1p, logit or sqrt of an objective.", "list", metavar="A=log"),
    COLUMNS,
    words("reference", "Compare every group with this one.", metavar="LABEL"),
    *FIT,
    SEED,
)

LENS = Lens(
    "drift",
    "where the scores go, how fast, what trades off against what",
    (
        Command(
            "analyze",
            "Say where recorded loops go, how fast, what trades off, and whether to go on.\n\n"
            "FILE is CSV, TSV, JSONL or Parquet with a session and a step column; several files or a glob are read as "
            "one table with a `file` label (compare them with --by file).",
            ANALYZE,
            run="loopstat.drift.lens:run",
            view="loopstat.drift.view:document",
            reads="panel",
        ),
    ),
    terms="loopstat.drift.terms:TERMS",
)


def run(panel: Panel, options: Mapping[str, Any], *, progress: Progress | None = None) -> Analysis:
    """Analyse a panel as it was asked for.

    Parameters
    ----------
    panel : Panel
    options : mapping
        Values of `ANALYZE` by name, and `command`, the command line.
    progress : callable, optional
    """
    from .analysis import analyze
    from .settings import LinearDrift

    by = list(options.get("by") or [])
    return analyze(
        panel,
        by=([] if by == ["none"] else by) if by else None,
        estimator=LinearDrift(**given(options, FIT)),
        seed=int(options.get("seed") or 0),
        reference=options.get("reference"),
        settings={name: options.get(name) for name in ("columns", "transform", "from_step", "where", "command")},
        progress=progress,
    )
