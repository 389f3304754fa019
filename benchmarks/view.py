"""How fast the interactive page answers: the real `loopstat view` in a real browser.

A hand moves the first slider of the first desk with presets 200 times; a move ends when the answer to it has been
painted and the browser has begun its next frame. Beside it stands what an idle page takes from one frame to the next,
which no page can beat, and what the server took of it. The rest: the first load, the whole answer after the hand lets
go, and a table of a million rows.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import loopstat

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZE = {"width": 1280, "height": 900}
SECONDS = 120  # within which anything must have happened
MOVES, WARM = 200, 10
SESSIONS, STEPS = 100_000, 10

WATCHED = """
new MutationObserver(() => {
  const now = document.documentElement.dataset;
  if (now.painted && !window.firstPainted) window.firstPainted = performance.now();
  if (now.exact && !window.firstExact) window.firstExact = performance.now();
}).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-painted", "data-exact"] });
"""
EXACT = "document.documentElement.dataset.exact === '1'"
IDLE = """
() => new Promise((done) => {
  const seen = [];
  const next = (now) => {
    seen.push(now);
    if (seen.length > 60) done(seen.slice(1).map((t, k) => t - seen[k])); else requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})
"""
DRAGGED = """
async ([selector, moves, warm]) => {
  const root = document.documentElement, frame = () => new Promise((done) => requestAnimationFrame(done));
  const slider = document.querySelector(selector), low = Number(slider.min), high = Number(slider.max);
  const painted = () => new Promise((done) => {
    const watch = new MutationObserver(() => { watch.disconnect(); done(); });
    watch.observe(root, { attributes: true, attributeFilter: ["data-painted"] });
  });
  const times = [];
  slider.focus();
  for (let k = 0; k < moves + warm; k++) {
    const share = 0.5 + 0.35 * Math.sin(k / 7) + 0.01 * (k % 3);
    const hand = document.querySelector(selector);
    hand.value = String(low + share * (high - low));
    const there = painted(), begun = performance.now();
    hand.dispatchEvent(new Event("input", { bubbles: true }));
    await there;
    await frame();
    if (k >= warm) times.push(performance.now() - begun);
    await frame();
  }
  return times;
}
"""
RELEASED = """
async (selector) => {
  const root = document.documentElement, slider = document.querySelector(selector), begun = performance.now();
  slider.dispatchEvent(new Event("change", { bubbles: true }));
  while (root.dataset.exact !== "1") await new Promise((done) => requestAnimationFrame(done));
  return performance.now() - begun;
}
"""


@dataclass
class Row:
    """One line of the table."""

    what: str
    median: str = ""
    high: str = ""
    remark: str = ""


@dataclass
class Heard:
    """What came over the socket: what the server took of each live answer, and the document last seen."""

    took: list[float] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)

    def frame(self, payload: str | bytes) -> None:
        """Take in one frame."""
        import json

        if isinstance(payload, bytes):
            header = json.loads(payload[4 : 4 + int.from_bytes(payload[:4], "little")])
            if header["kind"] == "document":
                self.document = header["document"]
                if header["live"]:
                    self.took.append(header["took"])

    def drawn(self) -> tuple[int, int]:
        """Return how many charts and single paths the document last seen has."""
        charts = list(_charts(self.document.get("sections", [])))
        paths = sum(m["y"]["f32"][1] for c in charts for m in c["marks"] if m["kind"] == "paths")
        return len(charts), paths


def _charts(blocks: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if block["type"] == "section":
            yield from _charts(block["blocks"])
        elif block["type"] == "chart":
            yield block


# ---------------------------------------------------------------------------- server and browser


@contextmanager
def served(*files: Path) -> Iterator[str]:
    """Run `loopstat view` and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as state:
        command = [str(Path(sys.executable).with_name("loopstat")), "view", "--no-open", "--port", str(port)]
        env = {**os.environ, "XDG_STATE_HOME": state}
        with subprocess.Popen([*command, *map(str, files)], stdout=subprocess.PIPE, text=True, env=env) as process:
            assert process.stdout is not None  # noqa: S101
            try:
                yield process.stdout.readline().strip()
            finally:
                process.send_signal(signal.SIGINT)
                process.wait(30)


@contextmanager
def tab(address: str) -> Iterator[tuple[Any, Heard, list[int]]]:
    """Open a page in headless Chromium; yield it, what its socket hears, and the sizes of what was loaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport=SIZE)
        page.set_default_timeout(1000 * SECONDS)
        heard, sizes = Heard(), []
        page.on("websocket", lambda line: line.on("framereceived", heard.frame))
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
        page.add_init_script(WATCHED)
        page.goto(address)
        yield page, heard, sizes
        browser.close()


def until(page: Any, what: str) -> None:
    """Wait until an expression holds; what waits inside the page is refused by its content policy."""
    page.evaluate(f"async () => {{ while (!({what})) await new Promise((done) => requestAnimationFrame(done)); }}")


def first_slider(page: Any, within: str) -> str:
    """Return a selector of the first slider that can be seen in a part of the page."""
    page.wait_for_selector(f"{within} input[type=range]")
    return f"{within} input[type=range]"


def desk_to_pull(page: Any) -> str:
    """Return the first desk with presets."""
    return str(
        page.evaluate("async () => (await (await fetch('desks')).json()).desks.find((d) => d.presets.length).name")
    )


# ---------------------------------------------------------------------------- what is measured


def quantiles(values: Sequence[float]) -> tuple[str, str]:
    """Return median and 95 % quantile in milliseconds."""
    high = statistics.quantiles(values, n=20, method="inclusive")[-1]
    return f"{statistics.median(values):.1f} ms", f"{high:.1f} ms"


def simulator(moves: int) -> Iterator[Row]:
    """Measure the desk of a simulation: first load, slider, release."""
    with served() as address:
        yield from loaded(address, "first load at once", 0.0)
        yield from loaded(address, "first load, server up for 5 s", 5.0)
        with tab(address) as (page, heard, _):
            page.goto(f"{address}#{desk_to_pull(page)}")
            until(page, EXACT)
            yield Row("from frame to frame, idle", *quantiles(page.evaluate(IDLE)), "the browser's own")
            slider = first_slider(page, "#panel")
            heard.took.clear()
            times = page.evaluate(DRAGGED, [slider, moves, WARM])
            charts, paths = heard.drawn()
            yield Row("slider to painted", *quantiles(times), f"{charts} charts, {paths} paths, {moves} moves")
            yield Row("  of which the server", *quantiles(heard.took), "computing, document and frame")
            refined = []
            for _ in range(5):
                page.evaluate(DRAGGED, [slider, 2, 0])
                refined.append(page.evaluate(RELEASED, slider))
            yield Row("release to refined", *quantiles(refined), "the whole answer, 5 times")


def loaded(address: str, what: str, seconds: float) -> Iterator[Row]:
    """Measure a first load in a new browser."""
    time.sleep(seconds)
    with tab(address) as (page, _, sizes):
        until(page, "window.firstPainted")
        first, asked = page.evaluate(
            "[window.firstPainted, performance.getEntriesByType('paint').map((p) => p.startTime)[0]]"
        )
        remark = f"{sum(sizes) / 1000:.0f} KB; something seen after {asked:.0f} ms"
        yield Row(f"{what}: first answer painted", f"{first:.0f} ms", "", remark)


def million(moves: int) -> Iterator[Row]:
    """Measure a table of a million rows: the first answer, and the hand of its price."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.parquet"
        write_million(path)
        begun = time.perf_counter()
        with served(path) as address:
            yield Row("a million rows: `loopstat view` says its address", f"{time.perf_counter() - begun:.2f} s")
            with tab(f"{address}#decide") as (page, heard, _):
                until(page, EXACT)
                first = page.evaluate("window.firstExact")
                yield Row("a million rows: first answer", f"{first / 1000:.2f} s", "", "decide, reading included")
                slider = first_slider(page, "#document")
                heard.took.clear()
                times = page.evaluate(DRAGGED, [slider, moves, WARM])
                yield Row("a million rows: price to painted", *quantiles(times), f"{heard.drawn()[0]} charts")
                yield Row("  of which the server", *quantiles(heard.took))


def write_million(path: Path) -> None:
    """Write sessions that rise and level off, with two objectives and four strategies."""
    import duckdb

    with duckdb.connect() as con:
        con.execute("SELECT setseed(0.5)")
        con.execute(
            f"""COPY (SELECT 's' || s AS session, t AS step, 'plan-' || (s % 4) AS strategy,
            5 * (1 - pow(0.6 + 0.05 * (s % 4), t)) + 2 * random() AS quality, 3 - 0.1 * t + random() AS speed
            FROM range({SESSIONS}) AS a(s), range({STEPS}) AS b(t) ORDER BY s, t) TO '{path}' (FORMAT parquet)"""  # noqa: S608
        )


# ---------------------------------------------------------------------------- the table


def table(rows: Sequence[Row]) -> str:
    """Return the rows as aligned text that is a Markdown table too."""
    cells = [("", "median", "95 %", "remark"), *((r.what, r.median, r.high, r.remark) for r in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(4)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def machine() -> str:
    """Return what this was measured on."""
    load = os.getloadavg()[0]
    return (
        f"loopstat {loopstat.__version__}, Python {platform.python_version()}, {platform.machine()}, "
        f"{os.cpu_count()} processors, headless Chromium without a graphics card; load at the end {load:.1f}."
    )


PARTS: dict[str, Callable[[int], Iterator[Row]]] = {"simulator": simulator, "million": million}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    about = (__doc__ or "").split("\n\n")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.view", description=about[0])
    parser.add_argument("--moves", type=int, default=MOVES, help=f"moves of a hand (default {MOVES})")
    parser.add_argument("--only", choices=sorted(PARTS), help="measure one part")
    parser.add_argument("--write", type=Path, metavar="PATH", help="write the table to a page as well")
    options = parser.parse_args(arguments)
    rows = []
    for name, part in PARTS.items():
        for row in part(options.moves) if options.only in (None, name) else ():
            rows.append(row)
            print(f"  {row.what.strip()}: {row.median} {row.high} {row.remark}", file=sys.stderr, flush=True)
    text = table(rows)
    print(text, machine(), sep="\n\n")
    if options.write:
        about = [part.strip() for part in about[1:]]
        said = "\n\n".join(["# Benchmarks of the interactive page", "    python -m benchmarks.view", *about, text])
        options.write.write_text(f"{said}\n\n{machine()}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
