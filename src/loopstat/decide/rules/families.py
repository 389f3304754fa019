"""Rules that look at a session while it runs and say when to stop it.

A rule sees the scores up to now and nothing else, so that cutting a recorded session where the rule stops is what the
rule would have done. Scores are in the order that larger is better; a step that could not be scored is NaN.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from ...arrays import Bool, Float, Int
from ...errors import InputError, SettingsError
from ...results.record import dump, load

BAND, WINDOW = 0.95, 3  # of loop gain: where LoopGain's band of standing still begins, and its smoothing


@dataclass(frozen=True)
class Rule(ABC):
    """One rule with its settings, one of which is its knob: it orders the rule from cautious to bold.

    Attributes
    ----------
    at_most : int or None
        It stops after so many steps whatever it sees.
    """

    FAMILY: ClassVar[str]
    at_most: int | None = field(default=None, kw_only=True)

    @abstractmethod
    def fires(self, seen: Float) -> Bool:
        """Return where the rule says stop, looking at the scores up to there and not at `at_most`.

        Parameters
        ----------
        seen : float array, shape (n_sessions, n_steps)

        Returns
        -------
        bool array, shape (n_sessions, n_steps)
        """

    def stops(self, seen: Float, last: Int) -> Int:
        """Return the place after which each session is stopped, the last of its own where the rule never stops it.

        Parameters
        ----------
        seen : float array, shape (n_sessions, n_steps)
            Score after each step, larger is better; NaN where there is none.
        last : int array, shape (n_sessions,)
            Place of the last step of each session.
        """
        return np.minimum(self.wanted(seen), last)

    def wanted(self, seen: Float) -> Int:
        """Return the place after which each session is stopped, `n_steps` for never, shape (n_sessions,)."""
        fires = self.fires(seen)
        place: Int = np.where(fires.any(axis=1), fires.argmax(axis=1), seen.shape[1])
        return place if self.at_most is None else np.minimum(place, self.at_most)

    @property
    @abstractmethod
    def condition(self) -> str:
        """When it stops, `at_most` aside, as what follows "stop when"; empty where only the number of steps counts."""

    @property
    def sentence(self) -> str:
        """What it does, in words."""
        limit = "" if self.at_most is None else f"after {self.at_most} step{'s' * (self.at_most != 1)}"
        when = self.condition and f"when {self.condition}"
        later = ", at the latest " if when and limit else ""
        return f"stop {when}{later}{limit}" if when or limit else "never stop"

    def capped(self, at_most: int | None) -> Self:
        """Return the same rule with another limit on the number of steps."""
        return replace(self, at_most=at_most)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: the family and the settings."""
        return {"family": self.FAMILY, **dump(self)}

    def __post_init__(self) -> None:
        """Refuse settings that no session could follow."""
        for name, least in (("at_most", 0), ("patience", 1), ("window", 1), ("gain", 0), ("band", 0)):
            given = getattr(self, name, None)
            if given is not None and not given >= least:
                raise SettingsError(f"`{name}` of the rule `{self.FAMILY}` must be at least {least}. Got {given!r}.")


@dataclass(frozen=True)
class FullRun(Rule):
    """Never stops a session."""

    FAMILY = "full_run"
    condition = ""

    def fires(self, seen: Float) -> Bool:
        """Return False everywhere."""
        return np.zeros(seen.shape, dtype=np.bool_)


@dataclass(frozen=True)
class FixedSteps(FullRun):
    """Stops after `at_most` steps, whatever the scores: smaller is bolder."""

    FAMILY = "fixed"


@dataclass(frozen=True)
class Patience(Rule):
    """Stops when the best score so far has not risen by more than `gain` within the last `patience` steps.

    Fewer steps, or a larger gain, are bolder. Steps without a score count: they brought nothing.
    """

    FAMILY = "patience"
    patience: int = 3
    gain: float = 0.0

    @property
    def condition(self) -> str:
        """When it stops."""
        least = f"has risen by {self.gain:.3g} or less" if self.gain else "has not risen"
        return f"the best score so far {least} within {self.patience} step{'s' * (self.patience != 1)}"

    def fires(self, seen: Float) -> Bool:
        """Return where best(t) - best(t - patience) <= gain."""
        best = _best(seen)
        out = np.zeros(seen.shape, dtype=np.bool_)
        if seen.shape[1] > self.patience:
            # Written as a sum, because the difference of two scores that are both missing is no number.
            out[:, self.patience :] = best[:, self.patience :] <= best[:, : -self.patience] + self.gain
        return out


@dataclass(frozen=True)
class Threshold(Rule):
    """Stops when the mean of the last `window` scores reaches `level`: a lower level is bolder.

    With a window of 1 this is a threshold on the score itself.
    """

    FAMILY = "threshold"
    level: float
    window: int = 1

    @property
    def condition(self) -> str:
        """When it stops."""
        return f"{'the score' if self.window == 1 else f'the mean of {self.window} scores'} reaches {self.level:.3g}"

    def fires(self, seen: Float) -> Bool:
        """Return where the mean of the scores within the last `window` steps is at least `level`."""
        if self.window == 1:
            return np.asarray(seen >= self.level)
        out = np.zeros(seen.shape, dtype=np.bool_)
        if seen.shape[1] >= self.window:
            scored = ~np.isnan(seen)
            scores = np.where(scored, seen, 0.0)
            ends = seen.shape[1] - self.window + 1
            count = sum(scored[:, k : ends + k].astype(np.float64) for k in range(self.window))
            total = sum(scores[:, k : ends + k] for k in range(self.window))
            out[:, self.window - 1 :] = (total >= self.level * count) & scored[:, self.window - 1 :]
        return out


@dataclass(frozen=True)
class LoopGainBands(Rule):
    """Stops when the error no longer shrinks: its ratio from step to step, smoothed, has left the band below `band`.

    With the error e(t) = target - score(t), never below 0, and the gain a(t) = e(t)/e(t-1): stops where the error is 0,
    or where the exponential average of a over `window` steps is at least `band`. A smaller band is bolder. A step
    without a score leaves everything as it was.

    References
    ----------
    LoopGain (2026), github.com/loopgain-ai/loopgain, its first classifier: loop gain of 0.3, 0.85, 0.95 and 1.05 as
    the ends of the bands, smoothing over 3, standing still or growing as the end. Written anew from its description.
    """

    FAMILY = "loop_gain"
    target: float
    band: float = BAND
    window: int = WINDOW

    @property
    def condition(self) -> str:
        """When it stops."""
        return f"the distance to {self.target:.3g} shrinks to no less than {self.band:.3g} of itself a step"

    def fires(self, seen: Float) -> Bool:
        """Return where the smoothed gain is at least `band`, or the error is 0."""
        # Scores are moved to the front, past the steps without one, and what was found back to its place.
        order = np.argsort(np.isnan(seen), axis=1, kind="stable")
        error = np.maximum(self.target - np.take_along_axis(seen, order, axis=1), 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            gain = error[:, 1:] / error[:, :-1]  # after an error of 0, where the session has stopped, it is no matter
            fires: Bool = error == 0
            fires[:, 1:] |= _smoothed(gain, 1 - 2 / (self.window + 1)) >= self.band
        out = np.empty_like(fires)
        np.put_along_axis(out, order, fires & ~np.isnan(error), axis=1)
        return out


def _smoothed(values: Float, keep: float) -> Float:
    """Return s(0) = x(0), s(t) = keep s(t-1) + (1 - keep) x(t), by doubling the reach instead of step by step."""
    out = np.where(np.arange(values.shape[1]) == 0, 1.0, 1 - keep) * values
    reach = 1
    while reach < values.shape[1]:
        out[:, reach:] = out[:, reach:] + keep**reach * out[:, :-reach]
        reach *= 2
    return out


FAMILIES: dict[str, type[Rule]] = {c.FAMILY: c for c in (FullRun, FixedSteps, Patience, Threshold, LoopGainBands)}


def rule_from(data: Mapping[str, Any]) -> Rule:
    """Read back what `Rule.to_dict` returned.

    Raises
    ------
    InputError
        The family is unknown, or a setting is missing.
    """
    family = data.get("family")
    if family not in FAMILIES:
        raise InputError(f"expected a rule of one of the families {', '.join(FAMILIES)}. Got {family!r}.")
    return load(FAMILIES[family], data)


def _best(seen: Float) -> Float:
    """Return the best score so far, minus infinity before the first, shape (n_sessions, n_steps)."""
    return np.maximum.accumulate(np.where(np.isnan(seen), -np.inf, seen), axis=1)
