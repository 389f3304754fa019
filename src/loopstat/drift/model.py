"""Linear stochastic differential equations, read at the loop's own clock (Euler) or exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float, frozen
from ..errors import SettingsError
from ..panel.model import Rng, simulate
from ..panel.panel import Objective, Panel
from .products import spectral_radius

Reading = Literal["euler", "exact"]
Boundary = Literal["clip", "reflect"]

VANISHED, GROWN = 1e-18, 1e60  # powers of a map below and beyond which its stationary covariance is settled


@dataclass(frozen=True)
class LinearSDE:
    """The linear model dX = (A x + b) dt + dW with Cov(dW) = Q dt.

    Read the Euler way, one step is x' = x + (A x + b) dt + sqrt(dt) Q^(1/2) xi; that is how a loop whose clock is its
    own step count is fitted (dt = 1). Read exactly, one step is the transition of the continuous process over dt.

    Parameters
    ----------
    A : array, shape (n_obj, n_obj)
        Drift matrix, per unit time: `A[i, j]` is the effect of objective j's level on objective i's change.
    b : array, shape (n_obj,)
        Drift at the origin, objective units per unit time.
    Q : array, shape (n_obj, n_obj)
        Diffusion matrix (covariance of the noise per unit time), positive semidefinite.
    dt : float
        Time between two scores.
    reading : "euler" or "exact"
    boundary : "clip", "reflect" or None
        What happens at an objective's bounds; None ignores them.
    objectives : names or Objective, optional

    Raises
    ------
    SettingsError
        A shape is wrong, or Q is not a covariance matrix.

    Notes
    -----
    *When it is wrong*: curved drift, noise that depends on the level, memory longer than one step.

    References
    ----------
    Shukla and Joshi (2025), eqs. 1-3; Van Loan (1978) for the exact covariance.

    Examples
    --------
    >>> model = LinearSDE(A=[[-0.5]], b=[1.0], Q=[[0.75]])
    >>> float(model.equilibrium[0]), round(float(model.stationary_covariance[0, 0]), 6)
    (2.0, 1.0)
    """

    A: Float
    b: Float
    Q: Float
    dt: float = 1.0
    reading: Reading = "euler"
    boundary: Boundary | None = None
    objectives: tuple[Objective, ...] = ()

    def __init__(
        self,
        A: ArrayLike,
        b: ArrayLike,
        Q: ArrayLike,
        *,
        dt: float = 1.0,
        reading: Reading = "euler",
        boundary: Boundary | None = None,
        objectives: Sequence[str | Objective] | None = None,
    ) -> None:
        set_ = object.__setattr__
        set_(self, "b", frozen(np.atleast_1d(np.asarray(b, dtype=np.float64)), np.float64))
        set_(self, "A", frozen(np.atleast_2d(np.asarray(A, dtype=np.float64)), np.float64))
        set_(self, "Q", frozen(np.atleast_2d(np.asarray(Q, dtype=np.float64)), np.float64))
        set_(self, "dt", float(dt))
        set_(self, "reading", reading)
        set_(self, "boundary", boundary)
        named = objectives if objectives is not None else [f"x{j + 1}" for j in range(len(self.b))]
        set_(self, "objectives", tuple(o if isinstance(o, Objective) else Objective(o) for o in named))
        self._validate()

    def _validate(self) -> None:
        n = len(self.b)
        for name in ("A", "Q"):
            if getattr(self, name).shape != (n, n):
                raise SettingsError(f"`{name}` must have shape ({n}, {n}). Got {getattr(self, name).shape}.")
        if len(self.objectives) != n:
            raise SettingsError(f"`objectives` must name {n} objectives. Got {len(self.objectives)}.")
        scale = max(float(np.abs(self.Q).max(initial=0.0)), np.finfo(float).tiny)
        if not np.allclose(self.Q, self.Q.T, atol=1e-10 * scale) or np.linalg.eigvalsh(self.Q).min() < -1e-10 * scale:
            raise SettingsError("`Q` must be a covariance matrix: symmetric, no negative eigenvalue.")
        if not self.dt > 0:
            raise SettingsError(f"`dt` must be positive. Got {self.dt}.")
        if self.reading not in ("euler", "exact") or self.boundary not in (None, "clip", "reflect"):
            raise SettingsError("`reading` is 'euler' or 'exact'; `boundary` is 'clip', 'reflect' or None.")

    # ------------------------------------------------------------- one step

    @cached_property
    def M(self) -> Float:
        """One-step map, shape (n_obj, n_obj): I + A dt (Euler) or expm(A dt) (exact)."""
        return self._one_step[0]

    @cached_property
    def _one_step(self) -> tuple[Float, Float, Float]:
        """Return (M, c, V) with x' = M x + c + noise of covariance V."""
        n = len(self.b)
        if self.reading == "euler":
            return np.eye(n) + self.A * self.dt, self.b * self.dt, self.Q * self.dt
        from scipy.linalg import expm

        # Van Loan's block exponentials: the first gives the integral of exp(A s) Q exp(A' s), the second of exp(A s) b.
        block = expm(np.block([[-self.A, self.Q], [np.zeros((n, n)), self.A.T]]) * self.dt)
        M = block[n:, n:].T
        V = M @ block[:n, n:]
        affine = expm(np.block([[self.A, self.b[:, None]], [np.zeros((1, n + 1))]]) * self.dt)
        return M, affine[:n, n], (V + V.T) / 2

    @cached_property
    def _noise_root(self) -> Float:
        values, vectors = np.linalg.eigh(self._one_step[2])
        return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)))

    def step(self, rng: Rng, state: Float) -> Float:
        """Advance states of shape (n_sessions, n_obj) by dt, within bounds if a boundary rule is set."""
        M, c, _ = self._one_step
        return self._bounded(state @ M.T + c + rng.standard_normal(state.shape) @ self._noise_root.T)

    def _bounded(self, x: Float) -> Float:
        if self.boundary is None:
            return x
        low = np.array([-np.inf if o.low is None else o.low for o in self.objectives])
        high = np.array([np.inf if o.high is None else o.high for o in self.objectives])
        if self.boundary == "reflect":
            x = np.where(x < low, 2 * low - x, x)
            x = np.where(x > high, 2 * high - x, x)
        return np.clip(x, low, high)  # a jump longer than the range still ends inside

    def start(self, rng: Rng, n_sessions: int) -> Float:
        """Draw from the stationary law, shape (n_sessions, n_obj); refuses an unstable loop."""
        if not self.is_stable:
            raise SettingsError("an unstable loop has no stationary law to start from: give `start`.")
        values, vectors = np.linalg.eigh(self.stationary_covariance)
        root = vectors * np.sqrt(np.clip(values, 0, None))
        return self._bounded(self.equilibrium + rng.standard_normal((n_sessions, len(self.b))) @ root.T)

    def simulate(
        self, n_sessions: int, *, steps: int, start: ArrayLike | None = None, rng: Rng | int | None = None
    ) -> Panel:
        """Return a Panel of `n_sessions` sessions of `steps` scores; see `loopstat.simulate`."""
        return simulate(self, n_sessions, steps=steps, start=start, rng=rng)

    # ------------------------------------------------------------- long run

    @cached_property
    def is_stable(self) -> bool:
        """True where every eigenvalue of M lies inside the unit circle."""
        return bool(spectral_radius(self.M) < 1)

    @cached_property
    def equilibrium(self) -> Float:
        """Fixed point -A^{-1} b, shape (n_obj,); NaN where A is singular."""
        if np.linalg.matrix_rank(self.A) < len(self.b):
            return np.full(len(self.b), np.nan)
        return np.asarray(np.linalg.solve(self.A, -self.b), dtype=np.float64)

    @cached_property
    def stationary_covariance(self) -> Float:
        """Covariance G_inf = M G_inf M' + V of the stationary law, shape (n_obj, n_obj); NaN where unstable."""
        if not self.is_stable:
            return np.full_like(self.Q, np.nan)
        return np.asarray(lyapunov(self.M[None], self._one_step[2][None])[0])

    def moments(self, mean: ArrayLike, covariance: ArrayLike, steps: int) -> tuple[Float, Float]:
        """Return the exact means (steps, n_obj) and covariances (steps, n_obj, n_obj) from a start, bounds ignored."""
        M, c, V = self._one_step
        means = [np.asarray(mean, dtype=np.float64)]
        covariances = [np.asarray(covariance, dtype=np.float64)]
        for _ in range(steps - 1):
            means.append(M @ means[-1] + c)
            covariances.append(M @ covariances[-1] @ M.T + V)
        return np.array(means), np.array(covariances)


def lyapunov(M: Float, Q: Float) -> Float:
    """Solve G = M G M' + Q for a batch of stable maps.

    Parameters
    ----------
    M, Q : arrays, shape (batch, n, n)

    Returns
    -------
    array, shape (batch, n, n)
        NaN where the spectral radius of M is not below 1, or so near that its powers do not vanish.

    Notes
    -----
    Doubling: after k rounds the sum holds 2^k terms, so 60 rounds resolve a radius of 1 - 1e-15. Where eigenvalues
    coalesce, a radius of 1 may be computed as a little less: only the powers then show that there is no such sum.
    """
    stable = spectral_radius(M) < 1
    power = np.where(stable[:, None, None], M, 0.0)
    total = Q.copy()
    for _ in range(60):
        total = total + power @ total @ np.swapaxes(power, -1, -2)
        power = power @ power
        size = np.abs(power).max(axis=(1, 2), initial=0.0)
        power[size > GROWN] = 0.0
        stable &= ~(size > GROWN)
        if not np.abs(power).max(initial=0.0) > VANISHED:
            break
    stable &= ~(np.abs(power).max(axis=(1, 2), initial=0.0) > VANISHED)
    total = (total + np.swapaxes(total, -1, -2)) / 2
    total[~stable] = np.nan
    return total


def nearest_covariance(Q: Float) -> Float:
    """Return Q with its negative eigenvalues set to zero, shape (n, n)."""
    values, vectors = np.linalg.eigh((Q + Q.T) / 2)
    return np.asarray((vectors * np.clip(values, 0, None)) @ vectors.T)
