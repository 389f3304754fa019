"""The page in a real browser: every control, presets, the address, files of settings, by mouse and keyboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from web import tabs
from web.conftest import with_site
from web.page_lens import HOSTILE, PRESETS, installed
from web.tabs import control, settled

pytestmark = pytest.mark.slow

DESK = "turn"


@pytest.fixture(scope="module")
def served(serve: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a server that knows the desk made for these tests."""
    return str(serve(**with_site(installed(tmp_path_factory.mktemp("lens")))).address)


@pytest.fixture
def desk(tab: Any, served: str) -> Any:
    """A tab at that desk, its first answer there."""
    tab.goto(f"{served}#{DESK}")
    tab.locator(f'[role="tab"][data-desk="{DESK}"][aria-selected="true"]').wait_for()
    told(tab, "pull", "0.500")
    settled(tab)
    return tab


def at(tab: Any, served: str, settings: str = "", name: str = DESK) -> Any:
    """Go to the desk of these tests, or another."""
    return tabs.at(tab, served, name, settings)


def opened(tab: Any) -> Any:
    """Open every group of settings."""
    tab.locator("#panel details").evaluate_all("all => all.forEach((d) => { d.open = true; })")
    return tab


def fragment(tab: Any) -> str:
    return str(tab.evaluate("location.hash"))


def changed(tab: Any, name: str) -> bool:
    return "changed" in (control(tab, name).get_attribute("class") or "").split()


def told(tab: Any, place: str, said: str) -> None:
    """Wait until a figure says something."""
    tab.locator(f'[data-json="{place}"]', has_text=said).first.wait_for()


# ------------------------------------------------------------------------------- controls


def test_a_slider_moves_the_answer_while_the_hand_is_on_it_and_the_address_when_it_lets_go(desk: Any) -> None:
    slider = control(desk, "pull").locator("input[type=range]")
    box = slider.bounding_box()
    desk.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    desk.mouse.down()
    desk.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2, steps=4)
    told(desk, "pull", "1.00")
    assert "pull" not in fragment(desk), "no entry of the history while it moves"
    assert control(desk, "pull").locator("input[type=number]").input_value() == "1"
    desk.mouse.up()
    settled(desk)
    assert fragment(desk) == "#turn?pull=1"
    assert changed(desk, "pull")
    control(desk, "pull").get_by_role("button", name="Reset pull").click()
    told(desk, "pull", "0.500")
    assert fragment(desk) == "#turn"
    assert not changed(desk, "pull")


def test_arrow_keys_move_a_slider_and_held_keys_are_one_entry(desk: Any) -> None:
    entries = desk.evaluate("history.length")
    control(desk, "pull").locator("input[type=range]").focus()
    for _ in range(4):
        desk.keyboard.down("ArrowRight")
    desk.keyboard.up("ArrowRight")
    told(desk, "pull", "0.54")
    assert fragment(desk) == "#turn?pull=0.54"
    assert desk.evaluate("history.length") == entries + 1


def test_the_field_beside_a_slider_takes_what_the_slider_cannot(desk: Any) -> None:
    field = control(desk, "turns").locator("input[type=number]")
    field.fill("40")
    field.press("Enter")
    told(desk, "turns", "40")
    assert fragment(desk) == "#turn?turns=40"
    field.press("ArrowUp")
    told(desk, "turns", "41")
    field.fill("")
    field.press("Tab")
    told(desk, "turns", "5")
    assert fragment(desk) == "#turn"


def test_an_error_is_said_at_the_setting_it_names_and_goes_with_it(desk: Any) -> None:
    field = control(desk, "pull").locator("input[type=number]")
    field.fill("7")
    field.press("Enter")
    error = control(desk, "pull").locator(".error")
    error.wait_for()
    assert "must lie in [0, 1]" in error.text_content()
    assert field.get_attribute("aria-invalid") == "true"
    field.fill("0.25")
    field.press("Enter")
    told(desk, "pull", "0.250")
    assert error.is_hidden()
    assert field.get_attribute("aria-invalid") is None


def test_an_error_of_no_setting_stands_above_what_was_there_before(desk: Any) -> None:
    field = control(opened(desk), "free").locator("input")
    field.fill("2000")
    field.press("Enter")
    failed = desk.locator("#failed")
    failed.wait_for()
    assert failed.text_content() == "more than 1000 leads nowhere. Take less."
    assert "stale" in desk.locator("#document").get_attribute("class")
    field.fill("20")
    field.press("Enter")
    settled(desk)
    assert failed.is_hidden()


def test_segments_a_list_and_switches(desk: Any) -> None:
    opened(desk)
    control(desk, "way").get_by_text("up", exact=True).click()
    desk.get_by_role("heading", name="A loop that turns up").wait_for()
    desk.keyboard.press("ArrowLeft")
    desk.get_by_role("heading", name="A loop that turns right").wait_for()
    control(desk, "rank").locator("select").select_option("three")
    control(desk, "quick").get_by_role("switch").click()
    control(desk, "whole_story").get_by_role("switch").press("Space")
    settled(desk)
    assert fragment(desk) == "#turn?way=right&rank=three&quick=true&whole_story=false"


def test_text_names_and_pairs(desk: Any) -> None:
    opened(desk)
    box = control(desk, "label").locator("input")
    box.fill("mine & <b>yours</b>")
    box.press("Enter")
    desk.locator(".verdict", has_text="called mine & <b>yours</b>").first.wait_for()
    names = control(desk, "names").locator("input")
    names.fill("x,y")
    names.press("Enter")
    names.press("Backspace")
    names.fill("z=1")
    names.press("Enter")
    weights = control(desk, "weights").locator("input")
    weights.fill("a=3")
    weights.press("Enter")
    told(desk, "weights.a", "3.00")
    assert "names=x&names=z%3D1&weights=a%3D3" in fragment(desk)
    control(desk, "weights").get_by_role("button", name="Remove a=3").click()
    told(desk, "weights.a", "1.00")
    assert "weights" not in fragment(desk)


def test_handles_of_a_document_move_their_setting_and_entries_of_pairs(desk: Any) -> None:
    opened(desk)
    by_hand = desk.locator('[data-handle="pull"] input[type=range]')
    by_hand.focus()
    by_hand.press("End")
    told(desk, "pull", "1.00")
    assert control(desk, "pull").locator("input[type=number]").input_value() == "1"
    weight = desk.locator('[data-handle="weights.a"] input[type=number]')
    weight.fill("2.5")
    weight.press("Enter")
    told(desk, "weights.a", "2.50")
    assert fragment(desk) == "#turn?pull=1&weights=a%3D2.5"
    assert control(desk, "weights").locator(".chips").text_content() == "a=2.5×"
    desk.locator('[data-handle="weights.a"]').get_by_role("button", name="Reset weight of a").click()
    told(desk, "weights.a", "1.00")


def test_tooltips_by_mouse_keyboard_and_touch(desk: Any) -> None:
    ask = control(desk, "pull").get_by_role("button", name="What is pull?")
    bubble = desk.locator(".bubble")
    ask.hover()
    assert bubble.text_content() == "p: How strongly it is drawn, in per step (default 0.5). Default from the paper."
    desk.mouse.move(700, 500)
    assert bubble.is_hidden()
    ask.focus()
    assert bubble.is_visible()
    desk.keyboard.press("Escape")
    assert bubble.is_hidden()
    ask.click()
    assert bubble.is_visible()


# ------------------------------------------------------------------------ presets and files


def pressed(tab: Any) -> list[str]:
    return [str(name) for name in tab.locator('.preset[aria-pressed="true"]').all_text_contents()]


def test_presets_go_back_to_defaults_or_lie_over_what_is_set(desk: Any) -> None:
    control(desk, "turns").locator("input[type=number]").fill("7")
    desk.keyboard.press("Enter")
    desk.get_by_role("button", name="calm").click()
    told(desk, "turns", "2")
    assert fragment(desk) == "#turn?pull=0.1&turns=2"
    assert pressed(desk) == ["calm"]
    desk.get_by_role("button", name="rightwards").click()
    desk.get_by_role("heading", name="A loop that turns right").wait_for()
    settled(desk)
    assert pressed(desk) == ["calm", "rightwards"]
    desk.get_by_role("button", name="wild").click()
    desk.get_by_role("heading", name="A loop that turns up").wait_for()
    assert pressed(desk) == ["wild"]
    assert fragment(desk) == "#turn?pull=0.9&way=up"
    assert [p.name for p in PRESETS] == desk.locator(".preset").evaluate_all("all => all.map((b) => b.dataset.preset)")
    desk.get_by_role("button", name="Reset", exact=True).click()
    told(desk, "pull", "0.500")
    assert (fragment(desk), pressed(desk)) == ("#turn", [])


def test_back_and_forward_undo_and_redo(desk: Any) -> None:
    desk.get_by_role("button", name="calm").click()
    told(desk, "pull", "0.100")
    desk.get_by_role("button", name="wild").click()
    told(desk, "pull", "0.900")
    desk.go_back()
    told(desk, "pull", "0.100")
    assert control(desk, "pull").locator("input[type=number]").input_value() == "0.1"
    desk.go_back()
    told(desk, "pull", "0.500")
    desk.go_forward()
    told(desk, "pull", "0.100")
    desk.locator('[data-desk="moves simulate"]').click()
    settled(desk)
    desk.go_back()
    desk.locator(f'[data-desk="{DESK}"][aria-selected="true"]').wait_for()
    told(desk, "pull", "0.100")


def test_the_address_holds_the_view_and_names_what_it_does_not_know(tab: Any, served: str) -> None:
    at(tab, served, "?pull=0.25&weights=a%3D2&names=x&names=y&<img>=1&turns=many&way=down")
    told(tab, "pull", "0.250")
    told(tab, "weights.a", "2.00")
    note = tab.locator(".note-bar")
    assert note.locator("span").text_content() == (
        "From the address: not known here and left out: <img>; not readable and left at the default: turns, way."
    )
    note.get_by_role("button", name="Close").click()
    assert note.count() == 0
    assert fragment(tab) == "#turn?pull=0.25&weights=a%3D2&names=x&names=y"
    tab.reload()
    told(tab, "pull", "0.250")
    tab.goto("about:blank")
    tab.goto(f"{served}#no%20such<b>?x=1")
    settled(tab)
    assert "No desk is called “no such<b>”" in tab.locator(".note-bar").first.text_content()


def test_settings_are_copied_and_loaded_again(desk: Any) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.get_by_role("button", name="wild").click()
    told(desk, "pull", "0.900")
    desk.get_by_role("button", name="Copy settings").click()
    desk.get_by_role("button", name="Copied").wait_for()
    text = desk.evaluate("navigator.clipboard.readText()")
    assert json.loads(text) == {
        "schema": "loopstat.view/1", "desk": "turn", "settings": {"pull": 0.9, "way": "up"},
    }  # fmt: skip
    desk.get_by_role("button", name="Reset", exact=True).click()
    told(desk, "pull", "0.500")
    load(desk, text)
    told(desk, "pull", "0.900")
    assert fragment(desk) == "#turn?pull=0.9&way=up"


def load(tab: Any, text: str) -> Any:
    """Paste settings into the dialog and return it."""
    tab.get_by_role("button", name="Load settings").click()
    dialog = tab.locator("dialog")
    dialog.locator("textarea").fill(text)
    dialog.get_by_role("button", name="Load", exact=True).click()
    return dialog


def test_a_file_of_groups_asks_which_one(desk: Any, tmp_path: Path) -> None:
    groups = {"<i>one</i>": {"pull": 0.3}, "two": {"pull": 0.7, "weights": {"a": 3}, "K": 5}}
    path = tmp_path / "calibrated.json"
    path.write_text(json.dumps({"schema": "loopstat.moves-settings/1", "groups": groups}), encoding="utf-8")
    desk.get_by_role("button", name="Load settings").click()
    dialog = desk.locator("dialog")
    dialog.locator("input[type=file]").set_input_files(path)
    dialog.locator("select").select_option(label="two")
    dialog.get_by_role("button", name="Take this group").click()
    told(desk, "pull", "0.700")
    told(desk, "weights.a", "3.00")
    assert dialog.count() == 0
    assert desk.locator(".note-bar span").text_content() == "Settings loaded; not known here and left out: K."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "This is not JSON"),
        ("[1, 2]", "Here are no settings"),
        ('{"settings": {"__proto__": {"x": 1}, "constructor": 2}}', "Nothing could be taken"),
        ('{"schema": "loopstat.view/1", "desk": "<b>", "settings": {}}', "These settings are of “<b>”"),
        ('{"settings": {"pull": [1], "names": {"a": {}}}}', "not readable and left at the default: pull, names"),
    ],
)
def test_hostile_files_are_refused_in_words(desk: Any, text: str, said: str) -> None:
    dialog = load(desk, text)
    assert said in dialog.locator(".error").text_content()
    desk.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert desk.evaluate("({}).x") is None


def test_hostile_words_never_become_markup(tab: Any, served: str) -> None:
    at(tab, served, "?label=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    tab.locator("details").evaluate_all("all => all.forEach((d) => { d.open = true; })")
    tab.wait_for_timeout(200)
    assert tab.locator("#bench img, #bench b b, #bench script, .tabs b").count() == 0
    assert HOSTILE.split("\u202e")[0] in tab.locator(".doubts").first.text_content()
