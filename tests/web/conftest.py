"""The real `loopstat view` as a process on a free port, and a tab of a real browser on it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import WIDE, executable


class Served:
    """A running `loopstat view`.

    Attributes
    ----------
    address : str
        `http://127.0.0.1:PORT/TOKEN/`.
    process : Popen
    """

    def __init__(self, *arguments: object, state: Path, env: dict[str, str] | None = None) -> None:
        self.arguments, self.state, self.env = [str(a) for a in arguments], state, env or {}
        self.start()

    def start(self) -> None:
        """Start it, or start it again with the same arguments."""
        env = {**os.environ, "XDG_STATE_HOME": str(self.state), "OMP_NUM_THREADS": "1", **self.env}
        command = [executable(), "view", "--no-open", *self.arguments]
        with (self.state / "stderr.txt").open("ab") as said:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=env)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.stderr

    @property
    def stderr(self) -> str:
        """What it said on standard error so far."""
        return (self.state / "stderr.txt").read_text(encoding="utf-8")

    @property
    def origin(self) -> str:
        """The address without the token."""
        return self.address.rsplit("/", 2)[0]

    def kill(self) -> None:
        """End it without notice."""
        self.process.kill()
        self._ended()

    def stop(self) -> int:
        """Interrupt it as Ctrl-C does and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self._ended()

    def _ended(self) -> int:
        with self.process:
            return self.process.wait(10)


Serve = Callable[..., Served]


def free_port() -> int:
    """Return a port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Return a function that starts `loopstat view` with further arguments; all are ended afterwards."""
    running: list[Served] = []

    def start(*arguments: object, **env: str) -> Served:
        found = Served(*arguments, "--port", free_port(), state=tmp_path_factory.mktemp("state"), env=env)
        running.append(found)
        return found

    yield start
    for found in running:
        found.kill()


@pytest.fixture(scope="module")
def served_files() -> tuple[Path, ...]:
    """Tables that `served` is started with; a test file overrides this."""
    return ()


@pytest.fixture(scope="module")
def served(serve: Serve, served_files: tuple[Path, ...]) -> str:
    """Address of a running `loopstat view`, one for the test file."""
    return serve(*served_files).address


@pytest.fixture
def tab(chromium: Any, served: str) -> Iterator[Any]:
    """A tab on the page; afterwards its console must be silent and nothing outside it asked for.

    A test that provokes a message takes it out of `tab.said`.
    """
    context = chromium.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
    page = context.new_page()
    page.said, asked = [], []
    page.on("console", lambda m: page.said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served)
    yield page
    context.close()
    assert page.said == [], "the console is silent"
    origin = served.rsplit("/", 2)[0]
    outside = [u for u in asked if not u.startswith((f"{origin}/", "data:", "blob:", origin.replace("http", "ws")))]
    assert outside == [], "nothing but the server is asked"


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an installed package that brings the lens of `levers.py`."""
    site = tmp_path_factory.mktemp("site")
    metadata = site / "levers-1.0.dist-info"
    metadata.mkdir()
    (site / "levers.py").write_text((Path(__file__).parent / "levers.py").read_text(encoding="utf-8"), encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: levers\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[loopstat.lenses]\nlevers = levers:LENS\n", encoding="utf-8")
    return site


def with_site(site: Path) -> dict[str, str]:
    """Return the environment in which the package in a folder is installed."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))}
