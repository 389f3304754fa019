"""What a stranger meets: words of the page's own, nothing clipped, nothing beside the window, on paper too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from web.tabs import control
from web.wire import got

pytestmark = pytest.mark.slow

DESKS = ("moves simulate", "play loop", "play chain")


def at(tab: Any, served: str, desk: str, settings: str = "") -> Any:
    """Go to a desk and wait for an answer."""
    tab.goto("about:blank")
    tab.goto(f"{served}#{desk.replace(' ', '%20')}{settings}")
    tab.locator("#document h1", has_text="").first.wait_for()
    return tab


def test_desks_speak_of_the_page_and_not_of_options(served: str) -> None:
    desks = [desk for desk in json.loads(got(f"{served}desks")[2])["desks"] if not desk["reads"]]
    assert {desk["name"] for desk in desks} >= {*DESKS, "moves plan"}
    for desk in desks:
        said = [desk["help"], *(save["title"] for save in desk["saves"])]
        said += [row["explained"] for group in desk["groups"] for row in group["rows"]]
        assert [words for words in said if "--" in words] == [], desk["name"]


def test_rows_are_named_in_words(tab: Any, served: str) -> None:
    at(tab, served, "moves simulate")
    names = tab.locator("#panel .name").all_text_contents()
    assert [name for name in names if "_" in name or name.startswith("tr ")] == []
    assert "expansion α" in names
    assert control(tab, "correlation").locator("sub").count() == 0
    assert control(tab, "reviewer_proposals").locator("sub").text_content() == "r"


def test_an_error_of_two_settings_stands_at_one_and_names_the_other_as_the_page_does(tab: Any, served: str) -> None:
    at(tab, served, "moves simulate")
    field, error = (
        control(tab, "edit_radius").locator("input[type=number]"),
        control(tab, "edit_radius").locator(".error"),
    )
    field.fill("1.5")
    field.press("Enter")
    error.wait_for()
    assert "“largest edit radius” 1" in error.text_content()
    field.fill("0.5")
    field.press("Enter")
    error.wait_for(state="hidden")


def test_a_schedule_that_is_none_is_told_at_its_setting(tab: Any, served: str) -> None:
    at(tab, served, "play loop")
    field = control(tab, "schedule").locator("input")
    field.fill("XX:3")
    field.press("Enter")
    control(tab, "schedule").locator(".error", has_text="unknown strategy").wait_for()


def test_three_pins_stand_beside_what_is_set_now(tab: Any, served: str) -> None:
    at(tab, served, "play loop")
    for name in ("SF", "FF", "AI"):
        tab.get_by_role("button", name=name, exact=True).click()
        tab.get_by_role("button", name="Pin these settings").click()
    assert tab.locator(".card").count() == 4
    board = tab.locator(".board")
    assert board.evaluate("(b) => b.scrollWidth - b.clientWidth") <= 0, "no column is out of sight"
    tops = tab.locator(".card .differs").evaluate_all("all => all.map((d) => d.getBoundingClientRect().top)")
    assert max(tops) - min(tops) < 1, "settings that differ stand in line"


@pytest.mark.parametrize("width", [900, 1280])
def test_formulas_stand_whole(tab: Any, served: str, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    at(tab, served, "moves simulate")
    fold = tab.locator("details", has_text="What is taken for granted").last
    fold.locator("summary").first.click()
    tab.locator(".math math").first.wait_for()
    assert tab.locator(".formula code", has_text="collateral").count() > 0, "settings are set as code"
    wide = "all => all.filter((m) => m.scrollWidth > m.clientWidth + 1).map((m) => m.ariaLabel)"
    assert tab.locator(".math").evaluate_all(wide) == []


def test_every_tab_is_seen_at_1280(tab: Any, served: str) -> None:
    tab.set_viewport_size({"width": 1280, "height": 800})
    at(tab, served, "play chain")
    last = tab.locator('[role="tab"]').last.bounding_box()
    bar = tab.locator("#tabs").bounding_box()
    assert last["x"] + last["width"] <= bar["x"] + bar["width"] - 18, "before it fades"


@pytest.mark.parametrize("desk", DESKS)
def test_nothing_stands_beside_a_narrow_window(tab: Any, served: str, desk: str) -> None:
    tab.set_viewport_size({"width": 400, "height": 800})
    at(tab, served, desk)
    tab.locator("#drawer").click()
    assert tab.locator("#controls").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") == 400


def test_paper_has_the_answer_and_no_controls(tab: Any, served: str) -> None:
    at(tab, served, "play chain")
    tab.emulate_media(media="print")
    shown = {
        part: tab.locator(part).first.is_visible() for part in (".top", "#controls", "#status", "#document .verdict")
    }
    assert shown == {".top": False, "#controls": False, "#status": False, "#document .verdict": True}


def test_what_is_downloaded_says_what_it_is(tab: Any, served: str) -> None:
    at(tab, served, "moves simulate")
    tab.locator(".menu summary").click()
    items = tab.locator(".item").all_inner_texts()
    assert [item.split("\n")[0] for item in items] == ["Report", "Figures", "Settings", "Copy the command"]
    tab.keyboard.press("Escape")
    assert tab.locator(".items").is_hidden()
