"""What is said and drawn of loops of moves, as records: the answer first, figures that are the result's, pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from loopstat.faces import svg, terminal
from loopstat.inference.estimate import Estimate
from loopstat.moves.commands import Listing
from loopstat.moves.settings import PARAMETERS, POLICY_DEFAULTS, PRESETS, SCENARIOS
from loopstat.moves.view import charts, document
from loopstat.moves.view.plans import _told_apart, spaced
from loopstat.results.arrival import Arrivals
from loopstat.results.chart import Chart, Dots, Line, Points, Rule
from loopstat.results.document import Document, Facts, Sheet, Text, walk
from loopstat.results.words import cell, parts
from moves_samples import ALL, KINDS, bought, run, sample


def blocks(doc: Document, kind: type[Any]) -> list[Any]:
    return [b for s in walk(doc.sections) for b in s.blocks if isinstance(b, kind)]


def facts(doc: Document) -> dict[str, str]:
    return {f.key: parts(f.said) for block in blocks(doc, Facts) for f in block.rows}


def table(doc: Document, *columns: str) -> list[list[str]]:
    """Return the first table with these columns, as text."""
    found = next(s for s in blocks(doc, Sheet) if set(columns) <= set(s.columns))
    return [[cell(c) for c in row] for row in found.rows]


def text(doc: Document, width: int = 100) -> str:
    return terminal.write(doc, width=width)


# ----------------------------------------------------------------------------- what is said


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_lines_fit_and_say_no_nonsense(name: str) -> None:
    for width in (60, 100):
        shown = text(document(sample(name)), width)
        assert max(map(len, shown.splitlines())) <= width
        assert not set(re.findall(r"[\w.]+", shown)) & {"None", "nan", "inf", "null"}
        assert "\xa0" not in shown


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_answer_comes_first_and_everything_of_the_verdict_is_said(kind: str) -> None:
    doc, verdict = document(run(kind)), run(kind).run.verdict
    shown = " ".join(text(doc, 1000).split())
    for reason in verdict.why:
        assert reason.sentence[1:] in shown
    assert verdict.sentence == " ".join(reason.sentence for reason in verdict.why)
    assert doc.answer is not None
    assert text(doc, 1000).splitlines()[1].strip().startswith(f"{doc.answer.said}: ")
    assert list(facts(doc))[:2] in (["nothing wrong", "tests would pass"], ["nothing wrong", "tests pass"])
    assert doc.notes == ("tau is not known by a.json: the default stays.",)


def test_a_run_read_back_says_its_verdict_whole() -> None:
    found = run("vibe").run
    bare = replace(found, verdict=replace(found.verdict, why=()))
    answer = document(bare).answer
    assert answer is not None
    assert parts(answer.why)[3:] == found.verdict.sentence[1:]


def _arriving(never: float, *, cost: float = 2.0) -> dict[str, Arrivals]:
    unknown, far = Estimate.unknown(), Estimate(math.inf, math.inf, math.inf)
    moves = Arrivals(Estimate(12, 11, 13), Estimate(9, 9, 9), far, Estimate(never), unknown)
    return {"moves_to_good": moves, "cost_to_good": moves.times(cost)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            _arriving(0.0),
            "half of the runs after 12 [11, 13] moves (cost 24 [22, 26]); 1 in 20 after 9 moves (cost 18)",
        ),
        (_arriving(1.0), "in no run within 160 moves"),
        (_arriving(0.25), "; never in 25 % of the runs within 160 moves"),
        (_arriving(0.0, cost=0.0), "half of the runs after 12 [11, 13] moves (cost 0); 1 in 20 after 9 moves (cost 0)"),
    ],
)
def test_when_runs_arrive(changes: dict[str, Arrivals], said: str) -> None:
    shown = facts(document(replace(run("trust region").run, **changes)))["nothing wrong"].replace("\xa0", " ")
    assert shown.endswith(said)


def test_an_open_end_is_infinite_and_the_start_is_no_move() -> None:
    found = run("trust region").run
    late = replace(_arriving(0.0)["moves_to_good"], median=Estimate(12, 11, math.inf))
    assert "12 [11, ∞]" in facts(document(replace(found, moves_to_good=late)))["nothing wrong"].replace("\xa0", " ")
    assert facts(document(run("done at the start")))["tests would pass"] == "at the start, before any move"


def test_figures_stand_per_move_and_per_cost() -> None:
    doc, found = document(run("trust region")), run("trust region").run
    said = {key: words.replace("\xa0", " ") for key, words in facts(doc).items()}
    assert f"half of the runs after {found.moves_to_target.median.value:.0f} [" in said["tests would pass"]
    rate = r"\S+ \[\S+ \S+\] a move · \S+ \[\S+ \S+\] per unit of cost, on the way to the stop"
    assert re.fullmatch(rate, said["defects removed"])
    assert "a hidden defect in" in said["at the stop"]


def test_all_ceilings_are_named() -> None:
    trust, vibe = (facts(document(run(kind))) for kind in ("trust region", "vibe"))
    assert "all radii" in vibe
    assert "all radii" not in trust
    assert "with a largest radius of 1" in trust["single runs"]
    assert "P_pass 0.71, P_good 0.65" in trust["mean path"]
    assert "never improves" in facts(document(run("hopeless")))["first radius"]


def test_levers_say_what_is_needed_or_how_far_they_get() -> None:
    rows = {row[0]: row[1:] for row in table(document(run("trust region")), "for the target")}
    assert len(rows) == 8
    assert rows["largest edit radius"] == ["1", "none does", "2", "0.77", "0.72"]
    assert rows["all at their ends"] == ["", "", "", "0.84", "0.81"]
    assert all(r[2] == "as it is" for r in table(document(run("done at the start")), "for the target")[:6])
    assert any(re.fullmatch(r"[\d.]+", r[2]) for r in table(document(run("planner")), "for the target")[:6])
    said = [parts(p) for b in blocks(document(run("trust region")), Text) for p in b.said]
    assert (
        "They give most with human prior H 0: a high one makes candidates alike, and picking among them gains less."
        in said
    )


def test_what_it_hangs_on_is_shown_where_it_was_asked_for() -> None:
    found = run("trust region", steps=True).run.sensitivity
    assert found is not None
    doc = document(run("trust region", steps=True))
    rows, every = table(doc, "moves, times"), table(doc, "never, change")
    assert [row[0] for row in every] == [e.name for e in found.effects]
    assert every[: len(rows)] == [[*row, every[k][-1]] for k, row in enumerate(rows)]
    for row, e in zip(every, found.effects, strict=True):
        if np.isfinite(e.log_moves.value):
            assert row[3].startswith(f"{math.exp(e.log_moves.value):.2f}")
        elif e.never.value:
            assert row[3] == ("lower end only" if e.never.value > 0 else "upper end only")
    assert "What it hangs on" not in text(document(run("trust region")))


def test_doubts_are_few_and_not_what_the_verdict_said() -> None:
    for kind in KINDS:
        doubts = [parts(p) for b in blocks(document(run(kind)), Text) if b.tone == "doubt" for p in b.said]
        assert set(doubts) <= {c.message for c in run(kind).run.checks if not c.passed}
        assert len(doubts) <= 4
    assert len([p for b in blocks(document(run("one mass")), Text) if b.tone == "doubt" for p in b.said]) >= 2


# ------------------------------------------------------------------------------------ plans


def test_a_plan_names_what_was_asked_for() -> None:
    assert document(bought("budget")).title == "What to buy for a budget of 300"
    asked = document(bought("reliable")).title
    assert asked == "What to buy so that tests would pass (P_pass 0.95) in 50 % of the runs"


def test_plans_that_are_the_same_are_named_once() -> None:
    found = bought("budget").plan
    places = [(str(k), p) for k, p in enumerate((found.best, *found.runners_up))]
    apart = _told_apart(places)
    assert apart[0] == places[0]
    figures = {(p.policy, p.edit_radius, float(p.cost.value), float(p.good.value)) for _, p in apart}
    assert len(figures) == len(apart) <= len(places)


def test_levers_are_there_where_nothing_works() -> None:
    keys = {name: [s.key for s in document(bought(name)).sections] for name in ("out of reach", "reliable")}
    assert ("levers" in keys["out of reach"], "levers" in keys["reliable"]) == (True, False)
    assert bought("out of reach").plan.works is False
    answer = document(bought("out of reach")).answer
    assert answer is not None
    assert answer.said == "no plan searched does it"
    assert "helps most" in parts(answer.why)


def test_the_best_plan_is_said_with_its_figures() -> None:
    found, answer = bought("reliable").plan, document(bought("reliable")).answer
    assert answer is not None
    assert answer.said.startswith(f"cheapest that is reliable: {found.best.policy} from edit radius")
    assert f"of {found.searched} plans cannot be told from it" in parts(answer.why)


def test_the_front_is_spaced_evenly_with_both_ends() -> None:
    assert spaced(list(range(21)), 5) == [0, 5, 10, 15, 20]
    assert spaced([1, 2], 5) == [1, 2]


# ----------------------------------------------------------------------------------- pictures


def pictures(name: str) -> Iterator[Chart]:
    return iter(blocks(document(sample(name)), Chart))


@pytest.mark.parametrize("name", ALL)
def test_every_picture_is_described_and_can_be_drawn(name: str) -> None:
    drawn = list(pictures(name))
    assert len({c.key for c in drawn}) == len(drawn) > 0
    for chart in drawn:
        assert len(chart.described) > 15
        shown = svg.draw(chart)
        assert not {"nan", "inf"} & set(re.split(r"[\s,\"LMZ]", shown))


def test_lines_end_where_the_runs_end() -> None:
    found = run("trust region").run
    chart = charts.convergence(found)
    lines = [m for m in chart.marks if isinstance(m, Line) and m.label]
    assert [m.label for m in lines] == ["P_pass", "P_good"]
    for line, name in zip(lines, ("p_pass", "p_good"), strict=True):
        assert np.asarray(line.y)[-1] == found.path.figures[name].value[-1]
    rules = {m.axis: m for m in chart.marks if isinstance(m, Rule)}
    assert (rules["y"].at, rules["x"].at) == (0.95, float(found.moves_to_target.median.value))


def test_the_band_is_drawn_where_the_policy_reads_it() -> None:
    [rule] = [m for m in charts.over_moves(run("trust region").run, "acceptance").marks if isinstance(m, Rule)]
    assert (rule.low, rule.high) == (0.2, 0.4)
    for kind in ("vibe", "curved"):
        assert not [m for m in charts.over_moves(run(kind).run, "acceptance").marks if isinstance(m, Rule)]


def test_the_frontier_shows_who_is_unbeaten_and_the_plan() -> None:
    found = bought("budget")
    assert found.frontier is not None
    assert found.reviewer_value is not None
    chart = charts.frontier(found.frontier, found.plan.best)
    assert chart is not None
    points = [m for m in chart.marks if isinstance(m, Points) and not m.faint]
    assert sum(len(np.asarray(m.x)) for m in points if m.shape != "cross") == len(found.frontier.front())
    assert [m.names for m in points if m.shape == "cross"] == [("the plan",)]
    assert chart.title.startswith(f"{len(found.frontier.front())} of ")
    value = charts.reviewer(found.reviewer_value)
    assert value is not None
    assert [len(np.asarray(m.x)) for m in value.marks if isinstance(m, Points)] == [len(found.reviewer_value.rows)]


def test_levers_and_steps_are_drawn_with_their_figures() -> None:
    found = run("trust region", steps=True).run
    for chart, name in zip(charts.levers(found), ("p_pass", "p_good"), strict=True):
        [dots] = [m for m in chart.marks if isinstance(m, Dots)]
        values = [dot.figure.figures[0] for dot in dots.rows[: len(found.levers)]]
        assert values == [getattr(lever.best, name) for lever in found.levers]
    assert found.sensitivity is not None
    steps = charts.tornado(found.sensitivity.effects[:8])
    assert steps is not None
    assert steps.x.log


# ----------------------------------------------------------------------------------- settings


def test_the_list_has_everything() -> None:
    doc = document(Listing())
    for width in (60, 100):
        shown = text(doc, width)
        assert max(map(len, shown.splitlines())) <= width
        for name in (*PARAMETERS, *PRESETS, *SCENARIOS, *POLICY_DEFAULTS):
            assert re.search(rf"^ +{re.escape(name)}\b", shown, re.MULTILINE), name
