"""The slow parts of the latent fit: a profile interval, tests by parametric bootstrap, and the fit as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .arrays import Float
from .latent import Evaluation, Parameters, Structure, evaluate, maximise, stacked
from .latent_fit import Found, Stack, find, modulus_error
from .model import Rng
from .result import plain

DRAWS = 99
FARTHEST, NEAREST = 1.5, 0.02  # moduli looked at
SQP = 25
HALVINGS = 12


@dataclass(frozen=True)
class Thorough:
    """What `--thorough` adds to a group.

    Attributes
    ----------
    modulus, modulus_low, modulus_high : float
        Slowest modulus of the latent fit and its profile likelihood interval; an infinite or zero end is open.
    p_effects, p_noise : float
        Tests of no lasting differences between sessions and of no scorer noise, by parametric bootstrap.
    p_fit : float
        Test that the model accounts for the covariance of the stacked scores, by bootstrap over clusters.
    n_draws : int
    reasons : dict
        Key that is NaN to the sentence that says why.
    """

    modulus: float
    modulus_low: float
    modulus_high: float
    p_effects: float
    p_noise: float
    p_fit: float
    n_draws: int
    reasons: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return plain(vars(self))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Thorough:
        """Read back what `to_dict` wrote; open ends come back as NaN."""
        numbers = ("modulus", "modulus_low", "modulus_high", "p_effects", "p_noise", "p_fit")
        values = {k: float("nan") if data[k] is None else float(data[k]) for k in numbers}
        return cls(**values, n_draws=int(data["n_draws"]), reasons=dict(data["reasons"]))


def thorough(
    stack: Stack,
    full: Found,
    alike: Found | None,
    noiseless: Found | None,
    *,
    level: float,
    rng: Rng,
    draws: int = DRAWS,
) -> Thorough:
    """Do what takes long: some hundreds of fits.

    Parameters
    ----------
    stack : Stack
    full, alike, noiseless : Found
        The latent fit, and those without session effects and without scorer noise; None where there is none.
    level : float
    rng : Generator
    draws : int
        Bootstrap draws of each test; the smallest p-value is 1/(draws + 1).

    Notes
    -----
    *When it is wrong*: the bootstrap of the two tests draws Gaussian sessions that share nothing, so tasks that several
    sessions share make it too sure.

    References
    ----------
    Venzon and Moolgavkar (1988), Applied Statistics 37; Bollen and Stine (1992), Sociol. Methods Res. 21.
    """
    reasons: dict[str, str] = {}
    low, high = profile_interval(stack, full, level)
    p = {}
    for key, restricted in (("p_effects", alike), ("p_noise", noiseless)):
        p[key] = float("nan") if restricted is None else bootstrap_test(stack, full, restricted, rng, draws)
        if restricted is None:
            reasons[key] = "The smaller model could not be fitted, or the noise is known."
    fit = fit_test(stack, full, rng, draws)
    if np.isnan(fit):
        reasons["p_fit"] = "A free covariance needs sessions with all scores recorded, and more of them than scores."
    return Thorough(full.radius, low, high, p["p_effects"], p["p_noise"], fit, draws, reasons)


# ----------------------------------------------------------------------- profile likelihood


def profile_interval(stack: Stack, found: Found, level: float) -> tuple[float, float]:
    """Return the slowest moduli at which the likelihood, maximised under them, has fallen by the chi-square quantile.

    The quantile is stretched by what clusters and tails add to the variance of the log modulus, never below 1.
    """
    from scipy.special import chdtri

    if found.flat:
        return 0.0, float("inf")
    model = _log_modulus_variance(found)
    stretch = max(modulus_error(stack, found) ** 2 / model, 1.0)
    allowed = float(chdtri(1, 1 - level)) * stretch / 2
    step = 0.5 * np.sqrt(model * stretch)
    ends = []
    for side, limit, open_ in ((-1, np.log(NEAREST), 0.0), (1, np.log(FARTHEST), float("inf"))):
        ends.append(_end(stack, found, side * step, limit, allowed, open_))
    return ends[0], ends[1]


def _log_modulus_variance(found: Found) -> float:
    n = len(found.parameters.M)
    slope = _log_modulus(found.parameters.M)[1]
    return float(slope @ np.linalg.inv(found.information)[: n * n, : n * n] @ slope)


def _log_modulus(M: Float) -> tuple[float, Float]:
    """Return the log of the largest modulus of the eigenvalues and its slopes in the entries of M, shape (n * n,)."""
    values, right = np.linalg.eig(M)
    k = int(np.argmax(np.abs(values)))
    left = np.linalg.inv(right)[k]
    slope = np.real(np.outer(left, right[:, k]) / values[k])
    return float(np.log(np.abs(values[k]))), slope.ravel()


def _end(stack: Stack, found: Found, step: float, limit: float, allowed: float, open_: float) -> float:
    """Walk along the log modulus until the likelihood has fallen far enough, then halve."""
    inside, theta = np.log(found.radius), found.at.theta
    outside = None
    for _ in range(60):
        target = inside + step
        if abs(target) > abs(limit) and np.sign(target) == np.sign(limit):
            return open_
        at = constrained(stack, found.structure, theta, target)
        if at is None:  # downwards, where another mode would become the slowest: the end stays open
            return open_
        if found.at.log_likelihood - at.log_likelihood > allowed:
            outside = target
            break
        inside, theta = target, at.theta
    if outside is None:
        return open_
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        at = constrained(stack, found.structure, theta, middle)
        if at is None or found.at.log_likelihood - at.log_likelihood > allowed:
            outside = middle
        else:
            inside, theta = middle, at.theta
    return float(np.exp((inside + outside) / 2))


def constrained(stack: Stack, structure: Structure, theta: Float, log_modulus: float) -> Evaluation | None:
    """Maximise the likelihood where the slowest modulus is given: Fisher scoring on the tangent of the constraint."""
    free = structure.free
    n2 = structure.n_obj**2
    first = evaluate(structure, theta, stack.sample)
    if first is None:
        return None
    at = first
    for _ in range(SQP):
        value, slope = _log_modulus(structure.unpack(at.theta).M)
        theta = at.theta
        normal = np.zeros(structure.size)
        normal[:n2] = slope
        step = _tangent_step(at, normal[free], log_modulus - value, free)
        for _ in range(8):
            new = theta.copy()
            new[free] += step
            there = evaluate(structure, new, stack.sample)
            if there is not None:
                break
            step = step / 2
        if there is None:
            return None
        moved = abs(there.log_likelihood - at.log_likelihood) + abs(log_modulus - value)
        at = there
        if moved < 1e-4:
            return at
    return at if abs(_log_modulus(structure.unpack(at.theta).M)[0] - log_modulus) < 1e-3 else None


def _tangent_step(at: Evaluation, normal: Float, gap: float, free: np.ndarray[Any, Any]) -> Float:
    assert at.gradient is not None  # noqa: S101
    assert at.information is not None  # noqa: S101
    information = at.information[np.ix_(free, free)]
    both = np.linalg.solve(information, np.stack([at.gradient[free], normal], axis=1))
    multiplier = (gap - normal @ both[:, 0]) / (normal @ both[:, 1])
    step = both[:, 0] + multiplier * both[:, 1]
    return np.asarray(step * min(1.0, 5.0 / max(float(np.sqrt(max(step @ information @ step, 0.0))), 1e-12)))


# ------------------------------------------------------------------------------ bootstraps


def bootstrap_test(stack: Stack, full: Found, restricted: Found, rng: Rng, draws: int) -> float:
    """Return the p-value of the restriction: how often sessions drawn from it show as large a likelihood ratio."""
    seen = 2 * (full.at.log_likelihood - restricted.at.log_likelihood)
    roots = _roots(stack, restricted)
    as_large = 0
    for _ in range(draws):
        values = np.zeros_like(stack.values)
        for k, (at, root) in enumerate(zip(stack.seen, roots, strict=True)):
            rows = np.flatnonzero(stack.pattern == k)
            values[np.ix_(rows, at)] = restricted.at.mean[at] + rng.standard_normal((len(rows), len(at))) @ root.T
        as_large += _ratio(replace(stack, values=values), full, restricted) >= seen
    return (1 + as_large) / (draws + 1)


def _roots(stack: Stack, found: Found) -> list[Float]:
    sigma = stacked(found.structure, found.parameters).sigma
    return [np.asarray(np.linalg.cholesky(sigma[np.ix_(at, at)]), dtype=np.float64) for at in stack.seen]


def _ratio(stack: Stack, full: Found, restricted: Found) -> float:
    fixed: Parameters = restricted.parameters
    small = find(stack, restricted.structure, [fixed])
    if small is None:
        return 0.0
    starts = [small.parameters, full.parameters]
    large = find(stack, full.structure, starts)
    return 0.0 if large is None else 2 * (large.at.log_likelihood - small.at.log_likelihood)


def fit_test(stack: Stack, found: Found, rng: Rng, draws: int) -> float:
    """Return the p-value of the model against a free covariance; NaN where that cannot be had.

    Sessions are transformed so that the model holds exactly, and clusters of them are drawn.
    """
    n, m = stack.values.shape
    if not stack.sample.whole or n < 1.5 * m + 20:
        return float("nan")
    seen = _misfit(stack, found)
    sigma = stacked(found.structure, found.parameters).sigma
    free = stack.sample.covariance(0, found.at.mean)
    change = np.linalg.cholesky(sigma) @ np.linalg.inv(np.linalg.cholesky(free))
    z = (stack.values - found.at.mean) @ change.T
    order = np.argsort(stack.cluster, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(stack.cluster[order])) + 1)
    as_large = 0
    for _ in range(draws):
        rows = np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
        drawn = replace(stack, values=z[rows], pattern=np.zeros(len(rows), dtype=np.int64), cluster=stack.cluster[rows])
        as_large += _misfit(drawn, found) >= seen
    return (1 + as_large) / (draws + 1)


def _misfit(stack: Stack, found: Found) -> float:
    at, _ = maximise(found.structure, found.at.theta, stack.sample, steps=40)
    if at is None:
        return float("inf")
    n, m = stack.values.shape
    free = stack.sample.covariance(0, stack.sample.total[0] / n)
    sign, log_det = np.linalg.slogdet(free)
    saturated = -n / 2 * (log_det + m) if sign > 0 else float("inf")
    return 2 * (saturated - at.log_likelihood)
