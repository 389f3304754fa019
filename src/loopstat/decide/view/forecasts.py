"""What is foretold of a group's sessions: in lines, a picture of bands, and a table by step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...results.chart import Axis, Chart, Line, Mark, Rule
from ...results.decision import Decided
from ...results.document import Block, Cell, Depth, Fact, Facts, Part, Sheet, figure, word
from ...results.forecast import Forecast, Prediction, TargetChance
from ...results.words import clean_sentence, listed, number


def forecast_blocks(fit: Decided, at: str, key: str) -> tuple[Block, ...]:
    """Return what is said, drawn and tabled of a group's forecast; nothing where none was asked for."""
    f = fit.forecast
    if f is None:
        return ()
    place = f"{at}.forecast" if at else "forecast"
    rows = (*_told(f, fit.decision.step, place), *_judged(f, place))
    shown = [(p, f"{place}.{name}") for name, p in (("new", f.new), ("session", f.session)) if p is not None]
    charts = tuple(_bands(p, f"{key}-{where.rpartition('.')[2]}") for p, where in shown)
    return (Facts(rows, depth="front"), *charts, *(_by_step(p, where) for p, where in shown), *_scores(f, place))


# ------------------------------------------------------------------------------------ lines


def _told(f: Forecast, stop: int, place: str) -> Iterator[Fact]:
    if f.new is None:
        yield Fact("forecast", (clean_sentence(f.sentence),), "front")
        return
    if f.session is not None:
        own = f.session
        yield from _of(own, own.recorded if own.since < own.recorded else int(own.bands.step[-1]), f"{place}.session")
    depth: Depth = "front" if f.session is None else "short"
    step = stop if stop > f.new.since else f.new.recorded
    for fact in _of(f.new, step, f"{place}.new"):
        yield Fact(fact.key, fact.said, depth)


def _of(p: Prediction, step: int, place: str) -> Iterator[Fact]:
    """Say what a session holds at a step, and how likely its target is there."""
    b = p.bands
    k = int(np.abs(b.step - step).argmin())
    beyond = "; beyond the record" if b.step[k] > p.recorded else ""
    half = f"{number(b.low_50[k])} to {number(b.high_50[k])} (50 %)"
    said = f"at step\xa0{b.step[k]} {number(b.low_90[k])} to {number(b.high_90[k])} (90 %), {half}{beyond}"
    yield Fact(_name(p), (said,), "front")
    if p.target is not None:
        yield Fact("target", _target(p.target, b.step[k], k, f"{place}.target"), "front")


def _name(p: Prediction) -> str:
    if p.of == "new":
        return "a new session"
    return "this session" if p.of == "scores" else clean_sentence(f"session {p.of}")


def _target(t: TargetChance, step: int, k: int, place: str) -> tuple[Part, ...]:
    wanted = listed(f"{clean_sentence(name)} {bar:g}" for name, bar in t.target.items())
    by = figure(t.by, k, place=f"{place}.by", form="percent")
    at = figure(t.at, k, place=f"{place}.at", form="percent")
    half = "" if t.half is None else f"; more likely than not by step\xa0{t.half}"
    return (f"{wanted} reached by step\xa0{step}: ", by, f"; at step\xa0{step}: ", at, half)


def _judged(f: Forecast, place: str) -> Iterator[Fact]:
    known = "held-out sessions, given their first steps", "the last third of the steps, from those before"
    for q, name, said in ((f.quality, "quality", known[0]), (f.beyond, "beyond", known[1])):
        if q is None:
            continue
        held = figure(q.coverage_90, place=f"{place}.{name}.coverage_90", form="percent")
        half = figure(q.coverage_50, place=f"{place}.{name}.coverage_50", form="percent")
        parts: tuple[Part, ...] = ("90 % bands held ", held, ", 50 % bands ", half, f" of {q.n:,} values of {said}")
        yield Fact("forecasts" if name == "quality" else "", parts, "short")
    yield Fact("carried on by", (clean_sentence(f.sentence),), "long")


# ------------------------------------------------------------------------------------ picture and tables


def _bands(p: Prediction, key: str) -> Chart:
    b = p.bands
    marks: list[Mark] = [
        Line(b.step, b.mean, b.low_90, b.high_90, "mean, 90 %", "context"),
        Line(b.step, b.mean, b.low_50, b.high_50, "50 %", "ours", strong=True),
    ]
    if b.step[-1] > p.recorded:
        marks.append(Rule("x", float(p.recorded), label="recorded until here"))
    described = f"At step {b.step[-1]} nine of ten sessions hold {number(b.low_90[-1])} to {number(b.high_90[-1])}."
    title = f"What {_name(p)} holds, by step"
    axes = Axis("step", whole=True), Axis("value held")
    return Chart(f"{key}-bands", title, tuple(marks), *axes, described, "Bands hold 50 and 90 % of sessions.")


def _by_step(p: Prediction, place: str) -> Sheet:
    head = ("step", "mean", "90 %", "50 %", *(("target met", "met by then") if p.target else ()))
    rows = tuple(_row(p, k, place) for k in range(len(p.bands.step)))
    note = "Beyond the record all of it is extrapolated." if p.bands.step[-1] > p.recorded else ""
    return Sheet(f"What {_name(p)} holds", head, rows, note)


def _row(p: Prediction, k: int, place: str) -> tuple[Cell, ...]:
    b = p.bands
    ranges = (
        word(f"{number(low[k], 3)} to {number(high[k], 3)}")
        for low, high in ((b.low_90, b.high_90), (b.low_50, b.high_50))
    )
    mean = figure(float(b.mean[k]), place=f"{place}.bands.mean.{k}", form="number")
    met = () if p.target is None else ((p.target.at, "at"), (p.target.by, "by"))
    chances = (figure(e, k, place=f"{place}.target.{name}", form="percent") for e, name in met)
    return (word(str(int(b.step[k]))), mean, *ranges, *chances)


def _scores(f: Forecast, place: str) -> tuple[Sheet, ...]:
    if f.quality is None:
        return ()
    rows = tuple(
        (
            word(s.name),
            figure(s.log_score, place=f"{place}.quality.scores.{k}.log_score", form="number"),
            figure(s.ahead, place=f"{place}.quality.scores.{k}.ahead"),
            figure(s.rmse, place=f"{place}.quality.scores.{k}.rmse", form="number"),
        )
        for k, s in enumerate(f.quality.scores)
    )
    note = f"On clusters held out; {f.predictor} is used. Larger log scores are better."
    return (Sheet("Ways to predict", ("predictor", "log score", "used one ahead by", "error of its mean"), rows, note),)
