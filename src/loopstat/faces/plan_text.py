"""The terminal face of a plan: what to buy, what comes next to it, speed against quality, what a reviewer is worth.

Everything is read from the JSON form, and any part of it may be null.
"""

from __future__ import annotations

from typing import Any

from ..results.result import number, show
from .moves_text import LEVER_WORDS, _answer, _whole, figure, moves_words, plural, setting, share_words, table
from .sheets import Json, listed, part, triple
from .text import Style, _head, _wrap, clean_sentence, unstyled

MAX_PLANS = 6  # in the terminal, the best among them
MAX_FRONT = 10
PLAN_HEAD = ("policy", "radius", "K", "N", "K_r", "cost", "moves", "P_good", "reached")
FRONT_HEAD = ("policy", "K", "N", "cost", "moves", "P_good", "false pass", "never", "sure")
LEVER_HEAD = ("lever", "in the plan", "turned to", "P_good", "reached")
LEVERS_TITLE = "What could be turned, one at a time"
KEYS = (
    "K candidates, N reviewers, K_r proposals of each reviewer; means over runs until the loop stops, or money or "
    "moves are spent; reached: runs that get to the target."
)
NEXT = "Next: add --save plan.json, then loopstat moves simulate --settings plan.json · --html page.html · --json -"
FRONT_KEYS = (
    "cost and P_good: means over runs until they stop or are given up; moves: half of the runs stop by then; never: "
    "given up; sure: how often the team stays unbeaten when the runs are drawn again."
)


def title_of(data: Json) -> str:
    """Say what was asked for."""
    asked = [f"for a budget of {setting(data['budget'])}"] if data.get("budget") is not None else []
    if data.get("reliability") is not None:
        good = data.get("judge") == "p_good"
        target = setting(part(data, "settings").get("target_reliability"))
        goal = f"nothing is wrong (P_good of at least {target})" if good else f"tests would pass (P_pass {target})"
        asked.append(f"so that {goal} in {share_words(data['reliability'])} of the runs")
    return f"What to buy {' and '.join(asked)}"


def size_of(data: Json) -> str:
    """Say how much was looked at."""
    s = part(data, "settings")
    said = (
        f"{plural(s.get('difficulty'), 'defect')} at the start, at most {plural(s.get('max_moves'), 'move')}, target "
    )
    said += f"{setting(s.get('target_reliability'))}; {plural(data.get('searched'), 'plan')} searched"
    return f"{said}, final figures from {plural(data.get('replicates'), 'run')} each, fresh ones"


def verdict_of(data: Json) -> str:
    """Return the verdict on the plan."""
    return clean_sentence(str(data.get("verdict") or "cannot tell: nothing was searched."))


def plans_of(data: Json) -> list[Json]:
    """Return the best plan and those after it."""
    return [p for p in [part(data, "best"), *listed(data, "runners_up")] if p]


def difference_words(data: Json, plan: Json) -> str:
    """Say how a plan differs from the best one."""
    value, low, high = triple(plan, "against_best")
    if plan == part(data, "best"):
        return "best"
    if value is None:
        return "–"
    if plan.get("same_as_best"):
        return "cannot be told from it"
    if data.get("reliability") is None:
        return (
            f"P_good {show(value, low, high)}" if data.get("judge") == "p_good" else f"reached {show(value, low, high)}"
        )
    return f"cost times {number(2.718281828459045**value, 2)}"


def plan_cells(plan: Json) -> tuple[str, ...]:
    """Return the cells of one plan."""
    team = (str(plan.get("policy")), *(setting(plan.get(k)) for k in ("edit_radius", *_TEAM, "reviewer_proposals")))
    figures = (
        moves_words(plan, "cost"),
        "–" if plan.get("moves") is None else f"{plan['moves']:,.0f}",
        quality(plan, "good"),
    )
    return (*team, *figures, share_words(*triple(plan, "reached")))


def quality(data: Json, key: str) -> str:
    """Return a probability with its interval, in three decimals at most."""
    value, low, high = triple(data, key)
    if value is None:
        return "–"
    if low is None or high is None or high - low > 0.005:
        return figure(data, key)
    said = [f"{v:.3f}" for v in (value, low, high)]
    return f"{said[0]} [{said[1]}, {said[2]}]"


def told_apart(plans: list[Json]) -> list[Json]:
    """Return plans without those that are another one in every figure: proposals of reviewers count as candidates."""
    seen: set[tuple[Any, ...]] = set()
    out = []
    for plan in plans:
        key = tuple(plan.get(k) for k in ("policy", "edit_radius", "reviewers", "move_cost", "cost", "good"))
        out += [] if key in seen else [plan]
        seen.add(key)
    return out


_TEAM = ("candidates", "reviewers")


def lever_cells(data: Json) -> list[tuple[str, ...]]:
    """Return the rows of the levers: what the plan would give with one of them turned all the way."""
    now = part(data, "best_settings")
    return [
        (
            LEVER_WORDS.get(str(x.get("name")), str(x.get("name"))),
            *(setting(now.get(str(x.get("name")))), setting(x.get("value"))),
            *(quality(x, "good"), share_words(*triple(x, "reached"))),
        )
        for x in listed(data, "levers")
    ]


def front_of(data: Json) -> list[Json]:
    """Return the teams of a frontier that no other beats, the cheapest first."""
    points = [p for p in listed(data, "points") if p.get("front_cost") and p.get("cost") is not None]
    return sorted(points, key=lambda p: p["cost"])


def front_cells(point: Json) -> tuple[str, ...]:
    """Return the cells of one team of the frontier."""
    moves = point.get("moves_to_target")
    return (
        *(str(point.get("policy")), *(setting(point.get(k)) for k in _TEAM)),
        *(_whole(point["cost"]), "–" if moves is None else _whole(moves), quality(point, "good")),
        share_words(*triple(point, "false_pass")),
        *(share_words(point.get(key)) for key in ("never", "sure_cost")),
    )


def spaced(points: list[Any], most: int) -> list[Any]:
    """Return at most so many of a list, evenly spaced, both ends among them."""
    if len(points) <= most:
        return points
    return [points[round(k * (len(points) - 1) / (most - 1))] for k in range(most)]


def render(data: Json, *, width: int = 100, style: Style = unstyled) -> str:
    """Return the terminal summary of a plan.

    Parameters
    ----------
    data : mapping
        The JSON form of a plan, with `frontier` and `reviewer_value` where they were asked for.
    width : int
        Columns to wrap at.
    style : callable, optional
        Adds colour.
    """
    lines = _head(title_of(data), width, style)
    lines += _wrap(size_of(data), width, "  ", "    ")
    for note in listed(data, "notes"):
        lines += _wrap(clean_sentence(str(note)), width, "  ", "    ")
    lines += ["", *_answer(verdict_of(data), width, style)]
    plans = plans_of(data)
    lines += ["", style("The plan and the next ones", "head")]
    lines += table(PLAN_HEAD, [plan_cells(p) for p in told_apart(plans)[:MAX_PLANS]], width, style)
    lines += _wrap(KEYS, width, "  ", "    ")
    if listed(data, "levers"):
        lines += ["", style(LEVERS_TITLE, "head"), *table(LEVER_HEAD, lever_cells(data), width, style)]
    lines += _frontier(part(data, "frontier"), width, style)
    if said := part(data, "reviewer_value").get("verdict"):
        lines += ["", style("One more reviewer", "head"), *_wrap(clean_sentence(str(said)), width, "  ", "  ")]
    return "\n".join([*lines, "", *_wrap(NEXT, width, "", "  ")])


def _frontier(data: Json, width: int, style: Style) -> list[str]:
    front = front_of(data)
    if not front:
        return []
    shown = spaced(front, MAX_FRONT)
    of = f"{len(front)} of {len(listed(data, 'points')):,} teams that no other beats, the cheapest first; all at edit "
    of += f"radius {setting(part(data, 'settings').get('edit_radius'))}"
    few = f" ({len(shown)} of them; all in --json and --html)" if len(shown) < len(front) else ""
    lines = ["", style("Speed against quality", "head"), *_wrap(f"{of}{few}", width, "  ", "    ")]
    return [
        *lines,
        *table(FRONT_HEAD, [front_cells(p) for p in shown], width, style),
        *_wrap(FRONT_KEYS, width, "  ", "    "),
    ]
