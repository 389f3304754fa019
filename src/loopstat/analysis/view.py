"""An analysis as a document: first when to stop, then where and how fast."""

from __future__ import annotations

from dataclasses import replace

from ..decide.view.against import against
from ..decide.view.charts import limits_of
from ..decide.view.document import blocks, chosen, first_notes
from ..decide.view.facts import answer
from ..drift.fit import LinearDriftFit
from ..drift.view.document import document as drift_document
from ..results.decision import Decided
from ..results.document import Document, Section
from .analyze import Analysis

HINT = "Next: --verbose · --group LABEL · --html report.html · --json - · loopstat explain TERM"


def document(result: Analysis) -> Document:
    """Return everything said about an analysis.

    With a group asked for in its settings, that group alone.
    """
    whole = drift_document(result)
    decided = [g.decided for g in result.groups if g.decided is not None]
    limits = limits_of(decided)
    fits = {f"g{k}": (k, fit) for k, fit in enumerate(result.groups)}
    sections = [
        _opened(section, *fits[section.key], limits) if section.key in fits else section for section in whole.sections
    ]
    skills = {g.label: s for g in result.groups if (s := g.estimates.get("skill.persistence")) is not None}
    sections += against(result.against, decided, "against", skills)
    wanted = result.settings.get("group")
    if wanted is not None:
        sections = list(chosen([s for s in sections if s.key in fits], result.groups, wanted))
    return replace(
        whole, sections=tuple(sections), hints=(HINT,), first=first_notes(result.settings) if decided else ()
    )


def _opened(section: Section, k: int, fit: LinearDriftFit, limits: tuple[float, float]) -> Section:
    """Put the decision of a group first."""
    decided: Decided | None = fit.decided
    if decided is None:
        return section
    said = blocks(decided, f"groups.{k}", section.key)
    return replace(section, blocks=(*said, *section.blocks), answer=answer(decided, limits), depth="front")
