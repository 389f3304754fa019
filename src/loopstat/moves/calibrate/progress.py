"""Improvement against defects: what one move gains, from recorded transitions parent -> child."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Bool, Float
from ...inference.estimate import Estimate
from ...inference.intervals import jackknife, student_quantile
from ...inference.resample import LeftOut
from ...results.check import Check
from ...results.record import Record, written
from .defect_masses import Transitions

HALF_SATURATION = 4.0  # the published b: used where a recording cannot tell
GRID = np.geomspace(1 / 64, 64, 145)  # values of b tried, in median masses: beyond, the curve is a line or a constant
FINER = 20  # points between two of them, for the limits of b
MAX_AT_FLOOR = 0.05
CHECKS = ("exact_masses", "at_floor", "radius_recorded", "b_identified")


@dataclass(frozen=True, eq=False)
class Progress(Record):
    """How much one candidate improves on its parent, against the parent's defect mass.

    Per unit of edit radius where radii are recorded, per move otherwise; masses in the unit they came in.

    Attributes
    ----------
    aim, damage, spread : Estimate
        A = a1 rho_eff, C = a2 (1 - kappa2 H), S = s0 (1 - kappa1 H): a recording in which H and rho do not vary shows
        only these products. Given `b_used`, where b is not identifiable.
    b : Estimate
        Mass at which half of the aim is left; NaN where not identifiable, its limits are kept.
    b_used : float
        The one behind aim, damage and spread.
    slope : Estimate
        Improvement gained per unit of mass, of the straight line through the transitions: needs no b.
    at_mean : Estimate
        Improvement at the mean mass of the parents.
    n_transitions, n_clusters : int
    checks : tuple of Check
    """

    KEYS = (
        *("aim", "damage", "spread", "b", "slope", "at_mean", "b_used", "identified", "upper_bound"),
        *("n_transitions", "n_clusters", "checks"),
    )

    aim: Estimate = field(metadata=written(nested=True))
    damage: Estimate = field(metadata=written(nested=True))
    spread: Estimate = field(metadata=written(nested=True))
    b: Estimate = field(metadata=written(nested=True))
    b_used: float
    slope: Estimate = field(metadata=written(nested=True))
    at_mean: Estimate = field(metadata=written(nested=True))
    n_transitions: int
    n_clusters: int
    checks: tuple[Check, ...]

    @property
    def identified(self) -> bool:
        """True where the recording tells b, and so aim and damage apart."""
        return next(c.passed for c in self.checks if c.name == "b_identified")

    @property
    def upper_bound(self) -> bool:
        """True where masses may be measured with error and no second measurement was given."""
        return not next(c.passed for c in self.checks if c.name == "exact_masses")

    def mean(self, mass: ArrayLike, radius: ArrayLike = 1.0) -> Float:
        """Return the expected improvement of one candidate at masses and edit radii, in defects."""
        mu = np.asarray(mass, dtype=np.float64)
        return np.asarray(np.asarray(radius) * (self.aim.value * mu / (mu + self.b_used) - self.damage.value))


@dataclass(frozen=True)
class _Sums:
    """Moments of every b of a grid (or of the straight line) by cluster: Z'R (..., 3, 2) and Z'd (..., 3)."""

    zr: Float
    zd: Float

    @classmethod
    def of(cls, t: Transitions, grid: Float, n: int) -> _Sums:
        """Sum over the rows of each cluster; arrays start with the shape (n_grid, n_clusters)."""
        zr, zd = np.empty((len(grid), n, 3, 2)), np.empty((len(grid), n, 3))
        gain = t.mass - t.next_mass
        for g, b in enumerate(grid):
            w, b2 = t.second, b * t.scale
            x, x2 = t.mass / (t.mass + b), w / (w + b2)
            z = t.radius[:, None] * np.column_stack([x2, -np.ones(len(x)), -x2 * (1 - x2)])
            r = t.radius[:, None] * np.column_stack([x, -np.ones(len(x))])
            for i in range(3):
                zd[g, :, i] = np.bincount(t.cluster, weights=z[:, i] * gain, minlength=n)
                for j in range(2):
                    zr[g, :, i, j] = np.bincount(t.cluster, weights=z[:, i] * r[:, j], minlength=n)
        return cls(zr, zd)

    @property
    def total(self) -> _Sums:
        return _Sums(*(part.sum(axis=1, keepdims=True) for part in (self.zr, self.zd)))

    @property
    def without_each(self) -> _Sums:
        return _Sums(*(part.sum(axis=1, keepdims=True) - part for part in (self.zr, self.zd)))

    def solve(self) -> tuple[Float, Float]:
        """Return (A, C) for every b and batch member, and the moment that says whether b is right."""
        theta = _solve(self.zr[..., :2, :], self.zd[..., :2])
        return theta, self.zd[..., 2] - np.einsum("...j,...j", self.zr[..., 2, :], theta)


def _solve(a: Float, y: Float) -> Float:
    """Solve 2 x 2 systems; NaN where singular."""
    det = a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0]
    det = np.where(np.abs(det) > 1e-12 * np.abs(a[..., 0, 0] * a[..., 1, 1]), det, np.nan)
    first = (a[..., 1, 1] * y[..., 0] - a[..., 0, 1] * y[..., 1]) / det
    return np.stack([first, (a[..., 0, 0] * y[..., 1] - a[..., 1, 0] * y[..., 0]) / det], axis=-1)


def fit_progress(
    mass: ArrayLike,
    next_mass: ArrayLike,
    *,
    radius: ArrayLike | None = None,
    instrument: ArrayLike | None = None,
    next_instrument: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    b: float = HALF_SATURATION,
    exact: bool = False,
    level: float = 0.95,
) -> Progress:
    r"""Fit m = A delta mu/(mu + b) - C delta and s = S delta sqrt(mu/(mu + b)) to transitions of one candidate each.

    Moment equations sum_i delta_i z_i (d_i - m_i) = 0, d the improvement mu - mu' and z the functions mu/(mu + b), 1
    and the derivative in b, of the *second* measurement of the parent's mass where there is one: least squares
    without it, instrumental variables with it. b has the interval of those values that its moment does not reject.

    Parameters
    ----------
    mass, next_mass : float arrays, shape (n,)
        Of parent and child, in defects; every child made, not only the accepted ones.
    radius : float array, shape (n,), optional
        Edit radius. Children with radius 0 changed nothing and are left out.
    instrument, next_instrument : float arrays, shape (n,), optional
        A second measurement of parent and child, with errors of its own (other tests; another oracle, in any unit).
        With the child's, S is freed of measurement error too.
    cluster : array, shape (n,), optional
        What shares a start: task or session.
    b : float
        Used where the recording does not identify it.
    exact : bool
        Masses are known without error (a simulation).
    level : float
        Of the intervals.

    Returns
    -------
    Progress

    Raises
    ------
    SettingsError
        Negative masses, lengths that differ, fewer than 30 transitions or 8 clusters, all masses equal.

    Notes
    -----
    Intervals leave out one cluster at a time. Nothing is weighted by the spread the model claims: real ones differ.

    *When it is wrong*: a measured count regresses by itself, so without a second measurement A, C and S are
    upper bounds (nothing improves, error variance half the true one: slope 1/3). With one, x(mu) bends over the error
    and leaves a bias of its order squared. Only accepted children on record: everything looks better. Parents chosen
    as the best measured so far are worse than measured, whatever the instrument: damage is too large then.
    Improvements end at 0 defects; children there say "at least".

    References
    ----------
    Fuller (1987), Measurement Error Models, section 2.4 (a second measurement as instrument); Anderson and Rubin
    (1949), Ann. Math. Stat. 20, 46 (limits by inverting the moment).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> mu = rng.uniform(0.5, 20, 4000)
    >>> after = mu - 0.8 * mu / (mu + 4) + 0.1 + 0.05 * rng.standard_normal(4000)
    >>> fit = fit_progress(mu, after, exact=True)
    >>> bool(abs(fit.aim.value - 0.8) < 0.05), fit.identified
    (True, True)
    """
    columns = {"mass": mass, "next_mass": next_mass, "radius": radius}
    columns |= {"instrument": instrument, "next_instrument": next_instrument}
    t = Transitions.of(columns, cluster)
    n_clusters = int(t.cluster.max()) + 1
    left = LeftOut.of(np.arange(n_clusters), [""] * n_clusters)
    if not left.single:  # many clusters: groups of them are what is left out, and nothing finer is kept
        t = replace(t, cluster=left.of_cluster(n_clusters)[t.cluster])
    n = len(left)
    grid = GRID * float(np.median(t.mass[t.mass > 0]))
    sums = _Sums.of(t, grid, n)
    estimate, low, high = _b_interval(sums, grid, level)
    known = bool(low > grid[0] and high < grid[-1] * (1 - 1e-9) and np.isfinite(estimate))
    used = estimate if known else b
    theta, reruns, bs = _at(t, sums, grid, used, known)
    spread = _spread(t, theta, used)
    left_spread = np.array([_spread(t, reruns[g], bs[g], t.cluster != g) for g in range(n)])
    line, left_line = _line(t, n)
    low, high = (0.0 if low <= grid[0] else low), (np.inf if high >= grid[-1] * (1 - 1e-9) else high)
    return Progress(
        _estimate(theta[0], reruns[:, 0], level, logs=known),
        _estimate(theta[1], reruns[:, 1], level, logs=known),
        _root_estimate(spread, left_spread, level),
        Estimate(estimate if known else np.nan, low, high),
        used,
        _estimate(line[0], left_line[:, 0], level),
        _estimate(line[1], left_line[:, 1], level),
        len(t.mass),
        n_clusters,
        _checks(t, known, exact or instrument is not None, radius is not None, (low, high), used),
    )


def _b_interval(sums: _Sums, grid: Float, level: float) -> tuple[float, float, float]:
    """Return b and the values that its moment does not reject; ends of the grid mean "and beyond"."""
    whole = sums.total
    theta, moment = whole.solve()
    # the moment of each cluster, less what A and C absorb of it
    own = np.linalg.pinv(whole.zr[:, 0, :2, :])
    absorbed = np.einsum("gj,gjk->gk", whole.zr[:, 0, 2, :], own)
    residual = sums.zd - np.einsum("gcij,gj->gci", sums.zr, theta[:, 0])
    score = residual[..., 2] - np.einsum("gk,gck->gc", absorbed, residual[..., :2])
    c = score.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = moment[:, 0] / np.sqrt(c / (c - 1) * np.sum(score**2, axis=1))
    fine = np.geomspace(grid[0], grid[-1], FINER * (len(grid) - 1) + 1)
    inside = fine[np.abs(np.interp(np.log(fine), np.log(grid), np.nan_to_num(t))) <= student_quantile(level, c - 1)]
    if not len(inside):  # whatever b, the curve does not follow the transitions
        return np.nan, np.nan, np.nan
    return float(_roots(theta, moment, grid)[0]), float(inside[0]), float(inside[-1])


def _roots(theta: Float, moment: Float, grid: Float) -> Float:
    """Return the b of least squares (or its like with an instrument) for each batch member, shape (batch,).

    The criterion falls as -2 A moment in b; its lowest point on the grid is sharpened to the moment's zero.
    """
    log_b = np.log(grid)
    fall = -theta[..., 0] * moment  # derivative in ln b, since the third function is b dx/db
    steps = np.diff(log_b)[:, None] * (fall[1:] + fall[:-1]) / 2
    criterion = np.concatenate([np.zeros((1, fall.shape[1])), np.cumsum(np.nan_to_num(steps), axis=0)])
    at = np.clip(np.argmin(criterion, axis=0), 1, len(grid) - 2)
    out = log_b[np.argmin(criterion, axis=0)]
    for k in range(len(at)):
        for i in (at[k] - 1, at[k]):
            f, g = fall[i, k], fall[i + 1, k]
            if f <= 0 < g:
                out[k] = log_b[i] - f / (g - f) * (log_b[i + 1] - log_b[i])
    return np.asarray(np.exp(out))


def _at(t: Transitions, sums: _Sums, grid: Float, used: float, known: bool) -> tuple[Float, Float, Float]:
    """Return (A, C) at b, the same without each group of clusters, and the b of those."""
    n = sums.zd.shape[1]
    if not known:
        fixed = _Sums.of(t, np.array([used]), n)
        return fixed.total.solve()[0][0, 0], fixed.without_each.solve()[0][0], np.full(n, used)
    theta, _ = sums.total.solve()
    thetas, moments = sums.without_each.solve()
    bs = _roots(thetas, moments, grid)

    def at(b: float, curve: Float) -> list[Float]:
        return [np.interp(np.log(b), np.log(grid), column) for column in curve.T]

    return np.array(at(used, theta[:, 0])), np.array([at(b, thetas[:, g]) for g, b in enumerate(bs)]), bs


def _spread(t: Transitions, theta: Float, b: float, keep: Bool | None = None) -> float:
    """Return S squared: residuals over delta sqrt(x), the product of both measurements where there are two."""
    x, x2 = t.mass / (t.mass + b), t.second / (t.second + b * t.scale)
    u = t.mass - t.next_mass - t.radius * (theta[0] * x - theta[1])
    twice = t.second is not t.mass and t.next_second is not t.next_mass
    v = (t.second - t.next_second) / t.scale - t.radius * (theta[0] * x2 - theta[1]) if twice else u
    keep = np.ones(len(u), dtype=bool) if keep is None else keep
    total = float(np.sum((u * v)[keep]))
    size = float(np.sum((t.radius**2 * x)[keep]))
    return total / size if size > 0 else float("nan")


def _line(t: Transitions, n: int) -> tuple[Float, Float]:
    """Return slope and value at the mean mass of the straight line of d / delta against mass, and both left out."""
    far = GRID[-1] * float(np.max(t.mass)) * 1e3
    sums = _Sums.of(t, np.array([far]), n)
    weight = np.bincount(t.cluster, weights=t.mass, minlength=n).astype(np.float64)
    count = np.bincount(t.cluster, minlength=n).astype(np.float64)
    centre = (weight.sum() - weight) / (count.sum() - count)

    def read(theta: Float, at: Float | float) -> Float:
        slope = theta[..., 0] / far
        return np.stack([slope, slope * at - theta[..., 1]], axis=-1)

    whole = read(sums.total.solve()[0][0, 0], float(t.mass.mean()))
    return whole, read(sums.without_each.solve()[0][0], centre)


def _estimate(value: float, left: Float, level: float, *, logs: bool = False) -> Estimate:
    """Return leave-one-out limits, on the scale of logarithms where the errors of a fitted b make them skew."""
    return jackknife(value, left, level=level, scale="log" if logs and value > 0 and np.all(left > 0) else "identity")


def _root_estimate(square: float, left: Float, level: float) -> Estimate:
    """Return the root of a square, which noise may make negative, with the roots of its limits."""
    found = jackknife(square, left, level=level)
    return Estimate(*(np.sqrt(np.maximum(part, 0.0)) for part in (found.value, found.low, found.high)))


def _checks(
    t: Transitions, known: bool, exact: bool, radius: bool, limits: tuple[float, float], used: float
) -> tuple[Check, ...]:
    """Say what could make the figures wrong."""
    floor = float(np.mean((t.next_mass == 0) & (t.mass > 0)))
    region = f"[{limits[0]:.3g}, {limits[1]:.3g}]".replace("inf", "∞")
    once = "One measurement of the mass: it regresses by itself, so aim, damage and spread are upper bounds."
    unknown = f"b is not identifiable: all of {region} agrees with the transitions."
    if np.isnan(limits[0]):
        unknown = "No b agrees with the transitions: improvement against mass has another form."
    said = (
        "Errors of measurement do not enter." if exact else once,
        f"{floor:.0%} of children have no defect left: their improvement is cut off at the parent's mass.",
        "Per unit of the recorded edit radius." if radius else "No edit radius on record: figures are per move.",
        f"b lies in {region}." if known else f"{unknown} Aim and damage are those of b = {used:g}.",
    )
    values, passed = (None, floor, None, used if known else None), (exact, floor <= MAX_AT_FLOOR, radius, known)
    limit = (None, MAX_AT_FLOOR, None, None)
    return tuple(Check(*row) for row in zip(CHECKS, values, limit, passed, said, strict=True))
