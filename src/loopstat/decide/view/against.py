"""Groups against each other: what is said, tabled and drawn of which one is better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ...inference.estimate import Estimate
from ...results.chart import Axis, Chart, Dot, Dots, Mark, Points, Region, Rule, category
from ...results.decision import Decided
from ...results.document import Block, Fact, Facts, Part, Section, Sheet, Text, figure, word
from ...results.words import chance, clean_sentence, kept, listed, number, percent, plural
from ..compare import ChangeDifference, Comparisons, NetDifference
from ..regions import Region as Reached

BRIEF = 6  # pairs that are told without being asked for
NAMED = 3  # groups that are not the best, by their names
MAX_DRAWN = 6  # regions in one picture
FAR = 5.0  # widths of where sessions end: a set that reaches farther comes of a nearly singular spread


def against(
    found: Comparisons | None, groups: Sequence[Decided], at: str, skills: Mapping[str, Estimate] | None = None
) -> tuple[Section, ...]:
    """Return the section of groups against each other; none for one group.

    Parameters
    ----------
    found : Comparisons or None
    groups : sequence of Decided
    at : str
        Its place in the JSON, `comparisons`.
    skills : mapping, optional
        Held-out skill by label of a group, where a lens has measured it.
    """
    if found is None:
        return ()
    short = {g.label: clean_sentence(", ".join(g.by.values()) or g.label) for g in groups}
    blocks: list[Block | Section] = [Facts(tuple(_facts(found, short, at)), depth="front")]
    warned = tuple(_mixed(found))
    if warned:
        blocks.append(Text(tuple((said,) for said in warned), tone="doubt", depth="front"))
    pairs = _pairs(found, short, at)
    if pairs:
        blocks.append(Text(pairs, points=True, brief=BRIEF))
    charts = (_standings(found, short, at), _reached(found, short), predictability(groups, skills or {}))
    blocks += [chart for chart in charts if chart is not None]
    sheets = (_differences(found, short, at), _changes(found, short, at), _regions(found, short, at))
    tables = [sheet for sheet in (*sheets, _overlaps(found, short, at)) if sheet is not None]
    blocks.append(Section("which-figures", "All comparisons", tuple(tables), depth="long", folded=True))
    title = "Which one" if found.standings else "What steps of each kind change"
    return (Section("which", title, tuple(blocks), depth="front"),)


# -------------------------------------------------------------------------------------- in words


def _facts(found: Comparisons, short: Mapping[str, str], at: str) -> Iterator[Fact]:
    rows = list(enumerate(found.standings))
    able = [(k, s) for k, s in rows if s.may_be_best]
    if len(able) == 1:
        (k, best) = able[0]
        gap = figure(best.gap, place=f"{at}.standings.{k}.gap")
        yield Fact("best of all", (f"{short[best.label]}, whose net value is above that of the next by ", gap), "front")
    elif able:
        names = listed((kept(short[s.label]) for _, s in able), "or")
        beaten = [kept(short[s.label]) for _, s in rows if not s.may_be_best]
        others = f"; not {listed(beaten, 'or')}" if len(beaten) <= NAMED else f"; none of the other {len(beaten)}"
        yield Fact("best of all", (f"may be {names}{others if beaten else ''}",), "front")
    for k, change in enumerate(found.changes):
        said = (f"{short[change.label]}: ", figure(change.change, place=f"{at}.changes.{k}.change"), " a step")
        yield Fact("changes" if k == 0 else "", said, "front")


def _mixed(found: Comparisons) -> Iterator[str]:
    """Warn by name of labels whose mix differs: the raw difference mixes the two."""
    every = [m for d in found.differences for m in d.mixes]
    for label in dict.fromkeys(m.label for m in every):
        within = [m.distance for m in every if m.label == label and m.within]
        apart = sum(m.label == label and not m.within for m in every)
        name = clean_sentence(label)
        if within:
            yield (
                f"Groups differ in their mix of {name} (up to {percent(max(within))} of the sessions): they are "
                f"compared within it, for over all sessions the difference is its doing too."
            )
        if apart:
            yield f"In {plural(apart, 'pair')} no {name} is shared: what differs there may be its doing."


def _pairs(found: Comparisons, short: Mapping[str, str], at: str) -> tuple[tuple[Part, ...], ...]:
    nets = [
        (d, f"{at}.differences.{k}.difference", f" net value, {_on(d)}{_otherwise(d)}")
        for k, d in enumerate(found.differences)
    ]
    changes = [
        (d, f"{at}.change_differences.{k}.difference", " a step") for k, d in enumerate(found.change_differences)
    ]
    every: list[tuple[NetDifference | ChangeDifference, str, str]] = [*nets, *changes]
    every.sort(key=lambda row: np.nan_to_num(_p(row[0].difference), nan=np.inf))
    return tuple(
        (
            f"{short[d.a]} less {short[d.b]}: ",
            figure(d.difference, place=place),
            f"{rest} ({chance(_p(d.difference))})",
        )
        for d, place, rest in every
    )


def _on(d: NetDifference) -> str:
    within = f" within {listed(clean_sentence(name) for name in d.compared_within)}" if d.compared_within else ""
    return f"on {plural(d.paired, 'shared task')}{within}" if d.paired else f"unpaired{within}"


def _otherwise(d: NetDifference) -> str:
    return f"; over all sessions {number(float(d.raw.value))}" if d.compared_within else ""


def _p(e: Estimate) -> float:
    return float("nan") if e.p_adjusted is None else float(e.p_adjusted)


# ----------------------------------------------------------------------------------- in pictures


def _standings(found: Comparisons, short: Mapping[str, str], at: str) -> Chart | None:
    """Return how far each group is from the best of the others."""
    if not found.standings:
        return None
    rows = tuple(
        Dot(short[s.label], figure(s.gap, place=f"{at}.standings.{k}.gap"), "ours" if s.may_be_best else "context")
        for k, s in enumerate(found.standings)
    )
    names = listed((short[s.label] for s in found.standings if s.may_be_best), "or")
    note = "Net value less that of the best other group. The intervals hold together: below 0, a group is not the best."
    marks: tuple[Mark, ...] = (Rule("x", 0.0), Dots(rows))
    axis = Axis("from the best other", zero=True)
    return Chart("which-best", "Best of all", marks, axis, Axis(), f"May be best: {names}.", note, link="group")


def _reached(found: Comparisons, short: Mapping[str, str]) -> Chart | None:
    """Return where the sessions of each group end: the set that holds 90 % of them."""
    drawn = found.regions[:MAX_DRAWN]
    if not drawn:
        return None
    names = [clean_sentence(name) for name in drawn[0].objectives]
    title, note = (
        "Where sessions end",
        "Each set holds 90 % of a group's sessions; the mark is their mean.",
    )
    described = "; ".join(f"{short[r.label]} {_place(r)}" for r in drawn)
    if len(names) == 1:
        rows = tuple(
            Dot(short[r.label], figure(Estimate(r.centre.value[0], r.reach_low[0], r.reach_high[0])), *category(k))
            for k, r in enumerate(drawn)
        )
        return Chart("which-reached", title, (Dots(rows),), Axis(names[0]), Axis(), described, note, link="group")
    marks: list[Mark] = []
    low = np.min([r.reach_low for r in drawn], axis=0)[:2]
    high = np.max([r.reach_high for r in drawn], axis=0)[:2]
    middle, width = (low + high) / 2, np.where(high > low, high - low, 1.0)
    for k, r in enumerate(drawn):
        tone, shape = category(k)
        if r.outline is not None and not np.any(np.abs(r.outline - middle) > FAR * width):
            marks.append(Region(r.outline[:, 0], r.outline[:, 1], short[r.label], tone, filled=True))
        elif r.outline is not None:
            note += f" That of {short[r.label]} reaches far beyond its sessions, and is left out."
        at = r.centre.value
        marks.append(Points(at[:1], at[1:2], names=(short[r.label],), tone=tone, shape=shape, named=True))
    axes = Axis(names[0]), Axis(names[1])
    return Chart("which-reached", title, tuple(marks), *axes, described, note, link="group")


def _place(r: Reached) -> str:
    spans = zip(r.objectives, r.reach_low.tolist(), r.reach_high.tolist(), strict=True)
    return listed(f"{clean_sentence(name)} {number(low)} to {number(high)}" for name, low, high in spans)


def predictability(groups: Sequence[Decided], skills: Mapping[str, Estimate]) -> Chart | None:
    """Return what each group reaches against how well its next step is predicted on clusters held out.

    Parameters
    ----------
    groups : sequence of Decided
    skills : mapping
        Held-out skill by label of a group; groups without one are left out.
    """
    shown = [g for g in groups if g.label in skills and np.isfinite(skills[g.label].value)]
    if len(shown) < 2:
        return None
    marks: list[Mark] = []
    for k, g in enumerate(shown):
        at = int(np.searchsorted(g.curve.step, g.decision.step))
        value, low, high = g.curve.value[at].triple
        tone, shape = category(k)
        name = clean_sentence(", ".join(g.by.values()) or g.label)
        skill = [float(skills[g.label].value)]
        marks.append(Points(skill, [value], [low], [high], names=(name,), tone=tone, shape=shape, named=True))
    note = "Skill: share of the squared error of 'the next score is this one' that a fit does away with, held out."
    described = "; ".join(
        f"{clean_sentence(g.label)}: skill {number(float(skills[g.label].value))}, value {number(g.decision.value)}"
        for g in shown
    )
    axes = (Axis("held-out skill", zero=True), Axis("value at the best step", better=1))
    title = "How predictable, and what is reached"
    return Chart("which-predictable", title, tuple(marks), *axes, described, note, link="group")


# -------------------------------------------------------------------------------------- in tables


def _differences(found: Comparisons, short: Mapping[str, str], at: str) -> Sheet | None:
    rows = tuple(
        (
            word(short[d.a]),
            word(short[d.b]),
            figure(d.difference, place=f"{at}.differences.{k}.difference"),
            figure(d.difference.p_adjusted, place=f"{at}.differences.{k}.p_adjusted", form="p"),
            word(_on(d)),
            figure(d.raw, place=f"{at}.differences.{k}.raw"),
        )
        for k, d in enumerate(found.differences)
    )
    head = ("group", "less", "net value", "p (Holm)", "compared", "over all sessions")
    note = "Each group at its own best step, or the last recorded one before it; net of the price of its steps."
    return Sheet("One group less another", head, rows, note) if rows else None


def _changes(found: Comparisons, short: Mapping[str, str], at: str) -> Sheet | None:
    rows = tuple(
        (
            word(short[d.a]),
            word(short[d.b]),
            figure(d.difference, place=f"{at}.change_differences.{k}.difference"),
            figure(d.difference.p_adjusted, place=f"{at}.change_differences.{k}.p_adjusted", form="p"),
        )
        for k, d in enumerate(found.change_differences)
    )
    return (
        Sheet("Change of a step, one kind less another", ("kind", "less", "change", "p (Holm)"), rows) if rows else None
    )


def _regions(found: Comparisons, short: Mapping[str, str], at: str) -> Sheet | None:
    rows = tuple(
        (
            word(short[r.label]),
            word(clean_sentence(name)),
            figure(r.centre, j, place=f"{at}.regions.{k}.centre"),
            figure(float(r.reach_low[j]), place=f"{at}.regions.{k}.reach_low.{j}", form="number"),
            figure(float(r.reach_high[j]), place=f"{at}.regions.{k}.reach_high.{j}", form="number"),
        )
        for k, r in enumerate(found.regions)
        for j, name in enumerate(r.objectives)
    )
    head = ("group", "objective", "mean", "90 % lie from", "to")
    note = "The version held after the last step, for sessions that ended and those that were cut off."
    return Sheet("Where sessions end", head, rows, note) if rows else None


def _overlaps(found: Comparisons, short: Mapping[str, str], at: str) -> Sheet | None:
    rows = tuple(
        (word(short[o.a]), word(short[o.b]), figure(o.inside, place=f"{at}.overlaps.{k}.inside", form="percent"))
        for k, o in enumerate(found.overlaps)
    )
    note = "90 % where both are in one place, 0 % where they are apart."
    return Sheet("Overlap", ("sessions of", "in the set of", "share inside"), rows, note) if rows else None
