"""The tables of the report: every figure is looked up in the analysis' JSON form and carries its place there."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..drift.fit import LinearDriftFit
from ..drift.readings.interference import MODEL_PARTS
from ..drift.readings.skill import BASELINES
from ..inference.estimate import number, show
from . import svg
from .text import clean_sentence, disagreement

MAX_PAIRS = 10
OPEN_ENDED = ("equilibrium", "fixed_point")  # a null end of these is an open side, not a missing figure
BASELINE_WORDS = {
    "persistence": "standing still",
    "mean": "guessing the mean",
    "constant_drift": "a constant step",
    "running_mean": "the session's own mean so far",
}


@dataclass(frozen=True)
class Cell:
    """Text of a table cell and, for a figure, its place in the JSON (`groups.0.drift.A.0.1`)."""

    text: str
    path: str = ""


@dataclass(frozen=True)
class Sheet:
    """A titled table for the page; `note` says how to read it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def group_sheets(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> list[Sheet]:
    """Return the tables of one group; `at` is its place in the JSON (`groups.0`)."""
    makers = (_answers, _side_by_side, _skill, _interference, _map, _regimes, _reversibility, _thorough, _influence)
    found = [maker(group, data, at) for maker in makers]
    return [sheet for sheet in found if sheet is not None]


def lookup(data: Any, path: str) -> Any:
    """Return what stands at a place of the JSON (`groups.0.drift.A.0.1`), or None."""
    for part in path.split("."):
        if data is None:
            return None
        data = data[int(part)] if isinstance(data, list) else data.get(part)
    return data


def figure_cell(data: Mapping[str, Any], path: str, *index: int) -> Cell:
    """Look up a figure with its interval: `X` with `X_low` and `X_high`, or `mean`/`total` with `low` and `high`."""
    triple = triple_of(data, path, *index)
    return Cell(
        shown_as(triple, open_ended=path.endswith(OPEN_ENDED)),
        ".".join([path, *map(str, index)]) if triple[0] is not None else "",
    )


def triple_of(data: Mapping[str, Any], path: str, *index: int) -> svg.Range:
    """Return a figure and the ends of its interval, as the JSON names them: `X_low` or, for some, plain `low`."""
    parent, _, leaf = path.rpartition(".")
    ends = (
        ("low", "high")
        if leaf in ("mean", "total", "difference") and "skill" not in parent
        else (f"{leaf}_low", f"{leaf}_high")
    )
    tail = "".join(f".{i}" for i in index)
    found = [lookup(data, f"{parent}.{name}{tail}") for name in (leaf, *ends)]
    return found[0], found[1], found[2]


def shown_as(triple: svg.Range, *, open_ended: bool = False) -> str:
    """Return the figure in words; a missing end means an open side only where sides can be open."""
    value, low, high = triple
    if value is None:
        return "–"
    if low is None and high is None and not open_ended:
        return number(value, 3)
    return show(value, -np.inf if low is None else low, np.inf if high is None else high)


def number_cell(data: Mapping[str, Any], path: str, digits: int = 3) -> Cell:
    """Look up a figure that has no interval."""
    value = lookup(data, path)
    return Cell(number(value, digits) if value is not None else "–", path if value is not None else "")


def p_cell(data: Mapping[str, Any], path: str) -> Cell:
    """Look up a p-value; below a thousandth its digits say nothing."""
    cell = number_cell(data, path, 2)
    return Cell("< 0.001", path) if cell.path and lookup(data, path) < 0.001 else cell


def rest_word_of(group: LinearDriftFit) -> str:
    """Say what a group's fixed point is: where it heads, or no more than where the fit is at rest."""
    if group.lineage:
        return "proposals alone would rest at"
    return "heads for" if group.check("stops_on_success").passed else "fitted rest"


def _answers(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> Sheet:
    columns = {
        rest_word_of(group): "drift.fixed_point" if group.lineage else "drift.equilibrium",
        "kept end" if group.lineage else "ends at": "kept_end.mean",
        "R² of changes": "r2_increments",
        "R² of levels": "r2_levels",
    }
    rows = tuple(
        (Cell(clean_sentence(n)), *(figure_cell(data, f"{at}.{path}", j) for path in columns.values()))
        for j, n in enumerate(group.names)
    )
    return Sheet("Where it goes", ("objective", *columns), rows)


def _map(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> Sheet | None:
    if group.model is None:
        return None
    names = [clean_sentence(n) for n in group.names]
    rows = tuple(
        (
            Cell(f"next change of {n}"),
            *(figure_cell(data, f"{at}.drift.A", i, j) for j in range(len(names))),
            figure_cell(data, f"{at}.drift.b", i),
        )
        for i, n in enumerate(names)
    )
    note = "Each row: what a higher level of the column's objective adds to the next change of the row's."
    return Sheet("Drift", ("", *names, "at zero"), rows, note)


def _regimes(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> Sheet | None:
    rows = []
    for k, r in enumerate(group.regimes):
        here = f"{at}.regimes.{k}"
        value = number(r.re, 3) + (f" {'+' if r.im >= 0 else '−'} {number(abs(r.im), 3)}i" if r.im else "")
        belief = f"p {number(r.p_oscillation)}" if r.regime == "oscillatory" else f"{r.probability or 0:.0%}"
        cells = (Cell(value), figure_cell(data, f"{here}.modulus"), Cell(r.regime), Cell(belief))
        rows.append((*cells, figure_cell(data, f"{here}.half_life"), number_cell(data, f"{here}.period")))
    head = ("eigenvalue", "modulus", "regime", "probability", "half-life, steps", "period, steps")
    return Sheet("How fast", head, tuple(rows)) if rows else None


def _skill(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> Sheet | None:
    if "skill.mean" not in group.estimates:
        return None
    rows = tuple(
        (
            Cell(BASELINE_WORDS[name]),
            figure_cell(data, f"{at}.skill.{name}"),
            *(figure_cell(data, f"{at}.skill_by_objective.{name}", j) for j in range(len(group.names))),
        )
        for name in BASELINES
    )
    head = ("error saved against", "all objectives", *(clean_sentence(n) for n in group.names))
    note = "On held-out clusters: 0 is no better than the baseline, 1 is no error at all."
    return Sheet("How far to believe it", head, rows, note)


def pairs_by_strength(group: LinearDriftFit) -> list[tuple[int, int]]:
    """Pairs of objectives, the most correlated first."""
    total = group.estimates.get("interference.total")
    if total is None:
        return []
    every = itertools.combinations(range(len(group.names)), 2)
    return sorted(every, key=lambda ij: -abs(float(np.nan_to_num(total.value[ij]))))[:MAX_PAIRS]


def causes_of(group: LinearDriftFit) -> tuple[str, ...]:
    """Return the parts an interference is taken into, in the order they are drawn."""
    if "interference.innovations" in group.estimates:
        return MODEL_PARTS
    return () if group.refused else ("noise", "drift", "transient", "rest")


def _interference(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> Sheet | None:
    names, causes = [clean_sentence(n) for n in group.names], causes_of(group)
    rows = tuple(
        (
            Cell(f"{names[i]} and {names[j]}"),
            figure_cell(data, f"{at}.interference.total", i, j),
            p_cell(data, f"{at}.interference.p_adjusted.{i}.{j}"),
            *(figure_cell(data, f"{at}.interference.{cause}", i, j) for cause in causes),
        )
        for i, j in pairs_by_strength(group)
    )
    head = ("objectives", "correlation of changes", "p (Holm)", *(f"by {svg.CAUSE_WORDS[c]}" for c in causes))
    return Sheet("What trades off against what", head, rows) if rows else None


def _side_by_side(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> Sheet | None:
    """The estimators that can be had, where they disagree."""
    if not disagreement(group):
        return None
    rows = tuple(
        (Cell(r.name), _bare_cell(data, f"{at}.estimators.{k}"), Cell(clean_sentence(r.remark)))
        for k, r in enumerate(group.estimator.rivals)
    )
    note = "The share of a distance left after one step, by what each estimator allows for: they do not agree."
    return Sheet("Estimators side by side", ("estimator", "slowest mode", ""), rows, note)


def _bare_cell(data: Mapping[str, Any], path: str, key: str = "modulus") -> Cell:
    """Look up a figure whose ends are called `low` and `high`."""
    value, low, high = (lookup(data, f"{path}.{name}") for name in (key, "low", "high"))
    return Cell(shown_as((value, low, high)), f"{path}.{key}" if value is not None else "")


def _reversibility(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> Sheet | None:
    if group.reversibility is None:
        return None
    where = f"{at}.reversibility"
    row = (p_cell(data, f"{where}.p_value"), _bare_cell(data, where, "entropy_production"))
    note = "In detailed balance a recording run backwards looks the same; a small p says that this one does not."
    return Sheet("Forward and backward", ("p of detailed balance", "entropy production, nats per step"), (row,), note)


def _thorough(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> Sheet | None:
    if group.estimator.thorough is None:
        return None
    where = f"{at}.thorough"
    columns = {
        "slowest mode, by profile": figure_cell(data, f"{where}.modulus"),
        "p of alike sessions": p_cell(data, f"{where}.p_effects"),
        "p of an exact scorer": p_cell(data, f"{where}.p_noise"),
        "p of the model": p_cell(data, f"{where}.p_fit"),
    }
    return Sheet("The latent fit, thoroughly", tuple(columns), (tuple(columns.values()),))


def _influence(group: LinearDriftFit, data: Mapping[str, Any], at: str) -> Sheet | None:
    rows = tuple(
        (
            Cell(clean_sentence(i.cluster)),
            Cell(clean_sentence(i.quantity)),
            number_cell(data, f"{at}.influential.{k}.shift"),
            number_cell(data, f"{at}.influential.{k}.shift_in_se", 2),
        )
        for k, i in enumerate(group.influential)
    )
    head = ("without", "this answer", "moves by", "standard errors")
    return Sheet("What it hangs on", head, rows) if rows else None
