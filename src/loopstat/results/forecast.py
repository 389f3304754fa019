"""A forecast: what a session will hold, how likely a target is, and how such forecasts did on held-out clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..arrays import Float, Int
from ..inference.estimate import Estimate
from .record import Record


@dataclass(frozen=True, eq=False)
class Bands(Record):
    """What is held after each step: the mean, and the ranges that hold half and nine tenths of the sessions.

    Attributes
    ----------
    step : int array, shape (n_steps,)
        Step number as in the file.
    mean, low_90, low_50, high_50, high_90 : float arrays, shape (n_steps,)
        In units of the value.
    """

    step: Int
    mean: Float
    low_90: Float
    low_50: Float
    high_50: Float
    high_90: Float


@dataclass(frozen=True, eq=False)
class TargetChance(Record):
    """How likely it is that the version held reaches a target.

    Attributes
    ----------
    target : dict
        Objective to the bar it must reach, in its good direction; all of them at once.
    at, by : Estimate, arrays of shape (n_steps,)
        That it is met at the step, and that it has been met at that step or an earlier one.
    half : int or None
        First step by which it is at least as likely as not; None where that is beyond the horizon.
    """

    target: Mapping[str, float]
    at: Estimate
    by: Estimate
    half: int | None


@dataclass(frozen=True, eq=False)
class Prediction(Record):
    """What one session will hold.

    Attributes
    ----------
    of : str
        `new`, the name of a session of the file, or `scores` for one given by its scores.
    since : int
        Last step that is known of it; the first step for a new session.
    recorded : int
        Last step that the record can judge.
    bands : Bands
    target : TargetChance or None
        At the steps of `bands`.
    """

    of: str
    since: int
    recorded: int
    bands: Bands
    target: TargetChance | None = None


@dataclass(frozen=True, eq=False)
class Score(Record):
    """How one way to predict did on held-out clusters.

    Attributes
    ----------
    name : str
    log_score : float
        Mean logarithm of the probability given to what came, in nats a value; ranges of the value hold a tenth each.
    ahead : Estimate
        How much better the predictor that is used did than this one.
    rmse : float
        Root mean square error of its mean, in units of the value.
    """

    name: str
    log_score: float
    ahead: Estimate
    rmse: float


@dataclass(frozen=True, eq=False)
class ForecastQuality(Record):
    """How forecasts did on clusters that they had not seen.

    Attributes
    ----------
    n, sessions, clusters : int
        Values foretold, and the sessions and clusters they belong to.
    coverage_50, coverage_90 : Estimate
        Share of values inside the bands.
    pit : float array, shape (10,)
        Share of values in each tenth of their forecast law; 0.1 each where the forecasts are right.
    scores : tuple of Score
    """

    n: int
    sessions: int
    clusters: int
    coverage_50: Estimate
    coverage_90: Estimate
    pit: Float
    scores: tuple[Score, ...]


@dataclass(frozen=True, eq=False)
class Forecast(Record):
    """What sessions of one group will hold.

    Attributes
    ----------
    predictor : str or None
        What carries sessions on where they are not recorded; None where there is too little to go by.
    sentence : str
    sessions : int
        That stand for a new one.
    new, session : Prediction or None
        Of a new session, and of the one under way that was asked for.
    quality, beyond : ForecastQuality or None
        Within the record given each session's first steps; and beyond a record cut to two thirds of its steps.
    """

    predictor: str | None
    sentence: str
    sessions: int
    new: Prediction | None = None
    session: Prediction | None = None
    quality: ForecastQuality | None = None
    beyond: ForecastQuality | None = None
