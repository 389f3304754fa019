"""Where a linear loop comes to rest, with Fieller's interval: open where the data do not bound it."""

from __future__ import annotations

import numpy as np

from ..arrays import Float, Int
from .intervals import student_quantile

FARTHEST = 1e4  # in standard errors: beyond this a side counts as open
GRID = np.concatenate([np.arange(0.5, 6.01, 0.5), np.geomspace(7, FARTHEST, 28)])
REFINEMENTS = 40
NEWTON_STEPS = 6


def fixed_point_interval(coefficients: Float, left_out: Float, point: Float, level: float) -> tuple[Float, Float]:
    """Return the interval of each coordinate of the fixed point, shape (n_obj,) each; infinite on an open side.

    x_j belongs to it when the smallest value over the other coordinates of (A x + b)' V(x)^{-1} (A x + b), V(x) the
    leave-one-cluster-out covariance of A x + b, is at most t(C-1)^2. Unlike a delta-method or bootstrap interval it
    keeps its level when A is nearly singular, by opening.

    Parameters
    ----------
    coefficients : array, shape (n_obj, 1 + n_obj)
        (b, A), so that the drift is coefficients @ (1, x). Any common scaling of x may be used.
    left_out : array, shape (n_clusters, n_obj, 1 + n_obj)
        The same without each cluster.
    point : array, shape (n_obj,)
        The fixed point, in the same scaling.
    level : float

    References
    ----------
    Fieller (1954); Anderson and Rubin (1949).
    """
    c, n = len(left_out), len(point)
    if c <= n or not np.isfinite(point).all() or not np.isfinite(left_out).all():
        return np.full(n, -np.inf), np.full(n, np.inf)
    deviations = np.sqrt((c - 1) / c) * (left_out - left_out.mean(axis=0))
    profile = _Profile(coefficients, np.einsum("cia,cjb->iajb", deviations, deviations))
    bound = student_quantile(level, c - 1) ** 2
    # One curve per objective and side, all walked together.
    axis = np.tile(np.arange(n, dtype=np.int64), 2)
    side = np.repeat([-1.0, 1.0], n)
    reach = _first_crossing(profile, point, axis, side * profile.standard_errors(point)[axis], bound)
    ends = point[axis] + reach
    return ends[:n], ends[n:]


class _Profile:
    """The statistic g' V(x)^{-1} g minimised over all coordinates but one, for many points at once."""

    def __init__(self, coefficients: Float, covariance: Float) -> None:
        self.b, self.A = coefficients[:, 0], coefficients[:, 1:]
        self.covariance = covariance  # (n, 1+n, n, 1+n): of entries (i, a) and (j, b)

    def standard_errors(self, point: Float) -> Float:
        """Delta-method standard errors of the fixed point: the unit in which the walk is taken."""
        inverse = np.linalg.pinv(self.A)
        variance: Float = np.diag(inverse @ self._v(point[None])[0] @ inverse.T)
        return np.asarray(np.sqrt(np.maximum(variance, 1e-300)), dtype=np.float64)

    def _v(self, x: Float) -> Float:
        z = np.concatenate([np.ones((len(x), 1)), x], axis=1)
        half = np.einsum("iajb,kb->kiaj", self.covariance, z)
        return np.asarray(np.einsum("kiaj,ka->kij", half, z))

    def value_and_slope(self, x: Float) -> tuple[Float, Float, Float]:
        """Return the statistic (k,), its gradient (k, n) and a Gauss-Newton Hessian (k, n, n)."""
        z = np.concatenate([np.ones((len(x), 1)), x], axis=1)
        half = np.einsum("iajb,kb->kiaj", self.covariance, z)
        v = np.einsum("kiaj,ka->kij", half, z)
        g = self.b + x @ self.A.T
        n = v.shape[-1]
        ridge = 1e-12 * np.trace(v, axis1=1, axis2=2) + 1e-300  # a direction without variance is no contradiction
        w = np.linalg.inv(v + ridge[:, None, None] * np.eye(n))
        wg = np.einsum("kij,kj->ki", w, g)
        value = np.einsum("ki,ki->k", g, wg)
        # d/dx_m of z' C z along w g: the part a GLS step with V held fixed would miss.
        dv = 2 * np.einsum("kiaj,ki,kj->ka", half, wg, wg)[:, 1:]
        jacobian = self.A[None] - np.einsum("kiaj,kj->kia", half, wg)[:, :, 1:]
        return value, 2 * wg @ self.A - dv, 2 * np.einsum("kim,kij,kjl->kml", jacobian, w, jacobian)

    def minimise(self, x: Float, axis: Int) -> tuple[Float, Float]:
        """Return (statistic, x) after minimising over the coordinates other than `axis`, from x."""
        n = x.shape[1]
        free = np.ones((len(x), n), dtype=bool)
        free[np.arange(len(x)), axis] = False
        if n == 1:
            return self.value_and_slope(x)[0], x
        value, slope, hessian = self.value_and_slope(x)
        for _ in range(NEWTON_STEPS):
            both = free[:, :, None] & free[:, None, :]
            system = np.where(both, hessian, 0.0)
            diagonal = np.einsum("kii->ki", system)
            ridge = 1e-9 * diagonal.max(axis=1, keepdims=True) + 1e-300
            system = system + np.where(free, ridge, 1.0)[:, :, None] * np.eye(n)
            move = -np.linalg.solve(system, np.where(free, slope, 0.0)[..., None])[..., 0]
            value, slope, hessian, x = self._backtrack(x, move, value, slope, hessian)
        return value, x

    def _backtrack(self, x: Float, move: Float, value: Float, slope: Float, hessian: Float) -> tuple[Float, ...]:
        step = np.ones(len(x))
        for _ in range(4):
            new_value, new_slope, new_hessian = self.value_and_slope(x + step[:, None] * move)
            worse = ~(new_value <= value)
            if not worse.any():
                break
            step = np.where(worse, step / 4, step)
        better = new_value <= value
        x = np.where(better[:, None], x + step[:, None] * move, x)
        value = np.where(better, new_value, value)
        slope = np.where(better[:, None], new_slope, slope)
        return value, slope, np.where(better[:, None, None], new_hessian, hessian), x


def _first_crossing(profile: _Profile, point: Float, axis: Int, unit: Float, bound: float) -> Float:
    """Walk outwards along each axis until the profile passes the bound; return signed distances, inf where never."""
    k = len(axis)
    rows = np.arange(k)
    inside, outside = np.zeros(k), np.full(k, np.inf)
    x = np.tile(point, (k, 1))
    warm = x.copy()
    for tau in GRID:
        walking = np.isinf(outside)
        if not walking.any():
            break
        trial = warm.copy()
        trial[rows, axis] = point[axis] + tau * unit
        value, trial = profile.minimise(trial, axis)
        crossed = walking & (value > bound)
        outside[crossed] = tau
        still = walking & ~crossed
        inside[still] = tau
        # Extrapolate the other coordinates along the ray: keeps the next start near its minimum.
        warm[still] = trial[still]
    for _ in range(REFINEMENTS):
        closed = np.isfinite(outside)
        middle = np.where(closed, (inside + np.where(closed, outside, 0)) / 2, inside)
        trial = warm.copy()
        trial[rows, axis] = point[axis] + middle * unit
        value, trial = profile.minimise(trial, axis)
        above = closed & (value > bound)
        below = closed & ~above
        outside[above] = middle[above]
        inside[below] = middle[below]
        warm[below] = trial[below]
        if np.all(~closed | (outside - inside <= 1e-6 * np.maximum(inside, 1))):
            break
    return np.where(np.isfinite(outside), inside, np.inf) * unit
