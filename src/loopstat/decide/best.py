"""The best step at a price, what may be lost by it, the prices at which it stays, and what steps are worth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ..arrays import Float, Int
from ..inference.intervals import student
from ..inference.resample import scatter_correction
from ..results.decision import Stretch
from .ahead import late_slope, likely_values, raised, steps_ahead, unchanged
from .curve import Curve

NEAR = 0.01  # standard deviations within which a step is as good as the best
# Expected losses are 0.024 sd in simulated loops; realised: 0.017, and 0.030 with kinds that nothing announces.
COSTLY = 0.12  # standard deviations an expected loss may have before the answer is open; 0.1 says so oftener, 8 % at 20
WIDE, OF_GAIN = 0.25, 0.5  # it is open where the limit is above so many standard deviations and this share of the gain
TO_BEGIN = 10  # sessions without which nothing can be said of a loss
PRICES = np.geomspace(1e-4, 100, 600)  # standard deviations a step, where the best step is looked up
CLEAR = 1.0  # standard errors by which the worth of steps must differ to be told apart
SEGMENTS = 4  # of the price map at most


@dataclass(frozen=True)
class Prospect:
    """A curve as it is expected to go on, and as it might.

    Attributes
    ----------
    expected : Curve
        Over recorded and later steps; the recorded means themselves, and what is likely to be added to the last one.
    likely : float array, shape (1 + n_draws, n_steps)
        Value held as it is thought to be, the noise of the recording taken out, then draws of what it may be.
    others : tuple of Curve
        Nothing more comes; the slope of the record's last half goes on.
    steps : int array, shape (n_steps,)
        Step numbers, recorded and later ones.
    recorded : int
        Place of the last recorded step.
    spread : float
        Standard deviation of the value held between sessions.
    clusters : int
    limits : Exact or None
        Counts of a loop whose value is success itself.
    """

    expected: Curve
    likely: Float
    others: tuple[Curve, ...]
    steps: Int
    recorded: int
    spread: float
    clusters: int
    limits: Exact | None = None

    @classmethod
    def of(
        cls, curve: Curve, steps: Int, until: int, spread: float, clusters: int, limits: Exact | None = None
    ) -> Prospect:
        """Continue a recorded curve in every way."""
        ahead = steps_ahead(steps, until)
        last = len(steps) - 1
        likely = likely_values(curve.value, steps, ahead, spread, clusters)
        nothing = unchanged(curve, len(ahead))
        expected = raised(nothing, likely[:, last + 1 :] - likely[:, last : last + 1])
        others = (nothing, raised(nothing, late_slope(curve, len(ahead))))
        # Step by step in memory: what is asked of them is asked of all draws of a step.
        paid, running, likely = (np.asfortranarray(a) for a in (nothing.paid, nothing.running, likely))
        by_step = [Curve(np.asfortranarray(c.value), paid, running) for c in (expected, *others)]
        every = np.concatenate([steps, ahead])
        return cls(by_step[0], likely, tuple(by_step[1:]), every, last, spread, clusters, limits)

    @property
    def recorded_curve(self) -> Curve:
        """The curve of the recorded steps."""
        e, n = self.expected, self.recorded + 1
        return Curve(e.value[:, :n], e.paid[:, :n], e.running[:, :n])

    def net(self, price: float) -> Float:
        """Return what is likely held less what was paid, by step, shape (n_steps,)."""
        net: Float = self.likely[0] - price * self.expected.paid[0]
        return net

    @property
    def mean_value(self) -> Float:
        """Expected value held: the mean itself within the record, shape (n_steps,)."""
        return np.asarray(self.expected.value[0])


@dataclass(frozen=True)
class Exact:
    """Counts of a loop that ends on success: unfinished sessions on arrival at each step, and successes after it."""

    running: Int
    successes: Int


@dataclass(frozen=True)
class Best:
    """The best step at one price, by place; losses in units of the value, and whether they leave it open."""

    place: int
    low: int
    high: int
    loss: float
    limit: float
    is_open: bool


def best(prospect: Prospect, price: float, level: float) -> Best:
    """Return the first step whose likely net value is as good as the best, and what may be lost by it.

    The limit of the loss is the largest of: the quantile of the loss over draws of what the curve may be; the limits
    from the recorded means alone, if nothing more comes, and if the late slope goes on; and that from counts.
    """
    mean = prospect.net(price)
    place = int(np.flatnonzero(mean >= mean.max() - NEAR * prospect.spread)[0])
    draws = prospect.likely[1:] - price * prospect.expected.paid[1:]
    if len(draws) < 2 or prospect.clusters < 2:
        return Best(place, 0, len(mean) - 1, float("nan"), float("inf"), is_open=True)
    lost = draws.max(axis=1) - draws[:, place]
    loss = float(lost.mean())
    limits = [loss_limit(c.value - price * c.paid, place, prospect.clusters, level) for c in prospect.others]
    limit = max(_quantile(lost, level), *limits)
    if prospect.limits is not None:
        limit = max(limit, _by_counts(prospect, prospect.limits, place, price, level))
    near = np.sort((draws >= draws.max(axis=1, keepdims=True) - NEAR * prospect.spread).argmax(axis=1))
    low, high = (near[max(int(np.ceil(len(near) * q - 1)), 0)] for q in ((1 - level) / 2, (1 + level) / 2))
    gain = float(prospect.likely[0, : prospect.recorded + 1].max() - prospect.likely[0, 0])
    is_open = loss > COSTLY * prospect.spread and limit > max(WIDE * prospect.spread, OF_GAIN * gain)
    return Best(place, min(int(low), place), max(int(high), place), loss, limit, is_open)


def action_of(found: Best, prospect: Prospect) -> str:
    """Return `cannot_tell`, `go_on` where the best step lies beyond the record, else `stop`."""
    if found.is_open:
        return "cannot_tell"
    return "go_on" if found.place > prospect.recorded else "stop"


def sessions_needed(found: Best, sessions: int, spread: float) -> int:
    """Return how many sessions bring the limit of the loss down to a quarter of a standard deviation."""
    if not np.isfinite(found.limit) or spread <= 0:
        return TO_BEGIN
    wanted = sessions * (found.limit / (WIDE * spread)) ** 2
    digits = max(0, int(np.floor(np.log10(max(wanted, 1)))) - 1)
    return int(np.ceil(wanted / 10**digits) * 10**digits)


def loss_limit(net: Float, place: int, clusters: int, level: float) -> float:
    """Return the upper limit of what another step would have been better by, for all steps at once.

    With the step chosen held fixed, the largest studentised deviation of the draws gives one factor for all steps,
    turned into a quantile of t with one degree of freedom less than there are clusters.

    Parameters
    ----------
    net : float array, shape (1 + n_draws, n_steps)
        Net value by step: the estimate, then the draws.
    place : int
    clusters : int
    level : float
    """
    from scipy.special import ndtr, stdtrit

    better = net - net[:, place : place + 1]
    scatter = better[1:].std(axis=0)
    moves = scatter > 1e-12 * max(float(np.abs(net).max()), 1e-300)
    if not moves.any():
        return float(max(better[0].max(), 0.0))
    studentised = (better[1:, moves] - better[0, moves]) / scatter[moves]
    q = _quantile(studentised.max(axis=1), level)
    q = float(stdtrit(max(clusters - 1, 1), min(ndtr(q), 1 - 1e-12)))
    error = scatter * scatter_correction(clusters)
    return float(max((better[0] + q * error).max(), 0.0))


def _quantile(values: Float, level: float) -> float:
    """Return what `np.quantile` does, of one column and without its preparations, which take ten times as long."""
    at = level * (len(values) - 1)
    k = min(int(at), len(values) - 2)
    below, above = np.partition(values, (k, k + 1))[k : k + 2].tolist()
    return float(below + (above - below) * (at - k))


def _by_counts(prospect: Prospect, exact: Exact, place: int, price: float, level: float) -> float:
    """Return the limit of the loss from counts: few successes after the step, or none, are a share with exact limits.

    Reference
    ---------
    Clopper and Pearson (1934).
    """
    from scipy.special import betaincinv

    if place >= prospect.recorded:
        return 0.0
    n, k = int(exact.running[place]), exact.successes[place + 1 : prospect.recorded + 1].cumsum()
    if n == 0:
        return 0.0
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), level), 1.0)
    left = prospect.expected.running[0, place]
    paid = prospect.expected.paid[0, place + 1 : prospect.recorded + 1] - prospect.expected.paid[0, place]
    return float(max((left * high - price * paid).max(), 0.0))


def prices_of(prospect: Prospect, place: int, price: float) -> tuple[float, float]:
    """Return the prices between which a step stays the best one; infinity where it stays at any price."""
    grid = PRICES * max(prospect.spread, 1e-300)
    at = int(np.searchsorted(grid, price))
    if at == len(grid) or grid[at] != price:
        grid = np.concatenate([grid[:at], [price], grid[at:]])
    net = prospect.likely[0][:, None] - grid * prospect.expected.paid[0][:, None]
    near = net >= net.max(axis=0) - NEAR * prospect.spread
    other = np.flatnonzero(~near[place] | near[:place].any(axis=0))
    below, above = other[other < at], other[other > at]
    low = 0.0 if not len(below) else float(grid[below[-1] + 1])
    return low, float("inf") if not len(above) else float(grid[above[0] - 1])


# -------------------------------------------------------------------------------- the price map


def price_map(curve: Curve, steps: Int, clusters: int, level: float) -> tuple[Stretch, ...]:
    """Return what steps are worth: the slopes of the upper concave envelope of value held over cost.

    Its corners are the only steps that are best at some price. What lies behind the last corner is one stretch.
    Neighbouring stretches that are not clearly worth different amounts are put together, at most four are left.

    Parameters
    ----------
    curve : Curve
        Of the recorded steps.
    steps : int array, shape (n_steps,)
    clusters : int
    level : float
    """
    corners = _corners(curve.paid[0], curve.value[0])
    if corners[-1] < len(steps) - 1:
        corners.append(len(steps) - 1)
    slopes = lru_cache(lambda a, b: _slopes(curve, a, b))
    while len(corners) > 2:
        worth = np.array([slopes(a, b) for a, b in pairwise(corners)])
        apart = np.diff(worth, axis=0)
        error = apart[:, 1:].std(axis=1)
        # Where no draw differs the difference is exact: stretches are one if it is 0, and apart else.
        exact = np.where(apart[:, 0] == 0, 0.0, np.inf)
        clear = np.divide(np.abs(apart[:, 0]), error, out=exact, where=error > 1e-9 * np.abs(apart[:, 0]))
        weakest = int(clear.argmin())
        if clear[weakest] >= CLEAR and len(corners) <= SEGMENTS + 1:
            break
        del corners[weakest + 1]
    return tuple(_segment(curve, steps, a, b, clusters, level) for a, b in pairwise(corners) if b > a)


def _corners(x: Float, y: Float) -> list[int]:
    """Return the corners of the upper concave envelope up to its highest point."""
    out = [0]
    for k in range(1, int(y.argmax()) + 1):
        if x[k] <= x[out[-1]]:
            continue
        while len(out) > 1 and (y[k] - y[out[-1]]) * (x[out[-1]] - x[out[-2]]) >= (y[out[-1]] - y[out[-2]]) * (
            x[k] - x[out[-1]]
        ):
            out.pop()
        out.append(k)
    return out


def _slopes(curve: Curve, a: int, b: int) -> Float:
    """Return what is added from one step to another for each unit paid, shape (1 + n_draws,)."""
    paid = curve.paid[:, b] - curve.paid[:, a]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (curve.value[:, b] - curve.value[:, a]) / paid
    return np.where(paid > 0, found, 0.0)


def _segment(curve: Curve, steps: Int, a: int, b: int, clusters: int, level: float) -> Stretch:
    slopes = _slopes(curve, a, b)
    error = slopes[1:].std() * scatter_correction(clusters) if len(slopes) > 1 else np.nan
    return Stretch(int(steps[a]), int(steps[b]), student(slopes[0], error, level=level, df=max(clusters - 1, 1)))
