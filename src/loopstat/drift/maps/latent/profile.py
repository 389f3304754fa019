"""Profile likelihood of the slowest modulus: the latent fit followed along a constraint on the eigenvalues of M."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from ....arrays import Float
from ....inference.tests import chi_square_quantile
from ...products import spectral_radius
from .fit import Found, Stack, modulus_error
from .model import Evaluation, Sample, Structure, evaluate

FARTHEST, NEAREST = 1.5, 0.02  # moduli looked at; what is not ruled out at the nearest is not ruled out at 0
CLIMB = 30  # scoring steps under a constraint
NODES = 40  # most moduli visited on the way to one end
ARRIVED = 1e-3  # log-likelihood still to be gained at which a constrained climb stops
ON_EDGE = 1e-7  # slack of the constraint, as a determinant


@dataclass(frozen=True)
class Profile:
    """Interval of the slowest modulus; 0 or infinity is an open end, and `reasons` says why by JSON key."""

    low: float
    high: float
    reasons: dict[str, str]


def profile_interval(stack: Stack, found: Found, level: float) -> Profile:
    """Return the slowest moduli r at which the likelihood, maximised under them, has fallen by the chi-square quantile.

    Ends are where 2 (l_max - l(r)) / c = chi2(1, level). Below the estimate l(r) is the maximum where all moduli are at
    most r, above it where one is at least r. c is what clusters and tails add to the variance of the log modulus, never
    below 1.

    Parameters
    ----------
    stack : Stack
    found : Found
    level : float

    Returns
    -------
    Profile
        Open where the likelihood never falls that far, down to 0.02 and up to 1.5.

    Notes
    -----
    *Measured*: 100 sessions x 10 steps x 2 objectives, session effects 0.5, scorer noise 0.3, 200 panels: covers 0.945
    (all misses above the truth), where exp(log r +- t se) covers 0.845.

    *When it is wrong*: where the likelihood has several maxima, only those that a path from the estimate reaches are
    seen; c is that of the estimate, not of the ends; with few clusters the chi-square quantile is too short.

    References
    ----------
    Venzon and Moolgavkar (1988), Applied Statistics 37.
    """
    if found.flat:
        flat = "The likelihood is flat: several loops explain these scores equally well."
        return Profile(0.0, float("inf"), {"modulus_low": flat, "modulus_high": flat})
    model = _log_modulus_variance(found)
    stretch = max(modulus_error(stack, found) ** 2 / model, 1.0)
    allowed = float(np.sqrt(chi_square_quantile(level, 1) * stretch))
    step = float(np.clip(0.7 * np.sqrt(model * stretch), 0.01, 0.5))
    below, above = _Path(stack, found, allowed, -1), _Path(stack, found, allowed, 1)
    low, high = below.end(step), above.end(step)
    reasons = {}
    if low is None:
        reasons["modulus_low"] = below.why_open("No smaller modulus is ruled out.")
    if high is None:
        reasons["modulus_high"] = above.why_open(f"No larger modulus is ruled out, up to {FARTHEST}.")
    return Profile(0.0 if low is None else low, float("inf") if high is None else high, reasons)


def _log_modulus_variance(found: Found) -> float:
    """Return the variance of the log of the slowest modulus by the model's information alone."""
    M = found.parameters.M
    values, right = np.linalg.eig(M)
    k = int(np.argmax(np.abs(values)))
    slope = np.real(np.outer(np.linalg.inv(right)[k], right[:, k]) / values[k]).ravel()
    return float(slope @ np.linalg.inv(found.information)[: M.size, : M.size] @ slope)


class _Path:
    """The profile likelihood on one side of the estimate, followed from node to node."""

    def __init__(self, stack: Stack, found: Found, allowed: float, side: int) -> None:
        self.stack, self.found, self.allowed, self.side = stack, found, allowed, side
        self.limit = float(np.log(NEAREST if side < 0 else FARTHEST))
        self.lost = False
        self.last: dict[int | None, Evaluation] = dict.fromkeys((None,) if side < 0 else (0, 1, 2), found.at)

    def end(self, step: float) -> float | None:
        """Return the modulus at which the signed root of the likelihood ratio passes what is allowed; None if never."""
        place, root = float(np.log(self.found.radius)), 0.0
        if self.side * (self.limit - place) <= 0:
            return None
        for _ in range(NODES):
            target = self.limit if abs(self.limit - place) <= step else place + self.side * step
            reached = self._root(target)
            if reached is None and step > 1e-3:
                step /= 2
                continue
            if reached is None:
                break
            if reached > self.allowed:
                return self._between((place, root), (target, reached))
            if target == self.limit:
                return None
            step *= 2.0 if reached - root < self.allowed / 4 else 1.0
            place, root = target, reached
        self.lost = True
        return None

    def why_open(self, otherwise: str) -> str:
        """Return why this end is open."""
        return "The likelihood could not be followed far enough." if self.lost else otherwise

    def _between(self, inside: tuple[float, float], outside: tuple[float, float]) -> float:
        """Close in on the end: straight lines through the signed root, with halvings where they do not help."""
        for turn in range(12):
            (a, low), (b, high) = inside, outside
            share = float(np.clip((self.allowed - low) / max(high - low, 1e-12), 0.05, 0.95)) if turn % 3 < 2 else 0.5
            middle = a + share * (b - a)
            root = self._root(middle)
            if root is None or root > self.allowed:
                outside = (middle, high if root is None else root)
            else:
                inside = (middle, root)
            if abs(outside[0] - inside[0]) < 1e-3 or (root is not None and abs(root - self.allowed) < 2e-3):
                return float(np.exp(middle))
        return float(np.exp((inside[0] + outside[0]) / 2))

    def _root(self, log_modulus: float) -> float | None:
        """Return sqrt(2 (l_max - l(r))) along this side; None where no point with this modulus is found."""
        best: Evaluation | None = None
        for edge, start in self.last.items():
            at = constrained(self.stack.sample, self.found.structure, start, float(np.exp(log_modulus)), edge)
            if at is None:
                continue
            self.last[edge] = at
            if best is None or at.log_likelihood > best.log_likelihood:
                best = at
        if best is None:
            return None
        return float(np.sqrt(2 * max(self.found.at.log_likelihood - best.log_likelihood, 0.0)))


def constrained(
    sample: Sample, structure: Structure, start: Evaluation, modulus: float, edge: int | None
) -> Evaluation | None:
    """Maximise the likelihood under a constraint on the eigenvalues of M, by Fisher scoring along the constraint.

    The spectral radius has corners where eigenvalues tie or coalesce; the three determinants det(I - M/r),
    det(I + M/r) and det(I - (M/r) ^ (M/r)), ^ the bialternate product, have none, and M leaves the set of maps with all
    moduli below r where one of them passes 0: a real eigenvalue r, one of -r, a pair with product r^2.

    Parameters
    ----------
    sample : Sample
    structure : Structure
    start : Evaluation
        With its slopes; need not meet the constraint.
    modulus : float
        r.
    edge : int or None
        None: no modulus exceeds r. 0, 1, 2: this determinant is 0, so that some modulus is at least r.

    Returns
    -------
    Evaluation or None
        None where no point that meets the constraint could be reached.

    References
    ----------
    Fuller (1968), J. Math. Anal. Appl. 23, for the bialternate product.
    """
    at = _first(sample, structure, start, modulus, edge)
    for _ in range(CLIMB if at is not None else 0):
        assert at is not None  # noqa: S101
        found = _along(structure, at, modulus, edge)
        if found is None or found[1] < ARRIVED:
            break
        better = _accepted(sample, structure, at, found[0], modulus, edge)
        if better is None:
            break
        gain = better.log_likelihood - at.log_likelihood
        at = better
        if gain < ARRIVED / 10:
            break
    return at


def _first(
    sample: Sample, structure: Structure, start: Evaluation, modulus: float, edge: int | None
) -> Evaluation | None:
    """Return a point that meets the constraint: the nearest one, or the map scaled."""
    near = _onto(structure, start, start.theta, modulus, edge)
    scaled = start.theta.copy()
    M = structure.parts["M"]
    scaled[M] *= modulus / spectral_radius(structure.unpack(scaled).M)
    options = [near] if near is not None else []
    if _meets(structure, scaled, modulus, edge):
        options.append(scaled)
    for theta in options:
        at = evaluate(structure, theta, sample)
        if at is not None:
            return at
    return None


def _accepted(
    sample: Sample, structure: Structure, at: Evaluation, step: Float, modulus: float, edge: int | None
) -> Evaluation | None:
    """Return the first of the shortened steps, led back onto the constraint, that raises the likelihood."""
    for _ in range(8):
        new = at.theta.copy()
        new[structure.free] += step
        there = _onto(structure, at, new, modulus, edge)
        if there is not None:
            reached = evaluate(structure, there, sample)
            if reached is not None and reached.log_likelihood > at.log_likelihood:
                return reached
        step = step / 2
    return None


def edges(M: Float, modulus: float) -> tuple[Float, Float]:
    """Return the three determinants, shape (3,), and their slopes in the entries of M, shape (3, n * n)."""
    n = len(M)
    unit = np.eye(n * n).reshape(n * n, n, n)
    nudged = (M + 1e-20j * unit) / modulus  # a complex step: slopes to the last digit, without differences
    i, j = np.triu_indices(n, 1)
    rows, columns = (nudged[:, a[:, None], b[None, :]] for a, b in ((i, i), (j, j)))
    across, back = (nudged[:, a[:, None], b[None, :]] for a, b in ((i, j), (j, i)))
    pairs = rows * columns - across * back
    eye = np.eye(n)
    out = np.stack([np.linalg.det(a) for a in (eye - nudged, eye + nudged, np.eye(len(i)) - pairs)])
    return out[:, 0].real.copy(), out.imag / 1e-20


def _meets(structure: Structure, theta: Float, modulus: float, edge: int | None) -> bool:
    M = structure.unpack(theta).M
    values, _ = edges(M, modulus)
    if edge is not None:
        return bool(abs(values[edge]) < ON_EDGE)
    # Far outside, the determinants can be positive again.
    return bool(values.min() > -ON_EDGE and spectral_radius(M) < modulus * 1.002)


def _onto(structure: Structure, at: Evaluation, theta: Float, modulus: float, edge: int | None) -> Float | None:
    """Lead parameters back onto the constraint by the shortest way in standard errors; None where that fails."""
    free, (_, information) = structure.free, at.free_slopes(structure)
    theta = theta.copy()
    active: set[int] = set() if edge is None else {edge}
    for _ in range(8):
        if _meets(structure, theta, modulus, edge):
            return theta
        values, slopes = edges(structure.unpack(theta).M, modulus)
        if edge is None:
            active |= {int(k) for k in np.flatnonzero(values <= -ON_EDGE)}
        if not active or not np.isfinite(values).all():
            return None
        rows = sorted(active)
        normals = _normals(structure, slopes[rows])
        try:
            toward = np.linalg.solve(information, normals.T)
            theta[free] -= toward @ np.linalg.solve(normals @ toward, values[rows])
        except np.linalg.LinAlgError:
            return None
    return theta if _meets(structure, theta, modulus, edge) else None


def _normals(structure: Structure, slopes: Float) -> Float:
    """Return slopes in the free parameters of functions of M alone."""
    out = np.zeros((len(slopes), structure.size))
    out[:, structure.parts["M"]] = slopes
    return out[:, structure.free]


def _along(structure: Structure, at: Evaluation, modulus: float, edge: int | None) -> tuple[Float, float] | None:
    """Return the step that maximises the quadratic model under the linearised constraint, and what it promises.

    At most three constraints can bind: every set of them is tried, and the best one that keeps the others is taken.
    """
    gradient, information = at.free_slopes(structure)
    values, slopes = edges(structure.unpack(at.theta).M, modulus)
    normals = _normals(structure, slopes)
    solved = np.asarray(np.linalg.solve(information, np.column_stack([gradient, normals.T])), dtype=np.float64)
    sets = chain.from_iterable(combinations(range(3), k) for k in range(4)) if edge is None else [(edge,)]
    best: tuple[Float, float] | None = None
    for binding in sets:
        step = _binding_step(list(binding), values, normals, solved)
        if step is None or (edge is None and (values + normals @ step).min() < -ON_EDGE):
            continue
        promised = float(gradient @ step - step @ information @ step / 2)
        if best is None or promised > best[1]:
            best = step, promised
    if best is None:
        return None
    length = float(np.sqrt(max(float(best[0] @ information @ best[0]), 0.0)))
    return best[0] * min(1.0, 5.0 / max(length, 1e-12)), best[1]


def _binding_step(binding: list[int], values: Float, normals: Float, solved: Float) -> Float | None:
    """Return the step on which the binding constraints become 0; None where they are no constraints."""
    step = solved[:, 0]
    if not binding:
        return step
    toward = solved[:, 1:][:, binding]
    try:
        multiplier = np.linalg.solve(normals[binding] @ toward, values[binding] + normals[binding] @ step)
    except np.linalg.LinAlgError:
        return None
    return np.asarray(step - toward @ multiplier)
