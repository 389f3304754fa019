"""What several lenses say of every group of a panel, or of a table that is read first, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..decide.analysis import Decisions, analyze_decisions
from ..decide.compare import Comparisons
from ..decide.held import scored
from ..decide.settings import MeanCurve
from ..drift.analysis import DriftAnalysis, analyze_drift
from ..drift.settings import LinearDrift
from ..errors import SettingsError
from ..io import read
from ..lenses import Progress
from ..panel.panel import Panel, as_names
from ..results.record import UNWRITTEN
from .linear import linear_drift

SCHEMA = "loopstat.analysis/1"


@dataclass(frozen=True, eq=False)
class Analysis(DriftAnalysis):
    """When to stop, where the loop goes, how fast and what trades off, for every group of a panel.

    The attributes are those of a drift analysis; each group carries its decision (`group.decided`, `group.verdict`).

    Attributes
    ----------
    against : Comparisons or None
        Groups against each other at their own best steps; None for one group.
    drift : DriftAnalysis or None
        Where the loop goes alone (not written, as the next).
    decisions : Decisions or None
        When to stop alone, with what any price can be decided from.
    """

    KEYS = (*DriftAnalysis.KEYS, "against")
    SCHEMA = SCHEMA

    against: Comparisons | None = None
    drift: DriftAnalysis | None = field(default=None, repr=False, metadata=UNWRITTEN)
    decisions: Decisions | None = field(default=None, repr=False, metadata=UNWRITTEN)


def analyze(
    source: Any,
    *,
    by: str | Sequence[str] | None = None,
    estimator: LinearDrift | None = None,
    decision: MeanCurve | None = None,
    seed: int = 0,
    reference: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
    **reading: Any,
) -> Analysis:
    """Analyse every group of a panel, or of a table that is read first.

    Parameters
    ----------
    source : Panel, or what `loopstat.read` takes: path, glob, list of those, or dataframe
    by : label columns, optional
        One group per combination of values. Default: `strategy` where it has at most 8 values with at least 10
        sessions each, otherwise no grouping; an empty list asks for no grouping.
    estimator : LinearDrift, optional
        Where the loop goes; default `LinearDrift()`.
    decision : MeanCurve, optional
        When to stop; default `MeanCurve()`, with the clusters, draws and level of `estimator`.
    seed : int
    reference : str, optional
        Label of the group the others are compared with, where there are more than six.
    settings : mapping, optional
        Further settings to keep with the result (how the panel was read).
    progress : callable, optional
        Called with (done, total, label) before each group.
    workers : int, optional
        Processes that groups are fitted in; the figures do not depend on it.
    **reading
        Arguments of `loopstat.read`, for a table: `objectives`, `minimize`, `bounds`, `columns` and so on.

    Returns
    -------
    Analysis

    Raises
    ------
    InputError
        The table cannot be used; the message names file, row and column.
    SettingsError
        An argument out of range, or arguments of `read` beside a Panel.

    Examples
    --------
    >>> import polars as pl
    >>> steps = [("a", 0, 1.0), ("a", 1, 2.0), ("a", 2, 1.5), ("b", 0, 3.0), ("b", 1, 2.5), ("b", 2, 3.0)]
    >>> table = pl.DataFrame(steps, schema=["session", "step", "score"], orient="row")
    >>> analyze(table, estimator=LinearDrift(n_boot=0)).n_sessions
    2
    """
    estimator = estimator or LinearDrift()
    like = MeanCurve(cluster=estimator.cluster, n_boot=estimator.n_boot, level=estimator.level)
    decision = decision or like
    panel = _panel(source, by, estimator, decision, reading)
    drift = analyze_drift(
        panel, by=by, estimator=estimator, seed=seed, reference=reference, progress=progress, workers=workers
    )
    if not scored(panel):
        return together(drift, None, settings or {})
    lent = {"linear drift": linear_drift}
    decisions = analyze_decisions(panel, by=drift.settings["by"], estimator=decision, seed=seed, predictors=lent)
    return together(drift, decisions, settings or {})


def _panel(
    source: Any, by: str | Sequence[str] | None, estimator: LinearDrift, decision: MeanCurve, reading: dict[str, Any]
) -> Panel:
    if isinstance(source, Panel):
        if reading:
            raise SettingsError(f"a Panel is read already: give {', '.join(reading)} to `loopstat.read`.")
        return source
    columns = (estimator.cluster, decision.cluster, decision.ended, decision.cost)
    needed = [*as_names(by or ()), *(c for c in columns if c and c != "session")]
    labels = dict.fromkeys((*as_names(reading.pop("labels", ())), *needed))
    return read(source, labels=list(labels), **reading)


def together(drift: DriftAnalysis, decisions: Decisions | None, settings: Mapping[str, Any]) -> Analysis:
    """Return what both lenses say of the same groups as one analysis."""
    own = {} if decisions is None else {group.label: group.decided for group in decisions.groups}
    groups = tuple(replace(fit, decided=own.get(fit.label)) for fit in drift.groups)
    said = {*drift.notes}
    more, notes = ({}, ()) if decisions is None else (decisions.settings, decisions.notes)
    return Analysis(
        groups,
        drift.objectives,
        drift.source,
        drift.n_sessions,
        drift.n_steps,
        {**more, **drift.settings, **settings},
        (*drift.notes, *(note for note in notes if note not in said)),
        drift.comparisons,
        drift.pareto,
        drift.panel,
        None if decisions is None else decisions.comparisons,
        drift,
        decisions,
    )
