"""Is it one Markov chain? Tests of its order, and of its sameness over steps and sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np

from ...arrays import Float, Int
from ...errors import SettingsError
from ...inference.estimate import TestResult
from ...inference.tests import draws_p
from ...panel.model import Rng
from ...panel.tally import Counts, Events
from .shuffles import Trails, n_ln_n, sum_n_ln_n

SAME = 1e-9  # statistics that differ by less, relative to their size, are equal: the order of summing differs

WITHIN = "exact within sessions"
ACROSS = "exact across sessions"
RELABELLED = "permutation within each state"
RECOMBINED = "exchange of what follows the same parent"


# ---------------------------------------------------------------------- order


def order_test(counts: Counts | Events, *, rng: Rng, n_draws: int = 199) -> TestResult:
    """Test whether the present state says all that the one before it could say about the next.

    Null: the next state depends on the present one alone, in every session by its own probabilities. Alternative: it
    depends on the state before as well. Statistic: 2 sum n_ijk ln[n_ijk n_.j. / (n_ij. n_.jk)] over consecutive triples
    of all trajectories together.

    Parameters
    ----------
    counts : Counts or Events
        Counts with single transitions that follow each other.
    rng : Generator
    n_draws : int
        Draws from the reference law.

    Returns
    -------
    TestResult
        Without a p-value, but a reason, where no trajectories were recorded or no other order of any of them gives
        other triples.

    Notes
    -----
    Reference law: given its start and its transition counts, all orders of a trajectory are equally likely under the
    null. It is exact for any number of counts, and where every session has probabilities of its own, which a pooled
    likelihood ratio takes for memory. Orders are drawn directly and independently (`Trails`).

    *When it is wrong*: it has no power against a memory that single sessions are too short to show. Probabilities that
    change with the step, and lumped states, look like memory too: it is then true that the present state is not enough.

    References
    ----------
    Anderson and Goodman (1957), Ann. Math. Stat. 28, 89, eq. 4.6 (statistic); Besag and Mondal (2013), Biometrics 69,
    488 (exact tests of Markov chains).

    Examples
    --------
    >>> from dataclasses import replace
    >>> from loopstat import Labels, Panel
    >>> panel = Panel.from_arrays([np.zeros((80, 1))])
    >>> panel = replace(panel, labels={"state": Labels.of(["a", "a", "b", "b"] * 20)})
    >>> order_test(Counts.of_panel(panel), rng=np.random.default_rng(0)).p_value
    0.005
    """
    events = counts.events if isinstance(counts, Counts) else counts
    _check_draws(n_draws)
    if events is None:
        return TestResult.impossible("the table has no sessions: what came before a state is not known.")
    trails = Trails.of(events, least=2)
    if trails.n_triples < 2:
        return TestResult.impossible("no session holds three states in a row: nothing shows what the first one does.")

    def statistic(pair: Int) -> float:
        return _order_ratio(trails, pair)

    observed = statistic(trails.pair)
    seen = np.array([statistic(trails.reordered(trails.pair, rng)) for _ in range(n_draws)])
    if _all_same(observed, seen):
        return TestResult.impossible("no other order of the transitions of a session gives other triples of states.")
    return TestResult(_placed(observed, seen), observed, _order_df(trails), WITHIN, n_draws)


def _order_ratio(trails: Trails, pair: Int) -> float:
    """Return the likelihood ratio of order 2 against order 1 for the transitions in one order."""
    early, late = np.ones(len(pair), np.bool_), np.ones(len(pair), np.bool_)
    early[trails.run[1:] - 1] = False  # the last transition of a trajectory starts no triple
    late[trails.run[:-1]] = False
    before, after = pair[early], pair[late]
    middle = np.bincount(trails.target[before])
    total = sum_n_ln_n(before, after) + _n_ln_n(middle)
    return 2 * (total - _n_ln_n(np.bincount(before)) - _n_ln_n(np.bincount(after)))


def _order_df(trails: Trails) -> float:
    """Return sum_j (distinct states before j - 1)(distinct states after j - 1)."""
    before, after = (np.bincount(codes, minlength=trails.n_states) for codes in (trails.target, trails.source))
    return float(np.sum(np.maximum(before - 1, 0) * np.maximum(after - 1, 0)))


# ---------------------------------------------------------------------- sameness


def homogeneity_test(
    counts: Counts, *, over: Literal["steps", "sessions"] | str, rng: Rng, n_draws: int = 199
) -> TestResult:
    """Test whether one set of transition probabilities holds throughout.

    Null: the probabilities are the same in the early and the late steps, or in all clusters of sessions. Alternative:
    they differ. Statistic: the likelihood ratio 2 sum n^b_ij ln[n^b_ij N_i / (N^b_i n_ij)] over blocks b.

    Parameters
    ----------
    counts : Counts
        With single transitions.
    over : `steps` or `sessions`
        Two blocks, up to the median step and after it; or one block for each cluster (session, task).
    rng : Generator
    n_draws : int
        Draws from the reference law.

    Returns
    -------
    TestResult
        Without a p-value, but a reason, where no state was left in two blocks and for two states.

    Notes
    -----
    Reference law over steps: all orders of each session with the same start and transition counts, exact whether or not
    sessions differ. Over sessions: all collections of sessions with the same starts, lengths and transition counts of
    all together, by turns reordered and recombined (`Trails`); exact too.
    Permuting sessions among the transitions out of each state, as is usual, rejects 87 % of alike sessions of 15 steps
    in states that last: a session has many visits to a state *because* they were stays.

    Draws given their parent (lineages): over sessions, sessions that draw from one parent state the same number of
    draws before their ends exchange what follows. Exact where the next parent depends on the parent and its child
    alone, as when the better of the two is kept; a permutation rejects 69 % of such sessions of 8 draws. Over steps,
    draws are permuted among those from one parent state: right for many sessions (4 to 6 % at 30 of them), but it takes
    sessions that differ, and of which the longer ones are of one kind, for a change.

    Few arrangements make the test err on the safe side: over steps it rejects 2 % at 30 sessions of 8 steps in states
    that last.

    *When it is wrong*: over steps, a change that goes back and forth is hardly seen. Over sessions, short ones show
    little, and memory beyond the present state can look like a difference. Where the length of a session depends on
    what happened in it, lengths are not given, and the law over sessions is no longer exact. Populations, whose parents
    are chosen among all before, hardly ever reject (1 % of alike sessions of 8 draws, 0 % of 20), and would not where
    they should.

    References
    ----------
    Anderson and Goodman (1957), Ann. Math. Stat. 28, 89, section 3 (statistic); Besag and Clifford (1989), Biometrika
    76, 633 (the series of draws).

    Examples
    --------
    >>> from dataclasses import replace
    >>> from loopstat import Labels, Panel
    >>> panel = Panel.from_arrays([np.zeros((80, 1))])
    >>> panel = replace(panel, labels={"state": Labels.of(["a", "b"] * 20 + ["a", "a", "a", "b"] * 10)})
    >>> homogeneity_test(Counts.of_panel(panel), over="steps", rng=np.random.default_rng(0)).p_value
    0.005
    """
    if over not in ("steps", "sessions"):
        raise SettingsError(f"`over` must be steps or sessions. Got {over!r}.")
    _check_draws(n_draws)
    events = counts.events
    if events is None:
        return TestResult.impossible("the table has no single transitions, so no steps or sessions to compare.")
    trails = Trails.of(events, sessions=over == "sessions" and not events.trajectories)
    if over == "sessions" and events.trajectories:
        method, drawn = ACROSS, _across(trails, rng, n_draws)
    else:
        method = WITHIN if events.trajectories else RELABELLED if over == "steps" else RECOMBINED
        draw = trails.reordered if events.trajectories else trails.recombined
        drawn = (draw(trails.pair, rng) for _ in range(n_draws))
    block = _halves(events.step[trails.event]) if over == "steps" else events.cluster[trails.event]
    return _compared(trails, block, drawn, method, over)


def _across(trails: Trails, rng: Rng, n_draws: int) -> Iterator[Int]:
    """Yield trajectories with the same starts, lengths and transition counts, all of them together.

    Besag and Clifford's serial scheme: the recording stands at a random place of a series of draws, run backwards and
    forwards from it, so that it is exchangeable with the others however slowly the series mixes.
    """
    pair, backwards = trails.pair, int(rng.integers(n_draws + 1))
    for _ in range(backwards):
        pair = trails.reordered(trails.recombined(pair, rng), rng)
        yield pair
    pair = trails.pair
    for _ in range(n_draws - backwards):
        pair = trails.recombined(trails.reordered(pair, rng), rng)
        yield pair


def _halves(step: Int) -> Int:
    """Return 0 up to the median step and 1 after it."""
    return (step > np.floor(np.median(step)) if len(step) else np.zeros(0)).astype(np.int64)


def _compared(trails: Trails, block: Int, drawn: Iterable[Int], method: str, over: str) -> TestResult:
    """Return the test that the transitions out of each state are distributed alike in all blocks.

    Parameters
    ----------
    trails : Trails
    block : int array, shape (n_transitions,)
    drawn : iterable of int arrays, shape (n_transitions,)
        Pairs of states in orders from the reference law.
    method, over : str
    """
    _, block = np.unique(block, return_inverse=True)
    df = _block_df(trails, block)
    if df == 0:
        return TestResult.impossible(f"no state was left for two states in two blocks of {over}: nothing to compare.")
    total = _n_ln_n(np.bincount(trails.source[trails.pair])) - _n_ln_n(np.bincount(trails.pair))

    def statistic(pair: Int) -> float:
        return 2 * (sum_n_ln_n(block, pair) - sum_n_ln_n(block, trails.source[pair]) + total)

    observed, seen = statistic(trails.pair), np.array([statistic(pair) for pair in drawn])
    if _all_same(observed, seen):
        return TestResult.impossible(f"no rearrangement of the transitions changes how blocks of {over} differ.")
    return TestResult(_placed(observed, seen), observed, df, method, len(seen))


def _block_df(trails: Trails, block: Int) -> float:
    """Return sum_i (blocks that leave i - 1)(states that follow i - 1)."""
    blocks = np.bincount(np.unique(block * trails.n_states + trails.source[trails.pair]) % max(trails.n_states, 1))
    targets = np.bincount(trails.source)
    return float(np.sum(np.maximum(blocks - 1, 0) * np.maximum(targets - 1, 0)))


# ---------------------------------------------------------------------- sums and places


def _logs(n: Int) -> Float:
    return n_ln_n(int(n.max(initial=0)))[n]


def _n_ln_n(n: Int) -> float:
    return float(_logs(n).sum())


def _slack(observed: float) -> float:
    return SAME * max(abs(observed), 1.0)


def _all_same(observed: float, seen: Float) -> bool:
    return bool(np.all(np.abs(seen - observed) <= _slack(observed)))


def _placed(observed: float, seen: Float) -> float:
    """Return the share of the recording and its rearrangements that are at least as far out."""
    return float(draws_p(np.sum(seen >= observed - _slack(observed)), len(seen)))


def _check_draws(n_draws: int) -> None:
    if n_draws < 1 or int(n_draws) != n_draws:
        raise SettingsError(f"`n_draws` must be an int of at least 1. Got {n_draws!r}.")
