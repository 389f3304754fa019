"""Reading recordings of states: session tables, transition tables and two JSON forms, split into groups.

Everything that the balance lens reads comes through `read_recording`. What is guessed or left out on the way is said
in `notes`; what would give a silent wrong number is refused with its file, row and column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, SettingsError, argument
from ..panel.panel import Labels, Panel, Source, array_digest, as_names
from ..panel.states import STATE
from ..panel.tally import Visits
from .chains import groups_of
from .grouping import DEFAULT_BY, Asked, Part, by_of, empty_notes, group_name, grouping, visits_notes, visits_of
from .jsonforms import form_of, read_forms
from .naming import StateRule
from .read import Origin, file_labels, is_paths, opened, panel_of, text_bytes
from .refuse import no_sessions
from .settings import Wanted
from .table.cells import Cells
from .table.columns import unknown
from .table.files import digest_of, find, names_of
from .transitions import Moves, counts_of, moves_of

LABELS = f"{argument('by')}, {argument('where')} or {argument('cluster')}"
NEEDS = "`loopstat balance` needs sessions (`session`, `step`, `state`) or moves (`state`, `next_state`, `count`)"


@dataclass(frozen=True)
class Recording:
    """States as they were recorded, one part per group.

    Attributes
    ----------
    parts : tuple of (labels, Panel or Counts)
        The values of the `by` columns, and the group: a Panel with a label `state`, or Counts where there were no
        sessions. Groups without a transition are left out.
    by : list of str
        Columns that tell the groups apart; empty where all is one group.
    notes : tuple of str
        What was guessed or left out: states, groups, visits, rows.
    source : Source
    kind : str
        `sessions`, `transitions`, `expressions` or `words`.
    visits : str or float
        The rule for visits, as given.
    """

    parts: tuple[Part, ...]
    by: list[str]
    notes: tuple[str, ...]
    source: Source
    kind: str
    visits: Visits = "observed"


def read_recording(
    source: Any,
    *,
    state: str = STATE,
    visits: Visits = "observed",
    by: str | Sequence[str] | None = None,
    where: Mapping[str, str] | None = None,
    unlike: Mapping[str, str] | None = None,
    labels: str | Sequence[str] = (),
    columns: Mapping[str, str] | None = None,
    objectives: str | Sequence[str] | None = None,
    from_step: int | None = None,
    lag: int = 1,
    cluster: str | None = None,
    seed: int = 0,
) -> Recording:
    """Read recorded states, from sessions or from counted moves, one part per group.

    Parameters
    ----------
    source : path, glob, list of those, or dataframe
        A table of sessions (`session`, `step` and a state; as `loopstat.io.read` reads it, scores are not needed), a
        table of moves (`state`, `next_state`, optionally `count` and `visits`), or JSON: a list of records with
        `target_expression` and `source_expressions` (a list of objects with `expression`), or a dictionary from a
        word to the list of its successors, in which `INVALID00` is a rejected answer: a visit to the word, no state.
    state : str
        `COL`: the column as it is; `text:COL`: the exact texts of a column, also of `artifact`, long ones named by
        their beginning and a digest; `normal:COL`: the same without differences of case, width and white space;
        `bins:K`: every objective cut at its K-quantiles; `kmeans:K`: clusters of the objectives.
    visits : `observed`, `equal` or a number
        How often each state was the source of an attempt: what the table says, else the number of transitions out
        of it; the largest such number for every state; or the number given.
    by : names of columns, optional
        Groups, each a chain of its own. Default `model` and `strategy`, where they are; `["none"]` pools all.
    where, unlike : mapping from column to value, optional
        Keep only transitions with this label; without this label.
    labels : names of columns that must become labels
    columns : mapping from standard name to the table's name, optional
    objectives : names of columns, optional
        For `bins` and `kmeans`, where the default is chosen by rule; with other states they are read if named.
    from_step : int, optional
        Leave out the rows before this step.
    lag : int
        Steps between the two states of a transition; sessions must hold one.
    cluster : str, optional
        A column that intervals will be clustered by.
    seed : int
        Of `kmeans`.

    Returns
    -------
    Recording

    Raises
    ------
    InputError
        The data cannot be used; the message names file, row and column.
    SettingsError
        An argument is out of range or contradicts another or the kind of data.

    Notes
    -----
    *When it is wrong*: pooling different chains (`by=["none"]`, or a grouping that is too coarse) makes balanced
    loops look driven. States that are nearly all different leave no transition to be seen twice.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from loopstat.io import template
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "moves.csv"
    >>> _ = path.write_text(template("transitions"))
    >>> read_recording(path).parts
    (({'model': 'model-a', 'strategy': 'refine'}, Counts(3 states, 97 transitions, 6 ordered pairs)),)
    """
    asked = Asked(
        StateRule.of(state), visits_of(visits), by_of(by), where or {}, unlike or {}, from_step, lag, cluster, seed
    )
    if is_paths(source):
        paths = find(source)
        forms = {form_of(p) for p in paths}
        if forms != {None}:
            return _from_json(paths, forms, asked, as_names(labels), columns)
    wanted = Wanted(
        objectives=None if objectives is None else as_names(objectives),
        minimize=(),
        bounds={},
        transform={},
        labels=tuple(dict.fromkeys((*asked.labels, *as_names(labels)))),
        label_options=LABELS,
    )
    with opened(source, columns, wanted, asked.rule.texts) as (cells, origin):
        if _is_moves(cells, columns):
            return _from_moves(cells, origin, wanted, asked)
        if not {"session", "step"} <= cells.columns.keys():
            raise no_sessions(cells, NEEDS)
        panel, notes = _panel(cells, origin, wanted, asked.rule)
    parts, by, said = groups_of(panel, asked)
    return Recording(tuple(parts), by, (*notes, *said), replace(panel.source, notes=()), "sessions", asked.visits)


def _panel(cells: Cells, origin: Origin, wanted: Wanted, rule: StateRule) -> tuple[Panel, list[str]]:
    """Return the panel of a table of sessions, with its states unless these are made of scores later."""
    unused = ["`next_state` was not used: the table holds sessions."] if cells.has("next_state") else []
    if rule.of_scores:
        return panel_of(cells, origin, wanted), unused
    [state] = rule.labels(cells, rule.column)
    note = rule.sentence(state, cells.columns[rule.column].shown)
    return panel_of(cells, origin, wanted, state=state), [note, *unused]


# ---------------------------------------------------------------------------------------------------- moves


def _is_moves(cells: Cells, columns: Mapping[str, str] | None) -> bool:
    """True for a table whose rows say where they lead; sessions go first unless `next_state` was named."""
    if "next_state" not in cells.columns:
        return False
    return "next_state" in (columns or {}) or not {"session", "step"} <= cells.columns.keys()


def _refuse_for_moves(asked: Asked, what: str) -> None:
    """Refuse what makes sense for sessions only."""
    if asked.lag > 1:
        raise SettingsError(f"`lag` must be 1 for {what}: it holds single moves, not sessions. Got {asked.lag}.")
    for option, given in (("from_step", asked.from_step), ("cluster", asked.cluster)):
        if given is not None:
            raise SettingsError(f"{argument(option)} has no meaning for {what}: it holds single moves, not sessions.")


def _from_moves(cells: Cells, origin: Origin, wanted: Wanted, asked: Asked) -> Recording:
    _refuse_for_moves(asked, "a transition table")
    if asked.rule.of_scores:
        raise InputError(
            f"a transition table has no objectives to make states of with {asked.rule.how}:{asked.rule.k}.",
            file=cells.file,
            hint=f"leave {argument('state')} out: its states stand in `state` and `next_state`.",
        )
    names = dict.fromkeys((*wanted.labels, *(c for c in DEFAULT_BY if cells.has(c))))
    lost = next((n for n in names if n not in (*cells.columns, "file")), None)
    if lost is not None:
        raise cells.refuse("cannot be a label: it holds whole texts or nested values.", column=lost)
    labels = {n: cells.labels(n) for n in names if n in cells.columns}
    if origin.labels:
        labels["file"] = file_labels(cells, origin)
    moves = moves_of(cells, asked.rule, labels)
    shown = f"{cells.columns[asked.rule.column].shown}` -> `{cells.columns['next_state'].shown}"
    note = asked.rule.sentence(Labels(np.r_[moves.source, moves.target], moves.states), shown)
    digest = origin.digest or array_digest(moves.source, moves.target, moves.count, text_bytes(moves.states))
    return _counted(moves, [note], Source(origin.files, digest), "transitions", asked)


def _from_json(
    paths: Sequence[Path],
    forms: set[str | None],
    asked: Asked,
    labels: Sequence[str],
    columns: Mapping[str, str] | None,
) -> Recording:
    [kind] = forms if len(forms) == 1 else [None]
    files = ", ".join(str(p) for p in paths[:3])
    if kind is None:
        raise InputError("these files are not of one kind.", file=files, hint="read tables and JSON forms apart.")
    _refuse_for_moves(asked, f"a JSON file of {kind}")
    if columns or asked.rule.of_scores or asked.rule.column != STATE:
        raise SettingsError(
            f"a JSON file of {kind} has no columns: leave {argument('columns')} and {argument('state')} out "
            f"(or {argument('state', 'normal:state')})."
        )
    short = names_of(list(paths)) if len(paths) > 1 else []
    wanted = [*asked.labels, *labels]
    moves, notes = read_forms(paths, short, kind, asked.rule, list(dict.fromkeys((*DEFAULT_BY, *wanted))))
    missing = next((n for n in wanted if n not in moves.labels), None)
    if missing is not None:
        raise unknown(missing, list(moves.labels), file=files, option=LABELS)
    return _counted(moves, notes, Source(tuple(str(p) for p in paths), digest_of(list(paths))), kind, asked)


def _counted(moves: Moves, notes: list[str], source: Source, kind: str, asked: Asked) -> Recording:
    """Return the groups of some moves, counted."""
    moves = moves.where(asked.where, asked.unlike) if asked.where or asked.unlike else moves
    by, note = grouping(asked, moves.labels)
    parts: list[Part] = []
    empty, held = [], 0
    for label, part in moves.groups(by):
        held += len(part)
        counts = counts_of(part, asked.visits, source)
        if counts is None:
            empty.append(group_name(label))
        else:
            parts.append((label, counts))
    if not parts:
        raise InputError(
            "no move was seen: every count is 0, or no row has a value of every column in " + argument("by") + ".",
            file=", ".join(source.files[:3]) or None,
        )
    said = [*notes, note, *empty_notes(empty)]
    if held < len(moves):
        said.append(f"{len(moves) - held:,} rows are in no group: they lack a value of {' or '.join(by)}.")
    return Recording(tuple(parts), by, (*said, *_moves_visits(moves, kind, asked)), source, kind, asked.visits)


def _moves_visits(moves: Moves, kind: str, asked: Asked) -> list[str]:
    if asked.visits != "observed":
        return visits_notes(asked.visits)
    if kind == "words":
        return ["visits: all answers to a word, rejected ones included."]
    if moves.visits is not None:
        n = len(np.unique(moves.source)) - len(np.unique(moves.source[~np.isnan(moves.visits)]))
        gaps = f"; {n:,} states have none there and count as often as they were left" if n else ""
        return [f"visits: the column `visits`{gaps}."]
    return [
        "visits: the counts out of each state, added up; attempts that the table leaves out (the same state again, "
        "rejected answers) are not in them: add a `visits` column, or --visits equal or N."
    ]
