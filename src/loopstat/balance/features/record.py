"""The result of a potential that is a function of features: theta, held-out figures, and V of states not seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...arrays import Float
from ...errors import SettingsError
from ...results.result import Check, Estimate, Table, plain, show
from .held_out import Downhill, Share, percents
from .symbolic import SymbolicPotential
from .table import Features, read_features, text_features

if TYPE_CHECKING:
    from .fit import ParametricPotential

ALWAYS_HALF = "by count one half, whatever the potential, in stationary recordings in balance"


@dataclass(frozen=True)
class ParametricFit:
    """A potential V(f) = theta' phi(f) with intervals and held-out figures; NaN where nothing can be said.

    Attributes
    ----------
    settings : ParametricPotential
    states : tuple of str
    features : Features
        Of the recorded states, dropped ones included.
    theta : Estimate
        Values of shape (n_features,): V per unit of the feature; NaN for a dropped feature, without an interval where
        the feature separates the pairs.
    covariance : float array, shape (n_kept, n_kept)
        Of theta of the features kept.
    error_unit : str
        What the intervals take as drawn: `draws` (the moves out of each state), `sessions`, or `states`.
    scale : float array, shape (n_features,)
        Standard deviation over the states: theta times scale compares features.
    dropped : dict
        Name of a feature left out to the reason.
    separated : tuple of str
        Features along which all transitions go one way.
    value : float array, shape (n_states,)
        V of the recorded states, 0 at the mean of the features over states that belong to a pair.
    downhill : Downhill
        On held-out pairs.
    correlation : Share
        With the free potential that was given; NaN without one.
    n_transitions : float
        Between different states, both of them left at least once.
    n_pairs : int
    n_folds : int
    checks : tuple of Check
    symbolic : SymbolicPotential or None
        A formula of the features, where one was asked for.
    coefficient, centre, tokens :
        What `potential` needs: theta with 0 for dropped features, the mean of the features, tokens counted in texts.
    """

    settings: ParametricPotential
    states: tuple[str, ...]
    features: Features
    theta: Estimate
    covariance: Float
    error_unit: str
    scale: Float
    dropped: dict[str, str]
    separated: tuple[str, ...]
    value: Float
    downhill: Downhill
    correlation: Share
    n_transitions: float
    n_pairs: int
    n_folds: int
    checks: tuple[Check, ...]
    symbolic: SymbolicPotential | None
    coefficient: Float = field(repr=False)
    centre: Float = field(repr=False)
    tokens: tuple[str, ...] = field(repr=False)

    def __repr__(self) -> str:
        return f"{self.summary()}\n{self.sentence}"

    def _repr_html_(self) -> str:
        from markupsafe import escape

        return self.summary()._repr_html_() + f"<p>{escape(self.sentence)}</p>"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return self.features.names

    def potential(self, states: Any) -> Float:
        """Return V of states that need not have been seen.

        Parameters
        ----------
        states : sequence of str, array of shape (n, n_features), mapping of columns, or Features
            Names of states (texts), where features are made of them; else their features.

        Returns
        -------
        float array, shape (n,)
            In units of 1/beta nats, 0 at the mean of the features of the recorded states.
        """
        X = self._described(states)
        if X.names != self.names:
            raise SettingsError(f"features must be {', '.join(self.names)}, in this order. Got {', '.join(X.names)}.")
        return np.asarray((X.values - self.centre) @ self.coefficient)

    def _described(self, states: Any) -> Features:
        if isinstance(states, str):
            raise SettingsError("`states` must be a list of states. Got one text. Hint: [text].")
        if isinstance(states, Features | dict):
            n = len(states) if isinstance(states, Features) else len(np.atleast_1d(next(iter(states.values()), [])))
            return read_features(states, n, what="`states`")
        listed = states if isinstance(states, np.ndarray) else list(states)
        if len(listed) and isinstance(listed[0], str):
            describe = self.settings.features
            if describe == "text":
                return text_features([str(s) for s in listed], tokens=self.tokens)
            if callable(describe):
                return read_features(describe([str(s) for s in listed]), len(listed), what="what `features` returns")
            raise SettingsError("features are not made of the names of states: hand in their features instead.")
        values = np.asarray(listed, dtype=np.float64).reshape(len(listed), -1)
        return read_features(values, len(values), names=self.names, what="`states`")

    @property
    def sentence(self) -> str:
        """The answer in words."""
        d = self.downhill
        if not np.isfinite(d.skill.value):
            return "cannot tell whether the features explain which way the loop goes: nothing could be held out."
        skill = f"held-out skill {percents(d.skill)} against a coin"
        if d.skill.low > 0:
            said = f"the features tell which way is down: {skill}"
        elif d.skill.high < 0:
            said = f"worse than a coin on what was held out: {skill}"
        else:
            said = f"cannot tell whether the features explain which way the loop goes: {skill}"
        return (
            f"{said}; {percents(d.pairs)} of {d.n_pairs:,} held-out pairs and {percents(d.weighted)} of their "
            f"transitions go downhill ({ALWAYS_HALF})."
        )

    def summary(self) -> Table:
        """Return theta of every feature, and its effect per standard deviation."""
        rows = []
        for k, name in enumerate(self.names):
            ends = (self.theta.value[k], self.theta.low[k], self.theta.high[k])
            effect = [float(x * self.scale[k]) for x in ends]
            note = self.dropped.get(name, "")
            if name in self.separated:
                note = "separates the transitions: held by the ridge"
            rows.append((name, show(*map(float, ends)), show(*effect), note))
        title = f"potential of {len(self.states):,} states by {len(self.names)} features, errors by {self.error_unit}"
        return Table(title, ("feature", "theta", "per standard deviation", "note"), tuple(rows))

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        kind = self.settings.features if isinstance(self.settings.features, str) else "function"
        chosen = ("kernel", "beta", "level")
        return plain(  # type: ignore[no-any-return]
            {
                "settings": {"features": kind, **{name: getattr(self.settings, name) for name in chosen}},
                "states": list(self.states),
                "features": [self._feature(k) for k in range(len(self.names))],
                "error_unit": self.error_unit,
                "potential": self.value,
                "downhill": {"weighted": self.downhill.weighted, "pairs": self.downhill.pairs},
                "skill": self.downhill.skill,
                "correlation": self.correlation,
                "n_transitions": self.n_transitions,
                "n_pairs": self.n_pairs,
                "n_folds": self.n_folds,
                "checks": list(self.checks),
                "sentence": self.sentence,
                "symbolic": None if self.symbolic is None else self.symbolic.to_dict(),
            }
        )

    def _feature(self, k: int) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self.names[k], "scale": self.scale[k]}
        Estimate(self.theta.value[k], self.theta.low[k], self.theta.high[k]).put(out, "theta", ("low", "high"))
        return {**out, "reason": self.remark(self.names[k]) or None}

    def remark(self, name: str) -> str:
        """Return why a feature has no weight, or no interval; empty where it has both."""
        separated = "every transition that changes it goes one way: no interval."
        return separated if name in self.separated else self.dropped.get(name, "")
