"""What is said and drawn of a balance analysis, as records: lines, tables, pictures, and what no name can break."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from balance_samples import analysis, edge_cases, everyday, group
from loopstat.balance.analysis import BalanceAnalysis, analyze_balance
from loopstat.balance.currents import Cycle, EntropyProduction
from loopstat.balance.fit import ANSWERS, BalanceFit
from loopstat.balance.settings import ReversibleChain
from loopstat.balance.tests.cycles import SourceStatistic
from loopstat.balance.view import charts, document
from loopstat.balance.view.facts import common, doubtful, facts
from loopstat.balance.view.layout import SMALL, WIDE, boxes, layout, overlap
from loopstat.balance.view.seen import Seen, state_name
from loopstat.faces import terminal
from loopstat.faces.svg import draw
from loopstat.inference.estimate import Estimate, TestResult
from loopstat.panel.tally import Counts
from loopstat.results.chart import Chart, Dots, Graph, Histogram, Line, Points
from loopstat.results.check import Check
from loopstat.results.document import Sheet, walk
from loopstat.results.words import parts, show

SAMPLES: dict[str, BalanceAnalysis] = {"everyday": everyday(), **edge_cases()}
GROUPS = {f"{name} {k}": g for name, s in SAMPLES.items() for k, g in enumerate(s.groups[:3])}
CONTROL = re.compile("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")
MADE = (charts.state_graph, charts.log_ratios, charts.potentials, charts.relaxation)


def said(fit: BalanceFit, key: str) -> str:
    """Return what stands under a key, one line for each row."""
    found, now = [], ""
    for fact in facts(Seen(fit)).rows:
        now = fact.key or now
        found += [parts(fact.said).replace("\xa0", " ")] if now == key else []
    return "\n".join(found)


def chain_test(p: float) -> TestResult:
    return TestResult(p, 10.0, 3, "orders", 199)


def failed(fit: BalanceFit, name: str) -> BalanceFit:
    """Return a fit of which one check failed."""
    checks = tuple(replace(c, passed=False) if c.name == name else c for c in fit.checks)
    return replace(fit, checks=checks)


@pytest.fixture(scope="module")
def ring() -> BalanceFit:
    return everyday().groups[0]


@pytest.fixture(scope="module")
def tree() -> BalanceFit:
    return everyday().groups[1]


# ------------------------------------------------------------------------------------ answers


def test_the_verdict_comes_first_and_begins_with_its_answer() -> None:
    shown = terminal.write(document(everyday()), width=300).split("\n\n")
    for text, fit in zip(shown[1:], everyday().groups, strict=False):
        head, verdict, *_ = text.splitlines()
        assert head.startswith(fit.label)
        assert verdict == f"  {fit.verdict.sentence}"
    for result in SAMPLES.values():
        for section, fit in zip(document(result).answers(), result.groups, strict=True):
            assert section.answer is not None
            assert section.answer.action == fit.verdict.action
            assert section.answer.said == ANSWERS[fit.verdict.action]
            assert fit.verdict.sentence.startswith(section.answer.said), "it is not said twice"


def test_heading_names_files_and_sizes(tree: BalanceFit) -> None:
    doc = document(analysis(tree))
    assert (doc.title, parts(doc.lead)) == ("runs.parquet", "5 states, 20,610 transitions")
    assert doc.notes[-1] == "states: the column `state` (use --state to choose)."
    assert dict(doc.provenance.settings) == {"by": "strategy", "state": "state"}
    assert doc.provenance.command == "loopstat balance runs.parquet --by strategy"


def test_nothing_recorded_is_an_answer_too() -> None:
    assert "nothing to say: no transition was found." in terminal.write(document(SAMPLES["no groups"]))


def test_a_fit_alone_is_a_document(ring: BalanceFit) -> None:
    assert ring.verdict.sentence in " ".join(str(document(ring)).split())


def test_it_says_where_the_loop_rests(tree: BalanceFit) -> None:
    share = [100 * float(end[0]) for end in (tree.stationary.value, tree.stationary.low, tree.stationary.high)]
    first = show(*share).replace(" [", " % [")
    assert said(tree, "rests in").startswith(f"ATTITUDE ({first} of the time), PERSONAL (")
    v = tree.potential
    height = show(float(v.value[1]), float(v.low[1]), float(v.high[1]))
    assert said(tree, "potential").startswith(f"ATTITUDE (0), PERSONAL ({height}), PROBLEMS (")
    bounds = [show(float(b), None, None) for b in v.bound[3:]]
    assert bounds
    assert re.fullmatch(r"TURKEY \(potential above [\d.]+\), BUZZY \(potential above [\d.]+\)", said(tree, "only left"))


@pytest.mark.parametrize("moving", [True, False])
def test_a_transient_is_not_called_rest(ring: BalanceFit, moving: bool) -> None:
    fit = replace(
        failed(ring, "time_varying") if moving else ring,
        homogeneity={"steps": chain_test(0.001), "sessions": chain_test(0.4)},
    )
    key, other = ("so far in", "rests in") if moving else ("rests in", "so far in")
    assert said(fit, key)
    assert not said(fit, other)
    assert ("no rest: early and late steps differ (p 0.0010); averages over all of them" in said(fit, key)) == moving


def test_the_lowest_states_come_first_in_each_set() -> None:
    fit = SAMPLES["two classes"].groups[0]
    seen = Seen(fit)
    value, label = fit.potential.value, seen.label
    assert seen.lowest == sorted(range(14), key=lambda k: (label[k], value[k]))
    assert " of the time), " in said(fit, "rests in")
    assert said(fit, "or in").startswith("s")
    assert "(potential 0), " in said(fit, "or in")
    assert "2 sets of states do not lead to each other" in said(fit, "or in")


def test_a_driven_loop_says_which_way_it_goes_round(ring: BalanceFit) -> None:
    driven = replace(ring, verdict=replace(ring.verdict, action="driven", sentence="driven: goes round."))
    cycle = Cycle(("a", "b", "c"), 0.1, 1.0, 0.5, 1.5, 20)
    times = show(*np.exp([1.0, 0.5, 1.5]).tolist())
    assert said(replace(driven, cycles=(cycle,)), "goes round") == f"a → b → c → a: {times} times as often as back"
    assert said(replace(driven, cycles=(replace(cycle, low=-0.1),)), "goes round") == "", "none that may not be there"
    endless = replace(cycle, affinity=np.nan, low=np.nan, high=np.nan)
    assert said(replace(driven, cycles=(endless,)), "goes round").endswith("never seen the other way")
    long = replace(cycle, states=tuple(f"s{k}" for k in range(30)))
    assert "(25 more)" in said(replace(driven, cycles=(long,)), "goes round")
    still = replace(ring, verdict=replace(ring.verdict, action="balanced"))
    assert said(still, "goes round") == ""


def test_how_sure_gives_the_test_or_why_there_is_none(ring: BalanceFit, tree: BalanceFit) -> None:
    test = replace(ring.test, p_value=0.001, statistic=88.1, df=3, method="exact", n_draws=999)
    wanted = "test of detailed balance (exact): p 0.0010; statistic 88.1 on 3 degrees of freedom, 999 draws"
    assert said(replace(ring, test=test), "how sure") == wanted
    assert said(tree, "how sure") == tree.test.reason


def test_irreversibility_is_at_least_what_is_known(ring: BalanceFit) -> None:
    found = EntropyProduction(0.132, 0.118, 0.147, 0)
    assert said(replace(ring, entropy_production=found), "irreversible") == "0.132 [0.118, 0.147] nats per step"
    bound = replace(found, one_way_pairs=1)
    wanted = "at least 0.132 [0.118, 0.147] nats per step; 1 pair was seen one way only"
    assert said(replace(ring, entropy_production=bound), "irreversible") == wanted
    assert said(replace(ring, entropy_production=EntropyProduction(np.nan, np.nan, np.nan, 0)), "irreversible") == ""


def test_forgetting_is_given_in_steps(ring: BalanceFit) -> None:
    nothing = np.full(2, np.nan)
    for times, wanted in (
        ([10.0, 3.0], "half of where it started in 6.93 steps (relaxation time 10)"),
        ([np.inf, 3.0], "half of where it started in 2.08 steps (relaxation time 3.0)"),
        ([np.inf, np.nan], ""),
    ):
        made = replace(
            ring, relaxation_times=replace(ring.relaxation_times, value=np.array(times), low=nothing, high=nothing)
        )
        assert said(made, "forgets") == wanted


def test_one_chain_or_several_is_said(ring: BalanceFit) -> None:
    none = TestResult.impossible("no sessions.")
    fit = replace(ring, order_test=chain_test(0.0002), homogeneity={"steps": none, "sessions": chain_test(0.01)})
    assert said(fit, "one chain?") == "the state before the last matters too (p < 0.001), sessions differ (p 0.010)"
    agree = replace(fit, order_test=chain_test(0.42), homogeneity={"steps": chain_test(0.3), "sessions": none})
    assert said(agree, "one chain?") == "the last state is enough (p 0.42), early and late steps agree (p 0.30)"


def test_the_published_statistic_is_for_comparison(ring: BalanceFit) -> None:
    fit = replace(ring, source_statistic=SourceStatistic(52, 1.24, 140, 3e-21))
    wanted = "chi²/ndf 1.24 over 52 pairs, chi²/ndf 0.000 over 140 cycles; for comparison with published figures only"
    assert said(fit, "the source's way") == wanted


def test_failed_checks_are_doubts(ring: BalanceFit) -> None:
    checks = tuple(c for c in ring.checks if c.name != "memory")
    fit = replace(ring, checks=(Check("memory", 0.001, 0.05, False, "It remembers."), *checks))
    [text] = doubtful(Seen(fit))
    assert (text.said, text.tone) == ((("It remembers.",),), "doubt")
    assert "  ! It remembers." in terminal.write(document(fit))


def test_groups_against_each_other() -> None:
    wanted = (
        "Groups have potentials of their own (p 0.030, 9 states shared by 3 groups); "
        "they correlate by 0.91 [0.80, 0.96]"
    )
    assert parts(common(0.03, 9, 3, Estimate(0.91, 0.8, 0.96))).replace("\xa0", " ") == wanted
    assert wanted in terminal.write(document(everyday()), width=200)
    alone = parts(common(0.5, 9, 3, Estimate(np.nan, np.nan, np.nan)))
    assert alone == "One potential would do for all groups (p 0.50, 9 states shared by 3 groups)"


# ------------------------------------------------------------------------------- whatever comes


@pytest.mark.parametrize("depth", ["front", "short", "long"])
@pytest.mark.parametrize("name", list(SAMPLES))
def test_every_result_is_written(name: str, depth: Any) -> None:
    shown = terminal.write(document(SAMPLES[name]), depth=depth)
    assert not CONTROL.search(shown)
    assert not set(re.findall(r"[\w.]+", shown)) & {"None", "nan", "inf"}
    if depth == "short":
        assert len(shown) < 1_400 * max(len(SAMPLES[name].groups), 2)


@pytest.mark.parametrize("width", [60, 80, 110])
def test_lines_keep_to_the_width(width: int) -> None:
    for name in ("everyday", "two classes", "large"):
        lines = terminal.write(document(SAMPLES[name]), width=width).splitlines()
        assert max(map(len, lines)) <= max(width, 75), "figures of one state stay together"


def test_every_record_of_the_json_has_its_table() -> None:
    sheets = {b.title: b for s in walk(document(everyday()).sections) for b in s.blocks if isinstance(b, Sheet)}
    assert set(sheets) >= {
        *("States", "How sure", "How irreversible", "Currents", "Cycles", "How fast it forgets", "Pairs of states"),
        "For comparison with published figures",
    }
    split = {b.title for s in walk(document(SAMPLES["two classes"]).sections) for b in s.blocks if isinstance(b, Sheet)}
    assert "Sets of states" in split


def test_names_are_shortened_in_their_middle() -> None:
    assert state_name("x" * 10_000, 24) == "x" * 12 + "…" + "x" * 10 + "…"
    assert state_name(" ") == "(empty)"
    assert state_name("a\x00b") == "a\\x00b"


def test_states_are_chosen_by_visits_then_by_time() -> None:
    fit = group(("a", "b", "c"), np.array([[0.0, 4, 1], [4, 0, 5], [1, 5, 0]]))
    assert Seen(fit).by_visits(2) == [1, 2]
    time = replace(fit.stationary, value=np.array([0.2, 0.1, 0.7]))
    even = group(("a", "b", "c"), np.array([[0.0, 3, 3], [3, 0, 3], [3, 3, 0]]))
    assert Seen(replace(even, stationary=time)).by_visits(2) == [2, 0]


# --------------------------------------------------------------------------------- the layout


@pytest.mark.parametrize("name", [n for n, g in GROUPS.items() if len(g.states)])
def test_names_overlap_neither_names_nor_marks(name: str) -> None:
    plan = layout(Seen(GROUPS[name]))
    assert plan.size == (SMALL if len(plan.places) <= 8 else WIDE)
    written = {p.state: boxes(p)[p.side] for p in plan.places if p.side}
    assert not any(overlap(a, b) for a, b in itertools.combinations(written.values(), 2))
    for p in plan.places:
        assert p.r - 1 <= p.x <= plan.size[0] - p.r + 1
        assert 0 <= p.y <= plan.size[1]
        mark = (p.x - p.r + 1, p.y - p.r + 1, p.x + p.r - 1, p.y + p.r - 1)
        assert not any(overlap(mark, box) for state, box in written.items() if state != p.state)


def test_height_is_potential_and_larger_is_more_of_the_time() -> None:
    fit = everyday().groups[2]
    nodes = only(charts.state_graph(Seen(fit)), Graph).nodes
    place = {n.key: n for n in nodes}
    most = max(fit.stationary.value)
    for k, state in enumerate(fit.states):
        assert place[state].y == pytest.approx(fit.potential.value[k])
        assert place[state].size == pytest.approx(fit.stationary.value[k] / most)
        low, high = place[state].low, place[state].high
        assert low is not None
        assert high is not None
        assert low <= place[state].y <= high


def test_states_without_a_height_stand_apart() -> None:
    fit = SAMPLES["no pair both ways"].groups[0]
    plan = layout(Seen(fit))
    where = {p.name: p.y for p in plan.places}
    assert all(where[s] > plan.top for s in "abc")
    assert where["d"] < plan.bottom
    assert {n.shape for n in only(charts.state_graph(Seen(fit)), Graph).nodes} == {"ring", "diamond"}


def test_the_layout_is_always_the_same_and_takes_the_most_visited() -> None:
    fit = SAMPLES["large"].groups[0]
    assert layout(Seen(fit)) == layout(Seen(fit))
    order = sorted(fit.counts.visits.tolist(), reverse=True)
    assert [fit.counts.visits[p.state] for p in layout(Seen(fit), most=25).places] == order[:25]


# --------------------------------------------------------------------------------- pictures


def only(chart: Chart | None, kind: type[Any]) -> Any:
    assert chart is not None
    return next(m for m in chart.marks if isinstance(m, kind))


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize("name", list(GROUPS))
def test_pictures_are_described_and_drawn(name: str, make: Callable[[Seen], Chart | None]) -> None:
    chart = make(Seen(GROUPS[name]))
    if chart is not None:
        assert len(chart.described) > 20
        assert not re.search(r"\b(nan|inf)\b", draw(chart))
        assert not CONTROL.search(draw(chart))


def test_the_graph_draws_every_pair_and_current() -> None:
    for fit in everyday().groups:
        edges = only(charts.state_graph(Seen(fit)), Graph).edges
        both = [p for p in fit.pairs if p.forward and p.backward]
        assert len([e for e in edges if not e.directed]) == len(both)
        assert len([e for e in edges if e.stroke == "dashed"]) == len(fit.pairs) - len(both)
        sure = [e for e in edges if e.tone == "c5"]
        wide = {(e.start, e.end): e.weight for e in sure}
        values = {(c.source, c.target): c.value for c in fit.currents if c.low > 0}
        assert set(wide) == set(values)
        order = [wide[k] for k in sorted(values, key=lambda k: values[k])]
        assert all(b >= a - 1e-9 for a, b in itertools.pairwise(order))


def test_log_ratios_go_downhill_and_stand_with_their_intervals() -> None:
    for fit in everyday().groups:
        known = [p for p in fit.pairs if np.isfinite([p.log_ratio, p.potential_difference]).all()]
        chart = charts.log_ratios(Seen(fit))
        assert chart is not None
        points = [m for m in chart.marks if isinstance(m, Points)]
        x, y, low, high = (np.concatenate([getattr(m, key) for m in points]) for key in ("x", "y", "low", "high"))
        assert sorted(x) == pytest.approx(sorted(abs(p.potential_difference) for p in known))
        assert sorted(abs(y)) == pytest.approx(sorted(abs(p.log_ratio) for p in known))
        assert ((low < y) & (y < high)).all()
        for m in points:
            off = (m.x < m.low) | (m.x > m.high)
            assert off.all() if m.shape == "diamond" else not off.any(), "never colour alone"
    assert charts.log_ratios(Seen(SAMPLES["no pair both ways"].groups[0])) is None


@pytest.mark.parametrize(("beta", "step"), [(1.0, "1"), (2.0, "0.5"), (0.1, "10")])
def test_potentials_are_read_in_the_units_asked_for(beta: float, step: str) -> None:
    counts = everyday().groups[0].counts
    assert counts is not None
    made = analyze_balance([({}, counts)], estimator=ReversibleChain(beta=beta))
    assert f"a move down by {step} is 2.7 times as likely" in document(made).notes[0]
    chart, as_is = (charts.log_ratios(Seen(fit)) for fit in (made.groups[0], everyday().groups[0]))
    assert chart is not None
    assert as_is is not None
    line = only(chart, Line)
    assert line.y == pytest.approx(beta * line.x), "where detailed balance holds"
    assert chart.described == as_is.described, "what is off the line does not hang on units"


def test_few_potentials_are_dots_and_many_a_histogram() -> None:
    few, many = everyday().groups[2], SAMPLES["large"].groups[0]
    values = [row.figure.figures[0] for row in only(charts.potentials(Seen(few)), Dots).rows]
    assert values == sorted(few.potential.value, reverse=True)
    heights = only(charts.potentials(Seen(many)), Histogram).heights
    assert sum(heights) == np.isfinite(many.potential.value).sum()


def test_notes_say_what_is_left_out(tree: BalanceFit) -> None:
    large = charts.state_graph(Seen(SAMPLES["large"].groups[0]))
    assert large is not None
    assert large.title.startswith("40 of 45 states")
    split = charts.state_graph(Seen(SAMPLES["two classes"].groups[0]))
    assert split is not None
    assert "each has a zero of its own" in split.note
    graph, ratios = charts.state_graph(Seen(tree)), charts.log_ratios(Seen(tree))
    assert graph is not None
    assert ratios is not None
    assert "Dashed: one way only." in graph.note
    assert "3 pairs seen one way only" in ratios.note


def test_small_pictures_of_groups_share_their_scale() -> None:
    drawn = [s.answer.picture for s in document(everyday()).answers() if s.answer and s.answer.picture]
    assert len({chart.x.limits for chart in drawn}) == 1
    assert len(drawn) == sum(np.isfinite(g.entropy_production.value) for g in everyday().groups)


def test_many_groups_draw_fewer_points() -> None:
    fit = SAMPLES["large"].groups[0]
    every, some = (charts.log_ratios(Seen(fit), most=most) for most in (charts.MAX_POINTS, 20))
    assert every is not None
    assert some is not None
    counts = [sum(len(m.x) for m in c.marks if isinstance(m, Points)) for c in (every, some)]
    assert counts[1] <= 20 < counts[0]


# ------------------------------------------------------------------------------- what follows


def test_what_follows_is_said_first_and_stands_in_the_json(ring: BalanceFit) -> None:
    first = facts(Seen(ring)).rows[0]
    assert (first.key, first.depth) == ("what follows", "front")
    assert parts(first.said) == f"{ring.verdict.follows}."
    assert ring.to_dict()["verdict"]["follows"] == ring.verdict.follows


def test_a_loop_that_rests_says_by_when_and_one_that_circles_which_cycle_to_break() -> None:
    rests = ReversibleChain().fit(Counts.of_matrix([[60, 30, 10], [30, 60, 20], [10, 20, 60]], states="abc"))
    assert rests.verdict.action == "balanced"
    assert re.match(r"it comes to rest by itself: no cycle to break; 90 % there by step \d+", rests.verdict.follows)
    circles = ReversibleChain().fit(Counts.of_matrix([[60, 60, 5], [5, 60, 60], [60, 5, 60]], states="abc"))
    ways = ("a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c")
    assert circles.verdict.follows in [f"it circles: break the cycle {way}" for way in ways]
    thin = ReversibleChain().fit(Counts.of_matrix([[0, 1, 0], [0, 0, 1], [1, 0, 0]], states="abc"))
    assert thin.verdict.action == "cannot_tell"
    assert thin.verdict.follows == "nothing to break yet: only more transitions could show a cycle"
