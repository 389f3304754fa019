"""The estimator of the balance lens: a reversible Markov chain, its potential, and whether to believe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Float, summed
from ..inference.clusters import choose_clusters
from ..inference.estimate import Estimate, TestResult, number
from ..inference.intervals import student
from ..panel.model import Rng
from ..panel.panel import Panel
from ..panel.tally import Counts, Visits
from ..parameters import checked
from ..results.check import run_checks
from ..results.verdict import Verdict
from .chain.model import MarkovChain
from .chain.transitions import escape_intervals, relaxation_intervals
from .checks import ALPHA, RULES, Evidence
from .currents import Circulation, EntropyProduction, MainChain, circulation, cycles_of
from .fit import MOST_PAIRS, BalanceFit, ExchangedPair, Recorded, Trap
from .potentials.least_action import Exchanges
from .potentials.potential import Potential, potential, strengths
from .rows import FIT, RIDGE
from .tests.cycles import source_statistic
from .tests.order import homogeneity_test, order_test
from .tests.reversal import WITHIN, BalanceTest, detailed_balance_test

FEW_VISITS = 10  # below them a state is no trap, whatever its share
MOST_TRAPS = 10
N_TIMES = 10
SHORT_TESTS, FEWEST = 199, 39  # draws of the tests that only warn: most, and least
SHUFFLED = 4e7  # transitions put in order in all draws of one of them: five to ten seconds
THIN = 2.0  # transitions per exchanged pair below which nothing can be told
MOSTLY_TIED = 0.5  # share of draws that equal the recording from which the test cannot see anything
LONGEST_NAME = 28  # characters of a state in the verdict


@dataclass(frozen=True)
class ReversibleChain:
    """Settings of a balance fit.

    Parameters
    ----------
    kernel : {"likelihood", "exp", "softplus"}
        Maximum likelihood (intervals and tests use it), or least action for comparison.
    beta : float
        Inverse temperature: V is in units of 1/beta nats.
    visits : `observed`, `equal` or a number
        How often each state was the source of an attempt, for panels; counts carry their own.
    lag : int
        Steps between the states of a transition.
    test : {"auto", "exact", "chi-square", "bootstrap"}
    n_draws : int
        Draws of the test's reference law.
    level : float
    cluster : str, optional
        Label column of what shares a start; default: task where sessions share it, else the session.
    size_draws : int
        Recordings simulated for the size of the chi-square and the bootstrap; 0 leaves it out.
    ridge : float
        Penalty on the potential, for sparse graphs.

    Examples
    --------
    >>> ring = Counts.of_matrix([[0, 40, 10], [10, 0, 40], [40, 10, 0]], states=["a", "b", "c"])
    >>> ReversibleChain().fit(ring).verdict.action
    'driven'
    """

    kernel: str = "likelihood"
    beta: float = 1.0
    visits: Visits = "observed"
    lag: int = 1
    test: str = "auto"
    n_draws: int = 999
    level: float = 0.95
    cluster: str | None = None
    size_draws: int = 0
    ridge: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing."""
        checked(self, (*FIT, RIDGE))

    def fit(
        self,
        recording: Panel | Counts,
        *,
        rng: Rng | int | None = None,
        label: str = "all",
        by: dict[str, str] | None = None,
    ) -> BalanceFit:
        """Fit one group.

        Parameters
        ----------
        recording : Panel with a `state` label, or Counts
        rng : Generator or seed, optional
            Default: seed 0.
        label, by : optional
            The group's name and the label values that define it.

        Returns
        -------
        BalanceFit

        Raises
        ------
        SettingsError
            The panel has no `state` label.
        """
        rng = np.random.default_rng(0 if rng is None else rng)
        counts, n_sessions = self._counted(recording)
        v = potential(counts, kernel=self.kernel, beta=self.beta, level=self.level, ridge=self.ridge, rng=rng)
        pairs = Exchanges.of(counts)
        test = detailed_balance_test(
            counts, method=self.test, n_draws=self.n_draws, size_draws=self.size_draws, rng=rng
        )
        chain = MainChain.of(counts)
        flow = _still() if chain is None else circulation(chain, test, level=self.level, rng=rng)
        if not flow.cycles and test.df:
            flow = replace(flow, cycles=cycles_of(counts, level=self.level))
        softplus = v.value if (self.kernel, self.beta) == ("softplus", 1.0) else None
        stationary, free = _stationary(counts, chain, v, pairs, self.level)
        escape = escape_intervals(counts, level=self.level)
        times, gap = _relaxation(chain, self.level)
        order, homogeneity = _chain_tests(counts, rng)
        checks = run_checks(RULES, Evidence(counts, pairs, test, order, homogeneity, n_sessions))
        return BalanceFit(
            label=label,
            by=dict(by or {}),
            settings=self,
            counts=counts,
            recorded=Recorded.of(counts, n_sessions),
            potential=v,
            model=_model(counts, chain, pairs),
            test=test,
            source_statistic=source_statistic(counts, softplus=softplus),
            entropy_production=flow.entropy,
            stationary=stationary,
            stationary_free=free,
            escape=escape,
            relaxation_times=times,
            spectral_gap=gap,
            downhill=downhill(counts, v.value),
            order_test=order,
            homogeneity=homogeneity,
            pairs=_pair_table(counts, pairs, v, self.level),
            currents=flow.currents,
            cycles=flow.cycles,
            traps=_traps(counts, escape, v, stationary.value),
            checks=checks,
            verdict=_verdict(pairs, test, flow, {c.name: c.passed for c in checks}),
            reasons=_reasons(counts, pairs, test, flow, times.value, size_draws=self.size_draws),
        )

    def _counted(self, recording: Panel | Counts) -> tuple[Counts, int | None]:
        if isinstance(recording, Counts):
            return recording, None
        clusters = choose_clusters(recording, self.cluster) if len(recording) else None
        counts = Counts.of_panel(recording, clusters=clusters, lag=self.lag, visits=self.visits)
        return counts, recording.n_sessions


def downhill(counts: Counts, value: Float) -> dict[str, float]:
    """Return how much of a recording goes down a potential.

    Parameters
    ----------
    counts : Counts
    value : float array, shape (n_states,)
        Potential; NaN entries are skipped.

    Returns
    -------
    dict
        `weighted`: share of transitions to another state that lower V, one half in any stationary reversible
        recording, whatever V. `pairs`: share of exchanged pairs whose likelier direction lowers V. Equal V counts
        half.
    """
    i, j, n = counts.source, counts.target, counts.count
    known = (i != j) & np.isfinite(value[i]) & np.isfinite(value[j])
    d = np.sign(value[i] - value[j])[known]
    weighted = float(n[known] @ ((d + 1) / 2) / n[known].sum()) if known.any() else np.nan
    p = Exchanges.of(counts)
    rates = p.forward / np.maximum(counts.visits[p.a], 1e-300) - p.backward / np.maximum(counts.visits[p.b], 1e-300)
    agree = np.sign(rates) * np.sign(value[p.a] - value[p.b])
    agree = agree[np.isfinite(agree)]
    return {"weighted": weighted, "pairs": float(np.mean((agree + 1) / 2)) if len(agree) else np.nan}


def _still() -> Circulation:
    return Circulation(EntropyProduction(np.nan, np.nan, np.nan, 0), (), ())


def _stationary(
    counts: Counts, chain: MainChain | None, v: Potential, pairs: Exchanges, level: float
) -> tuple[Estimate, Float]:
    """Return exp(-beta V) of the main class by likelihood with intervals, and the law of the free chain."""
    nothing = np.full(counts.n_states, np.nan)
    if chain is None:
        return Estimate(nothing), nothing
    members = chain.members
    scaled = potential(counts, level=level) if v.kernel != "likelihood" else v
    depth = scaled.beta * scaled.value[members]
    pi = np.exp(-(depth - depth.min()))
    pi /= pi.sum()
    root = scaled.beta * scaled.root[members]
    error = np.sqrt(np.sum((root - pi @ root) ** 2, axis=1))
    found = student(pi, error / np.maximum(1 - pi, 1e-12), level=level, scale="logit")
    out = [nothing.copy() for _ in range(4)]
    for array, values in zip(out, (found.value, found.low, found.high, chain.pi), strict=True):
        array[members] = values
    return Estimate(*out[:3], level=level), out[3]


def _relaxation(chain: MainChain | None, level: float) -> tuple[Estimate, float]:
    if chain is None:
        return Estimate(np.zeros(0)), np.nan
    found = relaxation_intervals(chain.completed, k=min(N_TIMES + 1, chain.counts.n_states), level=level)
    with np.errstate(divide="ignore"):
        gap = -np.expm1(-1 / found.value[0]) if len(found.value) else np.nan
    return found, float(gap)


def _chain_tests(counts: Counts, rng: Rng) -> tuple[TestResult, dict[str, TestResult]]:
    if counts.events is None:
        none = TestResult.impossible("the table has no sessions: what came before a state is not known.")
        return none, {"steps": none, "sessions": none}
    n = int(np.clip(SHUFFLED / max(len(counts.events.source), 1), FEWEST, SHORT_TESTS))
    order = order_test(counts, rng=rng, n_draws=n)
    over = {name: homogeneity_test(counts, over=name, rng=rng, n_draws=n) for name in ("steps", "sessions")}
    return order, over


def _model(counts: Counts, chain: MainChain | None, pairs: Exchanges) -> MarkovChain | None:
    """Return the reversible chain of the main class."""
    if chain is None:
        return None
    from scipy.sparse import csr_matrix

    p, part = chain.pairs, chain.counts
    s = strengths(p)
    up = 1 / (1 + np.exp(-(s[p.a] - s[p.b])))
    total = p.forward + p.backward
    rows, columns = np.r_[p.a, p.b], np.r_[p.b, p.a]
    values = np.r_[total * up, total * (1 - up)] / chain.visits[rows]
    moved = summed(rows, values, part.n_states)
    own = np.arange(part.n_states)
    P = csr_matrix(
        (np.r_[values, np.maximum(1 - moved, 0.0)], (np.r_[rows, own], np.r_[columns, own])),
        shape=(part.n_states, part.n_states),
    )
    return MarkovChain(csr_matrix(P.multiply(1 / P.sum(axis=1))), part.states)


def _pair_table(counts: Counts, pairs: Exchanges, v: Potential, level: float) -> tuple[ExchangedPair, ...]:
    """Return the pairs with most transitions: exchanged ones, and those that lead out of a class and never back."""
    i, j = counts.source, counts.target
    gone = pairs.label[i] != pairs.label[j]
    a, b = np.r_[pairs.a, i[gone]], np.r_[pairs.b, j[gone]]
    up, down = np.r_[pairs.forward, counts.count[gone]], np.r_[pairs.backward, np.zeros(int(gone.sum()))]
    first = np.argsort(-(up + down), kind="stable")[:MOST_PAIRS]
    a, b, up, down = a[first], b[first], up[first], down[first]
    n_a, n_b = np.maximum(counts.visits[a], 1e-300), np.maximum(counts.visits[b], 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(up / n_a) - np.log(down / n_b)
        error = np.sqrt(np.maximum(1 / up - 1 / n_a + 1 / down - 1 / n_b, 0))
    ratio[~np.isfinite(ratio)] = np.nan
    e = student(ratio, error, level=level)
    apart = np.where(pairs.label[a] == pairs.label[b], v.value[a] - v.value[b], np.nan)
    columns = (up, down, ratio, e.low, e.high, apart)
    names = ((counts.states[x], counts.states[y]) for x, y in zip(a, b, strict=True))
    rows = zip(*(c.tolist() for c in columns), strict=True)
    return tuple(ExchangedPair(*pair, *row) for pair, row in zip(names, rows, strict=True))


def _traps(counts: Counts, escape: Estimate, v: Potential, pi: Float) -> tuple[Trap, ...]:
    """Return states left at less than half the overall rate beyond doubt, worst first.

    A state that nobody ever tried to leave, as the last of a session, is no trap for that.
    """
    own = float(counts.count[counts.source == counts.target].sum())
    visits = float(counts.visits.sum())
    overall = (counts.total - own) / visits if visits else np.nan
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((counts.visits >= FEW_VISITS) & (escape.high < overall / 2))
    rows = rows[np.lexsort((-counts.visits[rows], escape.value[rows]))][:MOST_TRAPS]
    return tuple(
        Trap(
            counts.states[k],
            float(escape.value[k]),
            float(escape.low[k]),
            float(escape.high[k]),
            float(v.action_per_state[k]),
            float(counts.visits[k]),
            float(pi[k]),
        )
        for k in rows
    )


# ------------------------------------------------------------------------------ checks and words


def _verdict(pairs: Exchanges, test: BalanceTest, flow: Circulation, passed: dict[str, bool]) -> Verdict:
    moved = (pairs.forward + pairs.backward).sum()
    n = f"{moved:,.6g} exchanged transitions" if moved < 1e6 else f"{moved:,.0f} exchanged transitions"
    if not np.isfinite(test.p_value):
        return Verdict("cannot_tell", f"cannot tell: {test.reason}")
    p = f"p {number(test.p_value)}"
    if test.p_value < ALPHA:
        others = (
            [] if passed["chains_differ"] or test.method == WITHIN else ["sessions of different chains were pooled"]
        )
        others += [] if passed["time_varying"] else ["it settles: early and late steps differ"]
        but = f" (or {', or '.join(others)})" if others else ""
        return Verdict("driven", f"driven{but}: {_round(flow)} ({p}, {test.method}, {n}).")
    if moved < THIN * len(pairs) or test.tied > MOSTLY_TIED:
        return Verdict(
            "cannot_tell", f"cannot tell: {n} between {len(pairs)} pairs of states are too few to see a current ({p})."
        )
    high = flow.entropy.high
    unseen = f"; up to {number(high)} nats a step could go unseen" if np.isfinite(high) else ""
    return Verdict("balanced", f"in detailed balance as far as {n} can tell ({p}, {test.method}{unseen}).")


def _round(flow: Circulation) -> str:
    """Name the cycle that carries the largest current among those that surely have a direction."""
    one_way = (c for c in flow.cycles if not np.isfinite(c.affinity))
    sure = next((c for c in flow.cycles if c.low > 0 or c.high < 0), next(one_way, None))
    if sure is None:
        return "it goes round, by no single cycle surely"
    names = _short(sure.states)
    return f"goes round {' -> '.join([*names, names[0]])} more often than back"


def _short(names: Sequence[str]) -> list[str]:
    """Return names cut to what stands before a bracket, or to a length, where that leaves them different."""
    for most in (LONGEST_NAME, 3 * LONGEST_NAME):
        heads = [name.split(" (")[0] for name in names]
        cut = [h if 0 < len(h) <= most else name[: most - 1] + "…" for h, name in zip(heads, names, strict=True)]
        if len(set(cut)) == len(set(names)):
            break
    return cut


def _reasons(
    counts: Counts, pairs: Exchanges, test: BalanceTest, flow: Circulation, times: Float, *, size_draws: int
) -> dict[str, str]:
    out: dict[str, str] = {}
    if len(pairs) == 0:
        out["potential"] = "no two states lead to each other."
    elif counts.classes.transient.any():
        out["potential"] = "null for states that are left and never entered again: they lie above all they enter."
    if not np.isfinite(test.p_value):
        out["test"] = test.reason
    if len(pairs) == 0:
        out["stationary"] = out["relaxation_times"] = "no two states lead to each other."
    if not np.isfinite(test.size_at_5_percent):
        out["size_at_5_percent"] = (
            "the exact test holds its level by construction."
            if test.method and test.method.startswith("exact")
            else "not simulated: too many fits."
            if size_draws
            else "not simulated: ask with --size-draws."
        )
    if len(times) and not np.isfinite(times).all():
        out["relaxation_times"] = "null where the chain swings between groups of states for ever."
    return out
