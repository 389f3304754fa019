"""The result of a potential that is a function of features: theta, held-out figures, and V of states not seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ...arrays import Float
from ...errors import SettingsError
from ...inference.estimate import Estimate, show
from ...results.check import Check
from ...results.record import Record, inside, written
from ...results.result import Table
from .held_out import Downhill, percents
from .symbolic import SymbolicPotential
from .table import Features, read_features, text_features

ALWAYS_HALF = "by count one half, whatever the potential, in stationary recordings in balance"


class DescribesStates(Protocol):
    """What a fit keeps of its settings: how states are described."""

    @property
    def features(self) -> Any:
        """`text`, `objectives` or a function of the states' names."""
        ...


@dataclass(frozen=True, eq=False)
class Effect(Record):
    """What one feature does to V.

    Attributes
    ----------
    name : str
    scale : float
        Standard deviation over the states: theta times scale compares features.
    theta : Estimate
        V per unit of the feature; NaN for a dropped one, without an interval where the feature separates the pairs.
    reason : str or None
        Why it has no interval, or was left out.
    """

    name: str
    scale: float
    theta: Estimate = field(metadata=written("", "low", "high"))
    reason: str | None


@dataclass(frozen=True, eq=False)
class ParametricFit(Record):
    """A potential V(f) = theta' phi(f) with intervals and held-out figures; NaN where nothing can be said.

    Attributes
    ----------
    asked : dict
        Settings in words: features, kernel, beta, level.
    effects : tuple of Effect
        One for each feature.
    states : tuple of str
    error_unit : str
        What the intervals take as drawn: `draws` (the moves out of each state), `sessions`, or `states`.
    value : float array, shape (n_states,)
        V of the recorded states, 0 at the mean of the features over states that belong to a pair.
    downhill : Downhill
        On held-out pairs.
    correlation : Estimate
        With the free potential that was given; NaN without one.
    n_transitions : float
        Between different states, both of them left at least once.
    n_pairs : int
    n_folds : int
    checks : tuple of Check
    sentence : str
        The answer in words.
    symbolic : SymbolicPotential or None
        A formula of the features, where one was asked for.
    settings, features, covariance, coefficient, centre, tokens :
        What `potential` needs: the features of the recorded states, the covariance of theta of those kept, theta with 0
        for dropped ones, the mean of the features, tokens counted in texts. Not written to JSON.
    """

    KEYS = (
        *("asked", "states", "effects", "error_unit", "value", "downhill", "correlation", "n_transitions", "n_pairs"),
        *("n_folds", "checks", "sentence", "symbolic"),
    )

    asked: dict[str, Any] = field(metadata=written("settings"))
    effects: tuple[Effect, ...] = field(metadata=written("features"))
    error_unit: str
    value: Float = field(metadata=written("potential"))
    downhill: Downhill = field(metadata=inside())
    correlation: Estimate = field(metadata=written(nested=True))
    n_transitions: float
    n_pairs: int
    n_folds: int
    checks: tuple[Check, ...]
    sentence: str
    symbolic: SymbolicPotential | None
    states: tuple[str, ...] = ()
    features: Features | None = field(default=None, repr=False)
    covariance: Float | None = field(default=None, repr=False)
    coefficient: Float | None = field(default=None, repr=False)
    centre: Float | None = field(default=None, repr=False)
    tokens: tuple[str, ...] = field(default=(), repr=False)
    settings: DescribesStates | None = None

    def __repr__(self) -> str:
        return f"{self.summary()}\n{self.sentence}"

    def _repr_html_(self) -> str:
        from markupsafe import escape

        return self.summary()._repr_html_() + f"<p>{escape(self.sentence)}</p>"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(e.name for e in self.effects)

    @property
    def theta(self) -> Estimate:
        """V per unit of each feature, shape (n_features,)."""
        parts = zip(*(e.theta.triple for e in self.effects), strict=True)
        return Estimate(*(np.array(part) for part in parts)) if self.effects else Estimate(np.zeros(0))

    @property
    def scale(self) -> Float:
        """Standard deviation of each feature over the states, shape (n_features,)."""
        return np.array([e.scale for e in self.effects], dtype=np.float64)

    @property
    def skill(self) -> Estimate:
        """Held-out skill against a coin."""
        return self.downhill.skill

    @property
    def dropped(self) -> dict[str, str]:
        """Name of a feature left out to the reason."""
        return {e.name: e.reason for e in self.effects if e.reason and not np.isfinite(e.theta.value)}

    @property
    def separated(self) -> tuple[str, ...]:
        """Features along which all transitions go one way."""
        return tuple(e.name for e in self.effects if e.reason and np.isfinite(e.theta.value))

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
        if self.centre is None or self.coefficient is None:
            raise SettingsError("a fit read back from JSON cannot be asked for other states: fit the recording again.")
        return np.asarray((X.values - self.centre) @ self.coefficient)

    def _described(self, states: Any) -> Features:
        if isinstance(states, str):
            raise SettingsError("`states` must be a list of states. Got one text. Hint: [text].")
        if isinstance(states, Features | dict):
            n = len(states) if isinstance(states, Features) else len(np.atleast_1d(next(iter(states.values()), [])))
            return read_features(states, n, what="`states`")
        listed = states if isinstance(states, np.ndarray) else list(states)
        if len(listed) and isinstance(listed[0], str):
            describe = None if self.settings is None else self.settings.features
            if describe == "text":
                return text_features([str(s) for s in listed], tokens=self.tokens)
            if callable(describe):
                return read_features(describe([str(s) for s in listed]), len(listed), what="what `features` returns")
            raise SettingsError("features are not made of the names of states: hand in their features instead.")
        values = np.asarray(listed, dtype=np.float64).reshape(len(listed), -1)
        return read_features(values, len(values), names=self.names, what="`states`")

    @staticmethod
    def said_of(d: Downhill, *, tells: bool) -> str:
        """Return the answer in words; `tells` is False where no feature tells states that follow each other apart."""
        if not tells:
            return "cannot tell which way is down by features: none tells states that follow each other apart."
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
