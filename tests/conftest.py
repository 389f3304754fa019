"""Small recordings, the two ways of running the command line, and a browser, that several test files share."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

ROOT = Path(__file__).resolve().parent.parent
HEADER = ("session", "step", "quality", "speed")
OBJECTIVES = ("quality", "speed", "length")
STRAIGHT = np.array([[0.6, 0.1, 0.0], [0.0, 0.5, 0.1], [0.1, 0.0, 0.4]])
SWINGING = np.array([[0.5, -0.7, 0.0], [0.7, 0.5, 0.0], [0.0, 0.0, 0.3]])

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDE, NARROW = (1280, 900), (400, 800)

Row = tuple[Any, ...]
Open = Callable[..., Any]


def loop_rows(n_sessions: int = 20, n_steps: int = 8, *, seed: int = 0, name: str = "s") -> list[Row]:
    """Return rows (session, step, quality, speed) of a loop that settles near (1.25, 1.25)."""
    rng = np.random.default_rng(seed)
    return [
        (f"{name}{i}", t, *np.round(x, 6).tolist())
        for i in range(n_sessions)
        for t, x in enumerate(_path(0.6 * np.eye(2), np.full(2, 0.5), n_steps, rng))
    ]


def _path(m: Any, b: Any, n_steps: int, rng: np.random.Generator) -> Iterable[Any]:
    x = rng.normal(size=len(b))
    for _ in range(n_steps):
        yield x
        x = m @ x + b + 0.4 * rng.normal(size=len(b))


def write_table(path: Path, rows: Iterable[Sequence[Any]], header: Sequence[str] = HEADER) -> Path:
    """Write a CSV, quoting as CSV asks, and return its path."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def plain_table(path: Path) -> Path:
    """Write a plain loop of three objectives: strategy `straight` settles, `swing` oscillates."""
    rng = np.random.default_rng(7)
    rows = [
        (f"{strategy}-{i}", t, strategy, f"model-{i % 2}", *np.round(x, 6).tolist())
        for strategy, m, n in (("straight", STRAIGHT, 30), ("swing", SWINGING, 60))
        for i in range(n)
        for t, x in enumerate(_path(m, np.array([0.8, 0.4, 0.2]), 9, rng))
    ]
    return write_table(path, rows, ("session", "step", "strategy", "model", *OBJECTIVES))


def lineage_table(path: Path) -> Path:
    """Write a lineage: two proposals a step from the best version so far, some of them without a score."""
    rng = np.random.default_rng(11)
    rows: list[Row] = []
    for i in range(24):
        best, came_from = rng.normal(size=2), (0, "a")
        rows.append((f"run{i}", 0, "a", "", "", "true", *np.round(best, 6).tolist()))
        for t in range(1, 8):
            children = [0.8 * best + 0.1 + 0.5 * rng.normal(size=2) for _ in "ab"]
            good = max((0, 1), key=lambda k: float(children[k][0]))
            taken = children[good][0] > best[0]
            for k, child in enumerate(children):
                scores = ("", "") if rng.random() < 0.05 and k != good else tuple(np.round(child, 6).tolist())
                accepted = "true" if taken and k == good else "false"
                rows.append((f"run{i}", t, "ab"[k], *came_from, accepted, *scores))
            if taken:
                best, came_from = children[good], (t, "ab"[good])
    header = ("session", "step", "candidate", "parent_step", "parent_candidate", "accepted", "score", "size")
    return write_table(path, rows, header)


def invoke(*args: object, env: Mapping[str, str] | None = None) -> Result:
    """Run the command line in this process; warnings are errors here, and nothing but an exit may be raised."""
    from loopstat.faces.cli import main

    plain: dict[str, str | None] = {"NO_COLOR": None, "FORCE_COLOR": None, "TERM": "xterm", "COLUMNS": "100"}
    result = CliRunner(env={**plain, **(env or {})}).invoke(main, [str(a) for a in args], prog_name="loopstat")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def analysed(*args: object) -> dict[str, Any]:
    """Return the JSON of a successful `analyze`, read as strictly as JSON can be."""
    result = invoke("analyze", *args, "--json", "-")
    assert result.exit_code == 0, result.stderr
    return strict_json(result.stdout)


def strict_json(text: str) -> dict[str, Any]:
    """Read JSON, refusing NaN and infinities, which Python would let pass."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def executable() -> str:
    """Return the installed `loopstat` command of this environment."""
    found = shutil.which("loopstat", path=str(Path(sys.executable).parent))
    assert found, "the package is not installed in this environment"
    return found


def shell(*args: object, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a process of its own, without the colour settings of the caller."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS")}
    command = [executable(), *(str(a) for a in args)]
    return subprocess.run(
        command, cwd=cwd, env={**kept, **env}, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="session")
def plain_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the plain table."""
    return plain_table(tmp_path_factory.mktemp("plain") / "plain.csv")


@pytest.fixture(scope="session")
def lineage_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of the lineage."""
    return lineage_table(tmp_path_factory.mktemp("lineage") / "lineage.csv")


@pytest.fixture(scope="session")
def plain_json(plain_path: Path) -> dict[str, Any]:
    """JSON of the plain table by strategy."""
    return analysed(plain_path, "--by", "strategy", "--bootstrap", 200)


@pytest.fixture(scope="session")
def lineage_json(lineage_path: Path) -> dict[str, Any]:
    """JSON of the lineage."""
    return analysed(lineage_path, "--minimize", "size", "--bootstrap", 200)


@pytest.fixture
def loops(tmp_path: Path) -> Path:
    """Path of a small plain loop of two objectives."""
    return write_table(tmp_path / "loops.csv", loop_rows())


# ------------------------------------------------------------------------------ in a browser


def _missing(what: str) -> None:
    message = f"{what} is missing: the report cannot be tested in a browser (see .ci/run)"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Headless Chromium through Playwright; without either tests are skipped, but fail where CI=true."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright")
    if not CHROMIUM.exists():
        _missing(str(CHROMIUM))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any, report_path: Path) -> Iterator[Open]:
    """Return a function that opens the page at `report_path`, a fixture of the test file.

    Afterwards nothing may have been asked of a network or complained of.
    """
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_(size: tuple[int, int] = WIDE, *, unfolded: bool = True, **settings: Any) -> Any:
        context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(report_path.as_uri())
        tab.eval_on_selector_all(
            "details", "(all) => all.forEach((d) => { d.open = unfolded; })".replace("unfolded", json.dumps(unfolded))
        )
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert said == [], "the console is silent"
    outside = [url for url in asked if not url.startswith("data:") and url.split("#")[0] != report_path.as_uri()]
    assert outside == [], "nothing but the file itself is asked for"
