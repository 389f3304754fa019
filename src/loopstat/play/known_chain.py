"""What a fit of a known chain holds on average: true figures, with the intervals that so many transitions would give.

The record of a fit, made of the truth, so that every picture and figure of a fit can be had of a chain that is set.
"""

from __future__ import annotations

import numpy as np

from ..balance.currents import EntropyProduction, MainChain, cycles_in, net_currents, produced
from ..balance.figures import chain_figures
from ..balance.fit import BalanceFit, Recorded
from ..balance.potentials.least_action import Exchanges
from ..balance.potentials.potential import potential
from ..balance.settings import ReversibleChain
from ..balance.tests.cycles import SourceStatistic
from ..balance.tests.reversal import BalanceTest
from ..balance.verdict import BalanceVerdict
from ..inference.estimate import Estimate, TestResult
from ..panel.tally import Counts
from ..results.check import Check

LEVEL = 0.95
SET = "the chain is set: there is nothing to test."
BALANCED = 1e-9  # nats a step that are the rounding of a balance
ONE_CHAIN = Check("time_varying", None, 0.05, True, "Early and late steps follow the chain that was set.")


def known_chain(counts: Counts, label: str, n_sessions: int | None) -> BalanceFit:
    """Return the fit of expected counts.

    Parameters
    ----------
    counts : Counts
        Expected transitions; fractions.
    label : str
    n_sessions : int or None

    Returns
    -------
    BalanceFit
        Entropy production and currents are the truth, without intervals; potential, stationary law, escapes and times
        have those of so many transitions.
    """
    v, pairs, chain = potential(counts, level=LEVEL), Exchanges.of(counts), MainChain.of(counts)
    assert chain is not None  # noqa: S101 - every system has states that lead to each other
    up, down = chain.flows(chain.counts.count, chain.visits, chain.pi)
    both = chain.pairs.both_ways
    entropy = float(produced(up, down, both))
    entropy = entropy if entropy > BALANCED else 0.0
    net = np.where(np.abs(up - down) > BALANCED, up - down, 0.0) if entropy else np.zeros(len(up))
    untested = TestResult.impossible(SET)
    action = "driven" if entropy else "balanced"
    return BalanceFit(
        label=label,
        by={},
        settings=ReversibleChain(),
        counts=counts,
        recorded=Recorded.of(counts, n_sessions),
        potential=v,
        test=BalanceTest.impossible(SET, statistic=0.0, df=pairs.n_cycles),
        source_statistic=SourceStatistic(0, np.nan, None, np.nan),
        entropy_production=EntropyProduction(entropy, entropy, entropy, int(np.sum(~both))),
        order_test=untested,
        homogeneity={"steps": untested, "sessions": untested},
        currents=net_currents(chain, Estimate(net, net, net)),
        cycles=cycles_in(chain, net, LEVEL) if entropy else (),
        checks=(ONE_CHAIN,),
        verdict=BalanceVerdict(action, f"{action}: it was set so."),
        reasons={"test": SET, "order_test": SET, "homogeneity": SET},
        **chain_figures(counts, chain, pairs, v, LEVEL),
    )
