"""One sweep over settings: the same runs of each, and the figures by which settings are told apart.

Every reading of many settings is made of it: what to vary (`values_of`) gives settings, `Sweep.over` their outcomes on
shared random numbers, and `Sweep.rows` records of what each comes to, or of what pairs of them differ by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, cast

import numpy as np

from ...arrays import Float, Int
from ...errors import SettingsError
from ...inference.differences import Paired, arrivals_of
from ...inference.estimate import Estimate
from ...lenses import Progress as Progress
from ...panel.model import Rng
from ...results.record import Record
from ..runs import Outcomes, outcomes
from ..settings import PARAMETERS, MoveSettings

R = TypeVar("R", bound=Record)

FIGURES: dict[str, Callable[[Outcomes], Paired]] = {
    "moves": lambda runs: Paired.mean(runs.moves_made),
    "cost": lambda runs: Paired.mean(runs.cost),
    "good": lambda runs: Paired.mean(runs.good_at_end),
    "never": lambda runs: Paired.mean(runs.moves_to_target < 0),
    "log_cost": lambda runs: Paired.log_mean(runs.cost),
    "log_cost_per_good": lambda runs: Paired.log_mean(runs.cost) - Paired.log_mean(runs.good_at_end),
}
"""What runs come to, by name: means over runs until the stop, or until they are given up, and logarithms of means."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Point(Record):
    """One team under one policy, and what its runs come to.

    Attributes
    ----------
    policy : str
    candidates, reviewers : int
    move_cost : float
    moves, cost : Estimate
        Mean over runs until the loop stops or is given up.
    good : Estimate
        Mean P_good at that moment.
    """

    policy: str
    candidates: int
    reviewers: int
    move_cost: float
    moves: Estimate
    cost: Estimate
    good: Estimate


@dataclass(frozen=True, eq=False)
class Reading(Record):
    """What a sweep about some settings says.

    Attributes
    ----------
    settings : MoveSettings
        Everything that is not varied.
    replicates : int
        Runs behind each figure.
    """

    settings: MoveSettings
    replicates: int


@dataclass(frozen=True)
class Sweep:
    """Many settings and how the same runs of each ended.

    Attributes
    ----------
    runs : Outcomes
        Arrays of shape (n_settings, replicates); runs of one column share their random numbers.
    seed : int
    """

    runs: Outcomes
    seed: int

    @classmethod
    def over(cls, settings: Sequence[MoveSettings], *, seed: int | None = None, **options: Any) -> Sweep:
        """Simulate settings until the target, or as the options of `outcomes` say."""
        runs = outcomes(settings, seed=seed, **{"stop": "target", **options})
        return cls(runs, settings[0].seed if seed is None else seed)

    @property
    def replicates(self) -> int:
        """Runs of every setting."""
        return int(self.runs.moves_made.shape[1])

    @property
    def when(self) -> Float:
        """Moves to the target, infinite where a run never gets there, shape (n_settings, replicates)."""
        return arrivals_of(self.runs.moves_to_target)

    def rng(self, stream: int) -> Rng:
        """Return random numbers for resampling the runs, apart from those of the runs themselves."""
        return np.random.default_rng([self.seed, stream])

    def figure(self, name: str, after: Int | slice | None = None, before: Int | slice | None = None) -> Estimate:
        """Return one of `FIGURES` for every setting, or what it differs by, run by run, for pairs by their places."""
        found = FIGURES[name](self.runs)
        return (found if after is None else found[after] - found[before]).estimate()

    def rows(
        self, record: type[R], after: Int | slice | None = None, before: Int | slice | None = None, **columns: Any
    ) -> tuple[R, ...]:
        """Return a record for every setting, or for every pair.

        Its fields are the `columns`, figures of that name (of a pair, their differences), and settings of that name (of
        a pair, those before).
        """
        names = [f.name for f in fields(cast(Any, record)) if f.name not in columns]
        columns |= {name: self.figure(name, after, before) for name in names if name in FIGURES}
        places = np.arange(len(self.runs.settings))
        settings = [self.runs.settings[k] for k in (places if before is None else places[before])]
        own = [name for name in names if name not in FIGURES]
        return tuple(
            record(**{name: getattr(s, name) for name in own}, **{name: column[k] for name, column in columns.items()})
            for k, s in enumerate(settings)
        )


def values_of(name: str, given: Iterable[Any], called: str = "") -> list[Any]:
    """Return the values of a setting that are varied, each once and in the order given.

    Parameters
    ----------
    name : str
        Of the setting.
    given : iterable
    called : str
        What the caller's argument is called; default the name.

    Raises
    ------
    SettingsError
        No value, or one out of range.
    """
    values = [PARAMETERS[name].read(value) for value in given]
    if not values:
        raise SettingsError(f"`{called or name}` must name at least one value.")
    return list(dict.fromkeys(values))


def with_policy(settings: MoveSettings, policy: str, **changes: Any) -> MoveSettings:
    """Return the same team under another policy; the start radius of a trust region is at most its largest."""
    if policy == "trust-region":
        changes = {"edit_radius": min(settings.edit_radius, settings.tr_max_radius), **changes}
    return settings.but(policy=policy, **changes)
