"""Make the animation of the README, `docs/view.gif`, from screenshots of the real page: `python docs/film.py`.

It starts `loopstat view`, moves sliders and a price, chooses sessions and reads one, as a hand would, in Chromium.
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from loopstat.io.recordings import path

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

HERE = Path(__file__).parent
FILM = HERE / "view.gif"
SIZE = (960, 640)
SECONDS = 0.2  # a frame
COLOURS = 48
LIMIT = 2_000_000  # bytes
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
        taken = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
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


SCENES: tuple[tuple[str, Callable[[Film], None]], ...] = (
    ("moves%20simulate", simulator),
    ("decide?objectives=fitness&where=model%3Dgpt-4o", decision),
)


def main() -> None:
    """Play the scenes and write the animation."""
    from playwright.sync_api import sync_playwright

    with served(str(path("llamea"))) as address, sync_playwright() as player:
        browser = player.chromium.launch(**CHROMIUM)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="light")
        film = Film(page)
        for desk, play in SCENES:
            page.goto("about:blank")
            page.goto(f"{address}#{desk}")
            play(film)
        browser.close()
    film.write(FILM)
    size = FILM.stat().st_size
    sys.stdout.write(f"{FILM.name}: {len(film.frames)} frames, {sum(film.seconds):.0f} s, {size:,} bytes\n")
    if size > LIMIT:
        sys.exit(f"the animation takes {size:,} bytes, more than {LIMIT:,}")


if __name__ == "__main__":
    main()
