"""Which estimator a group's data call for: what was seen, what was chosen, and why, in sentences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..arrays import Float
from ..errors import InputError, argument, either
from ..inference.estimate import Estimate
from ..inference.intervals import jackknife, jackknife_variance, student
from ..inference.resample import LeftOut
from ..panel.model import Rng
from ..results.record import UNWRITTEN, Record, written
from .candidates import SEEN, Latents, Material, Tested
from .maps.base import Estimated, estimate
from .maps.censored import censored
from .maps.latent.fit import MIN_SCORES, Found, Stack, modulus_error, prediction_errors, resample, without_first
from .maps.latent.thorough import Thorough, thorough
from .maps.noisy import ErrorsInVariables, Instrument
from .maps.within import Within, root_found
from .products import spectral_radius

WIDEST = float(np.exp(50.0))  # factor at which the upper end of a modulus is cut off
ASSUMES = {
    "pooled": "assumes alike sessions and a noiseless scorer",
    "within": "allows for differing sessions, not for noise",
    "instrument": "allows for a noisy scorer, not for differing sessions",
}
WEAK = 3.0  # an instrument whose strength is below this many standard errors is no instrument


@dataclass(frozen=True, eq=False)
class Rival(Record):
    """What one estimator says of the slowest mode, beside the others: `modulus` with its interval, and a remark.

    `stands` where the data let the estimator stand by itself; its interval then belongs to the hull of a half-life.
    """

    name: str
    modulus: Estimate = field(metadata=written("modulus", "low", "high"))
    remark: str
    stands: bool = field(default=True, metadata=UNWRITTEN)


@dataclass(frozen=True, eq=False)
class Choice(Record):
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

    KEYS = ("name", "why", "saw")

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


def choose(m: Material, asked: str) -> Choice:
    """Return the estimator of a group.

    Parameters
    ----------
    m : Material
    asked : str
        One of `ESTIMATORS`.

    Raises
    ------
    InputError
        An estimator asked for by name cannot be had from data of this form; the message says which could.

    Notes
    -----
    Where the form allows an estimator asked for by name and the scores do not bear it, no other is put in its place:
    the choice has no name and says why, so that the other groups of an analysis keep their answers.
    """
    if m.stops_at_bounds:
        choice = _censored(m)
    else:
        choice = _auto(m) if asked == "auto" else _named(m, asked)
        choice = replace(choice, rivals=_side_by_side(m, choice, asked))
    return choice if m.thorough is None else _thoroughly(m, choice, m.thorough)


@dataclass(frozen=True)
class _Seen:
    """A group with what its tests have shown; makes the candidates of a choice."""

    m: Material
    tested: Tested | None = None
    asked: str = ""

    # ------------------------------------------------------------------------ records

    @cached_property
    def _shown(self) -> dict[str, Any]:
        t = self.tested
        return {} if t is None else {"saw": t.saw, "p_effects": t.p_effects, "p_noise": t.p_noise}

    def pooled(self, why: str) -> Choice:
        return Choice("pooled", f"pooled: {why}", **self._shown)

    def refused(self, why: str) -> Choice:
        m = self.m
        asked = f"{self.asked} was asked for, and " if self.asked else ""
        said = f"{asked}{m.panel.n_sessions:,} sessions{m.sharing} do not settle it: {why}."
        return Choice(None, said, **self._shown)

    def _made(self, name: str, why: str, estimated: Estimated, errors: Float | None = None) -> Choice:
        kept = {"estimated": estimated, "left_out": self.m.left_out, "errors": errors}
        return Choice(name, f"{name}: {why}", **kept, **self._shown)  # type: ignore[arg-type]

    # ----------------------------------------------------------------------- candidates

    def within(self, why: str) -> Choice:
        m = self.m
        within = Within.of(m.pairs, m.cluster, len(m.clusters))
        instead = None if m.latents is None or self.asked else m.latents.noiseless
        if not root_found(within, within.sums.sum(axis=0, keepdims=True)).all():
            if instead is not None:
                return self.latent(instead, f"{why} The within correction has no root here.")
            return self.refused("the correction of the within estimator has no solution, as happens near a unit root")
        estimated = estimate(within, m.left_out, m.weights)
        if np.isnan(estimated.left.M).any() and instead is not None:
            return self.latent(instead, f"{why} The within correction has no root without some of them.")
        return self._made("within", why, estimated)

    def instrument(self, why: str, *, differenced: bool) -> Choice:
        m = self.m
        instrument = Instrument.of(m.panel, m.clusters.row, len(m.clusters), differenced=differenced)
        if not strong(instrument, m.left_out):
            sentence = "the scores a step before say too little about the next ones to see through a noisy scorer"
            if not self.asked and self.tested is not None and self.tested.p_noise >= SEEN:
                return self.pooled(f"noise in the scorer is not seen, and {sentence}.")
            return self.refused(sentence)
        choice = self._made("instrument", why, estimate(instrument, m.left_out, m.weights))
        if not differenced:
            return choice
        also = "Sessions differ: steps are differenced, and scores three steps back are the instrument."
        return replace(choice, saw=(*choice.saw, also))

    def eiv(self, why: str) -> Choice:
        m = self.m
        known = None if m.scorer_noise is None else m.scorer_noise.of(m.panel.names)
        eiv = ErrorsInVariables.of(m.panel, m.pairs, m.clusters.row, len(m.clusters), known=known)
        estimated = estimate(eiv, m.left_out, m.weights)
        if np.isnan(estimated.point.M).any():
            return self.refused("the scorer's noise is as large as all that the scores vary")
        return self._made("eiv", why, estimated)

    def latent(self, found: Found | None, why: str) -> Choice:
        m, stack = self.m, self.m.stack
        if m.white:
            return self.refused(
                "scores of a session do not follow one another, and without memory the loop's own noise and the "
                "scorer's are one"
            )
        if found is None or stack is None:
            return self.refused("the likelihood could not be climbed from any start")
        later = without_first(m.panel, stack, found, m.clusters.row)
        if later is None:
            return self._reached(stack, found, why)
        choice = self._reached(*later, why)
        also = "The first step follows a law of its own: the latent fit starts one score later."
        return replace(choice, saw=(*choice.saw, also))

    def _reached(self, stack: Stack, found: Found, why: str) -> Choice:
        if doubt := found.doubt():
            return self.refused(doubt)
        estimated = resample(stack, found, self.m.left_out, self.m.weights)
        if np.isnan(estimated.left.M).any():
            return self.refused("without single clusters the fit falls apart")
        return self._made("latent", why, estimated, _held_out(self.m, stack, found))


# ---------------------------------------------------------------------------- decisions


def _auto(m: Material) -> Choice:
    unseen = _Seen(m)
    if m.panel.lineage:
        return unseen.pooled(
            "proposals start from versions chosen by their score, which every other estimator would misread."
        )
    if m.clusters.kind == "block":
        return unseen.pooled("one single session: nothing can be told apart.")
    if m.identical:
        return unseen.pooled("all sessions are identical: there is nothing between them to compare.")
    if m.white:
        return unseen.pooled("scores cannot be told from independent ones, so no other estimator could find a rate.")
    if m.latents is None:
        return unseen.pooled(f"{m.too_little}; differing sessions and scorer noise stay unseen.")
    tested = m.latents.tested
    return _decide(_Seen(m, tested), m.latents, tested)


def _decide(seen: _Seen, latents: Latents, tested: Tested) -> Choice:
    m = seen.m
    sharper = tested.alike if not tested.differ else tested.full
    if m.noise_known:
        if tested.differ or m.stops:
            return seen.latent(sharper, "it allows for both, with the noise as known.")
        return seen.eiv("sessions are alike and the scorer's noise is known.")
    if tested.differ and tested.noisy:
        return seen.latent(sharper, "only it allows for differing sessions and a noisy scorer at once.")
    if tested.differ:
        why = "sessions differ and the scorer shows no noise."
        return seen.latent(latents.noiseless, why) if m.stops else seen.within(why)
    if tested.noisy:
        why = "sessions are alike and the scorer may be noisy."
        return seen.latent(sharper, why) if m.stops else seen.instrument(why, differenced=False)
    return seen.pooled("sessions are alike and the scorer shows no noise.")


def _named(m: Material, name: str) -> Choice:
    if name == "pooled":
        return Choice("pooled", "asked for.")
    _refuse_impossible(m, name)
    if name == "within":
        return _Seen(m, asked=name).within("asked for.")
    if name == "eiv":
        return _Seen(m, asked=name).eiv("asked for.")
    tested = None if m.latents is None else m.latents.tested
    seen = _Seen(m, tested, asked=name)
    if name == "latent":
        return seen.latent(None if tested is None else tested.full, "asked for.")
    differ = tested is not None and tested.differ and m.n_scores >= MIN_SCORES
    return seen.instrument("asked for.", differenced=differ)


def _refuse_impossible(m: Material, name: str) -> None:
    if m.panel.lineage:
        raise InputError(
            f"estimator {name}: these are proposals from versions chosen by their score, which it would misread.",
            hint=f"{argument('estimator', 'pooled')} works on lineages.",
        )
    if m.identical or m.panel.n_sessions < 2:
        what = "there is one session only" if m.panel.n_sessions < 2 else "all sessions are identical"
        raise InputError(f"estimator {name}: {what}, so nothing differs between them.", hint="use pooled.")
    wanted = {"within": 3, "instrument": 3, "latent": MIN_SCORES}.get(name, 2)
    if m.n_scores < wanted:
        fits = [n for n, k in (("within", 3), ("instrument", 3)) if m.n_scores >= k]
        raise InputError(
            f"estimator {name}: needs {wanted} scores a session, and the median session has {m.n_scores:.0f}.",
            hint=f"{' or '.join(['pooled', *fits])} would work.",
        )
    if name == "eiv" and not m.noise_known:
        raise InputError(
            "estimator eiv: the scorer's noise is not known.",
            hint="mark a second scoring of each version in a `repeat` column, or give "
            + either("--scorer-noise FILE.json.", "scorer_noise=ScorerNoise(...)."),
        )
    if name == "latent" and m.too_little:
        raise InputError(f"estimator latent: {m.too_little}.", hint="pooled or within would work.")


def _thoroughly(m: Material, choice: Choice, rng: Rng) -> Choice:
    """Add the slow parts of the latent fit where it can be had, whatever was chosen."""
    latents = None if m.panel.lineage or m.clusters.kind == "block" or m.identical else m.latents
    full = None if latents is None else latents.tested.full
    if latents is None or full is None or full.flat:
        return choice
    noiseless = None if m.noise_known else latents.noiseless
    fits = (latents.stack, full, latents.tested.alike, noiseless)
    return replace(choice, thorough=thorough(*fits, level=m.level, rng=rng, progress=m.progress))


def strong(instrument: Instrument, left_out: LeftOut) -> bool:
    """Return whether an instrument says anything beyond its error."""
    total = instrument.sums.sum(axis=0, keepdims=True)
    value = float(instrument.strength(total)[0])
    left = instrument.strength(total - left_out.sums(instrument.sums))
    return bool(value > WEAK * np.sqrt(jackknife_variance(left)))


def _held_out(m: Material, stack: Stack, found: Found) -> Float | None:
    """One-step errors of every transition, each session predicted without its fold."""
    if m.fold is None:
        return None
    errors = prediction_errors(stack, found, m.fold[stack.cluster])
    by_row = np.full((len(m.panel), stack.n_obj), np.nan)
    by_row[stack.row[stack.row >= 0]] = errors[stack.row >= 0]
    return by_row[m.pairs.end]


def _censored(m: Material) -> Choice:
    """The user's word that the loop itself stops at its bounds."""
    low = np.array([-np.inf if o.low is None else o.low for o in m.panel.objectives])
    high = np.array([np.inf if o.high is None else o.high for o in m.panel.objectives])
    if not (np.isfinite(low) | np.isfinite(high)).any():
        raise InputError(
            "the loop is said to stop at its bounds, and no objective has one.",
            hint=f"give {either('--bounds A=LOW:HIGH', 'bounds={name: (low, high)}')}.",
        )
    if m.panel.lineage:
        raise InputError("the loop is said to stop at its bounds, which is no model of proposals and selection.")
    estimated = censored(m.pairs, m.cluster, len(m.clusters), low, high, m.left_out, m.weights)
    if np.isnan(estimated.point.M).any():
        return _Seen(m).refused("too many scores sit at a bound for a censored regression")
    return _Seen(m)._made("censored", "on your word that the loop really stops at its bounds.", estimated)


# ------------------------------------------------------------------------- side by side


def _side_by_side(m: Material, choice: Choice, asked: str) -> tuple[Rival, ...]:
    """What the estimators that can be had say of the slowest mode; the two quickest wherever there are sessions."""
    if m.panel.lineage or m.clusters.kind == "block":
        return ()
    quick = asked == "pooled" or (asked == "auto" and (m.identical or m.white or m.latents is None))
    tested = None if quick or m.latents is None or asked in ("within", "eiv") else m.latents.tested
    rows = [rival("pooled", m.moments.M, m.left_moments.M, m.level)]
    if m.n_scores >= 3 and choice.name != "within":
        within = Within.of(m.pairs, m.cluster, len(m.clusters))
        rows.append(other("within", within, m.left_out, m.level))
    if m.n_scores >= 3 and choice.name != "instrument" and not quick:
        instrument = Instrument.of(m.panel, m.clusters.row, len(m.clusters))
        stands = not (tested is not None and tested.differ) and strong(instrument, m.left_out)
        row = other("instrument", instrument, m.left_out, m.level)
        rows.append(replace(row, stands=stands))
    if choice.name != "latent" and tested is not None and tested.full is not None and m.stack is not None:
        rows.append(_latent_rival(m.stack, tested.full, len(m.left_out), m.level))
    if choice.estimated is not None and choice.name is not None:
        rows.append(rival(choice.name, choice.estimated.point.M, choice.estimated.left.M, m.level, "chosen"))
    elif choice.name == "pooled":
        rows[0] = as_chosen(rows[0])
    return tuple(rows)


def other(name: str, estimator: Within | Instrument, left_out: LeftOut, level: float) -> Rival:
    """Return what an estimator that was not chosen says of the slowest mode."""
    total = estimator.sums.sum(axis=0, keepdims=True)
    left = estimator.solve(total - left_out.sums(estimator.sums)).M
    return rival(name, estimator.solve(total).M, left, level)


def rival(name: str, M: Float, left: Float, level: float, remark: str = "") -> Rival:
    """Return what a map, and the maps without each cluster, say of the slowest mode."""
    modulus = jackknife(spectral_radius(M)[0], spectral_radius(left), level=level, scale="modulus")
    return Rival(name, modulus, remark or ASSUMES[name])


def as_chosen(row: Rival) -> Rival:
    """Return the row of the estimator whose figures are reported."""
    return replace(row, remark=f"{row.remark} (chosen)")


def _latent_rival(stack: Stack, found: Found, groups: int, level: float) -> Rival:
    doubt = found.doubt()
    remark = "allows for both" + (f"; not to be relied on: {doubt}" if doubt else "")
    e = student(found.radius, modulus_error(stack, found), level=level, df=groups - 1, scale="log")
    return Rival("latent", replace(e, high=min(float(e.high), found.radius * WIDEST)), remark, stands=not doubt)
