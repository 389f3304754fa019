"""The tables of a group; every figure carries its place in the JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from ...results.document import Cell, Form, Sheet, word
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


# ------------------------------------------------------------ figures by their place, lists by their columns

Entry = tuple[str, str, Form]  # words, place in the JSON of a group, form
Column = tuple[str, Callable[[Seen, str, Any], Cell]]  # heading, what makes the cell of an entry at a place


def _line(seen: Seen, title: str, entries: Iterable[Entry], note: str = "", *before: tuple[Cell, Cell]) -> Sheet:
    """Return a sheet of named figures, those that are known."""
    cells = ((word(words), seen.at_place(path, form)) for words, path, form in entries)
    return Sheet(title, ("", ""), (*before, *(row for row in cells if row[1].value is not None)), note)


def _listed(
    seen: Seen, title: str, place: str, entries: Iterable[tuple[int, Any]], columns: Sequence[Column], note: str = ""
) -> Sheet:
    """Return a sheet of a list of records, each with its number in the JSON."""
    rows = tuple(tuple(cell(seen, f"{place}.{k}", entry) for _, cell in columns) for k, entry in entries)
    return Sheet(title, tuple(heading for heading, _ in columns), rows, note)


def _named(heading: str, field: str) -> Column:
    return heading, lambda seen, at, entry: _name(getattr(entry, field))


def _number(heading: str, field: str, form: Form = "number") -> Column:
    return heading, lambda seen, at, entry: seen.number(f"{at}.{field}", getattr(entry, field), form)


def _ranged(heading: str, field: str, low: str = "low", high: str = "high", form: Form = "figure") -> Column:
    return heading, lambda seen, at, entry: seen.spread(
        f"{at}.{field}", getattr(entry, field), getattr(entry, low), getattr(entry, high), form
    )


def _name(state: str) -> Cell:
    return word(state_name(state, NAME))


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


# ----------------------------------------------------------------------------- balance


def _test(seen: Seen) -> Sheet | None:
    test = seen.fit.test
    if math.isnan(test.p_value):
        return None
    entries: tuple[Entry, ...] = (
        ("p", "test.p_value", "p"),
        ("statistic", "test.statistic", "number"),
        ("df", "test.df", "count"),
        ("draws", "test.n_draws", "count"),
        ("rejects at 5 % if true", "test.size_at_5_percent", "number"),
        ("p by chi-square", "test.chi_square_p_value", "p"),
        ("p pooled", "test.pooled_p_value", "p"),
    )
    note = "In detailed balance a recording run backwards looks the same; a small p says that this one does not."
    note = f"{note} {test.reason[:1].upper()}{test.reason[1:]}".strip()
    return _line(seen, "How sure", entries, note, (word("method"), word(test.method)))


def _irreversible(seen: Seen) -> Sheet:
    entries: tuple[Entry, ...] = (
        ("entropy production, nats per step", "entropy_production.value", "figure"),
        ("pairs seen one way", "entropy_production.one_way_pairs", "count"),
        ("transitions downhill", "downhill.weighted", "number"),
        ("pairs downhill", "downhill.pairs", "number"),
        ("action", "action", "number"),
    )
    bound = seen.fit.entropy_production.lower_bound
    note = "A pair seen one way makes it infinite: what is given is a lower bound." if bound else ""
    return _line(seen, "How irreversible", entries, note)


def _currents(seen: Seen) -> Sheet:
    columns = (_named("from", "source"), _named("to", "target"), _ranged("net, per step", "value"))
    some = ((k, c) for k, c in enumerate(seen.fit.currents) if rounded(c.value))
    note = "Net passages per step in the long run: how much more often one way than the other."
    return _listed(seen, "Currents", "currents", some, columns, note)


def _cycles(seen: Seen) -> Sheet:
    columns: tuple[Column, ...] = (
        ("way", lambda seen, at, cycle: word(way_of(cycle.states, MAX_WAY))),
        _number("current, per step", "current"),
        _ranged("affinity", "affinity"),
        _number("rarest step", "n", "count"),
    )
    note = "Affinity: ln of how much more often the cycle is gone round this way than back; 0 in detailed balance."
    return _listed(seen, "Cycles", "cycles", enumerate(seen.fit.cycles), columns, note)


def _traps(seen: Seen) -> Sheet:
    columns = (
        _named("state", "state"),
        _ranged("left per visit", "escape", "escape_low", "escape_high", "percent"),
        _number("action", "action"),
        _number("visits", "visits", "count"),
        _number("share of time", "stationary"),
    )
    note = "States that are hardest to leave."
    return _listed(seen, "Traps", "traps", enumerate(seen.fit.traps), columns, note)


def _pairs(seen: Seen) -> Sheet:
    columns = (
        _named("a", "a"),
        _named("b", "b"),
        _number("a to b", "forward", "count"),
        _number("b to a", "backward", "count"),
        _ranged("ln ratio of the two", "log_ratio"),
        _number("potential of a less b", "potential_difference"),
    )
    pairs = seen.fit.pairs
    note = f"{MAX_PAIRS} pairs with most transitions. {BELOW}" if len(pairs) > MAX_PAIRS else ""
    return _listed(seen, "Pairs of states", "pairs", enumerate(pairs[:MAX_PAIRS]), columns, note)


def _source(seen: Seen) -> Sheet:
    entries: tuple[Entry, ...] = (
        ("pairs", "source_statistic.pairs", "count"),
        ("chi² per pair", "source_statistic.pair_chi2_ndf", "number"),
        ("cycles", "source_statistic.cycles", "count"),
        ("chi² per cycle", "source_statistic.cycle_chi2_ndf", "number"),
    )
    note = "As published by others; its cycles overlap and its errors are not those of the counts: no test."
    return _line(seen, "For comparison with published figures", entries, note)


# ------------------------------------------------------------------- one chain, how fast


def _one_chain(seen: Seen) -> Sheet:
    tests = (
        ("Is the last state enough?", "order_test"),
        ("Do early and late steps agree?", "homogeneity.steps"),
        ("Do sessions agree?", "homogeneity.sessions"),
    )
    rows = tuple(
        (
            word(question),
            seen.at_place(f"{path}.p_value", "p"),
            seen.at_place(f"{path}.statistic", "number"),
            word(seen.held(f"{path}.method")),
        )
        for question, path in tests
        if not math.isnan(seen.held(f"{path}.p_value"))
    )
    note = (
        "A small p says no: then one chain for all is a summary, and the test above may take differences for a drive."
    )
    return Sheet("One chain for all?", ("", "p", "statistic", "method"), rows, note)


def _relaxation(seen: Seen) -> Sheet:
    n = len(seen.fit.relaxation_times.value[:MAX_TIMES])
    modes = ((word(f"mode {k + 1}, steps"), seen.entry("relaxation_times", k)) for k in range(n))
    made = _line(seen, "How fast it forgets", (("spectral gap", "spectral_gap", "number"),))
    return replace(made, rows=(*made.rows, *(row for row in modes if row[1].value is not None)))


# ---------------------------------------------------------------------------- features


def _features(seen: Seen) -> Sheet | None:
    made = seen.fit.parametric
    if made is None:
        return None
    columns: tuple[Column, ...] = (
        _named("feature", "name"),
        ("weight", lambda seen, at, effect: seen.ranged(f"{at}.theta", effect.theta)),
        _number("standard deviation", "scale"),
        ("remark", lambda seen, at, effect: word(effect.reason or "")),
    )
    note = "The potential as a sum of features of a state, each times its weight: above 0, it runs uphill along it."
    return _listed(seen, "Features", "parametric.features", enumerate(made.effects), columns, note)


def _held_out(seen: Seen) -> Sheet | None:
    if seen.fit.parametric is None:
        return None
    entries: tuple[Entry, ...] = (
        ("skill against a coin", "parametric.skill.value", "figure"),
        ("pairs downhill", "parametric.downhill.pairs.value", "figure"),
        ("transitions downhill", "parametric.downhill.weighted.value", "figure"),
        ("pairs", "parametric.n_pairs", "count"),
        ("correlation with the potential", "parametric.correlation.value", "figure"),
    )
    note = "By features, pairs judged by fits that saw neither of their states; the correlation is not held out."
    return _line(seen, "How far the features go", entries, note)


def _formulas(seen: Seen) -> Sheet | None:
    made = seen.fit.parametric
    if made is None or made.symbolic is None:
        return None
    columns: tuple[Column, ...] = (
        _number("size", "size", "count"),
        ("formula", lambda seen, at, formula: word(formula.expression)),
        _number("times", "scale"),
        ("skill", lambda seen, at, formula: seen.ranged(f"{at}.skill.value", formula.skill)),
    )
    note = f"{made.symbolic.sentence} The skills below are those of winners, and too good."
    front = enumerate(made.symbolic.front)
    return _listed(seen, "Formulas, best of each size", "parametric.symbolic.front", front, columns, note)
