"""The test of detailed balance: likelihood ratio of the free against the reversible chain, and its reference law."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...arrays import Float, summed
from ...errors import SettingsError
from ...inference.estimate import TestResult
from ...inference.tests import chi_square_p, draws_p
from ...panel.model import Rng
from ...panel.tally import Counts
from ...results.record import Record
from ..potentials.least_action import Exchanges
from ..potentials.potential import strengths
from ..rows import METHODS
from .cycles import likelihood_ratio
from .exact import Draws, exact_draws, exact_draws_within

WITHIN = "exact within sessions"
PLENTY = 200.0  # fitted transitions in every cell from which the chi-square keeps its 5 %
INNER_DRAWS = 99  # of the bootstrap whose size is simulated
FEWEST_DRAWS, MOST_COPIED = 99, 3e8  # draws of long recordings, each of which copies the recording
MOST_EXCHANGED = 1e6  # by one pair: beyond, walks of an affordable length hardly leave the recording
TOO_LONG = "a pair exchanged more than a million transitions, and walks among such counts are too short to be random"


@dataclass(frozen=True, eq=False)
class BalanceTest(Record, TestResult):
    """A test of detailed balance; NaN where there is nothing to test.

    Null: every transition f -> g is as frequent as g -> f, weighted by one stationary law, in every class.
    Alternative: some cycle is run one way more often than the other.

    Attributes
    ----------
    statistic, df : float, int
        Likelihood ratio of the free against the reversible chain, and independent cycles of seen pairs.
    p_value : float
        By `method`.
    method : str
        `exact` (draws given their source), `exact within sessions`, `chi-square` or `bootstrap`.
    chi_square_p_value : float
        For comparison.
    pooled_p_value : float
        Of the exact test of all sessions pooled, where `method` is the one within sessions.
    n_draws : int
    size_at_5_percent : float
        How often the method would reject a reversible chain with these counts; NaN for the exact ones, which hold
        their level by construction, and where it was not simulated.
    null_mean : float
        Mean of the statistic under the null: `df` for the chi-square.
    tied : float
        Share of the draws that equal the recording: near 1, no reversal changes anything.
    reason : str
        Why there is no p-value, or why it is not by the method asked for.
    """

    KEYS = (
        *("statistic", "df", "p_value", "method", "chi_square_p_value", "pooled_p_value", "n_draws"),
        *("size_at_5_percent", "reason", "n_cycles"),
    )

    df: int
    chi_square_p_value: float = np.nan
    pooled_p_value: float = np.nan
    size_at_5_percent: float = np.nan
    null_mean: float = np.nan
    tied: float = 0.0

    @property
    def n_cycles(self) -> int:
        """Independent cycles, the degrees of freedom."""
        return self.df


def detailed_balance_test(
    counts: Counts, *, method: str = "auto", n_draws: int = 999, size_draws: int = 0, rng: Rng | int | None = None
) -> BalanceTest:
    """Test whether counted transitions obey detailed balance.

    The statistic is 2 sum n[f,g] ln(n[f,g]/(n p)) over exchanged pairs, n = n[f,g] + n[g,f] and p the share that the
    maximum-likelihood reversible chain gives to f -> g.

    Parameters
    ----------
    counts : Counts
    method : {"auto", "exact", "chi-square", "bootstrap"}
        `auto`: exact, within sessions where trajectories come back to their states often enough; the chi-square only
        for tables whose fitted counts are all at least 200.
    n_draws : int
        Draws of the exact and bootstrap reference laws.
    size_draws : int
        Reversible recordings simulated for `size_at_5_percent` (chi-square and bootstrap only); 0 leaves it out.
    rng : Generator or seed, optional

    Returns
    -------
    BalanceTest

    Raises
    ------
    SettingsError
        Unknown method, or fewer than 19 draws.

    Notes
    -----
    P is tested given the source state: neither stationarity nor a burn-in is needed. *When it is wrong*: sessions of
    different chains, pooled, look driven although each is balanced (the test within sessions is immune, and less
    powerful where sessions are short); states that lump others together hide currents and break the Markov property;
    a P that changes with the step. The chi-square rejects a true null 33 % of the time at 3 counts per cell.

    Examples
    --------
    >>> ring = Counts.of_matrix([[0, 40, 10], [10, 0, 40], [40, 10, 0]])
    >>> test = detailed_balance_test(ring, rng=0)
    >>> test.df, test.p_value
    (1, 0.001)
    """
    if method not in METHODS:
        raise SettingsError(f"`method` must be one of {', '.join(METHODS)}. Got {method!r}.")
    if n_draws < 19:
        raise SettingsError(f"`n_draws` must be at least 19, or no p-value can be below 0.05. Got {n_draws}.")
    rng = np.random.default_rng(rng)
    pairs = Exchanges.of(counts)
    if pairs.n_cycles == 0:
        return BalanceTest.impossible(_nothing_to_test(counts, pairs), statistic=0.0, df=0)
    strength = strengths(pairs)
    statistic, df = likelihood_ratio(pairs, strength), pairs.n_cycles
    by_law = chi_square_p(statistic, df)
    seen = BalanceTest(np.nan, statistic, df, chi_square_p_value=by_law, null_mean=float(df))
    chosen = _method(counts, pairs, strength, method)
    if chosen is None:
        return replace(seen, reason="the counts are fractional: an exact test needs whole transitions.")
    if chosen == "exact" and _most_exchanged(pairs) <= MOST_EXCHANGED:
        return _exact(counts, seen, n_draws, rng)
    if chosen == "exact":
        chosen = "chi-square" if _fewest_fitted(pairs, strength) >= PLENTY else "bootstrap"
        if chosen == "bootstrap":  # each draw is a fit of its own, and its size would take a hundred times as many
            n_draws, size_draws = min(n_draws, FEWEST_DRAWS), 0
        seen = replace(seen, reason=f"{TOO_LONG}; {chosen} in its place.")
    if chosen == "bootstrap":
        p, mean = _bootstrap(counts, pairs, strength, statistic, n_draws, rng)
        seen = replace(seen, p_value=p, method=chosen, n_draws=n_draws, null_mean=mean)
    else:
        seen = replace(seen, p_value=seen.chi_square_p_value, method=chosen)
    if size_draws:
        seen = replace(seen, size_at_5_percent=_size(counts, pairs, strength, chosen, size_draws, rng))
    return seen


def _nothing_to_test(counts: Counts, pairs: Exchanges) -> str:
    if counts.n_states < 3:
        return "fewer than three states: every such chain is in detailed balance."
    if len(pairs) == 0:
        return "no state was ever returned to: nothing can be said of balance."
    return "no cycle of three or more states was seen: every such chain is in detailed balance."


def _method(counts: Counts, pairs: Exchanges, strength: Float, method: str) -> str | None:
    if method in ("chi-square", "bootstrap"):
        return method
    if not counts.whole:
        return None
    if method == "exact" or counts.events is not None:
        return "exact"
    return "chi-square" if _fewest_fitted(pairs, strength) >= PLENTY else "exact"


def _fewest_fitted(pairs: Exchanges, strength: Float) -> float:
    """Return the fewest transitions that the reversible chain expects in a cell."""
    d = strength[pairs.a] - strength[pairs.b]
    return float(np.min((pairs.forward + pairs.backward) / (1 + np.exp(np.abs(d)))))


def _most_exchanged(pairs: Exchanges) -> float:
    return float(np.max(pairs.forward + pairs.backward))


def _exact(counts: Counts, seen: BalanceTest, n_draws: int, rng: Rng) -> BalanceTest:
    n_draws = int(min(n_draws, max(FEWEST_DRAWS, MOST_COPIED / max(counts.total, 1))))
    pooled = exact_draws(counts, n_draws=n_draws, rng=rng)
    within = exact_draws_within(counts, n_draws=n_draws, rng=rng)
    draws = within or pooled
    assert draws is not None  # noqa: S101 - there is a cycle
    seen = replace(seen, p_value=draws.p_value, method=WITHIN if within else "exact", n_draws=n_draws)
    pooled_p = np.nan if within is None or pooled is None else pooled.p_value
    return replace(
        seen,
        pooled_p_value=pooled_p,
        null_mean=_null_mean(seen.statistic, pooled or draws),
        tied=draws.equal / draws.n_draws,
    )


def _null_mean(statistic: float, draws: Draws) -> float:
    """Return the mean of the likelihood ratio over the draws: it moves twice as much as sum n ln n."""
    return max(statistic + 2 * draws.mean_shift, 0.0)


# ------------------------------------------------------------------------ simulated references


def _reversible_draw(pairs: Exchanges, strength: Float, n_states: int, rng: Rng) -> Exchanges:
    """Draw the exchanges of a reversible chain: every row multinomial, its total the recorded one."""
    d = strength[pairs.a] - strength[pairs.b]
    total = pairs.forward + pairs.backward
    up, down = total / (1 + np.exp(-d)), total / (1 + np.exp(d))
    source = np.r_[pairs.a, pairs.b]
    order = np.argsort(source, kind="stable")
    expected, rows = np.r_[up, down][order], source[order]
    left = summed(source, np.r_[pairs.forward, pairs.backward], n_states)
    # A multinomial row, one binomial cell after another, all rows at once where they have the same length left.
    drawn = np.empty(len(expected))
    first = np.searchsorted(rows, np.arange(n_states + 1))
    for i in np.flatnonzero(np.diff(first)):
        cells = slice(first[i], first[i + 1])
        weight = expected[cells]
        drawn[cells] = rng.multinomial(round(float(left[i])), weight / weight.sum())
    counts = np.empty_like(drawn)
    counts[order] = drawn
    m = len(pairs)
    return replace(pairs, forward=counts[:m], backward=counts[m:])


def _refitted(drawn: Exchanges) -> tuple[Exchanges, Float]:
    """Return the exchanges of a draw inside its own classes, and the strengths of their reversible fit."""
    pairs = drawn.of_pairs(np.ones(len(drawn), dtype=np.bool_))
    return pairs, strengths(pairs)


def _bootstrap(
    counts: Counts, pairs: Exchanges, strength: Float, statistic: float, n_draws: int, rng: Rng
) -> tuple[float, float]:
    seen = np.array(
        [likelihood_ratio(*_refitted(_reversible_draw(pairs, strength, counts.n_states, rng))) for _ in range(n_draws)]
    )
    return float(draws_p(np.sum(seen >= statistic * (1 - 1e-12)), n_draws)), float(seen.mean())


def _size(counts: Counts, pairs: Exchanges, strength: Float, method: str, size_draws: int, rng: Rng) -> float:
    """Return how often the method rejects at 5 % among reversible recordings with the data's own counts."""
    rejected = 0
    for _ in range(size_draws):
        drawn, fitted = _refitted(_reversible_draw(pairs, strength, counts.n_states, rng))
        if drawn.n_cycles == 0:
            continue
        statistic = likelihood_ratio(drawn, fitted)
        p = (
            chi_square_p(statistic, drawn.n_cycles)
            if method == "chi-square"
            else _bootstrap(counts, drawn, fitted, statistic, INNER_DRAWS, rng)[0]
        )
        rejected += p < 0.05
    return rejected / size_draws
