"""What each estimator makes of the same loop once something is wrong: `python -m benchmarks.figures --write PATH`.

One objective, slope 0.5, 10,000 sessions of 10 scores; sessions differ by 0.5 and the scorer's noise is 0.3, in units
in which the loop's own spread is 0.58. One large panel per row: errors of estimation are about 0.005 (pooled, within)
and 0.02 (instrument, latent).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from loopstat import LinearDrift, LinearDriftFit, LoopstatError, Objective, Panel

from .loops import Array, Rng, stopped_at

SESSIONS, STEPS, SLOPE = 10_000, 10, 0.5
NAMES = ("pooled", "within", "instrument", "latent", "auto")


@dataclass(frozen=True)
class Case:
    """Something that may be wrong with a recording, and what makes it so."""

    words: str
    make: Callable[[Rng], Panel]


def scores(
    rng: Rng,
    *,
    effects: float = 0.0,
    noise: float = 0.0,
    varying: float = 0.0,
    first: float | None = None,
    steps: int = STEPS,
) -> Array:
    """Return scores (sessions, steps, 1) of the loop from its steady state."""
    slope = SLOPE + varying * rng.standard_normal((SESSIONS, 1))
    x = rng.standard_normal((SESSIONS, 1)) * 0.5 / np.sqrt(1 - SLOPE**2)
    out = [x]
    for t in range(1, steps):
        x = (slope if t > 1 or first is None else first) * x + 0.5 * rng.standard_normal(x.shape)
        out.append(x)
    y = np.stack(out, axis=1) + effects * rng.standard_normal((SESSIONS, 1, 1))
    return np.asarray(y + noise * rng.standard_normal(y.shape))


def _plain(**how: float) -> Callable[[Rng], Panel]:
    return lambda rng: Panel.from_arrays(scores(rng, **how))  # type: ignore[arg-type]


def _rounded(width: float) -> Callable[[Rng], Panel]:
    def make(rng: Rng) -> Panel:
        x = scores(rng, effects=0.5)
        h = width * x.std()
        return Panel.from_arrays(np.round(x / h) * h)

    return make


def _clipped(rng: Rng) -> Panel:
    x = scores(rng, effects=0.5, noise=0.3)
    return Panel.from_arrays(np.minimum(x, np.quantile(x, 0.59)))


def _stopped(rng: Rng) -> Panel:
    x = scores(rng, effects=0.5, noise=0.3)
    return Panel.from_arrays(stopped_at(x, 0.8))


CASES = (
    Case("nothing", _plain()),
    Case("noisy scorer", _plain(noise=0.3)),
    Case("differing sessions", _plain(effects=0.5)),
    Case("both", _plain(effects=0.5, noise=0.3)),
    Case("differing sessions, scores rounded to 0.7 standard deviations", _rounded(0.7)),
    Case("differing sessions, scores rounded to 1.4 standard deviations", _rounded(1.4)),
    Case("both, 41 % of the scores clipped", _clipped),
    Case("both, sessions stop on reaching 0.8", _stopped),
    Case("both, slopes of the sessions differ by 0.2", _plain(effects=0.5, noise=0.3, varying=0.2)),
    Case("both, the first step has slope -0.5", _plain(effects=0.5, noise=0.3, first=-0.5)),
)


def cell(panel: Panel, name: str) -> str:
    """Return an estimator's slope in words."""
    try:
        fit = LinearDrift(name, n_boot=0).fit(panel)
    except LoopstatError:
        return "-"
    if fit.estimator.name is None:
        return "cannot tell"
    return f"{slope_of(fit):.2f}" + (f" ({fit.estimator.name})" if name == "auto" else "")


def slope_of(fit: LinearDriftFit) -> float:
    """Return the fitted slope of the first objective."""
    return float(fit.estimates["drift.M"].value[0, 0])


def bounds_rows() -> list[str]:
    """Return the two processes that end at a bound, by plain and by censored regression; slope 0.6."""
    rng = np.random.default_rng(99)
    x = np.zeros((SESSIONS, 1))
    stops, reads, state = [], [], 1.25 * rng.standard_normal((SESSIONS, 1))
    for _ in range(STEPS):
        stops.append(x)
        x = np.minimum(0.6 * x + rng.standard_normal(x.shape), 0.5)
        reads.append(np.minimum(state, 0.9))
        state = 0.6 * state + rng.standard_normal(state.shape)
    rows = []
    for words, values, high in (("the loop stops there", stops, 0.5), ("it is read through a clip", reads, 0.9)):
        panel = Panel.from_arrays(np.stack(values, axis=1), objectives=[Objective("x1", high=high)])
        share = float((panel.x >= high).mean())
        plain = slope_of(LinearDrift("pooled", n_boot=0).fit(panel))
        censored = slope_of(LinearDrift("pooled", n_boot=0, stops_at_bounds=True).fit(panel))
        rows.append(f"| {words} | {share:.0%} | {plain:.2f} | {censored:.2f} |")
    return rows


def page() -> str:
    """Return docs/figures.md."""
    lines = [
        "# What misleads which estimator",
        "",
        "*My recordings are not perfect. Which estimator survives what?*",
        "",
        "    python -m benchmarks.figures --write docs/figures.md",
        "",
        " ".join((__doc__ or "").split("\n\n", 1)[1].split()),
        "",
        "| what is wrong | " + " | ".join(NAMES) + " |",
        "|---|" + "---|" * len(NAMES),
    ]
    for k, case in enumerate(CASES):
        panel = case.make(np.random.default_rng([7, k]))
        lines.append(f"| {case.words} | " + " | ".join(cell(panel, name) for name in NAMES) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    lines += [
        "",
        "The true slope is 0.50 in every row. `instrument` is differenced where sessions are seen to differ.",
        "",
        "Scores at a bound, slope 0.60:",
        "",
        "| why they are there | share | pooled | censored (`--stops-at-bounds`) |",
        "|---|---|---|---|",
        *bounds_rows(),
        "",
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure and print or write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--write", type=Path, metavar="PATH")
    options = parser.parse_args()
    text = page()
    print(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
