"""Tests of order and sameness: samplers against enumeration, levels, power, and what cannot be tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from itertools import pairwise, permutations, product
from math import log
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from loopstat import SettingsError
from loopstat.balance.tests.order import _across, homogeneity_test, order_test
from loopstat.balance.tests.shuffles import Trails, n_ln_n, sum_n_ln_n
from loopstat.inference.estimate import TestResult
from loopstat.panel.tally import Counts, Events
from loopstat.results.record import dump

Rng = np.random.Generator
Test = Callable[[Rng], TestResult]

RARE = 1e-4  # chance that a right sampler fails its chi-square, were the seed not fixed
CLIMB = np.array([[0.8, 0.15, 0.04, 0.01], [0.3, 0.5, 0.15, 0.05], [0.1, 0.3, 0.5, 0.1], [0.1, 0.2, 0.3, 0.4]])


def events_of(sessions: Iterable[Any]) -> Events:
    """Return trajectories, each a sequence of codes, as transitions that follow each other."""
    paths = [np.asarray(x, dtype=np.int64) for x in sessions]
    long = [len(x) - 1 for x in paths]
    of = np.repeat(np.arange(len(paths)), long)
    step = np.concatenate([np.arange(n) for n in long])
    source, target = np.concatenate([x[:-1] for x in paths]), np.concatenate([x[1:] for x in paths])
    return Events(source, target, of, of, step, step > 0, tuple(str(k) for k in range(len(paths))))


def draws_of(sessions: Iterable[tuple[Any, Any]]) -> Events:
    """Return sessions of parents and their children as draws that do not follow each other."""
    each = [np.array(pair, dtype=np.int64).reshape(2, -1) for pair in sessions]
    of = np.repeat(np.arange(len(each)), [pair.shape[1] for pair in each])
    source, target = np.concatenate(each, axis=1)
    step = np.concatenate([np.arange(pair.shape[1]) for pair in each])
    return Events(source, target, of, of, step, np.zeros(len(of), np.bool_), tuple(str(k) for k in range(len(each))))


def counted(events: Events) -> Counts:
    n = int(max(events.source.max(), events.target.max())) + 1
    return replace(Counts.of(events.source, events.target, states=[str(k) for k in range(n)]), events=events)


def path(P: np.ndarray, steps: int, rng: Rng, start: int | None = None) -> list[int]:
    cumulative, x = P.cumsum(axis=1), [int(rng.integers(len(P))) if start is None else start]
    for u in rng.random(steps - 1):
        x.append(min(int(np.searchsorted(cumulative[x[-1]], u, side="right")), len(P) - 1))
    return x


def lasting(stay: float, n: int = 3) -> np.ndarray:
    P = np.full((n, n), (1 - stay) / (n - 1))
    P[np.diag_indices(n)] = stay
    return P


def keep_the_better(P: np.ndarray, draws: int, rng: Rng) -> tuple[list[int], list[int]]:
    parents, children, now = [], [], 0
    for _ in range(draws):
        parents.append(now)
        children.append(path(P, 2, rng, now)[1])
        now = max(now, children[-1])
    return parents, children


# ------------------------------------------------------------------------------ samplers against enumeration


def moves(x: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple(pairwise(x))


def alike(sessions: list[tuple[int, ...]], n: int, key: Callable[[list[tuple[int, ...]]], Hashable]) -> set[Hashable]:
    """Return all collections of sequences with the same starts, lengths and key."""
    long = [len(x) - 1 for x in sessions]
    cuts, wanted, found = np.cumsum([0, *long]), key(sessions), set()
    for x in product(range(n), repeat=sum(long)):
        made = [(s[0], *x[a:b]) for s, (a, b) in zip(sessions, pairwise(cuts), strict=True)]
        if key(made) == wanted:
            found.add(tuple(made))
    return found


def sequences(trails: Trails, pair: np.ndarray) -> Hashable:
    """Return the sequences of states of every trajectory in one arrangement of its transitions."""
    out = []
    for a, b in pairwise(trails.run):
        source, target = trails.source[pair[a:b]], trails.target[pair[a:b]]
        assert np.array_equal(source[1:], target[:-1])
        out.append((int(source[0]), *target.tolist()))
    return tuple(out)


def uniform(drawn: list[Hashable], possible: set[Hashable]) -> None:
    seen = Counter(drawn)
    assert set(seen) <= possible
    assert chisquare([seen[x] for x in possible]).pvalue > RARE


def every_session(sessions: list[tuple[int, ...]]) -> Hashable:
    return tuple(tuple(sorted(moves(x))) for x in sessions)


def all_together(sessions: list[tuple[int, ...]]) -> Hashable:
    return tuple(sorted(m for x in sessions for m in moves(x)))


def from_the_end(sessions: list[tuple[int, ...]]) -> Hashable:
    return tuple(sorted((len(x) - 2 - t, m) for x in sessions for t, m in enumerate(moves(x))))


@pytest.mark.slow
@pytest.mark.parametrize(
    "sessions",
    [
        [(0, 1, 0, 2, 0, 0, 1, 2, 0)],
        [(0, 0, 1, 1, 2, 0, 1, 2, 2)],
        [(0, 1, 1, 2, 1, 0), (1, 0, 0, 1, 0, 0, 1)],
    ],
    ids=["closed", "open", "two sessions"],
)
def test_orders_are_uniform_over_all_with_the_same_counts(sessions: list[tuple[int, ...]]) -> None:
    possible = alike(sessions, 1 + max(max(x) for x in sessions), every_session)
    assert len(possible) > 5
    trails, rng = Trails.of(events_of(sessions)), np.random.default_rng(0)
    drawn = [sequences(trails, trails.reordered(trails.pair, rng)) for _ in range(60 * len(possible))]
    uniform(drawn, possible)


def test_exchanged_tails_are_uniform_over_all_with_the_same_moves_at_each_distance() -> None:
    sessions = [(0, 1, 0, 1, 1), (1, 0, 0, 1), (0, 0, 1, 0), (0, 1, 1)]
    possible = alike(sessions, 2, from_the_end)
    assert len(possible) > 10
    trails, rng = Trails.of(events_of(sessions)), np.random.default_rng(1)
    drawn = [sequences(trails, trails.recombined(trails.pair, rng)) for _ in range(60 * len(possible))]
    uniform(drawn, possible)


@pytest.mark.parametrize("n_draws", [1, 3])
def test_the_series_over_sessions_leaves_the_uniform_law_as_it_is(n_draws: int) -> None:
    # From every possible recording alike: where the series goes from them must be uniform again.
    sessions = [(0, 1, 1, 0), (1, 0, 0, 1), (0, 0, 1)]
    possible, rng = alike(sessions, 2, all_together), np.random.default_rng(2)
    drawn = []
    for made in sorted(possible):  # type: ignore[type-var]
        trails = Trails.of(events_of(made))  # type: ignore[arg-type]
        places = rng.integers(n_draws, size=50)
        drawn += [sequences(trails, list(_across(trails, rng, n_draws))[k]) for k in places]
    uniform(drawn, possible)
    assert len(possible) > 10


def test_lineages_exchange_what_follows_the_same_parent() -> None:
    sessions = [([0, 0, 1, 1], [0, 1, 2, 1]), ([0, 1, 1], [1, 0, 1]), ([0, 0, 1], [0, 1, 0])]
    long = [len(parents) for parents, _ in sessions]
    # Parent, child and next parent of every draw, by the number of draws left: those of one number change places.
    left: list[list[tuple[int, int, int]]] = [[] for _ in range(max(long))]
    for parents, children in sessions:
        for t, draw in enumerate(zip(parents, children, [*parents[1:], -1], strict=True)):
            left[len(parents) - 1 - t].append(draw)
    possible: set[Hashable] = set()
    for places in product(*(permutations(level) for level in left)):
        made = [
            [at[k - sum(n <= d for n in long[:k])] for d, at in enumerate(places) if n > d] for k, n in enumerate(long)
        ]
        joined = all(late[0] == early[2] for x in made for late, early in pairwise(x))
        if joined and all(x[-1][0] == parents[0] for x, (parents, _) in zip(made, sessions, strict=True)):
            possible.add(tuple(tuple(draw[:2] for draw in reversed(x)) for x in made))
    assert len(possible) > 10
    trails, rng = Trails.of(draws_of(sessions), sessions=True), np.random.default_rng(3)

    def seen(pair: np.ndarray) -> Hashable:
        flat = list(zip(trails.source[pair].tolist(), trails.target[pair].tolist(), strict=True))
        return tuple(tuple(flat[a:b]) for a, b in pairwise(trails.run))

    uniform([seen(trails.recombined(trails.pair, rng)) for _ in range(60 * len(possible))], possible)


def test_order_statistic_by_hand() -> None:
    # 0 0 1 0 1 1 0: triples 001 010 101 011 110 around a middle of 0: 0-1, 1-1; of 1: 0-0, 0-1, 1-0.
    test = order_test(events_of([(0, 0, 1, 0, 1, 1, 0)]), rng=np.random.default_rng(0), n_draws=19)
    about_1 = 3 * log(3) - 2 * (2 * log(2))
    assert test.statistic == pytest.approx(2 * (about_1 + 2 * log(2) - 2 * log(2)))
    assert test.df == 2


def test_sums_of_n_ln_n() -> None:
    assert n_ln_n(3)[:4].tolist() == pytest.approx([0, 0, 2 * log(2), 3 * log(3)])
    group, key = np.array([0, 1, 0, 1, 0, 2]), np.array([5, 5, 5, 0, 5, 5])
    assert sum_n_ln_n(group, key) == pytest.approx(3 * log(3))
    assert sum_n_ln_n(np.zeros(0, np.int64), np.zeros(0, np.int64)) == 0


# ------------------------------------------------------------------------------ levels


def _order(events: Events, rng: Rng) -> TestResult:
    return order_test(events, rng=rng, n_draws=19)


def _over(events: Events, over: str, rng: Rng) -> TestResult:
    return homogeneity_test(counted(events), over=over, rng=rng, n_draws=19)


def _own(rng: Rng, low: int, high: int) -> Events:
    """Return 20 sessions, each of a chain and a length of its own."""
    return events_of(path(rng.dirichlet(np.ones(4), 4), int(rng.integers(low, high)), rng) for _ in range(20))


LEVELS: dict[str, Test] = {
    "order, sessions that differ": lambda rng: _order(_own(rng, 25, 26), rng),
    "steps, sessions that differ": lambda rng: _over(_own(rng, 4, 40), "steps", rng),
    "sessions of 8": lambda rng: _over(events_of(path(lasting(0.9), 8, rng) for _ in range(30)), "sessions", rng),
    "sessions of 15": lambda rng: _over(events_of(path(lasting(0.9), 15, rng) for _ in range(30)), "sessions", rng),
    "sessions of 50": lambda rng: _over(events_of(path(lasting(0.9), 50, rng) for _ in range(15)), "sessions", rng),
    "unequal sessions": lambda rng: _over(
        events_of(path(lasting(0.9), int(rng.integers(3, 40)), rng) for _ in range(20)), "sessions", rng
    ),
    "lineages over sessions": lambda rng: _over(
        draws_of(keep_the_better(CLIMB, 8, rng) for _ in range(30)), "sessions", rng
    ),
    "lineages over steps": lambda rng: _over(draws_of(keep_the_better(CLIMB, 8, rng) for _ in range(30)), "steps", rng),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEVELS)
def test_true_nulls_are_rejected_at_the_level(name: str) -> None:
    # 250 recordings, 19 draws: p is 0.05 in a share 0.05 +- 0.014. Above 0.105 less than once in 10,000 runs.
    p = np.array([LEVELS[name](np.random.default_rng([11, k])).p_value for k in range(250)])
    assert np.mean(p <= 0.05) < 0.105
    assert 0.4 < np.nanmean(p) < 0.62


# ------------------------------------------------------------------------------ power


def _second_order(rng: Rng) -> list[int]:
    x = [0, 1]
    while len(x) < 30:
        x.append(x[-2] if rng.random() < 0.5 else int(rng.integers(3)))
    return x


def _changing(rng: Rng) -> list[int]:
    early = path(lasting(0.8), 15, rng)
    return early + path(lasting(0.4), 15, rng, early[-1])[1:]


UNLIKE: dict[str, Test] = {
    "a memory of two steps": lambda rng: order_test(events_of(_second_order(rng) for _ in range(15)), rng=rng),
    "a change with the step": lambda rng: homogeneity_test(
        counted(events_of(_changing(rng) for _ in range(30))), over="steps", rng=rng
    ),
    "two kinds of sessions": lambda rng: homogeneity_test(
        counted(events_of(path(lasting((0.4, 0.85)[k % 2]), 40, rng) for k in range(20))), over="sessions", rng=rng
    ),
    "two long sessions": lambda rng: homogeneity_test(
        counted(events_of(path(lasting(stay), 500, rng) for stay in (0.6, 0.85))), over="sessions", rng=rng
    ),
    "two kinds of lineages": lambda rng: homogeneity_test(
        counted(draws_of(keep_the_better((CLIMB, CLIMB[:, ::-1])[k % 2], 20, rng) for k in range(60))),
        over="sessions",
        rng=rng,
    ),
}


@pytest.mark.parametrize("name", UNLIKE)
def test_what_differs_is_found(name: str) -> None:
    assert all(UNLIKE[name](np.random.default_rng(seed)).p_value == 0.005 for seed in range(3))


# ------------------------------------------------------------------------------ what cannot be tested


def _reason(test: TestResult, sentence: str) -> None:
    assert np.isnan([test.p_value, test.statistic, test.df]).all()
    assert sentence in test.reason
    assert dump(test)["p_value"] is None
    assert dump(test)["method"] is None


def test_orders_that_cannot_be_tested() -> None:
    rng = np.random.default_rng(0)
    _reason(order_test(Counts.of_matrix([[1, 2], [3, 4]]), rng=rng), "no sessions")
    _reason(order_test(events_of([(0, 1), (1, 0)]), rng=rng), "three states in a row")
    _reason(order_test(events_of([(0, 1, 2, 3)]), rng=rng), "no other order")
    _reason(order_test(draws_of([([0, 0, 1], [0, 1, 1])]), rng=rng), "three states in a row")
    _reason(order_test(events_of([(0, 0, 0, 0)] * 3), rng=rng), "no other order")


def test_sameness_that_cannot_be_tested() -> None:
    rng = np.random.default_rng(0)
    for over in ("steps", "sessions"):
        _reason(homogeneity_test(Counts.of_matrix([[1, 2], [3, 4]]), over=over, rng=rng), "no single transitions")
        _reason(homogeneity_test(counted(events_of([(0, 1, 0, 1, 0)] * 3)), over=over, rng=rng), "nothing to compare")
    one = counted(events_of([(0, 1, 0, 0, 1)]))
    _reason(homogeneity_test(one, over="sessions", rng=rng), "nothing to compare")


def test_nonsense_is_refused() -> None:
    rng, counts = np.random.default_rng(0), counted(events_of([(0, 1, 0, 0, 1)]))
    with pytest.raises(SettingsError, match="`over`"):
        homogeneity_test(counts, over="models", rng=rng)
    for n_draws in (0, 1.5):
        with pytest.raises(SettingsError, match="`n_draws`"):
            order_test(counts, rng=rng, n_draws=n_draws)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_test() -> None:
    counts = counted(_own(np.random.default_rng(4), 10, 20))
    for over in ("steps", "sessions"):
        first, again = (homogeneity_test(counts, over=over, rng=np.random.default_rng(5)) for _ in range(2))
        assert first == again
    assert order_test(counts, rng=np.random.default_rng(5)) == order_test(counts.events, rng=np.random.default_rng(5))  # type: ignore[arg-type]
