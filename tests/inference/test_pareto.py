"""Who is better on everything: published shares, plain references, mixed directions, equal numbers, intervals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from loopstat import LinearDrift, Objective, Panel
from loopstat.analysis.analyze import Analysis, analyze
from loopstat.inference.pareto import (
    MIN_CLUSTERS,
    ParetoGroup,
    attainment,
    half_curve,
    hypervolume,
    nondominated,
    pareto,
    reference_point,
)
from loopstat.results.record import dump
from simulated import run


def free_by_hand(points: np.ndarray) -> list[bool]:
    """Whether no other point is at least as good everywhere and better somewhere, pair by pair."""
    return [not any(np.all(q >= p) and np.any(q > p) for q in points) for p in points]


def volume_by_hand(points: np.ndarray, corner: np.ndarray) -> float:
    """Volume of a union of boxes by inclusion and exclusion."""
    total = 0.0
    for k in range(1, len(points) + 1):
        for some in itertools.combinations(points, k):
            total -= (-1) ** k * float(np.prod(np.maximum(np.min(some, axis=0) - corner, 0.0)))
    return total


def ends(x: np.ndarray, **settings: object) -> Panel:
    """Return a panel of two-step sessions that end at `x`."""
    objectives = settings.pop("objectives", None)
    return Panel.from_arrays([np.stack([row, row]) for row in x], objectives=objectives, **settings)  # type: ignore[arg-type]


def stand(*parts: np.ndarray, seed: int = 0, objectives: list[Objective] | None = None) -> tuple[ParetoGroup, ...]:
    """Return the standing of groups of ends `a`, `b`..."""
    named = [
        (chr(97 + k), ends(x, objectives=objectives, session_names=[f"{k}-{i}" for i in range(len(x))]))
        for k, x in enumerate(parts)
    ]
    return pareto(named, rng=np.random.default_rng(seed))


def normal(n: int, n_obj: int, seed: int, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng([seed, 5]).normal(mean, 1, (n, n_obj))


# ----------------------------------------------------------------------- dominance, volume


@pytest.mark.parametrize(("n", "share"), [(20, 0.37), (100, 0.15), (400, 0.06)])
def test_share_of_three_independent_objectives(n: int, share: float) -> None:
    # 300 draws know the share to 0.006, 0.002 and 0.001; the figures are rounded to 0.01.
    rng = np.random.default_rng(1)
    assert np.mean([nondominated(rng.normal(size=(n, 3))).mean() for _ in range(300)]) == pytest.approx(share, abs=0.02)


def test_expected_number_of_two_independent_objectives_is_the_harmonic_number() -> None:
    # sum 1/k for 50 points is 4.50; 2,000 draws know it to 0.04.
    rng = np.random.default_rng(2)
    found = np.mean([nondominated(rng.random((50, 2))).sum() for _ in range(2000)])
    assert found == pytest.approx(sum(1 / k for k in range(1, 51)), abs=0.16)


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 25), st.integers(2, 5)), elements=st.integers(0, 3)))
def test_tied_points_are_judged_as_pair_by_pair(points: np.ndarray) -> None:
    assert nondominated(points).tolist() == free_by_hand(points)


@pytest.mark.parametrize("n_obj", [2, 3, 4, 5])
def test_random_points_are_judged_as_pair_by_pair(n_obj: int) -> None:
    for n in (1, 2, 60):
        points = normal(n, n_obj, n)
        assert nondominated(points).tolist() == free_by_hand(points)


def test_copies_all_stay() -> None:
    assert nondominated(np.ones((7, 3))).all()


@pytest.mark.parametrize("n_obj", [2, 3, 4, 5])
def test_volume_is_that_of_the_union_of_boxes(n_obj: int) -> None:
    for seed in range(10):
        points = normal(7, n_obj, seed)
        corner = np.full(n_obj, -0.5)  # some points are no better than it: they count for nothing
        assert hypervolume(points, corner) == pytest.approx(volume_by_hand(points, corner))


@pytest.mark.parametrize("n_obj", [2, 5])
def test_volume_of_many_points_by_throwing_darts(n_obj: int) -> None:
    # 200,000 darts know the share to 0.0011.
    rng = np.random.default_rng(3)
    points = rng.random((40, n_obj))
    darts = rng.random((200_000, n_obj))
    hit = np.zeros(len(darts), dtype=bool)
    for p in points:
        hit |= np.all(darts <= p, axis=1)
    assert hypervolume(points, np.zeros(n_obj)) == pytest.approx(hit.mean(), abs=0.005)


def test_volume_of_nothing_better_than_the_reference_is_nothing() -> None:
    assert hypervolume(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.zeros(2)) == 0
    assert hypervolume(np.array([[2.0, 3.0]] * 4), np.zeros(2)) == 6


def test_attainment_is_the_share_at_least_as_good() -> None:
    x = normal(50, 2, 4)
    grid = np.stack([np.linspace(-2, 2, 7), np.linspace(-1, 3, 7)])
    found = attainment(x, grid)
    for a, b in itertools.product(range(7), repeat=2):
        assert found[a, b] == pytest.approx(np.mean((x[:, 0] >= grid[0, a]) & (x[:, 1] >= grid[1, b])))
    assert np.all(np.diff(found, axis=0) <= 0)
    assert np.all(np.diff(found, axis=1) <= 0)


def test_half_of_the_ends_reach_the_line_and_not_beyond() -> None:
    for seed in range(20):
        points = normal(60, 2, seed)
        curve = half_curve(points, points.min(axis=0))
        reach = [np.mean(np.all(points >= corner, axis=1)) for corner in curve]
        assert min(reach) >= 0.5
        outer = [np.mean(np.all(points > corner, axis=1)) for corner in curve[1:-1]]
        assert min(outer) < 0.53, "the line is where the half ends"
        assert np.all(np.diff(curve[:, 0]) >= 0)
        assert np.all(np.diff(curve[:, 1]) <= 0)


# --------------------------------------------------------------------------------- groups


@pytest.mark.slow
def test_any_mix_of_directions_is_the_same_question() -> None:
    x, y = normal(30, 3, 5), normal(40, 3, 6, 0.3)
    up = stand(x, y)
    for signs in itertools.product((1, -1), repeat=3):
        objectives = [Objective(f"o{j}", maximize=s > 0) for j, s in enumerate(signs)]
        turned = stand(x * signs, y * signs, objectives=objectives)
        for a, b in zip(up, turned, strict=True):
            assert a.share_final.triple == pytest.approx(b.share_final.triple)
            assert a.hypervolume.triple == pytest.approx(b.hypervolume.triple)
            np.testing.assert_allclose(a.reference * signs, b.reference)
            np.testing.assert_allclose(a.ends * signs, b.ends)


def test_the_reference_is_a_bound_or_else_the_worst_end() -> None:
    objectives = [
        Objective("bounded", low=-9.0, high=9.0),
        Objective("open"),
        Objective("cost", maximize=False, low=-7.0, high=8.0),
        Objective("time", maximize=False),
    ]
    x, y = normal(20, 4, 7), normal(30, 4, 8)
    both = np.concatenate([x, y])
    found = reference_point([ends(p, objectives=objectives) for p in (x, y)])
    np.testing.assert_allclose(found, [-9.0, both[:, 1].min(), 8.0, both[:, 3].max()])
    assert all(np.array_equal(g.reference, found) for g in stand(x, y, objectives=objectives))


@pytest.mark.slow
def test_groups_are_compared_on_equal_numbers() -> None:
    # Groups of one law: on equal numbers the large one has no handicap (400 ends by themselves would have 0.06). Of 40
    # points drawn together 0.26 are free; 40 pairs of groups know each share to 0.015.
    found = [stand(normal(20, 3, k), normal(400, 3, k + 900)) for k in range(40)]
    assert all(g.n_compared == 20 for groups in found for g in groups)
    small, large = (np.mean([groups[k].share_final.value for groups in found]) for k in range(2))
    assert large == pytest.approx(0.26, abs=0.06)
    assert small == pytest.approx(large, abs=0.09)
    volumes = [stand(normal(20, 3, k), normal(200, 3, k + 50))[1].hypervolume.triple for k in range(6)]
    assert all(low < value < high for value, low, high in volumes)


def test_what_is_better_stands_higher() -> None:
    good, bad = stand(normal(40, 2, 11, 1.5), normal(40, 2, 12))
    assert good.share_final.value > bad.share_final.value
    assert good.hypervolume.low > bad.hypervolume.high, "surely"
    assert bad.share_final.value < 0.05


def test_paths_are_points_of_their_own() -> None:
    # Sessions that come down from high: their ends lose, their ways win.
    down = np.linspace(5, 0, 6)[None, :, None] + 0.1 * normal(120, 2, 13).reshape(20, 6, 2)
    flat = 2 + 0.1 * normal(120, 2, 14).reshape(20, 6, 2)
    found = pareto(
        [(n, Panel.from_arrays(list(x))) for n, x in (("down", down), ("flat", flat))], rng=np.random.default_rng(0)
    )
    assert found[0].share_final.value == 0
    assert found[0].share_path.value > 0
    assert found[1].share_path.value == 0


def test_shares_stay_between_nothing_and_all() -> None:
    for seed in range(5):
        for g in stand(normal(8, 4, seed), normal(9, 4, seed + 20)):
            for value, low, high in (g.share_final.triple, g.share_path.triple):
                assert 0 <= low <= value <= high <= 1
            value, low, high = g.hypervolume.triple
            assert 0 <= low <= value <= high


def test_few_clusters_have_no_interval() -> None:
    tasks = [f"t{k % (MIN_CLUSTERS - 1)}" for k in range(12)]
    parts = [
        ("few", ends(normal(12, 2, 15), labels={"task": tasks})),
        ("many", ends(normal(30, 2, 16), labels={"task": [f"t{k}" for k in range(30)]})),
    ]
    few, many = pareto(parts, cluster="task", rng=np.random.default_rng(0))
    assert np.isnan(few.share_final.triple[1:]).all()
    assert not np.isnan(many.share_final.triple[1:]).any()


def test_intervals_follow_the_cluster() -> None:
    # Four copies of each end on one task are one observation, not four.
    x = [normal(12, 2, k) for k in (17, 18)]
    panels = [ends(np.repeat(p, 4, axis=0), labels={"task": [f"t{k}" for k in range(12) for _ in range(4)]}) for p in x]
    by_task, by_session = (
        pareto([("a", panels[0]), ("b", panels[1])], cluster=c, rng=np.random.default_rng(0)) for c in (None, "session")
    )
    widths = [np.mean([g.hypervolume.high - g.hypervolume.low for g in found]) for found in (by_task, by_session)]
    assert widths[0] > 1.4 * widths[1]


def test_nothing_to_compare_is_nothing() -> None:
    assert stand(normal(20, 2, 19)) == ()
    assert stand(normal(20, 1, 20), normal(20, 1, 21)) == ()
    assert pareto([], rng=np.random.default_rng(0)) == ()
    empty = Panel.from_arrays([np.full((2, 2), np.nan)] * 3)
    assert pareto([("a", empty), ("b", ends(normal(9, 2, 22)))], rng=np.random.default_rng(0)) == ()


def test_groups_without_ends_are_left_out() -> None:
    empty = Panel.from_arrays([np.full((2, 2), np.nan)] * 3)
    parts = [("a", ends(normal(12, 2, 23))), ("none", empty), ("few", ends(normal(3, 2, 22)))]
    parts.append(("b", ends(normal(12, 2, 24))))
    assert [g.label for g in pareto(parts, rng=np.random.default_rng(0))] == ["a", "b"]


def test_the_same_seed_gives_the_same_standing() -> None:
    x, y = normal(30, 3, 25), normal(50, 3, 26)
    first, again, other = stand(x, y), stand(x, y), stand(x, y, seed=1)
    assert [dump(g) for g in first] == [dump(g) for g in again]
    assert first[1].share_final != other[1].share_final


def test_round_trip() -> None:
    x = np.concatenate([run(np.diag([0.5, 0.4]), np.eye(2), sessions=12, steps=5, seed=k) for k in range(2)])
    panel = Panel.from_arrays(list(x), labels={"strategy": ["a"] * 12 + ["b"] * 12})
    result = analyze(panel, by=["strategy"], estimator=LinearDrift("pooled", n_boot=20))
    data = result.to_dict()
    assert Analysis.from_dict(data).to_dict()["pareto"] == data["pareto"]
    assert list(data["pareto"][0]) == [
        "label",
        *(f"{k}{e}" for k in ("share_final", "share_path", "hypervolume") for e in ("", "_low", "_high")),
        "n_compared",
        "n_volume",
        "reference",
    ]


# -------------------------------------------------------------------------------- intervals


@pytest.fixture(scope="module")
def standings() -> list[tuple[ParetoGroup, ...]]:
    """120 panels of two groups of 40 ends; bounds fix the corner, so that the expected volume is one number."""
    objectives = [Objective(n, low=-4.0, high=6.0) for n in "xyz"]
    return [
        stand(normal(40, 3, seed), normal(40, 3, seed + 1000, 0.5), seed=seed, objectives=objectives)
        for seed in range(120)
    ]


def covered(standings: list[tuple[ParetoGroup, ...]], key: str, k: int) -> float:
    """Return how often an interval holds the mean of all panels: the expected figure on this many ends."""
    triples = np.array([getattr(groups[k], key).triple for groups in standings])
    truth = triples[:, 0].mean()
    return float(np.mean((triples[:, 1] <= truth) & (truth <= triples[:, 2])))


@pytest.mark.slow
@pytest.mark.parametrize("k", [0, 1])
@pytest.mark.parametrize("key", ["share_final", "share_path"])
def test_intervals_of_shares_cover(standings: list[tuple[ParetoGroup, ...]], key: str, k: int) -> None:
    # 0.95 to 0.99 in 150 panels of several sizes: halves are a little wide.
    # A true 0.93 gives 0.85 once in 1,000; 4 tests.
    assert 0.85 < covered(standings, key, k) <= 1


@pytest.mark.parametrize("k", [0, 1])
def test_intervals_of_volumes_cover(standings: list[tuple[ParetoGroup, ...]], k: int) -> None:
    # About 0.93 for ends of normal spread, because a volume hangs on a few extreme ends.
    # A true 0.92 gives 0.83 once in 1,000; 2 tests.
    assert 0.83 < covered(standings, "hypervolume", k) <= 1
