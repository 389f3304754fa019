"""The page in a real browser: headless Chromium through Playwright.

Where Chromium or Playwright is missing these tests are skipped, but with CI=true they fail: there they must run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_page import expected

import loopstat
from conftest import WIDE, Open, lineage_table, loop_rows, plain_table, write_table
from loopstat.analysis.analyze import analyze
from loopstat.analysis.view import document
from loopstat.faces.html import page as page_of
from loopstat.io import read

pytestmark = pytest.mark.slow

NARROW = (400, 800)
BLUE = "[0, 114, 178]"  # the accent, light: the colour of the mean

FAN = ".chart:has(> script)"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """Three analyses on one page: groups, a lineage, and sessions of whole-number scores that end early."""
    folder = tmp_path_factory.mktemp("browser")
    rows = [(s, t, round(2 * q), round(v)) for s, t, q, v in loop_rows(25, 6, seed=3) if t < 3 + len(s)]
    tables = [
        (plain_table(folder / "plain.csv"), ["strategy"]),
        (lineage_table(folder / "lineage.csv"), []),
        (write_table(folder / "a_file_with_quite_a_long_name_that_has_nowhere_to_break.csv", rows), []),
    ]
    estimator = loopstat.LinearDrift("pooled", n_boot=50)
    results = [analyze(read([str(path)]), by=by, estimator=estimator) for path, by in tables]
    path = folder / "report.html"
    path.write_text(page_of([document(r) for r in results]), encoding="utf-8")
    return path, [r.to_dict() for r in results]


@pytest.fixture(scope="module")
def report_path(report: tuple[Path, list[dict[str, Any]]]) -> Path:
    return report[0]


def fan(tab: Any, k: int = 0) -> Any:
    """Scroll to a fan chart, wait until it is drawn, and return it."""
    found = tab.locator(FAN).nth(k)
    found.scroll_into_view_if_needed()
    found.locator("canvas").wait_for()
    tab.wait_for_timeout(50)
    return found


def colours(chart: Any) -> dict[str, int]:
    """Count the colours of a chart's pixels that are not see-through, as `[r, g, b]`."""
    counted: dict[str, int] = chart.locator("canvas").evaluate(
        """(canvas) => {
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), found = {};
          for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3] < 250) continue;
            const key = `[${data[i]}, ${data[i + 1]}, ${data[i + 2]}]`;
            found[key] = (found[key] || 0) + 1;
          }
          return found;
        }"""
    )
    return counted


def point_of(tab: Any, chart: Any, share: float, height: float = 0.5) -> tuple[float, float]:
    """Return a point of the window over a chart, by its shares of the plotted width and height."""
    box = chart.locator(".u-over").bounding_box()
    return box["x"] + share * box["width"], box["y"] + height * box["height"]


# ------------------------------------------------------------------------------- figures


def test_figures_read_back_from_the_page_are_those_of_the_json(
    opened: Open, report: tuple[Path, list[dict[str, Any]]]
) -> None:
    tab = opened()
    cells = tab.eval_on_selector_all(
        "[data-json]",
        """(all) => all.map((c) => [+c.closest('[data-report]').dataset.report, c.dataset.json,
          c.dataset.form ?? "figure", c.dataset.unit ?? "", c.textContent])""",
    )
    assert len(cells) > 200
    said = [(figure, text.replace(" ", "\xa0"), expected(report[1][k], *figure)) for k, *figure, text in cells]
    assert [row for row in said if row[1] != row[2]] == []


def test_charts_hold_the_figures_of_the_json(opened: Open, report: tuple[Path, list[dict[str, Any]]]) -> None:
    tab = opened()
    fans = tab.eval_on_selector_all(".chart > script", "(all) => all.map((s) => JSON.parse(s.textContent))")
    wanted = [(g, j) for result in report[1] for g in result["groups"] for j in range(len(g["objectives"]))]
    assert len(fans) == len(wanted)
    for f, (group, j) in zip(fans, wanted, strict=True):
        assert f["described"].startswith(f"{group['objectives'][j]}: the mean goes from ")
        assert f["x"] == group["path"]["step"]
        assert f["lines"][0]["y"] == pytest.approx([row[j] for row in group["path"]["mean"]], rel=1e-7)
        end = [group["kept_end"][key][j] for key in ("mean", "low", "high")]
        assert f["margins"][0]["figure"] == pytest.approx(end, rel=1e-7)


# ---------------------------------------------------------------------------- everyone


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_serious_is_found_by_axe(opened: Open, size: tuple[int, int], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab = opened(size, color_scheme=scheme)
    for k in range(tab.locator(FAN).count()):
        fan(tab, k)
    found = axe.Axe().run(tab).response["violations"]
    grave = {v["id"]: [n["html"][:160] for n in v["nodes"]] for v in found if v["impact"] in ("serious", "critical")}
    assert grave == {}


@pytest.mark.parametrize("width", [320, 400, 768])
def test_the_page_does_not_scroll_sideways(opened: Open, width: int) -> None:
    tab = opened((width, 800))
    for k in range(tab.locator(FAN).count()):
        fan(tab, k)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    wide = tab.evaluate(
        """[...document.querySelectorAll("main *")].filter((e) => !e.closest(".scroll, svg, .u-hz")
          && e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 100))"""
    )
    assert wide == [], "nothing is cut off either"


def test_the_page_can_be_read_without_scripts(opened: Open, report: tuple[Path, list[dict[str, Any]]]) -> None:
    tab = opened(java_script_enabled=False, unfolded=False)
    assert tab.locator("table").count() > 10
    assert tab.locator(".answers svg").first.is_visible()
    tab.locator("details.l2 > summary").first.click()
    assert tab.locator(FAN).first.locator("svg").is_visible(), "the picture is there before any script"
    assert tab.locator(".copy, th button").count() == 0, "no button that does nothing"
    assert report[1][0]["groups"][0]["verdict"]["sentence"] in (tab.locator("body").text_content() or "")


def test_folds_open_for_their_anchors(opened: Open) -> None:
    tab = opened(unfolded=False)
    goal = tab.locator("details.l2").first
    assert goal.get_attribute("open") is None
    tab.locator(".answers a").first.click()
    tab.wait_for_timeout(100)
    assert goal.get_attribute("open") is not None
    assert fan(tab).locator("canvas").is_visible(), "its charts are drawn when they are seen"


def test_tables_sort_and_copy(opened: Open) -> None:
    tab = opened()
    sheet = tab.locator(".sheet").filter(has_text="Where it goes").first
    before = sheet.locator("tbody td:nth-child(3)").all_text_contents()
    sheet.locator("th button").nth(2).click()
    up = [float(t.split()[0]) for t in sheet.locator("tbody td:nth-child(3)").all_text_contents()]
    assert up == sorted(float(t.split()[0]) for t in before)
    assert sheet.locator("th").nth(2).get_attribute("aria-sort") == "ascending"
    sheet.locator("th button").nth(2).click()
    down = [float(t.split()[0]) for t in sheet.locator("tbody td:nth-child(3)").all_text_contents()]
    assert down == up[::-1]
    sheet.locator(".copy").click()
    sheet.locator(".copy", has_text="copied").wait_for()


def test_every_table_can_be_reached_by_keyboard(opened: Open) -> None:
    tab = opened()
    reached = set()
    fan(tab)
    tab.evaluate("scrollTo(0, 0)")
    for _ in range(60):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.className || document.activeElement.tagName"))
    assert {"A", "SUMMARY", "BUTTON", "scroll", "plot on"} <= reached


# ------------------------------------------------------------------------------- charts


def test_charts_are_drawn_where_one_looks(opened: Open) -> None:
    tab = opened()
    count = tab.locator(FAN).count()
    assert tab.locator(".chart canvas").count() < count, "those far below wait"
    for k in range(count):
        found = colours(fan(tab, k))
        assert found.get(BLUE, 0) > 30, f"chart {k} shows its mean"
        assert len(found) > 8, f"chart {k} shows its sessions"


def test_charts_follow_dark_mode(opened: Open) -> None:
    tab = opened(color_scheme="light")
    assert colours(fan(tab)).get(BLUE, 0) > 200
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_timeout(100)
    assert colours(fan(tab)).get(BLUE, 0) == 0
    assert tab.locator(FAN).first.locator("canvas").count() == 1, "redrawn in its place"


def test_charts_follow_the_window(opened: Open) -> None:
    tab = opened()
    before = fan(tab).locator("canvas").bounding_box()["width"]
    tab.set_viewport_size({"width": 400, "height": 800})
    tab.wait_for_timeout(400)
    after = fan(tab).locator("canvas").bounding_box()["width"]
    assert before < after <= 360, "from three beside each other to one"
    assert colours(fan(tab)).get(BLUE, 0) > 100


def test_hovering_says_the_mean_of_a_step(opened: Open, report: tuple[Path, list[dict[str, Any]]]) -> None:
    tab, path = opened(), report[1][0]["groups"][0]["path"]
    chart = fan(tab)
    for k in (0, 4, 8):
        tab.mouse.move(*point_of(tab, chart, k / 8 + (0.002 if k == 0 else -0.002)))
        said = chart.locator(".told").text_content() or ""
        head, _, rest = said.partition(": mean of sessions ")
        assert head == f"step {path['step'][k]}"
        value, low, high = (float(part) for part in rest.replace("[", "").replace("]", "").replace(",", "").split())
        wanted = [path[key][k][0] for key in ("mean", "low", "high")]
        assert [value, low, high] == [float(f"{v:.3g}") for v in wanted]


def test_a_click_names_the_session_under_it(opened: Open) -> None:
    tab = opened()
    chart = fan(tab)
    data = chart.locator(":scope > script").evaluate("(s) => JSON.parse(s.textContent)")
    tab.mouse.click(*point_of(tab, chart, 0.5, 0.02))
    said = chart.locator(".told").text_content() or ""
    assert said.startswith("session ")
    assert any(f"session {name} " in said for name in data["paths"]["names"])
    assert f"{data['x'][0]}: " in said


def test_arrow_keys_walk_the_mean(opened: Open, report: tuple[Path, list[dict[str, Any]]]) -> None:
    tab, path = opened(), report[1][0]["groups"][0]["path"]
    chart = fan(tab)
    chart.locator(".plot").focus()
    said = []
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):
        tab.keyboard.press(key)
        said.append((chart.locator(".told").text_content() or "").partition(":")[0])
    assert said == [f"step {path['step'][k]}" for k in (0, 1, 2, 1)]


# -------------------------------------------------------------------------------- paper


def test_the_page_prints_on_white(opened: Open, tmp_path: Path) -> None:
    tab = opened(color_scheme="dark")
    fan(tab)
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.locator("table").first.is_visible()
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    boxes = tab.locator(FAN).all()
    assert all(box.locator("canvas").count() == 1 for box in boxes), "every chart is drawn for the printer"
    assert all(colours(box).get(BLUE, 0) > 100 for box in boxes[:2]), "in the colours of paper"
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    made = tab.pdf(path=str(tmp_path / "report.pdf"))
    assert made.startswith(b"%PDF")
    assert len(made) > 50_000
