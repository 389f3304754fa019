"""A drift fit, or an analysis of several groups, as a document."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

import numpy as np

from ... import __version__
from ...panel.panel import Panel
from ...results.document import Block, Checks, Document, Fact, Facts, Provenance, Section, Text, settings_said, title_of
from ...results.words import clean, clean_sentence, plural
from ..analysis import DriftAnalysis
from ..compare import sentences
from ..fit import LinearDriftFit
from .charts import ends, fans, group_charts, pareto
from .facts import doubtful, doubts, facts, lead, left_out
from .seen import Seen, short_label
from .sheets import comparison_sheets, group_sheets, pareto_sheet

HINT = "Next: --verbose · --html report.html · --json - · loopstat explain TERM"
MAX_COMPARISONS = 6
MAX_SESSIONS = 300  # drawn per group, and
MAX_SESSIONS_ALL = 1000  # in all, and
MAX_VALUES = 130_000  # scores in all: a page is a file that is sent around


def document(result: DriftAnalysis | LinearDriftFit) -> Document:
    """Return everything said about a fit, or about all groups of an analysis.

    Parameters
    ----------
    result : DriftAnalysis or LinearDriftFit

    Returns
    -------
    Document
        Of kind `drift`.
    """
    if isinstance(result, LinearDriftFit):
        return Document("drift", clean(result.label), Provenance(__version__), sections=(_group(Seen(result), set()),))
    settings = result.settings
    return Document(
        "drift",
        title_of(result.source.files),
        Provenance(__version__, str(settings.get("command") or ""), result.source.digest, settings_said(settings)),
        (f"{plural(result.n_sessions, 'session')}, {plural(result.n_steps, 'step')}; {_directions(result)}",),
        (*_groups(result), *_against(result), *_pareto(result)),
        notes=tuple(clean_sentence(n) for n in result.notes),
        hints=(HINT,),
        by=clean_sentence(", ".join(settings["by"])) or "group",
    )


def _directions(result: DriftAnalysis) -> str:
    """Say which way is better, at once where it is the same for all."""
    names = [clean_sentence(o.name) for o in result.objectives]
    ways = ["larger is better" if o.maximize else "smaller is better" for o in result.objectives]
    if len(set(ways)) == 1:
        return f"{', '.join(names)} ({ways[0]})"
    return ", ".join(f"{name} ({way})" for name, way in zip(names, ways, strict=True))


# ------------------------------------------------------------------------------- groups


def _groups(result: DriftAnalysis) -> list[Section]:
    drawn = _drawn(result)
    several = len(result.groups) > 1
    shared = _shared_doubts(result) if several else []
    out = [Section("everywhere", "In every group", (doubtful(shared),))] if shared else []
    for k, fit in enumerate(result.groups):
        made = _group(Seen(fit, f"groups.{k}", f"g{k}", drawn.get(fit.label)), set(shared))
        out.append(replace(made, folded=several))
    return out


def _shared_doubts(result: DriftAnalysis) -> list[str]:
    """Return what is doubtful in every group alike: it is said once."""
    first, *others = (doubts(g) for g in result.groups)
    return [said for said in first if all(said in other for other in others)]


def _group(seen: Seen, said: Set[str]) -> Section:
    """Return the section of a group; doubts `said` elsewhere are left out."""
    label = "all sessions" if seen.fit.label == "all" else seen.fit.label
    checks = Checks(seen.fit.checks, place=seen.place("checks"))
    figures = Section(f"{seen.key}-figures", "All figures", tuple(group_sheets(seen)), depth="long", folded=True)
    return Section(
        seen.key,
        clean(label),
        (
            *([doubtful(own)] if (own := [d for d in doubts(seen.fit) if d not in said]) else []),
            *fans(seen),
            facts(seen),
            left_out(seen),
            *group_charts(seen),
            figures,
            Section(f"{seen.key}-checks", "Checks", (checks,), lead=(checks.said,), depth="long", folded=True),
            *_missing(seen),
        ),
        lead(seen),
        group=short_label(seen.fit),
    )


def _missing(seen: Seen) -> list[Section]:
    """Say what has no figure, and why."""
    rows = tuple(Fact(key, (why,)) for key, why in seen.fit.reasons.items())
    title = "What is missing, and why"
    return [Section(f"{seen.key}-missing", title, (Facts(rows),), depth="long", folded=True)] if rows else []


def _drawn(result: DriftAnalysis) -> dict[str, Panel]:
    """Choose the sessions that are drawn, evenly through each group: the kept paths."""
    if result.panel is None:
        return {}
    parts = result.panel.split(list(result.settings["by"]))
    each = min(MAX_SESSIONS, max(1, MAX_SESSIONS_ALL // max(len(parts), 1)))
    out = {}
    for group, (_, part) in zip(result.groups, parts, strict=True):
        path = part.kept()
        length = len(path) / max(path.n_sessions, 1)
        room = int(MAX_VALUES / max(len(parts), 1) / max(length * path.n_obj, 1))
        take = np.unique(np.linspace(0, path.n_sessions - 1, min(each, max(room, 5), path.n_sessions)).astype(int))
        out[group.label] = path.take(np.isin(path.session, take))
    return out


# --------------------------------------------------------------------- groups together


def _against(result: DriftAnalysis) -> list[Section]:
    said = sentences(result.comparisons, result.groups)
    if len(result.groups) < 2:
        return []
    charts = [ends(result, j) for j in range(len(result.objectives))]
    sheets = comparison_sheets(result)
    blocks: list[Block | Section] = (
        [Text(tuple((s,) for s in said), points=True, brief=MAX_COMPARISONS)] if said else []
    )
    blocks += charts
    if sheets:
        blocks.append(Section("differences", "All differences", tuple(sheets), depth="long", folded=True))
    return [Section("against", "Against each other", tuple(blocks), depth="short" if said else "long")]


def _pareto(result: DriftAnalysis) -> list[Section]:
    if not result.pareto:
        return []
    chart = pareto(result)
    blocks: list[Block] = [chart] if chart is not None else []
    blocks.append(pareto_sheet(result))
    return [Section("pareto", "On all objectives at once", tuple(blocks), depth="long")]
