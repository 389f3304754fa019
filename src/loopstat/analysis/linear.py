"""The linear drift as a predictor of sessions: what the drift lens lends to forecasts."""

from __future__ import annotations

import numpy as np

from ..decide.forecasting.histories import Histories
from ..decide.forecasting.predictors import Endings, Predictor, Simulated
from ..drift.model import LinearSDE
from ..drift.sums import Grams, Moments
from ..panel.panel import Pairs


def linear_drift(h: Histories, ahead: int) -> Predictor:
    """Fit x[t+1] = x[t] + A x[t] + b + noise of covariance Q to recorded sessions, pooled over them and their steps.

    Where the regression cannot be had (an objective that does not vary), nothing drifts.

    Parameters
    ----------
    h : Histories
    ahead : int
        Not needed: the model is the same at every step.
    """
    del ahead
    m = h.moves
    pairs = Pairs(m.place, m.place + 1, m.start, m.end, m.session, h.steps[m.place], 0, 1)
    grams = Grams.of(pairs, np.zeros(len(pairs), dtype=np.int64), ("all",))
    found = Moments.of(grams.g, grams)
    still = bool(found.singular[0])
    A, b = (np.zeros_like(found.A[0]), np.zeros_like(found.b[0])) if still else (found.A[0], found.b[0])
    Q = found.cov_dx[0] if still else found.Q[0]
    return Simulated(LinearSDE(A, b, Q, objectives=h.space.names), Endings.of(h))
