"""Improvement against defects from the columns of a recording: who is whose parent, and what counts as a mass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float, Int
from ...errors import SettingsError
from ...inference.estimate import Estimate
from ..settings import MoveSettings
from .defect_masses import TESTS, share_mass
from .identified import Identified
from .progress import HALF_SATURATION, Progress, fit_progress


def parent_rows(session: ArrayLike, step: ArrayLike, parent: ArrayLike | None = None) -> Int:
    """Return the row of every row's parent, -1 where there is none, shape (n,).

    Parameters
    ----------
    session : array, shape (n,)
    step : array, shape (n,)
        Ordered within a session.
    parent : array, shape (n,), optional
        The step of the parent in the same session, NaN where there is none; the step before by default.

    Returns
    -------
    int array

    Raises
    ------
    SettingsError
        Lengths that differ, a step twice in a session, or a parent that is not before its child.

    Examples
    --------
    >>> parent_rows(["a", "a", "a", "b"], [0, 1, 2, 0]).tolist()
    [-1, 0, 1, -1]
    >>> parent_rows(["a", "a", "a", "b"], [0, 1, 2, 0], [np.nan, 0, 0, np.nan]).tolist()
    [-1, 0, 0, -1]
    """
    codes = np.unique(np.asarray(session).ravel(), return_inverse=True)[1].ravel()
    steps = np.asarray(step, dtype=np.float64).ravel()
    if len(codes) != len(steps) or (parent is not None and np.size(parent) != len(steps)):
        raise SettingsError("`session`, `step` and `parent` must be equally long.")
    order = np.lexsort((steps, codes))
    first = np.diff(codes[order], prepend=-1) != 0
    if np.any(~first[1:] & (np.diff(steps[order]) == 0)):
        raise SettingsError("a session has the same step twice: name a column that orders its rows as `step`.")
    out = np.full(len(steps), -1, dtype=np.int64)
    if parent is None:
        out[order[~first]] = order[np.flatnonzero(~first) - 1]
        return out
    wanted = np.asarray(parent, dtype=np.float64).ravel()
    late = wanted >= steps
    if late.any():
        row = int(np.flatnonzero(late)[0])
        raise SettingsError(f"a parent must come before its child: step {steps[row]:g} names {wanted[row]:g}.")
    rows = {(int(c), float(t)): k for k, (c, t) in enumerate(zip(codes, steps, strict=True))}
    pairs = zip(codes, wanted, strict=True)
    return np.array([rows.get((int(c), float(w)), -1) for c, w in pairs], dtype=np.int64)


def recorded_progress(
    mass: ArrayLike,
    session: ArrayLike,
    *,
    step: ArrayLike | None = None,
    parent: ArrayLike | None = None,
    radius: ArrayLike | None = None,
    instrument: ArrayLike | None = None,
    task: ArrayLike | None = None,
    share: bool = False,
    tests: float = TESTS,
    b: float = HALF_SATURATION,
    level: float = 0.95,
) -> Progress:
    """Fit improvement against defects to the columns of a recording, one row per version.

    Parameters
    ----------
    mass : float array, shape (n,)
        Defects of every version, lower is better; NaN where it was not measured. A share of passing tests with `share`.
    session : array, shape (n,)
    step, parent : arrays, shape (n,), optional
        See `parent_rows`; the order of the rows, and the row before, by default.
    radius : float array, shape (n,), optional
        Size of the change from the parent to this version.
    instrument : float array, shape (n,), optional
        A second measurement of every version, read as `mass` is.
    task : array, shape (n,), optional
        What shares a start; the session by default.
    share : bool
        Turn shares of passing tests into masses by `share_mass`, with `tests` tests behind each.
    tests, b, level : float

    Returns
    -------
    Progress

    Raises
    ------
    SettingsError
        As `parent_rows`, `share_mass` and `fit_progress`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mu = np.cumsum(np.column_stack([np.full(20, 9.0), rng.normal(-0.2, 0.1, (20, 9))]), axis=1)
    >>> recorded_progress(mu.ravel(), np.repeat(np.arange(20), 10)).n_transitions
    180
    """
    n = np.size(mass)
    given = {"session": session, "step": step, "parent": parent}
    given |= {"radius": radius, "instrument": instrument, "task": task}
    for name, column in given.items():
        if column is not None and np.size(column) != n:
            raise SettingsError(f"`{name}` must have one value per version, {n}. Got {np.size(column)}.")
    rows = parent_rows(session, np.arange(n) if step is None else step, parent)
    child = np.flatnonzero(rows >= 0)
    above = rows[child]

    def read(column: ArrayLike, rows: Int) -> Float:
        values = np.asarray(column, dtype=np.float64).ravel()
        return (share_mass(values, tests) if share else values)[rows]

    return fit_progress(
        *(read(mass, above), read(mass, child)),
        radius=None if radius is None else np.asarray(radius, dtype=np.float64).ravel()[child],
        instrument=None if instrument is None else read(instrument, above),
        next_instrument=None if instrument is None else read(instrument, child),
        cluster=np.asarray(session if task is None else task).ravel()[child],
        b=b,
        level=level,
    )


def progress_parameters(fit: Progress, *, settings: MoveSettings | None = None, radii: bool = True) -> list[Identified]:
    """Return a1, a2, s0 and b as the simulator takes them.

    A recording in which H and rho do not vary shows A = a1 rho_eff, C = a2 (1 - kappa2 H) and S = s0 (1 - kappa1 H)
    only, and the simulator uses only these products: a1, a2 and s0 are what gives them at the H and rho of `settings`.

    Parameters
    ----------
    fit : Progress
    settings : MoveSettings, optional
        Default: the defaults.
    radii : bool
        Whether sizes of changes were recorded; without them one move is the unit, `edit_radius` 1.

    Returns
    -------
    list of Identified
        Bounds only, not to be used, where masses may be measured with error and there was no second measurement.
    """
    s = settings or MoveSettings()
    effective = 1 - (1 - s.model_prior) * (1 - s.human_prior)
    products = {
        "a1": (fit.aim, effective, "a1 rho_eff", f"H {s.human_prior:g} and rho {s.model_prior:g}"),
        "a2": (fit.damage, 1 - s.kappa2 * s.human_prior, "a2 (1 - kappa2 H)", f"H {s.human_prior:g}"),
        "s0": (fit.spread, 1 - s.kappa1 * s.human_prior, "s0 (1 - kappa1 H)", f"H {s.human_prior:g}"),
    }
    n: dict[str, Any] = {"n_tasks": fit.n_clusters, "n_samples": fit.n_transitions}
    found = []
    for name, (product, factor, symbol, at) in products.items():
        ends = Estimate(*(np.asarray(part) / factor for part in (product.value, product.low, product.high)))
        usable = bool(np.isfinite(product.value) and product.value > 0 and not fit.upper_bound)
        reason = f"Only {symbol} is seen; at {at}, by convention, it is this."
        if fit.upper_bound:
            reason = f"Measurement error alone looks like it: name a second measurement (--instrument). {reason}"
        elif not usable:
            reason = f"The estimate is not positive. {reason}"
        bound = "upper" if fit.upper_bound else None
        found.append(Identified(name, ends, usable, reason, "improvement against defects", bound=bound, **n))
    told = "b is seen." if fit.identified else f"The masses do not span it: {fit.b_used:g} is kept."
    found.append(Identified("b", fit.b, fit.identified, told, "improvement against defects", **n))
    if not radii:
        one = Estimate(1.0, 1.0, 1.0)
        reason = "Sizes of changes were not recorded: one move is the unit."
        found.append(Identified("edit_radius", one, found[0].identifiable, reason, "convention", **n))
    return found
