"""The page: an analysis as one self-contained HTML file with the same tables as the terminal and JSON."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from . import __version__
from .analysis import Analysis
from .fit import LinearDriftFit
from .interference import PARTS
from .result import Estimate, Table, number, show
from .skill import BASELINES
from .text import chance, clean_sentence, doubts

BASELINE_WORDS = {
    "persistence": "standing still",
    "mean": "guessing the mean",
    "constant_drift": "a constant step",
    "running_mean": "the session's own mean so far",
}


def page(results: Analysis | Sequence[Analysis]) -> str:
    """Return the HTML page of one or several analyses; every text from the data is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    several = [results] if isinstance(results, Analysis) else list(results)
    environment = Environment(
        loader=PackageLoader("loopstat"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(
        version=__version__, analyses=[analysis_data(r) for r in several]
    )


def analysis_data(result: Analysis) -> dict[str, Any]:
    """Return everything the page shows of an analysis, as plain data and tables."""
    names = [PurePath(f).name for f in result.source.files]
    return {
        "title": clean_sentence(", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")),
        "size": f"{result.n_sessions:,} sessions, {result.n_steps:,} steps",
        "objectives": [
            {"name": clean_sentence(o.name), "direction": "larger is better" if o.maximize else "smaller is better"}
            for o in result.objectives
        ],
        "notes": [clean_sentence(n) for n in result.notes],
        "groups": [group_data(g) for g in result.groups],
        "digest": result.source.digest,
        "settings": {k: str(v) for k, v in result.settings.items() if v not in (None, {}, [])},
    }


def group_data(group: LinearDriftFit) -> dict[str, Any]:
    """Return what the page shows of one group."""
    tables = [_answers(group), _map(group), _regimes(group), _skill(group), *_interference(group), _influence(group)]
    return {
        "label": clean_sentence(group.label),
        "counts": f"{group.counts['n_sessions']:,} sessions, {group.counts['n_transitions']:,} "
        + ("proposals" if group.lineage else "transitions")
        + f"; intervals by {clean_sentence(group.clusters['sentence'])} ({group.clusters['n']} clusters)",
        "verdict": clean_sentence(group.verdict.sentence),
        "action": group.verdict.action,
        "doubts": doubts(group),
        "tables": [t for t in tables if t is not None],
        "checks": [
            {"name": c.name, "passed": c.passed, "value": _measure(c.value), "message": clean_sentence(c.message)}
            for c in group.checks
        ],
        "reasons": {k: clean_sentence(v) for k, v in group.reasons.items()},
    }


def _measure(value: float | None) -> str:
    """Return what a check measured: counts whole, shares and p-values with three digits."""
    if value is not None and float(value).is_integer() and abs(value) < 1e6:
        return f"{value:.0f}"
    return "< 0.001" if value is not None and 0 < value < 0.001 else _or_dash(value, 3)


def _or_dash(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else number(value, digits)


def _cell(e: Estimate | None, *index: int) -> str:
    if e is None:
        return "–"
    return show(*(float(part[index] if index else part) for part in (e.value, e.low, e.high)))


def _answers(group: LinearDriftFit) -> Table:
    stopped = not group.check("stops_on_success").passed
    columns = {
        "fitted rest" if stopped and not group.lineage else "heads for": "drift.equilibrium",
        "kept end" if group.lineage else "ends at": "kept_end.mean",
        "R² of changes": "r2_increments",
        "R² of levels": "r2_levels",
    }
    if group.lineage:  # proposals plus selection make the loop: the fit alone heads nowhere
        del columns["heads for"]
        columns["proposals alone would rest at"] = "drift.fixed_point"
    found = {head: group.estimates.get(key) for head, key in columns.items()}
    rows = [(clean_sentence(n), *(_cell(e, j) for e in found.values())) for j, n in enumerate(group.names)]
    return Table("Where it goes", ("objective", *found), tuple(rows))


def _map(group: LinearDriftFit) -> Table | None:
    a = group.estimates.get("drift.A")
    if a is None:
        return None
    names = [clean_sentence(n) for n in group.names]
    b = group.estimates["drift.b"]
    rows = [
        (f"next change of {n}", *(_cell(a, i, j) for j in range(len(names))), _cell(b, i)) for i, n in enumerate(names)
    ]
    return Table("Drift: effect of each objective's level on the next change", ("", *names, "at zero"), tuple(rows))


def _regimes(group: LinearDriftFit) -> Table | None:
    if not group.regimes:
        return None
    rows = []
    for r in group.regimes:
        sign = "+" if r.im >= 0 else "−"
        value = number(r.re, 3) + (f" {sign} {number(abs(r.im), 3)}i" if r.im else "")
        belief = "–" if r.probability is None else f"{r.probability:.0%}"
        belief = chance(r.p_oscillation) if r.regime == "oscillatory" else belief
        rows.append(
            (
                value,
                show(r.modulus, r.modulus_low, r.modulus_high),
                r.regime,
                belief,
                _or_dash(r.half_life),
                _or_dash(r.period),
            )
        )
    head = ("eigenvalue of M", "modulus", "regime", "probability", "half-life, steps", "period, steps")
    return Table("How fast", head, tuple(rows))


def _skill(group: LinearDriftFit) -> Table | None:
    if not any(f"skill_by_objective.{name}" in group.estimates for name in BASELINES):
        return None
    rows = [
        (
            BASELINE_WORDS[name],
            _cell(group.estimates.get(f"skill.{name}")),
            *(_cell(group.estimates.get(f"skill_by_objective.{name}"), j) for j in range(len(group.names))),
        )
        for name in BASELINES
    ]
    head = ("held-out error saved against", "all objectives", *(clean_sentence(n) for n in group.names))
    return Table("How far to believe it", head, tuple(rows))


def _interference(group: LinearDriftFit) -> list[Table]:
    total = group.estimates.get("interference.total")
    if total is None:
        return []
    names = [clean_sentence(n) for n in group.names]
    parts = {name: group.estimates.get(f"interference.{name}") for name in PARTS}
    rows = []
    for i, j in itertools.combinations(range(len(names)), 2):
        adjusted = total.p_adjusted[i, j]
        rows.append(
            (
                f"{names[i]} and {names[j]}",
                _cell(total, i, j),
                chance(float(adjusted)).removeprefix("p "),
                *(_cell(e, i, j) for e in parts.values()),
            )
        )
    head = ("objectives", "correlation of changes", "p (Holm)", "by drift", "by noise", "by start-up", "rest")
    return [Table("What trades off against what", head, tuple(rows))]


def _influence(group: LinearDriftFit) -> Table | None:
    if not group.influential:
        return None
    rows = tuple(
        (clean_sentence(i.cluster), clean_sentence(i.quantity), number(i.shift, 3), number(i.shift_in_se))
        for i in group.influential
    )
    return Table(
        "Clusters whose removal moves an answer most", ("cluster", "answer", "shift", "in standard errors"), rows
    )
