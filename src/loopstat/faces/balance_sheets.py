"""The tables of the balance page: every figure is looked up in the JSON form and carries its place there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..inference.estimate import number, show
from .balance_text import Json, by_visits, class_of, counted, listed, part, rounded, several_classes
from .sheets import Cell, Sheet, lookup, p_cell
from .text import clean, clean_sentence

MAX_STATES = 60  # rows of the table of states
MAX_PAIRS = 40
LONG = 12  # rows from which a table is folded away
EMPTY = Cell("–")
BELOW = "The rest is in the JSON."


def group_sheets(group: Json, data: Json, at: str) -> list[Sheet]:
    """Return the tables of one group; `at` is its place in the JSON (`groups.0`)."""
    makers: tuple[Callable[[Json, Json, str], Sheet | None], ...] = (
        _states,
        _test,
        _irreversible,
        _currents,
        _cycles,
        _traps,
        _features,
        _held_out,
        _formulas,
        _one_chain,
        _relaxation,
        _pairs,
        _classes,
        _source,
    )
    found = [maker(group, data, at) for maker in makers]
    return [sheet for sheet in found if sheet is not None]


# ------------------------------------------------------------------------------- cells


def figure(data: Json, path: str) -> Cell:
    """Look up a figure with the interval the JSON has beside it: `X_low` and `X_high`, or `low` and `high`."""
    value = at_path(data, path)
    if value is None:
        return EMPTY
    low, high = _ends(data, path)
    return Cell(interval(value, low, high), path)


def interval(value: float, low: float | None, high: float | None) -> str:
    """Return a figure with its interval; a zero that is one by definition stands alone."""
    if value == 0 and low in (None, 0) and high in (None, 0):
        return "0"
    return number(value, 3) if low is None or high is None else show(value, low, high)


def bare(data: Json, path: str) -> Cell:
    """Look up a figure that has no interval of its own."""
    value = at_path(data, path)
    return EMPTY if value is None else Cell(number(rounded(value), 3), path)


def count(data: Json, path: str) -> Cell:
    """Look up a count."""
    value = at_path(data, path)
    return EMPTY if value is None else Cell(counted(value), path)


def p_value(data: Json, path: str) -> Cell:
    """Look up a p-value."""
    return EMPTY if at_path(data, path) is None else p_cell(data, path)


def words(value: object) -> Cell:
    """Return text that comes from the data, made harmless."""
    return Cell(clean_sentence(str(value))) if value is not None else EMPTY


def name(value: object) -> Cell:
    """Return a state's name, bounded in length."""
    return Cell(clean(str(value)) if str(value).strip() else "(empty)")


def at_path(data: Json, path: str) -> Any:
    """Return what stands at a place of the JSON; None where a list on the way is too short."""
    try:
        return lookup(data, path)
    except IndexError:
        return None


def _ends(data: Json, path: str) -> tuple[Any, Any]:
    parts = path.split(".")
    k = len(parts) - 1
    while parts[k].isdigit():
        k -= 1
    holder, leaf, index = parts[:k], parts[k], parts[k + 1 :]
    beside = at_path(data, ".".join(holder)) if holder else data
    named = isinstance(beside, Mapping) and f"{leaf}_low" in beside
    ends = (f"{leaf}_low", f"{leaf}_high") if named else ("low", "high")
    low, high = (at_path(data, ".".join([*holder, end, *index])) for end in ends)
    return low, high


# ------------------------------------------------------------------------------- tables


def _states(group: Json, data: Json, at: str) -> Sheet | None:
    states, label = listed(group, "states"), class_of(group)
    shown = by_visits(group, MAX_STATES)
    kinds = {
        **dict.fromkeys(listed(group, "transient"), "only left"),
        **dict.fromkeys(listed(group, "absorbing"), "only entered"),
    }
    several = len(several_classes(group)) > 1
    rows = tuple(
        (
            name(states[k]),
            figure(data, f"{at}.potential.{k}"),
            *((_bound(data, f"{at}.potential_bound.{k}"),) if listed(group, "transient") else ()),
            count(data, f"{at}.visits.{k}"),
            figure(data, f"{at}.stationary.{k}"),
            figure(data, f"{at}.escape.{k}"),
            bare(data, f"{at}.action_per_state.{k}"),
            Cell(kinds.get(states[k], f"set {label.get(k, 0) + 1}" if several else "")),
        )
        for k in shown
    )
    above = ("at least",) if listed(group, "transient") else ()
    head = ("state", "potential", *above, "visits", "share of time", "left per visit", "action", "")
    note = "Most visited first; the lowest potential of a set of states that lead to one another is 0."
    if len(shown) < len(states):
        note += f" {len(shown)} of {len(states):,} states. {BELOW}"
    return Sheet("States", head, rows, note) if rows else None


def _bound(data: Json, path: str) -> Cell:
    value = at_path(data, path)
    return Cell("") if value is None else Cell(number(value, 3), path)


def _test(group: Json, data: Json, at: str) -> Sheet | None:
    test = part(group, "test")
    if test.get("p_value") is None:
        return None
    row = (
        words(test.get("method")),
        p_value(data, f"{at}.test.p_value"),
        bare(data, f"{at}.test.statistic"),
        count(data, f"{at}.test.df"),
        count(data, f"{at}.test.n_cycles"),
        count(data, f"{at}.test.n_draws"),
        bare(data, f"{at}.test.size_at_5_percent"),
        p_value(data, f"{at}.test.chi_square_p_value"),
        p_value(data, f"{at}.test.pooled_p_value"),
    )
    counts = ("df", "cycles", "draws")
    head = ("method", "p", "statistic", *counts, "rejects at 5 % if true", "p by chi-square", "p pooled")
    note = "In detailed balance a recording run backwards looks the same; a small p says that this one does not."
    why = clean_sentence(str(test.get("reason") or ""))
    return Sheet("How sure", head, (row,), f"{note} {why[:1].upper()}{why[1:]}".strip())


def _irreversible(group: Json, data: Json, at: str) -> Sheet | None:
    found = part(group, "entropy_production")
    columns = {
        "entropy production, nats per step": figure(data, f"{at}.entropy_production.value"),
        "pairs seen one way": count(data, f"{at}.entropy_production.one_way_pairs"),
        "transitions downhill": bare(data, f"{at}.downhill.weighted"),
        "pairs downhill": bare(data, f"{at}.downhill.pairs"),
        "action": bare(data, f"{at}.action"),
    }
    if all(cell is EMPTY for cell in columns.values()):
        return None
    note = "A pair seen one way makes it infinite: what is given is a lower bound." if found.get("lower_bound") else ""
    return Sheet("How irreversible", tuple(columns), (tuple(columns.values()),), note)


def _currents(group: Json, data: Json, at: str) -> Sheet | None:
    rows = tuple(
        (name(c.get("from")), name(c.get("to")), figure(data, f"{at}.currents.{k}.value"))
        for k, c in enumerate(listed(group, "currents"))
        if rounded(c.get("value") or 0.0)
    )
    note = "Net passages per step in the long run: how much more often one way than the other."
    return Sheet("Currents", ("from", "to", "net, per step"), rows, note) if rows else None


def _cycles(group: Json, data: Json, at: str) -> Sheet | None:
    rows = tuple(
        (
            Cell(_way(listed(c, "states"))),
            bare(data, f"{at}.cycles.{k}.current"),
            figure(data, f"{at}.cycles.{k}.affinity"),
            count(data, f"{at}.cycles.{k}.n"),
        )
        for k, c in enumerate(listed(group, "cycles"))
    )
    note = "Affinity: ln of how much more often the cycle is gone round this way than back; 0 in detailed balance."
    return Sheet("Cycles", ("way", "current, per step", "affinity", "rarest step"), rows, note) if rows else None


def _way(states: Sequence[object]) -> str:
    names = [name(s).text for s in states]
    shown = names if len(names) <= 10 else [*names[:9], f"({len(names) - 9} more)"]
    return " → ".join([*shown, *names[:1]])


def _traps(group: Json, data: Json, at: str) -> Sheet | None:
    rows = tuple(
        (
            name(t.get("state")),
            figure(data, f"{at}.traps.{k}.escape"),
            bare(data, f"{at}.traps.{k}.action"),
            count(data, f"{at}.traps.{k}.visits"),
            bare(data, f"{at}.traps.{k}.stationary"),
        )
        for k, t in enumerate(listed(group, "traps"))
    )
    head = ("state", "left per visit", "action", "visits", "share of time")
    return Sheet("Traps", head, rows, "States that are hardest to leave.") if rows else None


def _features(group: Json, data: Json, at: str) -> Sheet | None:
    found = listed(part(group, "parametric"), "features")
    rows = tuple(
        (
            name(f.get("name")),
            figure(data, f"{at}.parametric.features.{k}.theta"),
            bare(data, f"{at}.parametric.features.{k}.scale"),
            words(f.get("reason") or ""),
        )
        for k, f in enumerate(found)
    )
    note = "The potential as a sum of features of a state, each times its weight: above 0, it runs uphill along it."
    return Sheet("Features", ("feature", "weight", "standard deviation", "remark"), rows, note) if rows else None


def _held_out(group: Json, data: Json, at: str) -> Sheet | None:
    where = f"{at}.parametric"
    columns = {
        "skill against a coin": figure(data, f"{where}.skill.value"),
        "pairs downhill": figure(data, f"{where}.downhill.pairs.value"),
        "transitions downhill": figure(data, f"{where}.downhill.weighted.value"),
        "pairs": count(data, f"{where}.n_pairs"),
        "correlation with the potential": figure(data, f"{where}.correlation.value"),
    }
    if not part(group, "parametric"):
        return None
    note = "By features, pairs judged by fits that saw neither of their states; the correlation is not held out."
    return Sheet("How far the features go", tuple(columns), (tuple(columns.values()),), note)


def _formulas(group: Json, data: Json, at: str) -> Sheet | None:
    found, where = part(part(group, "parametric"), "symbolic"), f"{at}.parametric.symbolic"
    rows = tuple(
        (
            count(data, f"{where}.front.{k}.size"),
            name(f.get("expression")),
            bare(data, f"{where}.front.{k}.scale"),
            figure(data, f"{where}.front.{k}.skill.value"),
        )
        for k, f in enumerate(listed(found, "front"))
    )
    note = f"{clean_sentence(str(found.get('sentence')))} The skills below are those of winners, and too good."
    return Sheet("Formulas, best of each size", ("size", "formula", "times", "skill"), rows, note) if rows else None


def _one_chain(group: Json, data: Json, at: str) -> Sheet | None:
    order, same = part(group, "order_test"), part(group, "homogeneity")
    tests = [
        ("Is the last state enough?", order, f"{at}.order_test"),
        ("Do early and late steps agree?", part(same, "steps"), f"{at}.homogeneity.steps"),
        ("Do sessions agree?", part(same, "sessions"), f"{at}.homogeneity.sessions"),
    ]
    rows = tuple(
        (
            Cell(question),
            p_value(data, f"{where}.p_value"),
            bare(data, f"{where}.statistic"),
            words(found.get("method") or ""),
            words(found.get("reason") or ""),
        )
        for question, found, where in tests
        if found.get("p_value") is not None or found.get("reason")
    )
    note = (
        "A small p says no: then one chain for all is a summary, and the test above may take differences for a drive."
    )
    return Sheet("One chain for all?", ("", "p", "statistic", "method", "remark"), rows, note) if rows else None


def _relaxation(group: Json, data: Json, at: str) -> Sheet | None:
    times = listed(group, "relaxation_times")[:LONG]
    cells = tuple(figure(data, f"{at}.relaxation_times.{k}") for k in range(len(times)))
    if not times and group.get("spectral_gap") is None:
        return None
    head = ("spectral gap", *(f"mode {k + 1}, steps" for k in range(len(times))))
    return Sheet("How fast it forgets", head, ((bare(data, f"{at}.spectral_gap"), *cells),))


def _pairs(group: Json, data: Json, at: str) -> Sheet | None:
    pairs = listed(group, "pairs")
    rows = tuple(
        (
            name(p.get("a")),
            name(p.get("b")),
            count(data, f"{at}.pairs.{k}.forward"),
            count(data, f"{at}.pairs.{k}.backward"),
            figure(data, f"{at}.pairs.{k}.log_ratio"),
            bare(data, f"{at}.pairs.{k}.potential_difference"),
        )
        for k, p in enumerate(pairs[:MAX_PAIRS])
    )
    head = ("a", "b", "a to b", "b to a", "ln ratio of the two", "potential of a less b")
    note = f"{MAX_PAIRS} pairs with most transitions. {BELOW}" if len(pairs) > MAX_PAIRS else ""
    return Sheet("Pairs of states", head, rows, note) if rows else None


def _classes(group: Json, data: Json, at: str) -> Sheet | None:
    classes = listed(group, "classes")
    if len(several_classes(group)) < 2:
        return None
    rows = tuple(
        (
            Cell(f"set {k + 1}"),
            Cell(f"{len(listed(c, 'states')):,}"),
            count(data, f"{at}.classes.{k}.n_transitions"),
            Cell("never left" if c.get("closed") else "left for good"),
            Cell(", ".join(name(s).text for s in listed(c, "states")[:6])),
        )
        for k, c in enumerate(classes[:LONG])
        if len(listed(c, "states")) > 1
    )
    note = "States of a set lead to one another; between sets, potentials do not compare."
    return Sheet("Sets of states", ("set", "states", "transitions inside", "", "for example"), rows, note)


def _source(group: Json, data: Json, at: str) -> Sheet | None:
    where = f"{at}.source_statistic"
    columns = {
        "pairs": count(data, f"{where}.pairs"),
        "chi² per pair": bare(data, f"{where}.pair_chi2_ndf"),
        "cycles": count(data, f"{where}.cycles"),
        "chi² per cycle": bare(data, f"{where}.cycle_chi2_ndf"),
    }
    if all(cell is EMPTY for cell in columns.values()):
        return None
    note = "As published by others; its cycles overlap and its errors are not those of the counts: no test."
    return Sheet("For comparison with published figures", tuple(columns), (tuple(columns.values()),), note)
