"""An analysis as a document: first when to stop, then where and how fast."""

from __future__ import annotations

from dataclasses import replace

from ..decide.view.against import against
from ..decide.view.charts import limits_of
from ..decide.view.document import blocks, chosen, first_notes
from ..decide.view.facts import answer
from ..decide.view.handles import handles
from ..drift.fit import LinearDriftFit
from ..drift.view.document import document as drift_document
from ..results.decision import Decided
from ..results.document import Document, Section, settings_said
from ..results.kept import Kept
from ..results.words import clean_sentence
from .analyze import Analysis

WHERE: Kept[Document] = Kept(4)  # what the drift lens says of the analyses last looked at
HINT = "Next: --verbose · --group LABEL · --html report.html · --json - · loopstat explain TERM"


def document(result: Analysis) -> Document:
    """Return everything said about an analysis.

    With a group asked for in its settings, that group alone.
    """
    whole = _where_it_goes(result)
    decided = [g.decided for g in result.groups if g.decided is not None]
    limits = limits_of(decided)
    fits = {f"g{k}": (k, fit) for k, fit in enumerate(result.groups)}
    sections = [
        _opened(section, *fits[section.key], limits) if section.key in fits else section for section in whole.sections
    ]
    skills = {g.label: s for g in result.groups if (s := g.estimates.get("skill.persistence")) is not None}
    if not decided:  # where nothing says when to stop, where it goes is all there is
        sections = [replace(s, depth="front") if s.key in fits else s for s in sections]
    sections += against(result.against, decided, "against", skills)
    wanted = result.settings.get("group")
    if wanted is not None:
        sections = list(chosen([s for s in sections if s.key in fits], result.groups, wanted))
    made = result.decisions
    return replace(
        whole,
        sections=tuple(sections),
        hints=(HINT,),
        first=first_notes(result.settings, result.source) if decided else tuple(_undecided(result)),
        handles=() if made is None else handles(made),
        rough="" if made is None else made.rough,
    )


def _undecided(result: Analysis) -> list[str]:
    """Say why there is no decision, once for all groups."""
    return list(dict.fromkeys(clean_sentence(why) for g in result.groups if (why := g.reasons.get("decision"))))


def _where_it_goes(result: Analysis) -> Document:
    """Return what the drift lens says of an analysis; made once for all prices."""
    if result.drift is None:
        return drift_document(result)
    # What the front says of trade-offs hangs on whether objectives disagree.
    front = tuple(bool(g.decided and g.decided.decision.disagreeing) for g in result.groups)
    own = WHERE.of(result.drift, front, lambda: drift_document(result))
    made = replace(
        own.provenance, command=str(result.settings.get("command") or ""), settings=settings_said(result.settings)
    )
    return replace(own, provenance=made, notes=tuple(clean_sentence(n) for n in result.notes))


def _opened(section: Section, k: int, fit: LinearDriftFit, limits: tuple[float, float]) -> Section:
    """Put the decision of a group first."""
    decided: Decided | None = fit.decided
    if decided is None:
        return section
    said = blocks(decided, f"groups.{k}", section.key)
    return replace(section, blocks=(*said, *section.blocks), answer=answer(decided, limits), depth="front")
