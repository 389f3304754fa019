"""What is said of a group in lines: the verdict, where it rests, what it goes round, and what is doubtful."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from ...inference.estimate import Estimate, TestResult
from ...results.chart import Chart, Tone
from ...results.document import Answer, Cell, Fact, Facts, Part, Parts, Text, figure
from ...results.words import chance, counted, kept, number
from ..currents import Cycle
from ..fit import ANSWERS
from .seen import MAX_STATE, Seen, rounded, short_names, state_name

MAX_STATES = 6  # named where it rests
MAX_CYCLES = 3
MAX_CYCLE = 6  # states of a cycle that are named
MAX_TRAPS = 3
MAX_FEATURES = 4
ALPHA = 0.05
FAR = 300.0  # affinities beyond it are infinite ratios for all purposes
NO_DOUBT = ("unexplained",)  # a finding about the loop, which the intervals allow for
TONES: dict[str, Tone] = {"driven": "ours", "balanced": "ink", "cannot_tell": "doubt"}


def answer(seen: Seen, picture: Chart | None = None) -> Answer:
    """Return the verdict: whether it is in balance, then why."""
    verdict = seen.fit.verdict
    said = ANSWERS[verdict.action]
    return Answer(verdict.action, said, (verdict.sentence.removeprefix(said),), TONES[verdict.action], picture)


def scale(beta: float) -> str:
    """Say what a difference of potentials, in units of 1/beta nats, means."""
    step = f"{1 / beta:.3g}"
    return (
        f"Potential: a move down by {step} is 2.7 times as likely as the move back up, where nothing drives the loop."
    )


def lead(seen: Seen) -> Parts:
    """Return how much a group holds."""
    sessions = seen.fit.n_sessions
    words = [counted(seen.n_states, "state"), counted(seen.n_transitions, "transition")]
    return (", ".join([*words, *([] if sessions is None else [counted(sessions, "session")])]),)


def facts(seen: Seen) -> Facts:
    """Return the lines said of a group, the most telling first."""
    makers = (
        _follows,
        _rests,
        _one_way,
        _rounds,
        _traps,
        _features,
        _sure,
        _irreversible,
        _forgets,
        _one_chain,
        _source,
    )
    return Facts(tuple(fact for maker in makers for fact in maker(seen)))


def _follows(seen: Seen) -> Iterator[Fact]:
    """Yield what to do about it."""
    yield Fact("what follows", (f"{seen.fit.verdict.follows}.",), "front")


def doubtful(seen: Seen) -> list[Text]:
    """Return what casts doubt on a group's answer."""
    made = [] if seen.fit.parametric is None else seen.fit.parametric.checks
    said = [c.message for c in seen.fit.checks if not c.passed]
    said += [f"features: {c.message}" for c in made if not c.passed and c.name not in NO_DOUBT]
    return [Text(tuple((s,) for s in said), "doubt", points=True)] if said else []


def _joined(words: Iterable[Parts]) -> Parts:
    """Return pieces with commas between them."""
    return tuple(part for k, some in enumerate(words) for part in ((", ", *some) if k else some))


def _entry(name: str, cell: Cell, more: str = "") -> Parts:
    return (f"{kept(name)}\xa0(", cell, f"{more})")


# ------------------------------------------------------------------------- where it rests


def _rests(seen: Seen) -> Iterator[Fact]:
    """Yield where the loop rests, or was while it had yet to: the lowest states, set by set."""
    moving = not seen.fit.check("time_varying").passed
    head = "so far in" if moving else "rests in"
    sets: dict[int, list[int]] = {}
    for k in seen.lowest:
        sets.setdefault(int(seen.label[k]), []).append(k)
    if not sets and "potential" in seen.fit.reasons:
        yield Fact(head, (f"not known: {seen.fit.reasons['potential']}",))
    for n, states in enumerate(list(sets.values())[:MAX_STATES]):
        yield Fact("or in" if n else head, _states(seen, states))
    if moving and sets:
        p = _chance(seen, "homogeneity.steps", seen.fit.homogeneity["steps"])
        yield Fact("", ("no rest: early and late steps differ (", p, "); averages over all of them"))
    if len(sets) > 1:
        yield Fact("", (f"{len(sets)} sets of states do not lead to each other: potentials compare inside each only",))
    if seen.lowest:
        yield Fact("potential", _more(_potentials(seen, seen.lowest[:MAX_STATES]), len(seen.lowest)), "long")


def _states(seen: Seen, states: list[int]) -> Parts:
    """Return the lowest states of a set with their shares of time, or where these are not known their potentials."""
    if np.isnan(seen.fit.stationary.value[states[0]]):
        return _more(_potentials(seen, states[:MAX_STATES], "potential\xa0"), len(states))
    shares = [
        _entry(seen.name(k), seen.entry("stationary", k, "percent"), "" if n else " of the time")
        for n, k in enumerate(states[:MAX_STATES])
    ]
    return _more(_joined(shares), len(states))


def _potentials(seen: Seen, states: list[int], word: str = "") -> Parts:
    return _joined((f"{kept(seen.name(k))}\xa0({word}", seen.entry("potential", k), ")") for k in states)


def _more(said: Parts, n: int, most: int = MAX_STATES) -> Parts:
    return (*said, f" and {n - most:,} more") if n > most else said


def _one_way(seen: Seen) -> Iterator[Fact]:
    """Yield states that are only left, with how high they are at least, and states that are only entered."""
    left, entered = (np.flatnonzero(some).tolist() for some in (seen.transient, seen.absorbing))
    bounds = [(seen.name(k), seen.number(f"potential_bound.{k}", seen.fit.potential.bound[k])) for k in left]
    said = [
        (f"{kept(name)}\xa0(potential above ", cell, ")") if cell.place else (name,)
        for name, cell in bounds[:MAX_STATES]
    ]
    if left:
        yield Fact("only left", _more(_joined(said), len(left)))
    if entered:
        yield Fact("only entered", _more(_joined((seen.name(k),) for k in entered[:MAX_STATES]), len(entered)))


# ----------------------------------------------------------------------- what it goes round


def _rounds(seen: Seen) -> Iterator[Fact]:
    """Yield cycles that are surely gone round one way more often, where the loop is driven."""
    if seen.fit.verdict.action != "driven":
        return
    sure = [c for c in seen.fit.cycles if c.low > 0 or math.isnan(c.affinity)]
    for k, cycle in enumerate(sure[:MAX_CYCLES]):
        yield Fact("" if k else "goes round", _round(cycle), "long" if k else "short")


def _round(cycle: Cycle) -> Parts:
    """Say how much more often a cycle is gone round one way than the other."""
    way = way_of(cycle.states, MAX_CYCLE)
    if math.isnan(cycle.affinity):
        return (f"{way}: a step of it was never seen the other way",)
    ends = (cycle.affinity, cycle.low, cycle.high)
    times = Estimate(*(math.exp(min(max(v, -FAR), FAR)) for v in ends))
    return (f"{way}: ", figure(times), " times as often as back")


def way_of(states: tuple[str, ...], most: int) -> str:
    """Return the way round a cycle."""
    names = short_names(states, MAX_STATE)
    shown = names if len(names) <= most else [*names[: most - 1], f"({len(names) - most + 1} more)"]
    return " → ".join([*shown, *names[:1]])


def _traps(seen: Seen) -> Iterator[Fact]:
    said: list[Parts] = [
        (f"{kept(state_name(t.state))} (left in ", seen.entry("escape", seen.code[t.state], "percent"), " of visits)")
        for t in seen.fit.traps[:MAX_TRAPS]
    ]
    if said:
        yield Fact("hardest to leave", _joined(said))


# ------------------------------------------------------------------------------- features


def _features(seen: Seen) -> Iterator[Fact]:
    """Yield whether features of the states tell which way is down, which of them surely do, and by what formula."""
    made = seen.fit.parametric
    if made is None:
        return
    yield Fact("features", (made.sentence,))
    effect = made.theta.value * made.scale
    sure = np.flatnonzero((made.theta.low > 0) | (made.theta.high < 0))
    some = sure[np.argsort(-np.abs(effect[sure]))][:MAX_FEATURES]
    ends = Estimate(effect, made.theta.low * made.scale, made.theta.high * made.scale)
    if len(some):
        yield Fact("per sd", _joined((f"{kept(state_name(made.names[k]))}\xa0", figure(ends, int(k))) for k in some))
    if made.symbolic is not None:
        yield Fact("formula", (made.symbolic.sentence,))


# --------------------------------------------------------------------------- how sure, how fast


def _sure(seen: Seen) -> Iterator[Fact]:
    """Yield how the test of detailed balance came out, or why there is none."""
    test = seen.fit.test
    if math.isnan(test.p_value):
        yield Fact("how sure", (test.reason or seen.fit.reasons.get("test") or "not tested.",), "long")
        return
    said: list[Part] = [f"test of detailed balance ({test.method}): " if test.method else "test of detailed balance: "]
    said.append(figure(test.p_value, place=seen.place("test.p_value"), form="chance"))
    if not math.isnan(test.statistic):
        said += ["; statistic ", seen.number("test.statistic", test.statistic)]
    said.append(f" on {counted(test.df, 'degree')} of freedom")
    said.append(f", {counted(test.n_draws, 'draw')}" if test.n_draws else "")
    yield Fact("how sure", tuple(said), "long")


def _irreversible(seen: Seen) -> Iterator[Fact]:
    found = seen.fit.entropy_production
    if math.isnan(found.value):
        return
    said: list[Part] = ["at least " if found.lower_bound else ""]
    said += [seen.ranged("entropy_production.value", found), " nats per step"]
    said.append(" in the largest set of states" if len(seen.sets) > 1 else "")  # others' cycles are not in this figure
    n = found.one_way_pairs
    said.append(f"; {counted(n, 'pair')} {'was' if n == 1 else 'were'} seen one way only" if n else "")
    yield Fact("irreversible", tuple(said))


def _forgets(seen: Seen) -> Iterator[Fact]:
    """Yield how fast the start is forgotten."""
    times = seen.fit.relaxation_times
    known = np.flatnonzero(np.isfinite(times.value))
    if not len(known):
        return
    k = int(known[0])
    half = Estimate(*(math.log(2) * float(v[k]) for v in (times.value, times.low, times.high)))
    slow = seen.number(f"relaxation_times.{k}", float(times.value[k]), "rough")
    yield Fact("forgets", ("half of where it started in ", figure(half), " steps (relaxation time ", slow, ")"))


def _one_chain(seen: Seen) -> Iterator[Fact]:
    """Yield whether the last state is enough, and whether one chain holds throughout."""
    fit = seen.fit
    tests = (
        ("order_test", fit.order_test, "the last state is enough", "the state before the last matters too"),
        *(
            (f"homogeneity.{key}", fit.homogeneity[key], f"{word} agree", f"{word} differ")
            for key, word in (("steps", "early and late steps"), ("sessions", "sessions"))
        ),
    )
    said = [
        (yes if test.p_value >= ALPHA else no, " (", _chance(seen, path, test), ")")
        for path, test, yes, no in tests
        if not math.isnan(test.p_value)
    ]
    if said:
        yield Fact("one chain?", _joined(said), "long")


def _chance(seen: Seen, path: str, test: TestResult) -> Cell:
    return figure(test.p_value, place=seen.place(f"{path}.p_value"), form="chance")


def _source(seen: Seen) -> Iterator[Fact]:
    """Yield the published statistic, for comparison with published figures only."""
    found = seen.fit.source_statistic
    figures = ((found.pair_chi2_ndf, found.pairs, "pair"), (found.cycle_chi2_ndf, found.cycles, "cycle"))
    said = [f"chi²/ndf {number(rounded(v), 3)} over {counted(n, w)}" for v, n, w in figures if not math.isnan(v)]
    if said:
        words = f"{', '.join(said)}; for comparison with published figures only"
        yield Fact("the source's way", (words,), "long")


def common(p: float, n_states: int, n_groups: int, correlation: Estimate) -> Parts:
    """Say whether all groups share one potential."""
    same = "One potential would do for all groups" if p >= ALPHA else "Groups have potentials of their own"
    words = f"{same} ({chance(p)}, {counted(n_states, 'state')} shared by {counted(n_groups, 'group')})"
    cell = figure(correlation, place="common_potential.correlation", form="times")
    return (f"{words}; they correlate by ", cell) if cell.place else (words,)
