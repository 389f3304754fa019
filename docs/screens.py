"""Make the animation and the pictures of the interactive page from the real one: `python docs/screens.py`.

`docs/view.gif` is the README's animation: sliders are moved, a price, sessions are chosen and one is read, as a hand
would in Chromium. `docs/view/*.png` and `docs/view_gallery.md` show every desk.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from loopstat.io.recordings import path

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Playwright

HERE = Path(__file__).parent
FILM, PICTURES, GALLERY = HERE / "view.gif", HERE / "view", HERE / "view_gallery.md"
PAGE, SIZE = (1380, 920), (960, 640)  # pixels of the page, and of the animation
SECONDS = 0.2  # a frame
COLOURS = 64
LIMIT = 2_000_000  # bytes of the animation, and of all pictures together
TALL = 900  # pixels of a picture
CHROMIUM = {
    "executable_path": "/usr/bin/chromium",
    "args": [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--no-first-run"),
    ],
}


class Film:
    """Frames of a page, and how long each is shown."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frames: list[Image.Image] = []
        self.seconds: list[float] = []

    def shoot(self, seconds: float = SECONDS) -> None:
        """Take a frame; one that shows what the last one did makes that last longer."""
        taken = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
        if self.frames and taken.tobytes() == self.frames[-1].tobytes():
            self.seconds[-1] += seconds
            return
        self.frames.append(taken)
        self.seconds.append(seconds)

    def settle(self, seconds: float) -> None:
        """Wait until nothing rough is shown, and hold it."""
        self.page.wait_for_selector('html[data-exact="1"]', timeout=60_000)
        self.page.wait_for_timeout(400)
        self.shoot(seconds)

    def drag(self, slider: Locator, values: Iterator[float]) -> None:
        """Move the hand of a slider through values, a frame each, and let go."""
        for value in values:
            slider.evaluate("(s, v) => { s.value = v; s.dispatchEvent(new Event('input', {bubbles: true})); }", value)
            self.page.wait_for_timeout(120)
            self.shoot()
        slider.evaluate("(s) => s.dispatchEvent(new Event('change', {bubbles: true}))")

    def write(self, target: Path) -> None:
        """Write the frames with one palette: what does not change takes no bytes."""
        sheet = Image.new("RGB", (SIZE[0], SIZE[1] * 4))
        for k in range(4):
            sheet.paste(self.frames[k * (len(self.frames) - 1) // 3], (0, SIZE[1] * k))
        palette = sheet.quantize(COLOURS)
        drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self.frames]
        lasts = [int(1000 * s) for s in self.seconds]
        drawn[0].save(target, save_all=True, append_images=drawn[1:], duration=lasts, loop=0, optimize=True)


def between(start: float, end: float, frames: int) -> Iterator[float]:
    """Yield values from one end to the other, slow at both."""
    for k in range(1, frames + 1):
        share = k / frames
        yield start + (end - start) * share * share * (3 - 2 * share)


@contextmanager
def served(*files: str) -> Iterator[str]:
    """Run `loopstat view` on files and yield its address."""
    command = [sys.executable, "-m", "loopstat", "view", "--no-open", *files]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - our own command
        try:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def named(page: Page, name: str) -> Locator:
    """Return the slider of a setting by what it is called."""
    return page.get_by_role("slider", name=name).first


def simulator(film: Film) -> None:
    """Pull levers of the simulated loop."""
    page = film.page
    film.settle(1.4)
    film.drag(named(page, "oracle resolution"), between(0.8, 0.45, 9))
    film.settle(1.2)
    film.drag(named(page, "model prior"), between(0.75, 1.0, 7))
    film.settle(0.8)
    page.get_by_role("button", name="principal-tr").click()
    film.settle(1.6)


def decision(film: Film) -> None:
    """Move the price of a step over recorded sessions."""
    page = film.page
    film.settle(1.6)
    price = named(page, "price of a step")
    ends = [float(price.get_attribute(side) or 0) for side in ("min", "max")]
    at = float(price.input_value())
    film.drag(price, between(at, ends[0] + 0.1 * (ends[1] - ends[0]), 10))
    film.settle(1.0)
    film.drag(price, between(ends[0] + 0.1 * (ends[1] - ends[0]), ends[0] + 0.8 * (ends[1] - ends[0]), 10))
    film.settle(1.6)


def reading(film: Film) -> None:
    """Choose sessions in one picture, and read one of them."""
    page = film.page
    film.settle(1.0)
    picture = page.locator("[data-chart]").filter(has=page.get_by_role("button", name="choose")).first
    picture.scroll_into_view_if_needed()
    film.shoot(0.8)
    box = picture.locator(".u-over").bounding_box()
    assert box is not None  # noqa: S101 - it is in view
    x, y, wide, high = (box[side] for side in ("x", "y", "width", "height"))
    page.mouse.move(x + 0.55 * wide, y + 0.08 * high)
    page.mouse.down()
    for share in between(0.1, 1.0, 6):
        page.mouse.move(x + (0.55 + 0.4 * share) * wide, y + (0.08 + 0.3 * share) * high)
        film.shoot()
    page.mouse.up()
    film.shoot(1.6)
    page.mouse.click(x + 0.8 * wide, y + 0.3 * high)
    page.locator("dialog").get_by_text("step", exact=False).first.wait_for()
    page.wait_for_timeout(1500)
    film.shoot(2.2)


SCENES: tuple[tuple[str, Callable[[Film], None]], ...] = (
    ("moves%20simulate", simulator),
    ("decide?objectives=fitness&where=model%3Dgpt-4o", decision),
    ("analyze?objectives=fitness&objectives=aocc_separable&where=model%3Dgpt-4o", reading),
)


@dataclass(frozen=True)
class Shot:
    """A picture of the gallery: its file, what it shows, and where the page stands."""

    name: str
    title: str
    said: str
    desk: str
    width: int = 1280
    scheme: Literal["light", "dark"] = "light"


SHOTS = (
    Shot("simulator", "Simulator", "Every lever of a loop of candidates, reviewers and tests; the verdict in words and "
         "eight pictures follow the hand.", "moves%20simulate"),
    Shot("plan", "What to buy", "The best team for a budget, or the cheapest for a reliability, with what else was on "
         "offer.", "moves%20plan"),
    Shot("loop", "A linear loop", "What levels do to the next change, how noisy it is, where it starts: fans, field, "
         "modes, what pays for what, and how many recordings would show it.", "play%20loop", scheme="dark"),
    Shot("chain", "A chain of states", "In balance, driven round or trapped, and what n transitions would let one "
         "conclude.", "play%20chain?system=ring"),
    Shot("decide", "When to stop", "Two models rewrite an optimiser: the price of a step moves the answers, the price "
         "map and the marked step.", "decide?objectives=fitness&by=model"),
    Shot("analyze", "Everything about your data", "Sessions, drift, trade-offs: what is chosen in one picture is "
         "chosen in all.", "analyze?objectives=fitness&objectives=aocc_separable&where=model%3Dgpt-4o", 1600),
    Shot("phone", "On a phone", "The same page, 400 pixels wide and dark.", "moves%20simulate", 400, "dark"),
)  # fmt: skip


def photographed(player: Playwright, address: str) -> None:
    """Write every picture of the gallery, and its page."""
    PICTURES.mkdir(exist_ok=True)
    browser = player.chromium.launch(**CHROMIUM)
    for shot in SHOTS:
        page = browser.new_page(viewport={"width": shot.width, "height": TALL}, color_scheme=shot.scheme)
        page.goto(f"{address}#{shot.desk}")
        page.wait_for_selector('html[data-exact="1"]', timeout=60_000)
        page.wait_for_timeout(600)
        taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        taken.quantize(128, dither=Image.Dither.NONE).save(PICTURES / f"{shot.name}.png", optimize=True)
        page.close()
    browser.close()
    GALLERY.write_text(gallery(), encoding="utf-8")


def gallery() -> str:
    """Return the text of the page of pictures."""
    lines = ["# The interactive page in pictures", ""]
    lines += ["*What does `loopstat view` look like?* [What it does](view.md), desk by desk.", ""]
    lines += ["![Sliders are moved, a verdict and pictures follow; then a price; then a session is read.](view.gif)"]
    for shot in SHOTS:
        lines += ["", f"## {shot.title}", "", shot.said, "", f"![{shot.title}](view/{shot.name}.png)"]
    lines += ["", "Made by `python docs/screens.py`, which drives the real page in Chromium.", ""]
    return "\n".join(lines)


def filmed(player: Playwright, address: str) -> Film:
    """Play the scenes."""
    browser = player.chromium.launch(**CHROMIUM)
    page = browser.new_page(viewport={"width": PAGE[0], "height": PAGE[1]}, color_scheme="light")
    film = Film(page)
    for desk, play in SCENES:
        page.goto("about:blank")
        page.goto(f"{address}#{desk}")
        play(film)
    browser.close()
    return film


def main() -> None:
    """Write the animation, the pictures and their page."""
    from playwright.sync_api import sync_playwright

    with served(str(path("llamea"))) as address, sync_playwright() as player:
        film = filmed(player, address)
        photographed(player, address)
    film.write(FILM)
    sizes = FILM.stat().st_size, sum(p.stat().st_size for p in PICTURES.glob("*.png"))
    sys.stdout.write(
        f"{len(film.frames)} frames, {sum(film.seconds):.0f} s, {sizes[0]:,} bytes; {sizes[1]:,} of pictures\n"
    )
    if max(sizes) > LIMIT:
        sys.exit(f"{max(sizes):,} bytes are more than {LIMIT:,}")


if __name__ == "__main__":
    main()
