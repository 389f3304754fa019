"""A rule that provably loses little: the boldest along one knob, certified for whatever law the sessions follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...arrays import Float, Int, relabel
from ...errors import InputError, SettingsError, argument
from ...inference.betting import mean_below_p, values_needed
from ...inference.estimate import Estimate
from ...inference.intervals import average
from ...panel.model import Rng
from ...results.record import Record, written
from ..curve import Held
from .families import Rule, rule_from

VOID_BY = ("another model", "another prompt", "other tasks or another mix of them", "another scorer")
MOST_NEEDED = 10**7  # more clusters than anybody records: no number is given


@dataclass(frozen=True, eq=False)
class Certificate(Record):
    """What is guaranteed for a rule, or how many more clusters that takes.

    Attributes
    ----------
    rule : Rule or None
        The boldest that is certified; None where none is that ever stops a session.
    eps : float
        Mean loss that is not exceeded, in units of the value.
    confidence : float
        Probability, over recordings, that the certified rule keeps to it.
    bound : float
        No loss is larger: the range of the value as declared.
    clusters : int
        Independent ones in the recording.
    p : float
        Of "the mean loss exceeds eps", for the rule certified; where none is, for the most cautious one.
    needed : int or None
        Clusters with which a recording like this one certifies a rule that saves steps, in 8 of 10 cases; None where it
        has been certified, or where the most cautious rules lose as much as eps themselves.
    loss : Estimate
        Mean loss seen: value at the record's end less that held where the rule stops, averaged within clusters.
    saved : float
        Share of the recorded steps that the rule does not take.
    cut : int
        Sessions that were cut off: their record's end is where they were cut.
    void_by : tuple of str
        What would make the guarantee worthless.
    """

    rule: Rule | None = field(
        metadata=written(
            write=lambda rule: rule and rule.to_dict(), read=lambda data: None if data is None else rule_from(data)
        )
    )
    eps: float
    confidence: float
    bound: float
    clusters: int
    p: float
    needed: int | None
    loss: Estimate
    saved: float
    cut: int
    void_by: tuple[str, ...] = VOID_BY


@dataclass(frozen=True)
class _Reached:
    """How far along one knob rules are certified."""

    rule: Rule | None
    p: float
    needed: int | None
    losses: Float
    saved: float


def guarantee(
    held: Held, along: Mapping[str, Sequence[Rule]], eps: float, *, confidence: float, bound: float, rng: Rng
) -> Certificate:
    """Certify the boldest rule whose mean loss exceeds `eps` with probability at most 1 - confidence.

    Each family is walked from cautious to bold; the walk ends at the first rule for which "the mean loss exceeds eps"
    is not rejected. Several families share the error in equal parts.

    Parameters
    ----------
    held : Held
    along : mapping from family to rules
        From cautious to bold along one knob, chosen without looking at the recording (`grids.knobs`).
    eps : float
        In units of the value; above 0, below `bound`.
    confidence : float
    bound : float
        No loss can be larger: the declared range of the value.
    rng : Rng
        Draws the order in which clusters are bet on.

    Returns
    -------
    Certificate
        P(certified and mean loss > eps) <= 1 - confidence, for exchangeable clusters of any law.

    Raises
    ------
    SettingsError
        `eps` or `bound` are out of range, or a recorded loss exceeds the bound.
    InputError
        There is no session.

    Notes
    -----
    When it is wrong: where sessions to come are not like those recorded (`void_by`), or `along` was chosen by looking.

    References
    ----------
    Angelopoulos, Bates, Candes, Jordan and Lei (2021), Learn then Test, arXiv 2110.01052, section 2 (fixed sequence).
    """
    _refuse(held, along, eps, confidence, bound)
    names, cluster = relabel(held.cluster)
    order = rng.permutation(len(names))
    delta = (1 - confidence) / len(along)
    found = [_walk(held, order[cluster], rules, eps, delta, bound) for rules in along.values()]
    best = max((r for r in found if r.rule is not None), key=lambda r: r.saved, default=None)
    needs = [r.needed for r in found if r.needed is not None]
    end = best or found[0]
    return Certificate(
        rule=end.rule,
        eps=eps,
        confidence=confidence,
        bound=bound,
        clusters=len(names),
        p=end.p,
        needed=None if best or not needs else max(min(needs), len(names) + 1),
        loss=average(end.losses, level=0.95),
        saved=end.saved if best else 0.0,
        cut=int(held.cut.sum()),
    )


def _refuse(held: Held, along: Mapping[str, Sequence[Rule]], eps: float, confidence: float, bound: float) -> None:
    if not held.n_sessions:
        raise InputError("a guarantee rests on recorded sessions, and there is none.")
    if not any(along.values()):
        raise SettingsError("a guarantee needs at least one family of rules.")
    if not 0 < confidence < 1:
        raise SettingsError(f"{argument('confidence')} must lie between 0 and 1. Got {confidence:g}.")
    if not 0 < eps < bound:
        raise SettingsError(
            f"{argument('guarantee')} must lie above 0 and below {bound:g}, the range of the value given by"
            f" {argument('bounds')}. Got {eps:g}."
        )


def losses(held: Held, cluster: Int, stop: Int) -> Float:
    """Return the mean over each cluster's sessions of the value at the record's end less that held at a place.

    Parameters
    ----------
    held : Held
    cluster : int array, shape (n_sessions,)
        Without gaps.
    stop : int array, shape (n_sessions,)

    Returns
    -------
    float array, shape (n_clusters,)
    """
    rows = np.arange(len(stop))
    lost = held.value[rows, held.last] - held.value[rows, stop]
    return np.asarray(np.bincount(cluster, lost) / np.bincount(cluster))


def _walk(held: Held, cluster: Int, rules: Sequence[Rule], eps: float, delta: float, bound: float) -> _Reached:
    """Walk one knob from cautious to bold. Rules that stop no session early lose nothing, and certify nothing."""
    certified = _Reached(None, 1.0, None, np.zeros(int(cluster.max()) + 1), 0.0)
    for rule in rules:
        stop = rule.stops(held.seen, held.last)
        saved = 1 - stop.sum() / max(int(held.last.sum()), 1)
        if saved <= 0:
            continue
        lost = losses(held, cluster, stop)
        if lost.max() > bound:
            raise SettingsError(
                f"a recorded session loses {lost.max():g}, more than the range {bound:g} of the value given by"
                f" {argument('bounds')}. Hint: wider bounds."
            )
        p = float(mean_below_p(lost, eps, bound, alpha=delta))
        if p > delta:
            if certified.rule is not None:
                return certified
            needed = values_needed(lost, eps, bound, alpha=delta)
            return _Reached(None, p, needed if needed and needed < MOST_NEEDED else None, lost, 0.0)
        certified = _Reached(rule, p, None, lost, float(saved))
    return certified
