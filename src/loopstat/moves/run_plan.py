"""What an ensemble runs: which settings, how often, from which seeds, for how many moves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ..arrays import Int
from ..errors import SettingsError
from .numbers import Keys, stream_keys
from .settings import MoveSettings

BLOCK = 2048  # runs advanced together: their numbers stay in the cache
MOST_COUNTED = 10_000  # defects that can be followed one by one

Many = MoveSettings | Sequence[MoveSettings]


@dataclass(frozen=True)
class RunPlan:
    """What is run: settings, how often, from which seeds, for how many moves."""

    settings: tuple[MoveSettings, ...]
    replicates: int
    seeds: tuple[int, ...]
    moves: Int

    @classmethod
    def of(
        cls,
        settings: Many,
        replicates: int | None,
        seed: int | None,
        max_moves: int | Sequence[int] | None,
        budget: float | None = None,
    ) -> RunPlan:
        many = (settings,) if isinstance(settings, MoveSettings) else tuple(settings)
        if not many:
            raise SettingsError("`settings` must hold at least one MoveSettings. Got none.")
        for s in many:
            if s.process == "integer" and s.difficulty > MOST_COUNTED:
                raise SettingsError(
                    f"the process `integer` follows defects one by one: `difficulty` must be at most {MOST_COUNTED}. "
                    f"Got {s.difficulty:g}. Hint: process=split."
                )
        if replicates is None and len({s.replicates for s in many}) > 1:
            raise SettingsError("`replicates` differs between the settings. Hint: outcomes(..., replicates=N).")
        n = whole_number(many[0].replicates if replicates is None else replicates, "replicates", 1)
        seeds = tuple(s.seed if seed is None else whole_number(seed, "seed", 0) for s in many)
        return cls(many, n, seeds, _moves(many, max_moves, budget))

    @property
    def work(self) -> float:
        """Moves of all runs together, were none to stop early; a counted defect counts as a tenth of a move."""
        each = [1 + (s.difficulty / 10 if s.process == "integer" else 0.0) for s in self.settings]
        return float(self.replicates * np.sum(self.moves * np.array(each)))

    def jobs(self) -> Iterator[tuple[int, slice]]:
        """Yield number of the settings and stretch of the replicates."""
        starts = range(0, self.replicates, BLOCK)
        for k, low in product(range(len(self.settings)), starts):
            yield k, slice(low, min(low + BLOCK, self.replicates))

    def keys(self, job: tuple[int, slice]) -> Keys:
        """Return the keys of the random numbers of a job."""
        return stream_keys(self.seeds[job[0]], job[1].stop - job[1].start, job[1].start)


def whole_number(value: Any, name: str, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise SettingsError(f"`{name}` must be a whole number of at least {low}. Got {value!r}.")
    return int(value)


def _moves(many: tuple[MoveSettings, ...], max_moves: int | Sequence[int] | None, budget: float | None) -> Int:
    """Return how many moves each of the settings may make."""
    given = [s.max_moves for s in many] if max_moves is None else max_moves
    each = [given] * len(many) if isinstance(given, int | np.integer) else list(given)
    if len(each) != len(many):
        raise SettingsError(f"`max_moves` must be one number, or one for each of the {len(many)} settings.")
    moves = np.array([whole_number(m, "max_moves", 0) for m in each], dtype=np.int64)
    if budget is None:
        return moves
    if isinstance(budget, bool) or not (isinstance(budget, int | float) and math.isfinite(budget) and budget >= 0):
        raise SettingsError(f"`budget` must be a finite number of at least 0. Got {budget!r}.")
    price = np.array([s.move_cost for s in many])
    # A budget of exactly n moves pays for n, whatever rounding the division adds.
    paid = np.where(price > 0, np.floor(budget / np.where(price > 0, price, 1.0) * (1 + 1e-12)), moves)
    return np.minimum(moves, paid).astype(np.int64)


def enough_left(settings: MoveSettings) -> float:
    """Return the mass at or below which the target is met, -ln(target); for `integer` no defect at all."""
    return 0.0 if settings.process == "integer" else -math.log(settings.target_reliability)
