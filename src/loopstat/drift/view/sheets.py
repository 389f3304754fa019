"""The tables of a group and of groups against each other; every figure carries its place in the JSON."""

from __future__ import annotations

from collections.abc import Sequence

from ...inference.pareto import ParetoGroup
from ...panel.panel import Objective
from ...results.document import Cell, Sheet, figure, matrix, word
from ...results.words import chance, clean_sentence, number, percent
from ..analysis import DriftAnalysis
from ..readings.interference import CAUSES
from ..readings.regimes import Regime
from ..readings.skill import BASELINES
from .seen import BASELINE_WORDS, Seen, disagreement, pairs_by_strength, short_label

QUANTITY_TITLES = {
    "kept_end": "Ends",
    "equilibrium": "Equilibria",
    "rate_exact": "Rates (exact, per step)",
    "coupling": "Couplings (what a level adds to the next change)",
}


def group_sheets(seen: Seen) -> list[Sheet]:
    """Return the tables of one group."""
    makers = (_answers, _side_by_side, _skill, _interference, _drift, _regimes, _reversibility, _thorough, _influence)
    return [sheet for maker in makers if (sheet := maker(seen)) is not None]


def _answers(seen: Seen) -> Sheet:
    columns = {
        seen.rest_word: seen.rest_path,
        seen.end_word: "kept_end.mean",
        "R² of changes": "r2_increments",
        "R² of levels": "r2_levels",
    }
    rows = tuple(
        (word(name), *(seen.figure(path, j) for path in columns.values())) for j, name in enumerate(seen.names)
    )
    return Sheet("Where it goes", ("objective", *columns), rows)


def _drift(seen: Seen) -> Sheet | None:
    if seen.fit.model is None:
        return None
    note = "Each row: what a higher level of the column's objective adds to the next change of the row's."
    sheet = matrix("Drift", seen.names, seen.fit.estimates["drift.A"], seen.place("drift.A"), note=note)
    rows = tuple(
        (word(f"next change of {name}"), *row[1:], seen.figure("drift.b", i))
        for i, (name, row) in enumerate(zip(seen.names, sheet.rows, strict=True))
    )
    return Sheet(sheet.title, (*sheet.columns, "at zero"), rows, note)


def _regimes(seen: Seen) -> Sheet | None:
    rows = tuple(_regime(seen, k, r) for k, r in enumerate(seen.fit.regimes))
    head = ("eigenvalue", "modulus", "regime", "probability", "half-life, steps", "period, steps")
    return Sheet("How fast", head, rows) if rows else None


def _regime(seen: Seen, k: int, r: Regime) -> tuple[Cell, ...]:
    here = f"regimes.{k}"
    re, im = float(r.re.value), float(r.im.value)
    value = number(re, 3) + (f" {'+' if im >= 0 else '−'} {number(abs(im), 3)}i" if im else "")
    belief = chance(r.p_oscillation) if r.regime == "oscillatory" else percent(r.probability or 0.0)
    return (
        word(value),
        seen.shown(f"{here}.modulus", r.modulus),
        word(r.regime),
        word(belief),
        seen.halves(f"{here}.half_life", r.half_life),
        seen.number(f"{here}.period", r.period),
    )


def _skill(seen: Seen) -> Sheet | None:
    if "skill.mean" not in seen.fit.estimates:
        return None
    rows = tuple(
        (
            word(BASELINE_WORDS[name]),
            seen.figure(f"skill.{name}"),
            *(seen.figure(f"skill_by_objective.{name}", j) for j in range(len(seen.names))),
        )
        for name in BASELINES
    )
    note = "On held-out clusters: 0 is no better than the baseline, 1 is no error at all."
    return Sheet("How far to believe it", ("error saved against", "all objectives", *seen.names), rows, note)


def _interference(seen: Seen) -> Sheet | None:
    names, causes = seen.names, seen.fit.causes
    total = seen.fit.estimates.get("interference.total")
    rows = tuple(
        (
            word(f"{names[i]} and {names[j]}"),
            seen.figure("interference.total", i, j),
            seen.number(f"interference.p_adjusted.{i}.{j}", _p_of(total.p_adjusted if total else None, i, j), "p"),
            *(seen.figure(f"interference.{cause}", i, j) for cause in causes),
        )
        for i, j in pairs_by_strength(seen.fit)
    )
    head = ("objectives", "correlation of changes", "p (Holm)", *(f"by {CAUSES[c]}" for c in causes))
    return Sheet("What trades off against what", head, rows) if rows else None


def _p_of(p: object, i: int, j: int) -> float | None:
    return None if p is None else float(p[i, j])  # type: ignore[index]


def _side_by_side(seen: Seen) -> Sheet | None:
    """The estimators that can be had, where they disagree."""
    if not disagreement(seen.fit):
        return None
    rows = tuple(
        (word(r.name), seen.shown(f"estimators.{k}.modulus", r.modulus), word(r.remark))
        for k, r in enumerate(seen.fit.estimator.rivals)
    )
    note = "The share of a distance left after one step, by what each estimator allows for: they do not agree."
    return Sheet("Estimators side by side", ("estimator", "slowest mode", ""), rows, note)


def _reversibility(seen: Seen) -> Sheet | None:
    found = seen.fit.reversibility
    if found is None:
        return None
    row = (
        seen.number("reversibility.p_value", found.p_value, "p"),
        seen.shown("reversibility.entropy_production", found.entropy_production),
    )
    note = "In detailed balance a recording run backwards looks the same; a small p says that this one does not."
    return Sheet("Forward and backward", ("p of detailed balance", "entropy production, nats per step"), (row,), note)


def _thorough(seen: Seen) -> Sheet | None:
    found = seen.fit.estimator.thorough
    if found is None:
        return None
    columns = {
        "slowest mode, by profile": seen.shown("thorough.modulus", found.modulus),
        "p of alike sessions": seen.number("thorough.p_effects", found.p_effects, "p"),
        "p of an exact scorer": seen.number("thorough.p_noise", found.p_noise, "p"),
        "p of the model": seen.number("thorough.p_fit", found.p_fit, "p"),
    }
    return Sheet("The latent fit, thoroughly", tuple(columns), (tuple(columns.values()),))


def _influence(seen: Seen) -> Sheet | None:
    rows = tuple(
        (
            word(i.cluster),
            word(i.quantity),
            seen.number(f"influential.{k}.shift", i.shift),
            seen.number(f"influential.{k}.shift_in_se", i.shift_in_se, "rough"),
        )
        for k, i in enumerate(seen.fit.influential)
    )
    head = ("without", "this answer", "moves by", "standard errors")
    return Sheet("What it hangs on", head, rows) if rows else None


# --------------------------------------------------------------------------- all groups


def comparison_sheets(result: DriftAnalysis) -> list[Sheet]:
    """Return one table per compared quantity."""
    short = {g.label: short_label(g) for g in result.groups}
    out = []
    for quantity, title in QUANTITY_TITLES.items():
        on = quantity != "rate_exact"
        rows = tuple(
            (
                word(short.get(c.a, c.a)),
                word(short.get(c.b, c.b)),
                *([word(c.objective or "")] if on else []),
                figure(c.difference, place=f"comparisons.{k}.difference"),
                figure(float(c.difference.p_adjusted), place=f"comparisons.{k}.p_adjusted", form="p"),
            )
            for k, c in enumerate(result.comparisons)
            if c.quantity == quantity
        )
        if rows:
            note = "Difference a − b; p after Holm's correction over this table."
            out.append(Sheet(title, ("a", "b", *(("on",) if on else ()), "difference", "p (Holm)"), rows, note))
    return out


def pareto_sheet(result: DriftAnalysis) -> Sheet:
    """Return who is ahead on all objectives at once."""
    short = {g.label: short_label(g) for g in result.groups}
    rows = tuple(
        (
            word(f"{k + 1}. {short.get(p.label, p.label)}"),
            *(figure(getattr(p, key), place=f"pareto.{k}.{key}") for key in PARETO_COLUMNS.values()),
        )
        for k, p in enumerate(result.pareto)
    )
    missing = [short_label(g) for g in result.groups if g.label not in {p.label for p in result.pareto}]
    note = _pareto_note(result.pareto[0], result.objectives)
    note += f" Too few ends to compare: {', '.join(missing)}." if missing else ""
    return Sheet("Who is ahead", ("group", *PARETO_COLUMNS), rows, note)


PARETO_COLUMNS = {
    "ends nothing beats": "share_final",
    "points on the way nothing beats": "share_path",
    "volume dominated": "hypervolume",
}


def _pareto_note(first: ParetoGroup, objectives: Sequence[Objective]) -> str:
    corner = ", ".join(
        f"{clean_sentence(o.name)} {number(v, 3)}" for o, v in zip(objectives, first.reference.tolist(), strict=True)
    )
    return (
        f"Compared on {first.n_compared} ends of each group, because the share falls with the number of points alone. "
        f"Volume is that of {first.n_volume} ends, measured from {corner}; its interval is rough, because a volume "
        "hangs on a few extreme ends."
    )
