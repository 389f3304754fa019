"""The commands `stats` and `merge`: their settings and where their parts are; light, so that help costs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..decide.lens import numbers_of
from ..decide.rows import DECIDE
from ..drift.rows import FIT
from ..lenses import Command, Lens, Progress, Save
from ..parameters import (
    BOUNDS,
    CLUSTER,
    COLUMNS,
    FROM_STEP,
    GROUP,
    MINIMIZE,
    OBJECTIVES,
    SEED,
    TRANSFORM,
    WHERE,
    choice,
    given,
    whole,
    words,
)

if TYPE_CHECKING:
    from ..analysis.analyze import Analysis
    from .listing import StatsListing
    from .sums import Stats

HELD = tuple(row for row in DECIDE if row.name in ("keep", "ended", "cost"))
PRICED = tuple(row for row in DECIDE if row.name in ("price", "worth", "weights", "horizon"))
BY_LABEL = words("by", "One group per value. Default: all together.", "list", metavar="COL,COL", of="column")
WORKERS = whole("workers", "", 1, "Processes that read files, one piece of work a file.", 1)
STATS = (OBJECTIVES, BY_LABEL, MINIMIZE, BOUNDS, *HELD, WHERE, FROM_STEP, TRANSFORM, COLUMNS, CLUSTER, WORKERS)
REFERENCE = words("reference", "Compare every group with this one.", metavar="LABEL", of="group")
SUMMED = choice("estimator", "pooled", "How drift is fitted.", ("pooled", "within", "instrument"))
OUTPUT = Save("output", "Write the sums, for `loopstat merge`.", "loopstat.many.view:packed_listing", short="o")
MERGE = (*PRICED, SUMMED, *(row for row in FIT if row.name in ("bootstrap", "level")), REFERENCE, GROUP, SEED)

LENS = Lens(
    "many",
    "many files, more than memory: sums of parts, and their analysis as one",
    (
        Command(
            "stats",
            "Bring tables down to sums that merge: many files, more than memory.\n\n"
            "FILE is what `loopstat analyze` reads; it is read in parts of whole sessions. The sums hold no texts and "
            "no names of sessions or tasks.",
            STATS,
            run="loopstat.many.lens:listing",
            view="loopstat.many.view:document",
            reads="loopstat.many.lens:sums",
            saves=(OUTPUT,),
            pages=False,
        ),
        Command(
            "merge",
            "Analyse sums of `loopstat stats` as one run over all rows would.\n\n"
            "FILE is what `loopstat stats -o` wrote, in any order.",
            MERGE,
            run="loopstat.many.lens:merged",
            view="loopstat.analysis.view:document",
            reads="loopstat.many.lens:loaded",
            depth="front",
            of_tables=False,
        ),
    ),
    terms="loopstat.many.terms:TERMS",
)


def sums(files: Sequence[str], options: Mapping[str, Any]) -> Stats:
    """Return the sums of files as options ask for them."""
    from concurrent.futures import ProcessPoolExecutor
    from contextlib import nullcontext
    from multiprocessing import get_context

    from .reading import stats

    workers = int(options.get("workers") or 1)
    names = ("objectives", "columns", "transform", "bounds", "where", "unlike", "from_step", "cluster", *HOW)
    with ProcessPoolExecutor(workers, get_context("spawn")) if workers > 1 else nullcontext() as pool:
        return stats(
            list(files),
            by=[] if options.get("by") == ["none"] else list(options.get("by") or []),
            minimize=list(options.get("minimize") or []),
            executor=pool,
            **{name: options.get(name) for name in names},
        )


HOW = ("keep", "ended", "cost")


def listing(recording: Stats, options: Mapping[str, Any], *, progress: Progress | None = None) -> StatsListing:
    """Return what sums hold, for whoever made them."""
    from .listing import StatsListing

    del progress
    return StatsListing.of(recording, str(options.get("command") or ""))


def loaded(files: Sequence[str], options: Mapping[str, Any]) -> list[Stats]:
    """Return the sums in files."""
    from ..io.table.files import find
    from .file import load_stats

    del options
    return [load_stats(path) for path in find(list(files))]


def merged(recording: Sequence[Stats], options: Mapping[str, Any], *, progress: Progress | None = None) -> Analysis:
    """Analyse sums as options ask for it.

    Parameters
    ----------
    recording : sequence of Stats
    options : mapping
        Values of `MERGE` by name, and `command`, the command line.
    progress : callable, optional
    """
    from ..decide.settings import MeanCurve
    from ..drift.settings import LinearDrift
    from .merge import merge

    del progress
    fit = given(options, [row for row in MERGE if row.name in ("estimator", "bootstrap", "level")])
    priced = given(options, PRICED)
    cost = recording[0].made.holding.cost
    weights = numbers_of(priced.pop("weights"), "--weights")
    decision = MeanCurve(**priced, weights=weights, cost=cost, n_boot=fit["n_boot"], level=fit["level"])
    return merge(
        recording,
        estimator=LinearDrift(**fit),
        decision=decision,
        seed=int(options.get("seed") or 0),
        reference=options.get("reference"),
        settings={name: options.get(name) for name in ("group", "command")},
    )
