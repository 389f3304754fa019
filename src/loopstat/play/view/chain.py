"""A chain that is set, as a document."""

from __future__ import annotations

import math
from dataclasses import replace

from ... import __version__
from ...balance.view.charts import potentials, relaxation, state_graph
from ...balance.view.facts import answer as balance_answer
from ...balance.view.facts import facts as balance_facts
from ...balance.view.seen import Seen
from ...inference.estimate import Estimate
from ...results.chart import Axis, Chart, Line, Mark, Points, Rule, Tone
from ...results.document import (
    Answer,
    Block,
    Document,
    Fact,
    Facts,
    Part,
    Parts,
    Provenance,
    Section,
    Sheet,
    Text,
    figure,
    settings_said,
    word,
)
from ...results.words import cell, kept, plural
from ..chain import ChainPlay
from ..power import SIZE, WANTED

HINT = "Next: --system ring --drive 0.5 · --transitions 2000 · --html page.html · --json - · loopstat explain TERM"
TITLES = {
    "equilibrium": "A walk on a potential",
    "ring": "A driven ring",
    "trap": "States with a trap",
    "words": "Published word counts",
}
TONES: dict[str, Tone] = {"balanced": "ink", "driven": "ours"}
MOST_STATES = 6


def chain(result: ChainPlay) -> Document:
    """Return everything said about a chain that is set.

    Parameters
    ----------
    result : ChainPlay

    Returns
    -------
    Document
        Of kind `play`.
    """
    seen = Seen(result.known, "known", "chain")
    verdict, settings = result.verdict, result.settings
    sessions = int(settings["sessions"])
    where = plural(sessions, "session") if sessions else "draws from every state"
    return Document(
        "play",
        TITLES[str(settings["system"])],
        Provenance(__version__, result.command, settings=settings_said(settings)),
        (f"{plural(seen.n_states, 'state')}; {int(settings['transitions']):,} transitions in {where}",),
        (_does(result, seen), _concludes(result, seen), *_recorded(result), _assumed(result)),
        Answer(verdict.action, verdict.answer, (verdict.sentence.removeprefix(verdict.answer),), TONES[verdict.action]),
        notes=result.notes,
        hints=(HINT,),
        rough=result.rough,
    )


# ------------------------------------------------------------------------------ what the chain does


def _does(result: ChainPlay, seen: Seen) -> Section:
    fit = result.known
    rows = [
        Fact("irreversible", _entropy(seen), "front"),
        Fact("rests in" if fit.verdict.action == "balanced" else "is in", _shares(seen), "front"),
        Fact("forgets", _forgets(seen), "front"),
    ]
    for cycle in fit.cycles[:1]:
        way = " -> ".join([*(seen.name(s) for s in cycle.states), seen.name(cycle.states[0])])
        rows.append(
            Fact("goes round", (way, ": affinity ", figure(cycle.affinity, place="known.cycles.0.affinity"), " nats"))
        )
    for k, trap in enumerate(fit.traps[:1]):
        left = figure(trap.escape, place=f"known.traps.{k}.escape", form="percent")
        rows.append(Fact("trap", (f"{kept(seen.name(trap.state))} is left in ", left, " of its visits")))
    graph = state_graph(seen)
    note = "Intervals are those that so many transitions would give."
    blocks: list[Block] = [Facts(tuple(rows))]
    blocks += [replace(graph, note=f"{graph.note} {note}")] if graph else []
    blocks += [made for made in (relaxation(seen),) if made]
    return Section("does", "What it does", tuple(blocks))


def _entropy(seen: Seen) -> Parts:
    found = seen.fit.entropy_production
    if found.value == 0:
        return ("not at all: played backwards it looks the same",)
    shown = figure(found.value, place="known.entropy_production.value")
    return (shown, " nats a step: played backwards it looks different")


def _shares(seen: Seen) -> Parts:
    """Return the states with most of the time."""
    law = seen.fit.stationary.value
    known = [k for k in range(seen.n_states) if math.isfinite(law[k])]
    known.sort(key=lambda k: -law[k])
    said: list[Part] = []
    for k in known[:MOST_STATES]:
        share = figure(float(seen.fit.stationary_free[k]), place=f"known.stationary_free.{k}", form="percent")
        said += [", " if said else "", f"{kept(seen.name(k))}\xa0", share]
    return (*said, f" and {len(known) - MOST_STATES} more") if len(known) > MOST_STATES else tuple(said)


def _forgets(seen: Seen) -> Parts:
    times = seen.fit.relaxation_times
    if not len(times.value) or not math.isfinite(times.value[0]):
        return ("never: it swings between groups of states",)
    slowest = figure(float(times.value[0]), place="known.relaxation_times.0")
    return ("nine tenths of its start in ", figure(math.log(10) * float(times.value[0]), form="rough"),
            " steps (relaxation time ", slowest, ")")  # fmt: skip


# -------------------------------------------------------------------- what recordings let one conclude


def _concludes(result: ChainPlay, seen: Seen) -> Section:
    power, n = result.power, int(result.settings["transitions"])
    rows = [Fact("the drive", _drive(result), "front")]
    if math.isfinite(power.enough):
        shown = figure(power.enough, place="power.enough", form="count")
        rows.append(Fact("for 80 %", ("about ", shown, " transitions"), "front"))
    rows += [Fact("the potential", said) for said in [_potential(seen, n)] if said]
    blocks: list[Block] = [Facts(tuple(rows))]
    charts = (_power_chart(result), potentials(seen))
    blocks += [made for made in charts if made]
    blocks.append(_sheet(seen, n))
    return Section("concludes", "What recordings would let one conclude", tuple(blocks))


def _drive(result: ChainPlay) -> Parts:
    power, n = result.power, int(result.settings["transitions"])
    if power.df == 0:
        return ("its states lie on no ring: balance cannot be tested, however many transitions are recorded",)
    guess = figure(power.approximate, place="power.approximate", form="percent")
    said: list[Part] = [f"{n:,} transitions show it in ", guess, " of recordings (test at 5 %, by approximation)"]
    if result.known.verdict.action == "balanced":
        said = ["there is none; ", guess, " of recordings seem to show one (that is what testing at 5 % means)"]
    if power.recordings:
        drawn = figure(power.drawn, place="power.drawn", form="percent")
        said += ["; in ", drawn, f" of {power.recordings} drawn ones, tested exactly"]
    return tuple(said)


def _potential(seen: Seen, n: int) -> Parts:
    """Say how well the difference of the least known potential would be known."""
    v = seen.fit.potential
    width = [(float(v.high[k] - v.value[k]), k) for k in seen.lowest if math.isfinite(v.high[k]) and v.value[k] > 0]
    if not width:
        return ()
    most, k = max(width)
    return ("to ± ", figure(most, form="rough"), f" at worst ({kept(seen.name(k))}), from {n:,} transitions")


def _power_chart(result: ChainPlay) -> Chart | None:
    """Return the chance to find the drive against the number of transitions."""
    power, n = result.power, float(result.settings["transitions"])
    if power.df == 0:
        return None
    marks: list[Mark] = [
        Rule("y", WANTED, label="80 %", stroke="dotted"),
        Rule("x", n, label="recorded"),
        Line(power.n, power.power_at, strong=True),
    ]
    drawn: Estimate = power.drawn
    said = cell(figure(power.approximate, form="percent"))
    if math.isfinite(drawn.value):
        at, low, high = ([end] for end in drawn.triple)
        marks.append(Points([n], at, low, high, ("drawn recordings",), "drawn", "c5", "diamond"))
        said += f", drawn {cell(figure(drawn, form='percent'))}"
    x = Axis("transitions", limits=(float(power.n[0]), float(power.n[-1])), log=True)
    y = Axis(
        "recordings that show the drive",
        limits=(0.0, 1.0),
        ticks=((0.0, "0"), (SIZE, "5 %"), (0.5, "50 %"), (1.0, "100 %")),
    )
    note = "Line: by approximation. At 5 % nothing is seen: so many recordings of a chain in balance look driven too."
    described = f"Power of the test of balance against transitions; at {n:,.0f} {said}"
    return Chart("chain-power", "How many transitions show the drive", tuple(marks), x, y, described, note)


def _sheet(seen: Seen, n: int) -> Sheet:
    """Return stationary law, potential and escape of every state with the intervals that recordings would give."""
    rows = tuple(
        (
            word(seen.name(k)),
            seen.entry("stationary", k, "percent"),
            seen.entry("potential", k),
            seen.entry("escape", k, "percent"),
        )
        for k in range(seen.n_states)
    )
    note = f"True figures; their intervals are those that {n:,} transitions would give, on average."
    if seen.fit.verdict.action == "driven":
        note += " A driven chain has no potential: what is shown is the nearest one."
    return Sheet("States", ("state", "of the time", "potential", "left in"), rows, note)


# ------------------------------------------------------------------------------------ one recording


def _recorded(result: ChainPlay) -> tuple[Section, ...]:
    """Return what the balance lens says of one recording."""
    if result.one_recording is None:
        return ()
    seen = Seen(result.one_recording, "one_recording", "recorded")
    said = balance_answer(seen)
    sentence = Text(((f"{said.said}", *said.why),))
    blocks: tuple[Block, ...] = (sentence, balance_facts(seen))
    return (Section("recorded", "What one recording says", blocks, depth="long", folded=True),)


def _assumed(result: ChainPlay) -> Section:
    sessions = int(result.settings["sessions"])
    start = "sessions start in the stationary law" if sessions else "every state is asked equally often"
    said = {
        "equilibrium": "Metropolis walk to the two neighbours on a ring: two wells, the one at s0 the lower.",
        "ring": "Forward and backward steps have the same odds everywhere; stay is the chance of no step.",
        "trap": "Every state goes to all others alike; the trap is left with probability escape.",
        "words": "Seven published counts of Claude-4 (Song et al. 2025), equal visits; other answers stay.",
    }[str(result.settings["system"])]
    recorded = f"Recordings: {start}; no memory, all sessions alike."
    block = Text(((said,), (recorded,)), points=True)
    return Section("assumed", "What is assumed", (block,), depth="long", folded=True)
