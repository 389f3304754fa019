"""What to buy as a document: the plan and the next ones, speed against quality, what one more reviewer is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import __version__
from ...results.document import (
    Answer,
    Block,
    Cell,
    Document,
    Parts,
    Provenance,
    Section,
    Sheet,
    Text,
    word,
)
from ...results.words import percent, plural
from .cells import all_settings, lever_name, ratio, row, set_to, shown
from .charts import frontier, reviewer

if TYPE_CHECKING:
    from ..commands import Purchase
    from ..sweep.frontier import Frontier
    from ..sweep.planning import Plan, PlanFigures
    from ..sweep.reviewer_value import ReviewerValue

MAX_PLANS = 6  # in the terminal, the best among them
MAX_FRONT = 10
HINT = (
    "Next: add --save plan.json, then loopstat moves simulate --settings plan.json"
    "\xa0· --html\xa0page.html\xa0· --json\xa0-"
)
BOUGHT = {"policy": "word", **dict.fromkeys(("edit_radius", "candidates", "reviewers", "reviewer_proposals"), "set")}
UNBEATEN = {
    "policy": "word",
    "candidates": "set",
    "reviewers": "set",
    "cost": "whole",
    "moves_to_target": "whole",
    "good": "figure",
    "false_pass": "percent",
    "never": "percent",
    "sure_cost": "percent",
}
BARE = {"cost": "whole~", "moves_to_target": "whole~", "never": "percent~"}  # where there is little room
KEYS = (
    "K candidates, N reviewers, K_r proposals of each reviewer; means over runs until the loop stops, or money or "
    "moves are spent; reached: runs that get to the target."
)
FRONT_KEYS = (
    "cost and P_good: means over runs until they stop or are given up; moves: half of the runs stop by then; never: "
    "given up; sure: how often the team stays unbeaten when the runs are drawn again."
)


def plan(result: Purchase | Plan) -> Document:
    """Return everything said about what to buy.

    Parameters
    ----------
    result : Purchase or Plan

    Returns
    -------
    Document
        Of kind `moves`.
    """
    found: Plan = getattr(result, "plan", result)  # type: ignore[arg-type]
    teams, value = getattr(result, "frontier", None), getattr(result, "reviewer_value", None)
    return Document(
        "moves",
        f"What to buy {_asked(found)}",
        Provenance(__version__, getattr(result, "command", "")),
        _size(found),
        (
            _plans(found),
            *_levers(found),
            *(_frontier(teams, found) if teams else []),
            *(_reviewer(value) if value else []),
            all_settings(found.best_settings, "best_settings", "All settings of the plan"),
        ),
        _answer(found),
        notes=tuple(getattr(result, "notes", ())),
        hints=(HINT,),
    )


def _asked(p: Plan) -> str:
    """Say what was asked for."""
    asked = [f"for a budget of {p.budget:.4g}"] if p.budget is not None else []
    if p.reliability is not None:
        target = f"{p.settings.target_reliability:.4g}"
        good = p.judge == "p_good"
        goal = f"nothing is wrong (P_good of at least {target})" if good else f"tests would pass (P_pass {target})"
        asked.append(f"so that {goal} in {percent(p.reliability)} of the runs")
    return " and ".join(asked)


def _size(p: Plan) -> Parts:
    s = p.settings
    said = f"{plural(s.difficulty, 'defect')} at the start, at most {plural(s.max_moves, 'move')}, target "
    said += f"{s.target_reliability:.4g}; {plural(p.searched, 'plan')} searched, final figures from "
    return (f"{said}{plural(p.replicates, 'run')} each, fresh ones",)


def _answer(p: Plan) -> Answer:
    gives = _gives(p)
    same = f" {round(p.same_share * p.searched)} of {p.searched} plans cannot be told from it."
    if p.reliability is not None and not p.works:
        why = f": at least {p.reliability:.4g} of its runs do not surely get there. Furthest gets {_team(p.best)}: "
        return Answer("fails", "no plan searched does it", (why, *gives, ".", *_turn(p)), "failure")
    spent = () if p.works else (" Most runs spend the budget before they stop.", *_turn(p))
    first = "best under the budget" if p.reliability is None else "cheapest that is reliable"
    tone = "ours" if p.works else "doubt"
    return Answer("buy", f"{first}: {_team(p.best)}", (": ", *gives, f".{same}", *spent), tone)  # type: ignore[arg-type]


def _team(b: PlanFigures) -> str:
    each = f" with {plural(b.reviewer_proposals, 'proposal')} each" if b.reviewers and b.reviewer_proposals else ""
    start = f"{b.policy} from edit radius {b.edit_radius:.4g}"
    return f"{start}, {plural(b.candidates, 'candidate')}, {plural(b.reviewers, 'reviewer')}{each}"


def _gives(p: Plan) -> Parts:
    what = "P_good" if p.judge == "p_good" and p.reliability is not None else "P_pass"
    cost, good, reached = row("best", p.best, cost="whole", good="figure", reached="percent")
    target = f" at the end, {what} {p.settings.target_reliability:.4g} reached in "
    return ("cost ", cost, ", P_good ", good, target, reached, " of the runs")


def _turn(p: Plan) -> Parts:
    if not p.levers:
        return ()
    k = int(np.argmax([float(x.reached.value) for x in p.levers]))
    said = f" Of the levers, {lever_name(p.levers[k].name)} at {p.levers[k].value:.4g} helps most: there in "
    return (said, shown(p.levers[k].reached, f"levers.{k}.reached", "percent"), " of the runs.")


# ---------------------------------------------------------------------------------- plans


def _plans(p: Plan) -> Section:
    places = [("best", p.best), *((f"runners_up.{k}", x) for k, x in enumerate(p.runners_up))]
    apart = _told_apart(places)
    head = ("policy", "radius", "K", "N", "K_r", "cost", "moves", "P_good", "reached")
    means = {"cost": "whole", "moves": "whole~", "good": "figure", "reached": "percent"}
    first = Sheet("", head, tuple(row(at, x, **BOUGHT, **means) for at, x in apart), KEYS, "short", brief=MAX_PLANS)
    of = "P_good" if p.judge == "p_good" else "reached"
    than = "cost, times" if p.reliability is not None else f"{of}, difference"
    head = ("policy", "radius", "K", "N", "K_r", "cost of a move", "moves", than, "")
    rows = tuple(_against(at, x, cost=p.reliability is not None) for at, x in apart)
    note = "Paired: on the same random numbers as the best one."
    return Section("plans", "The plan and the next ones", (first, Sheet("Against the best", head, rows, note)))


def _told_apart(places: Sequence[tuple[str, PlanFigures]]) -> list[tuple[str, PlanFigures]]:
    """Return plans without those that are another one in every figure: proposals of reviewers count as candidates."""
    seen: dict[tuple[object, ...], tuple[str, PlanFigures]] = {}
    for at, p in places:
        figures = float(p.cost.value), float(p.good.value)
        seen.setdefault((p.policy, p.edit_radius, p.reviewers, p.move_cost, *figures), (at, p))
    return list(seen.values())


def _against(at: str, p: PlanFigures, *, cost: bool) -> tuple[Cell, ...]:
    own = row(at, p, **BOUGHT, move_cost="number", moves="whole")
    if at == "best":
        return (*own, Cell(None), word("best"))
    difference = shown(ratio(p.against_best), form="times") if cost else shown(p.against_best, f"{at}.against_best")
    return (*own, difference, word("cannot be told from it" if p.same_as_best else ""))


def _levers(p: Plan) -> list[Section]:
    """Say what could be turned, where no plan works."""
    if not p.levers:
        return []
    rows = tuple(
        (
            word(lever_name(x.name)),
            set_to(getattr(p.best_settings, x.name), f"best_settings.{x.name}"),
            *row(f"levers.{k}", x, value="set", good="figure", reached="percent"),
        )
        for k, x in enumerate(p.levers)
    )
    note = "What the plan would give with one setting turned all the way, all else as it is."
    head = ("lever", "in the plan", "turned to", "P_good", "reached")
    return [Section("levers", "What could be turned, one at a time", (Sheet("", head, rows, note, "short"),))]


# ------------------------------------------------------------------------- frontier, reviewer


def _frontier(found: Frontier, p: Plan) -> list[Section]:
    chart = frontier(found, p.best)
    if chart is None:
        return []
    front = found.front()
    of = f"{len(front)} of {len(found.points):,} teams that no other beats, the cheapest first; all at edit radius "
    of += f"{found.settings.edit_radius:.4g}"
    place = {id(point): f"frontier.points.{k}" for k, point in enumerate(found.points)}
    head = ("policy", "K", "N", "cost", "moves", "P_good", "false pass", "never", "sure")
    few = spaced(front, MAX_FRONT)
    first = f"{len(few)} of them, evenly spaced. " if len(few) < len(front) else ""
    short = tuple(row(place[id(x)], x, **UNBEATEN | BARE) for x in few)
    every = Sheet("", head, tuple(row(place[id(x)], x, **UNBEATEN) for x in front), FRONT_KEYS)
    folded = Section("front", f"All {len(front)}, with intervals", (every,), depth="long", folded=True)
    blocks = (chart, Sheet("", head, short, first + FRONT_KEYS, "short"), folded)
    return [Section("frontier", "Speed against quality", blocks, (of,))]


def spaced(rows: Sequence[Any], most: int) -> list[Any]:
    """Return at most so many of a list, evenly spaced, both ends among them."""
    return [rows[k] for k in np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)]


def _reviewer(value: ReviewerValue) -> list[Section]:
    chart = reviewer(value)
    forms = {"reviewers": "set", "correlation": "set", "cost_ratio": "times", "good": "figure", "price": "number"}
    rows = tuple(row(f"reviewer_value.rows.{k}", r, **forms) for k, r in enumerate(value.rows))
    head = ("reviewers", "correlation", "cost of a good result, times", "P_good, change", "pays from a worth of")
    sheet = Sheet("", head, rows, "Pays from a worth of: what a good result must be worth for the reviewer to pay.")
    blocks: tuple[Block, ...] = (Text(((value.verdict,),)), *([chart] if chart else []), sheet)
    return [Section("reviewer", "One more reviewer", blocks)]
