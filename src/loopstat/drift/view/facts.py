"""What is said of a group in lines: where it goes, how fast, what trades off, how far to believe it, and the doubts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...inference.estimate import Estimate
from ...results.document import Cell, Depth, Fact, Facts, Part, Parts, Text
from ...results.words import chance, kept, number, percent, plural
from ..compare import SURE
from ..fit import LinearDriftFit
from ..readings.interference import CAUSES
from ..readings.regimes import Regime
from .seen import BASELINE_WORDS, Seen, disagreement, is_vague

MAX_TRADE_OFFS = 2  # said unless more is asked for
MAX_DOUBTS = 4
NEAR = 0.005  # parts and skills below it would be printed as nothing
WARNINGS = (
    "stops_on_success",
    "survivors_only",
    "white_scores",
    "unit_root",
    "collinear",
    "few_sessions",
    "sessions_differ",
    "noisy_scorer",
    "time_varying",
    "curved",
    "at_bounds",
    "duplicate_sessions",
    "tasks_on_scales",
    "constant",
)


def lead(seen: Seen) -> Parts:
    """Return how much a group holds."""
    counts = seen.fit.counts
    sessions, transitions = counts["n_sessions"], counts["n_transitions"]
    each = f"{counts['n_steps'] / max(sessions, 1):.1f} steps each"
    return (f"{plural(sessions, 'session')}, {each}, {plural(transitions, seen.transitions[:-1])}",)


def facts(seen: Seen) -> Facts:
    """Return the lines said of a group, the most telling first."""
    return Facts((*_ends(seen), *_speed(seen), *_trade_offs(seen), *_belief(seen), *_estimator(seen)), depth="front")


def doubts(fit: LinearDriftFit) -> list[str]:
    """Return what casts doubt on a group's answer, in sentences, the gravest first."""
    failed = [c for c in map(fit.check, WARNINGS) if not c.passed and _worth_saying(fit, c.name)]
    said = [c.message for c in failed]
    unexplained = fit.check("constant").passed and fit.check("few_sessions").passed
    if fit.model is None and not fit.refused and unexplained:
        said.append(fit.reasons["drift"])
    return said


def doubtful(said: Sequence[str], depth: Depth = "short") -> Text:
    """Return doubts as a block."""
    return Text(tuple((s,) for s in said), "doubt", depth, points=True, brief=MAX_DOUBTS)


def left_out(seen: Seen) -> Text:
    """Say which sessions and transitions carry nothing."""
    counts, said = seen.fit.counts, []
    if idle := counts["n_idle_sessions"]:
        sessions = f"{idle:,} of {counts['n_sessions']:,} sessions"
        said.append(f"{sessions} carry no transition: one step only, or scores missing.")
    if dropped := counts["n_dropped"]:
        share = percent(dropped / max(dropped + counts["n_transitions"], 1))
        said.append(f"{dropped:,} {seen.transitions} ({share}) left out: a score is missing at one end.")
    return Text(tuple((s,) for s in said))


def _worth_saying(fit: LinearDriftFit, name: str) -> bool:
    """A missing fit is said once, not by every check that needed one."""
    if fit.model is not None or name == "tasks_on_scales":
        return True
    if fit.refused:
        return name != "unit_root"
    return name == "constant" or (name == "few_sessions" and fit.check("constant").passed)


# ----------------------------------------------------------------------- where, how fast


def _ends(seen: Seen) -> Iterator[Fact]:
    fit = seen.fit
    if "drift.equilibrium" in fit.estimates:
        yield Fact(seen.rest_word, _vector(seen, "drift.equilibrium"))
    elif "equilibrium" in fit.reasons and not fit.lineage and not fit.refused:
        yield Fact("heads for", (f"not known: {fit.reasons['equilibrium']}",))
    if "kept_end.mean" in fit.estimates:
        yield Fact(seen.end_word, _vector(seen, "kept_end.mean"))
    if fit.lineage and "drift.fixed_point" in fit.estimates:
        yield Fact("proposals alone", ("would rest at ", *_vector(seen, "drift.fixed_point")))


def _vector(seen: Seen, path: str) -> Parts:
    """Return the figures of all objectives, each beside its name on one line."""
    said: list[Part] = []
    for j, name in enumerate(seen.names):
        said += ["   " if j else "", f"{kept(name)}\xa0", seen.figure(path, j)]
    return tuple(said)


def _speed(seen: Seen) -> Iterator[Fact]:
    fit = seen.fit
    if not fit.regimes:
        return
    half, ninety = fit.estimates.get("half_life"), fit.estimates.get("step_90")
    said: list[Part] = []
    if not fit.check("white_scores").passed:
        said.append("taken at its word, ")  # a doubt says why it may not be
    if half is None:
        moves_on = float(fit.regimes[0].modulus.value) >= 1
        said.append("it does not come to rest" if moves_on else "too few clusters for a half-life")
    else:
        whole = ninety is None or 2 <= float(ninety.value) / max(float(half.value), 0.3) <= 6
        # Otherwise the way starts off the slowest mode: its half-life is not that of the whole way.
        said.append("half of the way " if whole else "the slowest part halves ")
        said += ["somewhere " if is_vague(half) else "in ", seen.halves("half_life", half, unit="steps")]
    said.append(_slowest(fit.regimes[0]))
    known = half is not None and not is_vague(half) and fit.check("stops_on_success").passed
    if known and ninety is not None and float(ninety.value) < 1000:
        said.append(f"; 90\xa0% of the way after {float(ninety.value):.0f} steps")
    yield Fact("how fast", tuple(said))


def _slowest(slowest: Regime) -> str:
    if slowest.regime == "oscillatory":
        return f"; oscillatory, a swing every {number(slowest.period)} steps ({chance(slowest.p_oscillation)})"
    return f"; {slowest.regime}" + ("" if slowest.probability is None else f" ({percent(slowest.probability)})")


# --------------------------------------------------------------------------- trade-offs


def _trade_offs(seen: Seen) -> Iterator[Fact]:
    total = seen.fit.estimates.get("interference.total")
    if total is None:
        return
    n = len(seen.names)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    found = [ij for ij in pairs if total.p_adjusted is not None and total.p_adjusted[ij] < SURE]
    found.sort(key=lambda ij: -abs(float(total.value[ij])))
    if not found:
        yield Fact("trade-offs", ("none found: no two objectives' changes are correlated beyond chance",))
    for k, pair in enumerate(found):
        yield Fact("" if k else "trade-offs", _pair(seen, total, pair), _depth_of(seen, k))


def _depth_of(seen: Seen, k: int) -> Depth:
    """The strongest trade-off stands at the front, unless objectives that want other steps do."""
    decided = seen.fit.decided
    if k == 0 and decided is not None and not decided.decision.disagreeing:
        return "front"
    return "short" if k < MAX_TRADE_OFFS else "long"


def _pair(seen: Seen, total: Estimate, pair: tuple[int, int]) -> Parts:
    i, j = pair
    word = "against" if total.value[pair] < 0 else "with"
    said: list[Part] = [f"{seen.names[i]} {word} {seen.names[j]} ", seen.figure("interference.total", i, j)]
    shown = {cause: v for cause, v in seen.fit.parts_of(*pair).items() if abs(v) >= NEAR}
    for cause in shown:
        said += [
            ": " if len(said) == 2 else ", ",
            f"{CAUSES[cause]}\xa0",
            _part_of(seen, f"interference.{cause}", pair),
        ]
    rest = float(total.value[pair]) - sum(shown.values())
    if shown and abs(rest) >= NEAR:  # what is printed adds up to what it is said to make
        said += [", all else\xa0", Cell(rest, "signed")]
    return tuple(said)


def _part_of(seen: Seen, path: str, pair: tuple[int, int]) -> Part:
    value = float(seen.fit.estimates[path].value[pair])
    return seen.number(".".join([path, *map(str, pair)]), value, "signed")


# --------------------------------------------------------------------- how far to believe it


def _belief(seen: Seen) -> Iterator[Fact]:
    fit = seen.fit
    said = [words for name in ("mean", "persistence", "running_mean") for words in _skill(seen, name)]
    held = {"session": "sessions", "block": "stretches"}.get(fit.clusters["kind"], f"{fit.clusters['kind']}s")
    if said:
        yield Fact("believe it?", (f"on held-out {held} {', '.join(said)}",), "long")
    by = f"{fit.clusters['sentence']} ({plural(fit.clusters['n'], 'cluster')})"
    yield Fact("intervals by", (by,), "long")


def _skill(seen: Seen, name: str) -> Iterator[str]:
    e, baseline = seen.fit.estimates.get(f"skill.{name}"), BASELINE_WORDS[name]
    if e is None or not np.isfinite(e.value):
        return
    value, low = float(e.value), float(e.low)
    if abs(value) < NEAR:
        yield f"no better than {baseline}"
    elif value < -1:
        yield f"far worse than {baseline}"
    else:
        sure = "" if (low > 0 or value <= 0) else " (not surely)"
        share = f"{100 * abs(value):.0f} %"
        yield f"{kept(share)} {'better' if value > 0 else 'worse'} than {baseline}{sure}"


def _estimator(seen: Seen) -> Iterator[Fact]:
    """How the drift was fitted and what was seen."""
    choice = seen.fit.estimator
    if choice.name is None and not seen.fit.refused:
        return
    if seen.fit.estimator_asked_for:
        yield Fact("estimator", (f"{choice.name}, as asked for",), "long")
        return
    said = [choice.why[:1].lower() + choice.why[1:] if choice.name else f"none: {choice.why}", *choice.saw]
    yield Fact("estimator", (" ".join(said),), "long" if choice.name else "short")
    if disagreement(seen.fit):
        yield Fact("", _rivals(seen), "long")


def _rivals(seen: Seen) -> Parts:
    said: list[Part] = ["slowest mode by estimator: "]
    for k, r in enumerate(seen.fit.estimator.rivals):
        if np.isfinite(r.modulus.value):
            figure = seen.shown(f"estimators.{k}.modulus", r.modulus)
            said += [", " if len(said) > 1 else "", f"{r.name}\xa0", figure]
    return tuple(said)
