"""Answers on the page: pins, folds, stale frames, figures equal to Python, a killed server, downloads, axe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from web.conftest import Serve, Served, with_site
from web.page_lens import ROWS, document, live, run
from web.tabs import control, settled, shown
from web.test_page import DESK, at, fragment, opened, told

pytestmark = pytest.mark.slow

OPTIONS: dict[str, Any] = {row.name: row.default for row in ROWS}


MAIN = '[data-section="main"]'


@pytest.fixture(scope="module")
def server(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """A server that knows the desk made for these tests."""
    from web.page_lens import installed

    found: Served = serve(**with_site(installed(tmp_path_factory.mktemp("lens"))))
    return found


@pytest.fixture(scope="module")
def served(server: Served) -> str:
    """Its address."""
    return server.address


@pytest.fixture
def desk(tab: Any, served: str) -> Any:
    """A tab at that desk, its first answer there."""
    tab.goto(f"{served}#{DESK}")
    told(tab, "pull", "0.500")
    settled(tab)
    return tab


def unfold(tab: Any) -> Any:
    """Open everything that is folded."""
    for _ in range(2):
        tab.locator("#view details:not(.menu)").evaluate_all("all => all.forEach((d) => { d.open = true; })")
        tab.wait_for_timeout(60)
    return tab


def at_place(data: Any, place: str) -> Any:
    """Return what stands at a place of the JSON."""
    for key in place.split("."):
        data = data[int(key) if isinstance(data, list) else key]
    return data


# ---------------------------------------------------------------------------- what is said


def test_every_figure_is_that_of_the_python_result(tab: Any, served: str) -> None:
    at(tab, served, "?pull=0.3&way=right&weights=b%3D2.5&label=x")
    unfold(tab)
    given = {**OPTIONS, "pull": 0.3, "way": "right", "weights": ["b=2.5"], "label": "x"}
    expected = run(None, given).to_dict()
    shown = tab.locator("[data-json]").evaluate_all("all => all.map((e) => [e.dataset.json, e.textContent])")
    assert len({place for place, _ in shown}) == 26
    for place, text in shown:
        assert float(text) == pytest.approx(at_place(expected, place), abs=0.006, rel=0.006), place
    assert document(run(None, given)).answer.said == tab.locator(".verdict .act").first.text_content()


def test_the_front_comes_first_and_long_parts_are_folded(desk: Any) -> None:
    assert desk.locator(".part > .inside").count() == 0
    every = desk.locator(f"{MAIN} > details.all")
    assert every.evaluate("d => d.open") is False
    assert desk.locator(".formula").count() == 0, "what nobody sees is not made"
    every.locator("summary").click()
    desk.locator(".formula math").first.wait_for()  # made once the fold is open
    assert desk.locator(".formula math").count() == 1
    assert desk.locator(".origin").text_content() == "corrected"
    assert desk.locator(f"{MAIN} > details.all table").count() == 2


def test_folds_stay_as_they_were_left(desk: Any) -> None:
    desk.locator(f"{MAIN} > details.all > summary").click()
    desk.locator('[data-section="folded"] > summary').click()
    desk.locator('[data-section="folded"] canvas').first.wait_for()
    node = desk.locator(f"{MAIN} > details.all tbody tr").first.element_handle()
    control(desk, "pull").locator("input[type=number]").fill("0.8")
    desk.keyboard.press("Enter")
    told(desk, "pull", "0.800")
    assert desk.locator(f"{MAIN} > details.all").evaluate("d => d.open")
    assert node.evaluate("n => n.isConnected"), "updated in place"
    assert node.text_content() == "step 00.000"
    desk.locator('[data-desk="moves simulate"]').click()
    settled(desk)
    desk.locator(f'[data-desk="{DESK}"]').click()
    told(desk, "pull", "0.800")
    assert desk.locator('[data-section="folded"]').evaluate("d => d.open")
    assert desk.locator(f"{MAIN} > details.all").evaluate("d => d.open")


def test_tables_sort_stay_sorted_and_are_copied(desk: Any) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.locator(f"{MAIN} > details.all > summary").click()
    sheet = desk.locator(f"{MAIN} > details.all .sheet").first
    head = sheet.locator("th button").nth(1)
    head.click()
    head.click()
    assert sheet.locator("tbody tr").first.text_content().startswith("step 20")
    control(desk, "pull").locator("input[type=number]").fill("0.9")
    desk.keyboard.press("Enter")
    told(desk, "pull", "0.900")
    assert sheet.locator("tbody tr").first.text_content().startswith("step 20")
    sheet.get_by_role("button", name="Copy Every step").click()
    sheet.get_by_text("copied").wait_for()
    lines = desk.evaluate("navigator.clipboard.readText()").split("\n")
    assert lines[0] == "step\tat"
    assert len(lines) == 22


def test_what_is_rough_says_so_until_the_hand_lets_go(desk: Any) -> None:
    opened(desk)
    control(desk, "quick").get_by_role("switch").click()
    settled(desk)
    slider = control(desk, "pull").locator("input[type=range]")
    box = slider.bounding_box()
    desk.mouse.move(box["x"] + box["width"] / 2, box["y"] + 8)
    desk.mouse.down()
    desk.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 8, steps=3)
    desk.get_by_text("For now: half of it left out").wait_for()
    assert desk.locator("html").get_attribute("data-exact") == ""
    desk.mouse.up()
    settled(desk)
    assert desk.locator(".rough").first.text_content() == ""
    assert live(None, {**OPTIONS, "quick": True}, None).rough == "half of it left out"


def test_long_runs_show_how_far_they_are_and_can_be_cancelled(desk: Any) -> None:
    field = control(desk, "turns").locator("input[type=number]")
    field.fill("12")
    field.press("Enter")
    bar = desk.locator("progress")
    bar.wait_for()
    desk.locator(".status-text", has_text="turning").wait_for()
    desk.get_by_role("button", name="Cancel").click()
    assert bar.is_hidden()
    assert shown(desk, "turns") == "5"
    field.fill("3")
    field.press("Enter")
    told(desk, "turns", "3")
    assert desk.locator(".status-text").text_content() == ""


def test_the_verdict_is_told_once_the_hand_rests(desk: Any) -> None:
    field = control(desk, "pull").locator("input[type=number]")
    field.fill("0.9")
    field.press("Enter")
    told(desk, "pull", "0.900")
    desk.locator("#said", has_text="go on: it ends at 0.973").wait_for(state="attached")


def test_stale_frames_are_dropped(tab: Any, served: str) -> None:
    """Frames of an older request than the newest seen change nothing."""
    kept: list[bytes] = []

    def route(socket: Any) -> None:
        server = socket.connect_to_server()

        def passed(message: Any) -> None:
            socket.send(message)
            if len(kept) < 4 and b'"kind":"document"' in message:
                kept.append(message)
            elif b'"kind":"document"' in message:
                socket.send(kept[0])

        server.on_message(passed)

    tab.route_web_socket("**/socket", route)
    at(tab, served)
    for value in ("0.1", "0.2", "0.3", "0.4", "0.6", "0.7"):
        control(tab, "pull").locator("input[type=number]").fill(value)
        tab.keyboard.press("Enter")
        told(tab, "pull", f"{value}00")
    tab.wait_for_timeout(150)
    assert len(kept) == 4
    assert shown(tab, "pull") == "0.700"


# ----------------------------------------------------------------------------------- pins

SHARED = """() => [...document.querySelectorAll(".compared .picture-plot")].map((plot) => {
  const {data, width, height} = plot.querySelector("canvas").getContext("2d").getImageData(0, 0, 40, 260);
  return [...data].filter((_, k) => k % 4 === 3).map((v) => v > 0 ? 1 : 0).join("");
})"""
"""What is drawn left of every picture: the figures along its axis."""


def test_pins_stand_side_by_side_on_shared_axes(desk: Any) -> None:
    pin = desk.get_by_role("button", name="Pin these settings")
    pin.click()
    control(desk, "pull").locator("input[type=number]").fill("0.9")
    desk.keyboard.press("Enter")
    told(desk, "pull", "0.900")
    cards = desk.locator(".card")
    assert cards.locator("h3").all_text_contents() == ["Now", "Pin A"]
    assert cards.nth(0).locator(".differs").text_content() == "pull0.9"
    assert cards.nth(1).locator(".differs").text_content() == "pull0.5"
    assert cards.nth(1).locator(".act").text_content() == "stop"
    assert desk.locator(".compared").count() == 2
    assert desk.locator(".compared figure").count() == 4
    shown = desk.evaluate(SHARED)
    assert len(shown) == 4
    assert shown[0] == shown[1]
    assert shown[2] == shown[3]
    control(opened(desk), "seed").locator("input").fill("3")
    desk.keyboard.press("Enter")
    settled(desk)
    assert "seed" not in cards.nth(1).locator(".differs").text_content()
    desk.get_by_role("button", name="Swap Pin A back").click()
    told(desk, "pull", "0.500")
    assert "pull=" not in fragment(desk)
    assert cards.nth(1).locator(".differs").text_content().startswith("pull0.9")
    pin.click()
    pin.click()
    assert pin.is_disabled()
    assert cards.count() == 4
    for name in "ABC":
        desk.get_by_role("button", name=f"Unpin Pin {name}").click()
    assert desk.locator(".board").is_hidden()
    assert pin.is_enabled()


# ---------------------------------------------------------------------------- files, keys


def test_downloads(desk: Any, tmp_path: Path) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    control(desk, "pull").locator("input[type=number]").fill("0.9")
    desk.keyboard.press("Enter")
    settled(desk)
    menu = desk.locator(".menu")
    for what, starts in (("html", "\n<!doctype html>"), ("json", "{")):
        menu.locator("summary").click()
        with desk.expect_download() as download:
            menu.locator(f'[data-download="{what}"]').click()
        text = Path(download.value.path()).read_text(encoding="utf-8")
        assert text.strip().startswith(starts.strip())
    assert json.loads(text)["pull"] == 0.9
    menu.locator("summary").click()
    menu.locator('[data-download="command"]').click()
    desk.get_by_text("loopstat turn --pull 0.9").first.wait_for()
    assert desk.evaluate("navigator.clipboard.readText()") == "loopstat turn --pull 0.9"
    chart = desk.locator('[data-chart="curve"]').first
    with desk.expect_download() as download:
        chart.get_by_role("button", name="Keep the picture").click()
    assert "<svg" in Path(download.value.path()).read_text(encoding="utf-8")


def test_tabs_skip_link_and_keys_by_keyboard_alone(desk: Any) -> None:
    desk.locator(f'[data-desk="{DESK}"]').focus()
    desk.keyboard.press("Home")
    settled(desk)
    assert fragment(desk) == "#moves%20simulate"
    desk.keyboard.press("ArrowLeft")
    assert desk.locator('[aria-selected="true"]').get_attribute("data-desk") != "moves simulate"
    desk.locator(f'[data-desk="{DESK}"]').focus()
    desk.keyboard.press("Enter")
    told(desk, "pull", "0.500")
    desk.keyboard.press("?")
    dialog = desk.locator("dialog")
    assert dialog.get_by_role("heading").text_content() == "Keys"
    desk.keyboard.press("Escape")
    assert dialog.count() == 0
    desk.locator("#skip").focus()
    desk.keyboard.press("Enter")
    assert desk.evaluate("document.activeElement.id") == "view"
    assert fragment(desk).startswith(f"#{DESK}")


def test_colours_as_chosen_or_as_the_system_prefers(desk: Any) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    white, black = "rgb(255, 255, 255)", "rgb(21, 23, 26)"
    assert desk.evaluate(paper) == white
    desk.emulate_media(color_scheme="dark")
    assert desk.evaluate(paper) == black
    button = desk.locator("#theme")
    button.click()
    assert (button.text_content(), desk.evaluate(paper)) == ("● Dark", black)
    button.click()
    assert (button.text_content(), desk.evaluate(paper)) == ("○ Light", white)
    desk.reload()
    settled(desk)
    assert (button.text_content(), desk.evaluate(paper)) == ("○ Light", white)
    desk.emulate_media(media="print")
    assert desk.locator(".controls").is_hidden()
    assert desk.locator(".verdict").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing_serious(tab: Any, served: str, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    at(tab, served, "?pull=0.9&foo=1&names=x")
    if width < 900:
        tab.locator("#drawer").click()
    unfold(opened(tab))
    tab.get_by_role("button", name="Pin these settings").click()
    tab.locator(".card").nth(1).wait_for()
    found = Axe().run(tab).response["violations"]
    assert [
        (v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found if v["impact"] in ("serious", "critical")
    ] == []
    wide = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, "nothing hangs out at the side"


def test_a_killed_server_is_said_and_its_return_noticed(tab: Any, server: Served, served: str) -> None:
    at(tab, served, "?pull=0.9")
    server.kill()
    tab.locator("#lost").wait_for()
    assert "cut" in tab.locator("#lost").text_content()
    control(tab, "pull").locator("input[type=number]").fill("0.2")
    tab.keyboard.press("Enter")
    assert shown(tab, "pull") == "0.900"
    server.start()
    told(tab, "pull", "0.200")
    assert tab.locator("#lost").is_hidden()
    tab.said.clear()  # the browser tells of every try
