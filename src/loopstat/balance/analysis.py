"""The balance lens on a whole recording: one fit for each group, and whether one potential serves them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import SettingsError, argument
from ..inference.estimate import number
from ..inference.workers import Progress, run_all
from ..panel.groups import label_of
from ..panel.panel import Panel, Source
from ..panel.tally import Counts
from ..results.record import Record
from ..results.result import Table
from .features.fit import ParametricPotential
from .features.pairs import StatePairs
from .features.table import Describe, Features, objective_means
from .fit import BalanceFit, whole
from .potentials.common import CommonPotential, common_potential
from .settings import ReversibleChain

SCHEMA = "loopstat.balance/1"
FEATURES = argument("features", "text")
NOT_ASKED = "not asked for: --features text or objectives."

Part = tuple[Mapping[str, str], Panel | Counts]


@dataclass(frozen=True)
class BalanceJob:
    """One group to fit; its random numbers depend on the seed and the label only."""

    estimator: ReversibleChain
    by: Mapping[str, str]
    recording: Panel | Counts
    seed: int

    @property
    def label(self) -> str:
        """The values that define the group, in words."""
        return label_of(self.by)

    @property
    def size(self) -> int:
        """Rows of the group, or transitions."""
        return len(self.recording) if isinstance(self.recording, Panel) else int(self.recording.total)

    def run(self, progress: Progress | None = None) -> BalanceFit:
        """Fit the group."""
        rng = np.random.default_rng([self.seed, *self.label.encode()])
        return self.estimator.fit(self.recording, rng=rng, label=self.label, by=dict(self.by))


@dataclass(frozen=True, eq=False)
class BalanceAnalysis(Record):
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

    KEYS = (
        "schema",
        "version",
        "source",
        "settings",
        "notes",
        "n_transitions",
        "n_states",
        "groups",
        "common_potential",
    )
    SCHEMA = SCHEMA

    groups: tuple[BalanceFit, ...]
    common_potential: CommonPotential | None
    source: Source = field(default_factory=Source)
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def n_transitions(self) -> float:
        """Transitions in all groups."""
        return whole(sum(g.recorded.n_transitions for g in self.groups))

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
            (
                g.label,
                number(g.recorded.n_transitions, 6),
                str(len(g.states)),
                number(g.test.p_value),
                g.verdict.sentence,
            )
            for g in self.groups
        )
        return Table("Detailed balance", ("group", "transitions", "states", "p", "verdict"), rows)


def analyze_balance(
    parts: Sequence[Part],
    *,
    estimator: ReversibleChain | None = None,
    features: str | Describe | None = None,
    symbolic: bool = False,
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
    features : "text", "objectives" or callable, optional
        Fit a potential that is a function of features too: of the states' own texts, of their mean objectives (for
        panels that have any), or of what a function makes of the list of their names.
    symbolic : bool
        Search a formula of the features.
    seed : int
        Each group's random numbers depend on the seed and its label only.
    source, settings, notes : optional
        Kept with the result.
    progress : callable, optional
        Called with (done, total, label).

    Returns
    -------
    BalanceAnalysis

    Raises
    ------
    SettingsError
        `symbolic` without `features`, or `objectives` where a part has none.

    Examples
    --------
    >>> ring = Counts.of_matrix([[0, 40, 10], [10, 0, 40], [40, 10, 0]])
    >>> analyze_balance([({}, ring)]).groups[0].test.p_value
    0.001
    """
    estimator = estimator or ReversibleChain()
    asked = _asked(parts, estimator, features, symbolic=symbolic)
    # In threads: the walks of the tests are compiled and hold up nobody.
    fitted = run_all([BalanceJob(estimator, *part, seed) for part in parts], mode="thread", progress=progress)
    fits = [_with_features(fit, recording, asked, seed) for fit, (_, recording) in zip(fitted, parts, strict=True)]
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
        "features": "function" if callable(features) else features,
        "symbolic": symbolic,
        "seed": seed,
    }
    common = common_potential(
        [(f.counts, f.potential) for f in fits if f.counts is not None],
        level=estimator.level,
        rng=np.random.default_rng([seed, len(fits)]),
    )
    return BalanceAnalysis(
        groups=tuple(fits),
        common_potential=common,
        source=source or Source(),
        settings={**kept, **(settings or {})},
        notes=tuple(notes),
    )


def _asked(
    parts: Sequence[Part], estimator: ReversibleChain, features: str | Describe | None, *, symbolic: bool
) -> ParametricPotential | None:
    """Return the settings of the potential by features, or refuse what no part can give."""
    if features is None:
        if symbolic:
            raise SettingsError(f"`symbolic` needs `features`: a formula is made of them. Hint: {FEATURES}.")
        return None
    if features == "objectives":
        if any(isinstance(recording, Counts) for _, recording in parts):
            raise SettingsError(f"counted moves have no objectives. Hint: {FEATURES}, or a table of sessions.")
        if any(not recording.n_obj for _, recording in parts if isinstance(recording, Panel)):
            hint = f"name them with {argument('objectives')}."
            raise SettingsError(f"`features` objectives need scores that are read. Hint: {hint}")
    return ParametricPotential(
        features, kernel=estimator.kernel, beta=estimator.beta, level=estimator.level, symbolic=symbolic
    )


def _with_features(
    fit: BalanceFit, recording: Panel | Counts, asked: ParametricPotential | None, seed: int
) -> BalanceFit:
    """Return a fit with its potential by features, or with the reason why there is none."""
    if asked is None:
        return replace(fit, reasons={**fit.reasons, "parametric": NOT_ASKED})
    values = None
    if asked.features == "objectives" and isinstance(recording, Panel):
        values = objective_means(recording, fit.states)
    if fit.counts is None:
        raise SettingsError("a fit read back from JSON holds no transitions: fit the recording again.")
    why = _why_not(fit.counts, values)
    if why:
        return replace(fit, reasons={**fit.reasons, "parametric": why})
    rng = np.random.default_rng([seed, *fit.label.encode(), 1])
    made = asked.fit(fit.counts, values=values, free=fit.potential, rng=rng)
    reasons = {**fit.reasons}
    if made.symbolic is None:
        reasons["symbolic"] = "fewer than eight states that follow each other." if asked.symbolic else "not asked for."
    return replace(fit, parametric=made, reasons=reasons)


def _why_not(counts: Counts, values: Features | None) -> str:
    if not len(StatePairs.of(counts)):
        return "no transition joins two different states that were both left: nothing tells which way is down."
    if values is None or np.isfinite(values.values).all():
        return ""
    lost = int(np.sum(~np.isfinite(values.values).all(axis=1)))
    return f"{lost:,} of {len(values):,} states never have all objectives: leave out those with gaps (--objectives)."
