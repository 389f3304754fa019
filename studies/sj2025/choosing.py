"""What a static score is good for where programs have tests: to stop a session, to pick among candidates; the price."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np

import loopstat as ls
from loopstat.arrays import Float, Int
from loopstat.inference.estimate import Estimate
from loopstat.inference.resample import folds
from loopstat.inference.tests import holm
from loopstat.scoring.registry import scorer_of
from loopstat.scoring.score import Artefact
from studies import score_power

from .fits import SEED
from .recordings import OBJECTIVES, SUITES, Recording
from .statements import ALPHA, above

PRICES = (0.002, 0.01, 0.05)
"""Of one round of debugging, as a share of a program's tests."""
FAMILIES = {"threshold": "threshold", "patience": "patience", "recent_mean": "recent mean"}
FITTED, VISIBLE = "all scores, fitted", "visible tests"
N_FOLDS = 10
RIDGE = 1e-3
TIMED = 400  # programs, at one core


@dataclass(frozen=True)
class Trial:
    """One kind of rule on one score at one price, against the best fixed number of rounds; both tuned on other tasks.

    Attributes
    ----------
    score, family : str
    price : float
    gain : Estimate
        Net share of the tests passed above that of the fixed number, by task.
    p, p_adjusted : float
    fixed : Estimate
        Net share of the fixed number itself.
    """

    score: str
    family: str
    price: float
    gain: Estimate
    p: float
    fixed: Estimate
    p_adjusted: float = float("nan")

    @property
    def word(self) -> str:
        """What it says."""
        if not self.p_adjusted < ALPHA:
            return "no difference seen"
        return "better" if float(self.gain.value) > 0 else "worse"


def static_scores() -> list[str]:
    """Return the names of the scores a rule may look at; security is nearly constant here."""
    return [f"{suite}_{o}" for suite in SUITES for o in OBJECTIVES if o != "security"]


def debugged(recording: Recording) -> ls.Panel:
    """Return the sessions in which there is something to stop: those of at least two versions, scores and tests."""
    names = ["plus_frac", "visible_frac", *static_scores()]
    where = f"session IN (SELECT session FROM '{recording.path}' GROUP BY session HAVING count(*) > 1)"  # noqa: S608
    return recording.panel(names, where=where, labels=["ended"])


def fitted_score(panel: ls.Panel) -> Float:
    """Return for each version the share of tests that all its static scores foretell, fitted on other tasks."""
    names = static_scores()
    x = panel.x[:, [panel.names.index(n) for n in names]]
    y = panel.x[:, panel.names.index("plus_frac")]
    task: Int = np.unique(np.array(panel.labels["task"].values()), return_inverse=True)[1]
    fold = folds(int(task.max()) + 1, N_FOLDS, np.random.default_rng(SEED))[task]
    z = np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-9)])
    out = np.zeros(len(y))
    for k in range(N_FOLDS):
        a, b = z[fold != k], y[fold != k]
        out[fold == k] = z[fold == k] @ np.linalg.solve(a.T @ a + RIDGE * len(a) * np.eye(a.shape[1]), a.T @ b)
    return np.clip(out, 0.0, 1.0)


def trials(panel: ls.Panel, prices: Sequence[float] = PRICES) -> list[Trial]:
    """Judge rules that look at a static score, on tasks they were not tuned on, by the tests that programs pass.

    Parameters
    ----------
    panel : Panel
        As `debugged` returns it.
    prices : sequence of float
    """
    whole = _with_fitted(panel)
    found = []
    for price in prices:
        for name in (*static_scores(), FITTED, VISIBLE):
            column = {VISIBLE: "visible_frac"}.get(name, name)
            rules = ls.MeanCurve(
                price=price, select=column, value="plus_frac", keep="last", ended="ended", exact=True, rules=True,
                cluster="task", n_boot=200,
            )  # fmt: skip
            judged = rules.fit(whole, rng=SEED).trials
            if judged is None:
                continue
            for family, words in FAMILIES.items():
                gain, p = above(judged[family].against_fixed, 0.0, judged.clusters)
                found.append(Trial(name, words, price, gain, p, judged["fixed"].net))
    # Visible tests are there for comparison: what is asked is whether a static score helps.
    asked = [k for k, t in enumerate(found) if t.score != VISIBLE]
    for group in (asked, [k for k in range(len(found)) if k not in set(asked)]):
        for k, p in zip(group, holm([found[k].p for k in group]), strict=True):
            found[k] = replace(found[k], p_adjusted=float(p))
    return found


def _with_fitted(panel: ls.Panel) -> ls.Panel:
    objectives = (*panel.objectives, ls.Objective(FITTED, low=0.0, high=1.0))
    return replace(panel, x=np.column_stack([panel.x, fitted_score(panel)]), objectives=objectives)


# ------------------------------------------------------------------------------- the pick, and the price


@dataclass(frozen=True)
class Power:
    """How well static scores tell which program of a task passes; figures of `studies.score_power`.

    Attributes
    ----------
    name : str
        `debugging` or `pool`.
    programs : int
        Different ones.
    smallest_p : float
        Of the single scores, after Holm, within a task and a model.
    largest : Estimate
        Rank correlation of the single score with the largest one.
    combined : Estimate
        Of the best linear combination, fitted on other tasks.
    gains : tuple of (str, Estimate)
        Picking one of the candidates by a score; none for sessions.
    """

    name: str
    programs: int
    smallest_p: float
    largest: Estimate
    combined: Estimate
    gains: tuple[tuple[str, Estimate], ...]


def power(data: Path) -> list[Power]:
    """Return what static scores say of tests passed, for the recordings that are there."""
    found = []
    for p in score_power.recorded(data):
        *single, combined = score_power.correlations(p, "task and model", read_only=True)
        top = max(single, key=lambda c: abs(float(c.value.value)))
        gains = tuple(score_power.gains(p)) if p.name == "pool" else ()
        smallest = min(c.p for c in single)
        found.append(Power(p.name, int(p.first.sum()), smallest, top.value, combined.value, gains))
    return found


def seconds(recording: Recording, data: Path) -> dict[str, float]:
    """Return the CPU seconds that each suite takes for a program, at one core, tools it starts included."""
    source = data / recording.kind.file
    sql = f"SELECT DISTINCT artifact FROM '{source}' WHERE artifact IS NOT NULL ORDER BY artifact LIMIT {TIMED}"  # noqa: S608
    texts = [Artefact(text) for (text,) in duckdb.sql(sql).fetchall()]
    found = {}
    for suite in SUITES:
        scorer = scorer_of(suite)
        scorer.score(texts[:2])
        before = cpu()
        scorer.score(texts)
        found[suite] = (cpu() - before) / len(texts)
    return found


def cpu() -> float:
    """Return the CPU seconds of this process and of those it started and saw end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime
