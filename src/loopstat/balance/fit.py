"""The result of a balance fit: potential, test, currents, chain facts, checks and verdict; complete at birth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..arrays import Float
from ..panel.tally import Counts
from ..results.result import Check, Table, number, plain, show
from .currents import Current, Cycle, EntropyProduction
from .cycles import SourceStatistic
from .order import ChainTest
from .potential import Potential
from .tests import BalanceTest

if TYPE_CHECKING:
    from .chain import MarkovChain
    from .features.record import ParametricFit
    from .settings import ReversibleChain

Action = Literal["balanced", "driven", "cannot_tell"]
ANSWERS: dict[Action, str] = {"balanced": "in detailed balance", "driven": "driven", "cannot_tell": "cannot tell"}
"""Action to the words that the sentence of a verdict begins with."""

MOST_PAIRS = 300
MOST_CLASSES = 10_000  # beyond, single states are told by `transient` and `absorbing` alone


@dataclass(frozen=True)
class BalanceVerdict:
    """The answer in one word and one sentence."""

    action: Action
    sentence: str


@dataclass(frozen=True)
class Interval:
    """Values with the ends of their intervals, aligned with the states; NaN where nothing can be said."""

    value: Float
    low: Float
    high: Float

    def put(self, into: dict[str, Any], key: str) -> None:
        """Write the three under `key`, `key_low` and `key_high`."""
        into[key], into[f"{key}_low"], into[f"{key}_high"] = plain(self.value), plain(self.low), plain(self.high)


@dataclass(frozen=True)
class ExchangedPair:
    """Two states that exchange transitions: counts, ln T(b|a)/T(a|b) with its interval, and V(a) - V(b)."""

    a: str
    b: str
    forward: float
    backward: float
    log_ratio: float
    low: float
    high: float
    potential_difference: float

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return plain(vars(self))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Trap:
    """A state that is left more rarely than others: share of visits that leave it, with its interval."""

    state: str
    escape: float
    escape_low: float
    escape_high: float
    action: float
    visits: float
    stationary: float

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return plain(vars(self))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class BalanceFit:
    """What the counted transitions of one group say; immutable.

    Attributes
    ----------
    label, by : str, dict
        The group's name and the label values that define it.
    settings : ReversibleChain
    counts : Counts
    n_sessions : int or None
        None for tables without sessions.
    potential : Potential
        Aligned with `counts.states`.
    model : MarkovChain or None
        The maximum-likelihood reversible chain of the main class, ready to `simulate`.
    test : BalanceTest
    source_statistic : SourceStatistic
    entropy_production : EntropyProduction
    stationary : Interval
        Stationary law of the reversible chain of the main class, exp(-beta V).
    stationary_free : float array, shape (n_states,)
        That of the maximum-likelihood chain without the condition of balance.
    escape : Interval
        Share of visits that leave a state.
    relaxation_times : Interval
        Shape (n_times,): -1/ln|eigenvalue| of the free chain of the main class, in steps, the slowest first.
    spectral_gap : float
    downhill : dict
        `weighted`, `pairs`: share of transitions, and of exchanged pairs, that go down the potential.
    order_test : ChainTest
    homogeneity : dict of ChainTest
        `steps`, `sessions`.
    pairs, currents, cycles, traps : tuples
    checks : tuple of Check
    verdict : BalanceVerdict
    reasons : dict
        JSON key that is null to the sentence that says why.
    parametric : ParametricFit or None
        A potential that is a function of features of the states, where one was asked for.
    """

    label: str
    by: dict[str, str]
    settings: ReversibleChain
    counts: Counts
    n_sessions: int | None
    potential: Potential
    model: MarkovChain | None
    test: BalanceTest
    source_statistic: SourceStatistic
    entropy_production: EntropyProduction
    stationary: Interval
    stationary_free: Float
    escape: Interval
    relaxation_times: Interval
    spectral_gap: float
    downhill: dict[str, float]
    order_test: ChainTest
    homogeneity: dict[str, ChainTest]
    pairs: tuple[ExchangedPair, ...]
    currents: tuple[Current, ...]
    cycles: tuple[Cycle, ...]
    traps: tuple[Trap, ...]
    checks: tuple[Check, ...]
    verdict: BalanceVerdict
    reasons: dict[str, str]
    parametric: ParametricFit | None = None

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        return self.counts.states

    def check(self, name: str) -> Check:
        """Return a check by name."""
        return next(c for c in self.checks if c.name == name)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def summary(self) -> Table:
        """Return the potential of the most visited states and the test as a table."""
        v = self.potential
        order = np.argsort(-self.counts.visits, kind="stable")[:20]
        rows = [
            (
                self.states[k],
                number(float(self.counts.visits[k]), 4),
                show(float(v.value[k]), float(v.low[k]), float(v.high[k]))
                if np.isfinite(v.value[k])
                else f"transient (above {number(float(v.bound[k]))})",
                show(float(self.stationary.value[k]), float(self.stationary.low[k]), float(self.stationary.high[k])),
            )
            for k in order
        ]
        more = len(self.states) - len(rows)
        title = f"{self.label}: {self.verdict.sentence}" + (f" ({more} more states)" if more > 0 else "")
        return Table(title, ("state", "visits", "potential", "stationary"), tuple(rows))

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON; null where nothing can be said."""
        names, v = self.states, self.potential
        classes = self.counts.classes
        out: dict[str, Any] = {
            "label": self.label,
            "by": dict(self.by),
            "n_transitions": plain(_whole(self.counts.total)),
            "n_states": len(names),
            "n_sessions": self.n_sessions,
            "states": list(names),
            "visits": plain(self.counts.visits),
            "visits_rule": self.counts.visits_rule,
            "classes": [
                {
                    "states": [names[k] for k in c.states],
                    "closed": c.closed,
                    "n_transitions": plain(_whole(c.transitions)),
                }
                for c in (classes if len(classes) <= MOST_CLASSES else classes.several)
            ],
            "transient": [names[k] for k in np.flatnonzero(classes.transient)],
            "absorbing": [names[k] for k in np.flatnonzero(classes.absorbing)],
        }
        Interval(v.value, v.low, v.high).put(out, "potential")
        out.update(
            potential_bound=plain(v.bound),
            kernel=v.kernel,
            beta=v.beta,
            action=plain(v.action),
            action_per_state=plain(v.action_per_state),
            downhill=plain(self.downhill),
            test=self.test.to_dict(),
            source_statistic=self.source_statistic.to_dict(),
            entropy_production=self.entropy_production.to_dict(),
        )
        self.stationary.put(out, "stationary")
        out["stationary_free"] = plain(self.stationary_free)
        self.escape.put(out, "escape")
        self.relaxation_times.put(out, "relaxation_times")
        out.update(
            spectral_gap=plain(self.spectral_gap),
            order_test=self.order_test.to_dict(),
            homogeneity={k: t.to_dict() for k, t in self.homogeneity.items()},
            pairs=[p.to_dict() for p in self.pairs],
            currents=[c.to_dict() for c in self.currents],
            cycles=[c.to_dict() for c in self.cycles],
            traps=[t.to_dict() for t in self.traps],
            checks=[c.to_dict() for c in self.checks],
            parametric=self._parametric(),
            verdict={"action": self.verdict.action, "sentence": self.verdict.sentence},
            reasons=dict(self.reasons),
        )
        return out

    def _parametric(self) -> dict[str, Any] | None:
        """Return the plain-data form of the potential by features; its states are those of the group."""
        made = {} if self.parametric is None else self.parametric.to_dict()
        return {key: value for key, value in made.items() if key != "states"} or None


def _whole(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value
