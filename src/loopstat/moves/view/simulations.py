"""A simulated loop of moves as a document: the verdict, when runs arrive, how far it gets, what it hangs on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ... import __version__
from ...results.chart import Tone
from ...results.document import (
    Answer,
    Block,
    Cell,
    Checks,
    Document,
    Fact,
    Facts,
    Formulas,
    Parts,
    Provenance,
    Section,
    Sheet,
    Text,
    word,
)
from ...results.words import plural
from .cells import all_settings, joined, lever_name, ratio, row, set_to, shown, team
from .charts import arrivals, levers, of_run, one_more, over_moves, tornado
from .charts import teams as teams_chart
from .formulas import FORMULAS

if TYPE_CHECKING:
    from ...arrays import Float
    from ...inference.estimate import Estimate
    from ..commands import Simulation
    from ..fit import MovesRun
    from ..sweep.levers import Lever
    from ..sweep.sensitivity import Effect
    from ..sweep.teams import Teams

HINT = (
    "Next: loopstat moves plan --reliability 0.9"
    "\xa0· --set\xa0name=value\xa0· --sensitivity\xa0· --html\xa0page.html\xa0· --json\xa0-"
)
ANSWERS: dict[str, tuple[str, Tone]] = {
    "good": ("gets good results", "ours"),
    "passes_only": ("passes its tests, but is not good", "doubt"),
    "stalls": ("stalls", "failure"),
}
MAX_EFFECTS = 8
ASSUMED = Section("formulas", "What is taken for granted", (Formulas(FORMULAS),), depth="long", folded=True)
SAID = ("never_reached", "never_good", "false_pass")  # checks whose figures the verdict leads with
SAME = 0.02  # share by which two radii must differ to be told apart in words
QUANTILES = (("q05", "1 in 20"), ("q95", "19 in 20"))
CHANCES = {"p_pass": "probability", "p_good": "probability"}
GOALS = {"good": "nothing wrong", "target": "tests would pass"}


def simulation(result: Simulation | MovesRun) -> Document:
    """Return everything said about a simulated loop.

    Parameters
    ----------
    result : Simulation or MovesRun

    Returns
    -------
    Document
        Of kind `moves`.
    """
    run: MovesRun = getattr(result, "run", result)  # type: ignore[arg-type]
    s = run.settings
    said, tone = ANSWERS[run.verdict.action]
    reasons = {reason.code: reason.sentence for reason in run.verdict.why}
    doing = " ".join(reasons[code] for code in ("runs", "stop")) if reasons else run.verdict.sentence
    teams = getattr(result, "teams", None)
    sections = (_what_happens(run, teams), _how_far(run), *_hangs_on(run), _checks(run), ASSUMED)
    return Document(
        "moves",
        f"A {s.policy} loop",
        Provenance(__version__, getattr(result, "command", "")),
        _lead(run),
        (*sections, all_settings(s, "settings", "All settings")),
        Answer(run.verdict.action, said, (f": {doing[:1].lower()}{doing[1:]}",), tone),
        notes=tuple(getattr(result, "notes", ())),
        hints=(HINT,),
        rough=getattr(result, "rough", ""),
    )


def _lead(run: MovesRun) -> Parts:
    s = run.settings
    start = f"{team(s)}; {plural(s.difficulty, 'defect')} at the start; target "
    runs = f"; {plural(s.replicates, 'run')} of at most {plural(s.max_moves, 'move')}, seed {s.seed}; a move costs "
    target = set_to(s.target_reliability, "settings.target_reliability")
    return (start, target, runs, shown(s.move_cost, "move_cost", "number"))


# --------------------------------------------------------------------------- what happens


def _what_happens(run: MovesRun, teams: Teams | None) -> Section:
    doubts = tuple((c.message,) for c in run.checks if not c.passed and c.name not in SAID)
    wide, *small = of_run(run)
    small += [] if teams is None else [chart for chart in (one_more(teams), teams_chart(teams)) if chart is not None]
    beside = (_arrivals(run), over_moves(run, "mu"), arrivals(run))
    more = Section("more", "Defects left, and runs that have arrived", beside, depth="long", folded=True)
    doubtful = (Text(doubts, "doubt", points=True),) if doubts else ()
    said: tuple[Block | Section, ...] = (*doubtful, Facts(tuple(_facts(run))), more)
    return Section("happens", "What happens", (wide, *small, *said))


def _facts(run: MovesRun) -> list[Fact]:
    passing = "tests pass" if run.settings.process == "integer" else "tests would pass"
    rows = {
        GOALS["good"]: _when(run, "good"),
        passing: _when(run, "target"),
        "at the stop": _at_the_stop(run),
        "defects removed": _removed(run),
        "on the way": _on_the_way(run),
        "best radius": _best_radius(run),
    }
    return [Fact(key, said) for key, said in rows.items() if said]


def _when(run: MovesRun, goal: str) -> Parts:
    """Say when runs arrive at a goal, in moves and in cost beside them."""
    at_moves, at_cost = f"moves_to_{goal}", f"cost_to_{goal}"
    moves, cost = getattr(run, at_moves), getattr(run, at_cost)
    within = f" within {plural(run.settings.max_moves, 'move')}"
    never = float(moves.never.value)
    if never == 1:
        return (f"in no run{within}",)
    said: list[Parts] = []
    if float(moves.q95.value) == 0:
        said = [("at the start, before any move",)]
    else:
        if math.isfinite(moves.median.value):
            middle = (shown(m.median, f"{at}.median", "whole") for m, at in ((moves, at_moves), (cost, at_cost)))
            said = [_after("half of the runs", *middle)]
        for name, share in QUANTILES:
            ends = (float(getattr(m, name).value) for m in (moves, cost))
            if math.isfinite(getattr(moves, name).value):
                said.append(_after(share, *(shown(v, form="whole") for v in ends)))
    if never > 0:
        words = ("never in ", shown(moves.never, f"{at_moves}.never", "percent"), f" of the runs{within}")
        said.insert(len(said) if never < 0.5 else 0, words)
    return joined(said)


def _after(share: str, moves: Cell, cost: Cell) -> Parts:
    return (
        (f"{share} after ", moves, " moves (cost ", cost, ")")
        if cost.value is not None
        else (f"{share} after ", moves, " moves")
    )


def _at_the_stop(run: MovesRun) -> Parts:
    risk = shown(run.false_pass_at_stop, "false_pass_at_stop", "percent")
    said: list[Parts] = [("a hidden defect in ", risk, " of the stops")] if risk.value is not None else []
    good = shown(run.good_at_stop, "good_at_stop", "percent")
    return joined([*said, ("nothing wrong in ", good, " of all runs, given up or stopped")])


def _removed(run: MovesRun) -> Parts:
    each = (("at_stop_per_move", " a move"), ("at_stop", " per unit of cost"))
    cells = [(shown(getattr(run.efficiency, key), f"efficiency.{key}"), of) for key, of in each]
    said = [(cell, of) for cell, of in cells if cell.value is not None]
    return (*joined(said, " · "), ", on the way to the stop") if said else ()


def _on_the_way(run: MovesRun) -> Parts:
    """Say how radius and acceptance went."""
    radius, accepted = (_known(run.path.figures[name].value) for name in ("delta", "acceptance"))
    said: list[Parts] = []
    if len(radius):
        same = np.ptp(radius) <= SAME * radius.max()
        later: Parts = () if same else (" at first, ", shown(float(radius[-1]), form="rough"), " at the end")
        said.append(("edit radius ", set_to(float(radius[0])), *later))
    if len(accepted):
        first, last = (shown(float(v), form="percent") for v in accepted[[0, -1]])
        said.append((first, " of moves accepted at first, ", last, " at the end"))
    return joined(said)


def _known(values: Float) -> Float:
    return values[np.isfinite(values)]


def _best_radius(run: MovesRun) -> Parts:
    found = {key: shown(v, f"best_radius.{key}", "rough") for key, v in run.best_radius.items()}
    said = [
        (cell, f" at the {'start' if key == 'at_start' else 'end'}")
        for key, cell in found.items()
        if cell.value is not None
    ]
    return joined(said, ", ")


def _arrivals(run: MovesRun) -> Sheet:
    rows = {
        "moves_to_target": "moves until tests would pass",
        "cost_to_target": "cost until then",
        "moves_to_good": "moves until nothing is wrong",
        "cost_to_good": "cost until then",
    }
    forms = {**dict.fromkeys(("median", "q05", "q95", "mean"), "whole"), "never": "percent"}
    return Sheet(
        "When runs arrive",
        ("", "half of the runs", "1 in 20", "19 in 20", "mean", "never"),
        tuple((word(words), *row(name, getattr(run, name), **forms)) for name, words in rows.items()),
        "A dash: so many never arrive. Intervals are of the simulation: what other random numbers would give.",
    )


# ------------------------------------------------------------------------ how far it gets


def _how_far(run: MovesRun) -> Section:
    blocks: list[Block] = [
        *(Text(((reason.sentence,),)) for reason in run.verdict.why if reason.code == "mean_path"),
        Facts(tuple(_ceilings(run))),
    ]
    if run.levers:
        blocks += [*levers(run), _levers(run)]
    note = "The mean path is what a loop does that always makes the mean step. Single runs are not bound by it."
    together = _together(run)
    return Section(
        "far",
        "How far it gets",
        (*blocks, *([Text(((together,),))] if together else []), Text(((note,),), depth="long")),
    )


def _ceilings(run: MovesRun) -> list[Fact]:
    """Name the readings of how far it gets: mean path, start radius, travel, single runs."""
    top, s = run.ceiling, run.settings
    reach = "reaches the target" if top.reachable else f"below the target of {s.target_reliability:.4g}"
    at: Parts = () if top.travel else (" at edit radius ", set_to(top.delta, "ceiling.delta"))
    rows = [Fact("mean path", (*_point("ceiling", top.mu, top.p_pass, top.p_good), *at, f": {reach}"))]
    floor = top.floor
    mass = float(floor.mass)
    rest = _point("ceiling.floor", mass, float(floor.p_pass), float(floor.p_good))
    start = f"at edit radius {float(floor.radius):.4g} for ever: "
    rows.append(Fact("first radius", (start, *(rest if math.isfinite(mass) else ("it never improves",)))))
    if top.travel is not None:
        way = top.travel
        length = shown(float(way.length), "ceiling.travel.length", "rough")
        leaves = _point("ceiling.travel", float(way.mass), float(way.p_pass), float(way.p_good))
        rows.append(Fact("all radii", (length, " together; without selection that leaves ", *leaves)))
    passing, good = (getattr(run, f"moves_to_{goal}").never for goal in ("target", "good"))
    shares = (shown(float(e.value), form="percent") for e in (passing, good))
    widest = run.single_runs["max_radius"]
    said = joined(
        [(cell, words) for cell, words in zip(shares, (" never pass", " are never all good"), strict=True)], ", "
    )
    return [*rows, Fact("single runs", (*said, f", with a largest radius of {widest:.4g}"))]


def _point(place: str, mu: float, p_pass: float, p_good: float) -> Parts:
    passing, good = (
        shown(p, f"{place}.{key}", "probability") for key, p in zip(CHANCES, (p_pass, p_good), strict=True)
    )
    return (shown(mu, f"{place}.mu", "rough"), " defects (P_pass ", passing, ", P_good ", good, ")")


def _levers(run: MovesRun) -> Sheet:
    target, both = f"{run.settings.target_reliability:.4g}", run.levers_together
    rows = [_lever(x, f"levers.{k}") for k, x in enumerate(run.levers)]
    for place, found, words in (
        ("levers_together", both.ends, "all at their ends"),
        ("levers_together.best", both.best, "all, where they give most"),
    ):
        rows.append((word(words), *[word("")] * 3, *row(place, found, **CHANCES)))
    title = f"What would lift the mean path to P_pass {target} (single runs go past it)"
    if run.ceiling.reachable:
        title = f"The mean path gets to P_pass {target} as it is; how far each lever would bring it"
    head = ("lever", "now", "for the target", "best in its range", "P_pass", "P_good")
    note = "The smallest change that lifts the mean path to the target, and the most each lever gives in its range."
    return Sheet(title, head, tuple(rows), note, depth="short")


def _lever(lever: Lever, here: str) -> tuple[Cell, ...]:
    needed = lever.needed
    change = word("none does") if needed is None else word("as it is") if needed == lever.value else None
    now = set_to(lever.value, f"{here}.value")
    best = row(f"{here}.best", lever.best, value="set", **CHANCES)
    return (word(lever_name(lever.name)), now, change or set_to(needed, f"{here}.needed"), *best)


def _together(run: MovesRun) -> str:
    """Say where all levers give most together, where that is not at the ends one would think."""
    ends, best = run.levers_together.ends.value, run.levers_together.best.value
    if not isinstance(ends, dict) or not isinstance(best, dict):
        return ""
    other = [name for name in best if ends[name] != best[name]]
    why = ": a high one makes candidates alike, and picking among them gains less" if "human_prior" in other else ""
    said = ", ".join(f"{lever_name(name)} {best[name]:.4g}" for name in other)
    return f"They give most with {said}{why}." if other else ""


# ----------------------------------------------------------------------- what it hangs on


def _hangs_on(run: MovesRun) -> list[Section]:
    if run.sensitivity is None:
        return []
    effects = run.sensitivity.effects
    chart = tornado(effects[:MAX_EFFECTS])
    head = ("setting", "from", "to", "moves, times", "cost, times", "P_good, change")
    rows = [_effect(e, k) for k, e in enumerate(effects)]
    note = "One setting from its lower to its upper value, on the same random numbers."
    most = Sheet("", head, tuple(rows[:MAX_EFFECTS]), note, "short")
    never = (shown(e.never, f"sensitivity.{k}.never") for k, e in enumerate(effects))
    every = Sheet("", (*head, "never, change"), tuple((*row, n) for row, n in zip(rows, never, strict=True)), note)
    folded = Section("steps", f"All {len(rows)} settings", (every,), depth="long", folded=True)
    return [Section("hangs", "What it hangs on most", (*([chart] if chart else []), most, folded))]


def _effect(e: Effect, k: int) -> tuple[Cell, ...]:
    here = f"sensitivity.{k}"
    return (
        *row(here, e, name="word", lower="set", upper="set"),
        _times(e.log_moves) if np.isfinite(e.log_moves.value) else _one_end(e),
        _times(e.log_cost),
        shown(e.good, f"{here}.good"),
    )


def _times(log: Estimate) -> Cell:
    return shown(ratio(log), form="times") if math.isfinite(log.value) else Cell(None)


def _one_end(e: Effect) -> Cell:
    """Say which end alone gets half of the runs to the target."""
    never = float(e.never.value)
    return word(f"{'lower' if never > 0 else 'upper'} end only") if never else Cell(None)


def _checks(run: MovesRun) -> Section:
    checks = Checks(run.checks, place="checks")
    return Section("checks", "Checks", (checks,), (checks.said,), depth="long", folded=True)
