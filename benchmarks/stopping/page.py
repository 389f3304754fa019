"""The page on decisions: figures of each kind and over all, beside the aims."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy

import loopstat

from .kinds import KINDS, Kind
from .validate import MOST_ADVISED, PRICES, REACH, TRUTH_ERROR, Scored, Size

LARGE = 0.25  # sd: a loss that a user would mind
MAIN, FEW, MANY = "50x7", "20x7", "400x20"

Results = Mapping[str, Sequence[Scored]]  # by kind, of one size


class Figure(NamedTuple):
    """A figure over `n` panels with its Monte Carlo error; NaN where no panel has one."""

    value: float
    error: float
    n: int
    rate: bool = True


# ------------------------------------------------------------------------------ figures


def _flags(found: Sequence[bool | None]) -> list[list[float]]:
    return [[float(flag)] for flag in found if flag is not None]


# Of each panel, one number per decision; the prices of a panel are not independent, so panels are what is averaged.
NUMBERS: dict[str, Callable[[Sequence[Scored]], list[list[float]]]] = {
    "regret": lambda panels: [s.regret for s in panels],
    "large": lambda panels: [[float(r > LARGE) for r in s.regret] for s in panels],
    "covered": lambda panels: [
        [float(r <= high + TRUTH_ERROR) for r, high in zip(s.regret, s.loss_high, strict=True)] for s in panels
    ],
    "limit": lambda panels: [s.loss_high for s in panels],
    "cannot_tell": lambda panels: [[float(a == "cannot_tell") for a in s.action] for s in panels],
    "go_on": lambda panels: [[float(a == "go_on") for a in s.action] for s in panels],
    "half_life_given": lambda panels: _flags([s.half_life_given for s in panels]),
    "half_life_holds": lambda panels: _flags([s.half_life_holds for s in panels]),
    "advice_decides": lambda panels: _flags([s.advice_decides for s in panels]),
}
MEDIANS = ("limit",)
NOT_RATES = ("regret", "limit")


def figure(key: str, panels: Sequence[Scored]) -> Figure:
    """Return a figure over the panels of one kind."""
    numbers = np.array(NUMBERS[key](panels), dtype=np.float64)
    if not numbers.size:
        return Figure(np.nan, np.nan, 0)
    if key in MEDIANS:
        ranks = np.quantile(numbers, 0.5 + np.array([-0.5, 0.0, 0.5]) / np.sqrt(len(numbers)), method="lower")
        spread = ranks[2] - ranks[0] if np.isfinite(ranks).all() else np.nan
        return Figure(float(np.median(numbers)), float(spread / 2), len(numbers), rate=False)
    each = numbers.mean(axis=1)
    error = each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan
    return Figure(float(each.mean()), float(error), len(each), key not in NOT_RATES)


def over(key: str, results: Results, kinds: Sequence[Kind]) -> Figure:
    """Return a figure over several kinds, each of which counts alike, whatever its number of panels."""
    if key in MEDIANS:
        return figure(key, [s for kind in kinds for s in results[kind.name]])
    each = [f for f in (figure(key, results[kind.name]) for kind in kinds) if f.n]
    if not each:
        return Figure(np.nan, np.nan, 0)
    if key == "advice_decides":  # rare, and not in every kind: panels count alike
        return figure(key, [s for kind in kinds for s in results[kind.name]])
    values, errors = np.array([f.value for f in each]), np.array([f.error for f in each])
    error = float(np.sqrt(np.sum(errors**2)) / len(each))
    return Figure(float(values.mean()), error, sum(f.n for f in each), each[0].rate)


# ------------------------------------------------------------------------------ aims


def every(kind: Kind) -> bool:
    """Return True: an aim for all kinds."""
    return True


def announced(kind: Kind) -> bool:
    """Whether something in the record announces what comes."""
    return kind.announced


def unannounced(kind: Kind) -> bool:
    """Whether nothing in the record announces what comes."""
    return not kind.announced


def flat(kind: Kind) -> bool:
    """Whether there is nothing to gain or lose."""
    return kind.flat


def moving(kind: Kind) -> bool:
    """Whether there is something to gain or lose."""
    return not kind.flat


@dataclass(frozen=True)
class Aim:
    """A figure that must lie in a range, over all kinds of a scope together or in each of them."""

    words: str
    key: str
    sizes: tuple[str, ...]
    low: float = -np.inf
    high: float = np.inf
    scope: Callable[[Kind], bool] = every
    each: bool = False


AIMS = (
    Aim("mean regret over all, sd", "regret", (MAIN, MANY), high=0.035),
    Aim("mean regret in each kind that announces what comes, sd", "regret", (MAIN, MANY), -1, 0.06, announced, True),
    Aim("mean regret in each kind that does not, sd", "regret", (MAIN, FEW, MANY), -1, 0.15, unannounced, True),
    Aim("mean regret over all, sd", "regret", (FEW,), high=0.06),
    Aim("mean regret in each kind that announces what comes, sd", "regret", (FEW,), -1, 0.09, announced, True),
    Aim("decisions that lose more than 0.25 sd", "large", (MAIN, FEW, MANY), high=0.03),
    Aim(
        "limit holds in each kind that announces what comes",
        "covered",
        (MAIN, FEW, MANY),
        0.94,
        np.inf,
        announced,
        True,
    ),
    Aim("limit holds over all", "covered", (MAIN, FEW, MANY), 0.96, 0.99),
    Aim("median limit of the loss, sd", "limit", (MAIN,), high=0.25),
    Aim("median limit of the loss, sd", "limit", (MANY,), high=0.125),
    Aim("cannot tell, kinds that are not flat", "cannot_tell", (MAIN, MANY), high=0.01, scope=moving),
    Aim("cannot tell, flat kinds", "cannot_tell", (MAIN, MANY), high=0.10, scope=flat),
    Aim("cannot tell, over all", "cannot_tell", (FEW,), high=0.05),
    Aim("twice the sessions advised decide", "advice_decides", (MAIN, FEW, MANY), low=0.90),
)


class Reading(NamedTuple):
    """An aim read at one size: the figure (of the worst kind), whether it is met, and the kinds that miss it."""

    aim: Aim
    size: str
    figure: Figure
    met: bool
    near: bool
    missed: tuple[str, ...]


def excess(aim: Aim, f: Figure) -> tuple[float, float]:
    """Return by how much a figure misses the range (negative: inside), and the error allowed for, two Monte Carlo ones.

    Where all panels agree on a rate, its error is that of a true rate at the edge of the range.
    """
    out = max(aim.low - f.value, f.value - aim.high)
    error = f.error
    if f.rate and not error > 0:
        edge = float(np.clip(f.value, max(aim.low, 0.0), min(aim.high, 1.0)))
        error = float(np.sqrt(max(edge * (1 - edge), 1 / f.n) / f.n))
    return out, 2 * error if np.isfinite(error) else 0.0


def read(aim: Aim, size: str, results: Results) -> Reading | None:
    """Read an aim at one size; None where no kind or panel bears on it."""
    kinds = [KINDS[name] for name in results if aim.scope(KINDS[name])]
    parts = [[kind] for kind in kinds] if aim.each else [kinds]
    found = [(part, over(aim.key, results, part)) for part in parts if part]
    found = [(part, f) for part, f in found if f.n]
    if not found:
        return None
    outs = [excess(aim, f) for _, f in found]
    worst = max(range(len(found)), key=lambda k: outs[k][0] - outs[k][1])
    missed = tuple(
        f"{part[0].name} {f.value:.3f}"
        for (part, f), (out, error) in zip(found, outs, strict=True)
        if out > error and aim.each
    )
    out, error = outs[worst]
    return Reading(aim, size, found[worst][1], out <= error, 0 < out <= error, missed)


# ------------------------------------------------------------------------------ writing


def number(value: float, digits: int = 3) -> str:
    """Write a figure, or nothing where there is none."""
    if np.isnan(value):
        return ""
    return f"{value:.{digits}f}" if np.isfinite(value) else "none"


def _range(aim: Aim) -> str:
    if aim.low > 0:
        return f"{aim.low:g} to {aim.high:g}" if aim.high < 1 else f"at least {aim.low:g}"
    return f"at most {aim.high:g}"


def _aims(readings: Sequence[Reading]) -> list[str]:
    rows = ["| aim | size | wanted | found | Monte Carlo error | |", "|---|---|---|---|---|---|"]
    for r in readings:
        word = "met" if r.met and not r.near else "met within two errors" if r.met else "NOT MET"
        missed = f": {', '.join(r.missed)}" if r.missed else ""
        which = " (worst)" if r.aim.each else ""
        rows.append(
            f"| {r.aim.words} | {r.size} | {_range(r.aim)} | {number(r.figure.value)}{which} "
            f"| {number(r.figure.error)} | {word}{missed} |"
        )
    return rows


COLUMNS = {
    "regret": "mean regret, sd",
    "large": "lose more than 0.25 sd",
    "covered": "limit holds",
    "limit": "median limit, sd",
    "cannot_tell": "cannot tell",
    "go_on": "go on",
    "advice_decides": "advice decides",
}
WITH_ERROR = ("regret", "covered")


def _row(words: str, figures: Mapping[str, Figure]) -> str:
    cells = [
        number(f.value) + (f" ± {number(f.error)}" if key in WITH_ERROR and f.n else "") for key, f in figures.items()
    ]
    return f"| {words} | {' | '.join(cells)} |"


def _kinds(results: Results) -> list[str]:
    rows = [f"| kind | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, panels in results.items():
        kind = KINDS[name]
        marks = "".join([" (flat)" if kind.flat else "", "" if kind.announced else " (not announced)"])
        words = f"`{name}`{marks}: {kind.doc}; keep {kind.keep}"
        rows.append(_row(words, {key: figure(key, panels) for key in COLUMNS}))
    kinds = [KINDS[name] for name in results]
    for words, some in (("over all", kinds), ("over all that announce what comes", [k for k in kinds if k.announced])):
        rows.append(_row(f"**{words}**", {key: over(key, results, some) for key in COLUMNS}))
    return rows


def _prices(results: Results) -> list[str]:
    rows = ["| price, sd a step | mean regret, sd | lose more than 0.25 sd | limit holds | cannot tell |"]
    rows.append("|---|---|---|---|---|")
    keys = ("regret", "large", "covered", "cannot_tell")
    for k, price in enumerate(PRICES):
        means = [np.mean([np.array(NUMBERS[key](panels))[:, k].mean() for panels in results.values()]) for key in keys]
        rows.append(f"| {price:g} | {' | '.join(number(float(m)) for m in means)} |")
    return rows


def readings(every_size: Mapping[str, Results]) -> list[Reading]:
    """Read every aim at each of its sizes that was run."""
    found = [read(aim, size, every_size[size]) for aim in AIMS for size in aim.sizes if size in every_size]
    return [r for r in found if r is not None]


def _exceptions(every_size: Mapping[str, Results]) -> str:
    """Name the kinds that are no part of the aims for the limit of the loss, with what it does there."""
    found = [
        f"`{name}` {number(figure('covered', panels).value)} ({label})"
        for label, results in every_size.items()
        for name, panels in results.items()
        if unannounced(KINDS[name])
    ]
    return (
        f"Exceptions, where nothing in the record announces what comes; limit holds: {', '.join(found) or 'none run'}."
    )


def _words(size: Size) -> str:
    def between(ends: tuple[int, int]) -> str:
        return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"

    return f"{between(size.sessions)} sessions x {between(size.steps)} steps"


def page(every_size: Mapping[Size, Results], command: str, code: str) -> str:
    """Return the page in Markdown, from the scores by size and kind."""
    by_label = {size.label: results for size, results in every_size.items()}
    read_aims = readings(by_label)
    n_met = sum(r.met for r in read_aims)
    panels = max(len(p) for results in every_size.values() for p in results.values())
    lines = [
        "# Validation of decisions when to stop",
        "",
        "Loops of known value are simulated outside the package (plain NumPy, `benchmarks/stopping/kinds.py`),",
        "answered by it, and compared with the truth. This page is written by the command; do not edit it.",
        "",
        f"    {command}",
        "",
        f"loopstat {loopstat.__version__}, code {code}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {scipy.__version__}; {panels:,} recordings of each kind and size, at {len(PRICES)} prices each: "
        f"{', '.join(f'{p:g}' for p in PRICES)} sd a step.",
        "",
        f"*Regret*: value net of price at the best step up to {REACH:g} times the record, less that at the step",
        "answered (where it cannot tell: at its best guess), in sd of the value held. The value is that of sessions",
        "which no budget cuts. *Limit*: upper 95 % limit of the loss; it holds where the regret is no larger",
        f"({TRUTH_ERROR:g} sd are allowed for the error of the simulated truth). *Advice*: recordings of twice the",
        f"sessions advised where it cannot tell, up to {MOST_ADVISED:,} sessions. *Over all*: every kind counts alike.",
        "Half-lives are judged by a command of their own, `python -m benchmarks.half_lives`.",
        "",
        f"Of {len(read_aims)} aims {n_met} are met, two Monte Carlo errors allowed.",
        "",
        *_aims(read_aims),
        "",
        _exceptions(by_label),
    ]
    for size, results in every_size.items():
        lines += ["", f"## {_words(size)} ({size.label})", "", *_prices(results), "", *_kinds(results)]
    return "\n".join(lines) + "\n"
