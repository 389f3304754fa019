"""Calibrate the moves lens on recorded candidates: what oracle, reviewers and candidates are like, group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from ... import __version__
from ...arrays import Float
from ...errors import SettingsError
from ...inference.clusters import finite_rows
from ...lenses import Progress
from ...panel.groups import label_of
from ...panel.panel import Source
from ...panel.pool import Pool
from ...results.record import Record, plain, written
from ...results.result import Table
from ..settings import PARAMETERS
from .candidates import Curve, best_of_k, pass_at_k
from .effective import effective_candidates, likeness, pooled_candidates
from .identified import Identified
from .judges import JudgeErrors, judge_errors
from .oracle import MIN_TASKS, Resolution, Verdicts, false_pass_rate, oracle_resolution

SCHEMA = "loopstat.moves-calibration/1"
FILE_SCHEMA = "loopstat.moves-settings/1"
FEW_TASKS = f"fewer than {MIN_TASKS} tasks carry it: its interval is a guess."

Part = tuple[Mapping[str, str], Pool]


@dataclass(frozen=True, eq=False)
class GroupCalibration(Record):
    """What the candidates of one group say of the moves lens.

    Attributes
    ----------
    label : str
    by : dict
        Values of the columns that define the group.
    n_tasks, n_candidates : int
    parameters : tuple of Identified
        Of the simulator: oracle_resolution, correlation, sigma_r, tau_h, tau.
    false_pass : Identified
    resolution : Resolution or None
        How r was judged; None without coarse and fine verdicts.
    judges : JudgeErrors or None
    pass_at_k : dict of Curve
        By verdict: coarse, fine, or a truth of two values.
    pooled_k : dict of Curve
        Effective candidates of independent draws of the pooled pass rate, by verdict.
    best_of_k : Curve or None
        Of a numeric truth.
    k_eff : dict of Curve
        Effective candidates of a numeric truth, `within` tasks and `pooled`.
    notes : tuple of str
    """

    KEYS = (
        *("label", "by", "n_tasks", "n_candidates", "parameters", "settings", "false_pass", "resolution", "judges"),
        *("pass_at_k", "pooled_k", "best_of_k", "k_eff", "notes"),
    )

    label: str
    by: Mapping[str, str]
    n_tasks: int
    n_candidates: int
    parameters: tuple[Identified, ...]
    false_pass: Identified
    resolution: Resolution | None = field(default=None, metadata=written("oracle"))
    judges: JudgeErrors | None = None
    pass_at_k: Mapping[str, Curve] = field(default_factory=dict)
    pooled_k: Mapping[str, Curve] = field(default_factory=dict)
    best_of_k: Curve | None = None
    k_eff: Mapping[str, Curve] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def completed(self, data: Mapping[str, Any]) -> GroupCalibration:
        """Return the calibration whose judges and oracle hold their parameters again."""
        known = {p.name: p for p in self.parameters}
        oracle, judges = self.resolution, self.judges
        if oracle is not None:
            oracle = replace(oracle, parameter=known.get("oracle_resolution", oracle.parameter))
        if judges is not None:
            named = {name: known.get(name, getattr(judges, name)) for name in ("correlation", "sigma_r")}
            judges = replace(judges, **named)
        return replace(self, resolution=oracle, judges=judges)

    def parameter(self, name: str) -> Identified:
        """Return one parameter by its name."""
        found = next((p for p in self.parameters if p.name == name), None)
        if found is None:
            raise SettingsError(
                f"no parameter `{name}` was calibrated. Known: {', '.join(p.name for p in self.parameters)}."
            )
        return found

    def plus(self, parameters: Sequence[Identified], notes: Sequence[str] = ()) -> GroupCalibration:
        """Return the same with more parameters, each replacing one of its name."""
        new = {p.name for p in parameters}
        kept = tuple(p for p in self.parameters if p.name not in new)
        return replace(self, parameters=(*kept, *parameters), notes=(*self.notes, *notes))

    @property
    def settings(self) -> dict[str, float]:
        """Settings of the simulator that these candidates identify, within the range each may have."""
        known = {p.name: p.value for p in self.parameters if p.identifiable and p.name in PARAMETERS}
        return {name: _inside(name, value) for name, value in known.items() if np.isfinite(value)}


def _inside(name: str, value: float) -> float:
    p = PARAMETERS[name]
    low, high = (-np.inf if p.low is None else p.low), (np.inf if p.high is None else p.high)
    return float(min(max(value, low), high))


@dataclass(frozen=True, eq=False)
class Calibration(Record):
    """Calibrations of every group of a recording.

    Attributes
    ----------
    groups : tuple of GroupCalibration
    source : Source
    settings : dict
        How it was read and computed.
    notes : tuple of str
    """

    KEYS = ("schema", "version", "source", "settings", "notes", "groups")
    SCHEMA = SCHEMA

    groups: tuple[GroupCalibration, ...]
    source: Source = field(default_factory=Source)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def summary(self) -> Table:
        """Return one line for each parameter of each group."""
        rows = tuple((g.label, p.name, p.said, p.reason) for g in self.groups for p in (g.false_pass, *g.parameters))
        return Table("Calibration of moves", ("group", "parameter", "value", "why"), rows)

    def settings_file(self) -> dict[str, Any]:
        """Return what a settings file holds: the identified settings, and the calibration they come from.

        One group: `settings`. Several: `groups`, settings by label.
        """
        one = len(self.groups) == 1
        settings = (
            {"settings": self.groups[0].settings} if one else {"groups": {g.label: g.settings for g in self.groups}}
        )
        return {"schema": FILE_SCHEMA, **plain(settings), "calibration": self.to_dict(), "loopstat": __version__}


def calibrate(
    parts: Pool | Sequence[Part],
    *,
    level: float = 0.95,
    seed: int = 0,
    human_prior: float = 0.6,
    source: Source | None = None,
    settings: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> Calibration:
    """Read the parameters of oracle, reviewers and candidates off recorded candidates.

    Parameters
    ----------
    parts : Pool, or sequence of (labels, Pool)
        Candidates of one group, or label values that define each group and its candidates.
    level : float
        Coverage of intervals, all by task.
    seed : int
        Each group's random numbers depend on the seed and its label only.
    human_prior : float
        H, by which tau is shown; it is not in the data.
    source, settings, notes : optional
        Kept with the result.
    progress : callable, optional
        Called with (done, total, label).

    Returns
    -------
    Calibration
        Each parameter with its value and interval, a bound, or the reason why these data do not identify it.

    Raises
    ------
    SettingsError
        A level or H out of range, or no group.

    Notes
    -----
    *When it is wrong*: see `oracle_resolution`, `judge_errors` and `effective_candidates`; what each assumes stands in
    the parameter's reason.

    Examples
    --------
    >>> pool = Pool.of(["a", "a", "b", "b"] * 5, coarse=[1, 1, 1, 0] * 5, fine=[1, 0, 1, 0] * 5)
    >>> calibrate(pool).groups[0].parameter("oracle_resolution").identifiable
    False
    """
    if not 0 < level < 1:
        raise SettingsError(f"`level` must lie between 0 and 1. Got {level:g}.")
    PARAMETERS["human_prior"].read(human_prior)
    parts = [({}, parts)] if isinstance(parts, Pool) else list(parts)
    if not parts:
        raise SettingsError("there is no group to calibrate on.")
    groups = []
    for k, (by, pool) in enumerate(parts):
        label = label_of(by)
        said = partial(_said, progress, k, len(parts), label)
        said(0, 0, "")
        rng = np.random.default_rng([seed, *label.encode()])
        groups.append(_group(label, by, pool, level, human_prior, rng, said))
    if progress:
        progress(len(parts), len(parts), "")
    kept = {"level": level, "seed": seed, "human_prior": human_prior}
    return Calibration(tuple(groups), source or Source(), {**kept, **(settings or {})}, tuple(notes))


def _said(progress: Progress | None, k: int, groups: int, label: str, done: int, total: int, what: str) -> None:
    if progress:
        progress(k, groups, f"{label}: {what} {done + 1} of {total}" if total else label)


def _group(
    label: str,
    by: Mapping[str, str],
    pool: Pool,
    level: float,
    human_prior: float,
    rng: np.random.Generator,
    said: Progress,
) -> GroupCalibration:
    if pool.truth is not None and np.isnan(pool.truth).all():
        pool = replace(pool, truth=None)
    false_pass, resolution = _oracle(pool, level, rng, said)
    judges = _judges(pool, level)
    verdicts = _verdicts(pool)
    best, k_eff = _numeric(pool, level)
    parameters = (
        resolution.parameter if resolution else _unnamed("oracle_resolution"),
        *((judges.correlation, judges.sigma_r) if judges else map(_unnamed, ("correlation", "sigma_r"))),
        *_likes(k_eff.get("within"), human_prior, pool),
    )
    return GroupCalibration(
        label,
        dict(by),
        pool.n_tasks,
        len(pool),
        parameters,
        false_pass,
        resolution,
        judges,
        {name: pass_at_k(v, pool.task, level=level) for name, v in verdicts.items()},
        {name: pooled_candidates(v, pool.task, level=level) for name, v in verdicts.items()},
        best,
        k_eff,
        _notes(pool),
    )


def _verdicts(pool: Pool) -> dict[str, Float]:
    """Return what passes and fails: verdicts, and a truth of two values, the larger of which is a pass.

    Nothing where candidates were selected: chances of k of them are about samples that could come in any order.
    """
    if pool.selected:
        return {}
    found = {name: v for name, v in (("coarse", pool.coarse), ("fine", pool.fine)) if v is not None}
    if pool.truth is not None and _two_valued(pool.truth):
        right = (pool.truth == np.nanmax(pool.truth)).astype(np.float64)
        found["truth"] = np.where(np.isnan(pool.truth), np.nan, right)
    return found


def _numeric(pool: Pool, level: float) -> tuple[Curve | None, dict[str, Curve]]:
    """Return the best of k and the effective candidates of a truth of more than two values."""
    if pool.truth is None or _two_valued(pool.truth):
        return None, {}
    inside, pooled = effective_candidates(pool.truth, pool.task, level=level)
    return best_of_k(pool.truth, pool.task, level=level), {"within": inside, "pooled": pooled}


ASKS = {
    **dict.fromkeys(("false_pass", "oracle_resolution"), "--coarse and --fine"),
    **dict.fromkeys(("correlation", "sigma_r"), "--judges and --truth"),
    **dict.fromkeys(("tau_h", "tau"), "--truth, numeric"),
}
"""The options that would give a parameter."""


def _unnamed(name: str) -> Identified:
    return Identified.unknown(name, f"No column was named for it: {ASKS[name]}.", asks=ASKS[name])


def _oracle(pool: Pool, level: float, rng: np.random.Generator, said: Progress) -> tuple[Identified, Resolution | None]:
    if pool.coarse is None or pool.fine is None:
        return _unnamed("false_pass"), None
    there = finite_rows(pool.coarse, pool.fine)
    if not there.any():
        nothing = Identified.unknown("false_pass", "No candidate has both verdicts.")
        return nothing, Resolution(replace(nothing, name="oracle_resolution"), nothing.estimate)
    verdicts = Verdicts.of(pool.coarse[there] == 1, pool.fine[there] == 1, pool.task[there])
    false_pass = false_pass_rate(verdicts, level=level)
    if false_pass.identifiable and false_pass.n_tasks < MIN_TASKS:
        false_pass = replace(false_pass, reason=f"{false_pass.reason} But {FEW_TASKS}")
    return false_pass, oracle_resolution(verdicts, level=level, rng=rng, selected=pool.selected, progress=said)


def _judges(pool: Pool, level: float) -> JudgeErrors | None:
    if not pool.judges:
        return None
    scores = np.stack(list(pool.judges.values()), axis=1)
    return judge_errors(scores, pool.task, pool.truth, names=list(pool.judges), level=level)


def _two_valued(truth: Float) -> bool:
    return len(np.unique(truth[~np.isnan(truth)])) <= 2


def _likes(inside: Curve | None, human_prior: float, pool: Pool) -> tuple[Identified, Identified]:
    if inside is not None:
        return likeness(inside, human_prior, n_samples=len(pool))
    if pool.coarse is None and pool.fine is None and pool.truth is None:
        return _unnamed("tau_h"), _unnamed("tau")
    why = "Verdicts alone cannot show it: given the task, candidates that pass or fail are independent draws."
    return Identified.unknown("tau_h", why), Identified.unknown("tau", why)


def _notes(pool: Pool) -> tuple[str, ...]:
    notes = []
    if pool.selected:
        notes.append(
            "Candidates were selected by their coarse verdicts: false passes are those of what the loop let through, "
            "and pass@k is left out."
        )
    if pool.n_tasks < MIN_TASKS:
        notes.append(f"{pool.n_tasks} {'task' if pool.n_tasks == 1 else 'tasks'} only: intervals by task are guesses.")
    columns = [v for v in (pool.coarse, pool.fine, pool.truth, *pool.judges.values()) if v is not None]
    lost = int(np.sum(~finite_rows(*columns))) if columns else 0
    if lost:
        notes.append(f"{lost:,} of {len(pool):,} candidates lack a value; each figure leaves out those it needs it of.")
    return tuple(notes)
