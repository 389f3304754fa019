"""The estimator of the balance lens: a reversible Markov chain, its potential, and whether to believe it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..inference.clusters import choose_clusters
from ..panel.model import Rng
from ..panel.panel import Panel
from ..panel.tally import Counts, Visits
from ..parameters import checked
from ..results.check import run_checks
from .checks import RULES, Evidence
from .currents import MainChain, circulation, cycles_of
from .figures import chain_figures, chain_tests, no_circulation, reversible_model, slowest_time
from .fit import BalanceFit, Recorded
from .potentials.least_action import Exchanges
from .potentials.potential import potential
from .rows import FIT, RIDGE
from .tests.cycles import source_statistic
from .tests.reversal import detailed_balance_test
from .verdict import reasons, verdict


@dataclass(frozen=True)
class ReversibleChain:
    """Settings of a balance fit.

    Parameters
    ----------
    kernel : {"likelihood", "exp", "softplus"}
        Maximum likelihood (intervals and tests use it), or least action for comparison.
    beta : float
        Inverse temperature: V is in units of 1/beta nats.
    visits : `observed`, `equal` or a number
        How often each state was the source of an attempt, for panels; counts carry their own.
    lag : int
        Steps between the states of a transition.
    test : {"auto", "exact", "chi-square", "bootstrap"}
    n_draws : int
        Draws of the test's reference law.
    level : float
    cluster : str, optional
        Label column of what shares a start; default: task where sessions share it, else the session.
    size_draws : int
        Recordings simulated for the size of the chi-square and the bootstrap; 0 leaves it out.
    ridge : float
        Penalty on the potential, for sparse graphs.

    Examples
    --------
    >>> ring = Counts.of_matrix([[0, 40, 10], [10, 0, 40], [40, 10, 0]], states=["a", "b", "c"])
    >>> ReversibleChain().fit(ring).verdict.action
    'driven'
    """

    kernel: str = "likelihood"
    beta: float = 1.0
    visits: Visits = "observed"
    lag: int = 1
    test: str = "auto"
    n_draws: int = 999
    level: float = 0.95
    cluster: str | None = None
    size_draws: int = 0
    ridge: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing."""
        checked(self, (*FIT, RIDGE))

    def fit(
        self,
        recording: Panel | Counts,
        *,
        rng: Rng | int | None = None,
        label: str = "all",
        by: dict[str, str] | None = None,
    ) -> BalanceFit:
        """Fit one group.

        Parameters
        ----------
        recording : Panel with a `state` label, or Counts
        rng : Generator or seed, optional
            Default: seed 0.
        label, by : optional
            The group's name and the label values that define it.

        Returns
        -------
        BalanceFit

        Raises
        ------
        SettingsError
            The panel has no `state` label.
        """
        rng = np.random.default_rng(0 if rng is None else rng)
        counts, n_sessions = self._counted(recording)
        v = potential(counts, kernel=self.kernel, beta=self.beta, level=self.level, ridge=self.ridge, rng=rng)
        pairs = Exchanges.of(counts)
        test = detailed_balance_test(
            counts, method=self.test, n_draws=self.n_draws, size_draws=self.size_draws, rng=rng
        )
        chain = MainChain.of(counts)
        flow = no_circulation() if chain is None else circulation(chain, test, level=self.level, rng=rng)
        if not flow.cycles and test.df:
            flow = replace(flow, cycles=cycles_of(counts, level=self.level))
        softplus = v.value if (self.kernel, self.beta) == ("softplus", 1.0) else None
        figures = chain_figures(counts, chain, pairs, v, self.level)
        times = figures["relaxation_times"]
        order, homogeneity = chain_tests(counts, rng)
        checks = run_checks(RULES, Evidence(counts, pairs, test, order, homogeneity, n_sessions))
        return BalanceFit(
            label=label,
            by=dict(by or {}),
            settings=self,
            counts=counts,
            recorded=Recorded.of(counts, n_sessions),
            potential=v,
            model=reversible_model(chain),
            test=test,
            source_statistic=source_statistic(counts, softplus=softplus),
            entropy_production=flow.entropy,
            order_test=order,
            homogeneity=homogeneity,
            currents=flow.currents,
            cycles=flow.cycles,
            checks=checks,
            verdict=verdict(pairs, test, flow, {c.name: c.passed for c in checks}, slowest_time(times, self.lag)),
            reasons=reasons(counts, pairs, test, flow, times.value, size_draws=self.size_draws),
            **figures,
        )

    def _counted(self, recording: Panel | Counts) -> tuple[Counts, int | None]:
        if isinstance(recording, Counts):
            return recording, None
        clusters = choose_clusters(recording, self.cluster) if len(recording) else None
        counts = Counts.of_panel(recording, clusters=clusters, lag=self.lag, visits=self.visits)
        return counts, recording.n_sessions
