"""How sessions go on: one small protocol for all predictors, and what those that go step by step share.

Other lenses take part through the protocol: what composes a command hands their predictors in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...arrays import Bool, Float, Int
from ...panel.model import Model, Rng
from .histories import Histories, Space


class Predictor(Protocol):
    """What carries sessions on."""

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold.

        Parameters
        ----------
        history : Histories
            n sessions as they are known.
        steps_ahead : int
            Counted from each session's last step, as far apart as the recorded steps are.
        rng : Generator
        draws : int
            Of each session.

        Returns
        -------
        float array, shape (draws, n, steps_ahead, k)
            Versions held; sessions that have ended keep theirs.
        """
        ...


Family = Callable[[Histories, int], Predictor]
"""Makes a predictor from recorded sessions, for at most so many steps beyond their record."""


@dataclass(frozen=True)
class Drawn:
    """Predictors of one family with parameters drawn each for itself, an equal part of the draws from each.

    Attributes
    ----------
    variants : tuple of Predictor
    counts : int array, shape (n_variants, n_sessions)
        How often each session took part in the draw of clusters that a variant was fitted to.
    """

    variants: tuple[Predictor, ...]
    counts: Int

    @classmethod
    def of(cls, family: Family, h: Histories, ahead: int, n: int, rng: Rng) -> Drawn:
        """Fit to n draws of clusters with replacement; a draw without any step gives way to what is recorded."""
        drawn = [h.resampled(rng) for _ in range(n)]
        drawn = [d if len(d.moves.place) else h for d in drawn]
        size = int(h.session.max()) + 1
        counts = np.stack([np.bincount(d.session, minlength=size)[h.session] for d in drawn])
        return cls(tuple(family(d, ahead) for d in drawn), counts)

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says; `draws` of each variant a like number, at least one."""
        each = max(1, draws // len(self.variants))
        return np.concatenate([v.predict(history, steps_ahead, rng, each) for v in self.variants])


class _OneStep(Protocol):
    """A predictor that knows how one step goes."""

    def begin(self, history: Histories, draws: int) -> Any:
        """Return what it remembers of each session, repeated for each draw."""
        ...

    def step(self, rng: Rng, x: Float, place: Int, memory: Any) -> tuple[Float, Any]:
        """Return versions one step after those held at places, shape (m, k), and what is remembered then."""
        ...


def carried_on(one: _OneStep, ends: Endings, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
    """Take steps one after another until sessions end; returns shape (draws, n, steps_ahead, k)."""
    space, n = history.space, len(history)
    x = np.tile(history.current, (draws, 1))
    shown = x
    place, running = np.tile(history.last, draws), np.tile(~history.ended, draws)
    memory = one.begin(history, draws)
    out = np.empty((draws, n, steps_ahead, x.shape[1]))
    for s in range(steps_ahead):
        new, memory = one.step(rng, x, place + s, memory)
        new = _kept(space, x, space.bounded(new))
        x = np.where(running[:, None], new, x)
        shown = np.where(running[:, None], space.told(x), shown)
        out[:, :, s] = shown.reshape(draws, n, -1)
        running &= ~ends.happen(rng, shown, place + s + 1)
    return out


def _kept(space: Space, x: Float, new: Float) -> Float:
    if space.keep in ("last", "accepted"):
        return new
    return np.where((new @ space.select > x @ space.select)[:, None], new, x)


@dataclass(frozen=True)
class Endings:
    """How sessions end by themselves: at a bar, or with a chance by stretch of steps.

    Attributes
    ----------
    space : Space
    chance : float array, shape (n_steps,)
        That a session still running ends on arrival at a place; not used where there is a bar.
    """

    space: Space
    chance: Float

    @classmethod
    def of(cls, h: Histories) -> Endings:
        """Count how many sessions end on arrival at a step, of those that arrive."""
        stretch = h.stretches
        arrived = np.bincount(stretch[h.moves.place], minlength=len(stretch))
        after = h.ended & (h.last > 0)
        gone = np.bincount(stretch[h.last[after] - 1], minlength=len(stretch))
        return cls(h.space, (gone / np.maximum(arrived, 1))[np.r_[stretch[0], stretch[:-1]]])

    def happen(self, rng: Rng, x: Float, place: Int) -> Bool:
        """Draw which sessions end with the version they hold at a place."""
        if self.space.bar is not None:
            return self.space.at_bar(x)
        if not self.chance.any():
            return np.zeros(len(x), dtype=bool)
        return np.asarray(rng.random(len(x)) < self.chance[np.minimum(place, len(self.chance) - 1)])


@dataclass(frozen=True)
class Pool:
    """Things seen at steps, of which those of like steps are drawn from.

    Attributes
    ----------
    stretch : int array, shape (n_steps,)
        Of each place.
    entries : tuple of float array, shape (n_entries, ...)
        One array a stretch.
    """

    stretch: Int
    entries: tuple[Float, ...]

    @classmethod
    def of(cls, h: Histories, entries: Float) -> Pool:
        """Sort what belongs to the recorded moves by stretch."""
        at = h.stretches[h.moves.place]
        return cls(h.stretches, tuple(entries[at == s] for s in range(int(h.stretches.max()) + 1)))

    def at(self, place: Int) -> Int:
        """Return the stretch of places; beyond the record the last one."""
        return self.stretch[np.minimum(place, len(self.stretch) - 1)]

    def draw(self, rng: Rng, place: Int) -> Float:
        """Draw an entry for every place."""
        at = self.at(place)
        sizes = np.array([len(e) for e in self.entries])
        first = np.cumsum(sizes) - sizes
        drawn = first[at] + (rng.random(len(place)) * sizes[at]).astype(np.int64)
        return np.asarray(np.concatenate(self.entries)[drawn])


@dataclass(frozen=True)
class Simulated:
    """A model that another lens fitted, run from where sessions stand."""

    model: Model
    ends: Endings

    def begin(self, history: Histories, draws: int) -> None:
        """Return nothing: a model knows the current version alone."""
        del history, draws

    def step(self, rng: Rng, x: Float, place: Int, memory: None) -> tuple[Float, None]:
        """Return the next versions."""
        del place
        return self.model.step(rng, x), memory

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        return carried_on(self, self.ends, history, steps_ahead, rng, draws)
