"""The page of the moves lens: self-contained, harmless, the JSON's figures; and its pictures for papers."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import pytest

matplotlib.use("agg")

from matplotlib.figure import Figure
from test_cli import CONTROL, HOSTILE
from test_page import expected, read_page

from conftest import Open
from loopstat import plots
from loopstat.errors import SettingsError
from loopstat.faces import html
from loopstat.moves.view import document
from moves_samples import ALL, KINDS, bought, run, sample

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`


def page(name: str) -> str:
    """Return the page of a sample."""
    return html.page(document(sample(name)))


def alike(data: dict[str, Any], figure: list[str], shown: str) -> bool:
    """Return whether a figure is that of the JSON, where an end that is infinite is null as one unknown."""
    found = expected(data, *figure)
    return shown == found or (figure[1] == "whole" and shown.endswith(",\xa0∞]") and shown.startswith(f"{found}\xa0["))


# -------------------------------------------------------------------------------- the whole page


@pytest.mark.parametrize("name", ALL)
def test_every_figure_is_that_of_the_json(name: str) -> None:
    data, text = sample(name).to_dict(), page(name)
    reader = read_page(text)
    assert not CONTROL.search(text)
    assert not set(re.findall(r"[\w.]+", "".join(reader.text))) & {"None", "nan", "inf", "null"}
    said = [(figure, shown.replace(" ", "\xa0")) for _, *figure, shown in reader.figures]
    assert [row for row in said if not alike(data, *row)] == []
    assert len(said) > 40
    assert len(text.encode()) < 450_000


def test_figures_stand_under_their_headings() -> None:
    found = run("trust region").run
    [table] = read_page(page("trust region")).table("half of the runs")
    for row, key in zip(table[1:], ("moves_to_target", "cost_to_target", "moves_to_good", "cost_to_good"), strict=True):
        value = float(getattr(found, key).median.value)
        assert row[1] == "–" or float(row[1].split()[0].replace(",", "")) == pytest.approx(value, rel=0.01)
    [table] = read_page(page("trust region")).table("best in its range")
    for row, lever in zip(table[1:], found.levers, strict=False):
        assert [row[1], *row[3:]] == [f"{lever.value:g}", f"{lever.best.value:g}", *(
            f"{p:.2f}" for p in (lever.best.p_pass, lever.best.p_good)
        )]  # fmt: skip


def test_verdicts_checks_and_provenance_are_those_of_the_json() -> None:
    data = run("trust region").to_dict()
    shown = "".join(read_page(page("trust region")).text)
    for words in (data["command"], data["version"], *data["notes"], *(c["message"] for c in data["checks"])):
        assert words in shown
    assert bought("budget").command in "".join(read_page(page("budget")).text)


@pytest.mark.parametrize("name", ["trust region", "budget"])
def test_the_page_is_self_contained(name: str) -> None:
    text = page(name)
    reader = read_page(text)
    assert not re.search(r"https?:|@import|url\(", text, re.I)
    for _, attributes in reader.tags:
        assert not any(n.startswith("on") or n in ("src", "srcset", "action", "data") for n in attributes)
    levels = [int(t[1]) for t, _ in reader.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), "no heading level is left out"


def test_hostile_words_are_text() -> None:
    made = replace(run("trust region"), notes=tuple(HOSTILE.values()), command=HOSTILE["html"])
    text = html.page(document(made))
    assert not CONTROL.search(text)
    assert len(read_page(text).scripts) == len(read_page(page("trust region")).scripts)
    assert "{{ 7*7 }}" in "".join(read_page(text).text)


def test_pictures_for_papers() -> None:
    for kind in KINDS:
        ax = Figure().add_subplot()
        found = run(kind).run
        assert plots.convergence(found, ax=ax) is ax
        plots.arrivals(found, ax=Figure().add_subplot())
        for figure in ("mu", "delta", "acceptance", "p_false"):
            plots.over_moves(found, figure, ax=Figure().add_subplot())
    found = run("trust region").run
    ax = plots.over_moves(found, "p_good", ax=Figure().add_subplot())
    assert found.path.figures["p_good"].value[-1] in [line.get_ydata()[-1] for line in ax.lines]
    teams = bought("budget").frontier
    assert teams is not None
    ax = plots.frontier(teams, ax=Figure().add_subplot())
    assert "teams that no other beats" in ax.get_title(loc="left")
    with pytest.raises(SettingsError, match="`figure` must be one of mu"):
        plots.over_moves(found, "mass")


# --------------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module", params=["steps", "out of reach"])
def report_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("moves") / "moves.html"
    path.write_text(page(request.param), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (400, "dark")])
def test_nothing_serious_is_found_by_axe(opened: Open, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(opened((width, 900), color_scheme=scheme)).response["violations"]
    assert {v["id"]: [n["html"][:160] for n in v["nodes"]] for v in found} == {}


@pytest.mark.parametrize("width", [320, 400, 1280])
def test_the_page_does_not_scroll_sideways(opened: Open, width: int) -> None:
    tab = opened((width, 900))
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    wide = tab.evaluate(
        """[...document.querySelectorAll("main *")].filter((e) => !e.closest(".scroll, svg")
          && e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 100))"""
    )
    assert wide == [], "nothing is cut off either"
