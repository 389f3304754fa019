"""When to stop, from the mean curve of the value held: the estimator and its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..errors import InputError, SettingsError
from ..inference.resample import Resampling, bootstrap_weights
from ..inference.shared import own_resampling
from ..panel.model import Rng
from ..panel.panel import Panel
from ..parameters import checked, number
from .fit import DecisionFit, Units, fit_group, units_of
from .forecasting.forecast import refuse_unknown
from .forecasting.predictors import Family
from .held import scored
from .rows import FIT

FEWEST_DRAWS = 200  # a limit of the loss is a quantile of them, whatever was asked for
NUMBER = number("number", "", None, "")


@dataclass(frozen=True)
class MeanCurve:
    """When to stop: the mean value held after each step, less what the steps cost.

    Within the recorded steps the curve is the mean itself, sessions that were cut off being carried on as those still
    seen went; beyond them it is continued by curves that fit, and marked as extrapolated.

    Parameters
    ----------
    price : float, optional
        Of one step, in units of the value; default 0.02 standard deviations of the value held between sessions.
    cost, worth : str, float, optional
        A label column of what each step costs, and how many of its units buy one unit of value.
    keep : str, optional
        `last`, `best` (so far), `accepted` or `success`; default `accepted` where parents are recorded, `success` for
        scores of 0 and 1 that end their sessions, else `last`.
    select, value : str, optional
        The objective that the loop sees and selects by, and the one that counts.
    weights : mapping, optional
        What one unit of each objective is worth; default one objective raw, several 1/(n sd) each.
    ended : str, optional
        Label column that says which sessions ended by themselves.
    horizon : int, optional
        The farthest step considered; default 1.5 times the last recorded one.
    exact : bool
        The recorded score is free of noise: rules may look at it.
    rules : bool
        Judge rules that look at the session, on held-out clusters, and choose one.
    guarantee : float, optional
        Mean loss that a rule must not exceed, in units of the value.
    confidence : float
        Of the guarantee.
    forecast : bool
        Say what sessions will hold, with bands; so do the next three.
    target : mapping, optional
        Objective to the bar it must reach in its good direction, all of them in one version.
    session : str, optional
        Name of a session under way.
    scores : sequence of float, optional
        Of a session under way, where one objective counts.
    cluster : str, optional
    n_boot : int
        Bootstrap replicates (weights on clusters), 200 at least.
    level : float

    Notes
    -----
    *When it is wrong*: where sessions are cut off because of something that is not recorded; where the score that
    selects is noisy and also counts (`best` is then an upper figure); where what comes after the record was announced
    by nothing in it.

    References
    ----------
    Robins (1986) for sessions that are cut off; Cameron and Miller (2015) for few clusters.
    """

    price: float | None = None
    cost: str | None = None
    worth: float | None = None
    keep: str | None = None
    select: str | None = None
    value: str | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    ended: str | None = None
    horizon: int | None = None
    exact: bool = False
    rules: bool = False
    guarantee: float | None = None
    confidence: float = 0.95
    forecast: bool = False
    target: Mapping[str, float] = field(default_factory=dict)
    session: str | None = None
    scores: Sequence[float] = ()
    cluster: str | None = None
    n_boot: int = 1000
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse settings out of range, and those that contradict one another."""
        checked(self, FIT)
        if (self.cost is None) != (self.worth is None):
            raise SettingsError("`cost` and `worth` go together: a column, and how many of its units buy one of value.")
        if self.cost is not None and self.price is not None:
            raise SettingsError("`price` and `cost` are two ways to say what a step costs: give one of them.")
        if self.weights and self.value is not None:
            raise SettingsError("`weights` and `value` are two ways to say what counts: give one of them.")
        if self.scores and self.session is not None:
            raise SettingsError("`session` and `scores` are two ways to name a session under way: give one of them.")
        for name, bar in self.target.items():
            NUMBER.read(bar, f"target {name}")
        object.__setattr__(self, "scores", tuple(NUMBER.read(score, "scores") for score in self.scores))

    def fit(
        self,
        panel: Panel,
        *,
        rng: Rng | int | None = None,
        resampling: Resampling | None = None,
        label: str = "all",
        units: Units | None = None,
        predictors: Mapping[str, Family] | None = None,
    ) -> DecisionFit:
        """Decide for one group of sessions.

        Parameters
        ----------
        panel : Panel
        rng : Generator or seed, optional
            For bootstrap weights where `resampling` is not given, and for the halves in which rules are judged. Default
            seed 0.
        resampling : Resampling, optional
            Clusters and weights shared with other groups.
        label : str
            Decides, with the seed, in which halves of the clusters rules are judged.
        units : Units, optional
            Of the value, shared with other groups; default those of this panel alone.
        predictors : mapping, optional
            Of other lenses by name, for forecasts: used for levels where they beat the averaged curve.

        Raises
        ------
        InputError
            No session has a score.
        """
        if not scored(panel):
            raise InputError(f"{label}: no session has a score, so nothing is held at any step.")
        rng = np.random.default_rng(0 if rng is None else rng)
        if resampling is None:  # where groups share one, the whole was looked at
            refuse_unknown(self, panel)
            resampling = own_resampling(panel, column=self.cluster, n_boot=self.n_boot, rng=rng)
        resampling = with_enough_draws(resampling)
        return fit_group(self, panel, resampling, label, units or units_of(self, [panel]), rng, predictors)


def with_enough_draws(resampling: Resampling) -> Resampling:
    """Return clusters and weights, as many of them as a limit of the loss needs."""
    if len(resampling.weights) >= FEWEST_DRAWS:
        return resampling
    weights = bootstrap_weights(len(resampling.clusters), FEWEST_DRAWS, np.random.default_rng(0))
    return Resampling(resampling.clusters, weights)
