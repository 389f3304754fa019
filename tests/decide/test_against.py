"""Groups against each other: pairing, strata, best of all, where sessions end; truth is known in every simulation.

Seeds are fixed, so nothing here fails by chance on a second run; the comments say how often a new seed would fail.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from loopstat import Decisions, MeanCurve, Panel
from loopstat.arrays import Float
from loopstat.decide.analysis import analyze_decisions as decide
from loopstat.decide.compare import MOST, Comparisons
from loopstat.decide.curve import Held
from loopstat.decide.regions import Ellipse, overlaps, regions, robust_covariance
from loopstat.decide.strata import BLOCKS, Side, mixes, net_value, shared
from loopstat.decide.view.against import predictability
from loopstat.inference.differences import ClusterInfluence, difference
from loopstat.inference.estimate import Estimate
from loopstat.inference.with_best import Pairwise, against_best
from loopstat.io import read
from loopstat.results.chart import Points
from loopstat.results.document import view_of

STEPS = 4


def side(
    value: Float,
    label: str = "a",
    *,
    task: Any = None,
    last: Any = None,
    labels: dict[str, Any] | None = None,
    price: float = 0.0,
) -> Side:
    """Lay out sessions by hand: values of shape (n_sessions, n_steps), compared at the last step."""
    n, steps = value.shape
    last = np.full(n, steps - 1) if last is None else np.asarray(last)
    seen = np.where(np.arange(steps) <= last[:, None], value, np.nan)
    paid = np.where(np.isnan(seen), np.nan, np.arange(steps, dtype=float))
    held = Held(seen, paid, seen, last, np.zeros(n, dtype=bool), np.arange(n), np.arange(steps))
    kind, cluster = ("session", np.arange(n)) if task is None else ("task", np.asarray(task))
    names = tuple(f"{label}{k}" if task is None else f"task {k}" for k in range(int(cluster.max()) + 1))
    codes = {name: np.asarray(c) for name, c in (labels or {}).items()}
    block = cluster if len(names) <= BLOCKS else cluster % BLOCKS
    ends = seen[np.arange(n), last][:, None]
    return Side(label, held, steps - 1, steps - 1, price, kind, cluster, block, names, codes, ends)


def compared(a: Side, b: Side, within: tuple[str, ...] = ()) -> tuple[Estimate, int]:
    """Return the difference of two groups on what they share, and how many clusters that is."""
    on = shared(a, b, within)
    nets = net_value(a, on.a, on.weight), net_value(b, on.b, on.weight)
    return difference(nets[0].value - nets[1].value, nets[0].influence, nets[1].influence, level=0.95)


def covers(e: Estimate, truth: float) -> bool:
    return bool(e.low <= truth <= e.high)


def panel_of(rows: list[tuple[Float, dict[str, str]]]) -> Panel:
    """Return a panel of sessions of one objective with their labels."""
    names = {name for _, labels in rows for name in labels}
    labels = {name: [row.get(name) for _, row in rows] for name in names}
    return Panel.from_arrays([np.atleast_2d(x.T).T for x, _ in rows], labels=labels)


def climbing(rng: np.random.Generator, level: float, gain: float = 0.5) -> Float:
    return np.asarray(level + gain * np.arange(STEPS) + rng.normal(0, 0.2, STEPS))


def compared_panel(panel: Panel, by: str = "model") -> Comparisons:
    found = decide(panel, by=[by], estimator=MeanCurve(n_boot=20)).comparisons
    assert found is not None
    return found


# ----------------------------------------------------------------------------------- one pair


@pytest.mark.parametrize("n_tasks", [12, 100])
def test_groups_on_shared_tasks_are_paired_and_covered(n_tasks: int) -> None:
    # 300 panels: a sound 95 % interval covers 0.92 to 0.98 of them but once in 100 seeds.
    rng = np.random.default_rng(n_tasks)
    held, widths = 0, []
    for _ in range(300):
        level = rng.normal(0, 3, n_tasks)
        value = [level[:, None] + e + rng.normal(0, 0.5, (n_tasks, STEPS)) for e in (0.4, 0.0)]
        found, tasks = compared(*(side(v, g, task=np.arange(n_tasks)) for v, g in zip(value, "ab", strict=True)))
        assert tasks == n_tasks
        held += covers(found, 0.4)
        widths.append(float(found.high - found.low))
    assert 0.92 <= held / 300 <= 0.98
    assert np.mean(widths) < 0.25 * 2 * 1.96 * 3 * np.sqrt(2 / n_tasks)  # unpaired: the tasks' own spread


def test_groups_without_shared_tasks_are_not_paired() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        value = [e + rng.normal(0, sd, (n, 2)) for e, sd, n in ((1.0, 1.0, 15), (0.0, 3.0, 8))]
        found, tasks = compared(side(value[0], "a"), side(value[1], "b"))
        assert tasks == 0
        held += covers(found, 1.0)
    assert 0.92 <= held / 300 <= 0.985


def test_sessions_cut_off_are_carried_on_on_both_sides() -> None:
    # b climbs by 1 a step less; a third of its sessions are cut after the second step, by chance.
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        level, gain = rng.normal(0, 2, 30), np.arange(STEPS)
        a = level[:, None] + 2 * gain + rng.normal(0, 0.5, (30, STEPS))
        b = level[:, None] + gain + rng.normal(0, 0.5, (30, STEPS))
        last = np.where(rng.random(30) < 1 / 3, 1, STEPS - 1)
        found, _ = compared(side(a, "a", task=np.arange(30)), side(b, "b", task=np.arange(30), last=last))
        held += covers(found, 3.0)
    assert 0.9 <= held / 200 <= 0.985


@pytest.mark.parametrize("n", [900, 1200])
def test_however_many_sessions_were_cut_off_clusters_are_left_out_for_the_error(n: int) -> None:
    rng = np.random.default_rng(n)
    value = [rng.normal(e, 1, (n, 1)) + rng.normal(0, 0.1, (n, STEPS)) for e in (0.5, 0.0)]
    last = np.where(rng.random(n) < 0.3, 1, STEPS - 1)
    found, _ = compared(*(side(v, g, last=last) for v, g in zip(value, "ab", strict=True)))
    assert float(found.value) == pytest.approx(0.5, abs=4 * np.sqrt(2 / n))
    # 40 blocks a group: the error is known to a tenth.
    assert float(found.high - found.low) == pytest.approx(2 * 1.98 * np.sqrt(2 / n), rel=0.4)


def test_the_price_of_steps_counts_on_both_sides() -> None:
    value = np.random.default_rng(0).normal(size=(10, STEPS))
    short, long = side(value[:, :2], "a", price=0.5), side(value, "b", price=0.5)
    found, _ = compared(short, long)
    assert float(found.value) == pytest.approx(value[:, 1].mean() - value[:, -1].mean() + 0.5 * (STEPS - 2))


def test_a_task_with_more_sessions_of_one_group_is_the_same_task() -> None:
    # Task 0 is hard; a tries it often. On shared tasks the two are equal.
    task_a, task_b = np.r_[np.zeros(20, dtype=int), 1, 2, 3, 4, 5], np.arange(6)
    level = np.r_[-10.0, np.zeros(5)]
    a, b = (side(np.repeat(level[t][:, None], 2, axis=1), g, task=t) for g, t in (("a", task_a), ("b", task_b)))
    found, tasks = compared(a, b)
    assert tasks == 6
    assert float(found.value) == pytest.approx(0.0)


# -------------------------------------------------------------------------------------- mixes


def test_a_mix_that_differs_is_named_and_taken_out() -> None:
    """Model b is better by 0.5 with either strategy, and mostly runs the weak one."""
    rng = np.random.default_rng(1)
    rows = []
    for model, share, better in (("a", 0.85, 0.0), ("b", 0.15, 0.5)):
        for k in range(120):
            strong = rng.random() < share
            level = (3.0 if strong else 0.0) + better + rng.normal(0, 0.3)
            labels = {"model": model, "strategy": "strong" if strong else "weak", "tokens": str(k % 2)}
            rows.append((climbing(rng, level), labels))
    (found,) = compared_panel(panel_of(rows)).differences
    assert float(found.raw.value) > 1.0
    assert float(found.difference.value) == pytest.approx(-0.5, abs=0.2)
    assert float(found.difference.high) < 0
    assert [m.label for m in found.mixes] == ["strategy"]
    assert found.mixes[0].distance == pytest.approx(0.7, abs=0.15)
    assert (found.compared_within, found.strata, found.paired) == (("strategy",), 2, 0)


def test_differences_within_strata_are_covered() -> None:
    # 200 panels of the same two models.
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        sides = []
        for label, share, better in (("a", 0.85, 0.0), ("b", 0.15, 0.5)):
            strong = (rng.random(60) < share).astype(int)
            level = 3.0 * strong + better + rng.normal(0, 0.3, 60)
            sides.append(side(level[:, None] + rng.normal(0, 0.2, (60, 2)), label, labels={"strategy": strong}))
        held += covers(compared(sides[0], sides[1], ("strategy",))[0], -0.5)
    assert 0.91 <= held / 200 <= 0.985


def test_what_came_out_of_a_session_is_no_stratum() -> None:
    rng = np.random.default_rng(2)
    rows = [
        (climbing(rng, level), {"model": model, "solved": "yes" if level + rng.normal() > 0.5 else "no"})
        for model, level in [("a", 0.0)] * 40 + [("b", 1.0)] * 40
    ]
    (found,) = compared_panel(panel_of(rows)).differences
    assert found.mixes == ()
    assert covers(found.difference, -1.0)


def test_mixes_alike_are_not_named() -> None:
    # The 5 % that are named by chance must differ by a tenth too.
    rng = np.random.default_rng(4)
    named = 0
    for _ in range(200):
        a, b = (
            side(
                rng.normal(size=(60, 2)),
                g,
                labels={"strategy": rng.integers(0, 3, 60), "hardness": rng.integers(0, 2, 60)},
            )
            for g in "ab"
        )
        named += bool(mixes(a, b))
    assert named / 200 <= 0.09


def test_groups_that_share_no_value_of_a_label_are_compared_with_a_warning() -> None:
    rng = np.random.default_rng(6)
    strategy = {"a": "plan", "b": "try"}
    rows = [(climbing(rng, 0.0), {"model": m, "strategy": strategy[m]}) for m in "ab" for _ in range(20)]
    result = decide(panel_of(rows), by=["model"], estimator=MeanCurve(n_boot=20))
    assert result.comparisons is not None
    (found,) = result.comparisons.differences
    assert [(m.label, m.distance, m.within) for m in found.mixes] == [("strategy", 1.0, False)]
    assert found.compared_within == ()
    assert "no strategy is shared" in str(view_of(result))


# -------------------------------------------------------------------------------- best of all


def paired_means(x: Float) -> dict[tuple[int, int], Pairwise]:
    """Return differences of the columns of values of shape (n_clusters, k), by cluster."""
    n, k = x.shape
    left = (x.sum(axis=0) - x) / (n - 1)
    influence = ClusterInfluence.of("task", [str(c) for c in range(n)], left).values
    return {
        (i, j): Pairwise(
            float(x[:, i].mean() - x[:, j].mean()),
            {c: float(v) for c, v in enumerate(influence[:, i] - influence[:, j])},
            n - 1.0,
        )
        for i in range(k)
        for j in range(i + 1, k)
    }


@pytest.mark.parametrize("truth", [(0.0, 0.0, 0.0, 0.0, 0.0), (1.0, 0.6, 0.6, 0.0, -1.0)])
def test_the_best_is_kept_and_all_intervals_hold_together(truth: tuple[float, ...]) -> None:
    # 300 panels: intervals that hold in 95 % would hold in fewer than 0.92 of them once in 100 seeds.
    rng = np.random.default_rng(len(set(truth)))
    means = np.array(truth)
    gap = means - np.array([np.delete(means, k).max() for k in range(5)])
    kept = together = 0
    for _ in range(300):
        x = means + rng.normal(0, 2, (25, 1)) + rng.normal(0, 1, (25, 5))
        found = against_best(paired_means(x), 5, level=0.95)
        kept += bool(found.may_be_best[0])
        together += bool(np.all((found.gap.low <= gap) & (gap <= found.gap.high)))
    assert kept / 300 >= 0.92
    assert together / 300 >= 0.92


def test_the_best_of_many_is_kept_where_all_are_compared_with_the_leading_one() -> None:
    # 300 panels of twelve equal groups: the leading one leads by chance.
    rng = np.random.default_rng(7)
    kept = 0
    for _ in range(300):
        x = rng.normal(0, 1, (25, 12))
        top = int(x.mean(axis=0).argmax())
        pairs = {pair: p for pair, p in paired_means(x).items() if top in pair}
        kept += bool(against_best(pairs, 12, level=0.95).may_be_best[0])
    assert kept / 300 >= 0.92


def test_a_group_far_ahead_is_the_best_alone() -> None:
    rng = np.random.default_rng(0)
    rows = [(climbing(rng, {"a": 0.0, "b": 0.1, "c": 5.0}[m]), {"model": m}) for m in "abc" for _ in range(20)]
    found = compared_panel(panel_of(rows))
    assert [s.may_be_best for s in found.standings] == [False, False, True]
    best = found.standings[2].gap
    assert float(best.low) == 0.0
    assert float(best.value) == pytest.approx(4.9, abs=0.2)


def test_equal_groups_may_all_be_the_best() -> None:
    same = {(0, 1): Pairwise(0.0, {"a": 0.0, "b": 0.0}, 10.0)}
    assert against_best(same, 2, level=0.95).may_be_best.all()


def test_an_error_that_is_not_known_excludes_nothing() -> None:
    assert against_best({(0, 1): Pairwise(9.0, {}, 1.0)}, 2, level=0.95).may_be_best.all()


def test_many_groups_are_compared_with_the_leading_one() -> None:
    rng = np.random.default_rng(8)
    n = MOST + 2
    rows = [(climbing(rng, 3.0 * (k == 4)), {"model": f"m{k}"}) for k in range(n) for _ in range(6)]
    found = compared_panel(panel_of(rows))
    assert {d.a for d in found.differences} == {"model=m4"}
    assert [s.label for s in found.standings if s.may_be_best] == ["model=m4"]
    assert len(found.standings) == n


# ------------------------------------------------------------------------------- where sessions end


def test_the_set_holds_nine_tenths_whatever_the_far_points() -> None:
    rng = np.random.default_rng(0)
    covariance = np.array([[1.0, 0.8], [0.8, 2.0]])
    clean = rng.multivariate_normal([0, 0], covariance, 1000)
    spoiled = clean.copy()
    spoiled[:80] = [40.0, -40.0]
    assert robust_covariance(clean - np.median(clean, axis=0)) == pytest.approx(covariance, rel=0.25)
    assert np.linalg.det(robust_covariance(spoiled)) < 2 * np.linalg.det(covariance)
    assert np.mean(Ellipse.of(clean).holds(clean)) == pytest.approx(0.9)
    outline = Ellipse.of(clean).outline()
    assert Ellipse.of(clean).distance(outline) == pytest.approx(Ellipse.of(clean).radius)


def test_points_beside_a_set_of_one_value_are_outside() -> None:
    flat = np.c_[np.random.default_rng(0).normal(size=50), np.ones(50)]
    assert np.mean(Ellipse.of(flat).holds(flat)) == pytest.approx(0.9)
    assert not Ellipse.of(flat).holds(flat + np.array([0.0, 0.5])).any()
    assert Ellipse.of(np.ones((9, 1))).holds(np.array([[1.0], [2.0]])).tolist() == [True, False]


def test_overlap_is_about_nine_tenths_in_one_place_and_none_apart() -> None:
    rng = np.random.default_rng(1)
    a, b, c = (side(shift + rng.normal(size=(300, 2)), g) for g, shift in (("a", 0.0), ("b", 0.0), ("c", 9.0)))
    same, _, apart, back = overlaps([(a, b), (a, c)], level=0.95)
    assert covers(same.inside, 0.9)
    assert float(apart.inside.value) == float(back.inside.value) == 0.0
    assert 0 < float(apart.inside.high) < 0.03
    where = regions([a], ("score",), level=0.95)[0]
    assert covers(where.centre[0], 0.0)
    assert (float(where.reach_low[0]), float(where.reach_high[0])) == pytest.approx((-1.64, 1.64), abs=0.25)


def test_the_interval_of_an_overlap_covers() -> None:
    # 200 panels of two groups of one law: the set and the share are both drawn anew each time.
    rng = np.random.default_rng(2)
    held = sum(
        covers(
            overlaps([(side(rng.normal(size=(60, 2)), "a"), side(rng.normal(size=(60, 2)), "b"))], level=0.95)[
                0
            ].inside,
            0.9,
        )
        for _ in range(200)
    )
    assert 0.9 <= held / 200 <= 0.995


# ----------------------------------------------------------------------------- groups of transitions


def test_a_strategy_that_changes_within_sessions_groups_transitions_only() -> None:
    rng = np.random.default_rng(3)
    rows = []
    for session in range(40):
        kinds = rng.choice(["bold", "shy"], 7).tolist()
        change = np.array([1.0 if kind == "bold" else 0.2 for kind in kinds]) + rng.normal(0, 0.1, 7)
        rows += [(session, t, kinds[t], score) for t, score in enumerate(np.cumsum(change).tolist())]
    table = pl.DataFrame(rows, schema=["session", "step", "strategy", "score"], orient="row")
    result = decide(read(table, objectives=["score"]), by=["strategy"], estimator=MeanCurve(n_boot=20))
    found = result.comparisons
    assert found is not None
    assert found.torn == ("strategy",)
    assert found.differences == found.standings == found.regions == ()
    bold, shy = found.changes
    assert covers(bold.change, 1.0)
    assert covers(shy.change, 0.2)
    assert covers(found.change_differences[0].difference, 0.8)
    assert any("`strategy` changes within sessions" in note for note in result.notes)


# ------------------------------------------------------------------------------- as it is written


def test_comparisons_are_written_read_back_and_said() -> None:
    rng = np.random.default_rng(9)
    x = [np.c_[climbing(rng, k / 100), climbing(rng, 0)] for k in range(60)]
    labels = {"model": ["a", "b", "c"] * 20, "task": [str(k // 3) for k in range(60)]}
    result = decide(Panel.from_arrays(x, labels=labels), by=["model"], estimator=MeanCurve(n_boot=20))
    assert Decisions.from_json(result.to_json()) == result
    row = result.to_dict()["comparisons"]["differences"][0]
    assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    assert row["p_value"] <= row["p_adjusted"]
    assert row["paired"] == 20
    page = view_of(result)
    assert "may be" in str(page)
    charts = {block.key for block in page.sections[-1].blocks if hasattr(block, "key")}
    assert {"which-best", "which-reached"} <= charts
    alone = decide(Panel.from_arrays(x[:5]), estimator=MeanCurve(n_boot=20))
    assert alone.comparisons is None


def test_predictability_stands_against_what_is_reached() -> None:
    rng = np.random.default_rng(0)
    rows = [(climbing(rng, 0.0), {"model": m}) for m in "ab" for _ in range(10)]
    groups = decide(panel_of(rows), by=["model"], estimator=MeanCurve(n_boot=20)).groups
    chart = predictability(groups, {"model=a": Estimate(0.3), "model=b": Estimate(0.1)})
    assert chart is not None
    points = [mark for mark in chart.marks if isinstance(mark, Points)]
    assert [float(p.x[0]) for p in points] == [0.3, 0.1]
    assert predictability(groups, {"model=a": Estimate(0.3)}) is None


@pytest.mark.parametrize("each", [1, 2])
def test_groups_of_one_session_are_compared_without_an_interval(each: int) -> None:
    rng = np.random.default_rng(0)
    rows = [(climbing(rng, 0.0), {"model": m, "task": m}) for m in "ab" for _ in range(each)]
    result = decide(panel_of(rows), by=["model"], estimator=MeanCurve(n_boot=20))
    assert result.comparisons is not None
    (found,) = result.comparisons.differences
    assert np.isfinite(found.difference.value)
    assert np.isnan(found.difference.low) == (each == 1)
    assert all(s.may_be_best for s in result.comparisons.standings)
    assert Decisions.from_json(result.to_json()) == result
    assert "Which one" in str(view_of(result))


def test_groups_are_compared_over_the_steps_that_are_decided_on() -> None:
    rng = np.random.default_rng(3)
    lengths = [5, 1, 5, 8, 5, 3, 5, 8, 5, 1, 5, 8]  # of strategy b too few sessions go on, but sessions of every task
    x = [rng.normal(size=(n, 2)) for n in lengths]
    labels = {"strategy": ["a", "b"] * 6, "task": [str(k // 4) for k in range(12)]}
    estimator = MeanCurve(n_boot=50, cluster="task", weights={"x1": 1.0, "x2": 0.5})
    result = decide(Panel.from_arrays(x, labels=labels), by=["strategy"], estimator=estimator)
    assert result.grounds is not None
    assert [len(side.held.steps) for side in result.grounds.sides] == [5, 8]
    assert [g.decision.recorded for g in result.groups] == [5 - 1, 8 - 1]
    assert result.comparisons is not None
    assert np.isfinite(result.comparisons.differences[0].difference.value)


def test_scores_that_are_missing_leave_out_their_sessions() -> None:
    rng = np.random.default_rng(1)
    x = [np.c_[climbing(rng, 0.0), climbing(rng, 0.0)] for _ in range(24)]
    for gone in x[:4]:
        gone[:, 0] = np.nan
    x[5][1:, 1] = np.nan
    panel = Panel.from_arrays(x, labels={"model": ["a", "b"] * 12})
    result = decide(panel, by=["model"], estimator=MeanCurve(n_boot=0))
    assert result.comparisons is not None
    assert np.isfinite(result.comparisons.differences[0].difference.low)
    assert Decisions.from_json(result.to_json()) == result
