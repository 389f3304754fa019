"""The analysis of what is no Panel yet: a table is read first, with the columns that its groups need as labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .drift import analysis
from .drift.analysis import Analysis, Progress
from .drift.settings import LinearDrift
from .errors import SettingsError
from .io import read
from .panel.panel import Panel, as_names


def analyze(
    source: Any,
    *,
    by: str | Sequence[str] | None = None,
    estimator: LinearDrift | None = None,
    seed: int = 0,
    reference: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    **reading: Any,
) -> Analysis:
    """Fit every group of a panel, or of a table that is read first.

    Parameters
    ----------
    source : Panel, or what `loopstat.read` takes: path, glob, list of those, or dataframe
    by : label columns, optional
        One group per combination of values. Default: `strategy` where it has at most 8 values with at least 10
        sessions each, otherwise no grouping; an empty list asks for no grouping.
    estimator : LinearDrift, optional
        Default `LinearDrift("auto")`.
    seed : int
    reference : str, optional
        Label of the group the others are compared with, where there are more than six.
    settings : mapping, optional
        Further settings to keep with the result (how the panel was read).
    progress : callable, optional
        Called with (done, total, label) before each group and each stage of it.
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
    if isinstance(source, Panel):
        if reading:
            raise SettingsError(f"a Panel is read already: give {', '.join(reading)} to `loopstat.read`.")
        panel = source
    else:
        cluster = estimator.cluster if estimator else None
        needed = [*as_names(by or ()), *([cluster] if cluster and cluster != "session" else [])]
        labels = dict.fromkeys((*as_names(reading.pop("labels", ())), *needed))
        panel = read(source, labels=list(labels), **reading)
    return analysis.analyze(
        panel, by=by, estimator=estimator, seed=seed, reference=reference, settings=settings, progress=progress
    )
