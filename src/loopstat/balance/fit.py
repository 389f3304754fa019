"""The result of a balance fit: potential, test, currents, chain facts, checks and verdict; complete at birth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..arrays import Float
from ..inference.estimate import Estimate, TestResult, number, show
from ..panel.tally import Counts
from ..results.check import Check
from ..results.record import Record, inside, written
from ..results.result import Table
from .currents import Current, Cycle, EntropyProduction
from .features.record import ParametricFit
from .potentials.potential import Potential
from .tests.cycles import SourceStatistic
from .tests.reversal import BalanceTest
from .verdict import BalanceVerdict

if TYPE_CHECKING:
    from .chain.model import MarkovChain

ANSWERS: dict[str, str] = {"balanced": "in detailed balance", "driven": "driven", "cannot_tell": "cannot tell"}
"""Action to the words that the sentence of a verdict begins with."""

MOST_PAIRS = 300
MOST_CLASSES = 10_000  # beyond, single states are told by `transient` and `absorbing` alone


def whole(value: float) -> float:
    """Return a count as a whole number where it is one: counts may have fractions."""
    return int(value) if float(value).is_integer() else value


def _without_states(made: ParametricFit | None) -> dict[str, Any] | None:
    """Return the plain-data form of a potential by features; its states are those of the group."""
    return None if made is None else {k: v for k, v in made.to_dict().items() if k != "states"}


class FitSettings(Protocol):
    """What a fit keeps of its settings."""

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        ...


@dataclass(frozen=True, eq=False)
class StateClass(Record):
    """States that all lead to each other: their names, whether no transition leaves them, transitions inside."""

    states: tuple[str, ...]
    closed: bool
    n_transitions: float


@dataclass(frozen=True, eq=False)
class Recorded(Record):
    """What was counted, as far as it is written.

    Attributes
    ----------
    n_transitions : float
    n_states : int
    n_sessions : int or None
        None for tables without sessions.
    states : tuple of str
    visits : float array, shape (n_states,)
    visits_rule : str
    classes : tuple of StateClass
        All of them, or those of several states where there are very many.
    transient, absorbing : tuple of str
        Single states never entered again, and never left.
    """

    n_transitions: float
    n_states: int
    n_sessions: int | None
    states: tuple[str, ...]
    visits: Float
    visits_rule: str
    classes: tuple[StateClass, ...]
    transient: tuple[str, ...]
    absorbing: tuple[str, ...]

    @classmethod
    def of(cls, counts: Counts, n_sessions: int | None) -> Recorded:
        """Return what is written of counts."""
        names, classes = counts.states, counts.classes
        return cls(
            whole(counts.total),
            len(names),
            n_sessions,
            names,
            counts.visits,
            counts.visits_rule,
            tuple(
                StateClass(tuple(names[k] for k in c.states), c.closed, whole(c.transitions))
                for c in (classes if len(classes) <= MOST_CLASSES else classes.several)
            ),
            tuple(names[k] for k in np.flatnonzero(classes.transient)),
            tuple(names[k] for k in np.flatnonzero(classes.absorbing)),
        )


@dataclass(frozen=True, eq=False)
class ExchangedPair(Record):
    """Two states that exchange transitions: counts, ln T(b|a)/T(a|b) with its interval, and V(a) - V(b)."""

    a: str
    b: str
    forward: float
    backward: float
    log_ratio: float
    low: float
    high: float
    potential_difference: float


@dataclass(frozen=True, eq=False)
class Trap(Record):
    """A state that is left more rarely than others: share of visits that leave it, with its interval."""

    state: str
    escape: float
    escape_low: float
    escape_high: float
    action: float
    visits: float
    stationary: float


@dataclass(frozen=True, eq=False)
class BalanceFit(Record):
    """What the counted transitions of one group say; immutable.

    Attributes
    ----------
    label, by : str, dict
        The group's name and the label values that define it.
    recorded : Recorded
        What was counted.
    potential : Potential
        Aligned with `states`.
    test : BalanceTest
    source_statistic : SourceStatistic
    entropy_production : EntropyProduction
    stationary : Estimate
        Stationary law of the reversible chain of the main class, exp(-beta V).
    stationary_free : float array, shape (n_states,)
        That of the maximum-likelihood chain without the condition of balance.
    escape : Estimate
        Share of visits that leave a state.
    relaxation_times : Estimate
        Shape (n_times,): -1/ln|eigenvalue| of the free chain of the main class, in steps, the slowest first.
    spectral_gap : float
    downhill : dict
        `weighted`, `pairs`: share of transitions, and of exchanged pairs, that go down the potential.
    order_test : TestResult
    homogeneity : dict of TestResult
        `steps`, `sessions`.
    pairs, currents, cycles, traps : tuples
    checks : tuple of Check
    verdict : BalanceVerdict
    reasons : dict
        JSON key that is null to the sentence that says why.
    parametric : ParametricFit or None
        A potential that is a function of features of the states, where one was asked for.
    settings, counts, model : ReversibleChain, Counts, MarkovChain, or None
        How it was fitted, to what, and the maximum-likelihood reversible chain of the main class, ready to `simulate`;
        not written to JSON, and None in a result read back.
    """

    KEYS = (
        *("label", "by", "recorded", "potential", "downhill", "test", "source_statistic", "entropy_production"),
        *("stationary", "stationary_free", "escape", "relaxation_times", "spectral_gap", "order_test", "homogeneity"),
        *("pairs", "currents", "cycles", "traps", "checks", "parametric", "verdict", "reasons"),
    )

    label: str
    by: dict[str, str]
    recorded: Recorded = field(metadata=inside())
    potential: Potential = field(metadata=inside())
    test: BalanceTest
    source_statistic: SourceStatistic
    entropy_production: EntropyProduction
    stationary: Estimate
    stationary_free: Float
    escape: Estimate
    relaxation_times: Estimate
    spectral_gap: float
    downhill: dict[str, float]
    order_test: TestResult
    homogeneity: dict[str, TestResult]
    pairs: tuple[ExchangedPair, ...]
    currents: tuple[Current, ...]
    cycles: tuple[Cycle, ...]
    traps: tuple[Trap, ...]
    checks: tuple[Check, ...]
    verdict: BalanceVerdict
    reasons: dict[str, str]
    parametric: ParametricFit | None = field(default=None, metadata=written(write=_without_states))
    settings: FitSettings | None = field(default=None, repr=False)
    counts: Counts | None = field(default=None, repr=False)
    model: MarkovChain | None = field(default=None, repr=False)

    def completed(self, data: Mapping[str, Any]) -> BalanceFit:
        """Return the fit whose potential by features knows the states again."""
        made = self.parametric
        return self if made is None else replace(self, parametric=replace(made, states=self.states))

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states."""
        return self.recorded.states

    @property
    def action(self) -> float:
        """Action of the potential."""
        return self.potential.action

    @property
    def n_sessions(self) -> int | None:
        """Sessions; None for tables without them."""
        return self.recorded.n_sessions

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
        order = np.argsort(-self.recorded.visits, kind="stable")[:20]
        rows = [
            (
                self.states[k],
                number(float(self.recorded.visits[k]), 4),
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
