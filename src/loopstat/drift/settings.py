"""Linear drift of objective vectors: the estimator and its settings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import SettingsError
from ..inference.resample import Resampling
from ..inference.shared import own_resampling
from ..inference.workers import Progress
from ..panel.model import Rng
from ..panel.noise import ScorerNoise
from ..panel.panel import Panel
from ..parameters import checked
from .fit import LinearDriftFit
from .fitting import fit_group
from .rows import FIT


@dataclass(frozen=True)
class LinearDrift:
    """Linear drift dx = A x + b + noise, Cov(noise) = Q, with intervals by cluster.

    Parameters
    ----------
    estimator : str
        `pooled`: least squares over all transitions. `within`: about each session's own mean, with the Nickell
        correction; allows for lasting differences between sessions. `instrument`: the score a step earlier as
        instrument; allows for a noisy scorer (differenced, and three steps back, where sessions differ too). `eiv`:
        errors in variables with a scorer noise that is known. `latent`: maximum likelihood with both differing
        sessions and scorer noise. `auto`: chosen by what the data show.
    n_boot : int
        Bootstrap replicates (weights on clusters; no row is resampled).
    level : float
        Coverage of the intervals.
    cluster : str, optional
        Label column of the resampling unit; default whatever shares a start.
    scorer_noise : ScorerNoise, optional
        Covariance of the scorer's noise where it is known; a `repeat` column in the table measures it.
    stops_at_bounds : bool
        The loop itself stops at the objectives' bounds (it is not merely read through a clip): a censored likelihood
        is then right.
    thorough : bool
        Also the slow parts of the latent fit: a profile interval of the slowest modulus, a parametric bootstrap of the
        two tests, and the fit against a free covariance.

    Notes
    -----
    Intervals of `pooled` leave one cluster out and use t(C-1) below 100 clusters; above, they are bootstrap
    percentiles. The other estimators leave out single clusters up to 200 of them, one of 100 groups beyond. The fixed
    point has Fieller's interval at any number. Beyond 2,000 clusters, 1,000 random blocks of them stand in for them in
    everything that is resampled, left out or tested: the estimates are the same, and so is what the intervals cover.

    The intervals of `half_life` and `rate_exact` are the hull of those of `pooled` and `within`, of `instrument` and
    `latent` where the data let them stand, and of the estimator chosen: no test is sure to pick one. An estimator asked
    for by name is never replaced by another: where its form does not fit the data an InputError says which would, and
    where the scores do not bear it the group is refused with that reason, beside others that keep their answers.

    *When it is wrong*: for `pooled`, noisy scorers fake convergence, differing sessions fake persistence, and neither
    shrinks with more data; `within` takes scorer noise for convergence; `instrument` takes differing sessions for
    persistence. For all: curved drift; maps that differ between sessions; scores piled up at a bound. Each has a check.

    References
    ----------
    Shukla and Joshi (2025), eq. 5; Nickell (1981); Hahn and Kuersteiner (2002); Anderson and Hsiao (1981); Fuller
    (1987); Kenny and Zautra (1995).
    """

    estimator: str = "auto"
    n_boot: int = 1000
    level: float = 0.95
    cluster: str | None = None
    scorer_noise: ScorerNoise | None = None
    stops_at_bounds: bool = False
    thorough: bool = False

    def __post_init__(self) -> None:
        """Refuse settings out of range."""
        checked(self, FIT)
        if self.stops_at_bounds and self.estimator not in ("auto", "pooled"):
            raise SettingsError(
                f"`stops_at_bounds` asks for a censored regression; it does not go with `{self.estimator}`."
            )

    def fit(
        self,
        panel: Panel,
        *,
        rng: Rng | int | None = None,
        resampling: Resampling | None = None,
        label: str = "all",
        progress: Progress | None = None,
    ) -> LinearDriftFit:
        """Fit one group of sessions; never raises for data that cannot answer, but says so in the result.

        Parameters
        ----------
        panel : Panel
        rng : Generator or seed, optional
            Used for the folds of the skill, and for bootstrap weights where `resampling` is not given. Default seed 0.
        resampling : Resampling, optional
            Clusters and weights shared with other groups.
        label : str
        progress : callable, optional
            Called with (done, total, name) before each stage: `sums`, `estimator`, `quantities`, `checks`.
        """
        rng = np.random.default_rng(0 if rng is None else rng)
        if resampling is None:
            resampling = own_resampling(panel, column=self.cluster, n_boot=self.n_boot, rng=rng)
        return fit_group(self, panel, resampling, rng, label, progress)
