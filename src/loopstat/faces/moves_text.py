"""The terminal face of a simulated loop of moves: the answer, the figures, why, and what could be turned.

Everything is read from the JSON form (`MovesRun.to_dict()`), and any part of it may be null.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..results.result import number, show
from .sheets import Json, listed, part, triple
from .text import Style, _head, _line, _plain_wrap, _warning, _wrap, clean_sentence, unstyled

LEVER_WORDS = {
    "human_prior": "human prior H",
    "model_prior": "model prior rho",
    "candidates": "candidates K",
    "reviewers": "reviewers N",
    "correlation": "correlation of reviewers",
    "tr_max_radius": "largest edit radius",
    "edit_radius": "edit radius at the start",
}
LEVER_HEAD = ("lever", "now", "for the target", "best in its range", "P_pass", "P_good")
NEXT = "Next: loopstat moves plan --reliability 0.9 · --set name=value · --sensitivity · --html page.html · --json -"
MAX_EFFECTS = 8
EFFECT_HEAD = ("setting", "from", "to", "moves, times", "cost, times", "P_good, change")
SAID = ("never_reached", "never_good", "false_pass")  # checks whose figures the verdict leads with
FIRST_RADIUS = 0.02  # share by which two radii must differ to be told apart in words


# ------------------------------------------------------------------------------------ words


def share_words(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a share as a percentage with its interval; no more than one decimal where it is not tiny."""
    if value is None:
        return "–"
    shares = [value] if low is None or high is None else [value, low, high]
    wide = 100 * (max(shares) - min(shares))
    digits = 0 if wide >= 1 or (len(shares) == 1 and value >= 0.1) or value in (0, 1) else 1
    if digits == 1 and max(shares) < 0.001:
        digits = 2
    if value in (0, 1):
        digits = 1 if len(shares) > 1 and wide > 0.05 else 0
    said = [f"{100 * v:.{digits}f}" for v in shares]
    return f"{said[0]} %" + (f" [{said[1]}, {said[2]}]" if len(set(said)) > 1 else "")


def figure(data: Json, key: str) -> str:
    """Return a figure with its interval, or a dash."""
    value, low, high = triple(data, key)
    return "–" if value is None else show(value, low, high)


def moves_words(data: Json, key: str = "median") -> str:
    """Return a number of moves, or a cost, with its interval; an open end is infinite."""
    value, low, high = triple(data, key)
    if value is None:
        return "–"
    if low is None and high is None:
        return _whole(value)
    ends = [_whole(v) if v is not None else "∞" for v in (low, high)]
    return _whole(value) if ends == [_whole(value)] * 2 else f"{_whole(value)} [{', '.join(ends)}]"


def _whole(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or float(value).is_integer() else number(value, 3)


def plural(n: float | None, word: str) -> str:
    """Return a count with its word, `1 reviewer`, `no reviewers`."""
    if n is None:
        return f"– {word}s"
    return f"{'no' if n == 0 else f'{n:,g}'} {word}{'' if n == 1 else 's'}"


def team_words(settings: Json) -> str:
    """Say who works: candidates, proposals of reviewers, reviewers."""
    own = (settings.get("reviewers") or 0) * (settings.get("reviewer_proposals") or 0)
    extra = f" and {own:g} from reviewers" if own else ""
    return f"{plural(settings.get('candidates'), 'candidate')}{extra} a move, " + plural(
        settings.get("reviewers"), "reviewer"
    )


def loop_words(settings: Json) -> str:
    """Say what is simulated, in one line."""
    start = f"{plural(settings.get('difficulty'), 'defect')} at the start"
    goal = f"target {setting(settings.get('target_reliability'))}"
    return f"{settings.get('policy')}: {team_words(settings)}; {start}; {goal}"


def run_words(data: Json) -> str:
    """Say how often it was run, how long, and what a move costs."""
    s, cost = part(data, "settings"), data.get("move_cost")
    said = f"{plural(s.get('replicates'), 'run')} of at most {plural(s.get('max_moves'), 'move')}, seed {s.get('seed')}"
    return said + ("" if cost is None else f"; a move costs {number(cost, 3)}")


def verdict_of(data: Json) -> str:
    """Return the verdict."""
    return clean_sentence(str(part(data, "verdict").get("sentence") or "cannot tell: nothing was simulated."))


def when_words(data: Json, goal: str) -> str:
    """Say when runs arrive at a goal, `target` or `good`, in moves and in cost beside them."""
    moves, cost = part(data, f"moves_to_{goal}"), part(data, f"cost_to_{goal}")
    never, most = triple(moves, "never"), part(data, "settings").get("max_moves")
    some = ""
    if never[0] == 1:
        return f"in no run within {plural(most, 'move')}"
    if (never[0] or 0) > 0:
        some = f"never in {share_words(*never)} of the runs within {plural(most, 'move')}"
    if moves.get("q95") == 0:
        return "; ".join(filter(None, ["at the start, before any move", some]))
    rest = [f"{word} after {_pair(moves, cost, key)}" for key, word in _QUANTILES if moves.get(key) is not None]
    if moves.get("median") is None:
        return "; ".join(filter(None, [some, *rest]))
    return "; ".join(filter(None, [", ".join(rest), some]))


_QUANTILES = (("median", "half of the runs"), ("q05", "1 in 20"), ("q95", "19 in 20"))


def _pair(moves: Json, cost: Json, key: str) -> str:
    both = f"{moves_words(moves, key)} moves" if key == "median" else _whole(moves[key])
    return both + (f" (cost {moves_words(cost, key)})" if cost.get(key) is not None else "")


def stop_words(data: Json) -> str:
    """Say what is left at the stop."""
    risk, good = triple(data, "false_pass_at_stop"), triple(data, "good_at_stop")
    said = [f"a hidden defect in {share_words(*risk)} of the stops"] if risk[0] is not None else []
    if good[0] is not None:
        said.append(f"nothing wrong in {share_words(*good)} of all runs, given up or stopped")
    return "; ".join(said)


def efficiency_words(data: Json) -> str:
    """Say what a move, and a unit of cost, removes."""
    found = part(data, "efficiency")
    each = ((figure(found, "at_stop_per_move"), "a move"), (figure(found, "at_stop"), "per unit of cost"))
    said = [f"{words} {of}" for words, of in each if words != "–"]
    return f"{' · '.join(said)}, on the way to the stop" if said else ""


def course_words(data: Json) -> str:
    """Say how radius and acceptance went."""
    path = part(data, "path")
    radius = [v for v in listed(path, "delta") if v is not None]
    accepted = [v for v in listed(path, "acceptance") if v is not None]
    said = []
    if radius:
        same = max(radius) - min(radius) <= FIRST_RADIUS * max(radius)
        said.append(
            f"edit radius {setting(radius[0])}" + ("" if same else f" at first, {number(radius[-1])} at the end")
        )
    if accepted:
        ends = share_words(accepted[0]), share_words(accepted[-1])
        said.append(f"{ends[0]} of moves accepted at first, {ends[1]} at the end")
    return "; ".join(said)


def ceiling_rows(data: Json) -> list[tuple[str, str]]:
    """Name the readings of how far it gets: mean path, start radius, travel, single runs."""
    top = part(data, "ceiling")
    target, travel = setting(part(data, "settings").get("target_reliability")), part(top, "travel")
    rows = []
    if top.get("mu") is not None:
        reach = "reaches the target" if top.get("reachable") else f"below the target of {target}"
        at = "" if travel else f" at edit radius {setting(top.get('delta'))}"
        rows.append(("mean path", f"{_point(top)}{at}: {reach}"))
    floor = part(top, "floor")
    if floor.get("delta") is not None:
        words = _point(floor) if floor.get("mu") is not None else "it never improves"
        rows.append((f"at radius {setting(floor['delta'])} for ever", words))
    if travel.get("length") is not None:
        end = f"; without selection that leaves {_point(travel)}" if travel.get("mu") is not None else ""
        rows.append(("all its radii together", f"{number(travel['length'])}{end}"))
    single = part(top, "single_runs")
    if single.get("never") is not None:
        radius = f", with a largest radius of {setting(single['max_radius'])}" if single.get("max_radius") else ""
        words = f"{share_words(single['never'])} never pass, {share_words(single.get('never_good'))} are never all good"
        rows.append(("single runs", words + radius))
    return rows


def _point(point: Json) -> str:
    p_pass, p_good = (point.get(k) for k in ("p_pass", "p_good"))
    said = f"{number(point['mu'])} defects" if point.get("mu") is not None else ""
    if p_pass is not None:
        said += f" (P_pass {probability(p_pass)}" + (f", P_good {probability(p_good)})" if p_good is not None else ")")
    return said


def probability(value: float | None) -> str:
    """Return a probability; more digits near 1 and near 0, where they matter."""
    if value is None:
        return "–"
    return number(value, 2) if 0.01 <= value < 0.995 else number(value, 4) if value >= 0.995 else number(value, 1)


def setting(value: Any) -> str:
    """Return the value of a setting as it would be typed."""
    return "–" if value is None else f"{value:.4g}" if isinstance(value, int | float) else str(value)


def lever_cells(data: Json) -> list[tuple[str, ...]]:
    """Return the rows of the table of levers, all of them together last."""
    rows: list[tuple[str, ...]] = []
    for lever in listed(data, "levers"):
        best, needed = part(lever, "best"), lever.get("needed")
        rows.append(
            (
                *(LEVER_WORDS.get(str(lever.get("name")), str(lever.get("name"))), setting(lever.get("value"))),
                "none does" if needed is None else "as it is" if needed == lever.get("value") else setting(needed),
                *(setting(best.get("value")), probability(best.get("p_pass")), probability(best.get("p_good"))),
            )
        )
    both = part(data, "levers_together")
    for key, words in (("", "all at their ends"), ("best", "all, where they give most")):
        found = part(both, key) if key else both
        if found.get("p_pass") is not None:
            rows.append((words, "", "", "", probability(found["p_pass"]), probability(found.get("p_good"))))
    return rows


def together_words(data: Json) -> str:
    """Say where all levers give most together, where that is not at the ends one would think."""
    both = part(data, "levers_together")
    ends, best = part(both, "value"), part(part(both, "best"), "value")
    other = [f"{LEVER_WORDS.get(k, k)} {setting(v)}" for k, v in best.items() if ends.get(k) != v]
    why = ": a high one makes candidates alike, and picking among them gains less" if "human_prior" in best else ""
    why = why if best.get("human_prior") != ends.get("human_prior") else ""
    return f"They give most with {', '.join(other)}{why}." if other else ""


def hangs_on(data: Json) -> list[tuple[str, ...]]:
    """Return the rows of the settings that change most, from the largest on."""
    rows = []
    for e in listed(data, "sensitivity")[:MAX_EFFECTS]:
        times = [_times(*triple(e, key)) for key in ("log_moves", "log_cost")]
        if e.get("log_moves") is None and (e.get("never") or 0) != 0:
            times[0] = f"{'lower' if e['never'] > 0 else 'upper'} end only"
        rows.append((str(e.get("name")), *(setting(e.get(k)) for k in ("lower", "upper")), *times, figure(e, "good")))
    return rows


def _times(value: float | None, low: float | None, high: float | None) -> str:
    """Return the ratio whose logarithm is given."""
    if value is None or low is None or high is None:
        return "–" if value is None else number(math.exp(value))
    ends = [math.exp(v) for v in (value, low, high)]
    if not all(0.1 <= v < 10 for v in ends):
        return show(*ends)
    said = [f"{v:.2f}" for v in ends]
    return f"{said[0]} [{said[1]}, {said[2]}]"


def doubts(data: Json) -> list[str]:
    """Return what casts doubt on the answer, in sentences."""
    failed = [c for c in listed(data, "checks") if isinstance(c, Mapping) and c.get("passed") is False]
    failed = [c for c in failed if c.get("name") not in SAID]
    return [clean_sentence(str(c.get("message") or c.get("name"))) for c in failed]


def rows_of(data: Json) -> list[tuple[str, str]]:
    """Return what is said of the runs, as (key, words)."""
    rows = {
        "nothing wrong": when_words(data, "good"),
        "tests would pass": when_words(data, "target"),
        "at the stop": stop_words(data),
        "defects removed": efficiency_words(data),
        "on the way": course_words(data),
    }
    if part(data, "settings").get("process") == "integer":
        rows = {("tests pass" if key == "tests would pass" else key): words for key, words in rows.items()}
    best = part(data, "best_radius")
    if best.get("at_start") is not None:
        rows["best radius"] = f"{number(best['at_start'])} at the start" + (
            f", {number(best['at_ceiling'])} at the end" if best.get("at_ceiling") is not None else ""
        )
    return [(key, words) for key, words in rows.items() if words]


def lever_title(data: Json) -> str:
    """Say what the table of levers is about."""
    target = setting(part(data, "settings").get("target_reliability"))
    if part(data, "ceiling").get("reachable"):
        return f"The mean path gets to P_pass {target} as it is; how far each lever would bring it"
    return f"What would lift the mean path to P_pass {target} (single runs go past it)"


# ---------------------------------------------------------------------------- the terminal


def render(data: Json, *, width: int = 100, style: Style = unstyled) -> str:
    """Return the terminal summary of a simulated loop.

    Parameters
    ----------
    data : mapping
        The JSON form of a `MovesRun`.
    width : int
        Columns to wrap at.
    style : callable, optional
        Adds colour.
    """
    lines = _head(loop_words(part(data, "settings")), width, style)
    lines += _wrap(run_words(data), width, "  ", "    ")
    for note in listed(data, "notes"):
        lines += _wrap(clean_sentence(str(note)), width, "  ", "    ")
    lines += ["", *_answer(verdict_of(data), width, style)]
    for key, words in rows_of(data):
        lines += _line(key, _kept(words), width, style)
    for sentence in doubts(data):
        lines += _warning(sentence, width, style)
    lines += ["", style("How far it gets", "head")]
    for key, words in ceiling_rows(data):
        lines += _line(key, _kept(words), width, style, key_width=26)
    if listed(data, "levers"):
        lines += ["", *_head(lever_title(data), width, style)]
        lines += table(LEVER_HEAD, lever_cells(data), width, style)
        if together := together_words(data):
            lines += _wrap(together, width, "  ", "    ")
    if hangs := hangs_on(data):
        title = "What it hangs on most: one setting from its lower to its upper value"
        lines += ["", *_head(title, width, style)]
        lines += table(EFFECT_HEAD, hangs, width, style)
    return "\n".join([*lines, "", *_wrap(NEXT, width, "", "  ")])


def _answer(sentence: str, width: int, style: Style) -> list[str]:
    return [f"  {style(words, 'answer')}" for words in _plain_wrap(f"Verdict: {sentence}", width - 2)]


def _kept(words: str) -> str:
    """Join a figure with its unit: no-break spaces, undone after wrapping."""
    return words.replace(" %", "\xa0%")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int, style: Style) -> list[str]:
    """Lay a table out in columns, or row by row where there is no room.

    Parameters
    ----------
    head : sequence of str
    rows : sequence of sequences of str
    width : int
    style : callable

    Returns
    -------
    list of str
    """
    widths = [max(len(row[j]) for row in (head, *rows)) for j in range(len(head))]
    gap = next((g for g in (3, 2) if 2 + sum(widths) + g * (len(widths) - 1) <= width), 0)
    if gap:
        made = [
            (" " * gap).join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
            for row in (head, *rows)
        ]
        return [f"  {style(made[0], 'key')}", *(f"  {line}" for line in made[1:])]
    lines = []
    for row in rows:
        said = ", ".join(f"{name} {cell}" for name, cell in zip(head[1:], row[1:], strict=True) if cell)
        lines += _line(row[0], said, width, style, key_width=max(widths[0] + 2, 10))
    return lines
