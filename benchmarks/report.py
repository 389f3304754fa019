"""Measure the report: `python -m benchmarks.report` writes a large one, opens it in Chromium and prints one table.

1,500 sessions of 51 scores of 4 objectives in 15 groups: read from a table, analysed with 1,000 bootstrap replicates,
written as one page; then opened until the load event, and until the first chart has been painted.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from .loops import Loop

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
GROUPS, SESSIONS, STEPS = 15, 100, 51
OPENED = 5  # times; the median is printed
FIRST = """() => new Promise((done) => {
  const fan = document.querySelector(".fan");
  fan.scrollIntoView({behavior: "instant"});
  const look = () => (fan.querySelector("canvas") ? requestAnimationFrame(() => done()) : requestAnimationFrame(look));
  look();
})"""


def write_table(path: Path) -> Path:
    """Write the table: every group a loop of its own seed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    M = np.diag([0.9, 0.8, 0.6, 0.4]) + 0.04
    loop = Loop(M, np.array([6.0, 5.0, 7.0, 4.0]), np.eye(4), np.array([2.0, 3.0, 5.0, 4.0]), np.eye(4))
    x = np.concatenate([loop.run(rng, SESSIONS, STEPS) + rng.normal(size=4) for _ in range(GROUPS)])
    n = GROUPS * SESSIONS
    columns = {
        "session": np.repeat(np.arange(n), STEPS),
        "step": np.tile(np.arange(STEPS), n),
        "model": [f"model-{k % 5}" for k in range(GROUPS) for _ in range(SESSIONS * STEPS)],
        "strategy": [f"strategy-{k // 5}" for k in range(GROUPS) for _ in range(SESSIONS * STEPS)],
        **{name: x[:, :, j].ravel() for j, name in enumerate(("security", "speed", "length", "style"))},
    }
    pq.write_table(pa.table(columns), path)
    return path


def written(source: Path, target: Path) -> dict[str, float]:
    """Return seconds to read and analyse, and to write the page."""
    from loopstat.faces.run import answer, page_text
    from loopstat.io.write import write_file
    from loopstat.lenses import lens

    (analyze,) = lens("drift").commands

    start = time.perf_counter()
    result = answer(analyze, [str(source)], {"by": ["model", "strategy"], "command": "loopstat analyze"})
    middle = time.perf_counter()
    write_file(target, page_text(analyze, result))
    return {"read and analyse": middle - start, "write the page": time.perf_counter() - middle}


def opened(page: Path) -> dict[str, float]:
    """Return median seconds from asking for the page to its load event, and to its first painted chart."""
    from playwright.sync_api import sync_playwright

    loads, paints = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for _ in range(OPENED):
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            start = time.perf_counter()
            tab.goto(page.as_uri(), wait_until="load")
            loads.append(time.perf_counter() - start)
            tab.evaluate(FIRST)
            paints.append(time.perf_counter() - start)
            tab.close()
        browser.close()
    return {"open, to the load event": statistics.median(loads), "open, to the first chart": statistics.median(paints)}


def main() -> int:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        rows = [
            (f"{what}", f"{s:.2f} s") for what, s in written(write_table(Path(folder) / "runs.parquet"), page).items()
        ]
        rows.append(("size", f"{page.stat().st_size / 1e6:.2f} MB"))
        if Path(CHROMIUM).exists():
            rows += [(what, f"{s:.2f} s") for what, s in opened(page).items()]
        else:
            rows.append(("open", f"{CHROMIUM} is missing"))
    print(f"{GROUPS * SESSIONS:,} sessions x {STEPS} steps x 4 objectives, {GROUPS} groups\n")
    print("| | |\n|---|--:|")
    for what, value in rows:
        print(f"| {what} | {value} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
