"""Which columns are objectives when nobody says so: a rule simple enough to be printed with its reasons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Bool, Float, Int, group_starts
from ...errors import InputError, argument
from ...panel.panel import MIN_STOPPED
from ...scoring.score import NEARLY_CONSTANT, mode_of
from ..table.columns import STANDARD, is_content, listed

BOOKKEEPING = ("seed", "*_id", "parent_*", "generation", "island", "attempt", "*tokens*")
MOST_OBJECTIVES = 6
MOST_MISSING = 0.2  # a score that fails more often than that would drop most transitions of the others
HALF_A_ROW = 0.5  # failed attempts keep a length and lose every score: they say nothing about a column
SAME_QUANTITY = 0.99
ZERO_ONE = "only 0 and 1"
FEWEST_FOR_CORRELATION = 3  # two points always lie on a line


@dataclass(frozen=True)
class Choice:
    """Columns kept as objectives, in the file's order, and every other number with the reason it was left out."""

    kept: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]

    def sentence(self) -> str:
        """Say what was chosen and why the rest was not; standard columns are left out without saying."""
        guessed = [f"{name} ({reason})" for name, reason in self.left_out if reason != "standard column"]
        rest = f"; left out: {', '.join(guessed)}" if guessed else ""
        return f"objectives: {', '.join(self.kept)} (the numeric columns{rest}); use --objectives to choose."


def choose(
    names: Sequence[str],
    column: Callable[[str], ArrayLike],
    *,
    session: Int,
    step: Int,
    booleans: Collection[str] = (),
    scored: bool = False,
    scores: Collection[str] = (),
    file: str | None = None,
) -> Choice:
    """Choose the objectives among the numeric columns of a table.

    Parameters
    ----------
    names : sequence of str
        The table's numeric and boolean columns, in file order.
    column : callable
        Returns the values of a column, shape (n_rows,), NaN where missing; called only for names that the rules on
        names leave in.
    session, step : int arrays, shape (n_rows,)
    booleans : collection of str
        Columns whose type is boolean.
    scored : bool
        The table holds scores of texts: one that is nearly the same everywhere says nothing.
    scores : collection of str
        Columns that are known for scores: their names and their being 0 or 1 rule none of them out.
    file : str, optional
        Named in refusals.

    Returns
    -------
    Choice
        At least one and at most six columns.

    Raises
    ------
    InputError
        More than six columns remain (with a ready `--objectives` line), or none.

    Examples
    --------
    >>> import numpy as np
    >>> table = {"score": np.array([1.0, 3.0, 2.0, 5.0]), "seed": np.array([1.0, 2.0, 3.0, 4.0])}
    >>> choose(list(table), table.__getitem__, session=np.zeros(4, int), step=np.arange(4)).kept
    ('score',)
    """
    reasons = {name: "" if name in scores else reason_by_name(name) for name in names}
    reasons.update({n: "boolean" for n in names if n in set(booleans) and not reasons[n]})
    values = {n: np.asarray(column(n), dtype=np.float64) for n in names if not reasons[n]}
    values = {n: np.where(np.isinf(v), np.nan, v) if np.isinf(v).any() else v for n, v in values.items()}
    for rule in (_boolean, _constant, *((_nearly_constant,) if scored else ()), _missing, _correlated):
        found = rule(values, np.asarray(session), np.asarray(step))
        found = {n: why for n, why in found.items() if not (rule is _boolean and n in scores)}
        reasons.update(found)
        values = {n: v for n, v in values.items() if n not in found}
    if len(values) > MOST_OBJECTIVES:  # rather without what ends the loop than not at all
        ends = {n: ZERO_ONE for n, v in values.items() if _only_zero_and_one(v)}
        reasons.update(ends if len(ends) < len(values) else {})
        values = {n: v for n, v in values.items() if not reasons[n]}
    kept = tuple(values)
    left_out = tuple((n, reasons[n]) for n in names if reasons[n])
    if not kept:
        raise _none_left(left_out, file)
    if len(kept) > MOST_OBJECTIVES:
        raise _too_many(values, file)
    return Choice(kept, left_out)


def reason_by_name(name: str) -> str:
    """Return why a name alone rules a column out, or an empty string."""
    if name in STANDARD or is_content(name):
        return "standard column"
    folded = name.casefold()
    pattern = next((p for p in BOOKKEEPING if fnmatchcase(folded, p)), None)
    return f"named like `{pattern}`" if pattern else ""


Columns = dict[str, Float]


def _boolean(values: Columns, session: Int, step: Int) -> dict[str, str]:
    return {n: ZERO_ONE for n, v in values.items() if _only_zero_and_one(v) and not _ends_sessions(v, session, step)}


def _ends_sessions(v: Float, session: Int, step: Int) -> bool:
    """True where sessions end when they reach 1, many before the longest one, and some end without."""
    ones = v == 1
    last = np.full(int(session.max(initial=0)) + 1, np.iinfo(np.int64).min)
    np.maximum.at(last, session, step)
    solved = np.unique(session[ones])
    early = int(np.sum(last[solved] < last.max()))
    return bool(np.all(step[ones] == last[session[ones]]) and early >= MIN_STOPPED and solved.size < len(last))


def _only_zero_and_one(v: Float) -> bool:
    return bool(np.all((v == 0) | (v == 1) | np.isnan(v)) and not np.all(np.isnan(v)))


def _constant(values: Columns, session: Int, step: Int) -> dict[str, str]:
    order = np.argsort(session, kind="stable")
    starts = group_starts(session[order])
    return {
        n: "no value" if np.all(np.isnan(v)) else "constant within every session"
        for n, v in values.items()
        if _never_moves(v[order], starts)
    }


def _never_moves(v: Float, starts: Int) -> bool:
    low, high = np.fmin.reduceat(v, starts), np.fmax.reduceat(v, starts)
    return bool(np.all((low == high) | np.isnan(low)))


def _nearly_constant(values: Columns, session: Int, step: Int) -> dict[str, str]:
    return at_one_value(values)


def at_one_value(values: Mapping[str, Float]) -> dict[str, str]:
    """Return the columns that lie at one value nearly everywhere, each with how much of it does."""
    modes = {n: mode_of(known.tolist()) for n, v in values.items() if (known := v[~np.isnan(v)]).size}
    return {
        n: f"{100 * share:.0f} % of its values are {mode:g}"
        for n, (mode, share) in modes.items()
        if share > NEARLY_CONSTANT
    }


def _missing(values: Columns, session: Int, step: Int) -> dict[str, str]:
    if not values:
        return {}
    absent = {n: np.isnan(v) for n, v in values.items()}
    held = len(values) - np.sum(list(absent.values()), axis=0)
    rows: Bool = held >= HALF_A_ROW * len(values)
    share = {n: float(np.mean(a[rows])) if rows.any() else 1.0 for n, a in absent.items()}
    return {
        n: f"{100 * s:.0f} % missing where at least half of the columns have values"
        for n, s in share.items()
        if s > MOST_MISSING
    }


def _correlated(values: Columns, session: Int, step: Int) -> dict[str, str]:
    if not values:
        return {}
    names = ["step", *values]
    r = np.abs(correlations([step, *values.values()]))
    kept, found = [0], {}
    for j in range(1, len(names)):
        twin = next((i for i in kept if r[i, j] > SAME_QUANTITY), None)
        if twin is None:
            kept.append(j)
        else:
            found[names[j]] = f"correlation {r[twin, j]:.3f} with {names[twin]}"
    return found


def correlations(columns: Sequence[ArrayLike]) -> Float:
    """Return Pearson correlations over the rows where both columns have values; NaN where undefined.

    r = (E xy - E x E y) / sqrt(var x var y), all means over the common rows; columns are scaled first, so that the
    differences do not cancel.

    Parameters
    ----------
    columns : sequence of arrays, each of shape (n_rows,)

    Returns
    -------
    float array, shape (n_columns, n_columns)
    """
    x = np.array([_scaled(np.asarray(c, dtype=np.float64)) for c in columns])
    there = (~np.isnan(x)).astype(np.float64)
    x = np.where(np.isnan(x), 0.0, x)
    n = there @ there.T
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, square = (x @ there.T) / n, ((x * x) @ there.T) / n
        variance = np.maximum(square - mean**2, 0.0)
        r = ((x @ x.T) / n - mean * mean.T) / np.sqrt(variance * variance.T)
    ok = (n >= FEWEST_FOR_CORRELATION) & (variance > 1e-12) & (variance.T > 1e-12)
    return np.where(ok, np.clip(r, -1.0, 1.0), np.nan)


def _scaled(v: Float) -> Float:
    known = v[~np.isnan(v)]
    if known.size == 0:
        return v
    largest = float(np.max(np.abs(known))) or 1.0
    v = v / largest
    known = known / largest
    spread = float(np.std(known))
    return (v - float(np.mean(known))) / (spread or 1.0)


def _too_many(values: Columns, file: str | None) -> InputError:
    absent = np.isnan(np.array(list(values.values())))
    rows = absent.sum(axis=0) <= HALF_A_ROW * len(values)
    gaps = dict(zip(values, np.round(absent[:, rows].mean(axis=1), 2).tolist(), strict=True))
    ready = sorted(values, key=lambda n: gaps[n])[:MOST_OBJECTIVES]
    chosen = [n for n in values if n in ready]
    return InputError(
        f"{len(values)} columns could be objectives, more than {MOST_OBJECTIVES}: {listed(values, 40)}.",
        file=file,
        hint=f"choose, for example: {argument('objectives', ','.join(chosen), chosen)}",
    )


def _none_left(left_out: Sequence[tuple[str, str]], file: str | None) -> InputError:
    why = "; ".join(f"{name}: {reason}" for name, reason in left_out if reason != "standard column")
    return InputError(
        "no column is left that could be an objective. "
        + (f"Left out: {why}." if why else "Beside the standard columns the table holds no numbers."),
        file=file,
        hint=f"name one with {argument('objectives')}." if why else "add a column with the score of every step.",
    )
