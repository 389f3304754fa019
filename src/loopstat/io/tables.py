"""Reading tables: one row per proposal, in files or a dataframe, into a Panel.

Every guess made on the way (objectives, parents, plain loop or lineage) and every row or link dropped is said in
`panel.source.notes`; everything that would give a silent wrong number is refused with its file, row and column.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..panel import Labels, Panel, Source, array_digest
from .cells import Cells
from .columns import renaming, unknown
from .files import LONGEST_LINE, LineTooLongError, Scan, digest_of, find, names_of, scan
from .frames import scan_frame
from .kinds import no_sessions
from .links import links_of
from .rows import Averages, Rows, averaged, refuse_hopeless, rows_of
from .scores import objectives_of, scored, transformed
from .settings import Bounds, Wanted


def read(
    source: Any,
    *,
    objectives: Sequence[str] | None = None,
    minimize: Sequence[str] = (),
    bounds: Mapping[str, Bounds] | None = None,
    columns: Mapping[str, str] | None = None,
    transform: Mapping[str, str] | None = None,
    labels: Sequence[str] = (),
    from_step: int | None = None,
) -> Panel:
    """Read recorded sessions into a Panel.

    Parameters
    ----------
    source : path, glob, list of those, or dataframe
        CSV, TSV, JSON lines, a JSON array of records or Parquet (text may be gzipped); Polars, pandas, Arrow or
        DuckDB. One row per proposal, with `session` and `step` columns. Several files get a `file` label. Repeated
        scorings of one artefact are rows that differ in `repeat`; they are averaged after transforms.
    objectives : names of columns, optional
        Default: the numeric columns that are not bookkeeping (see `loopstat.io.choice`).
    minimize : names of objectives for which smaller is better
    bounds : mapping from objective to `(low, high)`, optional
        In the file's units, None for an open side; the key `*` stands for all objectives.
    columns : mapping from standard name to the table's name, optional
        For example `{"session": "run_id", "step": "iteration"}`.
    transform : mapping from objective to `log`, `log1p`, `logit` or `sqrt`, optional
    labels : names of columns that must become labels
    from_step : int, optional
        Leave out the rows before this step.

    Returns
    -------
    Panel
        `x` of shape (n_rows, n_obj) in the file's units after transforms. Rows are sorted by session (in order of
        appearance), step and candidate; `source.notes` says what was guessed and what was dropped. With repeated
        scorings, `repeats` and `repeat_scatter` carry what they say of the scorer's noise.

    Raises
    ------
    InputError
        The table cannot be used; the message names file, row and column.
    SettingsError
        An argument contradicts itself.

    Notes
    -----
    When it is wrong: a log from which rejected proposals were dropped without a `survivors_only` column looks like
    one that kept them all; drift fitted to it is biased towards improvement.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from loopstat.io import read, template
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "runs.csv"
    >>> _ = path.write_text(template("sessions"))
    >>> read(path).names
    ('security', 'efficiency', 'length')
    """
    wanted = Wanted(
        objectives=None if objectives is None else _names(objectives),
        minimize=_names(minimize),
        bounds={k: (v[0], v[1]) for k, v in (bounds or {}).items()},
        transform=dict(transform or {}),
        labels=_names(labels),
    )
    with _opened(source, columns, wanted) as (cells, origin):
        panel = _panel(cells, origin, wanted)
    if from_step is None:
        return panel
    later = panel.from_step(from_step)
    if not np.any(later.parent >= 0):
        raise InputError(
            f"no transition is left from step {from_step} on; the last step is {int(panel.step.max())}.",
            file=", ".join(origin.files[:3]),
            hint="choose a smaller --from-step.",
        )
    return later


def _names(given: Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


# ---------------------------------------------------------------------------------------------------- opening


@dataclass(frozen=True)
class Origin:
    """The files behind a table: names as given, short labels, digest (empty for a dataframe)."""

    files: tuple[str, ...]
    labels: tuple[str, ...] = ()
    digest: str = ""


@contextmanager
def _opened(source: Any, columns: Mapping[str, str] | None, wanted: Wanted) -> Iterator[tuple[Cells, Origin]]:
    import duckdb

    con = duckdb.connect(config={"autoinstall_known_extensions": False})
    try:
        con.execute("SET enable_progress_bar = false")
        if _is_paths(source):
            paths = find(source)
            short = tuple(names_of(paths)) if len(paths) > 1 else ()
            origin = Origin(tuple(str(p) for p in paths), short, digest_of(paths))
            cells = _patiently(
                con, lambda longest: [scan(con, p, longest_line=longest) for p in paths], columns, wanted
            )
        else:
            cells = _cells(con, [scan_frame(con, source)], columns, wanted)
            origin = Origin((cells.file,))
        yield cells, origin
    finally:
        con.close()


def _is_paths(source: Any) -> bool:
    return isinstance(source, str | os.PathLike) or (
        isinstance(source, list | tuple) and all(isinstance(s, str | os.PathLike) for s in source)
    )


def _patiently(
    con: Any, scans: Callable[[int], list[Scan]], columns: Mapping[str, str] | None, wanted: Wanted
) -> Cells:
    for longest in LONGEST_LINE[:-1]:
        try:
            return _cells(con, scans(longest), columns, wanted)
        except LineTooLongError:
            con.execute("DROP TABLE IF EXISTS t")
    return _cells(con, scans(LONGEST_LINE[-1]), columns, wanted)


def _cells(con: Any, scans: list[Scan], columns: Mapping[str, str] | None, wanted: Wanted) -> Cells:
    known = list(dict.fromkeys(f.name for s in scans for f in s.fields))
    file = ", ".join(s.file for s in scans[:3])
    names = renaming(columns, known, file=file)
    here = [names.get(n, n) for n in known if names.get(n, n) == n or n in names]
    for option, asked in (("--objectives", wanted.objectives or ()), ("--by, --where or --cluster", wanted.labels)):
        missing = next((n for n in asked if n not in here and not (n == "file" and len(scans) > 1)), None)
        if missing is not None:
            raise unknown(missing, here, file=file, option=option)
    hoped = {*(wanted.objectives or ()), *wanted.named}
    return Cells(con, scans, names=names, labels=wanted.labels, numbers=hoped)


# ---------------------------------------------------------------------------------------------------- the panel


def _panel(cells: Cells, origin: Origin, wanted: Wanted) -> Panel:
    if "session" not in cells.columns or "step" not in cells.columns:
        raise no_sessions(cells)
    scorings, first = rows_of(cells, origin.labels)
    refuse_hopeless(cells, scorings, first)
    names, notes = objectives_of(cells, scorings, wanted)
    objectives, raw = scored(cells, scorings, names, wanted)
    means = averaged(transformed(raw, objectives), first)
    x, measured = means.x, () if means.repeats is None else (means.repeats, means.scatter)
    rows = scorings.only(first)
    links = links_of(cells, rows, np.asarray(~np.isnan(x).any(axis=1), dtype=np.bool_))
    notes += links.notes + _row_notes(means, names, len(raw) - len(x))
    return Panel(
        x=x,
        session=rows.session,
        step=rows.step,
        parent=links.parent,
        objectives=tuple(objectives),
        session_names=rows.session_names,
        labels=_labels(cells, origin, rows, names, wanted),
        accepted=links.accepted if links.lineage else None,
        lineage=links.lineage,
        survivors_only=cells.has("survivors_only") and bool(cells.flags("survivors_only")[0].any()),
        source=Source(
            origin.files,
            origin.digest or array_digest(x, rows.session, rows.step, links.parent, *measured),
            tuple(notes),
        ),
        repeats=means.repeats,
        repeat_scatter=means.scatter,
    )


def _labels(cells: Cells, origin: Origin, rows: Rows, objectives: Sequence[str], wanted: Wanted) -> dict[str, Labels]:
    content = next((n for n in wanted.labels if n not in (*cells.columns, "file")), None)
    if content is not None:
        raise cells.refuse("cannot be a label: it holds whole texts or nested values.", column=content)
    labels = {name: cells.labels(name).take(rows.position) for name in cells.label_names(objectives, wanted.labels)}
    if "session" in labels:  # the same name in two files is two sessions
        named = Labels.of(rows.session_names)
        labels["session"] = Labels(named.codes[rows.session], named.names)
    if origin.labels:
        files = Labels.of(origin.labels)
        labels["file"] = Labels(files.codes[cells.file_codes()], files.names).take(rows.position)
    return labels


def _row_notes(means: Averages, names: Sequence[str], n_repeats: int) -> list[str]:
    x, notes = means.x, []
    if n_repeats:
        measured = "" if means.repeats is None else "; the scorer's noise is measured from them"
        notes.append(
            f"{n_repeats:,} repeated scorings were averaged into the {len(x):,} rows they belong to{measured}."
        )
    missing = np.isnan(x).sum(axis=0)
    if missing.any():
        each = ", ".join(f"{name} in {n:,}" for name, n in zip(names, missing.tolist(), strict=True) if n)
        notes.append(f"missing values among {len(x):,} rows: {each}; they drop the transitions they touch.")
    return notes
