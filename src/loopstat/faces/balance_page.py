"""The page of the balance lens: one self-contained file, every figure looked up in the JSON form of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..balance.layout import MAX_NODES_NARROW, NARROW, Layout, layout
from ..inference.estimate import number
from . import svg_states
from .balance_sheets import LONG, group_sheets
from .balance_text import (
    SCALE,
    Json,
    common_words,
    counted,
    doubts,
    listed,
    lowest,
    part,
    rows_of,
    several_classes,
    size_of,
    title_of,
    verdict_of,
)
from .sheets import Sheet
from .text import clean, clean_sentence

MANY = 12  # groups from which pictures hold fewer points: a page is a file that is sent around
FEW_POINTS = 80
ACTIONS = ("balanced", "driven", "cannot_tell")


class Written(Protocol):
    """A result that has a JSON form."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""


@dataclass(frozen=True)
class GroupPage:
    """What the page shows of one group; pictures are finished SVG, all else is text."""

    anchor: str
    label: str
    short: str
    size: str
    action: str
    verdict: tuple[str, str]
    failed: list[str]
    facts: list[tuple[str, str]]
    graph: str
    graph_narrow: str
    caption: str
    caption_narrow: str
    ratios: str
    ratios_caption: str
    pictures: list[tuple[str, str]]
    sheets: list[Sheet]
    folded: list[Sheet]
    checks: list[dict[str, Any]]
    reasons: dict[str, str]


@dataclass(frozen=True)
class BalancePage:
    """Everything the page says, as plain data."""

    title: str
    size: str
    by: str
    groups: list[GroupPage]
    common: str
    scale: str
    notes: list[str]
    digest: str
    version: str
    settings: dict[str, str] = field(default_factory=dict)


def page(result: Written | Json) -> str:
    """Return the HTML of a balance analysis: one file, no address outside it, every text escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("loopstat.faces"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("balance.html").render(r=page_data(result))


def page_data(result: Written | Json) -> BalancePage:
    """Collect everything the page says.

    Parameters
    ----------
    result : BalanceAnalysis or its JSON form
    """
    data = result if isinstance(result, Mapping) else result.to_dict()
    settings = {**part(data, "settings"), "command": part(data, "settings").get("command") or data.get("command")}
    groups = listed(data, "groups")
    most = svg_states.MAX_POINTS if len(groups) <= MANY else FEW_POINTS
    return BalancePage(
        title=title_of(data),
        size=size_of(data),
        by=clean_sentence(", ".join(map(str, listed(settings, "by")))) or "group",
        groups=[_group(group, data, k, most) for k, group in enumerate(groups)],
        common=common_words(data),
        scale=SCALE if any(lowest(group) for group in groups) else "",
        notes=[clean_sentence(str(n)) for n in listed(data, "notes")],
        digest=clean_sentence(str(part(data, "source").get("digest") or "not known")),
        version=clean(str(data.get("version") or "")),
        settings={k: clean_sentence(_setting(v)) for k, v in settings.items() if v not in (None, {}, [], "")},
    )


def _setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


# -------------------------------------------------------------------------- one group


def _group(group: Json, data: Json, k: int, most: int) -> GroupPage:
    label = clean_sentence(str(group.get("label") or "all"))
    action = part(group, "verdict").get("action")
    sheets = group_sheets(group, data, f"groups.{k}")
    plans = layout(group), layout(group, width=NARROW, most=MAX_NODES_NARROW)
    return GroupPage(
        anchor=f"g{k}",
        label="all transitions" if label == "all" else label,
        short=clean_sentence(", ".join(map(str, part(group, "by").values()))) or label,
        size=size_of(group),
        action=action if action in ACTIONS else "cannot_tell",
        verdict=_answer(verdict_of(group)),
        failed=doubts(group),
        facts=_facts(group),
        graph=svg_states.graph(group, plans[0]),
        graph_narrow=svg_states.graph(group, plans[1]),
        caption=_caption(group, plans[0]),
        caption_narrow=_caption(group, plans[1]),
        ratios=svg_states.ratios(group, most=most),
        ratios_caption=_ratios_caption(group),
        pictures=_pictures(group),
        sheets=[s for s in sheets if len(s.rows) <= LONG],
        folded=[s for s in sheets if len(s.rows) > LONG],
        checks=[_check(c) for c in _checks_of(group) if isinstance(c, Mapping)],
        reasons={key: clean_sentence(str(why)) for key, why in part(group, "reasons").items()},
    )


def _checks_of(group: Json) -> list[Any]:
    return [*listed(group, "checks"), *listed(part(group, "parametric"), "checks")]


def _answer(sentence: str) -> tuple[str, str]:
    """Return the verdict as what is said first and why."""
    for mark in (": ", " ("):
        head, found, why = sentence.partition(mark)
        if found:
            return head, f"{mark}{why}"
    return sentence, ""


def _facts(group: Json) -> list[tuple[str, str]]:
    """Return what the terminal says of a group, rows of one key on lines of their own under it."""
    found: list[tuple[str, str]] = []
    for key, words in rows_of(group):
        line = words.replace("   ", " · ").replace("\xa0", " ")
        if key or not found:
            found.append((key, line))
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line}")
    return found


def _check(check: Json) -> dict[str, Any]:
    value = check.get("value")
    return {
        "name": clean(str(check.get("name"))),
        "passed": check.get("passed") is not False,
        "value": number(value, 3) if isinstance(value, int | float) else "–",
        "message": clean_sentence(str(check.get("message") or "")),
    }


def _caption(group: Json, plan: Layout) -> str:
    """Say what the state graph shows and what it leaves out."""
    total, shown = len(listed(group, "states")), len(plan.nodes)
    words = f"{shown} of {total:,} states, those with most visits" if shown < total else "States"
    words += ": height is potential, low where the loop goes, with its interval" if lowest(group) else ""
    words += "; area is the share of time." if shown else "."
    kinds = {"both": False, "one": False}
    for pair in listed(group, "pairs"):
        kinds["both" if pair.get("forward") and pair.get("backward") else "one"] = True
    if kinds["both"]:
        words += " Thin grey: seen both ways."
    if kinds["one"]:
        words += " Dashed grey: seen one way only."
    if svg_states.sure_currents(group):
        words += " Orange: net currents, wider where larger."
    if len(svg_states.sure_currents(group)) < len(svg_states.currents_of(group)):
        words += " Dotted: currents that may be none."
    if len(several_classes(group)) > 1:
        words += " Marks tell sets of states that do not lead to each other; each has a zero of its own."
    hidden = shown - plan.named
    return words + (f" {counted(hidden, 'name')} found no room: point at a mark, or see the table." if hidden else "")


def _ratios_caption(group: Json) -> str:
    pairs = listed(group, "pairs")
    one_way = sum(not (p.get("forward") and p.get("backward")) for p in pairs)
    points = svg_states.ratio_points(group)
    if not points:
        return "No pair of states with known potentials was seen both ways: there is nothing to compare."
    words = "On the dashed line where detailed balance holds."
    if any(svg_states.off_line(p) for p in points):
        words += " Diamonds: interval off the line."
    if part(group, "test").get("n_cycles") == 0:
        words += " Without a cycle every pair lies on it."
    return words + (f" {one_way} pairs seen one way only have no point." if one_way else "")


def _pictures(group: Json) -> list[tuple[str, str]]:
    """Return (caption, svg) pairs."""
    n = len(lowest(group))
    found = [
        (f"Potentials of {n:,} states" if n > 1 else "Potential", svg_states.potentials(group)),
        ("How many steps each mode takes to be forgotten", svg_states.relaxation(group)),
    ]
    return [(caption, picture) for caption, picture in found if picture]
