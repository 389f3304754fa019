"""What could mislead about a chain of states: rules of its checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..inference.estimate import TestResult, number
from ..panel.tally import Counts
from ..results.check import CheckRule, Outcome
from .potentials.least_action import Exchanges
from .tests.reversal import WITHIN, BalanceTest

SPARSE = 5.0  # transitions per direction of an exchanged pair below which intervals and potentials are rough
ALPHA = 0.05


@dataclass(frozen=True)
class Evidence:
    """What the checks look at; `n_sessions` is None for counts without sessions."""

    counts: Counts
    pairs: Exchanges
    test: BalanceTest
    order: TestResult
    homogeneity: dict[str, TestResult]
    n_sessions: int | None


def _sparse_counts(e: Evidence) -> Outcome:
    per = float((e.pairs.forward + e.pairs.backward).sum() / max(2 * len(e.pairs), 1))
    rough = ": potentials and their intervals are rough." if per < SPARSE else "."
    said = f"{number(per)} transitions for each direction of an exchanged pair{rough}"
    return Outcome(per, per >= SPARSE or len(e.pairs) == 0, said)


def _several_classes(e: Evidence) -> Outcome:
    inside = float(e.counts.classes.transitions[:1].sum())
    outside = 1 - inside / e.counts.total if e.counts.total else 0.0
    passed = outside <= ALPHA
    said = f"{_percent(outside)} of the transitions lie outside the main class of states that all lead to each other"
    return Outcome(outside, passed, said + ("." if passed else "; each class has a zero of its own."))


def _memory(e: Evidence) -> Outcome:
    return _tested(
        e.order,
        "the next state depends on the one before the present too: states lump what differs, or sessions differ",
        "the present state says all that the one before it could",
    )


def _chains_differ(e: Evidence) -> Outcome:
    remedy = "; the test was made within sessions" if e.test.method == WITHIN else ": split them with --by"
    return _tested(
        e.homogeneity["sessions"],
        f"sessions follow different chains: pooled, they look driven or balanced for no reason of their own{remedy}",
        "sessions cannot be told apart by their transitions",
    )


def _time_varying(e: Evidence) -> Outcome:
    return _tested(
        e.homogeneity["steps"],
        "early steps follow another chain than late ones, and settling looks driven: use --from-step",
        "early and late steps follow the same chain",
    )


def _tested(test: TestResult, failed: str, passed: str) -> Outcome:
    if not np.isfinite(test.p_value):
        return Outcome(None, True, f"not tested: {test.reason}")
    good = test.p_value >= ALPHA
    return Outcome(test.p_value, good, f"{passed if good else failed} (p {number(test.p_value)}).")


def _visits_guessed(e: Evidence) -> Outcome:
    counts = e.counts
    listed = e.n_sessions is None and np.array_equal(counts.visits, counts.rows)
    silent = listed and counts.visits_rule == "observed" and not np.any(counts.source == counts.target)
    said = (
        "visits were taken as the transitions listed, and no self-transition is: if the table leaves out rejected "
        "or repeated answers, potentials shift by the log of the missing share (--visits equal or N)."
        if silent
        else "visits are known."
    )
    return Outcome(None, not silent, said)


def _percent(share: float) -> str:
    return "more than 99%" if 0.99 < share < 1 else f"{share:.0%}"


RULES: tuple[CheckRule[Evidence], ...] = (
    CheckRule("sparse_counts", SPARSE, "Potentials and their intervals are rough.", _sparse_counts),
    CheckRule("several_classes", ALPHA, "Each class has a zero of its own.", _several_classes),
    CheckRule("memory", ALPHA, "States lump what differs, or sessions differ.", _memory),
    CheckRule("chains_differ", ALPHA, "Pooled sessions look driven or balanced for no reason.", _chains_differ),
    CheckRule("time_varying", ALPHA, "Settling looks driven.", _time_varying),
    CheckRule("visits_guessed", None, "Potentials shift by the log of the missing share.", _visits_guessed),
)
