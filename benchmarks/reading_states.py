"""Read real recordings as chains of states: the tables of `python -m benchmarks.rereading --lens balance`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from loopstat import (
    BalanceAnalysis,
    BalanceFit,
    Counts,
    Labels,
    MarkovChain,
    Panel,
    ReversibleChain,
    analyze_balance,
    read_recording,
    systems,
)
from loopstat.balance.tests.reversal import detailed_balance_test
from loopstat.inference.estimate import number, show
from loopstat.inference.tests import holm

DATA = Path("../shared/data")
WORDS = "detailed_balance_words/transition_counts.parquet"
GAMES = "repeated_games/repeated_games.parquet"
REVIEWS = "selfrefine_yelp/selfrefine_yelp.parquet"
ASSOCIATIONS = "word_association_gpt/word_association_gpt.parquet"
TELEPHONE = "telephone_game/telephone_game.parquet"
TEMPERATURE = "telephone_game/telephone_temperature.parquet"
PARAPHRASES = "paraphrase_cycles/paraphrase_cycles.parquet"
LEVEL = 0.05
BINNED: dict[str, Any] = {"state": "bins:3", "objectives": ["length"], "from_step": 1}
LONG_LAG = 5
REPEATS = 60
HALF = 5  # of the ten rounds of a match
SEEDS = range(1, 6)  # a p-value of 999 draws is uncertain itself: read it again under these


# ------------------------------------------------------------------------- the shape of a table


def balance(name: str, *, estimator: ReversibleChain | None = None, **how: Any) -> BalanceAnalysis:
    """Return what `loopstat balance` finds in a table, with its seed."""
    recording = read_recording([str(DATA / name)], **how)
    return analyze_balance(
        recording.parts,
        estimator=replace(estimator or ReversibleChain(), visits=recording.visits),
        source=recording.source,
    )


def parts(name: str, **how: Any) -> list[tuple[str, Panel]]:
    """Return the groups of a table of sessions by their label values."""
    found = read_recording([str(DATA / name)], **how).parts
    return [(", ".join(by.values()), part) for by, part in found if isinstance(part, Panel)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield ""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def chance(p: float) -> str:
    """Return a p-value in words."""
    return "-" if not np.isfinite(p) else number(p)


def again(fit: BalanceFit) -> str:
    """Return the smallest and the largest p-value under other seeds."""
    p = [detailed_balance_test(fit.counts, rng=seed).p_value for seed in SEEDS]
    low, high = chance(min(p)), chance(max(p))
    return low if low == high else f"{low} to {high}"


def exchanged(fit: BalanceFit) -> float:
    """Return the transitions between states that lead to each other."""
    label = np.full(len(fit.states), -1)
    for k, c in enumerate(fit.counts.classes.several):
        label[c.states] = k
    i, j = fit.counts.source, fit.counts.target
    return float(fit.counts.count[(i != j) & (label[i] >= 0) & (label[i] == label[j])].sum())


def round_of(fit: BalanceFit) -> str:
    """Return the strongest cycle that is surely run one way more often, and how much more often."""
    sure = [c for c in fit.cycles if c.low > 0]
    if fit.verdict.action != "driven" or not sure:
        return "-"
    c = sure[0]
    ends = np.exp(np.array([c.affinity, c.low, c.high]))
    return f"{' → '.join([*c.states, c.states[0]])}: {show(*(float(v) for v in ends))}"


def produced(fit: BalanceFit) -> str:
    """Return the entropy production with its interval."""
    e = fit.entropy_production
    if not np.isfinite(e.value):
        return "-"
    return ("at least " if e.lower_bound else "") + show(e.value, e.low, e.high)


def warned(fit: BalanceFit) -> str:
    """Return the names of the failed checks."""
    return ", ".join(f"`{c.name}`" for c in fit.checks if not c.passed) or "none"


def many(fits: Sequence[BalanceFit]) -> str:
    """Say how many groups could be tested and how many reject, beside what chance alone would do."""
    p = np.array([f.test.p_value for f in fits])
    p = p[np.isfinite(p)]
    low = int(np.sum(p < LEVEL))
    kept = int(np.sum(holm(p) < LEVEL)) if len(p) else 0
    by_chance = number(LEVEL * len(p))
    return f"{len(fits)} groups, {len(p)} with a test: {low} below 0.05 ({by_chance} by chance), {kept} after Holm"


def common(analysis: BalanceAnalysis) -> str:
    """Say whether one potential would do for all groups."""
    c = analysis.common_potential
    if c is None:
        return "no three states shared by the main classes of the groups"
    r = f"{c.correlation:.2f} [{c.low:.2f}, {c.high:.2f}]"
    return f"p {chance(c.p_value)}, correlation {r}, {c.n_states} states, {c.n_groups} groups"


# -------------------------------------------------------------------------------- published words


def words() -> Iterator[str]:
    """Yield the potentials of the published counts, by the rule for visits and the kernel."""
    rows = []
    for visits in ("equal", "observed"):
        for kernel in ("likelihood", "exp", "softplus"):
            fit = balance(WORDS, visits=visits, estimator=ReversibleChain(kernel=kernel)).groups[0]
            v, place = fit.potential, {name: k for k, name in enumerate(fit.states)}
            row = [visits, kernel]
            for name in ("ATTITUDE", "PERSONAL", "PROBLEMS", "TURKEY", "BUZZY"):
                k = place[name]
                known = np.isfinite(v.value[k])
                row.append(
                    f"{v.value[k]:.2f} [{v.low[k]:.2f}, {v.high[k]:.2f}]" if known else f"above {v.bound[k]:.1f}"
                )
            rows.append(row)
    yield from table(["visits", "kernel", "ATTITUDE", "PERSONAL", "PROBLEMS", "TURKEY", "BUZZY"], rows)
    yield f"Verdict: {fit.verdict.sentence}"


# --------------------------------------------------------------------------------- repeated games


def games() -> Iterator[str]:
    """Yield the families of games: tests, early against late rounds, and what pooling says."""
    whole = balance(GAMES, by=["strategy"])
    adjusted = holm(np.array([g.test.p_value for g in whole.groups]))
    rows = [
        [
            g.by["strategy"],
            f"{exchanged(g):,.0f}",
            chance(g.test.p_value),
            again(g),
            chance(float(p)),
            chance(g.test.pooled_p_value),
            produced(g),
            round_of(g),
        ]
        for g, p in zip(whole.groups, adjusted, strict=True)
    ]
    yield from table(
        ["family", "exchanged", "p", "other seeds", "p, Holm", "p, pooled", "nats a step", "goes round, times"], rows
    )
    yield f"Families: {many(whole.groups)}."
    yield f"Failed checks: {'; '.join(sorted({warned(g) for g in whole.groups}))}."
    yield f"One potential for all families: {common(whole)}."
    yield from by_round()
    for by in (["none"], ["model"], ["model", "strategy"]):
        found = balance(GAMES, by=by)
        name = "all pooled" if by == ["none"] else "by " + ", ".join(by)
        first = found.groups[0]
        said = (
            f"p {chance(first.test.p_value)}, pooled {chance(first.test.pooled_p_value)}, {produced(first)} nats a step"
        )
        yield f"{name}: {said if by == ['none'] else many(found.groups)}."
        if by == ["model"]:
            yield f"One potential for all pairs of players: {common(found)}."


def by_round() -> Iterator[str]:
    """Yield the families from later and later rounds, and in the first half against the second."""
    starts = (0, 1, 2, 3, HALF)
    later = [balance(GAMES, by=["strategy"], from_step=s or None).groups for s in starts]
    early = first_half()
    rows = [
        [group[0].by["strategy"], *(chance(g.test.p_value) for g in group), chance(first.test.p_value)]
        + [f"{exchanged(g):,.0f}" for g in (first, group[-1])]
        + [produced(first), produced(group[-1]), chance(group[-1].homogeneity["steps"].p_value)]
        for *group, first in zip(*later, early, strict=True)
    ]
    head = ["family", *(f"p from {s}" for s in starts), f"p up to {HALF - 1}", "exchanged, first half", "second half"]
    head += ["nats, first half", "nats, second half"]
    yield from table([*head, "one chain in the second half, p"], rows)
    for s, groups in zip(starts, later, strict=True):
        yield f"From round {s}: {many(groups)}."
    yield f"Up to round {HALF - 1}: {many(early)}."


def first_half() -> list[BalanceFit]:
    """Return the fits of the families on the first half of the rounds."""
    recording = read_recording([str(DATA / GAMES)], by=["strategy"])
    kept = [(by, part.take(part.step < HALF)) for by, part in recording.parts if isinstance(part, Panel)]
    return list(analyze_balance(kept).groups)


# ------------------------------------------------------------------------------ the other recordings


def reviews() -> Iterator[str]:
    """Yield the self-refined reviews: from the first rewrite and from the second."""
    rows = []
    for start in (0, 1):
        found = balance(REVIEWS, from_step=start or None)
        for g in found.groups:
            words = [g.by["model"], str(start), f"{exchanged(g):,.0f}", chance(g.test.p_value), again(g)]
            rows.append([*words, produced(g), round_of(g), warned(g)])
        yield f"From attempt {start}: {many(found.groups)}. One potential for all models: {common(found)}."
    head = ["model", "from", "exchanged", "p", "other seeds", "nats a step", "goes round, times"]
    head.append("failed checks")
    yield from table(head, rows)
    one = balance(REVIEWS, by=["none"]).groups[0]
    yield f"All pooled: p {chance(one.test.p_value)} ({one.test.method}), pooled {chance(one.test.pooled_p_value)}."


def associations() -> Iterator[str]:
    """Yield the word associations: how little each pair of words was seen."""
    rows = []
    found = balance(ASSOCIATIONS, by=["model"])
    for g in found.groups:
        both = sum(p.forward > 0 and p.backward > 0 for p in g.pairs)
        main = g.counts.classes.main
        words = [
            g.by["model"],
            f"{len(g.states):,}",
            f"{g.counts.total:,.0f}",
            f"{g.counts.count.max():.0f}",
            f"{both}",
        ]
        size = "-" if main is None else f"{len(main.states)}"
        rows.append([*words, f"{len(g.counts.classes.several)}", size, chance(g.test.p_value)])
        rows[-1] += [chance(g.test.chi_square_p_value), warned(g)]
    head = ["model", "words", "answers", "largest count", "pairs seen both ways", "sets", "words of the largest set"]
    yield from table([*head, "p, exact", "p, chi-square", "failed checks"], rows)
    yield f"One potential for all models: {common(found)}."


def telephone() -> Iterator[str]:
    """Yield the chains of rewriting: exact texts as states, by temperature and by model."""
    found = balance(TEMPERATURE, by=["strategy"], where={"seed": "1"}, state="text_id")
    panels = dict(parts(TEMPERATURE, by=["strategy"], where={"seed": "1"}, state="text_id"))
    rows = []
    for g in found.groups:
        name = g.by["strategy"]
        ends = endings(panels[name])
        rows.append([name, f"{len(g.states):,}", f"{exchanged(g):,.0f}", g.verdict.action.replace("_", " ")])
        rows[-1] += [chance(g.test.p_value), *(str(ends[k]) for k in ("text", "pair", "cycle", "none"))]
    head = ["prompt and temperature", "texts", "exchanged", "verdict", "p", "end in one text", "in two", "in more"]
    yield from table([*head, "no text twice at the end"], rows)
    seeds = balance(TEMPERATURE, by=["strategy"], where={"strategy": "rephrase@T0.4"}, state="text_id").groups[0]
    yield f"rephrase@T0.4, all five seeds: {seeds.verdict.sentence}"
    yield f"By temperature: {many(found.groups)}. One potential for all: {common(found)}."
    for name in ("continue@T0.0", "inspiration@T0.0", "rephrase@T0.0"):
        yield f"{name}: {successors(panels[name])}."
    models = balance(TELEPHONE, by=["model", "strategy"], state="text_id")
    rows = [
        [g.by["model"], g.by["strategy"], f"{len(g.states):,}", f"{exchanged(g):,.0f}", chance(g.test.p_value)]
        for g in models.groups
        if exchanged(g)
    ]
    yield from table(["model", "prompt", "texts", "exchanged", "p"], rows)
    driven = next(g for g in models.groups if g.verdict.action == "driven")
    texts = [t for c in driven.cycles[:1] for t in c.states]
    panel = dict(parts(TELEPHONE, by=["model", "strategy"], state="text_id"))[", ".join(driven.by.values())]
    yield f"The cycle of {', '.join(driven.by.values())}: {len(texts)} texts, in {holding(panel, texts)} chains."
    yield f"By model: {many(models.groups)}; no text ever returned in {len(models.groups) - len(rows)}."
    binned = balance(
        TEMPERATURE,
        by=["strategy"],
        state="bins:2",
        objectives=["positivity", "difficulty", "length"],
        from_step=1,
        where={"seed": "1"},
    )
    yield f"Scores in two bins each, from step 1: {many(binned.groups)}. One potential for all: {common(binned)}."


def successors(panel: Panel) -> str:
    """Say how often the same text was followed by different ones."""
    pairs = panel.pairs()
    x = panel.labels["state"].codes
    after: dict[int, set[int]] = {}
    for a, b in zip(x[pairs.start].tolist(), x[pairs.end].tolist(), strict=True):
        after.setdefault(a, set()).add(b)
    several = sum(len(v) > 1 for v in after.values())
    return f"{several} of {len(after)} texts were followed by more than one"


def holding(panel: Panel, texts: Sequence[str]) -> int:
    """Return how many chains hold all of some texts."""
    x, names = panel.labels["state"].codes, panel.labels["state"].names
    code = [names.index(t) for t in texts]
    return sum(set(code) <= set(x[panel.session == s].tolist()) for s in np.unique(panel.session))


def endings(panel: Panel) -> Counter[str]:
    """Count what the last texts of each chain do: stay, swing between two, go round more, or never repeat."""
    found: Counter[str] = Counter()
    states = panel.labels["state"].codes
    for session in np.unique(panel.session):
        x = states[panel.session == session]
        before = np.flatnonzero(x[:-1] == x[-1])
        lag = len(x) - 1 - int(before[-1]) if len(before) else 0
        whole = lag and 2 * lag <= len(x) and np.array_equal(x[-lag:], x[-2 * lag : -lag])
        found["none" if not whole else {1: "text", 2: "pair"}.get(lag, "cycle")] += 1
    return found


def paraphrases() -> Iterator[str]:
    """Yield the paraphrasing loops: returns after one and two steps, exact and normalised, and the test."""
    rows = []
    exact = balance(PARAPHRASES, by=["strategy"])
    text = dict(parts(PARAPHRASES, by=["strategy"]))
    normal = dict(parts(PARAPHRASES, by=["strategy"], state="normal:artifact"))
    for g in exact.groups:
        name = g.by["strategy"]
        shares = [returned(panel[name], lag) for panel in (text, normal) for lag in (1, 2)]
        ends = endings(text[name])
        rows.append([name, *(f"{100 * s:.1f}" for s in shares), f"{g.n_sessions}"])
        rows[-1] += [*(str(ends[k]) for k in ("text", "pair", "cycle")), f"{exchanged(g):,.0f}", str(g.test.df)]
        rows[-1] += [chance(g.test.p_value), g.verdict.action.replace("_", " ")]
    head = ["loop", "same text, %", "back after two, %", "same, normalised", "back after two, normalised"]
    head += ["chains", "end in one text", "in two", "in more"]
    yield from table([*head, "exchanged", "independent cycles", "p", "verdict"], rows)
    yield f"Loops: {many(exact.groups)}. One potential for all: {common(exact)}."


def returned(panel: Panel, lag: int) -> float:
    """Return the share of steps that hold the text of `lag` steps before, having held another one in between."""
    x, s = panel.labels["state"].codes, panel.session
    here = np.arange(len(x) - lag)
    there = here + lag
    same = (s[here] == s[there]) & (x[here] >= 0) & (x[there] >= 0)
    back = x[here] == x[there]
    if lag > 1:
        back &= x[here + 1] != x[here]
    return float(back[same].mean())


def starts() -> Iterator[str]:
    """Yield what matches still know of their first round in their last, beside what their chain would know."""
    rows = []
    for name, panel in parts(GAMES, by=["strategy"]):
        chain = MarkovChain.of(ReversibleChain().fit(panel).counts)
        steps = int(panel.step.max())
        first, last = (panel.labels["state"].codes[panel.step == s] for s in (0, steps))
        names = panel.labels["state"].names
        order = [chain.states.index(n) for n in names]
        seen = np.array([np.bincount(last[first == k], minlength=len(names)) for k in range(len(names))])
        weight = seen.sum(axis=1) / seen.sum()
        rows.append([name, number(chain.spectral_gap), number(chain.relaxation_times[0])])
        model = np.array([chain.after(steps, start=n)[order] for n in names])
        share = seen / np.maximum(seen.sum(axis=1, keepdims=True), 1)
        rows[-1] += [f"{100 * remembered(m, weight):.0f}" for m in (model, share)]
        rows[-1].append(f"{100 * chance_memory(last, first, len(names)):.0f}")
    head = ["family", "spectral gap", "relaxation time, rounds", "start left by the chain, %", "recorded, %"]
    yield from table([*head, "by chance, %"], rows)


def remembered(law: np.ndarray, weight: np.ndarray) -> float:
    """Return the mean total-variation distance of the laws from their mean."""
    return float(weight @ np.abs(law - weight @ law).sum(axis=1) / 2)


def chance_memory(last: np.ndarray, first: np.ndarray, n: int) -> float:
    """Return what `remembered` is where last rounds are shuffled over matches, the mean of 200 shuffles."""
    rng, found = np.random.default_rng(0), []
    for _ in range(200):
        mixed = rng.permutation(last)
        seen = np.array([np.bincount(mixed[first == k], minlength=n) for k in range(n)])
        weight = seen.sum(axis=1) / seen.sum()
        found.append(remembered(seen / np.maximum(seen.sum(axis=1, keepdims=True), 1), weight))
    return float(np.mean(found))


def pace() -> Iterator[str]:
    """Yield how fast binned lengths forget by temperature, and whether five steps at once say the same."""
    found: dict[str, list[str]] = {}
    for lag in (1, LONG_LAG):
        for g in balance(TEMPERATURE, by=["strategy"], estimator=ReversibleChain(lag=lag, n_draws=19), **BINNED).groups:
            t = g.relaxation_times
            said = show(*(lag * float(v[0]) for v in (t.value, t.low, t.high)))
            row = found.setdefault(g.by["strategy"], [g.by["strategy"], number(g.spectral_gap)])
            row += [said] if lag > 1 else [said, chance(g.order_test.p_value)]
    head = ["prompt and temperature", "spectral gap", "relaxation time, steps", "p, last state enough"]
    yield from table([*head, f"relaxation time from {LONG_LAG} steps at once"], list(found.values()))


def settling() -> Iterator[str]:
    """Yield how often recordings that are in balance at every step, by one chain and then by another, look driven."""
    early, late = (systems.metropolis(V, neighbours=1) for V in ([3, 0, 0, 0], [0, 2, 1, 3]))
    rows = []
    for name, first in (("one chain throughout", late), ("another chain from the third state on", early)):
        streams = [np.random.default_rng([k, len(name)]) for k in range(REPEATS)]
        p = [detailed_balance_test(settled(first, late, rng), n_draws=99, rng=rng).p_value for rng in streams]
        rows.append([name, f"{100 * np.mean(np.array(p) <= LEVEL):.0f}"])
    yield from table([f"{REPEATS} recordings of 400 sessions of 10 states", "called driven, %"], rows)


def settled(early: MarkovChain, late: MarkovChain, rng: np.random.Generator) -> Counts:
    """Count 400 sessions from one state: three states of one chain, then seven of another."""
    first = early.simulate(400, steps=3, start=early.states[1], rng=rng)
    names = np.array(first.labels["state"].values()).reshape(400, 3)
    second = late.simulate(400, steps=8, start=names[:, -1].tolist(), rng=rng)
    names = np.hstack([names, np.array(second.labels["state"].values()).reshape(400, 8)[:, 1:]])
    panel = Panel.from_arrays([np.zeros((10, 1))] * 400)
    return Counts.of_panel(replace(panel, labels={"state": Labels.of(names.ravel().tolist())}))


STORIES = (
    ("published word counts", (WORDS,), words),
    ("repeated games", (GAMES,), games),
    ("repeated games: what is left of the start", (GAMES,), starts),
    ("self-refined reviews", (REVIEWS,), reviews),
    ("word associations", (ASSOCIATIONS,), associations),
    ("chains of rewriting: how fast binned lengths forget", (TEMPERATURE,), pace),
    ("chains of rewriting", (TEMPERATURE, TELEPHONE), telephone),
    ("paraphrasing", (PARAPHRASES,), paraphrases),
    ("simulated: balanced at every step, but not by one chain", (), settling),
)
