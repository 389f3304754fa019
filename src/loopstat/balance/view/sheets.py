"""The tables of a group; every figure carries its place in the JSON."""

from __future__ import annotations

import math
from collections.abc import Callable

from ...inference.estimate import Estimate
from ...results.document import Cell, Sheet, word
from .facts import way_of
from .seen import Seen, rounded, state_name

MAX_STATES = 60  # rows of the table of states
MAX_PAIRS = 40
MAX_SETS = 12
MAX_TIMES = 12
MAX_WAY = 10
BELOW = "The rest is in the JSON."
NAME = 60  # letters


def group_sheets(seen: Seen) -> list[Sheet]:
    """Return the tables of one group."""
    makers: tuple[Callable[[Seen], Sheet | None], ...] = (
        *(_states, _test, _irreversible, _currents, _cycles, _traps, _features, _held_out, _formulas),
        *(_one_chain, _relaxation, _pairs, _sets, _source),
    )
    return [sheet for maker in makers if (sheet := maker(seen)) is not None and sheet.rows]


def _name(state: str) -> Cell:
    return word(state_name(state, NAME))


def _line(title: str, figures: dict[str, Cell], note: str = "") -> Sheet:
    """Return a sheet of named figures, those that are known."""
    rows = tuple((word(name), cell) for name, cell in figures.items() if cell.value is not None)
    return Sheet(title, ("", ""), rows, note)


# ------------------------------------------------------------------------------ states


def _states(seen: Seen) -> Sheet:
    bounded = bool(seen.transient.any())
    shown = seen.by_visits(MAX_STATES)
    rows = tuple(
        (
            _name(seen.fit.states[k]),
            seen.entry("potential", k),
            *([_bound(seen, k)] if bounded else []),
            seen.number(f"visits.{k}", float(seen.visits[k]), "count"),
            seen.entry("stationary", k, "percent"),
            seen.entry("escape", k, "percent"),
            seen.number(f"action_per_state.{k}", float(seen.fit.potential.action_per_state[k])),
            word(_kind(seen, k)),
        )
        for k in shown
    )
    head = ("state", "potential", *(["at least"] if bounded else []), "visits", "share of time", "left per visit")
    note = "Most visited first; the lowest potential of a set of states that lead to one another is 0."
    if len(shown) < seen.n_states:
        note += f" {len(shown)} of {seen.n_states:,} states. {BELOW}"
    return Sheet("States", (*head, "action", ""), rows, note)


def _bound(seen: Seen, k: int) -> Cell:
    bound = float(seen.fit.potential.bound[k])
    return word("") if math.isnan(bound) else seen.number(f"potential_bound.{k}", bound)


def _kind(seen: Seen, k: int) -> str:
    if seen.transient[k] or seen.absorbing[k]:
        return "only left" if seen.transient[k] else "only entered"
    return f"set {seen.label[k] + 1}" if len(seen.sets) > 1 else ""


def _sets(seen: Seen) -> Sheet | None:
    if len(seen.sets) < 2:
        return None
    rows = tuple(
        (
            word(f"set {seen.label[s.states[0]] + 1}"),
            word(f"{len(s.states):,}"),
            seen.number(f"classes.{s.place}.n_transitions", s.transitions, "count"),
            word("never left" if s.closed else "left for good"),
            word(", ".join(seen.name(int(k), NAME) for k in s.states[:6])),
        )
        for s in seen.sets[:MAX_SETS]
    )
    note = "States of a set lead to one another; between sets, potentials do not compare."
    return Sheet("Sets of states", ("set", "states", "transitions inside", "", "for example"), rows, note)


def _traps(seen: Seen) -> Sheet:
    rows = tuple(
        (
            _name(t.state),
            seen.spread(f"traps.{k}.escape", t.escape, t.escape_low, t.escape_high, "percent"),
            seen.number(f"traps.{k}.action", t.action),
            seen.number(f"traps.{k}.visits", t.visits, "count"),
            seen.number(f"traps.{k}.stationary", t.stationary),
        )
        for k, t in enumerate(seen.fit.traps)
    )
    head = ("state", "left per visit", "action", "visits", "share of time")
    return Sheet("Traps", head, rows, "States that are hardest to leave.")


# ----------------------------------------------------------------------------- balance


def _test(seen: Seen) -> Sheet | None:
    test = seen.fit.test
    if math.isnan(test.p_value):
        return None
    columns = {
        "method": word(test.method or ""),
        "p": seen.number("test.p_value", test.p_value, "p"),
        "statistic": seen.number("test.statistic", test.statistic),
        "df": seen.number("test.df", test.df, "count"),
        "draws": seen.number("test.n_draws", test.n_draws, "count"),
        "rejects at 5 % if true": seen.number("test.size_at_5_percent", test.size_at_5_percent),
        "p by chi-square": seen.number("test.chi_square_p_value", test.chi_square_p_value, "p"),
        "p pooled": seen.number("test.pooled_p_value", test.pooled_p_value, "p"),
    }
    note = "In detailed balance a recording run backwards looks the same; a small p says that this one does not."
    return _line("How sure", columns, f"{note} {test.reason[:1].upper()}{test.reason[1:]}".strip())


def _irreversible(seen: Seen) -> Sheet | None:
    fit, found = seen.fit, seen.fit.entropy_production
    columns = {
        "entropy production, nats per step": seen.ranged("entropy_production.value", found),
        "pairs seen one way": seen.number("entropy_production.one_way_pairs", found.one_way_pairs, "count"),
        "transitions downhill": seen.number("downhill.weighted", fit.downhill["weighted"]),
        "pairs downhill": seen.number("downhill.pairs", fit.downhill["pairs"]),
        "action": seen.number("action", fit.potential.action),
    }
    note = "A pair seen one way makes it infinite: what is given is a lower bound." if found.lower_bound else ""
    return _line("How irreversible", columns, note)


def _currents(seen: Seen) -> Sheet:
    rows = tuple(
        (_name(c.source), _name(c.target), seen.ranged(f"currents.{k}.value", c))
        for k, c in enumerate(seen.fit.currents)
        if rounded(c.value)
    )
    note = "Net passages per step in the long run: how much more often one way than the other."
    return Sheet("Currents", ("from", "to", "net, per step"), rows, note)


def _cycles(seen: Seen) -> Sheet:
    rows = tuple(
        (
            word(way_of(c.states, MAX_WAY)),
            seen.number(f"cycles.{k}.current", c.current),
            seen.spread(f"cycles.{k}.affinity", c.affinity, c.low, c.high),
            seen.number(f"cycles.{k}.n", c.n, "count"),
        )
        for k, c in enumerate(seen.fit.cycles)
    )
    note = "Affinity: ln of how much more often the cycle is gone round this way than back; 0 in detailed balance."
    return Sheet("Cycles", ("way", "current, per step", "affinity", "rarest step"), rows, note)


def _pairs(seen: Seen) -> Sheet:
    pairs = seen.fit.pairs
    rows = tuple(
        (
            _name(p.a),
            _name(p.b),
            seen.number(f"pairs.{k}.forward", p.forward, "count"),
            seen.number(f"pairs.{k}.backward", p.backward, "count"),
            seen.spread(f"pairs.{k}.log_ratio", p.log_ratio, p.low, p.high),
            seen.number(f"pairs.{k}.potential_difference", p.potential_difference),
        )
        for k, p in enumerate(pairs[:MAX_PAIRS])
    )
    head = ("a", "b", "a to b", "b to a", "ln ratio of the two", "potential of a less b")
    note = f"{MAX_PAIRS} pairs with most transitions. {BELOW}" if len(pairs) > MAX_PAIRS else ""
    return Sheet("Pairs of states", head, rows, note)


def _source(seen: Seen) -> Sheet | None:
    found = seen.fit.source_statistic
    columns = {
        "pairs": seen.number("source_statistic.pairs", found.pairs, "count"),
        "chi² per pair": seen.number("source_statistic.pair_chi2_ndf", found.pair_chi2_ndf),
        "cycles": seen.number("source_statistic.cycles", found.cycles, "count"),
        "chi² per cycle": seen.number("source_statistic.cycle_chi2_ndf", found.cycle_chi2_ndf),
    }
    note = "As published by others; its cycles overlap and its errors are not those of the counts: no test."
    return _line("For comparison with published figures", columns, note)


# ------------------------------------------------------------------- one chain, how fast


def _one_chain(seen: Seen) -> Sheet:
    same = seen.fit.homogeneity
    tests = (
        ("Is the last state enough?", seen.fit.order_test, "order_test"),
        ("Do early and late steps agree?", same["steps"], "homogeneity.steps"),
        ("Do sessions agree?", same["sessions"], "homogeneity.sessions"),
    )
    rows = tuple(
        (
            word(question),
            seen.number(f"{path}.p_value", test.p_value, "p"),
            seen.number(f"{path}.statistic", test.statistic),
            word(test.method),
        )
        for question, test, path in tests
        if not math.isnan(test.p_value)
    )
    note = (
        "A small p says no: then one chain for all is a summary, and the test above may take differences for a drive."
    )
    return Sheet("One chain for all?", ("", "p", "statistic", "method"), rows, note)


def _relaxation(seen: Seen) -> Sheet | None:
    n = len(seen.fit.relaxation_times.value[:MAX_TIMES])
    modes = {f"mode {k + 1}, steps": seen.entry("relaxation_times", k) for k in range(n)}
    return _line("How fast it forgets", {"spectral gap": seen.number("spectral_gap", seen.fit.spectral_gap), **modes})


# ---------------------------------------------------------------------------- features


def _features(seen: Seen) -> Sheet | None:
    made = seen.fit.parametric
    if made is None:
        return None
    rows = tuple(
        (
            _name(name),
            _theta(seen, made.theta, k),
            seen.number(f"parametric.features.{k}.scale", float(made.scale[k])),
            word(made.remark(name)),
        )
        for k, name in enumerate(made.names)
    )
    note = "The potential as a sum of features of a state, each times its weight: above 0, it runs uphill along it."
    return Sheet("Features", ("feature", "weight", "standard deviation", "remark"), rows, note)


def _theta(seen: Seen, theta: Estimate, k: int) -> Cell:
    value, low, high = (float(end[k]) for end in (theta.value, theta.low, theta.high))
    return seen.spread(f"parametric.features.{k}.theta", value, low, high)


def _held_out(seen: Seen) -> Sheet | None:
    made = seen.fit.parametric
    if made is None:
        return None
    columns = {
        "skill against a coin": seen.ranged("parametric.skill.value", made.downhill.skill),
        "pairs downhill": seen.ranged("parametric.downhill.pairs.value", made.downhill.pairs),
        "transitions downhill": seen.ranged("parametric.downhill.weighted.value", made.downhill.weighted),
        "pairs": seen.number("parametric.n_pairs", made.n_pairs, "count"),
        "correlation with the potential": seen.ranged("parametric.correlation.value", made.correlation),
    }
    note = "By features, pairs judged by fits that saw neither of their states; the correlation is not held out."
    return _line("How far the features go", columns, note)


def _formulas(seen: Seen) -> Sheet | None:
    made = seen.fit.parametric
    if made is None or made.symbolic is None:
        return None
    at = "parametric.symbolic.front"
    rows = tuple(
        (
            seen.number(f"{at}.{k}.size", f.size, "count"),
            word(f.expression),
            seen.number(f"{at}.{k}.scale", f.scale),
            seen.ranged(f"{at}.{k}.skill.value", f.skill),
        )
        for k, f in enumerate(made.symbolic.front)
    )
    note = f"{made.symbolic.sentence} The skills below are those of winners, and too good."
    return Sheet("Formulas, best of each size", ("size", "formula", "times", "skill"), rows, note)
