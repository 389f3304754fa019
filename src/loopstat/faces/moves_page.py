"""The page of the moves lens: one self-contained file, every figure looked up in the JSON form of the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..results.result import number, show
from . import moves_text, plan_text, svg_moves, svg_plans
from . import svg_pieces as svg
from .moves_text import LEVER_WORDS, probability, setting, share_words
from .sheets import Cell, Json, Sheet, listed, lookup, part, triple
from .text import clean, clean_sentence

ACTIONS = {"good": "go_on", "passes_only": "cannot_tell", "stalls": "stop"}
SHARES = ("never", "false_pass", "reached", "false_pass_at_stop", "good_at_stop", "sure_cost")
LONG = 16  # rows from which a table is folded


@dataclass(frozen=True)
class Part:
    """A section of the page: pictures are finished SVG, all else is text.

    Attributes
    ----------
    wide, narrow : str
        The same picture for a screen and for a telephone.
    """

    title: str
    note: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    wide: str = ""
    narrow: str = ""
    caption: str = ""
    pictures: list[tuple[str, str]] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    folded: list[Sheet] = field(default_factory=list)


@dataclass(frozen=True)
class MovesPage:
    """Everything the page says, as plain data."""

    title: str
    size: str
    action: str
    verdict: tuple[str, str]
    failed: list[str]
    facts: list[tuple[str, str]]
    parts: list[Part]
    checks: list[dict[str, Any]]
    notes: list[str]
    command: str
    version: str


def page(data: Json) -> str:
    """Return the HTML of a simulated loop or of a plan: one file, no address outside it, every text escaped.

    Parameters
    ----------
    data : mapping
        The JSON form.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("loopstat.faces"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("moves.html").render(r=page_data(data))


def page_data(data: Json) -> MovesPage:
    """Collect everything the page says."""
    return _plan(data) if str(data.get("schema")).startswith("loopstat.moves-plan") else _run(data)


def _common(data: Json) -> dict[str, Any]:
    return {
        "notes": [clean_sentence(str(n)) for n in listed(data, "notes")],
        "command": clean_sentence(str(data.get("command") or "")),
        "version": clean(str(data.get("version") or "")),
    }


def _split(sentence: str) -> tuple[str, str]:
    """Return the verdict as what is said first, and the rest."""
    head, dot, rest = sentence.partition(". ")
    return (f"{head}.", f" {rest}") if dot else (sentence, "")


# ------------------------------------------------------------------------- a simulated loop


def _run(data: Json) -> MovesPage:
    parts = [_course(data), _ceilings(data), _sensitivity(data), _settings(data)]
    return MovesPage(
        title=moves_text.loop_words(part(data, "settings")),
        size=moves_text.run_words(data),
        action=ACTIONS.get(str(part(data, "verdict").get("action")), "cannot_tell"),
        verdict=_split(moves_text.verdict_of(data)),
        failed=moves_text.doubts(data),
        facts=moves_text.rows_of(data),
        parts=[p for p in parts if p is not None],
        checks=[_check(c) for c in listed(data, "checks")],
        **_common(data),
    )


def _course(data: Json) -> Part:
    """What happens move by move."""
    s = part(data, "settings")
    words = "Line: mean of the runs; band: nine runs in ten; dashed: the mean path. Runs are drawn as if they never "
    words += "stopped. False pass: a hidden defect is left, given that the tests pass."
    if listed(part(data, "moves_to_target"), "median") or part(data, "moves_to_target").get("median") is not None:
        words += " Shaded: where nine in ten stop at the target."
    pictures = [
        ("Defects left", svg_moves.mass(data)),
        ("When runs arrive: tests pass, nothing wrong", svg_moves.arrivals(data)),
        ("Edit radius", svg_moves.radius(data)),
        (f"Moves accepted; band over a run's last {setting(s.get('tr_window'))}", svg_moves.acceptance(data)),
        ("Defects a move removes, and a unit of cost", svg_moves.efficiency(data)),
    ]
    return Part(
        "What happens",
        wide=svg_moves.convergence(data),
        narrow=svg_moves.convergence(data, width=svg.WIDTH),
        caption=words,
        pictures=[(caption, pic) for caption, pic in pictures if pic],
        sheets=[_arrivals(data)],
    )


def _arrivals(data: Json) -> Sheet:
    """When runs arrive, in moves and cost."""
    rows = [
        (
            Cell(words),
            *(_figure(data, f"{goal}.{key}") for key in ("median", "q05", "q95", "mean")),
            _figure(data, f"{goal}.never"),
        )
        for goal, words in (
            ("moves_to_target", "moves until tests would pass"),
            ("cost_to_target", "cost until then"),
            ("moves_to_good", "moves until nothing is wrong"),
            ("cost_to_good", "cost until then"),
        )
    ]
    head = ("", "half of the runs", "1 in 20", "19 in 20", "mean", "never")
    note = "A dash: so many never arrive. Intervals are of the simulation: what other random numbers would give."
    return Sheet("When runs arrive", head, tuple(rows), note)


def _ceilings(data: Json) -> Part:
    both = ("levers_together", "levers_together.best")
    rows = [
        (
            Cell(LEVER_WORDS.get(str(lever.get("name")), str(lever.get("name")))),
            _plain(data, f"levers.{k}.value"),
            _needed(data, k),
            *(_plain(data, f"levers.{k}.best.{key}") for key in ("value", "p_pass", "p_good")),
        )
        for k, lever in enumerate(listed(data, "levers"))
    ]
    for at, words in zip(both, ("all at their ends", "all, where they give most"), strict=True):
        if lookup(data, f"{at}.p_pass") is not None:
            rows.append((Cell(words), Cell(""), Cell(""), Cell(""), *(_plain(data, f"{at}.{k}") for k in _P)))
    together = moves_text.together_words(data)
    note = "The smallest change that lifts the mean path to the target, and the most each lever gives in its range. "
    sheet = Sheet(moves_text.lever_title(data), moves_text.LEVER_HEAD, tuple(rows), note + together)
    pic = svg_moves.levers(data)
    captions = "P_pass (circles) and P_good (squares) of the mean path at each lever's best; bars start at P_pass now"
    return Part(
        "How far it gets",
        note="The mean path is what a loop does that always makes the mean step. Single runs are not bound by it.",
        facts=moves_text.ceiling_rows(data),
        pictures=[(captions, pic)] if pic else [],
        sheets=[sheet] if rows else [],
    )


_P = ("p_pass", "p_good")


def _needed(data: Json, k: int) -> Cell:
    lever = listed(data, "levers")[k]
    if lever.get("needed") is None:
        return Cell("none does")
    same = lever["needed"] == lever.get("value")
    return Cell("as it is") if same else _plain(data, f"levers.{k}.needed")


def _sensitivity(data: Json) -> Part | None:
    found = listed(data, "sensitivity")
    if not found:
        return None
    rows = tuple(
        (
            Cell(clean(str(e.get("name")))),
            *(_plain(data, f"sensitivity.{k}.{key}") for key in ("lower", "upper")),
            *(_figure(data, f"sensitivity.{k}.{key}") for key in ("log_moves", "log_cost", "never", "good")),
        )
        for k, e in enumerate(found)
    )
    head = ("setting", "from", "to", "ln of moves", "ln of cost", "never", "P_good at the end")
    note = "What changes when one setting goes from its lower to its upper value, on the same random numbers: the "
    note += "logarithm of the ratio of moves, and of cost; differences of the others."
    top = Sheet("What it hangs on", head, rows[: moves_text.MAX_EFFECTS], note)
    return Part("What it hangs on", sheets=[top], folded=[Sheet("All settings stepped", head, rows)])


def _settings(data: Json) -> Part:
    from ..moves.settings import PARAMETERS

    at = "best_settings" if part(data, "best_settings") else "settings"
    rows = []
    for name, value in part(data, at).items():
        p = PARAMETERS.get(name)
        meaning = "" if p is None else p.help + (f", in {p.unit}" if p.unit and not p.unit.startswith("a ") else "")
        symbol = p.symbol if p else ""
        rows.append((Cell(name), Cell(symbol), Cell(setting(value), f"{at}.{name}"), Cell(meaning)))
    title = "All settings" if at == "settings" else "All settings of the plan"
    return Part("", folded=[Sheet(title, ("name", "symbol", "value", "meaning"), tuple(rows))])


def _check(check: Json) -> dict[str, Any]:
    value = check.get("value")
    return {
        "name": clean(str(check.get("name"))),
        "passed": check.get("passed") is not False,
        "value": number(value, 3) if isinstance(value, int | float) else "–",
        "message": clean_sentence(str(check.get("message") or "")),
    }


# --------------------------------------------------------------------------------- figures


def _figure(data: Json, path: str) -> Cell:
    """Look up a figure with its interval: a share, a number of moves, or any other."""
    holder, _, key = path.rpartition(".")
    found = lookup(data, holder) if holder else data
    value, low, high = triple(found or {}, key)
    if value is None:
        return Cell("–")
    if key in SHARES and "sensitivity" not in path:
        return Cell(share_words(value, low, high), path)
    if key in ("median", "q05", "q95", "mean", "cost", "moves", "moves_to_target"):
        return Cell(moves_text.moves_words(found, key), path)
    return Cell(number(value, 3) if low is None or high is None else show(value, low, high), path)


def _plain(data: Json, path: str) -> Cell:
    """Look up a figure that has no interval."""
    value = lookup(data, path)
    if value is None:
        return Cell("–")
    return Cell(probability(value) if path.endswith(_P) else setting(value), path)


# ----------------------------------------------------------------------------------- a plan


def _plan(data: Json) -> MovesPage:
    parts = [_plans(data), _levers_of_plan(data), _frontier(data), _reviewer(data), _settings(data)]
    return MovesPage(
        title=plan_text.title_of(data),
        size=plan_text.size_of(data),
        action="go_on" if data.get("works") else "stop",
        verdict=_split(plan_text.verdict_of(data)),
        failed=[],
        facts=[],
        parts=[p for p in parts if p is not None],
        checks=[],
        **_common(data),
    )


def _plans(data: Json) -> Part:
    places = [
        *(["best"] if part(data, "best") else []),
        *(f"runners_up.{k}" for k in range(len(listed(data, "runners_up")))),
    ]
    rows = [
        (
            Cell(str(lookup(data, f"{at}.policy"))),
            *(_plain(data, f"{at}.{key}") for key in _PLAN_PLAIN),
            *(_figure(data, f"{at}.{key}") for key in ("cost", "moves", "good", "reached")),
            Cell(plan_text.difference_words(data, lookup(data, at))),
        )
        for at in places
    ]
    head = (*plan_text.PLAN_HEAD[:5], "cost of a move", *plan_text.PLAN_HEAD[5:], "against the best")
    return Part(
        "The plan and the next ones", sheets=[Sheet("The plan and the next ones", head, tuple(rows), plan_text.KEYS)]
    )


_PLAN_PLAIN = ("edit_radius", "candidates", "reviewers", "reviewer_proposals", "move_cost")


def _levers_of_plan(data: Json) -> Part | None:
    """What could be turned, where no plan works."""
    if not listed(data, "levers"):
        return None
    rows = [
        (
            Cell(LEVER_WORDS.get(str(lever.get("name")), str(lever.get("name")))),
            _plain(data, f"best_settings.{lever.get('name')}"),
            _plain(data, f"levers.{k}.value"),
            *(_figure(data, f"levers.{k}.{key}") for key in ("good", "reached")),
        )
        for k, lever in enumerate(listed(data, "levers"))
    ]
    note = (
        "No plan searched does what was asked. What the plan would give with one setting turned all the way, all else "
    )
    note += "as it is."
    sheet = Sheet(plan_text.LEVERS_TITLE, plan_text.LEVER_HEAD, tuple(rows), note)
    return Part(plan_text.LEVERS_TITLE, sheets=[sheet])


def _frontier(data: Json) -> Part | None:
    """Speed against quality over teams."""
    found = part(data, "frontier")
    front = plan_text.front_of(found)
    if not front:
        return None
    best = part(data, "best")
    points = listed(found, "points")
    places = sorted((k for k, p in enumerate(points) if p.get("front_cost")), key=lambda k: points[k]["cost"])
    rows = tuple(
        (
            Cell(str(points[k].get("policy"))),
            *(_plain(data, f"frontier.points.{k}.{key}") for key in ("candidates", "reviewers")),
            *(_figure(data, f"frontier.points.{k}.{key}") for key in ("cost", "moves_to_target", "good")),
            *(_figure(data, f"frontier.points.{k}.{key}") for key in ("false_pass", "never", "sure_cost")),
        )
        for k in places
    )
    floor, _ = svg_plans.quality_range([*points, *([best] if best.get("good") is not None else [])])
    below = sum((p.get("good") or 0.0) < floor for p in points)
    words = "Every mark is a policy (square vibe, triangle planner, circle trust region) with K candidates and N "
    words += (
        f"reviewers; the line joins the {len(front)} of {len(points):,} that no other beats. Cross: the plan, which "
    )
    words += "may have another edit radius and other rules of stopping."
    words += f" {below:,} teams lie below the picture." if below else ""
    sheet = Sheet("Teams that no other beats", plan_text.FRONT_HEAD, rows, plan_text.FRONT_KEYS)
    long = len(rows) > LONG
    return Part(
        "Speed against quality",
        note=clean_sentence(str(found.get("verdict") or "")),
        wide=svg_plans.frontier(found, best=best),
        narrow=svg_plans.frontier(found, best=best, width=svg.WIDTH),
        caption=words,
        sheets=[] if long else [sheet],
        folded=[sheet] if long else [],
    )


def _reviewer(data: Json) -> Part | None:
    found = part(data, "reviewer_value")
    pic = svg_plans.reviewer(found)
    if not pic:
        return None
    caption = (
        "Below 1 the reviewer pays: a good result costs less than without. Cost of a good result: what is paid on "
    )
    caption += "average until one comes out with nothing wrong."
    rows = tuple(
        (
            *(_plain(data, f"reviewer_value.rows.{k}.{key}") for key in ("reviewers", "correlation")),
            *(_figure(data, f"reviewer_value.rows.{k}.{key}") for key in ("cost_ratio", "good")),
        )
        for k in range(len(listed(found, "rows")))
    )
    head = ("reviewers", "correlation", "cost of a good result, times", "P_good, change")
    return Part(
        "One more reviewer",
        note=clean_sentence(str(found.get("verdict") or "")),
        pictures=[(caption, pic)],
        sheets=[Sheet("One more reviewer", head, rows)],
    )
