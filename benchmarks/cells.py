"""What the validation simulates: one cell per claim, each a function from a random stream to named numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from loopstat import Grams, LinearDrift, LinearDriftFit, LinearSDE, Objective, Panel
from loopstat.drift.checks import RULES
from loopstat.drift.readings.regimes import oscillation_test
from loopstat.drift.sums import Moments
from loopstat.inference.resample import bootstrap_weights

from .loops import (
    Array,
    Loop,
    Rng,
    apart_loop,
    keep_the_better,
    own_places,
    panel_of,
    plain_loop,
    resting_loop,
    rising_loop,
    scalar_loop,
    slow_loop,
    stationary,
    stopped_at,
    turning_loop,
)

Numbers = dict[str, Any]
STEPS = 10

NOMINAL = (0.93, 0.97)


@dataclass(frozen=True)
class Row:
    """A line of the table: the numbers under `key`, in words, and the band they should lie in (None: information)."""

    key: str
    words: str
    band: tuple[float, float] | None = None


@dataclass(frozen=True)
class Cell:
    """A simulated situation.

    Attributes
    ----------
    name, title : str
    rows : tuple of Row
    run : callable
        Takes the random stream of one replicate and returns named numbers; NaN is left out of the mean.
    share : float
        Replicates as a share of the number asked for.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    run: Callable[[Rng], Numbers]
    share: float = 1.0


# ------------------------------------------------------------------ intervals of everything

ESTIMATES = {
    "drift.A": "A, every entry",
    "drift.b": "b",
    "drift.Q": "Q, every entry",
    "drift.fixed_point": "fixed point (Fieller)",
    "drift.equilibrium": "equilibrium, where one is reported",
    "modulus": "modulus of the slowest mode",
    "modulus.others": "moduli of the others, by rank",
    "rate_euler": "Euler rate",
    "rate_exact": "exact rate",
    "half_life": "half-life",
    "r2_increments": "R² of increments",
    "r2_levels": "R² of levels",
    "skill_by_objective.persistence": "skill over persistence, of the true loop",
    "skill_by_objective.mean": "skill over the mean, of the true loop",
    "skill_by_objective.constant_drift": "skill over constant drift, of the true loop",
    "interference.total": "interference, total",
    "interference.drift": "interference, drift part",
    "interference.noise": "interference, noise part",
    "interference.transient": "interference, transient part",
    "interference.rest": "interference, rest",
    "interference.variance_shares": "shares of the variance, four parts",
    "kept_end.mean": "mean end",
}


def coverage(fit: LinearDriftFit, truth: dict[str, Array]) -> Numbers:
    """Return 1 where an interval holds the truth and 0 where not, for every estimate; NaN where none is reported."""
    out = {}
    for key in ESTIMATES:
        value = np.asarray(truth[key], dtype=np.float64)
        if key.startswith("modulus"):
            ranked = fit.regimes[:1] if key == "modulus" else fit.regimes[1:]
            low = np.array([r.modulus.low for r in ranked])
            high = np.array([r.modulus.high for r in ranked])
        elif key in fit.estimates:
            low, high = fit.estimates[key].low, fit.estimates[key].high
        else:
            out[key] = np.full(value.shape, np.nan)
            continue
        out[key] = ((low <= value) & (value <= high)).astype(np.float64)
    for key in [k for k in out if k.startswith("interference.") and not k.endswith("shares")]:
        out[key] = out[key][np.triu_indices(len(out[key]), 1)]
    return out


def whole_fit(loop: Loop, sessions: int, n_boot: int, **how: float | bool) -> Callable[[Rng], Numbers]:
    """Return a cell body: coverage of every interval, checks that fail, and the sign of the skill."""
    truth = loop.truth(STEPS)

    def run(rng: Rng) -> Numbers:
        panel = panel_of(loop.run(rng, sessions, STEPS, **how))  # type: ignore[arg-type]
        fit = LinearDrift("pooled", n_boot=n_boot).fit(panel, rng=rng)
        out = coverage(fit, truth)
        out |= {f"check.{name}": np.float64(not fit.check(name).passed) for name in (r.name for r in RULES)}
        skill = fit.estimates["skill_by_objective.running_mean"]
        out["skill_sign"] = np.asarray(skill.low > 0, dtype=np.float64)
        if n_boot:
            low, high = np.nanpercentile(fit.draws["M"], [2.5, 97.5], axis=0)
            out["percentile.A"] = ((low <= loop.M) & (high >= loop.M)).astype(np.float64)
        return out

    return run


PROMISED = frozenset(ESTIMATES)
SKILLS = {k for k in ESTIMATES if k.startswith("skill")}
# Where the truth is 0, the interval of a square holds it more often than it says: information.
AT_ZERO = {f"interference.{k}" for k in ("transient", "variance_shares")}


def coverage_rows(*, promised: frozenset[str] = PROMISED, band: tuple[float, float] = NOMINAL) -> tuple[Row, ...]:
    """Return a row per estimate; those not promised are information."""
    return tuple(Row(k, words, band if k in promised else None) for k, words in ESTIMATES.items())


def alarm_rows(*, few: bool = False) -> tuple[Row, ...]:
    """Return the rows of the checks on a loop that has nothing wrong with it.

    With few sessions `white_scores` and `unit_root` may rightly say that they cannot tell.
    """
    bands: dict[str, tuple[float, float] | None] = {"time_varying": (0.02, 0.07), "curved": (0.02, 0.07)}
    if few:
        bands |= {"white_scores": None, "unit_root": None}
    names = [n for n in (r.name for r in RULES) if n != "few_sessions"]
    return tuple(Row(f"check.{n}", f"check `{n}` fails", bands.get(n, (0.0, 0.01))) for n in names)


def _loops() -> list[Cell]:
    percentile = Row("percentile.A", "A by bootstrap percentiles instead")
    sign = Row("skill_sign", "skill over the running mean is positive: interval above 0")
    sure = frozenset({"drift.A", "modulus", "interference.total"})
    loop, turning = plain_loop(), turning_loop()
    body = "95 % intervals: share that holds the truth"
    return [
        Cell(
            "plain-200",
            f"200 sessions x {STEPS} scores x 3 objectives. {body}",
            (*coverage_rows(), sign, *alarm_rows()),
            whole_fit(loop, 200, 1000),
        ),
        Cell(
            "plain-60",
            f"60 sessions. {body}",
            (*coverage_rows(promised=PROMISED - SKILLS), *alarm_rows(few=True)),
            whole_fit(loop, 60, 1000),
        ),
        Cell(
            "plain-20",
            f"20 sessions: leave one cluster out. {body}",
            (*coverage_rows(promised=sure | {"drift.fixed_point"}), percentile, *alarm_rows(few=True)),
            whole_fit(loop, 20, 400),
        ),
        Cell("plain-10", f"10 sessions. {body}", (*coverage_rows(promised=sure), percentile), whole_fit(loop, 10, 400)),
        Cell(
            "plain-5",
            f"5 sessions. {body}",
            (*coverage_rows(promised=sure, band=(0.92, 0.97)), percentile),
            whole_fit(loop, 5, 400),
        ),
        Cell(
            "turning-200",
            f"A complex pair 0.53 ± 0.12i and 0.43, 200 sessions. {body}",
            coverage_rows(promised=PROMISED - {"modulus.others", "rate_euler"}),
            whole_fit(turning, 200, 1000),
            0.5,
        ),
        Cell(
            "tails-200",
            f"Student t(5) noise, noise scales differing between sessions by a factor of 3, 200 sessions. {body}",
            tuple(r for r in coverage_rows() if r.key in ("drift.A", "drift.b", "drift.fixed_point", "rate_exact")),
            whole_fit(loop, 200, 1000, tails=5.0, uneven=True),
            0.5,
        ),
        Cell(
            "slow-200",
            f"Slowest mode 0.97, 200 sessions. {body}",
            tuple(
                r
                for r in (*coverage_rows(), Row("check.unit_root", "check `unit_root` fails"))
                if r.key in ("drift.A", "drift.fixed_point", "modulus", "rate_exact", "check.unit_root")
            ),
            whole_fit(slow_loop(), 200, 1000),
            0.5,
        ),
        Cell(
            "resting-200",
            f"The same loop started in its steady state: the true transient is 0, the end of its range. {body}",
            coverage_rows(promised=PROMISED - AT_ZERO),
            whole_fit(resting_loop(), 200, 1000),
            0.5,
        ),
    ]


# ------------------------------------------------------------------------- nothing coupled


def _apart(sessions: int, loop: Loop) -> Callable[[Rng], Numbers]:
    off = ~np.eye(3, dtype=bool)
    upper = np.triu_indices(3, 1)

    def run(rng: Rng) -> Numbers:
        fit = LinearDrift("pooled", n_boot=0).fit(panel_of(loop.run(rng, sessions, STEPS)), rng=rng)
        a, total = fit.estimates["drift.A"], fit.estimates["interference.total"]
        return {
            "A": (a.p[off] < 0.05).astype(np.float64),
            "A.any": np.float64((a.p_adjusted[off] < 0.05).any()),
            "I": (total.p[upper] < 0.05).astype(np.float64),
            "I.any": np.float64((total.p_adjusted[upper] < 0.05).any()),
        }

    return run


def _tests() -> list[Cell]:
    size, family = (0.03, 0.07), (0.02, 0.07)
    rows = (
        Row("A", "p of a zero entry of A below 0.05", size),
        Row("A.any", "any of the six after Holm", family),
        Row("I", "p of a zero interference below 0.05", size),
        Row("I.any", "any of the three after Holm", family),
    )
    return [
        Cell(f"apart-{s}", f"Independent objectives, {s} sessions: false alarms", rows, _apart(s, apart_loop()))
        for s in (200, 20)
    ]


# ----------------------------------------------------------------------------- white scores


def _white(effects: float, sessions: int) -> Callable[[Rng], Numbers]:
    def run(rng: Rng) -> Numbers:
        own = effects * rng.standard_normal((sessions, 1, 3))
        panel = panel_of(own + rng.standard_normal((sessions, STEPS, 3)))
        fit = LinearDrift("pooled", n_boot=0).fit(panel, rng=rng)
        r2 = fit.estimates["r2_levels"]
        zero = ((r2.low <= 0) & (r2.high >= 0)).astype(np.float64)
        return {"fails": np.float64(not fit.check("white_scores").passed), "r2": zero}

    return run


def _loop_passes(sessions: int) -> Callable[[Rng], Numbers]:
    loop = plain_loop()

    def run(rng: Rng) -> Numbers:
        fit = LinearDrift("pooled", n_boot=0).fit(panel_of(loop.run(rng, sessions, STEPS)), rng=rng)
        return {"passes": np.float64(fit.check("white_scores").passed)}

    return run


def _whites() -> list[Cell]:
    fails = (
        Row("fails", "check `white_scores` fails, as it should", (0.95, 1.0)),
        Row("r2", "the interval of R² of levels holds 0 (its truth around one mean only)"),
    )
    passes = (Row("passes", "check `white_scores` passes, as it should", (0.99, 1.0)),)
    cells = [
        Cell(
            f"white-{kind}-{s}",
            f"Independent scores around {'one mean' if not sd else 'a mean of each session'}, {s} sessions",
            fails,
            _white(sd, s),
            0.5,
        )
        for kind, sd in (("one", 0.0), ("own", 1.0))
        for s in (20, 200)
    ]
    return [*cells, Cell("loop-passes-50", "The plain loop, 50 sessions", passes, _loop_passes(50), 0.5)]


# -------------------------------------------------------------------------- time homogeneity


def _first_step_differs(rng: Rng) -> Numbers:
    loop = plain_loop()
    x = loop.run(rng, 200, STEPS)
    first = x[:, 1] + 0.3  # a first step that goes a third of a standard deviation further
    rest = Loop(loop.M, loop.rest, loop.Q, loop.start, loop.spread).run(rng, 200, STEPS - 1)
    noise = rest[:, 1:] - loop.rest - (rest[:, :-1] - loop.rest) @ loop.M.T
    x[:, 1] = first
    for t in range(2, STEPS):
        x[:, t] = loop.rest + (x[:, t - 1] - loop.rest) @ loop.M.T + noise[:, t - 2]
    fit = LinearDrift("pooled", n_boot=0).fit(panel_of(x), rng=rng)
    return {"found": np.float64(not fit.check("time_varying").passed)}


# ------------------------------------------------------------------------ Fieller, near one


def _fieller(rng: Rng) -> Numbers:
    loop = scalar_loop(0.97, start=-4.0, spread=1.0)
    fit = LinearDrift("pooled", n_boot=400).fit(panel_of(loop.run(rng, 10, 6)), rng=rng)
    e = fit.estimates["drift.fixed_point"]
    with np.errstate(divide="ignore"):
        draws = -fit.draws["b"][:, 0] / (fit.draws["M"][:, 0, 0] - 1)
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return {
        "covers": np.float64(e.low[0] <= 0 <= e.high[0]),
        "bounded": np.float64(np.isfinite(e.low[0]) and np.isfinite(e.high[0])),
        "percentile": np.float64(low <= 0 <= high),
    }


# --------------------------------------------------------------------------------- turning


def _turn(M: Array) -> Callable[[Rng], Numbers]:
    n = len(M)
    loop = Loop(M, np.zeros(n), np.eye(n), np.zeros(n), stationary(M, np.eye(n)))

    def run(rng: Rng) -> Numbers:
        panel = panel_of(loop.run(rng, 50, STEPS + 1))
        pairs = panel.pairs()
        grams = Grams.of(pairs, pairs.session, panel.session_names)
        estimate = Moments.of(grams.total(), grams).M[0]
        draws = Moments.of(grams.weighted(bootstrap_weights(len(grams), 1000, rng)), grams).M
        turns = np.abs(np.linalg.eigvals(draws).imag).max(axis=1) > 0
        p = oscillation_test(estimate, draws)
        return {
            "complex": np.float64(np.abs(np.linalg.eigvals(estimate).imag).max() > 0),
            "found": np.float64(p < 0.05),
            "naive": np.float64(turns.mean() > 0.95),
        }

    return run


def _turns() -> list[Cell]:
    complex_share = {2: (0.25, 0.35), 3: (0.61, 0.71), 4: (0.82, 0.92)}
    naive = {2: (0.0, 0.01), 3: (0.0, 0.03), 4: (0.11, 0.21)}
    cells = [
        Cell(
            f"turn-equal-{n}",
            f"M = 0.5 I, n = {n}, 50 sessions x {STEPS} transitions: no oscillation, eigenvalues coalesce",
            (
                Row("complex", "estimates with complex eigenvalues", complex_share[n]),
                Row("found", "oscillation test finds one (size)", (0.03, 0.075)),
                Row("naive", "share of complex bootstrap draws above 0.95", naive[n]),
            ),
            _turn(0.5 * np.eye(n)),
        )
        for n in (2, 3, 4)
    ]
    size = (Row("found", "oscillation test finds one (size)", (0.0, 0.03)),)
    power = (Row("found", "oscillation test finds it (power)", (0.96, 1.0)),)
    M = np.array([[0.54, 0.115], [-0.115, 0.54]])
    return [
        *cells,
        Cell("turn-apart", "Eigenvalues 0.7, 0.5, 0.3: no oscillation", size, _turn(np.diag([0.7, 0.5, 0.3]))),
        Cell("turn-true", "Eigenvalues 0.54 ± 0.115i: a damped oscillation", power, _turn(M)),
    ]


# ----------------------------------------------------------------- interference and transient


def _shares(sessions: int) -> Callable[[Rng], Numbers]:
    loop = resting_loop()

    def run(rng: Rng) -> Numbers:
        fit = LinearDrift("pooled", n_boot=0).fit(panel_of(loop.run(rng, sessions, STEPS + 1)), rng=rng)
        shares = fit.estimates.get("interference.variance_shares")
        return {"transient": np.array(np.nan) if shares is None else shares.value[2].mean()}

    return run


def _rising(rng: Rng) -> Numbers:
    fit = LinearDrift("pooled", n_boot=0).fit(panel_of(rising_loop().run(rng, 1000, STEPS)), rng=rng)
    parts = ("total", "drift", "noise", "transient", "rest")
    return {k: fit.estimates[f"interference.{k}"].value[1, 2] for k in parts}


def _one_point(rng: Rng) -> Numbers:
    loop = plain_loop()
    alike = Loop(loop.M, loop.rest, loop.Q, loop.start, np.zeros((3, 3)))
    fit = LinearDrift("pooled", n_boot=0).fit(panel_of(alike.run(rng, 2000, STEPS + 1)), rng=rng)
    return {
        "rest": fit.estimates["interference.variance_shares"].value[3],
        "misfit": fit.estimates["interference.misfit"].value[np.triu_indices(3, 1)],
    }


def _own_places(rng: Rng) -> Numbers:
    fit = LinearDrift("pooled", n_boot=0).fit(panel_of(own_places(rng, 2000, STEPS + 1)), rng=rng)
    return {
        "radius": np.float64(fit.regimes[0].modulus.value),
        "noise": fit.estimates["interference.noise"].value[0, 1],
        "rest": fit.estimates["interference.variance_shares"].value[3],
    }


def _parts() -> list[Cell]:
    return [
        Cell(
            "rising",
            "Noise couples objectives 2 and 3 at -0.15, drift at 0; both start low and rise together",
            (
                Row("total", "raw interference", (0.23, 0.26)),
                Row("drift", "drift part", (-0.01, 0.01)),
                Row("noise", "noise part", (-0.16, -0.14)),
                Row("transient", "transient part", (0.38, 0.41)),
                Row("rest", "rest", (-0.01, 0.01)),
            ),
            _rising,
            0.05,
        ),
        Cell(
            "still-5",
            "Nothing moves, 5 sessions",
            (Row("transient", "transient share of the variance", (0.04, 0.06)),),
            _shares(5),
            0.25,
        ),
        Cell(
            "still-20",
            "Nothing moves, 20 sessions",
            (Row("transient", "transient share of the variance", (0.007, 0.013)),),
            _shares(20),
            0.25,
        ),
        Cell(
            "one-point",
            "Sessions alike, all started at one point",
            (
                Row("rest", "rest, share of the variance", (-0.04, -0.02)),
                Row("misfit", "remainder", (-0.002, 0.002)),
            ),
            _one_point,
            0.05,
        ),
        Cell(
            "own-places",
            "Sessions at rest in places of their own (sd 1, correlated 0.8); true radius 0.55, true noise part 0.14",
            (
                Row("radius", "fitted spectral radius", (0.82, 0.86)),
                Row("noise", "fitted noise part", (0.19, 0.22)),
                Row("rest", "rest, share of the variance", (-0.002, 0.002)),
            ),
            _own_places,
            0.05,
        ),
    ]


# --------------------------------------------------------------- what the regression hides


def slope(panel: Panel) -> Array:
    """Return the pooled step map M."""
    pairs = panel.pairs()
    grams = Grams.of(pairs, pairs.session, panel.session_names)
    return np.asarray(Moments.of(grams.total(), grams).M[0])


def _white_figures(rng: Rng) -> Numbers:
    fit = LinearDrift("pooled", n_boot=0).fit(panel_of(rng.standard_normal((2000, 101, 1))), rng=rng)
    return {"A": fit.estimates["drift.A"].value, "r2": fit.estimates["r2_increments"].value}


def _own_means(rng: Rng) -> Numbers:
    x = rng.standard_normal((2000, STEPS, 1)) + rng.standard_normal((2000, 1, 1))
    fit = LinearDrift("pooled", n_boot=0).fit(panel_of(x), rng=rng)
    skill = {k: fit.estimates[f"skill.{k}"].value for k in ("mean", "persistence", "running_mean")}
    return {"slope": fit.estimates["drift.M"].value, **skill}


def _noisy(rng: Rng) -> Numbers:
    loop = turning_loop()
    x = loop.run(rng, 5000, STEPS)
    values = np.linalg.eigvals(slope(panel_of(x + 0.8 * rng.standard_normal(x.shape))))
    return {"radius": np.abs(values).max(), "least": values.real.min()}


def _stopped(rng: Rng) -> Numbers:
    x = scalar_loop(0.5, spread=1.0).run(rng, 5000, STEPS + 1)
    sessions = stopped_at(x, 1.0)
    fit = LinearDrift("pooled", n_boot=0).fit(panel_of(sessions[:500]), rng=rng)
    return {
        "share": np.float64(np.mean([len(s) < STEPS + 1 for s in sessions])),
        "slope": slope(panel_of(sessions)),
        "found": np.float64(not fit.check("stops_on_success").passed),
    }


def _bounded(rng: Rng) -> Numbers:
    high = 0.5
    model = LinearSDE([[-0.4]], [0.0], [[1.0]], boundary="clip", objectives=[Objective("x1", high=high)])
    stops = model.simulate(5000, steps=STEPS, start=[0.0], rng=rng)
    read = np.minimum(scalar_loop(0.6).run(rng, 5000, STEPS), 0.9)
    return {
        "stops": slope(stops),
        "stops.share": (stops.x >= high).mean(),
        "read": slope(panel_of(read)),
        "read.share": (read >= 0.9).mean(),
    }


def _lineage(rng: Rng) -> Numbers:
    panel = keep_the_better(rng, 60, 20, mean=-0.5, sd=1.0)
    fit = LinearDrift("pooled", n_boot=0).fit(panel, rng=rng)
    e = fit.estimates["drift.M"]
    rows = Panel.from_arrays(panel.x.reshape(60, 21, 1))
    return {
        "M": e.value,
        "covers": ((e.low <= 1) & (e.high >= 1)).astype(np.float64),
        "rows": slope(rows),
        "climb": panel.kept().pairs().dx.mean(),
    }


def _hidden() -> list[Cell]:
    return [
        Cell(
            "white-figures",
            "Independent scores around a fixed mean, 200,000 draws",
            (Row("A", "A", (-1.01, -0.99)), Row("r2", "R² of increments", (0.495, 0.505))),
            _white_figures,
            0.01,
        ),
        Cell(
            "own-means",
            "Independent scores around means of the sessions' own",
            (
                Row("slope", "least-squares slope", (0.49, 0.51)),
                Row("mean", "skill over the mean", (0.24, 0.26)),
                Row("persistence", "skill over persistence", (0.24, 0.26)),
                Row("running_mean", "skill over the running mean", (-0.26, -0.22)),
            ),
            _own_means,
            0.02,
        ),
        Cell(
            "noisy",
            "A scorer's noise of sd 0.8 on a loop with eigenvalues 0.43 and 0.53 ± 0.12i: the fit looks faster",
            (Row("radius", "fitted spectral radius (true 0.54)"), Row("least", "least real part (true 0.43)")),
            _noisy,
            0.01,
        ),
        Cell(
            "stopped",
            "Sessions stop on success; true slope 0.5",
            (
                Row("share", "sessions stopped"),
                Row("slope", "least-squares slope", (0.49, 0.51)),
                Row("found", "check `stops_on_success` fails, as it should", (0.99, 1.0)),
            ),
            _stopped,
            0.01,
        ),
        Cell(
            "bounded",
            "Scores pile up at a bound; true slope 0.6",
            (
                Row("stops.share", "share at the bound, loop stops there"),
                Row("stops", "slope, loop stops there"),
                Row("read.share", "share at the bound, read through a clip"),
                Row("read", "slope, read through a clip"),
            ),
            _bounded,
            0.01,
        ),
        Cell(
            "lineage",
            "Keep the better of parent and child: steps N(-0.5, 1), 60 lineages x 20 attempts; true slope 1",
            (
                Row("M", "slope of the proposals", (0.98, 1.02)),
                Row("covers", "its 95 % interval holds 1", NOMINAL),
                Row("rows", "slope of consecutive rows: an invented mean reversion", (0.75, 0.85)),
                Row("climb", "kept version's gain per attempt (theory 0.198)", (0.193, 0.203)),
            ),
            _lineage,
            0.5,
        ),
    ]


def all_cells() -> Sequence[Cell]:
    """Return every cell, longest first, so that workers end together."""
    from .grid import grid_cells, thorough_cells  # which builds on this module

    return (
        *_loops(),
        *_tests(),
        *_whites(),
        Cell(
            "first-step",
            "The first step goes 0.3 further than the drift says, 200 sessions",
            (Row("found", "check `time_varying` fails, as it should", (0.9, 1.0)),),
            _first_step_differs,
            0.1,
        ),
        Cell(
            "fieller",
            "One objective, M = 0.97, 10 sessions x 5 transitions",
            (
                Row("covers", "Fieller's region holds the fixed point", NOMINAL),
                Row("bounded", "panels in which it is bounded", (0.04, 0.12)),
                Row("percentile", "bootstrap percentiles hold it"),
            ),
            _fieller,
        ),
        *_turns(),
        *_parts(),
        *_hidden(),
        *grid_cells(),
        *thorough_cells(),
    )
