"""When simulated runs arrive: quantiles in which never is later than everything, with Monte Carlo intervals."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import ArrayLike

from ..inference.estimate import Estimate
from ..inference.intervals import LEVEL, average, quantile, share
from .record import Record, written

QUANTILES = {"median": 0.5, "q05": 0.05, "q95": 0.95}


@dataclass(frozen=True, eq=False)
class Arrivals(Record):
    """Quantiles of the moves, or the cost, at which runs arrive, and the share that never does.

    Attributes
    ----------
    median, q05, q95 : Estimate
        Of all runs, one that never arrives being later than any that does: infinite, and null in JSON, where the share
        that never arrives is at least 0.5, 0.95 and 0.05. Intervals by order statistics.
    never : Estimate
        Share of runs that do not arrive within the moves simulated, with its exact binomial interval.
    mean : Estimate
        NaN where any run never arrives.

    Notes
    -----
    Intervals say what more runs of the simulation would change, not how sure its parameters are.
    """

    median: Estimate = field(metadata=written(null=np.inf))
    q05: Estimate = field(metadata=written(null=np.inf))
    q95: Estimate = field(metadata=written(null=np.inf))
    never: Estimate
    mean: Estimate

    @classmethod
    def of(cls, when: ArrayLike, *, level: float = LEVEL) -> Arrivals:
        """Summarise arrival times of shape (n_runs,), infinite where a run never arrives.

        Examples
        --------
        >>> some = Arrivals.of([3, 5, 4, np.inf])
        >>> float(some.median.value), float(some.q95.value), float(some.never.value)
        (5.0, inf, 0.25)
        """
        sorted_ = np.sort(np.asarray(when, dtype=np.float64))
        quantiles = {name: quantile(sorted_, p, level=level) for name, p in QUANTILES.items()}
        arrived = np.isfinite(sorted_)
        mean = average(sorted_, level=level) if arrived.all() else Estimate.unknown()
        return cls(**quantiles, never=share(~arrived, level=level), mean=mean)

    def times(self, factor: float) -> Arrivals:
        """Return the same in other units, such as cost; shares stay."""

        def scaled(e: Estimate) -> Estimate:
            with np.errstate(invalid="ignore"):
                return Estimate(*(float(x) * factor for x in (e.value, e.low, e.high)))

        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Arrivals(**{name: e if name == "never" else scaled(e) for name, e in parts.items()})
