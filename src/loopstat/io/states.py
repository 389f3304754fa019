"""Reading recordings of states: session tables, transition tables and two JSON forms, split into groups.

Everything that the balance lens reads comes through `read_recording`. What is guessed or left out on the way is said
in `notes`; what would give a silent wrong number is refused with its file, row and column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import argument
from ..panel.panel import Panel, as_names
from ..panel.states import STATE
from ..panel.tally import Visits
from .chains import groups_of
from .groups import Conditions, Names, selection
from .moves import counted, is_moves
from .naming import StateRule
from .recorded import Recording, StatesAsked, visits_of
from .refuse import no_sessions
from .sessions.panel import panel_of
from .settings import Wanted
from .table.cells import Cells
from .table.opening import opened

LABELS = f"{argument('by')}, {argument('where')} or {argument('cluster')}"
NEEDS = "`loopstat balance` needs sessions (`session`, `step`, `state`) or moves (`state`, `next_state`, `count`)"


def read_recording(
    source: Any,
    *,
    state: str = STATE,
    visits: Visits = "observed",
    by: Names = None,
    where: Conditions = None,
    unlike: Conditions = None,
    labels: str | Sequence[str] = (),
    columns: Conditions = None,
    objectives: str | Sequence[str] | None = None,
    from_step: int | None = None,
    lag: int = 1,
    cluster: str | None = None,
    seed: int = 0,
    format: str | None = None,
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
    format : str, optional
        Of a log, as `loopstat.read` takes it.

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
    asked = StatesAsked(
        StateRule.of(state), visits_of(visits), selection(by, where, unlike), from_step, lag, cluster, seed
    )
    wanted = Wanted(
        objectives=None if objectives is None else as_names(objectives),
        labels=tuple(dict.fromkeys((*asked.labels, *as_names(labels)))),
        label_options=LABELS,
        format=format,
    )
    with opened(source, columns, wanted.needs(asked.rule.texts)) as cells:
        if is_moves(cells, columns):
            return counted(cells, asked, wanted.labels)
        if not {"session", "step"} <= cells.columns.keys():
            raise no_sessions(cells, NEEDS)
        panel, notes = _panel(cells, wanted, asked.rule)
    return groups_of(panel, asked, notes)


def _panel(cells: Cells, wanted: Wanted, rule: StateRule) -> tuple[Panel, list[str]]:
    """Return the panel of a table of sessions, with its states unless these are made of scores later."""
    unused = ["`next_state` was not used: the table holds sessions."] if cells.has("next_state") else []
    if rule.of_scores:
        return panel_of(cells, wanted), unused
    [state] = rule.labels(cells, rule.column)
    note = rule.sentence(state, cells.columns[rule.column].shown)
    return panel_of(cells, wanted, state=state), [note, *unused]
