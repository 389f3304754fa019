"""The terminal face of the balance lens: verdict first, then where the loop rests, how sure that is, and why.

Everything is read from the JSON form (`BalanceAnalysis.to_dict()`), and any part of it may be null.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from ..results.result import number, show
from .svg import shorten
from .text import Style, _head, _line, _plain_wrap, _warning, _wrap, clean, clean_sentence, unstyled

Json = Mapping[str, Any]

MAX_STATES = 8  # named per group in the terminal
MAX_STATE = 30  # letters of a state's name
MAX_CYCLES = 3
MAX_CYCLE = 6  # states of a cycle that are named
MAX_TRAPS = 3
MAX_FEATURES = 4
NOTHING = 1e-9  # figures below it are the rounding errors of a zero
FAR = 300.0  # affinities beyond it are infinite ratios for all purposes
ALPHA = 0.05
NO_DOUBT = ("unexplained",)  # a finding about the loop, which the intervals allow for
ACTIONS = {"balanced": "in balance", "driven": "driven", "cannot_tell": "cannot tell"}
MORE = "in --json and --html"
SCALE = "Potential: a move down by 1 is 2.7 times as likely as the move back up, where nothing drives the loop."


# ------------------------------------------------------------------- reading the JSON form


def part(data: Json | None, key: str) -> Json:
    """Return an object of the JSON form, empty where it is null."""
    found = (data or {}).get(key)
    return found if isinstance(found, Mapping) else {}


def listed(data: Json | None, key: str) -> list[Any]:
    """Return a list of the JSON form, empty where it is null."""
    found = (data or {}).get(key)
    return list(found) if isinstance(found, list | tuple) else []


def nth(values: Sequence[Any], k: int) -> Any:
    """Return an entry of a list that may be empty because it was null."""
    return values[k] if k < len(values) else None


def triple(data: Json, key: str, k: int | None = None) -> tuple[float | None, float | None, float | None]:
    """Return a figure with the ends of its interval, `X`, `X_low`, `X_high`; entry `k` of it where it is a list."""
    found = (data.get(key), data.get(f"{key}_low"), data.get(f"{key}_high"))
    if k is None:
        return found
    value, low, high = (nth(v if isinstance(v, list) else [], k) for v in found)
    return value, low, high


def state_name(name: object, most: int = MAX_STATE) -> str:
    """Return a state's name made harmless and short enough to stand in a line."""
    return shorten(clean(str(name)), most) if str(name).strip() else "(empty)"


def short_names(names: Sequence[object], most: int) -> list[str]:
    """Return names for a picture: what stands before a bracket where that alone tells them apart, else cut short."""
    heads = [str(name).partition(" (")[0] for name in names]
    if len(set(heads)) == len(heads) and all(0 < len(h) <= most for h in heads):
        return [state_name(h, most) for h in heads]
    return [state_name(name, most) for name in names]


def by_visits(group: Json, most: int) -> list[int]:
    """Return places of the states to show: the most visited ones and, among equals, those with most of the time."""
    visits, share = listed(group, "visits"), listed(group, "stationary")
    every = range(len(listed(group, "states")))
    order = sorted(every, key=lambda k: (-(nth(visits, k) or 0.0), -(nth(share, k) or 0.0), k))
    return order[:most]


def lowest(group: Json) -> list[int]:
    """Return places of the states that have a potential, class by class, the lowest first in each."""
    potential, label, absorbing = listed(group, "potential"), class_of(group), set(listed(group, "absorbing"))
    states = enumerate(listed(group, "states"))
    some = [k for k, name in states if nth(potential, k) is not None and name not in absorbing]
    return sorted(some, key=lambda k: (label.get(k, len(label)), potential[k], k))


def class_of(group: Json) -> dict[int, int]:
    """Return the class of every state by its place, 0 for the one with most transitions."""
    place = {name: k for k, name in enumerate(listed(group, "states"))}
    found = {}
    for k, c in enumerate(listed(group, "classes")):
        for name in listed(c, "states"):
            if name in place:
                found[place[name]] = k
    return found


def several_classes(group: Json) -> list[Json]:
    """Return the classes of two or more states."""
    return [c for c in listed(group, "classes") if len(listed(c, "states")) > 1]


def counted(value: float | None, word: str = "") -> str:
    """Return a count in words, `1,234 transitions`; counts may have fractions."""
    if value is None:
        return f"no {word}s known" if word else "–"
    digits = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return f"{digits} {word}{'' if value == 1 else 's'}".strip() if word else digits


def chance(p: float | None) -> str:
    """Return a p-value in words: below a thousandth its digits say nothing."""
    return "p not known" if p is None else "p < 0.001" if p < 0.001 else f"p {number(p)}"


def spread(value: float | None, low: float | None, high: float | None) -> str:
    """Return a figure with its interval, or a dash."""
    return "–" if value is None else show(value, low, high)


def percent(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a share as a percentage with its interval."""
    if value is None:
        return "–"
    shown = show(*(None if v is None else 100 * v for v in (value, low, high)))  # type: ignore[arg-type]
    return shown.replace(" [", "% [", 1) if " [" in shown else f"{shown}%"


# --------------------------------------------------------------------- shared sentences


def verdict_of(group: Json) -> str:
    """Return the verdict, or why there is none."""
    said = part(group, "verdict").get("sentence") or part(group, "reasons").get("verdict")
    return clean_sentence(str(said)) if said else "cannot tell: nothing was recorded."


def size_of(group: Json) -> str:
    """Return what a group holds, in words."""
    sessions = group.get("n_sessions")
    words = [counted(group.get("n_states"), "state"), counted(group.get("n_transitions"), "transition")]
    return ", ".join(words + ([] if sessions is None else [counted(sessions, "session")]))


def test_words(group: Json) -> str:
    """Say how the test of detailed balance came out, or why there is none."""
    test = part(group, "test")
    if test.get("p_value") is None:
        return clean_sentence(str(test.get("reason") or part(group, "reasons").get("test") or "not tested."))
    method = f" ({clean(str(test['method']))})" if test.get("method") else ""
    words = f"test of detailed balance{method}: {chance(test['p_value'])}"
    if test.get("statistic") is not None:
        words += f"; statistic {number(test['statistic'], 3)}"
    if test.get("df") is not None:
        words += f" on {counted(test['df'], 'degree')} of freedom"
    if test.get("n_draws"):
        words += f", {counted(test['n_draws'], 'draw')}"
    return f"{words}; {clean_sentence(str(test['reason']))}" if test.get("reason") else words


def source_words(group: Json) -> str:
    """Give the published statistic, for comparison with published figures only."""
    found = part(group, "source_statistic")
    parts = [
        f"chi²/ndf {number(rounded(found[figure]), 3)} over {counted(found.get(over), word)}"
        for figure, over, word in (("pair_chi2_ndf", "pairs", "pair"), ("cycle_chi2_ndf", "cycles", "cycle"))
        if found.get(figure) is not None
    ]
    return f"{', '.join(parts)}; for comparison with published figures only" if parts else ""


def rounded(value: float) -> float:
    """Return a figure, 0 where it is but the rounding error of one."""
    return 0.0 if abs(value) < NOTHING else value


def entropy_words(group: Json) -> str:
    """Say how irreversible the loop is."""
    found = part(group, "entropy_production")
    if found.get("value") is None:
        return ""
    words = f"{spread(rounded(found['value']), found.get('low'), found.get('high'))} nats per step"
    if len(several_classes(group)) > 1:
        words += " in the largest set of states"  # a cycle in another one is not in this figure
    if not found.get("lower_bound"):
        return words
    n = found.get("one_way_pairs")
    one_way = f"{counted(n, 'pair')} {'was' if n == 1 else 'were'} seen one way only" if n else "some pairs are missing"
    return f"at least {words}; {one_way}"


def forgets_words(group: Json) -> str:
    """Say how fast the start is forgotten."""
    times = listed(group, "relaxation_times")
    k = next((k for k, t in enumerate(times) if t is not None and math.isfinite(t)), None)
    if k is None:
        return ""
    ends = (dict(enumerate(listed(group, f"relaxation_times{end}"))).get(k) for end in ("_low", "_high"))
    half = [math.nan if t is None else math.log(2) * t for t in (times[k], *ends)]
    return f"half of where it started in {show(*half)} steps (relaxation time {number(times[k])})"


def order_words(group: Json) -> str:
    """Say whether the last state is enough, and whether one chain holds throughout."""
    said = []
    order = part(group, "order_test")
    if order.get("p_value") is not None:
        enough = order["p_value"] >= 0.05
        what = "the last state is enough" if enough else "the state before the last matters too"
        said.append(f"{what} ({chance(order['p_value'])})")
    for key, word in (("steps", "early and late steps"), ("sessions", "sessions")):
        p = part(part(group, "homogeneity"), key).get("p_value")
        if p is not None:
            said.append(f"{word} {'agree' if p >= 0.05 else 'differ'} ({chance(p)})")
    return "; ".join(said)


def transient_words(group: Json) -> str:
    """Say that the loop has not come to rest, where early steps follow another chain than late ones; else nothing."""
    p = part(part(group, "homogeneity"), "steps").get("p_value")
    return f"early and late steps differ ({chance(p)})" if p is not None and p < ALPHA else ""


def cycle_words(cycle: Json, most: int = MAX_CYCLE) -> str:
    """Say how much more often a cycle is gone round one way than the other."""
    names = short_names(listed(cycle, "states"), MAX_STATE)
    shown = names if len(names) <= most else [*names[: most - 1], f"({len(names) - most + 1} more)"]
    way = " → ".join([*shown, *names[:1]])
    ends = (cycle.get("affinity"), cycle.get("low"), cycle.get("high"))
    if ends[0] is None:
        return f"{way}: a step of it was never seen the other way"
    times = show(*(None if v is None else math.exp(min(max(v, -FAR), FAR)) for v in ends))  # type: ignore[arg-type]
    return f"{way}: {times} times as often as back"


def doubts(group: Json) -> list[str]:
    """Return what casts doubt on a group's answer, in sentences."""
    made = [c for c in listed(part(group, "parametric"), "checks") if c.get("name") not in NO_DOUBT]
    return [*_failed(listed(group, "checks")), *(f"features: {said}" for said in _failed(made))]


def _failed(checks: Sequence[Any]) -> list[str]:
    failed = [c for c in checks if isinstance(c, Mapping) and c.get("passed") is False]
    return [clean_sentence(str(c.get("message") or c.get("name"))) for c in failed]


def features_words(group: Json) -> dict[str, str]:
    """Say whether features of the states tell which way is down, which of them surely do, and by what formula."""
    found = part(group, "parametric")
    if not found:
        return {}
    sure = [f for f in listed(found, "features") if (f.get("low") or 0) > 0 or (f.get("high") or 0) < 0]
    words = [
        f"{state_name(f['name'])} {spread(*(f[k] * f['scale'] for k in ('theta', 'low', 'high')))}"
        for f in sorted(sure, key=lambda f: -abs(f["theta"] * f["scale"]))[:MAX_FEATURES]
    ]
    said = {"features": clean_sentence(str(found.get("sentence"))), "per sd": _kept(words)}
    formula = part(found, "symbolic").get("sentence")
    return said | ({"formula": clean_sentence(str(formula))} if formula else {})


def common_words(data: Json) -> str:
    """Say whether all groups share one potential."""
    common = part(data, "common_potential")
    if common.get("p_value") is None:
        return ""
    same = (
        "one potential would do for all groups" if common["p_value"] >= 0.05 else "groups have potentials of their own"
    )
    words = f"{same} ({chance(common['p_value'])}, {counted(common.get('n_states'), 'state')} shared"
    words += f" by {counted(common.get('n_groups'), 'group')})"
    if common.get("correlation") is None:
        return words
    ends = [f"{v:.2f}" for v in (common["correlation"], common.get("low"), common.get("high")) if v is not None]
    return f"{words}; they correlate by {ends[0]}" + (f" [{ends[1]}, {ends[2]}]" if len(ends) == 3 else "")


def title_of(data: Json) -> str:
    """Return the names of the files read."""
    files = [clean(PurePath(str(f)).name) for f in listed(part(data, "source"), "files")]
    return (", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")) or "counts"


# ---------------------------------------------------------------------------- the terminal


def render(data: Json, *, width: int = 100, style: Style = unstyled) -> str:
    """Return the terminal summary of a balance analysis.

    Parameters
    ----------
    data : mapping
        The JSON form of the analysis.
    width : int
        Columns to wrap at.
    style : callable, optional
        Adds colour.
    """
    groups = listed(data, "groups")
    lines = _head(f"{title_of(data)}: {size_of(data)}", width, style)
    for note in listed(data, "notes"):
        lines += _wrap(clean_sentence(str(note)), width, "  ", "    ")
    if any(lowest(group) for group in groups):
        lines += _wrap(SCALE, width, "  ", "    ")
    if not groups:
        lines += ["", "  Nothing to say: no transition was found."]
    if len(groups) > 1:
        lines += ["", style("Verdict", "head")]
        for group in groups:
            lines += _line(clean(str(group.get("label"))), verdict_of(group), width, style, key_width=24)
    for group in groups:
        lines += ["", *_group(group, width, style)]
    if common := common_words(data):
        lines += ["", style("Against each other", "head"), *_wrap(common, width, "  ", "    ")]
    return "\n".join(lines)


def _group(group: Json, width: int, style: Style) -> list[str]:
    lines = _head(f"{clean(str(group.get('label')))}   {size_of(group)}", width, style)
    lines += [f"  {style(words, 'answer')}" for words in _plain_wrap(f"Verdict: {verdict_of(group)}", width - 2)]
    for key, words in rows_of(group):
        lines += _line(key, words, width, style)
    for sentence in doubts(group):
        lines += _warning(sentence, width, style)
    hidden = len(listed(group, "states")) - MAX_STATES
    return [*lines, f"    ({counted(hidden, 'more state')} {MORE})"] if hidden > 0 else lines


def rows_of(group: Json) -> list[tuple[str, str]]:
    """Return what is said of a group, as (key, words); an empty key goes on with the one before.

    Figures that belong together are joined by no-break spaces, and kept apart from others by three spaces.
    """
    rows = [*_rests(group), *_one_way(group), *_rounds(group), *_trap_rows(group)]
    later = {
        **features_words(group),
        "how sure": test_words(group),
        "irreversible": entropy_words(group),
        "forgets": forgets_words(group),
        "one chain?": order_words(group),
        "the source's way": source_words(group),
    }
    return rows + [(key, words) for key, words in later.items() if words]


def _kept(words: Iterable[str]) -> str:
    """Join figures that wrapping shall not take apart: no-break spaces, undone after wrapping."""
    return "   ".join(w.replace(" ", "\xa0") for w in words)


def _rests(group: Json) -> list[tuple[str, str]]:
    """Where the loop rests, or was while it had yet to: the lowest states, class by class."""
    moving = transient_words(group)
    head = "so far in" if moving else "rests in"
    label, classes = class_of(group), dict[int, list[int]]()
    for k in lowest(group):
        classes.setdefault(label.get(k, -1), []).append(k)
    if not classes:
        reason = part(group, "reasons").get("potential")
        return [(head, clean_sentence(f"not known: {reason}"))] if reason else []
    each, rows = max(1, MAX_STATES // len(classes)), list[tuple[str, str]]()
    for n, members in enumerate(list(classes.values())[:MAX_STATES]):
        words = [_resting(group, k) for k in members[:each]]
        rows += [(head if n == 0 else "or in", words[0]), *(("", w) for w in words[1:])]
    if moving:
        rows.append(("", f"no rest: {moving}; averages over all of them"))
    if len(classes) > 1:
        rows.append(
            ("", f"{len(classes)} sets of states do not lead to each other: potentials compare inside each only")
        )
    return rows


def _resting(group: Json, k: int) -> str:
    name, share = state_name(group["states"][k]), triple(group, "stationary", k)
    time = "" if share[0] is None else f"{percent(*share)} of the time, "
    value = triple(group, "potential", k)
    return f"{name} ({time}potential {'0' if value[0] == 0 else spread(*value)})"


def _one_way(group: Json) -> list[tuple[str, str]]:
    """States that are only left, with how high they are at least, and states that are only entered."""
    place = {name: k for k, name in enumerate(listed(group, "states"))}
    bounds = listed(group, "potential_bound")
    rows = []
    for key, word in (("transient", "only left"), ("absorbing", "only entered")):
        names = listed(group, key)
        shown = []
        for name in names[:MAX_STATES]:
            bound = nth(bounds, place[name]) if key == "transient" and name in place else None
            shown.append(state_name(name) + (f" (potential above {number(bound)})" if bound is not None else ""))
        if names:
            more = [f"and {len(names) - MAX_STATES:,} more"] if len(names) > MAX_STATES else []
            rows.append((word, _kept([*shown, *more])))
    return rows


def _rounds(group: Json) -> list[tuple[str, str]]:
    """Cycles that are surely gone round one way more often, where the loop is driven."""
    if part(group, "verdict").get("action") != "driven":
        return []
    cycles = [c for c in listed(group, "cycles") if isinstance(c, Mapping)]
    sure = [c for c in cycles if (c.get("low") or 0) > 0 or c.get("affinity") is None][:MAX_CYCLES]
    return [("goes round" if k == 0 else "", cycle_words(c)) for k, c in enumerate(sure)]


def _trap_rows(group: Json) -> list[tuple[str, str]]:
    traps = [t for t in listed(group, "traps") if isinstance(t, Mapping) and t.get("escape") is not None]
    words = [f"{state_name(t.get('state'))} (left in {percent(*triple(t, 'escape'))} of visits)" for t in traps]
    return [("hardest to leave", _kept(words[:MAX_TRAPS]))] if words else []
