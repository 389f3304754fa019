"""How often recordings of a known chain would show that it is driven: by approximation, and by drawing them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float
from ..balance.potentials.least_action import Exchanges
from ..balance.potentials.potential import strengths
from ..balance.tests.cycles import likelihood_ratio
from ..balance.tests.exact import exact_draws, exact_draws_within
from ..inference.estimate import Estimate
from ..inference.intervals import share
from ..inference.tests import chi_square_quantile
from ..inference.workers import Progress, run_all
from ..panel.tally import Counts
from ..results.record import Record
from .chains import System

SIZE, WANTED = 0.05, 0.8
POINTS = 41
DRAWS, RECORDINGS = 99, 100
MOST = 1_500_000  # transitions drawn in all recordings together
FEWEST = 20
PER_TRANSITION = 15  # tries between two draws of a session: an exact p-value holds however short the walk
NEGLIGIBLE = 1e-9  # likelihood ratio, per transition, that is the rounding of a balanced chain


@dataclass(frozen=True, eq=False)
class Power(Record):
    """Chance that the test of detailed balance, at 5 %, finds a chain driven.

    Attributes
    ----------
    df : int
        Independent cycles; 0 where there is nothing to test.
    n : float array, shape (n_points,)
        Numbers of transitions.
    power_at : float array, shape (n_points,)
        Power there, by the noncentral chi-square law of the likelihood ratio.
    approximate : float
        The same at the number that is recorded; NaN without a cycle.
    enough : float
        Transitions for a power of 80 %; NaN where none do.
    drawn : Estimate
        Share of drawn recordings that the exact test finds driven; NaN in a live answer.
    recordings : int
        That were drawn.
    """

    df: int
    n: Float
    power_at: Float
    approximate: float
    enough: float
    drawn: Estimate
    recordings: int


def power_of(system: System, counts: Counts) -> Power:
    """Return the power that the likelihood ratio of the expected counts stands for.

    Expected counts are to the likelihood ratio what the truth is: its value there is the noncentrality of the
    chi-square law that the statistic then follows, and it grows in proportion to the transitions.

    Parameters
    ----------
    system : System
    counts : Counts
        `system.expected()`.
    """
    from scipy.special import chndtr, chndtrinc

    pairs, n = Exchanges.of(counts), system.transitions
    df = pairs.n_cycles
    places = np.geomspace(10, max(10 * n, 1000), POINTS)
    if df == 0:
        return Power(0, places, np.full(POINTS, np.nan), float("nan"), float("nan"), Estimate.unknown(), 0)
    each = likelihood_ratio(pairs, strengths(pairs)) / n
    each = each if each > NEGLIGIBLE else 0.0
    limit = chi_square_quantile(1 - SIZE, df)
    at = 1 - chndtr(limit, df, places * each)
    needed = float(np.ceil(chndtrinc(limit, df, 1 - WANTED) / each)) if each else float("nan")
    here = float(1 - chndtr(limit, df, n * each))
    return Power(df, places, np.asarray(at), here, needed, Estimate.unknown(), 0)


@dataclass(frozen=True)
class RecordingJob:
    """One recording to draw and to test."""

    system: System
    seed: int
    k: int
    label: str = "recordings"

    @property
    def size(self) -> int:
        """Its transitions."""
        return self.system.transitions

    def run(self, progress: Progress | None = None) -> bool:
        """Return whether the exact test finds the recording driven; it is the one the balance lens makes."""
        del progress
        rng = np.random.default_rng([self.seed, 3, self.k])
        counts = self.system.counted(rng)
        thin = int(PER_TRANSITION * counts.total)
        found = exact_draws_within(counts, n_draws=DRAWS, rng=rng, thin=thin)
        found = found or exact_draws(counts, n_draws=DRAWS, rng=rng)
        return found is not None and found.p_value <= SIZE


def drawn_power(system: System, seed: int, progress: Progress | None = None) -> tuple[Estimate, int]:
    """Draw recordings and return the share that the exact test finds driven at 5 %, and how many were drawn."""
    recordings = int(np.clip(MOST / max(system.transitions, 1), FEWEST, RECORDINGS))
    jobs = [RecordingJob(system, seed, k) for k in range(recordings)]
    # In threads: the walks are compiled and hold up nobody.
    found = run_all(jobs, mode="thread", progress=progress)
    return share(found), recordings
