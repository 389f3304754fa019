"""One sweep over settings: the same runs of each, in batches, and the figures by which settings are told apart.

Every reading of many settings is made of it: what to vary (`values_of`) gives settings, `Sweep.over` their outcomes on
shared random numbers, `Sweep.figures` what each comes to and `Sweep.differences` what pairs of them differ by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ...arrays import Float, Int
from ...errors import SettingsError
from ...inference.differences import Paired, arrivals_of, pick
from ...inference.estimate import Estimate
from ...lenses import Progress as Progress
from ...panel.model import Rng
from ..runs import Outcomes, outcomes
from ..settings import PARAMETERS, MoveSettings

BATCH = 64  # settings simulated between two calls of `progress`

FIGURES: dict[str, Callable[[Outcomes], Paired]] = {
    "moves": lambda runs: Paired.mean(runs.moves_made),
    "cost": lambda runs: Paired.mean(runs.cost),
    "good": lambda runs: Paired.mean(runs.good_at_end),
    "never": lambda runs: Paired.mean(runs.moves_to_target < 0),
    "log_cost": lambda runs: Paired.log_mean(runs.cost),
    "log_cost_per_good": lambda runs: Paired.log_mean(runs.cost) - Paired.log_mean(runs.good_at_end),
}
"""What runs come to, by name: means over runs until the stop, or until they are given up, and logarithms of means."""


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
    def over(
        cls,
        settings: Sequence[MoveSettings],
        *,
        replicates: int | None = None,
        seed: int | None = None,
        what: str = "settings",
        progress: Progress | None = None,
        stop: str = "target",
        max_moves: Sequence[int] | int | None = None,
    ) -> Sweep:
        """Simulate settings as `outcomes` does in one call, which cannot tell how far it is.

        Parameters
        ----------
        settings : sequence of MoveSettings
        replicates, seed, stop, max_moves
            See `outcomes`.
        what : str
            The word `progress` is called with.
        progress : callable, optional
            Called with the settings done, how many there are, and the word.
        """
        parts = []
        most = [s.max_moves for s in settings] if max_moves is None else max_moves
        most = [most] * len(settings) if isinstance(most, int) else list(most)
        for first in range(0, len(settings), BATCH):
            if progress:
                progress(first, len(settings), what)
            some = slice(first, first + BATCH)
            parts.append(outcomes(settings[some], max_moves=most[some], replicates=replicates, seed=seed, stop=stop))
        if progress:
            progress(len(settings), len(settings), what)
        return cls(_joined(parts), settings[0].seed if seed is None else seed)

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

    def figures(self, *names: str) -> list[dict[str, Estimate]]:
        """Return the named ones of `FIGURES` for every setting."""
        return _each({name: FIGURES[name](self.runs).estimate() for name in names})

    def differences(self, after: Int | slice, before: Int | slice, *names: str) -> list[dict[str, Estimate]]:
        """Return what the named ones of `FIGURES` differ by, paired by run, for pairs of settings by their places."""
        found = {name: FIGURES[name](self.runs) for name in names}
        return _each({name: (figure[after] - figure[before]).estimate() for name, figure in found.items()})


def _each(found: dict[str, Estimate]) -> list[dict[str, Estimate]]:
    n = len(next(iter(found.values())).value)
    return [{name: pick(estimate, k) for name, estimate in found.items()} for k in range(n)]


def _joined(parts: Sequence[Outcomes]) -> Outcomes:
    """Return the outcomes of several lists of settings as those of one."""
    found: dict[str, Any] = {}
    for name in (field.name for field in fields(Outcomes)):
        first, *rest = (getattr(part, name) for part in parts)
        found[name] = np.concatenate([first, *rest]) if isinstance(first, np.ndarray) else first
    return Outcomes(**{**found, "settings": tuple(s for part in parts for s in part.settings)})


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
