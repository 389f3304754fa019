"""Fitting the latent model to a panel: sessions as stacked vectors, several starts, tests, and honest refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ....arrays import Bool, Float, Int, group_starts
from ....inference.intervals import jackknife_variance
from ....inference.resample import LeftOut
from ....inference.tests import chi_square_p
from ....panel.panel import Panel
from ...products import spectral_radius
from ...sums import reference
from ..base import Estimated, Slopes
from .model import Evaluation, Parameters, Sample, Structure, cluster_scores, maximise, stacked

MIN_SCORES = 4  # with three, the map is the root of a quadratic that vanishes in the steady state
MIN_CLUSTERS = 20
MAX_STACKED = 256  # steps times objectives: longer sessions are read up to there
MAX_PATTERNS = 60  # sets of recorded entries; beyond, rare ones are cut at their first gap
RARE = 0.02  # a step recorded in fewer sessions than this share (or 5) has no mean of its own
SHORT, LONG, AGAIN = 6, 80, 6  # scoring steps of a trial start, of the fit, of a fit without some clusters
LARGE = 120  # stacked scores from which a scoring step takes tens of milliseconds
NEAR_ONE = 0.97  # from this modulus on, lasting differences and a unit root trade places
SINGULAR = 1e-8  # smallest eigenvalue of the information, scaled to a unit diagonal
LEAST = 1e-250  # share of the largest information below which a parameter has none: rounding, or not there
RIVAL = 2.0  # log-likelihood within which another maximum is as good
STILL = 1e-9  # spread of a step beside that of all, below which there is none


@dataclass(frozen=True)
class Still:
    """A step, and the names of the objectives that have one and the same value there in every session."""

    step: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Stack:
    """Sessions as vectors of equal length, in units of the pooled standard deviation about the pooled mean.

    Attributes
    ----------
    values : array, shape (n_units, n_steps * n_obj)
        0 where nothing was recorded. A unit is a session, or a stretch of it where links are cut.
    pattern : int array, shape (n_units,)
    seen : tuple of int arrays
        Recorded positions of each pattern.
    cluster : int array, shape (n_units,)
    row, place : int arrays, shape (n_units, n_steps)
        Panel row of each unit and step (-1 where there is none); `place` unused rows are -1 too.
    centre, scale : arrays, shape (n_obj,)
    n_steps, n_clusters : int
    left_out : tuple of Still
        Leading steps that are not in the vectors, because an objective has no spread there.
    """

    values: Float
    pattern: Int
    seen: tuple[Int, ...]
    cluster: Int
    row: Int
    centre: Float
    scale: Float
    n_steps: int
    n_clusters: int
    left_out: tuple[Still, ...] = ()

    @property
    def n_obj(self) -> int:
        """Number of objectives."""
        return len(self.scale)

    @cached_property
    def sample(self) -> Sample:
        """Sums over all units."""
        return Sample.of(self.values, self.pattern, self.seen)

    def part(self, units: Bool) -> Sample:
        """Return sums over some of the units."""
        return Sample.of(self.values[units], self.pattern[units], self.seen)

    @classmethod
    def of(cls, panel: Panel, cluster_of_row: Int, n_clusters: int, *, skip: int = 0) -> Stack | None:
        """Stack a panel of plain loops; None where nothing can be stacked.

        Parameters
        ----------
        panel : Panel
        cluster_of_row : int array, shape (n_rows,)
        n_clusters : int
        skip : int
            Leading steps left out of every session.
        """
        unit, place = _units(panel)
        place = place - skip
        n = panel.n_obj
        n_steps = min(int(place.max(initial=0)) + 1, MAX_STACKED // n)
        keep = (place >= 0) & (place < n_steps)
        if not keep.any() or n_steps < 2:
            return None
        row = np.full((int(unit.max()) + 1, n_steps), -1, dtype=np.int64)
        row[unit[keep], place[keep]] = np.flatnonzero(keep)
        grid = np.where(row[:, :, None] >= 0, panel.x[row], np.nan)
        # A session of one score counts: where scores end sessions, those that end at once tell where sessions start.
        usable = np.isfinite(grid).any(axis=(1, 2))
        row, grid = row[usable], grid[usable]
        if len(grid) == 0:
            return None
        common = np.isfinite(grid).all(axis=2).sum(axis=0) >= max(5, RARE * len(grid))
        n_steps = int(np.flatnonzero(common)[-1]) + 1 if common.any() else 0
        if n_steps < 2:
            return None
        row, grid = row[:, :n_steps], grid[:, :n_steps]
        grid[:, ~common[:n_steps]] = np.nan
        if still := _still(panel, row, grid):
            later = cls.of(panel, cluster_of_row, n_clusters, skip=skip + 1)
            return None if later is None else replace(later, left_out=(still, *later.left_out))
        centre, scale = reference(grid.reshape(-1, n)[np.isfinite(grid.reshape(-1, n)).all(axis=1)])
        flat = ((grid - centre) / scale).reshape(len(grid), -1)
        flat, seen, pattern = _patterns(flat, n)
        first = row[np.arange(len(row)), np.argmax(row >= 0, axis=1)]
        return cls(np.nan_to_num(flat), pattern, seen, cluster_of_row[first], row, centre, scale, n_steps, n_clusters)


def _still(panel: Panel, row: Int, grid: Float) -> Still | None:
    """Return the first step if an objective has no spread there, else None.

    The covariance of the first scores, P + R, is free by itself: where there is nothing for it to hold, the likelihood
    grows without end as it vanishes. Covariances of later steps hang on what all others show.
    """
    there = np.isfinite(grid[:, 0]).all(axis=1)
    if not there.any():
        return None
    spread = np.ptp(grid[there, 0], axis=0)
    still = np.flatnonzero(spread <= STILL * np.nanstd(grid, axis=(0, 1)))
    step = int(panel.step[row[there, 0]].min())
    return Still(step, tuple(panel.names[j] for j in still)) if len(still) else None


def _units(panel: Panel) -> tuple[Int, Int]:
    """Return the unit of each row and its step from the unit's first; a cut link inside starts a new one."""
    new = np.r_[True, np.diff(panel.session) != 0]
    cut = ~new & (np.diff(panel.step, prepend=panel.step[:1]) == 1) & (panel.parent < 0)
    unit = np.cumsum(new | cut) - 1
    first = group_starts(unit.astype(np.int64))
    return unit.astype(np.int64), (panel.step - panel.step[first][unit]).astype(np.int64)


def _patterns(flat: Float, n_obj: int) -> tuple[Float, tuple[Int, ...], Int]:
    """Return values, recorded positions of each pattern, and each unit's pattern; rare patterns are cut to a prefix."""
    there = np.isfinite(flat)
    if there.all():
        return flat, (np.arange(flat.shape[1]),), np.zeros(len(flat), dtype=np.int64)
    kinds, pattern = np.unique(there, axis=0, return_inverse=True)
    if len(kinds) > MAX_PATTERNS:
        size = np.bincount(pattern.reshape(-1))
        common = size >= np.sort(size)[-MAX_PATTERNS // 2]
        whole = there.reshape(len(flat), -1, n_obj).all(axis=2)
        prefix = np.repeat(np.logical_and.accumulate(whole, axis=1), n_obj, axis=1)
        there = np.where(common[pattern.reshape(-1)][:, None], there, there & prefix)
        flat = np.where(there, flat, np.nan)
        kinds, pattern = np.unique(there, axis=0, return_inverse=True)
    return flat, tuple(np.flatnonzero(k).astype(np.int64) for k in kinds), pattern.reshape(-1).astype(np.int64)


# ----------------------------------------------------------------------------- one fit


@dataclass(frozen=True)
class Found:
    """A maximum of the likelihood: where, under which structure, whether it was reached, and the one next to it."""

    structure: Structure
    at: Evaluation
    arrived: bool
    rival: Evaluation | None = None

    @cached_property
    def parameters(self) -> Parameters:
        """Parameters in units of the stack."""
        return self.structure.unpack(self.at.theta)

    @cached_property
    def radius(self) -> float:
        """Largest modulus of the eigenvalues of M."""
        return float(spectral_radius(self.parameters.M))

    @cached_property
    def information(self) -> Float:
        """Expected information of the free parameters."""
        return self.at.free_slopes(self.structure)[1]

    @cached_property
    def flat(self) -> bool:
        """True where the information is as good as singular."""
        own = np.diag(self.information)
        if not np.isfinite(self.information).all() or not np.all(own > LEAST * own.max()):
            return True
        size = np.sqrt(own)
        return bool(np.linalg.eigvalsh(self.information / np.outer(size, size))[0] < SINGULAR)

    def doubt(self) -> str | None:
        """Return why nothing should be read from this fit; None where nothing speaks against it."""
        if self.flat:
            return "the likelihood is flat: several loops explain these scores equally well"
        if not self.arrived:
            return "the likelihood has no clear maximum"
        if self.structure.effects and self.radius >= NEAR_ONE:
            return (
                f"the slowest mode is {self.radius:.2f}: so near 1 lasting differences between sessions "
                "and a loop that never settles look the same"
            )
        if np.linalg.eigvalsh(self.parameters.Q)[0] <= 0:
            return (
                "the best fit leaves no room for innovations: noise of the scorer and of the loop cannot be told apart"
            )
        if self.rival is not None and self.rival.log_likelihood > self.at.log_likelihood - RIVAL:
            other = float(spectral_radius(self.structure.unpack(self.rival.theta).M))
            if abs(other - self.radius) > 0.1:
                return f"two loops fit equally well, with slowest modes {self.radius:.2f} and {other:.2f}"
        return None


def starting_points(stack: Stack, noise: Float | None = None) -> list[Parameters]:
    """Return three starts: mostly the loop, mostly differing sessions, mostly a noisy scorer.

    None starts with a variance of 0. `noise` fixes R (in units of the stack).
    """
    grid = np.where(stack.row[:, :, None] >= 0, stack.values.reshape(len(stack.row), stack.n_steps, -1), np.nan)
    mean = np.nanmean(np.where(np.isnan(grid).all(axis=0), 0.0, grid), axis=0)
    z = grid - mean
    x, y = (part.reshape(-1, stack.n_obj) for part in (z[:, :-1], z[:, 1:]))
    both = np.isfinite(x).all(axis=1) & np.isfinite(y).all(axis=1)
    x, y = x[both], y[both]
    n, eye = max(len(x), 1), np.eye(stack.n_obj)
    spread = x.T @ x / n + 1e-6 * eye
    M = np.linalg.solve(spread, x.T @ y / n).T
    rest = (y - x @ M.T).T @ (y - x @ M.T) / n + 1e-6 * eye
    out = []
    for map_, noisy, differ in ((0.9 * M, 0.2, 0.1), (0.5 * M, 0.2, 0.5), (0.9 * M + 0.08 * eye, 0.5, 0.3)):
        R = noisy * rest if noise is None else noise
        A = eye - map_
        between = differ * spread
        P = np.block([[spread, between @ A.T], [A @ between, A @ between @ A.T]])
        out.append(Parameters(map_, rest * (1 - noisy), R, P))
    return out


def find(stack: Stack, structure: Structure, starts: list[Parameters], sample: Sample | None = None) -> Found | None:
    """Climb shortly from every start and finish the best; None where the likelihood exists at none of them."""
    sample = stack.sample if sample is None else sample
    tried = []
    for p in starts:
        theta = structure.without(structure.pack(p))
        at, arrived = maximise(structure, theta, sample, steps=SHORT)
        if at is not None:
            tried.append((at, arrived))
    if not tried:
        return None
    tried.sort(key=lambda pair: -pair[0].log_likelihood)
    best, arrived = tried[0]
    if not arrived:
        steps = LONG if sample.size <= LARGE else LONG // 3  # what has not settled by then seldom does, and each costs
        finished, arrived = maximise(structure, best.theta, sample, steps=steps)
        best = finished or best
    rival = next((at for at, there in tried[1:] if there), None)
    return Found(structure, best, arrived, rival)


# ------------------------------------------------------------------------------- tests


def score_covariance(stack: Stack, found: Found) -> Float:
    """Return the covariance of the summed score by cluster, shape (n_free, n_free)."""
    scores = cluster_scores(
        found.structure, found.at, stack.values, stack.pattern, stack.seen, stack.cluster, stack.n_clusters
    )
    scores = scores[np.bincount(stack.cluster, minlength=stack.n_clusters) > 0]
    c = len(scores)
    scores = scores - scores.mean(axis=0)
    return np.asarray(scores.T @ scores * c / max(c - 1, 1))


def ratio_test(stack: Stack, found: Found, restricted: Found | None) -> float:
    """Return the p-value of a restriction, by likelihood ratio.

    Chi-square with all the degrees of freedom, after division by what clusters and tails add to the variance of the
    parts under test (Satorra and Bentler), never by less than 1. NaN where one of the fits is missing.
    """
    if restricted is None:
        return float("nan")
    tested = (found.structure.free & ~restricted.structure.free)[found.structure.free]
    try:
        inverse = np.linalg.inv(found.information)
        robust = inverse @ score_covariance(stack, found) @ inverse
        within = np.linalg.solve(inverse[np.ix_(tested, tested)], robust[np.ix_(tested, tested)])
    except np.linalg.LinAlgError:
        return float("nan")
    factor = max(float(np.trace(within)) / tested.sum(), 1.0)
    ratio = 2 * (found.at.log_likelihood - restricted.at.log_likelihood) / factor
    return chi_square_p(max(ratio, 0.0), tested.sum())


def modulus_error(stack: Stack, found: Found) -> float:
    """Return the standard error of the log of the slowest modulus, robust by cluster; infinite where singular."""
    if found.flat:
        return float("inf")
    inverse = np.linalg.inv(found.information)
    robust = inverse @ score_covariance(stack, found) @ inverse
    n = stack.n_obj
    M = found.parameters.M
    nudged = M[None] + 1e-5 * np.eye(n * n).reshape(n * n, n, n)
    slope = (np.log(spectral_radius(nudged)) - np.log(found.radius)) / 1e-5
    return float(np.sqrt(max(slope @ robust[: n * n, : n * n] @ slope, 0.0)))


# ------------------------------------------------------------------ resampling and units


def resample(stack: Stack, found: Found, left_out: LeftOut, weights: Int) -> Estimated:
    """Refit without each group of clusters; bootstrap draws are those of the refits' influence.

    Parameters
    ----------
    stack, found : the fit
    left_out : LeftOut
    weights : int array, shape (n_boot, n_clusters)
        Bootstrap weights of all clusters.

    Returns
    -------
    Estimated
        In units of the data; NaN for a group without which nothing can be fitted.
    """
    of_unit = left_out.of_cluster(stack.n_clusters)[stack.cluster]
    n_groups = len(left_out)
    full = np.concatenate([found.at.theta, found.at.mean])
    left = np.full((n_groups, len(full)), np.nan)
    for g in range(n_groups):
        out = of_unit == g
        if not out.any():
            left[g] = full
            continue
        at, _ = maximise(
            found.structure, found.at.theta, stack.sample.minus(stack.part(out)), steps=AGAIN, tolerance=1e-3
        )
        if at is not None:
            left[g] = np.concatenate([at.theta, at.mean])
    left = _no_surer_than_the_model(found, full, left)
    size = np.bincount(left_out.group, minlength=n_groups).astype(np.float64)
    summed = np.zeros((len(weights), n_groups))
    np.add.at(summed.T, left_out.group, weights[:, left_out.filled].T)
    influence = (full - np.where(np.isnan(left), full, left)) * ((n_groups - 1) / n_groups)
    draws = full + ((summed - size) / np.sqrt(size)) @ influence
    return Estimated(*(_slopes(stack, found.structure, part) for part in (full[None], left, draws)))


def _no_surer_than_the_model(found: Found, full: Float, left: Float) -> Float:
    """Stretch deviations of parameters whose leave-one-out error fell below that of the Gaussian information.

    With few sessions for many parameters the former is too small by chance now and then, and its interval then misses.
    """
    out = left.copy()
    free = np.flatnonzero(found.structure.free)
    own = np.sqrt(jackknife_variance(left[:, free]))
    try:
        model = np.sqrt(np.diag(np.linalg.inv(found.information)))
    except np.linalg.LinAlgError:
        return left
    with np.errstate(divide="ignore", invalid="ignore"):
        stretch = np.where(own > 0, np.maximum(model / own, 1.0), 1.0)
    out[:, free] = full[free] + (left[:, free] - full[free]) * stretch
    return out


def _slopes(stack: Stack, structure: Structure, batch: Float) -> Slopes:
    """Return the parameters of a batch of (theta, mean path), in units of the data."""
    n = stack.n_obj
    theta, mean = batch[:, : structure.size], batch[:, structure.size :].reshape(len(batch), stack.n_steps, n)
    M, Q, R, P = structure.matrices(theta)
    step = np.concatenate([M - np.eye(n), np.broadcast_to(np.eye(n), M.shape)], axis=2)
    found = Slopes.scaled(stack.scale, M, Q, R, step @ P @ np.swapaxes(step, 1, 2))
    weight = _step_weights(stack)
    before, after = (np.einsum("t,kti->ki", weight, part) for part in (mean[:, :-1], mean[:, 1:]))
    before, after = (np.asarray(stack.centre + stack.scale * part) for part in (before, after))
    return replace(found, b=after - np.einsum("kij,kj->ki", found.M, before))


def _step_weights(stack: Stack) -> Float:
    """Return the share of the transitions that start at each step, shape (n_steps - 1,)."""
    there = np.zeros((len(stack.values), stack.values.shape[1]), dtype=bool)
    for k, seen in enumerate(stack.seen):
        there[np.ix_(np.flatnonzero(stack.pattern == k), seen)] = True
    whole = np.asarray(there.reshape(len(there), stack.n_steps, -1).all(axis=2))
    count = np.asarray((whole[:, :-1] & whole[:, 1:]).sum(axis=0), dtype=np.float64)
    return np.asarray(count / max(float(count.sum()), 1.0))


# ------------------------------------------------------------------------- predictions


def prediction_errors(stack: Stack, found: Found, unit_fold: Int) -> Float:
    """Return one-step prediction errors of every row from its session's past, shape (n_units, n_steps, n_obj).

    Sessions of a fold are predicted by a fit without that fold. NaN where a row was not recorded whole, or is first.
    """
    out = np.full((len(stack.values), stack.n_steps, stack.n_obj), np.nan)
    for fold in range(int(unit_fold.max()) + 1):
        held = unit_fold == fold
        at, _ = maximise(
            found.structure, found.at.theta, stack.sample.minus(stack.part(held)), steps=2 * AGAIN, tolerance=1e-3
        )
        if at is not None:
            _predict(stack, found.structure, at, held, out)
    return out * stack.scale


def _predict(stack: Stack, structure: Structure, at: Evaluation, held: Bool, out: Float) -> None:
    n = stack.n_obj
    sigma = stacked(structure, structure.unpack(at.theta)).sigma
    for k, seen in enumerate(stack.seen):
        units = np.flatnonzero(held & (stack.pattern == k))
        if len(units) == 0:
            continue
        root = np.linalg.cholesky(sigma[np.ix_(seen, seen)])
        z = np.linalg.solve(root, (stack.values[units][:, seen] - at.mean[seen]).T).T
        for s in np.unique(seen // n):
            mine = np.flatnonzero(seen // n == s)
            if len(mine) == n and mine[0] > 0:
                # What the past leaves open is the row's own block of the triangular root.
                out[units, s] = z[:, mine] @ root[np.ix_(mine, mine)].T


def without_first(panel: Panel, stack: Stack, found: Found, cluster_of_row: Int) -> tuple[Stack, Found] | None:
    """Refit without each session's first score; return that fit where the maps differ beyond chance, else None.

    A first step with a law of its own (a person's text, then a model's) bends the whole map.
    """
    from scipy.special import ndtr

    shorter = Stack.of(panel, cluster_of_row, stack.n_clusters, skip=len(stack.left_out) + 1)
    if shorter is None or shorter.n_steps < MIN_SCORES:
        return None
    structure = replace(found.structure, n_steps=shorter.n_steps)
    ratio = stack.scale / shorter.scale
    p = found.parameters
    step = np.block(
        [[p.M, np.eye(stack.n_obj)], [np.zeros_like(p.M), np.eye(stack.n_obj)]]
    )  # (x, b) one step on, in the old units
    P = step @ p.P @ step.T
    P[: stack.n_obj, : stack.n_obj] += p.Q
    outer = np.outer(ratio, ratio)
    start = Parameters(
        p.M * np.outer(ratio, 1 / ratio), p.Q * outer, p.R * outer, P * np.outer(np.tile(ratio, 2), np.tile(ratio, 2))
    )
    again = find(shorter, structure, [start])
    if again is None or not again.arrived:
        return None
    n2 = stack.n_obj**2
    try:
        variance = [np.diag(np.linalg.inv(f.information))[:n2] for f in (found, again)]
    except np.linalg.LinAlgError:
        return None
    if not (variance[1] > 0).all():  # no maximum was reached: nothing can be said of a first step of its own
        return None
    back = np.outer(1 / ratio, ratio)
    difference = (again.parameters.M * back - p.M).ravel()
    later = variance[1] * (back.ravel() ** 2)
    error = np.sqrt(np.maximum(later - variance[0], 0.1 * later))
    p_value = float(np.min(2 * ndtr(-np.abs(difference / error)))) * n2
    return (shorter, again) if p_value < 0.01 else None
