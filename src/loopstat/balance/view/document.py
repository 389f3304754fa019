"""A balance fit, or an analysis of several groups, as a document."""

from __future__ import annotations

from dataclasses import replace

from ... import __version__
from ...inference.estimate import Estimate
from ...results.chart import Chart
from ...results.document import (
    Answer,
    Block,
    Checks,
    Document,
    Fact,
    Facts,
    Provenance,
    Section,
    Text,
    settings_said,
    title_of,
)
from ...results.words import clean, clean_sentence, counted
from ..analysis import BalanceAnalysis
from ..fit import BalanceFit
from .charts import MAX_POINTS, log_ratios, potentials, relaxation, state_graph, tiny, tiny_limit
from .facts import answer, common, doubtful, facts, lead, scale
from .layout import MAX_NODES
from .seen import Seen
from .sheets import group_sheets

HINT = "Next: --verbose · --html report.html · --json - · loopstat explain TERM"
MANY = 12  # groups from which pictures hold less
FEW_NODES, FEW_POINTS = 16, 80


def document(result: BalanceAnalysis | BalanceFit) -> Document:
    """Return everything said about a fit, or about all groups of an analysis.

    Parameters
    ----------
    result : BalanceAnalysis or BalanceFit

    Returns
    -------
    Document
        Of kind `balance`.
    """
    if isinstance(result, BalanceFit):
        return Document("balance", clean(result.label), Provenance(__version__), sections=(_group(Seen(result)),))
    settings = result.settings
    groups = [Seen(fit, f"groups.{k}", f"g{k}") for k, fit in enumerate(result.groups)]
    size = f"{counted(result.n_states, 'state')}, {counted(result.n_transitions, 'transition')}"
    return Document(
        "balance",
        title_of(result.source.files) or "counts",
        Provenance(__version__, str(settings.get("command") or ""), result.source.digest, settings_said(settings)),
        (size,),
        (*_groups(groups), *_against(result)),
        None if groups else Answer("cannot_tell", "nothing to say", (": no transition was found.",), "doubt"),
        (*_scale(groups), *map(clean_sentence, result.notes)),
        (HINT,),
        clean_sentence(", ".join(settings.get("by") or [])) or "group",
    )


def _scale(groups: list[Seen]) -> list[str]:
    """Say what potentials mean where there are any; all groups have the setting of one analysis."""
    return [scale(seen.fit.potential.beta) for seen in groups if seen.lowest][:1]


def _groups(groups: list[Seen]) -> list[Section]:
    if len(groups) < 2:
        return [_group(seen) for seen in groups]
    limit, many = tiny_limit(groups), len(groups) > MANY
    made = [_group(seen, many=many) for seen in groups]
    return [
        replace(section, answer=answer(seen, tiny(seen, limit)), folded=True)
        for seen, section in zip(groups, made, strict=True)
    ]


def _group(seen: Seen, *, many: bool = False) -> Section:
    """Return the section of a group; where there are many, pictures hold less: a page is a file that is sent around."""
    states, points = (FEW_NODES, FEW_POINTS) if many else (MAX_NODES, MAX_POINTS)
    pictures = (state_graph(seen, max_states=states), log_ratios(seen, most=points), potentials(seen))
    return Section(
        seen.key,
        "all transitions" if seen.fit.label == "all" else clean(seen.fit.label),
        (*doubtful(seen), facts(seen), *_drawn(*pictures), *_figures(seen), *_checks(seen), *_missing(seen)),
        lead(seen),
        answer(seen),
        group=seen.short,
    )


def _drawn(*charts: Chart | None) -> list[Chart]:
    return [chart for chart in charts if chart is not None]


def _figures(seen: Seen) -> list[Section]:
    blocks: tuple[Block, ...] = (*_drawn(relaxation(seen)), *group_sheets(seen))
    return [Section(f"{seen.key}-figures", "All figures", blocks, depth="long", folded=True)]


def _checks(seen: Seen) -> list[Section]:
    made = seen.fit.parametric
    found = [_checked(f"{seen.key}-checks", "Checks", Checks(seen.fit.checks, place=seen.place("checks")))]
    if made is not None:
        checks = Checks(made.checks, place=seen.place("parametric.checks"))
        found.append(_checked(f"{seen.key}-features", "Checks of the features", checks))
    return found


def _checked(key: str, title: str, block: Checks) -> Section:
    return Section(key, title, (block,), (block.said,), depth="long", folded=True)


def _missing(seen: Seen) -> list[Section]:
    """Say what has no figure, and why."""
    rows = tuple(Fact(key, (why,)) for key, why in seen.fit.reasons.items())
    title = "What is missing, and why"
    return [Section(f"{seen.key}-missing", title, (Facts(rows),), depth="long", folded=True)] if rows else []


def _against(result: BalanceAnalysis) -> list[Section]:
    found = result.common_potential
    if found is None:
        return []
    correlation = Estimate(found.correlation, found.low, found.high)
    said = common(found.p_value, found.n_states, found.n_groups, correlation)
    return [Section("against", "Against each other", (Text((said,)),))]
