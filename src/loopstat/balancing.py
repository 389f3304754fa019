"""The balance lens on a whole recording: one fit for each group, and whether one potential serves them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import __version__
from .balance_fit import BalanceFit
from .counts import Counts
from .one_potential import CommonPotential, common_potential
from .panel import Panel, Source
from .result import Table, number, plain
from .reversible import ReversibleChain

SCHEMA = "loopstat.balance/1"
MANY_GROUPS = 20  # beyond, sizes are simulated only where asked for

Part = tuple[Mapping[str, str], Panel | Counts]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class BalanceAnalysis:
    """Balance fits of every group of a recording.

    Attributes
    ----------
    groups : tuple of BalanceFit
    common_potential : CommonPotential or None
        None where fewer than two groups share three states.
    source : Source
    settings : dict
    notes : tuple of str
        What was guessed, in sentences.
    """

    groups: tuple[BalanceFit, ...]
    common_potential: CommonPotential | None
    source: Source = field(default_factory=Source)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def n_transitions(self) -> float:
        """Transitions in all groups."""
        return float(sum(g.counts.total for g in self.groups))

    @property
    def n_states(self) -> int:
        """Distinct states of all groups."""
        return len({s for g in self.groups for s in g.states})

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def summary(self) -> Table:
        """Return one line for each group."""
        rows = tuple(
            (g.label, number(g.counts.total, 6), str(len(g.states)), number(g.test.p_value), g.verdict.sentence)
            for g in self.groups
        )
        return Table("Detailed balance", ("group", "transitions", "states", "p", "verdict"), rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON; null where nothing can be said."""
        total = self.n_transitions
        return {
            "schema": SCHEMA,
            "version": __version__,
            "source": {"files": list(self.source.files), "digest": self.source.digest},
            "settings": plain(self.settings),
            "notes": list(self.notes),
            "n_transitions": int(total) if total.is_integer() else total,
            "n_states": self.n_states,
            "groups": [g.to_dict() for g in self.groups],
            "common_potential": None if self.common_potential is None else self.common_potential.to_dict(),
        }


def analyze_balance(
    parts: Sequence[Part],
    *,
    estimator: ReversibleChain | None = None,
    seed: int = 0,
    source: Source | None = None,
    settings: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> BalanceAnalysis:
    """Fit every group of a recording and compare their potentials.

    Parameters
    ----------
    parts : sequence of (labels, recording)
        Label values that define the group, and its Panel (with a `state` label) or Counts.
    estimator : ReversibleChain, optional
    seed : int
        Each group's random numbers depend on the seed and its label only.
    source, settings, notes : optional
        Kept with the result.
    progress : callable, optional
        Called with (done, total, label).

    Returns
    -------
    BalanceAnalysis

    Examples
    --------
    >>> ring = Counts.of_matrix([[0, 40, 10], [10, 0, 40], [40, 10, 0]])
    >>> analyze_balance([({}, ring)]).groups[0].test.p_value
    0.001
    """
    estimator = estimator or ReversibleChain()
    fits = []
    for k, (by, recording) in enumerate(parts):
        label = ", ".join(f"{column}={value}" for column, value in by.items()) or "all"
        if progress:
            progress(k, len(parts), label)
        rng = np.random.default_rng([seed, *label.encode()])
        fits.append(estimator.fit(recording, rng=rng, label=label, by=dict(by)))
    if progress:
        progress(len(parts), len(parts), "")
    kept = {
        "kernel": estimator.kernel,
        "beta": estimator.beta,
        "visits": estimator.visits,
        "lag": estimator.lag,
        "test": estimator.test,
        "bootstrap": estimator.n_draws,
        "level": estimator.level,
        "cluster": estimator.cluster,
        "size_draws": estimator.size_draws,
        "seed": seed,
    }
    common = common_potential(
        [(f.counts, f.potential) for f in fits], level=estimator.level, rng=np.random.default_rng([seed, len(fits)])
    )
    return BalanceAnalysis(
        groups=tuple(fits),
        common_potential=common,
        source=source or Source(),
        settings={**kept, **(settings or {})},
        notes=tuple(notes),
    )
