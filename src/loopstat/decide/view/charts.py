"""The pictures of a decision: value held by step with the step to stop after, and what steps are worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...results.chart import Axis, Chart, Line, Mark, Rule
from ...results.decision import Decided
from ...results.words import number

Span = tuple[float, float]


def limits_of(fits: Sequence[Decided]) -> Span:
    """Return the range that the curves of all groups fill, so that small pictures can be compared."""
    parts = [getattr(f.curve.value, end) for f in fits for end in ("value", "low", "high")]
    every = np.concatenate(parts) if parts else np.zeros(0)
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if len(every) else (0.0, 1.0)
    pad = 0.06 * (high - low) if high > low else 0.5
    return low - pad, high + pad


def tiny(fit: Decided, limits: Span | None = None) -> Chart | None:
    """Return the mean curve with its interval and the step to stop after, for a line of a table."""
    if len(fit.curve.step) < 2:
        return None
    shown = Axis(hidden=True, limits=limits)
    return Chart(
        f"tiny-{fit.label}", "value held", (Rule("x", float(fit.decision.step)), *_lines(fit, labelled=False)),
        Axis("step", hidden=True), shown, _described(fit), size="tiny",
    )  # fmt: skip


def curve(fit: Decided, key: str) -> Chart | None:
    """Return value held by step, recorded and expected, with the step to stop after and the line of the price."""
    if len(fit.curve.step) < 2:
        return None
    d, c = fit.decision, fit.curve
    marks: list[Mark] = [Rule("x", float(d.step), float(d.step_low), float(d.step_high), f"step {d.step}", "c5")]
    marks += _lines(fit, labelled=True)
    at = int((c.step == d.step).argmax())
    paid = c.value.value - c.net.value
    line = c.value.value[at] + (paid - paid[at])
    inside = (line >= np.nanmin(c.value.low)) & (line <= np.nanmax(c.value.high))
    if inside.sum() > 1:
        marks.append(Line(c.step, np.where(inside, line, np.nan), label="price", tone="context", stroke="dotted"))
    note = "Dashed: expected beyond the record. Steps pay where the curve climbs more steeply than the price."
    title = "What is held, by step"
    return Chart(
        f"{key}-held", title, tuple(marks), Axis("step", whole=True), Axis("value held"), _described(fit), note
    )


def _lines(fit: Decided, *, labelled: bool) -> list[Mark]:
    c = fit.curve
    n = int(np.sum(c.step <= fit.decision.recorded))
    seen = Line(
        c.step[:n], c.value.value[:n], c.value.low[:n], c.value.high[:n], "value held" if labelled else "", strong=True
    )
    if n == len(c.step):
        return [seen]
    later = slice(n - 1, None)
    ends = (c.value.value[later], c.value.low[later], c.value.high[later])
    return [seen, Line(c.step[later], *ends, "expected" if labelled else "", "ours", "dashed")]


def _described(fit: Decided) -> str:
    value, d = fit.curve.value.value, fit.decision
    said = f"Mean value held by step, from {number(value[0], 3)} at step {fit.curve.step[0]}"
    return f"{said} to {number(d.value, 3)} at step {d.step}, where it is best to stop."
