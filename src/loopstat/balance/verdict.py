"""What follows from a balance fit in one sentence, and why some of its figures are not known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Float
from ..inference.estimate import Estimate, number
from ..panel.tally import Counts
from ..results.verdict import Verdict
from .checks import ALPHA
from .currents import Circulation, Cycle
from .potentials.least_action import Exchanges
from .tests.reversal import WITHIN, BalanceTest

THIN = 2.0  # transitions per exchanged pair below which nothing can be told
MOSTLY_TIED = 0.5  # share of draws that equal the recording from which the test cannot see anything
NINE_TENTHS = math.log(10)  # relaxation times in which all but a tenth of the start is forgotten
LONGEST_NAME = 28  # characters of a state in the verdict


@dataclass(frozen=True, eq=False)
class BalanceVerdict(Verdict):
    """Whether a loop is in balance, and in `follows` what to do about it, in a sentence."""

    follows: str = ""


def verdict(
    pairs: Exchanges, test: BalanceTest, flow: Circulation, passed: dict[str, bool], slowest: Estimate
) -> BalanceVerdict:
    """Say whether a group is driven, balanced as far as can be told, or that nothing can be, and what follows.

    `slowest` is the slowest relaxation time, in steps; NaN where it is not known.
    """
    said = _answer(pairs, test, flow, passed)
    if said.action == "driven":
        follows = _circles(flow, passed, within=test.method == WITHIN)
    elif not passed["time_varying"]:
        follows = "early and late steps differ: it has yet to come to rest, so record longer sessions"
    elif said.action == "balanced":
        follows = f"it comes to rest by itself: no cycle to break{_by_step(slowest)}"
    elif len(pairs) and not test.df and not flow.entropy.one_way_pairs:
        follows = f"no cycle to break: its states lie on no ring{_by_step(slowest)}"
    else:
        follows = "nothing to break yet: only more transitions could show a cycle"
    return BalanceVerdict(said.action, said.sentence, follows)


def _circles(flow: Circulation, passed: dict[str, bool], *, within: bool) -> str:
    sure = _sure_cycle(flow)
    if not passed["time_varying"]:
        return "look at early and late steps apart before a cycle is broken: they differ"
    if not (passed["chains_differ"] or within):
        return "look at sessions of one kind alone (--by) before a cycle is broken: they follow different chains"
    if sure is None:
        return "it circles, by no single cycle surely: more transitions would say which to break"
    return f"it circles: break the cycle {_way(sure)}"


def _by_step(slowest: Estimate) -> str:
    """Say by which step the start is forgotten but for a tenth, with its ends where they are known."""
    if not math.isfinite(slowest.value):
        return ""
    step, *ends = (math.ceil(NINE_TENTHS * time) if math.isfinite(time) else None for time in slowest.triple)
    between = f" ({ends[0]} to {ends[1]})" if None not in ends and len({step, *ends}) > 1 else ""
    return f"; 90 % there by step {step}{between}"


def _answer(pairs: Exchanges, test: BalanceTest, flow: Circulation, passed: dict[str, bool]) -> Verdict:
    moved = (pairs.forward + pairs.backward).sum()
    n = f"{moved:,.6g} exchanged transitions" if moved < 1e6 else f"{moved:,.0f} exchanged transitions"
    if not np.isfinite(test.p_value):
        return Verdict("cannot_tell", f"cannot tell: {test.reason}")
    p = f"p {number(test.p_value)}"
    if test.p_value < ALPHA:
        others = (
            [] if passed["chains_differ"] or test.method == WITHIN else ["sessions of different chains were pooled"]
        )
        others += [] if passed["time_varying"] else ["it settles: early and late steps differ"]
        but = f" (or {', or '.join(others)})" if others else ""
        return Verdict("driven", f"driven{but}: {_round(flow)} ({p}, {test.method}, {n}).")
    if moved < THIN * len(pairs) or test.tied > MOSTLY_TIED:
        return Verdict(
            "cannot_tell", f"cannot tell: {n} between {len(pairs)} pairs of states are too few to see a current ({p})."
        )
    high = flow.entropy.high
    unseen = f"; up to {number(high)} nats a step could go unseen" if np.isfinite(high) else ""
    return Verdict("balanced", f"in detailed balance as far as {n} can tell ({p}, {test.method}{unseen}).")


def _round(flow: Circulation) -> str:
    """Name the cycle that carries the largest current among those that surely have a direction."""
    sure = _sure_cycle(flow)
    return (
        "it goes round, by no single cycle surely" if sure is None else f"goes round {_way(sure)} more often than back"
    )


def _sure_cycle(flow: Circulation) -> Cycle | None:
    one_way = (c for c in flow.cycles if not np.isfinite(c.affinity))
    return next((c for c in flow.cycles if c.low > 0 or c.high < 0), next(one_way, None))


def _way(cycle: Cycle) -> str:
    names = _short(cycle.states)
    return " -> ".join([*names, names[0]])


def _short(names: Sequence[str]) -> list[str]:
    """Return names cut to what stands before a bracket, or to a length, where that leaves them different."""
    for most in (LONGEST_NAME, 3 * LONGEST_NAME):
        heads = [name.split(" (")[0] for name in names]
        cut = [h if 0 < len(h) <= most else name[: most - 1] + "…" for h, name in zip(heads, names, strict=True)]
        if len(set(cut)) == len(set(names)):
            break
    return cut


def reasons(
    counts: Counts, pairs: Exchanges, test: BalanceTest, flow: Circulation, times: Float, *, size_draws: int
) -> dict[str, str]:
    """Return JSON keys that are null, with the sentence that says why."""
    out: dict[str, str] = {}
    if len(pairs) == 0:
        out["potential"] = "no two states lead to each other."
    elif counts.classes.transient.any():
        out["potential"] = "null for states that are left and never entered again: they lie above all they enter."
    if not np.isfinite(test.p_value):
        out["test"] = test.reason
    if len(pairs) == 0:
        out["stationary"] = out["relaxation_times"] = "no two states lead to each other."
    if not np.isfinite(test.size_at_5_percent):
        out["size_at_5_percent"] = (
            "the exact test holds its level by construction."
            if test.method and test.method.startswith("exact")
            else "not simulated: too many fits."
            if size_draws
            else "not simulated: ask with --size-draws."
        )
    if len(times) and not np.isfinite(times).all():
        out["relaxation_times"] = "null where the chain swings between groups of states for ever."
    return out
