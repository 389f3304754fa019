"""Decisions as a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ... import __version__
from ...panel.selection import SURVIVORS
from ...panel.source import Source
from ...parameters import nearest
from ...results.decision import Decided
from ...results.document import Block, Checks, Document, Facts, Provenance, Section, Text, settings_said, title_of
from ...results.words import clean, clean_sentence, number, plural
from ..analysis import Decisions
from ..rows import DEFAULT_PRICE
from .against import against
from .charts import curve, limits_of
from .facts import answer, brief_doubts, doubts, facts
from .forecasts import forecast_blocks
from .handles import handles
from .sheets import group_sheets

KEPT = {
    "last": "the last version",
    "best": "the best version so far",
    "accepted": "the version accepted last",
    "success": "success, once reached",
}
HINT = "Next: --verbose · --html report.html · --save rule.json · loopstat explain TERM"


def document(result: Decisions | Decided) -> Document:
    """Return everything said about when to stop, for one group or all of them."""
    if isinstance(result, Decided):
        return Document("decide", clean(result.label), Provenance(__version__), sections=(section(result, "", "g0"),))
    settings = result.settings
    limits = limits_of(result.groups)
    made = (section(g, f"groups.{k}", f"g{k}", limits) for k, g in enumerate(result.groups))
    sections = [replace(s, folded=len(result.groups) > 1) for s in made]
    return Document(
        "decide",
        title_of(result.source.files),
        Provenance(__version__, str(settings.get("command") or ""), result.source.digest, settings_said(settings)),
        (f"{plural(result.n_sessions, 'session')}, {plural(result.n_steps, 'step')}",),
        (
            *chosen(sections, result.groups, settings.get("group")),
            *(() if settings.get("group") else against(result.comparisons, result.groups, "comparisons")),
        ),
        first=first_notes(settings, result.source),
        notes=tuple(clean_sentence(n) for n in result.notes),
        hints=(HINT,),
        by=clean_sentence(", ".join(settings["by"])) or "group",
        handles=handles(result),
        rough=result.rough,
    )


class Named(Protocol):
    """A group as it is asked for: by its label or by its values alone."""

    @property
    def label(self) -> str: ...

    @property
    def by(self) -> Mapping[str, str]: ...


def chosen(sections: Sequence[Section], groups: Sequence[Named], wanted: str | None) -> tuple[Section, ...]:
    """Return the sections of all groups, or of the one asked for by its label or its values alone.

    Raises
    ------
    SettingsError
        No such group; the message names the nearest one.
    """
    if wanted is None:
        return tuple(sections)
    names = {name: k for k, g in enumerate(groups) for name in (g.label, ", ".join(g.by.values()))}
    if wanted not in names:
        raise nearest(wanted, [g.label for g in groups], "group")
    return (replace(sections[names[wanted]], folded=False),)


def first_notes(settings: Mapping[str, Any], source: Source) -> tuple[str, ...]:
    """Return what the front must say: which version is held, what a step is taken to cost, and who is missing."""
    cost = settings.get("cost")
    paid = f"{number(settings['price'])} a step" if cost is None else f"1 for {settings['worth']:g} of {cost}"
    asked = settings.get("asked_price") is not None or cost
    default = "" if asked else f", {DEFAULT_PRICE} standard deviations; --price changes it"
    held = clean_sentence(f"Held: {KEPT[settings['keep']]}. Price: {paid}{default}.")
    return (held, clean_sentence(SURVIVORS)) if source.selection and source.selection.kept_only else (held,)


def section(fit: Decided, at: str, key: str, limits: tuple[float, float] | None = None) -> Section:
    """Return the section of one group."""
    label = "all sessions" if fit.label == "all" else fit.label
    checks = Checks(fit.checks, place=f"{at}.checks" if at else "checks")
    lead = (plural(fit.counts["n_sessions"], "session"),)
    said, group = answer(fit, limits), clean_sentence(", ".join(fit.by.values()))
    return Section(key, clean(label), (*blocks(fit, at, key), checks), lead, said, depth="front", group=group)


def blocks(fit: Decided, at: str, key: str) -> tuple[Block | Section, ...]:
    """Return what is said, drawn and tabled of one group's decision."""
    said, chart = doubts(fit), curve(fit, key)
    weightiest = (Text(((brief_doubts(fit)[0],),), tone="doubt", depth="front"),) if said else ()
    others = (Text(tuple((s,) for s in said[1:]), tone="doubt"),) if len(said) > 1 else ()
    drawn = (chart,) if chart else ()
    told = forecast_blocks(fit, at, key)
    return (*drawn, Facts(facts(fit, at), depth="front"), *told, *weightiest, *others, *group_sheets(fit, at))
