"""The grid on which estimators, tests and the automatic choice are validated: 24 cells named in one table.

One loop of two objectives in detailed balance (eigenvalues 0.69 and 0.46, innovations of sd 0.5), started half a
standard deviation low; sessions differ by 0 or 0.5 in their levels; the scorer's noise is 0, 0.3 of each objective's
own, or 0.3 shared by both. The last six cells are wrong models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from loopstat import InputError, LinearDrift, LinearDriftFit, Objective, Panel

from .cells import NOMINAL, Cell, Numbers, Row
from .loops import Array, Rng, cholesky, stationary

M = np.array([[0.65, 0.08], [0.08, 0.5]])
Q = 0.25 * np.eye(2)
NOISE = {"none": np.zeros((2, 2)), "own": 0.09 * np.eye(2), "shared": np.full((2, 2), 0.09)}
QUICK = ("pooled", "within")
NEAR_NOMINAL = (0.92, 0.97)


@dataclass(frozen=True)
class Setting:
    """One cell of the grid; `twist` names what is wrong with the model, if anything.

    `valid` are the estimators whose intervals are claimed to hold here; `promised` says that the automatic choice must
    be one of them in at least 90 % of the panels.
    """

    sessions: int
    steps: int
    effects: float
    noise: str
    valid: tuple[str, ...]
    promised: bool = True
    twist: str = ""

    @property
    def name(self) -> str:
        """Short name of the cell."""
        twist = f"-{self.twist.replace(' ', '-')}" if self.twist else ""
        return f"{self.sessions}x{self.steps}-{'differ' if self.effects else 'alike'}-{self.noise}{twist}"

    @property
    def words(self) -> str:
        """The cell in words."""
        noise = "no scorer noise" if self.noise == "none" else f"scorer noise 0.3, {self.noise}"
        sessions = f"sessions differ by {self.effects}" if self.effects else "sessions alike"
        return f"{self.sessions} sessions x {self.steps} scores, {sessions}, {noise}" + (
            f"; {self.twist}" if self.twist else ""
        )


ALL = ("pooled", "within", "instrument", "latent")
SETTINGS = (
    Setting(100, 10, 0.0, "none", ALL),
    Setting(100, 10, 0.0, "own", ("instrument", "latent")),
    Setting(100, 10, 0.0, "shared", ("instrument", "latent")),
    Setting(100, 10, 0.5, "none", ("within", "latent")),
    Setting(100, 10, 0.5, "own", ("latent",)),
    Setting(100, 10, 0.5, "shared", ("latent",)),
    Setting(1000, 10, 0.0, "none", ALL),
    Setting(1000, 10, 0.0, "own", ("instrument", "latent")),
    Setting(1000, 10, 0.5, "none", ("within", "latent")),
    Setting(1000, 10, 0.5, "shared", ("latent",)),
    Setting(100, 50, 0.0, "none", ALL),
    Setting(100, 50, 0.5, "own", ("latent",)),
    Setting(1000, 50, 0.5, "shared", ("latent",)),
    Setting(1000, 50, 0.0, "own", ("instrument", "latent")),
    Setting(1000, 5, 0.5, "own", (), promised=False),
    Setting(20, 10, 0.0, "none", ("pooled", "within"), promised=False),
    Setting(20, 10, 0.5, "own", (), promised=False),
    Setting(20, 50, 0.5, "none", ("within",), promised=False),
    Setting(100, 10, 0.0, "none", ("pooled",), promised=False, twist="slowest mode 0.95"),
    Setting(100, 10, 0.5, "own", (), promised=False, twist="slowest mode 0.95"),
    Setting(100, 10, 0.0, "none", (), promised=False, twist="read through a clip"),
    Setting(100, 10, 0.5, "own", ("latent",), promised=False, twist="Student t4 tails"),
    Setting(100, 10, 0.5, "none", ("latent",), promised=False, twist="scores rounded to integers"),
    Setting(100, 10, 0.5, "own", (), promised=False, twist="first step of another law"),
)


def draw(rng: Rng, s: Setting) -> tuple[Array, Array]:
    """Return scores (sessions, steps, 2) and the true one-step map."""
    loop = M + np.diag([0.27, 0.0]) if s.twist == "slowest mode 0.95" else M
    unit = _student if s.twist == "Student t4 tails" else _normal
    G = stationary(loop, Q)
    x = unit(rng, (s.sessions, 2)) @ cholesky(G).T - 0.5 * np.sqrt(np.diag(G))
    root = cholesky(Q)
    out = np.empty((s.sessions, s.steps, 2))
    for t in range(s.steps):
        if t:
            step = 0.3 * loop if t == 1 and s.twist == "first step of another law" else loop
            x = x @ step.T + unit(rng, (s.sessions, 2)) @ root.T
        out[:, t] = x
    out += s.effects * unit(rng, (s.sessions, 1, 2))
    own = cholesky(NOISE[s.noise]) if s.noise == "own" else np.full((2, 2), 0.3) * np.array([1.0, 0.0])
    if s.noise != "none":
        out += unit(rng, (s.sessions, s.steps, 2)) @ own.T
    if s.twist == "read through a clip":
        out = np.minimum(out, 0.5)
    if s.twist == "scores rounded to integers":
        out = np.round(5 + 2 * out)  # steps of half a unit: 0.6 standard deviations
    return out, loop


def _normal(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape)


def _student(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.standard_t(4, shape) / np.sqrt(2.0)


def panel_of(x: Array, s: Setting) -> Panel:
    """Return the panel, with the bound told where there is one."""
    high = 0.5 if s.twist == "read through a clip" else None
    return Panel.from_arrays(x, objectives=[Objective("x1", high=high), Objective("x2", high=high)])


def covers(fit: LinearDriftFit, truth: Array) -> float:
    """Return the share of the entries of A whose interval holds the truth; NaN where no drift is reported."""
    if "drift.A" not in fit.estimates:
        return float("nan")
    a, A = fit.estimates["drift.A"], truth - np.eye(2)
    return float(((a.low <= A) & (a.high >= A)).mean())


def _bias(fit: LinearDriftFit, truth: Array) -> float:
    if "drift.A" not in fit.estimates:
        return float("nan")
    return float(np.mean(np.diag(fit.estimates["drift.M"].value - truth)))


def quick_run(s: Setting) -> Callable[[Rng], Numbers]:
    """Return a cell body: the estimators that cost little, and the checks."""

    def run(rng: Rng) -> Numbers:
        x, truth = draw(rng, s)
        panel = panel_of(x, s)
        out: Numbers = {}
        for name in QUICK:
            fit = LinearDrift(name, n_boot=0).fit(panel, rng=rng)
            out[f"{name}.covers"] = np.float64(covers(fit, truth))
            out[f"{name}.bias"] = np.float64(_bias(fit, truth))
            if name == "pooled":
                for check in ("white_scores", "time_varying", "curved", "at_bounds"):
                    out[check] = np.float64(not fit.check(check).passed)
                out["reversible"] = _rejects(fit)
        return out

    return run


def _rejects(fit: LinearDriftFit) -> np.float64:
    found = fit.reversibility
    return np.float64(np.nan if found is None or np.isnan(found.p_value) else found.p_value < 0.05)


def slow_run(s: Setting) -> Callable[[Rng], Numbers]:
    """Return a cell body: the latent fit, the automatic choice and its tests."""

    def run(rng: Rng) -> Numbers:
        x, truth = draw(rng, s)
        panel = panel_of(x, s)
        auto = LinearDrift("auto", n_boot=0).fit(panel, rng=rng)
        name, choice = auto.estimator.name, auto.estimator
        out: Numbers = {
            "auto.covers": np.float64(covers(auto, truth)),
            "auto.refuses": np.float64(name is None),
            "auto.valid": np.float64(name in s.valid) if s.valid else np.float64(np.nan),
            **{f"auto.{n}": np.float64(name == n) for n in ALL},
            "effects": np.float64(choice.p_effects < 0.05) if np.isfinite(choice.p_effects) else np.float64(np.nan),
            "noise": np.float64(choice.p_noise < 0.05) if np.isfinite(choice.p_noise) else np.float64(np.nan),
            "reversible": _rejects(auto),
        }
        instrument = LinearDrift("instrument", n_boot=0).fit(panel, rng=rng)
        out["instrument.covers"] = np.float64(covers(instrument, truth))
        out["instrument.bias"] = np.float64(_bias(instrument, truth))
        out["instrument.refuses"] = np.float64(instrument.estimator.name != "instrument")
        try:
            latent = auto if name == "latent" else LinearDrift("latent", n_boot=0).fit(panel, rng=rng)
        except InputError:  # too few sessions, said before anything is fitted
            return {
                **out,
                "latent.covers": np.float64(np.nan),
                "latent.bias": np.float64(np.nan),
                "latent.refuses": 1.0,
            }
        out["latent.covers"] = np.float64(covers(latent, truth))
        out["latent.bias"] = np.float64(_bias(latent, truth))
        out["latent.refuses"] = np.float64(latent.estimator.name is None)
        return out

    return run


def _estimator_rows(s: Setting, names: tuple[str, ...]) -> list[Row]:
    rows = []
    for n in names:
        band = NEAR_NOMINAL if s.twist else NOMINAL
        valid = n in s.valid
        rows.append(
            Row(f"{n}.covers", f"{n}: A, share held" + ("" if valid else " (not valid here)"), band if valid else None)
        )
        rows.append(Row(f"{n}.bias", f"{n}: mean error of the diagonal"))
    return rows


def _slow_rows(s: Setting) -> tuple[Row, ...]:
    size = (0.02, 0.08) if s.sessions >= 100 and not s.twist else None
    rows = [
        *_estimator_rows(s, ("instrument",)),
        Row("instrument.refuses", "instrument: refuses, or takes another"),
        *_estimator_rows(s, ("latent",)),
        Row("latent.refuses", "latent: refuses"),
        Row("auto.valid", "auto picks an estimator that is valid here", (0.9, 1.0) if s.promised else None),
        Row("auto.covers", "auto: A, share held where it picks one"),
        Row("auto.refuses", "auto: refuses"),
        *(Row(f"auto.{n}", f"auto: picks {n}") for n in ALL),
        Row("effects", "test of lasting differences finds some", None if s.effects else size),
        Row("noise", "test of scorer noise finds some", size if s.noise == "none" else None),
        Row("reversible", "test of detailed balance rejects it (it holds)"),
    ]
    return tuple(r for r in rows if s.valid or r.key != "auto.valid")


def _quick_rows(s: Setting) -> tuple[Row, ...]:
    alone = not s.effects and s.noise == "none" and not s.twist
    size = (0.02, 0.08) if alone and s.sessions >= 100 else None
    found = (0.9, 1.0) if s.twist == "read through a clip" else None
    return (
        *_estimator_rows(s, QUICK),
        Row("white_scores", "check `white_scores` fails"),
        Row("time_varying", "check `time_varying` fails", size),
        Row("curved", "check `curved` fails", size),
        Row("at_bounds", "check `at_bounds` fails", found),
        Row("reversible", "pooled: test of detailed balance rejects it (it holds)", size),
    )


def grid_cells() -> list[Cell]:
    """Return two cells per setting: 1,000 panels of what costs little, 200 of the rest and the choice."""
    out = []
    for s in SETTINGS:
        out.append(Cell(f"grid-{s.name}", s.words, _quick_rows(s), quick_run(s)))
        out.append(Cell(f"auto-{s.name}", f"{s.words}: latent and auto", _slow_rows(s), slow_run(s), 0.2))
    return out


def thorough_run(s: Setting) -> Callable[[Rng], Numbers]:
    """Return a cell body: the slow parts of the latent fit."""

    def run(rng: Rng) -> Numbers:
        x, truth = draw(rng, s)
        fit = LinearDrift("latent", n_boot=0, thorough=True).fit(panel_of(x, s), rng=rng)
        slow = fit.estimator.thorough
        if slow is None:
            return dict.fromkeys(("profile", "open", "effects", "noise", "fit"), np.float64(np.nan))
        radius = np.abs(np.linalg.eigvals(truth)).max()
        return {
            "profile": np.float64(slow.modulus.low <= radius <= slow.modulus.high),
            "open": np.float64(slow.modulus.low == 0 or np.isinf(slow.modulus.high)),
            "effects": np.float64(slow.p_effects < 0.05),
            "noise": np.float64(slow.p_noise < 0.05),
            "fit": np.float64(slow.p_fit < 0.05),
        }

    return run


def thorough_cells() -> list[Cell]:
    """Return the two cells in which `--thorough` is validated, 100 panels each."""
    out = []
    for s in (SETTINGS[0], SETTINGS[4]):
        null = s.noise == "none" and not s.effects
        size = (0.02, 0.08)
        rows = (
            Row("profile", "profile interval holds the slowest modulus", (0.92, 1.0)),
            Row("open", "profile interval has an open end"),
            Row("effects", "bootstrap test finds lasting differences", size if null else None),
            Row("noise", "bootstrap test finds scorer noise", size if null else None),
            Row("fit", "test of fit rejects the model (it holds)", (0.0, 0.08)),
        )
        out.append(Cell(f"thorough-{s.name}", f"{s.words}: --thorough", rows, thorough_run(s), 0.1))
    return out
