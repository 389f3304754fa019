"""How much of what is wrong an oracle sees: coarse against fine verdicts on the same samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Int
from ...errors import SettingsError
from ...inference.estimate import Estimate, number, show
from ...inference.intervals import jackknife, left_out_ratio, share_by_cluster
from ...lenses import Progress
from ...panel.model import Rng
from ...results.record import Record, absent, written
from .identified import UNREAD, Identified
from .mixture import MixtureFit, OneShare, fit_mixture, one_r_test

MIN_TASKS = 8
TEST_LEVEL = 0.05
DRAWS = 39  # enough to reject at 0.05, and no more
WIDEST = 0.5  # an interval of r that is wider says nothing worth a setting
NOT_NESTED = 0.02  # share of fine passes that fail the coarse tests, from which the tests are no nested pair
NAME = "oracle_resolution"


@dataclass(frozen=True)
class Verdicts:
    """Samples of each task by what two nested oracles said of them.

    Attributes
    ----------
    outcomes : int array, shape (n_tasks, 3)
        How many fail the coarse tests, fail the fine ones alone, and pass both.
    beyond : int
        Samples that pass the fine tests and fail the coarse ones; counted as failing.
    """

    outcomes: Int
    beyond: int = 0

    @classmethod
    def of(cls, coarse: ArrayLike, fine: ArrayLike, task: ArrayLike) -> Verdicts:
        """Count the verdicts on each task.

        Parameters
        ----------
        coarse, fine : bool arrays, shape (n,)
        task : array, shape (n,)

        Raises
        ------
        SettingsError
            Lengths that differ.

        Examples
        --------
        >>> Verdicts.of([1, 1, 0], [1, 0, 0], ["a", "a", "b"]).outcomes.tolist()
        [[0, 1, 1], [1, 0, 0]]
        """
        c, f = np.asarray(coarse, dtype=bool), np.asarray(fine, dtype=bool)
        codes = np.unique(np.asarray(task), return_inverse=True)[1].ravel()
        if not len(c) == len(f) == len(codes):
            raise SettingsError(f"verdicts and tasks must be equally long. Got {len(c)}, {len(f)} and {len(codes)}.")
        kinds = [~c, c & ~f, c & f]
        n = int(codes.max()) + 1 if len(codes) else 0
        counts = np.stack([np.bincount(codes[k], minlength=n) for k in kinds], axis=1)
        return cls(counts.astype(np.int64), int(np.sum(f & ~c)))

    @property
    def n_tasks(self) -> int:
        """Tasks with a sample."""
        return len(self.outcomes)

    @property
    def n_samples(self) -> int:
        """Samples of all tasks."""
        return int(self.outcomes.sum())

    @property
    def n_repeated(self) -> int:
        """Tasks with two samples or more."""
        return int(np.sum(self.outcomes.sum(axis=1) > 1))

    @property
    def nested(self) -> bool:
        """True where what passes the fine tests passes the coarse ones, but for a rare slip."""
        return self.beyond <= NOT_NESTED * max(int(self.outcomes[:, 2].sum()) + self.beyond, 1)


def false_pass_rate(verdicts: Verdicts, *, level: float = 0.95) -> Identified:
    """Return the share of samples passed by the coarse oracle that the fine one fails, 1 - P_fine/P_coarse.

    Parameters
    ----------
    verdicts : Verdicts
    level : float
        Of the interval by task (see `loopstat.shares.share_by_cluster`).

    Returns
    -------
    Identified
        Named `false_pass`; free of any model of defects.

    Notes
    -----
    *When it is wrong*: the fine oracle misses defects too, so this is what the coarse one lets through *of what the
    fine one sees*.

    Examples
    --------
    >>> false_pass_rate(Verdicts(np.array([[1, 1, 3], [0, 0, 5]] * 10))).estimate
    Estimate(0.11 [0.06, 0.18])
    """
    n = verdicts.outcomes.astype(np.float64)
    passed = n[:, 1] + n[:, 2]
    counts: dict[str, Any] = {"n_tasks": int(np.sum(passed > 0)), "n_samples": int(passed.sum())}
    if not passed.any():
        return Identified.unknown("false_pass", "No sample passes the coarse tests.", method="ratio", **counts)
    estimate = share_by_cluster(n[:, 1], passed, level)
    why = "Of samples that pass the coarse tests, so many fail the fine ones; no model is needed."
    return Identified("false_pass", estimate, True, why, "1 - P_fine/P_coarse", **counts)


def one_mass_share(verdicts: Verdicts, *, level: float = 0.95) -> Estimate:
    """Return ln P_coarse/ln P_fine: the r of tasks that all have the same defect mass.

    Parameters
    ----------
    verdicts : Verdicts
    level : float
        Of the leave-one-task-out interval, on the scale of ln(r/(1 - r)).

    Returns
    -------
    Estimate
        NaN where no sample passes the fine tests or none fails; 1 without ends where no sample fails them alone.

    Notes
    -----
    *When it is wrong*: masses that differ make it too large, never too small: E[u^r] <= (E u)^r for u = e^{-mu}. For
    masses that vary by a factor of 5 it is 0.83 to 0.90 where r is 0.8.

    Examples
    --------
    >>> one_mass_share(Verdicts(np.array([[2, 1, 7], [3, 1, 6]] * 10)))
    Estimate(0.668 [0.651, 0.685])
    """
    n = verdicts.outcomes.astype(np.float64)
    every, seen, good = n.sum(), n[:, 1].sum() + n[:, 2].sum(), n[:, 2].sum()
    if not 0 < good < every:
        return Estimate.unknown()
    if seen in (good, every):
        return Estimate(float(seen == good))
    value = float(np.log(seen / every) / np.log(good / every))
    rest = [left_out_ratio(n[:, columns].sum(axis=1), n.sum(axis=1)) for columns in ([1, 2], [2])]
    inner = np.all([(p > 0) & (p < 1) for p in rest], axis=0) & (rest[0] > rest[1])
    if len(n) < 2 or not inner.all():
        return Estimate(value)
    left = np.log(rest[0]) / np.log(rest[1])
    return jackknife(value, left, level=level, scale="logit")


@dataclass(frozen=True, eq=False)
class Resolution(Record):
    """The share r of defect modes that the coarse oracle sees, by two methods, and whether it may be used.

    Attributes
    ----------
    parameter : Identified
    logarithms : Estimate
        ln P_coarse/ln P_fine.
    mixture : Estimate
        By several samples per task; NaN where there are none.
    test : OneShare or None
        Of one r for all tasks.
    """

    KEYS = ("logarithms", "mixture", "test")

    parameter: Identified = field(metadata=absent(lambda: Identified.unknown("oracle_resolution", UNREAD)))
    logarithms: Estimate
    mixture: Estimate = field(default_factory=Estimate.unknown)
    test: OneShare | None = field(default=None, metadata=written("one_r_test"))


def oracle_resolution(
    verdicts: Verdicts,
    *,
    level: float = 0.95,
    rng: Rng,
    n_draws: int = DRAWS,
    selected: bool = False,
    progress: Progress | None = None,
) -> Resolution:
    """Return the share r of defect modes that the coarse oracle sees, or why it is not identifiable.

    Parameters
    ----------
    verdicts : Verdicts
        The fine oracle is taken as complete, the tests as nested.
    level : float
        Of the interval by task.
    rng : Generator
        For the test of one r.
    n_draws : int
        Of that test, at most.
    selected : bool
        Whether the samples were chosen by their coarse verdicts, as the last versions of loops that stop on them are.
    progress : callable, optional
        Called with the draws of that test done, how many there are at most, and what they are for.

    Returns
    -------
    Resolution
        Identifiable where at least eight tasks have two samples, the interval is narrower than 0.5, one r for all
        tasks is not rejected, and logarithms and mixture agree as far as the fitted law of masses says they should.

    Notes
    -----
    *When it is wrong*: a test that does not reject proves no single r; with few samples per task it sees little.

    Examples
    --------
    >>> verdicts = Verdicts(np.array([[1, 1, 3]] * 20))
    >>> oracle_resolution(verdicts, rng=np.random.default_rng(0), selected=True).parameter.identifiable
    False
    """
    from threadpoolctl import threadpool_limits

    logs = one_mass_share(verdicts, level=level)
    counts: dict[str, Any] = {"n_tasks": verdicts.n_tasks, "n_samples": verdicts.n_samples}
    why = _impossible(verdicts, logs, selected=selected)
    if why:
        return Resolution(Identified.unknown(NAME, why, **counts), logs)
    # Many small systems of equations: threads of the linear algebra library only wait for one another.
    with threadpool_limits(1):
        fit, test = fit_mixture(verdicts.outcomes, level=level), None
        r = fit.r
        if verdicts.n_repeated < MIN_TASKS:
            return Resolution(Identified.unknown(NAME, _few_samples(verdicts, r, logs), **counts), logs)
        if float(r.high - r.low) > WIDEST:
            flat = f"The likelihood is flat from {float(r.low):.2f} to {float(r.high):.2f}"
            why = f"{flat}: more samples a task are needed."
        elif verdicts.outcomes[:, 1].any():
            test = one_r_test(verdicts.outcomes, fit, rng=rng, n_draws=n_draws, progress=progress)
            why = _contradicted(fit, logs, test)
    said = why or _supported(logs, test)
    parameter = Identified(NAME, r, not why, said, "mixture over masses, profile likelihood", **counts)
    return Resolution(parameter, logs, r, test)


def _impossible(verdicts: Verdicts, logs: Estimate, *, selected: bool) -> str:
    """Return why r cannot be had whatever the method; empty where it may."""
    by_logs = "" if np.isnan(logs.value) else f" One mass for all tasks would make it {number(float(logs.value))}."
    failed, hidden, good = verdicts.outcomes.sum(axis=0)
    reasons = {
        "The samples were selected by their coarse verdicts (the loop stops at the first that passes): "
        f"use first versions, --where step=0.{by_logs}": selected,
        "No sample passes the fine tests.": not good,
        "Every sample passes the fine tests: nothing is there to be seen or missed.": not failed + hidden,
        f"The tests are not nested: {verdicts.beyond:,} samples pass the fine tests and fail the coarse ones."
        f"{by_logs}": not verdicts.nested,
    }
    return next((why for why, holds in reasons.items() if holds), "")


def _few_samples(verdicts: Verdicts, r: Estimate, logs: Estimate) -> str:
    few = "one sample per task" if not verdicts.n_repeated else f"only {verdicts.n_repeated} tasks sampled twice"
    flat = f"other masses fit equally well for any r from {float(r.low):.2f} to {float(r.high):.2f}"
    return f"With {few} {flat}. One mass for all tasks would make it {number(float(logs.value))}."


def _contradicted(fit: MixtureFit, logs: Estimate, test: OneShare) -> str:
    """Return why one r does not fit; empty where it may."""
    methods = f"logarithms give {show(float(logs.value))}, the mixture {show(float(fit.r.value))}"
    if test.p_value <= TEST_LEVEL:  # (k + 1)/40 reaches 0.05
        return (
            f"One r for all tasks does not fit (p {number(test.p_value)}; log-likelihood short by "
            f"{number(test.statistic / 2, 3)}, where {number(test.expected / 2)} is usual): {methods}. "
            "Blind spots sit in tasks."
        )
    implied = float(np.log(fit.p_coarse) / np.log(fit.p_fine))
    if np.isfinite(logs.low) and not logs.low <= implied <= logs.high:
        return f"The fitted law of masses contradicts the pass rates: {methods}."
    return ""


def _supported(logs: Estimate, test: OneShare | None) -> str:
    if test is None:
        return "No sample fails the fine tests alone: the coarse ones may see all; the interval says how sure that is."
    return (
        f"One r for all tasks is not contradicted (p {number(test.p_value)}); "
        f"one mass for all would make it {show(float(logs.value))}, too large where masses differ."
    )
