"""The terminal of the moves lens: the answer first, figures that are the JSON's, words for what is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from loopstat.faces.moves_text import (
    ceiling_rows,
    hangs_on,
    lever_cells,
    moves_words,
    render,
    setting,
    share_words,
    team_words,
    when_words,
)

from loopstat.drift.view.facts import doubts
from loopstat.faces import plan_text
from loopstat.io.rows import rows_of
from loopstat.results.words import plural, probability
from moves_samples import KINDS, PLANS, bought, run

TEXTS = (*KINDS, *PLANS)


def text_of(name: str) -> tuple[Callable[..., str], dict[str, Any]]:
    """Return how a result is shown, and its JSON form."""
    return (plan_text.render, bought(**PLANS[name])) if name in PLANS else (render, run(name))


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("width", [60, 100])
def test_lines_fit_and_say_no_nonsense(name: str, width: int) -> None:
    draw, data = text_of(name)
    shown = draw(data, width=width)
    assert max(map(len, shown.splitlines())) <= width
    assert not set(re.findall(r"[\w.]+", shown)) & {"None", "nan", "inf", "null"}
    assert "\xa0" not in shown


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_verdict_comes_first(kind: str) -> None:
    data = run(kind)
    lines = render(data, width=100).split("\n\n")
    flat = " ".join(lines[1].split())
    assert flat.startswith(f"Verdict: {data['verdict']['sentence']}")
    assert "tau is not known by a.json" in lines[0]
    assert [key for key, _ in rows_of(data)][:2] in (
        ["nothing wrong", "tests would pass"],
        ["nothing wrong", "tests pass"],
    )


def test_figures_stand_per_move_and_per_cost() -> None:
    data = run("trust region")
    words = dict(rows_of(data))
    assert f"half of the runs after {moves_words(data['moves_to_target'])} moves" in words["tests would pass"]
    assert f"(cost {moves_words(data['cost_to_target'])})" in words["tests would pass"]
    assert re.fullmatch(
        r"\S+ \[\S+ \S+\] a move · \S+ \[\S+ \S+\] per unit of cost, on the way to the stop", words["defects removed"]
    )
    assert share_words(*(data[f"false_pass_at_stop{end}"] for end in ("", "_low", "_high"))) in words["at the stop"]


def test_all_ceilings_are_named() -> None:
    keys = {kind: [key for key, _ in ceiling_rows(run(kind))] for kind in ("trust region", "vibe")}
    assert keys["trust region"] == ["mean path", "at radius 0.2 for ever", "single runs"]
    assert keys["vibe"] == ["mean path", "at radius 0.1 for ever", "all its radii together", "single runs"]
    rows = dict(ceiling_rows(run("trust region")))
    assert "with a largest radius of 1" in rows["single runs"]
    assert "P_pass 0.71, P_good 0.65" in rows["mean path"]
    assert "never improves" in dict(ceiling_rows(run("hopeless")))["at radius 0.2 for ever"]


def test_levers_say_what_is_needed_or_how_far_they_get() -> None:
    rows = {row[0]: row[1:] for row in lever_cells(run("trust region"))}
    assert len(rows) == 8
    assert rows["largest edit radius"] == ("1", "none does", "2", "0.77", "0.72")
    assert rows["all at their ends"] == ("", "", "", "0.84", "0.81")
    assert all(row[2] == "as it is" for row in lever_cells(run("done at the start"))[:6])
    within = [row[2] for row in lever_cells(run("planner"))[:6]]
    assert any(re.fullmatch(r"[\d.]+", cell) for cell in within)
    assert "oracle" not in render(run("trust region"))


def test_what_it_hangs_on_is_shown_where_it_was_asked_for() -> None:
    data = run("trust region", steps=True)
    rows = hangs_on(data)
    assert [row[0] for row in rows] == [e["name"] for e in data["sensitivity"]][: len(rows)]
    known = [(row, e) for row, e in zip(rows, data["sensitivity"], strict=False) if e["log_moves"] is not None]
    assert known
    for row, effect in known:
        assert row[3].startswith(f"{math.exp(effect['log_moves']):.2f}")
    for row, effect in zip(rows, data["sensitivity"], strict=False):
        if effect["log_moves"] is None and effect["never"]:
            assert row[3] == ("lower end only" if effect["never"] > 0 else "upper end only")
    assert "What it hangs on most" in render(data)
    assert max(map(len, render(data, width=60).splitlines())) <= 60
    assert "What it hangs on" not in render(run("trust region"))


def test_doubts_are_few_and_not_what_the_verdict_said() -> None:
    for kind in KINDS:
        data = run(kind)
        failed = {c["message"] for c in data["checks"] if not c["passed"]}
        assert set(doubts(data)) <= failed
        assert len(doubts(data)) <= 4
    assert len(doubts(run("one mass"))) >= 2


@pytest.mark.parametrize(
    ("never", "said"),
    [(0.0, "half of the runs after 12 [11, 13] moves (cost 24)"), (1.0, "in no run within 30 moves")],
)
def test_when_words(never: float, said: str) -> None:
    found = {"median": 12.0, "median_low": 11.0, "median_high": 13.0, "never": never}
    cost = {"median": 24.0}
    data = {"settings": {"max_moves": 30}, "moves_to_good": found, "cost_to_good": cost}
    assert when_words(data, "good") == said
    some = when_words({**data, "moves_to_good": {**found, "never": 0.25}}, "good")
    assert some.endswith("; never in 25 % of the runs within 30 moves")
    assert when_words({**data, "moves_to_good": {"q95": 0.0, "never": 0.0, "median": 0.0}}, "good").startswith(
        "at the start"
    )


def test_shares_have_no_more_digits_than_they_deserve() -> None:
    assert share_words(0.866, 0.855, 0.876) == "87 % [86, 88]"
    assert share_words(0.1312, 0.1296, 0.1327) == "13.1 % [13.0, 13.3]"
    assert share_words(0.0, 0.0, 0.0009) == "0.0 % [0.0, 0.1]"
    assert share_words(1.0, 0.9991, 1.0) == "100.0 % [99.9, 100.0]"
    assert share_words(0.0002, 0.00018, 0.00022) == "0.02 %"
    assert (share_words(0.5), share_words(0), share_words(None)) == ("50 %", "0 %", "–")


def test_small_words() -> None:
    assert [plural(n, "reviewer") for n in (0, 1, 2, None)] == [
        "no reviewers",
        "1 reviewer",
        "2 reviewers",
        "– reviewers",
    ]
    assert [setting(v) for v in (1.0, 0.25, 4000, "vibe", None)] == ["1", "0.25", "4000", "vibe", "–"]
    assert [probability(v) for v in (0.71, 0.9991, 0.0023, None)] == ["0.71", "0.9991", "0.002", "–"]
    assert (
        team_words({"candidates": 1, "reviewers": 2, "reviewer_proposals": 1})
        == "1 candidate and 2 from reviewers a move, 2 reviewers"
    )
    assert moves_words({"median": 12.0, "median_low": 11.0, "median_high": None}) == "12 [11, ∞]"


@pytest.mark.parametrize("name", ["trust region", "vibe", "budget"])
def test_any_part_may_be_null(name: str) -> None:
    draw, data = text_of(name)
    for key, value in data.items():
        changes: list[Any] = [None]
        if isinstance(value, dict):
            changes += [{**value, inner: None} for inner in value]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            changes += [[{**item, inner: None} for item in value] for inner in value[0]]
        for change in changes:
            assert draw({**data, key: change}, width=100)


# ----------------------------------------------------------------------------------- plans


def test_a_plan_names_what_was_asked_for() -> None:
    assert plan_text.title_of(bought(budget=300.0)) == "What to buy for a budget of 300"
    asked = plan_text.title_of(bought(reliability=0.5, judge="p_pass"))
    assert asked == "What to buy so that tests would pass (P_pass 0.95) in 50 % of the runs"


def test_plans_that_are_the_same_are_named_once() -> None:
    plans = plan_text.plans_of(bought(budget=300.0))
    apart = plan_text.told_apart(plans)
    assert plans[0] == apart[0]
    assert len({(p["cost"], p["good"], p["edit_radius"], p["policy"]) for p in apart}) == len(apart) <= len(plans)


def test_levers_are_there_where_nothing_works() -> None:
    hopeless, fine = bought(reliability=0.99), bought(reliability=0.5, judge="p_pass")
    assert (hopeless["works"], fine["works"]) == (False, True)
    assert plan_text.LEVERS_TITLE in plan_text.render(hopeless)
    assert plan_text.LEVERS_TITLE not in plan_text.render(fine)


def test_the_front_is_spaced_evenly_with_both_ends() -> None:
    assert plan_text.spaced(list(range(21)), 5) == [0, 5, 10, 15, 20]
    assert plan_text.spaced([1, 2], 5) == [1, 2]
