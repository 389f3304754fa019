"""A calibration of the moves lens as a document: what is identified, what is not and why, group by group."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ... import __version__
from ...results.document import (
    Answer,
    Block,
    Cell,
    Document,
    Fact,
    Facts,
    Form,
    Parts,
    Provenance,
    Section,
    Sheet,
    Text,
    settings_said,
    title_of,
    word,
)
from ...results.words import clean, parts, plural
from .cells import joined, row, shown
from .charts import VERDICTS, curves

if TYPE_CHECKING:
    from ..calibrate.candidates import Curve
    from ..calibrate.fit import Calibration, GroupCalibration
    from ..calibrate.identified import Identified

WORDS = {
    "oracle_resolution": "oracle sees",
    "correlation": "errors alike",
    "sigma_r": "reviewer errs by",
    "tau_h": "tau H",
}
SAYS = {
    "oracle_resolution": ("r ", " of defect modes"),
    "correlation": ("gamma ", ", the correlation of two reviewers' errors"),
    "sigma_r": ("sigma_r ", ""),
}
AT = (1, 2, 3, 5, 10, 20, 50, 100)  # numbers of candidates named in a line
MAX_SLOPES = 8
HINT = (
    "Next: --html\xa0page.html\xa0· --json\xa0-\xa0· "
    "--out settings.json, then loopstat moves simulate --settings settings.json"
)


def calibration(result: Calibration) -> Document:
    """Return everything said about what recorded candidates show of the moves lens.

    Parameters
    ----------
    result : Calibration

    Returns
    -------
    Document
        Of kind `moves`; every group a section with an answer.
    """
    groups = result.groups
    size = f"{plural(sum(g.n_candidates for g in groups), 'candidate')} of "
    size += plural(sum(g.n_tasks for g in groups), "task")
    settings = result.settings
    return Document(
        "moves",
        title_of(result.source.files) or "recorded candidates",
        Provenance(__version__, str(settings.get("command") or ""), result.source.digest, settings_said(settings)),
        (size + (f" in {len(groups)} groups" if len(groups) > 1 else ""),),
        tuple(_group(g, k, folded=len(groups) > 1) for k, g in enumerate(groups)),
        notes=result.notes,
        hints=(HINT,),
        by=", ".join(groups[0].by) or "group",
    )


def _group(g: GroupCalibration, k: int, *, folded: bool) -> Section:
    here, key = f"groups.{k}", f"g{k}"
    figures = [
        sheet for sheet in (_parameters(g, here), *_oracle(g, here), _slopes(g, here), *_curves(g, here)) if sheet
    ]
    blocks: list[Block | Section] = [
        *([Text(tuple((n,) for n in g.notes), "doubt", points=True)] if g.notes else []),
        *curves(g, key),
        Facts(tuple(_facts(g, here))),
        Section(f"{key}-figures", "All figures", tuple(figures), depth="long", folded=True),
    ]
    lead = (f"{plural(g.n_tasks, 'task')}, {plural(g.n_candidates, 'candidate')}",)
    return Section(key, clean(g.label), tuple(blocks), lead, _answer(g, here), folded=folded)


def _answer(g: GroupCalibration, here: str) -> Answer:
    """Say which settings of the simulator the group gives."""
    known = g.settings
    if not known:
        return Answer(
            "nothing", "none of the simulator's settings is identified", (" by these candidates.",), "context"
        )
    said = [(f"{name}\xa0", shown(value, f"{here}.settings.{name}", "rough")) for name, value in known.items()]
    return Answer("identified", "identified for the simulator", (": ", *joined(said, ", "), "."))


# ----------------------------------------------------------------------------------- facts


def _facts(g: GroupCalibration, here: str) -> list[Fact]:
    """Return what is said of a group; an empty key goes on with the one before."""
    rows = _false_passes(g, here)
    rows += _identified(g, here)
    rows += [*_judges(g, here), *_passes(g), *_best(g)]
    missing: dict[str, list[str]] = {}
    for p in g.parameters:
        if p.asks:
            missing.setdefault(p.asks, []).append(p.name)
    said = "; ".join(f"{', '.join(names)} ({options})" for options, names in missing.items())
    return [*rows, *([Fact("not asked for", (said,))] if said else [])]


def _false_passes(g: GroupCalibration, here: str) -> list[Fact]:
    found = shown(g.false_pass.estimate, f"{here}.false_pass.value", "percent")
    if found.value is not None:
        return [Fact("false passes", (found, " of what passes the coarse tests fails the fine ones"))]
    return [] if g.false_pass.asks else [Fact("false passes", (f"not known: {g.false_pass.reason}",))]


def _identified(g: GroupCalibration, here: str) -> list[Fact]:
    """Return a line for each parameter; those of which nothing is known for one reason share a line."""
    lines: dict[str, tuple[list[str], Parts]] = {}
    for k, p in enumerate(g.parameters):
        if not p.asks:
            said = _parameter(p, f"{here}.parameters.{k}")
            lines.setdefault(parts(said), ([], said))[0].append(WORDS.get(p.name, p.name))
    return [Fact(", ".join(names), said) for names, said in lines.values()]


def _parameter(p: Identified, here: str) -> Parts:
    """Say a parameter: value and what it rests on, its bound, or why there is none."""
    before, after = SAYS.get(p.name, ("", ""))
    if p.bound == "upper":
        most = shown(float(p.estimate.high), f"{here}.high", "rough")
        return (f"{before}at most ", most, f"{after}. {p.reason}")
    if p.identifiable:
        return (before, shown(p.estimate, f"{here}.value"), f"{after}. {p.reason}")
    if p.name == "tau" and math.isfinite(p.value):
        return ("not identifiable (", shown(p.value, form="rough"), f"). {p.reason}")
    return (f"not identifiable. {p.reason}",)


def _judges(g: GroupCalibration, here: str) -> list[Fact]:
    if g.judges is None:
        return []
    agreement = shown(g.judges.agreement, f"{here}.judges.agreement")
    said = (agreement, " within tasks: the quality judges see and the errors they share")
    rows = [Fact("scores agree", said)] if agreement.value is not None else []
    slopes = [
        (f"{clean(s.name)} ", shown(s.slope, f"{here}.judges.slopes.{k}.slope"), "" if s.used else " (left out)")
        for k, s in enumerate(g.judges.slopes[:MAX_SLOPES])
    ]
    more = len(g.judges.slopes) - MAX_SLOPES
    rest = (f" ({more} more in --json)",) if more > 0 else ()
    return [*rows, *([Fact("score per truth", (*joined(slopes, " · "), *rest))] if slopes else [])]


def _passes(g: GroupCalibration) -> list[Fact]:
    rows: list[Fact] = []
    for name, curve in g.pass_at_k.items():
        said = _some(curve, "percent")
        if said:
            rows.append(Fact("pass@k" if not rows else "", (f"{VERDICTS.get(name, clean(name))}: ", *said)))
        rows += _last(g.pooled_k.get(name), "pooled, {} are worth ", " draws of one pass rate: tasks differ")
    return rows


def _best(g: GroupCalibration) -> list[Fact]:
    rows = []
    if g.best_of_k is not None and (said := _some(g.best_of_k, "figure")):
        rows.append(Fact("best of k", said))
    inside = g.k_eff.get("within")
    if inside is not None and (said := _some(inside, "figure", first=2)):
        rows.append(Fact("k are worth", (*said, " (independent candidates, within tasks)")))
    return rows + _last(g.k_eff.get("pooled"), "pooled over tasks {} look like ", ": tasks differ")


def _some(curve: Curve, form: Form, *, first: int = 1) -> Parts:
    """Return a curve at a few numbers of candidates."""
    most = int(curve.k[-1]) if len(curve.k) else 0
    said: list[Parts] = []
    for at in curve.k.tolist():
        found = shown(curve.at(at), form=form)
        if at >= first and (at in AT or at == most) and found.value is not None:
            said.append((f"{at}:\xa0", found))
    return joined(said, " · ")


def _last(curve: Curve | None, before: str, after: str) -> list[Fact]:
    """Say the last point of a curve."""
    if curve is None or not len(curve.k) or not math.isfinite(curve.estimate.value[-1]):
        return []
    last = int(curve.k[-1])
    return [Fact("", (before.format(last), shown(curve.at(last)), after))]


# --------------------------------------------------------------------------------- figures


def _parameters(g: GroupCalibration, here: str) -> Sheet:
    rows = []
    for k, p in enumerate((g.false_pass, *g.parameters)):
        at = f"{here}.false_pass" if k == 0 else f"{here}.parameters.{k - 1}"
        use = "yes" if p.identifiable else "upper bound" if p.bound else "no"
        rest = row(at, p, n_tasks="count", n_samples="count", method="word", reason="word")
        rows.append((word(p.name), shown(p.estimate, f"{at}.value"), word(use), *rest))
    head = ("parameter", "value", "identified", "tasks", "candidates", "method", "why")
    note = "Where it is not identified, the value is what a method gave: not to be used."
    return Sheet("Parameters", head, tuple(rows), note)


def _oracle(g: GroupCalibration, here: str) -> list[Sheet]:
    found = g.resolution
    if found is None:
        return []
    cells = row(f"{here}.oracle", found, logarithms="figure", mixture="figure")
    if found.test is not None:
        cells += row(f"{here}.oracle.one_r_test", found.test, p_value="p")
    head = ("by ln of both pass rates", "by a mixture of tasks", "p of one r for all tasks")[: len(cells)]
    note = "The share of defect modes that the coarse tests see, by each method: usable where they agree."
    return [Sheet("How much the tests see", head, (cells,), note)]


def _slopes(g: GroupCalibration, here: str) -> Sheet | None:
    if g.judges is None or not g.judges.slopes:
        return None
    rows = tuple(
        (
            *row(f"{here}.judges.slopes.{k}", s, name="word", slope="figure", correlation="rough"),
            word("yes" if s.used else "no"),
        )
        for k, s in enumerate(g.judges.slopes)
    )
    return Sheet("Judges", ("judge", "score per truth", "correlation with the truth", "used"), rows)


def _curves(g: GroupCalibration, here: str) -> list[Sheet]:
    verdicts = {f"{VERDICTS.get(k, clean(k))}": (f"pass_at_k.{k}", c) for k, c in g.pass_at_k.items()}
    pooled = {f"{VERDICTS.get(k, clean(k))}": (f"pooled_k.{k}", c) for k, c in g.pooled_k.items()}
    best = {"best of k": ("best_of_k", g.best_of_k)} if g.best_of_k is not None else {}
    alike = {name: (f"k_eff.{name}", c) for name, c in g.k_eff.items()}
    made = (
        _by_k("One of k candidates passes", verdicts, here, "percent"),
        _by_k("Draws of one pass rate that k candidates are worth", pooled, here),
        _by_k("The best of k candidates, and what k are worth", {**best, **alike}, here),
    )
    return [sheet for sheet in made if sheet is not None]


def _by_k(title: str, curves: dict[str, tuple[str, Curve]], here: str, form: Form = "figure") -> Sheet | None:
    """Return curves in columns, k in rows."""
    every = sorted({int(k) for _, c in curves.values() for k in c.k})
    rows = tuple((word(str(k)), *(_at_k(c, k, f"{here}.{at}", form) for at, c in curves.values())) for k in every)
    return Sheet(title, ("k", *curves), rows) if rows else None


def _at_k(curve: Curve, k: int, place: str, form: Form) -> Cell:
    where = np.flatnonzero(curve.k == k)
    if not len(where):
        return Cell(None)
    found = shown(curve.at(k), form=form)
    return Cell(found.value, form, f"{place}.value.{where[0]}") if found.value is not None else found
