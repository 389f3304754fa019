"""What is said of a loop that is set, in lines: where it rests, how fast, what steps are worth, what pays for what."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ...arrays import Float
from ...drift.readings.interference import CAUSES
from ...drift.view.seen import pairs_by_strength
from ...results.cell import Form
from ...results.document import Fact, Part, Parts, figure
from ...results.words import kept, number, percent, plural
from ..estimable import WANTED
from ..loop import LoopPlay
from ..strategies import OBJECTIVES

FEW_AT_BOUNDS = 0.05
NEAR = 0.005  # parts below it would be printed as nothing


def doubts(result: LoopPlay) -> list[str]:
    """Return what makes the figures differ from those of the plain linear loop, in sentences."""
    said, rest = [], result.last.rest
    where = "beyond" if result.exact else "at"
    for name, share in zip(OBJECTIVES, result.at_bounds.tolist(), strict=True):
        if share > FEW_AT_BOUNDS and result.settings["clip"]:
            said.append(f"{percent(share)} of the {name} scores are {where} a bound: a fit sees less drift there.")
    followed = int(result.known.path.step[-1])
    if followed < int(result.settings["steps"]):
        said.append(f"It leaves every scale: after step {followed} it is not followed.")
    if result.last.radius < 1 and not ((rest >= 0) & (rest <= 10)).all():
        said.append("It would rest outside the scale from 0 to 10.")
    return said


def facts(result: LoopPlay) -> Iterator[Fact]:
    """Yield where it rests, how fast, and what steps are worth."""
    last = result.last
    if last.radius < 1:
        yield Fact("rests at", _each(last.rest, f"stages.{len(result.stages) - 1}.rest"), "front")
        spread = _each(result.stationary_sd, "stationary_sd", "rough", "± ")
        yield Fact("spread there", (*spread, "  (standard deviation of single sessions)"))
        steps, near = int(result.settings["steps"]), float(result.settings["tolerance"])
        there = _each(result.within, "within", "whole", missing=f"not\xa0in\xa0{steps}")
        yield Fact("there within", (*there, f"  (steps until the mean stays within {near:g} of rest)"))
    yield Fact("how fast", _fast(result), "front")
    yield Fact("worth", _worth(result), "front")
    if len(result.stages) > 1:
        names = ", ".join(f"{s.name} steps {s.first} to {s.last}" for s in result.stages)
        yield Fact("schedule", (f"{names}; rest, spread and speed are those of {last.name}",))


def _each(values: Float, place: str, form: Form = "figure", before: str = "", missing: str = "–") -> Parts:
    """Return a figure for every objective, each beside its name."""
    out: list[Part] = []
    for j, (name, value) in enumerate(zip(OBJECTIVES, values.tolist(), strict=True)):
        shown: Parts = (before, figure(value, place=f"{place}.{j}", form=form)) if math.isfinite(value) else (missing,)
        out += ["   " if out else "", f"{kept(name)}\xa0", *shown]
    return tuple(out)


def _fast(result: LoopPlay) -> Parts:
    fit, radius = result.known, result.last.radius
    shown = figure(radius, place=f"stages.{len(result.stages) - 1}.radius")
    if radius >= 1:
        return ("does not settle: spectral radius ", shown, " is not below 1")
    half = figure(float(fit.estimates["half_life"].value), place="known.half_life")
    said: list[Part] = ["half of the way in ", half, " steps"]
    if "step_90" in fit.estimates:
        ninety = figure(float(fit.estimates["step_90"].value), place="known.step_90", form="whole")
        said += ["; 90 % by step ", ninety]
    said += ["; spectral radius ", shown, "; ", ", ".join(dict.fromkeys(r.regime for r in fit.regimes))]
    period = next((r.period for r in fit.regimes if r.period), None)
    return (*said, f" with a period of {number(period, 3)} steps") if period else tuple(said)


def _worth(result: LoopPlay) -> Parts:
    """Say after which step a further one is not worth its price."""
    w, price = result.pays, float(result.settings["price"])
    after = figure(w.next_gain, place="pays.next_gain", form="signed")
    if w.step == 0:
        return (f"not one step at {price:g}: the first adds ", after, " to the mean of the objectives")
    said: list[Part] = ["stop after step ", figure(w.step, place="pays.step", form="whole")]
    said += [": the steps until then add ", figure(w.gained, place="pays.gained"), " to the mean of the objectives"]
    said += [", the next ", after] if math.isfinite(w.next_gain) else []
    return (*said, f"; a step costs {price:g}")


def trade_offs(result: LoopPlay) -> Iterator[Fact]:
    """Yield the correlation of each pair's changes, and what it is made of."""
    for i, j in pairs_by_strength(result.known):
        place = "known.interference.{}." + f"{i}.{j}"
        total = result.known.estimates["interference.total"].value[i, j]
        parts = {c: v for c, v in result.known.parts_of(i, j).items() if abs(v) >= NEAR}
        said: list[Part] = [figure(float(total), place=place.format("total"), form="signed")]
        for k, (cause, value) in enumerate(parts.items()):
            shown = figure(value, place=place.format(cause), form="signed")
            said += [", " if k else ": ", f"{CAUSES[cause]} ", shown]
        yield Fact(f"{OBJECTIVES[i]} and {OBJECTIVES[j]}", tuple(said))


def knowable(result: LoopPlay) -> Iterator[Fact]:
    """Yield what recorded sessions would let one estimate."""
    found, n = result.estimable, int(result.settings["sessions"])
    steps = result.last.last - result.last.first + 1
    if not np.isfinite(found.A).all():
        yield Fact("A", ("cannot be had: its levels do not vary, or run away",), "front")
        return
    size = f" at worst, from {plural(n, 'session')} of {plural(steps, 'step')}"
    yield Fact("every entry of A", ("to ± ", figure(float(found.A.max()), form="rough"), size), "front")
    more = figure(found.sessions, place="estimable.sessions", form="count")
    yield Fact(f"to ± {WANTED:g}", (more, " sessions of that length would do"))
    if np.isfinite(found.rest).all():
        yield Fact("where it rests", _each(found.rest, "estimable.rest", "rough", "± "))
