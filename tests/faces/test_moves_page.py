"""The page of the moves lens: self-contained, harmless, the JSON's figures, and pictures that say what they show."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest

matplotlib.use("agg")

from loopstat.faces.moves_page import page_data
from loopstat.faces.moves_text import moves_words, setting, share_words
from loopstat.faces.sheets import lookup
from matplotlib.figure import Figure
from test_browser import CHROMIUM, FLAGS, _missing
from test_cli import CONTROL, HOSTILE
from test_page import read_page

from loopstat import plots
from loopstat.errors import SettingsError
from loopstat.faces import svg_moves, svg_plans
from loopstat.faces.html import page
from loopstat.inference.estimate import number, show
from loopstat.results.words import probability
from moves_samples import KINDS, PLANS, bought, run

PAGES = (*KINDS, *PLANS, "steps")
SHARES = {"never", "false_pass", "reached", "sure_cost"}
COUNTED = {"median", "q05", "q95", "mean", "cost", "moves", "moves_to_target"}
BARE = {"p_pass", "p_good"}


def data_of(name: str) -> dict[str, Any]:
    """Return the JSON form that a page is made of."""
    if name in PLANS:
        return bought(**PLANS[name])
    return run("trust region", steps=True) if name == "steps" else run(name)


def wanted(data: dict[str, Any], path: str) -> str:
    """Return the text of the figure at `path` of the JSON."""
    holder, _, key = path.rpartition(".")
    found = lookup(data, holder) if holder else data
    value = found[key]
    assert value is not None, f"{path} is null and cannot be shown"
    low, high = found.get(f"{key}_low"), found.get(f"{key}_high")
    if path.startswith("sensitivity") and key in ("never", "good", "log_moves", "log_cost"):
        return show(value, low, high) if low is not None and high is not None else number(value, 3)
    if key in SHARES:
        return share_words(value, low, high)
    if key in COUNTED and f"{key}_low" in found:
        return moves_words(found, key)
    if key in BARE:
        return probability(value)
    return setting(value) if low is None or high is None else show(value, low, high)


# -------------------------------------------------------------------------------- the whole page


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_is_that_of_the_json(name: str) -> None:
    data = data_of(name)
    text = page(data)
    reader = read_page(text)
    assert not CONTROL.search(text)
    assert not set(re.findall(r"[\w.]+", "".join(reader.text))) & {"None", "nan", "inf", "null"}
    wrong = [(path, shown, wanted(data, path)) for _, path, shown in reader.figures]
    assert [w for w in wrong if w[1] != w[2]] == []
    assert len(wrong) > 40
    assert len(text.encode()) < 300_000


def test_figures_stand_under_their_headings() -> None:
    data = run("trust region")
    [table] = read_page(page(data)).table("half of the runs")
    for row, key in zip(table[1:], ("moves_to_target", "cost_to_target", "moves_to_good", "cost_to_good"), strict=True):
        assert row[1] == moves_words(data[key])
        assert row[5] == share_words(*(data[key][f"never{end}"] for end in ("", "_low", "_high")))
    [table] = read_page(page(data)).table("best in its range")
    for row, lever in zip(table[1:], data["levers"], strict=False):
        assert row[1:2] + row[3:] == [
            *(setting(v) for v in (lever["value"], lever["best"]["value"])),
            *(probability(lever["best"][k]) for k in ("p_pass", "p_good")),
        ]


def test_verdicts_checks_and_provenance_are_those_of_the_json() -> None:
    for data in (run("trust region"), bought(budget=300.0)):
        shown = "".join(read_page(page(data)).text)
        verdict = data["verdict"] if isinstance(data["verdict"], str) else data["verdict"]["sentence"]
        assert verdict in shown
        for words in (
            data["command"],
            data["version"],
            *data["notes"],
            *(c["message"] for c in data.get("checks", ())),
        ):
            assert words in shown


def test_the_page_is_self_contained() -> None:
    for data in (run("trust region"), bought(budget=300.0)):
        text = page(data)
        reader = read_page(text)
        assert not re.search(r"https?:|[\"'(=\s]//[a-z0-9]|@import|url\(", text, re.I)
        assert reader.scripts == reader.blocks == []
        policy = next(a["content"] for _, a in reader.tags if a.get("http-equiv"))
        assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        for _, attributes in reader.tags:
            assert not any(n.startswith("on") or n in ("src", "srcset", "action", "data") for n in attributes)
        levels = [int(t[1]) for t, _ in reader.tags if re.fullmatch(r"h[1-6]", t)]
        assert levels[0] == 1
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), "no heading level is left out"


def test_hostile_words_are_text() -> None:
    data = run("trust region") | {"notes": list(HOSTILE.values()), "command": HOSTILE["html"]}
    text = page(data)
    assert not CONTROL.search(text)
    assert read_page(text).scripts == []
    assert "{{ 7*7 }}" in "".join(read_page(text).text)


@pytest.mark.parametrize("name", ["trust region", "vibe", "budget", "out of reach"])
def test_any_part_may_be_null(name: str) -> None:
    data = data_of(name)
    for key, value in data.items():
        changes: list[Any] = [None]
        if isinstance(value, dict):
            changes += [{**value, inner: None} for inner in value]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            changes += [[{**item, inner: None} for item in value] for inner in value[0]]
        for change in changes if key != "schema" else []:
            assert page_data({**data, key: change}).title


# --------------------------------------------------------------------------------- pictures

OF_RUNS: dict[str, Callable[[Any], str]] = {
    "convergence": svg_moves.convergence,
    "narrow": lambda data: svg_moves.convergence(data, width=340),
    "mass": svg_moves.mass,
    "radius": svg_moves.radius,
    "acceptance": svg_moves.acceptance,
    "efficiency": svg_moves.efficiency,
    "arrivals": svg_moves.arrivals,
    "levers": svg_moves.levers,
}


def tree(picture: str) -> ElementTree.Element:
    """Read a picture."""
    return ElementTree.fromstring(picture)  # noqa: S314 - our own


def looks(picture: str, look: str) -> list[ElementTree.Element]:
    """Return the elements that have a class."""
    return [e for e in tree(picture).iter() if look in (e.get("class") or "").split()]


@pytest.mark.parametrize("kind", list(KINDS))
def test_pictures_are_well_formed_and_keep_inside(kind: str) -> None:
    for name, draw in OF_RUNS.items():
        picture = draw(run(kind))
        if not picture:
            assert name == "efficiency", "all else is always there"
            continue
        root = tree(picture)
        wide, high = (float(root.get(side) or 0) for side in ("width", "height"))
        assert wide == (700 if name == "convergence" else 340)
        assert len(root.get("aria-label") or "") > 15
        values = [v for e in root.iter() for v in e.attrib.values()]
        assert not any({"nan", "inf", "-0"} & set(re.split(r"[\s,LMZ]", v)) for v in values)
        for e in root.iter("text"):
            x, y, long = float(e.get("x") or 0), float(e.get("y") or 0), 6.0 * len(e.text or "")
            left = {"start": x, "middle": x - long / 2, "end": x - long}[e.get("text-anchor") or "start"]
            assert left > -4, (name, e.text)
            assert left + long < wide + 6, (name, e.text)
            assert 0 < y <= high


def test_curves_end_where_the_runs_end() -> None:
    data = run("trust region")
    picture = svg_moves.convergence(data)
    solid = [e for e in looks(picture, "curve") if "dash1" not in (e.get("class") or "")]
    ends = [float((e.get("d") or "").rpartition(",")[2]) for e in solid]
    top, bottom = 18.0, 330.0 - svg_moves.ROOM_BELOW
    for y, key in zip(ends, ("p_pass", "p_good", "p_false"), strict=True):
        assert y == pytest.approx(bottom - data["path"][key][-1] * (bottom - top), abs=0.1)
    assert [e.text for e in looks(picture, "word")] == ["P_pass", "P_good", "false pass"]


def test_names_at_the_ends_do_not_collide() -> None:
    for kind in KINDS:
        for draw in OF_RUNS.values():
            picture = draw(run(kind))
            heights = sorted(float(e.get("y") or 0) for e in looks(picture, "word")) if picture else []
            assert all(b - a >= 12.9 for a, b in itertools.pairwise(heights))


def test_the_pointer_is_answered_with_figures() -> None:
    data = run("trust region")
    strips = looks(svg_moves.convergence(data), "strip")
    assert len(strips) == svg_moves.STRIPS
    assert f"P_pass {number(data['path']['p_pass'][-1], 3)}" in (strips[-1][0].text or "")
    assert (strips[0][0].text or "").startswith("move 0, cost 0: P_pass")


def test_the_frontier_shows_who_is_unbeaten() -> None:
    found = bought(budget=300.0)
    front = [p for p in found["frontier"]["points"] if p["front_cost"]]
    for width in (700.0, 340.0):
        picture = svg_plans.frontier(found["frontier"], best=found["best"], width=width)
        marks = looks(picture, "mark")
        strong = [m for m in marks if not {"faint", "ink"} & set((m.get("class") or "").split())]
        assert len(strong) == len(front)
        assert len(looks(picture, "ink")) >= 1
        assert f"{len(front)} of which no other beats" in (tree(picture).get("aria-label") or "")
    assert svg_plans.frontier({"points": []}) == ""
    assert svg_plans.reviewer({}) == ""
    rows = found["reviewer_value"]["rows"]
    assert len(looks(svg_plans.reviewer(found["reviewer_value"]), "mark")) == len(rows)


def test_pictures_for_papers() -> None:
    data, found = run("trust region"), bought(budget=300.0)
    for kind in KINDS:
        ax = Figure().add_subplot()
        assert plots.convergence(run(kind), ax=ax) is ax
        plots.arrivals(run(kind), ax=Figure().add_subplot())
        for figure in ("mu", "delta", "acceptance", "p_false"):
            plots.over_moves(run(kind), figure, ax=Figure().add_subplot())
    ax = plots.over_moves(data, "p_good", ax=Figure().add_subplot())
    [line] = [item for item in ax.lines if item.get_label() == "P_good"]
    assert line.get_ydata()[-1] == data["path"]["p_good"][-1]
    ax = plots.frontier(found["frontier"], ax=Figure().add_subplot())
    assert "teams that no other beats" in ax.get_title(loc="left")
    for empty in (plots.convergence({}, ax=ax), plots.arrivals({}, ax=ax), plots.frontier({}, ax=ax)):
        assert empty is ax
    with pytest.raises(SettingsError, match="`figure` must be one of mu"):
        plots.over_moves(data, "mass")


# --------------------------------------------------------------------------------- in a browser

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright")
    if not CHROMIUM.exists():
        _missing(str(CHROMIUM))
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module", params=["steps", "out of reach"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("moves") / "moves.html"
    path.write_text(page(data_of(request.param)), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Any, report: Path) -> Iterator[Open]:
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_(width: int, **settings: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(report.as_uri())
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert said == [], "the console is silent"
    assert {u.split("#")[0] for u in asked if not u.startswith("data:")} == {report.as_uri()}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_nothing_serious_is_found_by_axe(opened: Open, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(opened(width, color_scheme=scheme)).response["violations"]
    assert {v["id"]: [n["html"][:160] for n in v["nodes"]] for v in found} == {}


@pytest.mark.parametrize("width", [320, 400, 1280])
def test_the_page_does_not_scroll_sideways(opened: Open, width: int) -> None:
    tab = opened(width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    wide = tab.evaluate(
        """[...document.querySelectorAll("main *")].filter((e) => !e.closest(".scroll, svg")
          && e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 100))"""
    )
    assert wide == [], "nothing is cut off either"
