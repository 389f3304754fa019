"""Which estimator a group's data call for: what was seen, what was chosen, and why, in sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from .arrays import Float, Int
from .censored import censored
from .errors import InputError, argument, either
from .grams import Moments
from .latent import Parameters, Structure
from .latent_fit import (
    MIN_CLUSTERS,
    MIN_SCORES,
    Found,
    Stack,
    find,
    modulus_error,
    prediction_errors,
    ratio_test,
    resample,
    starting_points,
    without_first,
)
from .model import Rng
from .noisy import ErrorsInVariables, Instrument
from .panel import Pairs, Panel
from .resample import (
    Clusters,
    LeftOut,
    jackknife_interval,
    jackknife_variance,
    student_quantile,
)
from .result import number, plain
from .slopes import Estimated, ScorerNoise, estimate
from .thorough import Thorough, thorough
from .within import Within, root_found

ESTIMATORS = ("auto", "pooled", "within", "instrument", "eiv", "latent")
# The sharper estimator is taken only where nothing at all speaks for what it assumes away: a test that merely fails to
# reject at 5 % would hand over intervals that miss, because biases this small are seen too rarely.
EFFECTS_LEVEL = 0.2
NOISE_LEVEL = 0.9
SEEN = 0.05
WEAK = 3.0  # an instrument whose strength is below this many standard errors is no instrument


@dataclass(frozen=True)
class Rival:
    """What one estimator says of the slowest mode, beside the others: `modulus` with its interval, and a remark."""

    name: str
    modulus: float
    low: float
    high: float
    remark: str

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return plain(vars(self))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Rival:
        """Read back what `to_dict` wrote."""
        value, low, high = (float("nan") if data[k] is None else float(data[k]) for k in ("modulus", "low", "high"))
        return cls(data["name"], value, low, high, data["remark"])


@dataclass(frozen=True)
class Choice:
    """The estimator of a group.

    Attributes
    ----------
    name : str or None
        None where the data cannot tell: no drift is then reported.
    why : str
        One sentence.
    saw : tuple of str
        What the diagnostics saw, one sentence each.
    estimated : Estimated or None
        None for the pooled regression and for a refusal.
    left_out : LeftOut or None
        What the leave-one-out part of `estimated` leaves out.
    errors : array, shape (n_pairs, n_obj), or None
        Held-out one-step errors of a latent fit; None for the others.
    p_effects, p_noise : float
        Tests of no lasting differences between sessions and of no scorer noise; NaN where not tested.
    rivals : tuple of Rival
    thorough : Thorough or None
        The slow parts, where they were asked for and a latent fit exists.
    """

    name: str | None
    why: str
    saw: tuple[str, ...] = ()
    estimated: Estimated | None = None
    left_out: LeftOut | None = None
    errors: Float | None = None
    p_effects: float = float("nan")
    p_noise: float = float("nan")
    rivals: tuple[Rival, ...] = ()
    thorough: Thorough | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"name": self.name, "why": self.why, "saw": list(self.saw)}


@dataclass(frozen=True)
class Material:
    """What a choice is made from: one group, its clusters, the pooled regression, and what is known of the scorer."""

    panel: Panel
    pairs: Pairs
    clusters: Clusters
    filled: Int
    moments: Moments
    left_moments: Moments
    weights: Int
    white: bool
    stops: bool
    scorer_noise: ScorerNoise | None
    stops_at_bounds: bool = False
    fold: Int | None = None
    level: float = 0.95
    thorough: Rng | None = None

    @property
    def cluster(self) -> Int:
        """Cluster of each transition."""
        return self.clusters.row[self.pairs.end]

    @property
    def noise_known(self) -> bool:
        """True where the scorer's noise was measured or given."""
        return self.scorer_noise is not None or self.panel.repeats is not None


def choose(material: Material, asked: str) -> Choice:
    """Return the estimator of a group.

    Parameters
    ----------
    material : Material
    asked : str
        One of `ESTIMATORS`.

    Raises
    ------
    InputError
        An estimator asked for by name cannot be had from data of this form; the message says which could.
    """
    chooser = _Chooser(material)
    if material.stops_at_bounds:
        return chooser.thoroughly(chooser.censored())
    if asked == "pooled":
        return chooser.thoroughly(Choice("pooled", "asked for."))
    return chooser.auto() if asked == "auto" else chooser.named(asked)


class _Chooser:
    def __init__(self, material: Material) -> None:
        self.m = material
        self.left_out = LeftOut.of(material.filled, material.clusters.names)
        self.saw: list[str] = []
        self.p_effects = self.p_noise = float("nan")
        self.rivals: dict[str, Rival] = {}

    # --------------------------------------------------------------- what the data allow

    @cached_property
    def n_scores(self) -> float:
        """Median number of scores of the sessions that hold a transition."""
        count = np.bincount(self.m.pairs.session)
        return float(np.median(count[count > 0])) + 1 if len(self.m.pairs) else 1.0

    @cached_property
    def stack(self) -> Stack | None:
        return Stack.of(self.m.panel, self.m.clusters.row, len(self.m.clusters))

    def _too_little(self) -> str | None:
        """Why a model of differing sessions and noisy scorers cannot even be tried."""
        if self.n_scores < MIN_SCORES:
            return f"sessions hold {self.n_scores:.0f} scores, and {MIN_SCORES} are needed"
        if len(self.m.filled) < MIN_CLUSTERS:
            return f"there are {len(self.m.filled)} independent {self._noun}, and {MIN_CLUSTERS} are needed"
        if self.stack is None:
            return "no two scores of a session follow each other"
        wanted = int(self._structure(effects=True).free.sum())
        if len(self.stack.values) < wanted:
            return (
                f"{self.m.panel.n_obj} objectives need {wanted} sessions to tell differing sessions from a noisy "
                f"scorer, and there are {len(self.stack.values)}"
            )
        return None

    @property
    def _noun(self) -> str:
        kind = self.m.clusters.kind
        return {"session": "sessions", "block": "blocks of steps"}.get(kind, f"{kind} clusters")

    @cached_property
    def identical(self) -> bool:
        """True where every session shows the same scores."""
        grids = {self.m.panel.x[self.m.panel.session == s].tobytes() for s in range(min(self.m.panel.n_sessions, 50))}
        if len(grids) > 1:
            return False
        return len({r.tobytes() for r in np.split(self.m.panel.x, _ends(self.m.panel))}) == 1

    # ------------------------------------------------------------------------ fits

    def _structure(self, *, effects: bool, noise: bool = True) -> Structure:
        assert self.stack is not None  # noqa: S101 - asked for after _too_little
        return Structure(self.stack.n_obj, self.stack.n_steps, noise and not self.m.noise_known, effects)

    @cached_property
    def known_noise(self) -> Float | None:
        """The scorer's noise in units of the stack, where it is known."""
        if not self.m.noise_known or self.stack is None:
            return None
        start, end = self._noise_of_states()
        return np.asarray((start + end) / 2 / np.outer(self.stack.scale, self.stack.scale))

    def _noise_of_states(self) -> tuple[Float, Float]:
        single = self._single_noise()
        repeats = self.m.panel.repeats
        share = np.ones(len(self.m.panel)) if repeats is None else 1 / repeats
        return single * share[self.m.pairs.start].mean(), single * share[self.m.pairs.end].mean()

    def _single_noise(self) -> Float:
        if self.m.scorer_noise is not None:
            return self.m.scorer_noise.of(self.m.panel.names)
        scatter, repeats = self.m.panel.repeat_scatter, self.m.panel.repeats
        assert scatter is not None  # noqa: S101 - noise is known from one of the two
        assert repeats is not None  # noqa: S101
        return np.asarray(scatter.sum(axis=0) / max(float((repeats - 1).sum()), 1.0))

    def _fit(self, *, effects: bool, noise: bool = True) -> Found | None:
        assert self.stack is not None  # noqa: S101
        structure = self._structure(effects=effects, noise=noise)
        fixed = self.known_noise if self.m.noise_known else (None if noise else np.zeros((self.stack.n_obj,) * 2))
        starts = starting_points(self.stack, fixed)
        if (not effects or not noise) and self.full is not None:
            starts = [self._near(self.full.parameters, effects=effects, noise=noise), starts[0]]
        return find(self.stack, structure, starts)

    @staticmethod
    def _near(p: Parameters, *, effects: bool, noise: bool) -> Parameters:
        n = len(p.M)
        P = p.P if effects else p.P * np.kron(np.diag([1.0, 0.0]), np.ones((n, n)))
        return p if noise and effects else replace(p, P=P, Q=p.Q if noise else p.Q + p.R, R=p.R * noise)

    @cached_property
    def full(self) -> Found | None:
        return self._fit(effects=True)

    @cached_property
    def alike(self) -> Found | None:
        """Without session effects."""
        return self._fit(effects=False)

    @cached_property
    def noiseless(self) -> Found | None:
        return self._fit(effects=True, noise=False)

    @cached_property
    def plain(self) -> Found | None:
        return self._fit(effects=False, noise=False)

    def _tests(self) -> tuple[bool, bool]:
        """Test for lasting differences, then for scorer noise given the answer; say what was seen."""
        assert self.stack is not None  # noqa: S101
        full = self.full
        longest = int(np.bincount(self.m.panel.session).max())
        if self.stack.n_steps < longest:
            self.saw.append(f"The latent fit reads the first {self.stack.n_steps} of up to {longest} scores.")
        if full is None:
            return True, True
        full = self.__dict__["full"] = self._no_worse(full, self.alike, self.noiseless)
        self.p_effects = ratio_test(self.stack, full, self.alike)
        differ = not self.p_effects >= EFFECTS_LEVEL
        self.saw.append(
            f"Sessions keep levels of their own beyond what one loop and a noisy scorer explain ({_p(self.p_effects)})."
            if differ
            else f"No lasting differences between sessions are seen ({_p(self.p_effects)})."
        )
        if self.m.noise_known:
            self.saw.append("The scorer's noise is known.")
            return differ, True
        larger, smaller = (full, self.noiseless) if differ else (self.alike, self.plain)
        if not differ and larger is not None:
            larger = self.__dict__["alike"] = self._no_worse(larger, smaller)
        self.p_noise = ratio_test(self.stack, larger, smaller) if larger is not None else float("nan")
        noisy = not self.p_noise >= NOISE_LEVEL
        self.saw.append(self._noise_sentence(noisy))
        return differ, noisy

    def _no_worse(self, larger: Found, *smaller: Found | None) -> Found:
        """A model cannot fit worse than one inside it: where it does, it is climbed again from there."""
        assert self.stack is not None  # noqa: S101
        for inside in smaller:
            if inside is not None and inside.at.log_likelihood > larger.at.log_likelihood + 1e-3:
                again = find(self.stack, larger.structure, [inside.parameters])
                if again is not None and again.at.log_likelihood > larger.at.log_likelihood:
                    larger = again
        return larger

    def _noise_sentence(self, noisy: bool) -> str:
        if not noisy:
            return f"Nothing speaks for noise in the scorer ({_p(self.p_noise)})."
        if not self.p_noise >= SEEN:
            return f"Scores jump back and forth as a noisy scorer makes them ({_p(self.p_noise)})."
        return f"Noise in the scorer can be neither seen nor ruled out ({_p(self.p_noise)})."

    # ------------------------------------------------------------------------ decisions

    def auto(self) -> Choice:
        m = self.m
        if m.panel.lineage:
            return self._pooled(
                "proposals start from versions chosen by their score, which every other estimator would misread."
            )
        if m.clusters.kind == "block":
            return self._pooled("one single session: nothing can be told apart.")
        if self.identical:
            return self._pooled("all sessions are identical: there is nothing between them to compare.")
        if m.white:
            return self.thoroughly(
                self._pooled("scores cannot be told from independent ones, so no other estimator could find a rate.")
            )
        if why := self._too_little():
            return self._pooled(f"{why}; differing sessions and scorer noise stay unseen.")
        differ, noisy = self._tests()
        return self._finished(self._decide(differ, noisy))

    def _decide(self, differ: bool, noisy: bool) -> Choice:
        if self.m.noise_known:
            if differ or self.m.stops:
                return self._latent(self.full if differ else self.alike, "it allows for both, with the noise as known.")
            return self._eiv("sessions are alike and the scorer's noise is known.")
        if differ and noisy:
            return self._latent(self.full, "only it allows for differing sessions and a noisy scorer at once.")
        if differ:
            why = "sessions differ and the scorer shows no noise."
            return self._latent(self.noiseless, why) if self.m.stops else self._within(why)
        if noisy:
            why = "sessions are alike and the scorer may be noisy."
            return self._latent(self.alike, why) if self.m.stops else self._instrument(why, differenced=False)
        return self._pooled("sessions are alike and the scorer shows no noise.")

    def named(self, name: str) -> Choice:
        self._refuse_impossible(name)
        if name == "within":
            choice = self._within("asked for.")
        elif name == "eiv":
            choice = self._eiv("asked for.")
        else:
            differ = self._too_little() is None and self._tests()[0]
            if name == "instrument":
                choice = self._instrument("asked for.", differenced=differ and self.n_scores >= MIN_SCORES)
            else:
                choice = self._latent(self.full, "asked for.")
        return self._finished(choice)

    def _finished(self, choice: Choice) -> Choice:
        """Add what stands beside a choice: the other estimators and, where asked for, the slow parts."""
        return self.thoroughly(replace(choice, rivals=self._side_by_side(choice)))

    def thoroughly(self, choice: Choice) -> Choice:
        """Add the slow parts of the latent fit where they were asked for and it can be had, whatever was chosen."""
        m = self.m
        if m.thorough is None or m.panel.lineage or m.clusters.kind == "block" or self.identical:
            return choice
        if self._too_little() is not None:
            return choice
        assert self.stack is not None  # noqa: S101
        if "alike" not in self.__dict__:
            self._tests()  # not run for every estimator, and no smaller model may fit better than `full`
        if self.full is None or self.full.flat:
            return choice
        noiseless = None if m.noise_known else self.noiseless
        slow = thorough(self.stack, self.full, self.alike, noiseless, level=m.level, rng=m.thorough)
        return replace(choice, thorough=slow)

    def _refuse_impossible(self, name: str) -> None:
        m = self.m
        if m.panel.lineage:
            raise InputError(
                f"estimator {name}: these are proposals from versions chosen by their score, which it would misread.",
                hint=f"{argument('estimator', 'pooled')} works on lineages.",
            )
        if self.identical or m.panel.n_sessions < 2:
            what = "there is one session only" if m.panel.n_sessions < 2 else "all sessions are identical"
            raise InputError(f"estimator {name}: {what}, so nothing differs between them.", hint="use pooled.")
        wanted = {"within": 3, "instrument": 3, "latent": MIN_SCORES}.get(name, 2)
        if self.n_scores < wanted:
            fits = [n for n, k in (("within", 3), ("instrument", 3)) if self.n_scores >= k]
            raise InputError(
                f"estimator {name}: needs {wanted} scores a session, and the median session has {self.n_scores:.0f}.",
                hint=f"{' or '.join(['pooled', *fits])} would work.",
            )
        if name == "eiv" and not m.noise_known:
            raise InputError(
                "estimator eiv: the scorer's noise is not known.",
                hint="mark a second scoring of each version in a `repeat` column, or give "
                + either("--scorer-noise FILE.json.", "scorer_noise=ScorerNoise(...)."),
            )
        if name == "latent" and (why := self._too_little()):
            raise InputError(f"estimator latent: {why}.", hint="pooled or within would work.")

    # ----------------------------------------------------------------------- candidates

    def _made(self, name: str, why: str, estimated: Estimated | None, errors: Float | None = None) -> Choice:
        return Choice(
            name, f"{name}: {why}", tuple(self.saw), estimated, self.left_out, errors, self.p_effects, self.p_noise
        )

    def _pooled(self, why: str) -> Choice:
        return Choice("pooled", f"pooled: {why}", tuple(self.saw), None, None, None, self.p_effects, self.p_noise)

    def _refused(self, why: str) -> Choice:
        sentence = f"{self.m.panel.n_sessions:,} sessions{self._sharing} do not settle it: {why}."
        return Choice(None, sentence, tuple(self.saw), None, None, None, self.p_effects, self.p_noise)

    @property
    def _sharing(self) -> str:
        kind = self.m.clusters.kind
        return "" if kind == "session" else f" from {len(self.m.filled)} {kind}s"

    def _within(self, why: str) -> Choice:
        within = Within.of(self.m.pairs, self.m.cluster, len(self.m.clusters))
        if not root_found(within, within.sums.sum(axis=0, keepdims=True)).all():
            if self._too_little() is None and self.noiseless is not None:
                return self._latent(self.noiseless, f"{why} The within correction has no root here.")
            return self._refused("the correction of the within estimator has no solution, as happens near a unit root")
        estimated = estimate(within, self.left_out, self.m.weights)
        if np.isnan(estimated.left.M).any() and self._too_little() is None and self.noiseless is not None:
            return self._latent(self.noiseless, f"{why} The within correction has no root without some of them.")
        return self._made("within", why, estimated)

    def _instrument(self, why: str, *, differenced: bool) -> Choice:
        row = self.m.clusters.row
        instrument = Instrument.of(self.m.panel, row, len(self.m.clusters), differenced=differenced)
        if not self._strong(instrument):
            sentence = "the scores a step before say too little about the next ones to see through a noisy scorer"
            if self.p_noise >= SEEN:
                return self._pooled(f"noise in the scorer is not seen, and {sentence}.")
            return self._refused(sentence)
        if differenced:
            self.saw.append("Sessions differ: steps are differenced, and scores three steps back are the instrument.")
        return self._made("instrument", why, estimate(instrument, self.left_out, self.m.weights))

    def _strong(self, instrument: Instrument) -> bool:
        total = instrument.sums.sum(axis=0, keepdims=True)
        value = float(instrument.strength(total)[0])
        left = instrument.strength(total - self.left_out.sums(instrument.sums))
        return bool(value > WEAK * np.sqrt(jackknife_variance(left)))

    def _eiv(self, why: str) -> Choice:
        m = self.m
        known = None if m.scorer_noise is None else m.scorer_noise.of(m.panel.names)
        eiv = ErrorsInVariables.of(m.panel, m.pairs, m.clusters.row, len(m.clusters), known=known)
        estimated = estimate(eiv, self.left_out, m.weights)
        if np.isnan(estimated.point.M).any():
            return self._refused("the scorer's noise is as large as all that the scores vary")
        return self._made("eiv", why, estimated)

    def _latent(self, found: Found | None, why: str) -> Choice:
        stack = self.stack
        if self.m.white:
            return self._refused(
                "scores of a session do not follow one another, and without memory the loop's own noise and the "
                "scorer's are one"
            )
        if found is None or stack is None:
            return self._refused("the likelihood could not be climbed from any start")
        later = without_first(self.m.panel, stack, found, self.m.clusters.row)
        if later is not None:
            stack, found = later
            self.saw.append("The first step follows a law of its own: the latent fit starts at the second score.")
        if doubt := found.doubt():
            return self._refused(doubt)
        estimated = resample(stack, found, self.left_out, self.m.weights)
        if np.isnan(estimated.left.M).any():
            return self._refused("without single clusters the fit falls apart")
        return self._made("latent", why, estimated, self._held_out(stack, found))

    def _held_out(self, stack: Stack, found: Found) -> Float | None:
        """One-step errors of every transition, each session predicted without its fold."""
        if self.m.fold is None:
            return None
        errors = prediction_errors(stack, found, self.m.fold[stack.cluster])
        by_row = np.full((len(self.m.panel), stack.n_obj), np.nan)
        by_row[stack.row[stack.row >= 0]] = errors[stack.row >= 0]
        return by_row[self.m.pairs.end]

    def censored(self) -> Choice:
        """The user's word that the loop itself stops at its bounds."""
        m = self.m
        low = np.array([-np.inf if o.low is None else o.low for o in m.panel.objectives])
        high = np.array([np.inf if o.high is None else o.high for o in m.panel.objectives])
        if not (np.isfinite(low) | np.isfinite(high)).any():
            raise InputError(
                "the loop is said to stop at its bounds, and no objective has one.",
                hint=f"give {either('--bounds A=LOW:HIGH', 'bounds={name: (low, high)}')}.",
            )
        if m.panel.lineage:
            raise InputError("the loop is said to stop at its bounds, which is no model of proposals and selection.")
        estimated = censored(m.pairs, m.cluster, len(m.clusters), low, high, self.left_out, m.weights)
        if np.isnan(estimated.point.M).any():
            return self._refused("too many scores sit at a bound for a censored regression")
        return self._made("censored", "on your word that the loop really stops at its bounds.", estimated)

    # --------------------------------------------------------------------- side by side

    def _side_by_side(self, choice: Choice) -> tuple[Rival, ...]:
        """What the estimators that can be had say of the slowest mode."""
        m = self.m
        rows = [self._rival("pooled", m.moments.M, m.left_moments.M, "assumes alike sessions and a noiseless scorer")]
        if self.n_scores >= 3 and choice.name != "within":
            within = Within.of(m.pairs, m.cluster, len(m.clusters))
            rows.append(self._other("within", within, "allows for differing sessions, not for noise"))
        if self.n_scores >= 3 and choice.name != "instrument":
            instrument = Instrument.of(m.panel, m.clusters.row, len(m.clusters))
            rows.append(self._other("instrument", instrument, "allows for a noisy scorer, not for differing sessions"))
        if choice.name != "latent" and "full" in self.__dict__ and self.full is not None and self.stack is not None:
            rows.append(_latent_rival(self.stack, self.full, len(self.left_out), m.level))
        if choice.estimated is not None and choice.name is not None:
            rows.append(self._rival(choice.name, choice.estimated.point.M, choice.estimated.left.M, "chosen"))
        return tuple(
            replace(r, remark=f"{r.remark} (chosen)") if r.name == choice.name and "chosen" not in r.remark else r
            for r in rows
        )

    def _other(self, name: str, estimator: Within | Instrument, remark: str) -> Rival:
        total = estimator.sums.sum(axis=0, keepdims=True)
        left = estimator.solve(total - self.left_out.sums(estimator.sums)).M
        return self._rival(name, estimator.solve(total).M, left, remark)

    def _rival(self, name: str, M: Float, left: Float, remark: str) -> Rival:
        value = _radius(M)[0]
        low, high = jackknife_interval(value, _radius(left), self.m.level, "modulus")
        return Rival(name, float(value), float(low), float(high), remark)


def _latent_rival(stack: Stack, found: Found, groups: int, level: float) -> Rival:
    doubt = found.doubt()
    remark = "allows for both" + (f"; not to be relied on: {doubt}" if doubt else "")
    half = student_quantile(level, groups - 1) * modulus_error(stack, found)
    value = found.radius
    return Rival("latent", value, value * float(np.exp(-half)), value * float(np.exp(min(half, 50.0))), remark)


def _radius(M: Float) -> Float:
    lost = np.asarray(np.isnan(M).any(axis=(1, 2)))
    value = np.abs(np.linalg.eigvals(np.where(lost[:, None, None], 0.0, M))).max(axis=1)
    return np.where(lost, np.nan, value)


def _ends(panel: Panel) -> Int:
    return np.flatnonzero(np.diff(panel.session)).astype(np.int64) + 1


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {number(value)}"
