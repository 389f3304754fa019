"""Decisions as a document."""

from __future__ import annotations

from ... import __version__
from ...results.decision import Decided
from ...results.document import Block, Checks, Document, Facts, Provenance, Section, Text, settings_said, title_of
from ...results.words import clean, clean_sentence, plural
from ..analysis import Decisions
from .against import against
from .charts import curve, limits_of
from .facts import answer, doubts, facts
from .sheets import group_sheets

HINT = "Next: --verbose · --html report.html · --save rule.json · loopstat explain TERM"


def document(result: Decisions | Decided) -> Document:
    """Return everything said about when to stop, for one group or all of them."""
    if isinstance(result, Decided):
        return Document("decide", clean(result.label), Provenance(__version__), sections=(section(result, "", "g0"),))
    settings = result.settings
    limits = limits_of(result.groups)
    return Document(
        "decide",
        title_of(result.source.files),
        Provenance(__version__, str(settings.get("command") or ""), result.source.digest, settings_said(settings)),
        (f"{plural(result.n_sessions, 'session')}, {plural(result.n_steps, 'step')}",),
        (
            *(section(g, f"groups.{k}", f"g{k}", limits) for k, g in enumerate(result.groups)),
            *against(result.comparisons, result.groups, "comparisons"),
        ),
        notes=tuple(clean_sentence(n) for n in result.notes),
        hints=(HINT,),
        by=clean_sentence(", ".join(settings["by"])) or "group",
    )


def section(fit: Decided, at: str, key: str, limits: tuple[float, float] | None = None) -> Section:
    """Return the section of one group."""
    label = "all sessions" if fit.label == "all" else fit.label
    checks = Checks(fit.checks, place=f"{at}.checks" if at else "checks")
    lead = (plural(fit.counts["n_sessions"], "session"),)
    return Section(key, clean(label), (*blocks(fit, at, key), checks), lead, answer(fit, limits), depth="front")


def blocks(fit: Decided, at: str, key: str) -> tuple[Block | Section, ...]:
    """Return what is said, drawn and tabled of one group's decision."""
    said = doubts(fit)
    weightiest = (Text(((said[0],),), tone="doubt", depth="front"),) if said else ()
    others = (Text(tuple((s,) for s in said[1:]), tone="doubt", depth="long"),) if len(said) > 1 else ()
    chart = curve(fit, key)
    return (
        Facts(facts(fit, at), depth="front"),
        *weightiest,
        *others,
        *((chart,) if chart else ()),
        *group_sheets(fit, at),
    )
