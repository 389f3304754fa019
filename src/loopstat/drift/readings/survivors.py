"""How proposals move when only those better than their parent were kept: a truncated regression of the changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...arrays import Float
from ...inference.estimate import Estimate
from ...inference.tests import chi_square_quantile, uniform_p
from ...panel.panel import Panel

MIN_KEPT = 30
MOST_STEPS = 40
CLOSE = 1e-8
LOWEST = -4.0  # standard deviations: a best guess below keeps one of ten thousand, and is no guess
FARTHEST = 12.0  # standard deviations: a mean change as far as that below 0 keeps next to nothing
DOUBT = 0.05


UNKNOWN = Estimate(np.nan)


@dataclass(frozen=True)
class Survivors:
    """What the changes of kept versions say of all proposals, for one objective.

    Attributes
    ----------
    objective : str
    n : int
        Kept versions with a parent.
    seen : float
        Mean change of those kept, in the objective's units; better is positive, as in the rest.
    change : Estimate
        Mean change of a proposal from the mean parent, kept or not.
    share : Estimate
        Chance that such a proposal is kept.
    slope : float
        By how much less a proposal changes a parent that is better by one unit (negative: less).
    sd : float
        Scatter of the changes of proposals.
    p_fit : float
        p-value of the changes being a normal law cut off at 0.
    reason : str
        Why there is no estimate; empty where there is one.
    """

    objective: str
    n: int
    seen: float
    change: Estimate = UNKNOWN
    share: Estimate = UNKNOWN
    slope: float = np.nan
    sd: float = np.nan
    p_fit: float = np.nan
    reason: str = ""


def survivors(panel: Panel, *, level: float = 0.95) -> tuple[Survivors, ...]:
    """Estimate how all proposals move from those that were kept, for every objective.

    d = y - x of a kept version is a normal law of mean mu = delta + s (x - mean x) and standard deviation sigma, cut
    off at 0: versions no better than their parent were dropped. The likelihood
    sum_i log h - (h d_i - t_i)^2 / 2 - log Phi(t_i), t_i = mu_i / sigma, h = 1 / sigma, is concave in (t, h); intervals
    are those of its profile, which takes proposals for independent given their parents.

    Parameters
    ----------
    panel : Panel
        Of a log that dropped rejected proposals.
    level : float

    Returns
    -------
    tuple of Survivors
        One per objective. Where a kept version is no better than its parent another rule kept them: then `reason` says
        so, and there is no estimate.

    Notes
    -----
    *When it is wrong*: proposals whose changes are not normal, which `p_fit` sees only if there are many; a rule that
    asks for more than being better than the parent, which is not seen where it asks for little more.

    Reference: Olsen (1978), Econometrica 46, 1211; Hausman and Wise (1977), Econometrica 45, 919.
    """
    pairs = panel.pairs()
    found = []
    for j, objective in enumerate(panel.objectives):
        sign = 1.0 if objective.maximize else -1.0
        found.append(_one(objective.name, sign * pairs.x[:, j], sign * pairs.dx[:, j], level))
    return tuple(found)


def _one(name: str, x: Float, d: Float, level: float) -> Survivors:
    n, seen = len(d), float(d.mean()) if len(d) else np.nan
    worse = int(np.sum(d <= 0))
    if worse:
        why = f"{worse:,} of {n:,} kept versions are no better than their parent: another rule kept them"
        return Survivors(name, n, seen, reason=why)
    if n < MIN_KEPT:
        return Survivors(name, n, seen, reason=f"{n} kept versions with a parent; {MIN_KEPT} are needed")
    spread, scale = float(x.std()), float(np.sqrt(np.mean(d**2)))
    slopes = ((x - x.mean()) / spread)[:, None] if spread > 0 else np.zeros((n, 0))
    law = Cut(slopes, d / scale, np.zeros(n))
    best = law.with_mean().top()
    if best is None or best[1][0] < LOWEST:
        return Survivors(name, n, seen, reason=TOO_FEW)
    value, theta = best
    t0, h = float(theta[0]), float(theta[-1])
    drop = value - chi_square_quantile(level, 1) / 2
    change = _ends(lambda c: law.moved(c).top(), t0 / h, drop)
    share = _ends(lambda c: law.fixed(c).top(), t0, drop)
    if not np.isfinite([*change, *share]).all():
        return Survivors(name, n, seen, reason=TOO_FEW)
    t = law.with_mean().t(theta)
    return Survivors(
        name,
        n,
        seen,
        Estimate(t0 / h * scale, change[0] * scale, change[1] * scale, level=level),
        Estimate(*(float(_normal(v)) for v in (t0, *share)), level=level),
        float(theta[1] / h * scale / spread) if spread > 0 else np.nan,
        scale / h,
        uniform_p(1 - _normal(t - h * law.d) / _normal(t)),
    )


TOO_FEW = "so few proposals were kept that the sizes of their gains do not say how many were not"
Top = tuple[float, Float]


@dataclass(frozen=True)
class Cut:
    """Gains `d` of a normal law cut off at 0: t = z g + moved h + constant, h = 1/sigma; parameters (g, h)."""

    z: Float
    d: Float
    constant: Float
    shift: float = 0.0

    def with_mean(self) -> Cut:
        """Return the law with a mean of its own."""
        return replace(self, z=np.column_stack([np.ones(len(self.d)), self.z]))

    def moved(self, change: float) -> Cut:
        """Return the law whose mean change is known."""
        return replace(self, shift=change)

    def fixed(self, t: float) -> Cut:
        """Return the law whose mean change in standard deviations is known."""
        return replace(self, constant=np.full(len(self.d), t))

    def t(self, theta: Float) -> Float:
        """Return the mean changes in standard deviations, shape (n,)."""
        return np.asarray(self.z @ theta[:-1] + self.shift * theta[-1] + self.constant)

    def likelihood(self, theta: Float) -> tuple[float, Float, Float]:
        """Return the log-likelihood, its gradient and its Hessian."""
        from scipy.special import log_ndtr

        h, t, over = float(theta[-1]), self.t(theta), self.d - self.shift
        r, log_kept = h * self.d - t, log_ndtr(t)
        mills = np.exp(-(t**2) / 2 - np.log(2 * np.pi) / 2 - log_kept)
        bent = mills * (t + mills)
        gradient = np.r_[self.z.T @ (r - mills), len(t) / h - r @ over - self.shift * mills.sum()]
        beside = self.z.T @ (over + self.shift * bent)
        corner = -len(t) / h**2 - over @ over + self.shift**2 * bent.sum()
        inner = self.z.T @ (self.z * (bent - 1)[:, None])
        hessian = np.block([[inner, beside[:, None]], [beside[None, :], np.array([[corner]])]])
        return float(np.sum(np.log(h) - r**2 / 2 - log_kept)), gradient, hessian

    def top(self) -> Top | None:
        """Return the largest likelihood and where it is, by Newton's method; None where there is no top."""
        theta = np.r_[np.zeros(self.z.shape[1]), 1.0]
        value, gradient, hessian = self.likelihood(theta)
        for _ in range(MOST_STEPS):
            try:
                step = np.linalg.solve(hessian, gradient)
            except np.linalg.LinAlgError:
                return None
            size = 1.0
            while size > CLOSE:
                new = theta - size * step
                if new[-1] > 0 and (tried := self.likelihood(new))[0] >= value:
                    break
                size /= 2
            else:
                return value, theta
            theta, gained = new, tried[0] - value
            value, gradient, hessian = tried
            if gained < CLOSE * (1 + abs(value)):
                return value, theta
        return None


def _ends(top: Callable[[float], Top | None], at: float, drop: float) -> tuple[float, float]:
    """Return where the profile of the likelihood falls to `drop` on either side; infinite where it does not."""

    def falls(c: float) -> bool:
        found = top(c)
        return found is None or found[0] < drop

    ends = []
    for sign in (-1.0, 1.0):
        inside, width = 0.0, 0.1
        while width < FARTHEST and not falls(at + sign * width):
            inside, width = width, 2 * width
        outside = width if width < FARTHEST else np.inf
        while np.isfinite(outside) and outside - inside > 0.005 * outside:
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if falls(at + sign * middle) else (middle, outside)
        ends.append(at + sign * outside)
    return ends[0], ends[1]


def _normal(value: Float | float) -> Float:
    from scipy.special import ndtr

    return np.asarray(ndtr(value))


def survivors_notes(panel: Panel, *, level: float = 0.95) -> list[str]:
    """Say what the kept versions of a log of survivors say of all proposals; nothing for other logs."""
    if not panel.survivors_only:
        return []
    return [_sentence(found) for found in survivors(panel, level=level)]


def _sentence(found: Survivors) -> str:
    if found.reason:
        return f"{found.objective}: how all proposals move cannot be had from the survivors: {found.reason}."
    change, share = found.change, found.share
    kept = ", ".join(f"{100 * v:.0f}" for v in (share.low, share.high))
    doubt = "" if not found.p_fit < DOUBT else NOT_NORMAL.format(p=found.p_fit)
    return (
        f"{found.objective}: on average a proposal gains {change.value:.3g} [{change.low:.3g}, {change.high:.3g}], "
        f"where those kept gain {found.seen:.3g}; about {100 * share.value:.0f} % [{kept}] would be kept "
        f"(truncated regression of {found.n:,} kept versions){doubt}."
    )


NOT_NORMAL = "; but the gains do not look like a normal law cut off at 0 (p {p:.2g}), as this takes for granted"
