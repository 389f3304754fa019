"""What each parameter does to moves, cost and quality: both sides of a step, on the same random numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import SettingsError
from ...inference.differences import Medians
from ...inference.estimate import Estimate, show
from ...parameters import Parameter
from ...results.record import Record
from ..settings import PARAMETERS, MoveSettings
from .levers import turned
from .sweep import Progress, Reading, Sweep

SCHEMA = "loopstat.moves-sensitivity/1"
OF_SLIDER = 0.1  # step to either side, of the range of a slider
OF_VALUE = 0.1  # of the value, where there is no slider
FROM_ZERO = 0.05  # where there is no slider and the value is 0
NOT_VARIED = ("max_moves", "replicates", "seed")  # of the simulation, not of the loop


@dataclass(frozen=True, eq=False)
class Effect(Record):
    """What a step of one parameter changes, from its lower side to its upper one.

    Attributes
    ----------
    name : str
    value, lower, upper : float
        As it is set, and the ends of the step.
    log_moves : Estimate
        ln of the ratio of the median moves to the target, upper over lower; infinite where only one median is finite,
        NaN where neither is.
    never : Estimate
        Difference of the share of runs that do not stop at the target.
    good : Estimate
        Difference of the mean P_good at the end.
    log_cost : Estimate
        ln of the ratio of the mean costs until the stop, or until a run is given up.
    """

    name: str
    value: float
    lower: float
    upper: float
    log_moves: Estimate
    never: Estimate
    good: Estimate
    log_cost: Estimate

    @property
    def size(self) -> tuple[float, float]:
        """What effects are sorted by: the change in moves, then that in cost."""
        moves = abs(float(self.log_moves.value))
        return (0.0 if np.isnan(moves) else moves, abs(float(self.log_cost.value)))


@dataclass(frozen=True, eq=False)
class Sensitivity(Reading):
    """Effects of all parameters, the largest first.

    Attributes
    ----------
    effects : tuple of Effect
    """

    KEYS = ("schema", "verdict", "settings", "replicates", "effects")
    SCHEMA = SCHEMA

    effects: tuple[Effect, ...]

    @property
    def verdict(self) -> str:
        """The three that change most, in one sentence."""
        said = [_said(e) for e in self.effects if e.size[0] > 0][:3]
        if not said:
            return "No parameter changes within its step how many moves half of the runs need, or whether they arrive."
        return f"Moves to the target hang most on {'; '.join(said)}."


def _said(e: Effect) -> str:
    step = f"{e.name} from {e.lower:g} to {e.upper:g}"
    with np.errstate(over="ignore"):
        factor, low, high = (float(np.exp(float(x))) for x in (e.log_moves.value, e.log_moves.low, e.log_moves.high))
    if not np.isfinite(factor) or factor == 0:
        return f"{step} ({'only the lower' if factor else 'only the upper'} end gets half of the runs to the target)"
    return f"{step} (times {show(factor, low, high)})"


def sensitivity(
    settings: MoveSettings,
    *,
    replicates: int | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Step every number up and down, and measure what that does to moves, cost and quality.

    The step is a tenth of the slider's range to either side (1 for whole numbers), cut at its ends; a tenth of the
    value where there is no slider, and up by 0.05 from 0.

    Parameters
    ----------
    settings : MoveSettings
    replicates, seed : int, optional
        Default: those of the settings. Both sides of every step share their random numbers, so that a parameter the
        policy does not read has no effect at all.
    progress : callable, optional

    Returns
    -------
    Sensitivity

    Notes
    -----
    *When it is wrong*: effects are of one parameter alone, at these settings; they do not add up (see the claims).
    Constants of the model without a slider are stepped by a share of their value, which says nothing about how
    uncertain they are.

    Examples
    --------
    >>> found = sensitivity(MoveSettings(), replicates=100)
    >>> float(next(e for e in found.effects if e.name == "decay_rate").log_cost.value)  # a trust region has none
    0.0
    """
    steps = {p.name: step(settings, p) for p in PARAMETERS.values() if not p.choices and p.name not in NOT_VARIED}
    many: list[MoveSettings] = []
    names: list[str] = []
    for name, (lower, upper) in steps.items():
        try:
            many += [turned(settings, **{name: lower}), turned(settings, **{name: upper})]
        except SettingsError:  # a start radius beyond the largest, a band turned over: no such loop
            del many[2 * len(names) :]
            continue
        names.append(name)
    sweep = Sweep.over(many, replicates=replicates, seed=seed, what="parameters", progress=progress)
    medians = Medians.of(sweep.when, rng=sweep.rng(2))
    found = sweep.rows(
        Effect,
        slice(1, None, 2),
        slice(0, None, 2),
        name=names,
        value=[float(getattr(settings, name)) for name in names],
        lower=[steps[name][0] for name in names],
        upper=[steps[name][1] for name in names],
        log_moves=[medians.log_ratio(2 * k + 1, 2 * k) for k in range(len(names))],
    )
    return Sensitivity(settings, sweep.replicates, tuple(sorted(found, key=lambda e: e.size, reverse=True)))


def step(settings: MoveSettings, parameter: Parameter) -> tuple[float, float]:
    """Return the lower and the upper end of the step of one parameter."""
    now = float(getattr(settings, parameter.name))
    ends = parameter.slider or (parameter.low, parameter.high)
    size = OF_SLIDER * (ends[1] - ends[0]) if parameter.slider else OF_VALUE * abs(now) or FROM_ZERO  # type: ignore[operator]
    if parameter.whole:
        size = max(1.0, round(size)) if not parameter.slider else 1.0
    low, high = ends
    if parameter.name == "edit_radius" and settings.policy == "trust-region":
        high = settings.tr_max_radius
    lower = max(now - size, min(low, now)) if low is not None else now - size
    upper = min(now + size, max(high, now)) if high is not None else now + size
    if parameter.open_low and lower <= (parameter.low or 0.0):
        lower = now
    return round(lower, 12), round(upper, 12)  # 0.6 - 0.1 is 0.5
