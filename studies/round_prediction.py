"""What the moves lens predicts about debugging: which share of unseen sessions passes by each round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from loopstat.arrays import Float, Int
from loopstat.errors import SettingsError
from loopstat.moves.calibrate.progress import fit_progress
from loopstat.panel.model import Rng
from studies.assumptions import cluster_codes
from studies.move_prediction import Prediction, TaskLaw, half_of_tasks

LAWS = ("walk", "candidates")
COPIES = 20  # walks of each held-out session that make the prediction


def predict_rounds(
    mass: ArrayLike,
    session: ArrayLike,
    task: ArrayLike,
    rounds: int,
    *,
    rng: Rng,
    law: Literal["walk", "candidates"] = "walk",
    seen: int | None = None,
    level: float = 0.95,
    n_boot: int = 100,
) -> Prediction:
    """Calibrate on half of the tasks, and predict how many sessions of the others pass by each round.

    `walk`: improvement against defects. Held-out sessions are walked from their own first mass, mu' = max(mu - Delta,
    0), Delta normal with the mean and spread of `fit_progress`; a session at 0 passes and stops, as the loop does.
    `candidates`: every round is one more candidate of the same session, which passes with probability exp(-mu), mu
    differing between sessions (`TaskLaw`).

    Parameters
    ----------
    mass : float array, shape (n,)
        Of every version, in the order of a session's steps; 0 passes.
    session, task : arrays, shape (n,)
    rounds : int
        How many rounds ahead.
    rng : Generator
    law : {"walk", "candidates"}
    seen : int, optional
        Rounds of the training sessions that the calibration sees; all of them by default.
    level : float
    n_boot : int
        How often training tasks are resampled for the interval.

    Returns
    -------
    Prediction
        Of the sessions that did not pass at first and went on, the share that passes by round 1, 2, ...

    Raises
    ------
    SettingsError
        Too few tasks or transitions.

    Notes
    -----
    *When it is wrong*: real moves change nothing or repair all at once, and a normal law does neither; sessions that
    ended without passing count as never passing; sessions of one task are drawn apart, so intervals are too narrow.
    """
    if law not in LAWS:
        raise SettingsError(f"`law` must be one of {', '.join(LAWS)}. Got {law!r}.")
    mu, codes, sessions = np.asarray(mass, dtype=np.float64), cluster_codes(task), cluster_codes(session)
    order = np.argsort(sessions, kind="stable")
    mu, codes, sessions = mu[order], codes[order], sessions[order]
    first = np.flatnonzero(np.diff(sessions, prepend=-1))
    length = np.bincount(sessions)
    started = np.isin(sessions, np.flatnonzero((mu[first] > 0) & (length > 1)))
    mu, codes, sessions = mu[started], cluster_codes(codes[started]), cluster_codes(sessions[started])
    half = half_of_tasks(codes, rng)
    step = _steps(sessions)
    first = np.flatnonzero(step == 0)
    passed = _passed_by(mu, sessions, step, rounds)
    here, there = half[first] == 0, half[first] == 1
    known = (half == 0) & (step <= (seen or len(mu)))
    read = (_Walks if law == "walk" else _Candidates).of(mu[known], sessions[known], codes[known])
    start = mu[first][there]
    tasks = np.arange(read.n_tasks)
    predicted = read.shares(tasks, np.repeat(start, COPIES), rounds, rng)
    draws = np.array([read.shares(rng.choice(tasks, len(tasks)), start, rounds, rng) for _ in range(n_boot)])
    tail = 50 * (1 - level)
    low, high = np.percentile(draws, [tail, 100 - tail], axis=0)
    return Prediction(
        "sessions that pass by round, of those that did not at first",
        tuple(map(float, range(1, rounds + 1))),
        predicted,
        low,
        high,
        passed[there].mean(axis=0),
        passed[here].mean(axis=0),
        np.zeros(rounds),
        len(np.unique(codes[half == 0])),
        len(np.unique(codes[half == 1])),
    )


def _steps(sessions: Int) -> Int:
    """Return the place of every row in its session; rows are sorted by session."""
    first = np.flatnonzero(np.diff(sessions, prepend=-1))
    return np.asarray(np.arange(len(sessions)) - first[np.cumsum(np.diff(sessions, prepend=-1) != 0) - 1])


def _passed_by(mu: Float, sessions: Int, step: Int, rounds: int) -> Float:
    """Return whether each session had a mass of 0 at or before each round, shape (n_sessions, rounds)."""
    n = int(sessions.max()) + 1
    hits = [np.bincount(sessions[(step <= t) & (mu == 0)], minlength=n) > 0 for t in range(1, rounds + 1)]
    return np.column_stack(hits).astype(np.float64)


def _drawn(codes: Int, tasks: Int) -> tuple[Int, Int]:
    """Return the rows of the tasks drawn, and a number for each draw."""
    at = [np.flatnonzero(codes == t) for t in tasks]
    return np.concatenate(at), np.repeat(np.arange(len(at)), [len(a) for a in at])


@dataclass(frozen=True)
class _Walks:
    """Transitions of the training tasks."""

    mass: Float
    next_mass: Float
    codes: Int
    n_tasks: int

    @classmethod
    def of(cls, mu: Float, sessions: Int, codes: Int) -> _Walks:
        parent = np.flatnonzero(np.diff(sessions, append=-1) == 0)
        task = cluster_codes(codes[parent])
        return cls(mu[parent], mu[parent + 1], task, int(task.max()) + 1)

    def shares(self, tasks: Int, start: Float, rounds: int, rng: Rng) -> Float:
        """Fit to some tasks and walk from `start`: the share at mass 0 after each round."""
        at, cluster = _drawn(self.codes, tasks)
        fit = fit_progress(self.mass[at], self.next_mass[at], cluster=cluster)
        mu, out = start.copy(), np.empty(rounds)
        for t in range(rounds):
            spread = float(fit.spread.value) * np.sqrt(mu / (mu + fit.b_used))
            gain = fit.mean(mu) + spread * rng.standard_normal(len(mu))
            mu = np.where(mu > 0, np.maximum(mu - gain, 0.0), 0.0)
            out[t] = np.mean(mu == 0)
        return out


@dataclass(frozen=True)
class _Candidates:
    """Rounds made and whether the last one passed, of the training sessions."""

    passed: Float
    tried: Float
    codes: Int
    n_tasks: int

    @classmethod
    def of(cls, mu: Float, sessions: Int, codes: Int) -> _Candidates:
        rows = cluster_codes(sessions)
        n = int(rows.max()) + 1
        step = _steps(rows)
        # rounds after the first pass were made by a loop that looks at another oracle
        hit = np.full(n, len(mu), dtype=np.int64)
        np.minimum.at(hit, rows, np.where(mu == 0, step, len(mu)))
        made = np.bincount(rows, minlength=n) - 1
        tried = np.minimum(made, hit)
        keep = tried > 0
        task = cluster_codes(codes[step == 0][keep])
        return cls((hit <= made)[keep].astype(float), tried[keep].astype(float), task, int(task.max()) + 1)

    def shares(self, tasks: Int, start: Float, rounds: int, rng: Rng) -> Float:
        """Fit to some tasks and draw a mass and the round of the first pass for each session of `start`."""
        at, _ = _drawn(self.codes, tasks)
        law = TaskLaw.fit(self.passed[at], self.tried[at])
        mass = rng.choice(law.mass, size=len(start), p=law.weight)
        hit = rng.geometric(np.maximum(np.exp(-mass), 1e-9))
        return np.array([np.mean(hit <= t) for t in range(1, rounds + 1)])
