"""Reading tables: one row per proposal, in files or a dataframe, into a Panel.

Every guess made on the way (objectives, parents, plain loop or lineage) and every row or link dropped is said in
`panel.source.notes`; everything that would give a silent wrong number is refused with its file, row and column.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..arrays import Bool, Float, Int, group_starts
from ..errors import InputError, SettingsError
from ..panel import Labels, Objective, Panel, Source, array_digest, previous_step
from . import parents
from .cells import Cells
from .choice import choose
from .columns import NEVER_OBJECTIVE, is_content, renaming, unknown
from .files import LONGEST_LINE, Scan, digest_of, find, line_too_long, names_of, scan
from .frames import scan_frame
from .kinds import no_sessions

Bounds = tuple[float | None, float | None]
Paths = str | os.PathLike[str]

UNIT = 1e-6  # share of the bounds' width by which a rounded value may leave them


@dataclass(frozen=True)
class Transform:
    """A change of scale: the function, the values it is defined for, and what to do about others."""

    name: str
    apply: Callable[[Float], Float]
    domain: str
    inside: Callable[[Float], Bool]
    hint: str


TRANSFORMS = {
    t.name: t
    for t in (
        Transform("log", np.log, "above 0", lambda v: v > 0, "use log1p where zeros occur."),
        Transform("log1p", np.log1p, "above -1", lambda v: v > -1, "shift the column, or leave the transform out."),
        Transform(
            "logit",
            lambda v: np.log(v) - np.log1p(-v),
            "between 0 and 1, both excluded",
            lambda v: (v > 0) & (v < 1),
            "scale the column into (0, 1) first, or leave the transform out.",
        ),
        Transform("sqrt", np.sqrt, "of at least 0", lambda v: v >= 0, "shift the column, or leave the transform out."),
    )
}


@dataclass(frozen=True)
class Wanted:
    """What the caller asked for, checked as far as it can be without the table."""

    objectives: tuple[str, ...] | None
    minimize: tuple[str, ...]
    bounds: Mapping[str, Bounds]
    transform: Mapping[str, str]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        twice = next((n for i, n in enumerate(self.objectives or ()) if n in (self.objectives or ())[:i]), None)
        if twice is not None:
            raise SettingsError(f"objective `{twice}` is named twice; name each column once.")
        if self.objectives == ():
            raise SettingsError("`objectives` is empty; name at least one column, or leave it out to choose by rule.")
        for name, kind in self.transform.items():
            if kind not in TRANSFORMS:
                raise SettingsError(
                    f"unknown transform `{kind}` for `{name}`. Expected one of {', '.join(TRANSFORMS)}."
                )
        for name, (low, high) in self.bounds.items():
            if low is not None and high is not None and not low < high:
                raise SettingsError(f"bounds of `{name}` must be low < high. Got {low:g} and {high:g}.")

    @property
    def named(self) -> dict[str, str]:
        """Option by which each objective name was mentioned outside `objectives`."""
        said = dict.fromkeys(self.minimize, "--minimize")
        said.update(dict.fromkeys((n for n in self.bounds if n != "*"), "--bounds"))
        said.update(dict.fromkeys(self.transform, "--transform"))
        return said


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
        DuckDB. One row per proposal, with `session` and `step` columns. Several files get a `file` label.
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
        appearance), step and candidate; `source.notes` says what was guessed and what was dropped.

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
            cells = _patiently(con, lambda longest: [scan(con, p, longest_line=longest) for p in paths], columns, wanted)
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
        except InputError as error:
            if not line_too_long(error):
                raise
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


# ---------------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class Rows:
    """The rows of the panel to be: where each lies in the table, and its key; sorted."""

    position: Int
    session: Int
    step: Int
    candidate: Labels | None
    session_names: tuple[str, ...]

    def refuse(self, cells: Cells) -> parents.Refuse:
        """Return a maker of errors that speaks of these rows."""

        def make(message: str, *, row: int, column: str | None = None, hint: str | None = None) -> InputError:
            return cells.refuse(message, int(self.position[row]), column, hint)

        return make


def _panel(cells: Cells, origin: Origin, wanted: Wanted) -> Panel:
    if "session" not in cells.columns or "step" not in cells.columns:
        raise no_sessions(cells)
    rows, first = _rows(cells, origin)
    _refuse_hopeless(cells, rows, first)
    names, notes = _objectives(cells, rows, wanted)
    made = [_objective(cells, rows, name, wanted) for name in names]
    x = _averaged(np.column_stack([v for _, v in made]), first)
    for j, (objective, _) in enumerate(made):
        x[:, j] = _transformed(x[:, j], objective.transform)
    kept = replace(
        rows, position=rows.position[first], session=rows.session[first], step=rows.step[first],
        candidate=None if rows.candidate is None else rows.candidate.take(first),
    )
    complete = ~np.isnan(x).any(axis=1)
    links = _links(cells, kept, complete)
    notes += _row_notes(cells, x, names, len(rows.session) - len(first)) + links.notes
    survivors = cells.has("survivors_only") and bool(cells.flags("survivors_only")[0].any())
    labels = _labels(cells, origin, kept.position, names, wanted)
    digest = origin.digest or array_digest(x, kept.session, kept.step, links.parent)
    return Panel(
        x=x,
        session=kept.session,
        step=kept.step,
        parent=links.parent,
        objectives=tuple(o for o, _ in made),
        session_names=kept.session_names,
        labels=labels,
        accepted=links.accepted if links.lineage else None,
        lineage=links.lineage,
        survivors_only=survivors,
        source=Source(origin.files, digest, tuple(notes)),
    )


def _rows(cells: Cells, origin: Origin) -> tuple[Rows, Int]:
    """Return all rows sorted, and the index of the first row of every (session, step, candidate)."""
    session, names = _sessions(cells, origin)
    step = cells.whole_numbers("step", required=True).astype(np.int64)
    candidate = cells.labels("candidate") if cells.has("candidate") else None
    repeat = cells.labels("repeat").codes if cells.has("repeat") else np.zeros(len(step), np.int64)
    artefact = np.zeros(len(step), np.int64) if candidate is None else candidate.codes
    order = _sorted(session, step, artefact, repeat)
    session, step, artefact, repeat = session[order], step[order], artefact[order], repeat[order]
    rows = Rows(order, session, step, None if candidate is None else candidate.take(order), names)
    same = (np.diff(session) == 0) & (np.diff(step) == 0) & (np.diff(artefact) == 0)
    twice = np.flatnonzero(same & (np.diff(repeat) == 0))
    if twice.size:
        raise _two_rows(cells, rows, int(twice[0]))
    return rows, np.flatnonzero(np.r_[True, ~same]).astype(np.int64)


def _sessions(cells: Cells, origin: Origin) -> tuple[Int, tuple[str, ...]]:
    """Return session numbers in order of first appearance, and their names (with the file where there are several)."""
    text = cells.columns["session"].label_sql
    if origin.labels:
        files = ", ".join("'" + label.replace("'", "''") + "'" for label in origin.labels)
        text = f"([{files}])[f + 1] || ':' || {text}"
    [codes], names = cells.codes(text)
    lost = np.flatnonzero(codes < 0)
    if lost.size:
        raise cells.refuse("`session` is missing.", int(lost[0]), "session", "every row must say which session it is of.")
    first = np.empty(len(names), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last write wins: the first appearance
    order = np.argsort(first)
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return number[codes], tuple(names[i] for i in order)


def _sorted(*keys: Int) -> Int:
    """Return the order that sorts rows by several keys, the first one first; stable."""
    spans = [int(k.max()) - int(k.min()) + 1 for k in keys]
    if float(np.prod(np.array(spans, dtype=np.float64))) > 2**62:
        return np.lexsort(keys[::-1]).astype(np.int64)
    packed = np.zeros(len(keys[0]), dtype=np.int64)
    for key, span in zip(keys, spans, strict=True):
        packed = packed * span + (key - key.min())
    return np.argsort(packed, kind="stable").astype(np.int64)


def _two_rows(cells: Cells, rows: Rows, at: int) -> InputError:
    file, row = cells.place(int(rows.position[at]))
    other = f"row {row}" if cells.place(int(rows.position[at + 1]))[0] == file else f"{file}, row {row}"
    key = f"session {rows.session_names[rows.session[at]]!r}, step {int(rows.step[at])}"
    if rows.candidate is not None:
        key += f", candidate {rows.candidate.take(np.array([at])).values()[0]!r}"
    return cells.refuse(
        f"same key as {other} ({key}); every proposal needs its own row key.",
        int(rows.position[at + 1]),
        hint="number several proposals of a step in `candidate`, repeated scorings of one artefact in `repeat`.",
    )


def _refuse_hopeless(cells: Cells, rows: Rows, first: Int) -> None:
    """Refuse a table without transitions, and populations whose ancestry nobody recorded."""
    session, step = rows.session[first], rows.step[first]
    if np.all(np.diff(session) != 0) or not np.any((np.diff(session) == 0) & (np.diff(step) > 0)):
        raise cells.refuse(
            "the table holds no transition: every session has one step.",
            hint="one row per step of a session; does `session` name the run and not the row?",
        )
    crowd = parents.crowded_step(session, step)
    told = cells.has("parent_step") or cells.has("accepted") or _has_ids(cells)
    if crowd is not None and not told:
        raise cells.refuse(
            f"step {int(step[crowd])} of session {rows.session_names[session[crowd]]!r} has several candidates, but "
            "nothing says which of them the next step came from: a population without parents.",
            int(rows.position[first[crowd]]),
            "candidate" if rows.candidate is not None else None,
            "add `parent_step` and `parent_candidate`, or `program_id` and `parent_id`, or `accepted`; "
            "`loopstat template --kind lineage` shows how.",
        )


def _has_ids(cells: Cells) -> bool:
    return cells.has("program_id") and cells.has("parent_id")


# ---------------------------------------------------------------------------------------------------- objectives


def _objectives(cells: Cells, rows: Rows, wanted: Wanted) -> tuple[tuple[str, ...], list[str]]:
    names, notes, reasons = wanted.objectives, [], {}
    if names is None:
        numeric = [c for c in cells.columns.values() if c.kind in ("number", "bool")]
        choice = choose(
            [c.name for c in numeric],
            lambda name: cells.numbers(name)[rows.position],
            session=rows.session,
            step=rows.step,
            booleans=[c.name for c in numeric if c.kind == "bool"],
            file=cells.file,
        )
        names, notes, reasons = choice.kept, [choice.sentence()], dict(choice.left_out)
    for name in names:
        _refuse_no_objective(cells, name)
    for name, option in wanted.named.items():
        if name not in names:
            if name not in cells.columns:
                raise unknown(name, cells.names, file=cells.file, option=option)
            why = f" (left out: {reasons[name]})" if name in reasons else ""
            raise InputError(
                f"`{name}` in {option} is not an objective{why}. Objectives: {', '.join(names)}.",
                file=cells.file,
                hint="name it in --objectives.",
            )
    return names, notes


def _refuse_no_objective(cells: Cells, name: str) -> None:
    column = cells.columns.get(name)
    if column is None or name in NEVER_OBJECTIVE or is_content(name):
        raise cells.refuse(f"`{name}` cannot be an objective: it is no score.", column=name)
    if column.n == 0:
        raise cells.refuse("cannot be an objective: it holds no value.", column=name)
    if column.kind == "text":
        raise cells.not_numeric(name)


def _objective(cells: Cells, rows: Rows, name: str, wanted: Wanted) -> tuple[Objective, Float]:
    """Return an objective and its values in the file's units, one per row."""
    values = cells.numbers(name)[rows.position]
    refuse = rows.refuse(cells)
    _refuse_first(
        np.isinf(values), values, name, refuse, "is infinite, expected a finite number", "leave the cell empty."
    )
    low, high = wanted.bounds.get(name, wanted.bounds.get("*", (None, None)))
    slack = UNIT * (high - low if low is not None and high is not None else max(abs(low or 0), abs(high or 0)))
    outside = np.zeros(len(values), bool)
    outside |= values < (-np.inf if low is None else low - slack)
    outside |= values > (np.inf if high is None else high + slack)
    said = f"[{'' if low is None else f'{low:g}'}, {'' if high is None else f'{high:g}'}]"
    _refuse_first(outside, values, name, refuse, f"lies outside the bounds {said}", "correct --bounds or the cell.")
    kind = wanted.transform.get(name)
    if kind is not None:
        t = TRANSFORMS[kind]
        bad = ~t.inside(values) & ~np.isnan(values)
        _refuse_first(bad, values, name, refuse, f"cannot be transformed: {kind} needs values {t.domain}", t.hint)
    low, high = (None if b is None else _transformed_bound(b, kind) for b in (low, high))
    return Objective(name, name not in wanted.minimize, low, high, kind), values


def _refuse_first(bad: Bool, values: Float, name: str, refuse: parents.Refuse, why: str, hint: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise refuse(f"the value {values[row]:g} {why}.", row=row, column=name, hint=hint)


def _transformed(values: Float, kind: str | None) -> Float:
    return values if kind is None else TRANSFORMS[kind].apply(values)


def _transformed_bound(bound: float, kind: str | None) -> float | None:
    """Return a bound after the transform; None where it lies at or beyond the edge of the domain."""
    if kind is None:
        return float(bound)
    at = np.array([bound], dtype=np.float64)
    return float(TRANSFORMS[kind].apply(at)[0]) if TRANSFORMS[kind].inside(at)[0] else None


def _averaged(x: Float, first: Int) -> Float:
    """Average the rows from each `first` up to the next, ignoring missing values."""
    if len(first) == len(x):
        return x
    there = ~np.isnan(x)
    total = np.add.reduceat(np.where(there, x, 0.0), first, axis=0)
    n = np.add.reduceat(there.astype(np.int64), first, axis=0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)


# ---------------------------------------------------------------------------------------------------- links


@dataclass(frozen=True)
class Links:
    """Parents of all rows, acceptance, whether they make a lineage, and what to say about them."""

    parent: Int
    accepted: Bool | None
    lineage: bool
    notes: list[str] = field(default_factory=list)


def _links(cells: Cells, rows: Rows, complete: Bool) -> Links:
    accepted, notes = _accepted(cells, rows)
    found, how = _found(cells, rows, accepted, complete)
    notes = [f"sessions: {_shown(cells, 'session')}; transitions: {how}.", *notes]
    if found.n_absent:
        notes.append(f"{found.n_absent:,} rows name a parent that is not in the table; they make no transition.")
    if found.n_elsewhere:
        notes.append(f"{found.n_elsewhere:,} rows name a parent in another session; they make no transition.")
    if not np.any(found.parent >= 0):
        raise cells.refuse(
            f"the table holds no transition ({how}).", hint="steps of a session must follow each other: 0, 1, 2, ..."
        )
    recorded = how != PREVIOUS
    plain = parents.crowded_step(rows.session, rows.step) is None and np.array_equal(
        found.parent, previous_step(rows.session, rows.step)
    )
    plain = plain and (accepted is None or bool(accepted.all()))
    if recorded and plain:
        notes.append("every parent is the previous step and nothing was rejected: read as a plain loop.")
    return Links(found.parent, accepted, recorded and not plain, notes)


PREVIOUS = "previous step -> row"


def _shown(cells: Cells, name: str) -> str:
    return f"`{cells.columns[name].shown}`"


def _found(cells: Cells, rows: Rows, accepted: Bool | None, complete: Bool) -> tuple[parents.Found, str]:
    session, step, refuse = rows.session, rows.step, rows.refuse(cells)
    if cells.has("parent_step"):
        named = cells.whole_numbers("parent_step", required=False)[rows.position]
        own, sought = _candidates(cells, rows)
        how = f"{_shown(cells, 'parent_step')} -> row"
        return parents.by_step(session, step, named, own, sought, refuse), how
    if _has_ids(cells):
        (program, parent), _ = cells.codes(cells.columns["program_id"].label_sql, cells.columns["parent_id"].label_sql)
        how = f"{_shown(cells, 'parent_id')} -> row"
        return parents.by_id(session, step, program[rows.position], parent[rows.position], refuse), how
    if accepted is not None:
        return parents.by_acceptance(session, step, accepted, complete, refuse), "last accepted row -> row"
    return parents.Found(previous_step(session, step)), PREVIOUS


def _candidates(cells: Cells, rows: Rows) -> tuple[Int | None, Int | None]:
    if not (cells.has("candidate") and cells.has("parent_candidate")):
        return None, None
    sql = (cells.columns["candidate"].label_sql, cells.columns["parent_candidate"].label_sql)
    (own, sought), _ = cells.codes(*sql)
    return own[rows.position], sought[rows.position]


def _accepted(cells: Cells, rows: Rows) -> tuple[Bool | None, list[str]]:
    if not cells.has("accepted"):
        return None, []
    accepted, missing = (a[rows.position] for a in cells.flags("accepted"))
    n = int(missing.sum())
    return accepted, [f"`accepted` is missing in {n:,} rows; they count as rejected."] if n else []


# ---------------------------------------------------------------------------------------------------- labels, notes


def _labels(
    cells: Cells, origin: Origin, position: Int, objectives: Sequence[str], wanted: Wanted
) -> dict[str, Labels]:
    content = next((n for n in wanted.labels if n != "file" and n not in cells.columns), None)
    if content is not None:
        raise cells.refuse("cannot be a label: it holds whole texts or nested values.", column=content)
    names = [n for n in cells.label_names(objectives, wanted.labels) if not (origin.labels and n == "file")]
    labels = {name: cells.labels(name).take(position) for name in names}
    if origin.labels:
        files = Labels.of(origin.labels)
        labels["file"] = Labels(files.codes[cells.file_codes()], files.names).take(position)
    return labels


def _row_notes(cells: Cells, x: Float, names: Sequence[str], n_repeats: int) -> list[str]:
    notes = []
    if n_repeats:
        notes.append(f"{n_repeats:,} repeated scorings were averaged into the {len(x):,} rows they belong to.")
    missing = np.isnan(x).sum(axis=0)
    if missing.any():
        each = ", ".join(f"{name} in {n:,}" for name, n in zip(names, missing.tolist(), strict=True) if n)
        notes.append(f"missing values among {len(x):,} rows: {each}; they drop the transitions they touch.")
    return notes
