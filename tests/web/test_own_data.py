"""Your data, from start to end: which tables are read, what is chosen in pictures, what goes wrong, what is kept."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import WIDE, executable

from .conftest import Serve, Served
from .tabs import settled

pytestmark = pytest.mark.slow


def table(path: Path, groups: tuple[str, ...] = ("plain", "review"), *, n: int = 12, seed: int = 5) -> Path:
    """Write sessions of some strategies, two objectives and a short text in every step."""
    rng, rows = np.random.default_rng(seed), []
    for g, group in enumerate(groups):
        for i in range(n):
            start = rng.normal(5, 1, 2)
            for t in range(6):
                x = start + (1 + 0.3 * g) * np.array([1 - 0.55**t, -0.05 * t]) + rng.normal(0, 0.2, 2)
                rows.append((f"{group}{i}", t, group, *x.tolist(), f"line\nversion {t}"))
    names = ["session", "step", "strategy", "tests", "speed", "answer"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(path)
    return path


@pytest.fixture
def opened(serve: Serve, chromium: Any) -> Iterator[Any]:
    """Return a function that serves tables and opens a desk on them; the console must stay silent."""
    pages = []

    def open_on(desk: str, *files: Path) -> tuple[Any, Served]:
        served = serve(*files)
        page = chromium.new_context(viewport={"width": WIDE[0], "height": WIDE[1]}).new_page()
        page.said = []
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(f"{served.address}#{desk}")
        pages.append(page)
        return page, served

    yield open_on
    for page in pages:
        assert page.said == []
        page.context.close()


def ticked(page: Any) -> list[bool]:
    return [bool(box.is_checked()) for box in page.locator("#tables input[type=checkbox]").all()]


QUICK = "decide?bootstrap=200&rules=false"


def test_tables_are_read_together_only_where_their_columns_are_the_same(opened: Any, tmp_path: Path) -> None:
    first, second = table(tmp_path / "a.csv"), table(tmp_path / "b.csv", seed=6)
    other = tmp_path / "other.csv"
    other.write_text("session,step,score\n" + "".join(f"s{i},{t},{i + t / 2}\n" for i in range(6) for t in range(4)))
    page, _ = opened(QUICK, first, other, second)
    settled(page)
    page.get_by_text("48 sessions").first.wait_for()
    assert ticked(page) == [True, False, True]
    page.get_by_text("Those with other columns are left out").wait_for()
    page.get_by_label("b.csv", exact=True).uncheck()
    page.get_by_text("24 sessions, 144 steps").wait_for()
    page.get_by_label("other.csv", exact=True).check()
    page.get_by_text("have different columns, and are read as one").wait_for()


def test_settings_are_called_as_their_controls_and_an_error_leads_to_its_own(opened: Any, tmp_path: Path) -> None:
    page, _ = opened("balance", table(tmp_path / "a.csv"))
    failed = page.locator("#failed")
    failed.wait_for()
    said = failed.inner_text()
    assert said.startswith("a.csv: there is no column")
    assert "--" not in said
    assert "“state”" in said
    failed.get_by_role("button", name="Go to “state”").press("Enter")
    assert page.evaluate("document.activeElement.closest('[data-setting]').dataset.setting") == "state"
    page.evaluate(f"location.hash = '#{QUICK}'")
    settled(page)
    assert "--" not in page.locator("#view article > :not(details)").first.inner_text()
    assert "“price” changes it" in page.locator("#document").inner_text()
    assert "--" not in page.locator("#help").inner_text()


def test_a_group_is_chosen_from_its_row_in_every_picture(opened: Any, tmp_path: Path) -> None:
    page, _ = opened(QUICK, table(tmp_path / "a.csv"))
    settled(page)
    plain, review = page.locator(".answers .pick").all()
    before = page.locator("[data-chart=which-best] canvas").first.screenshot()
    plain.press("Enter")
    assert [plain.get_attribute("aria-pressed"), review.get_attribute("aria-pressed")] == ["true", "false"]
    page.locator("[data-chart=which-best]").get_by_text("plain chosen").wait_for()
    assert page.locator("[data-chart=which-best] canvas").first.screenshot() != before
    review.click()
    page.locator("[data-chart=which-best]").get_by_text("2 chosen").wait_for()
    plain.click()
    review.click()
    assert page.locator("#document").get_by_text("chosen;").count() == 0


def test_sessions_brushed_in_a_fan_are_chosen_everywhere_and_read_one_by_one(opened: Any, tmp_path: Path) -> None:
    page, _ = opened("analyze?bootstrap=200", table(tmp_path / "a.csv"))
    settled(page)
    page.locator(".answers .link").first.click()
    fans = [page.locator(f"[data-chart=g0-fan-{j}] .plot") for j in (0, 1)]
    fans[0].scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    box = fans[0].locator("canvas").first.bounding_box()
    x, y, w, h = (box[k] for k in ("x", "y", "width", "height"))
    page.mouse.move(x + 0.4 * w, y + 0.25 * h)
    page.mouse.down()
    page.mouse.move(x + 0.6 * w, y + 0.5 * h, steps=4)
    page.mouse.up()
    page.mouse.move(2, 300)
    said = [fan.locator("..").get_by_text("chosen; a double click or Escape shows all again") for fan in fans]
    for each in said:
        each.wait_for()
    n = int(said[0].inner_text().split()[0])
    assert 1 < n < 12
    assert said[1].inner_text() == said[0].inner_text()
    fans[1].locator("[tabindex='0']").first.focus()
    page.keyboard.press("Escape")
    said[0].wait_for(state="detached")


def test_a_table_that_grows_or_goes_is_noticed(opened: Any, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv")
    page, _ = opened(QUICK, path)
    settled(page)
    page.get_by_text("144 rows").wait_for()
    with path.open("a") as out:
        out.writelines(f"new,{t},plain,{5 + t / 3},4.{t},x\n" for t in range(6))
    box = page.locator("[data-handle=price] input[type=number]")
    box.fill("0.05")
    box.press("Enter")
    page.get_by_text("25 sessions, 150 steps").wait_for()
    page.get_by_text("150 rows").wait_for()
    os.rename(path, tmp_path / "gone.csv")
    box.fill("0.06")
    box.press("Enter")
    page.locator("#failed").get_by_text("a.csv: is not there any more").wait_for()
    page.locator(".table-away").click()
    page.get_by_text("No table yet").wait_for()


def test_the_command_line_that_is_kept_gives_the_same_figures(opened: Any, tmp_path: Path) -> None:
    page, _ = opened(f"{QUICK}&price=0.03&weights=tests=1&weights=speed=0.5", table(tmp_path / "a.csv"))
    settled(page)
    page.locator(".menu summary").click()
    with page.expect_download() as kept:
        page.locator("[data-download=json]").click()
    page.locator(".menu summary").click()
    page.locator("[data-download=command]").click()
    said = page.locator("#notes").get_by_text("loopstat decide").inner_text()
    words = shlex.split(said[said.index("loopstat decide") :])
    made = subprocess.run(
        [executable(), *words[1:], "--json", str(tmp_path / "out.json")], capture_output=True, timeout=60
    )
    assert made.returncode == 0, made.stderr
    mine, theirs = (json.loads(Path(p).read_text()) for p in (kept.value.path(), tmp_path / "out.json"))
    for found in (mine, theirs):
        found["settings"].pop("command")
    assert mine == theirs


def test_many_groups_and_long_lists_stand_open_only_when_asked(opened: Any, tmp_path: Path) -> None:
    groups = tuple(f"g{k:02}" for k in range(34))
    page, _ = opened(f"{QUICK}&by=strategy", table(tmp_path / "a.csv", groups, n=3))
    settled(page)
    assert page.locator(".answers tbody tr").count() == 24
    page.get_by_role("button", name="Show all 34 groups").click()
    assert page.locator(".answers tbody tr").count() == 34
    lists = page.locator("#document ul.points")
    assert max(each.locator("li").count() for each in lists.all()) <= 12
