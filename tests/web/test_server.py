"""The server behind the page: the address it prints, what it serves, what can be downloaded, and how it ends."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import duckdb
import pytest

from conftest import executable, invoke, loop_rows, shell, write_table
from web.conftest import Serve, Served, free_port, with_site
from web.wire import answered, got, opened

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/([A-Za-z0-9_-]{32})/\n")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("tables") / "loops.csv", loop_rows())


@pytest.fixture(scope="module")
def running(serve: Serve, outside: Path, table: Path) -> Served:
    return serve(table, **with_site(outside))


# ------------------------------------------------------------------------------- the command


def _started(*arguments: object, **env: str) -> subprocess.Popen[str]:
    command = [executable(), "view", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **env}
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_one_line_of_output_and_a_quiet_end(tmp_path: Path, how: signal.Signals) -> None:
    with _started("--no-open", "--port", free_port(), XDG_STATE_HOME=str(tmp_path)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert ADDRESS.fullmatch(line)
        with opened(line.strip()) as tab:
            assert answered(tab, 1, "moves simulate")["kind"] == "document"
            process.send_signal(how)
            rest, said = process.communicate(timeout=10)
    assert (process.returncode, rest, said) == (0, "", "")


def test_the_address_waits_for_nothing_that_only_answers_need() -> None:
    code = "import sys, loopstat.faces.web.server; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"scipy", "numba", "duckdb", "jinja2", "latex2mathml", "matplotlib", "pandas", "polars", "pyarrow"}
    assert not heavy & set(done.stdout.split())


def test_every_module_is_asked_for_before_another_asks_for_it() -> None:
    static = Path(str(files("loopstat.faces.web") / "static"))
    asked = re.findall(
        r'href="static/(\w+\.js)"|type="module" src="static/(\w+\.js)"', (static / "index.html").read_text()
    )
    assert sorted(a or b for a, b in asked) == sorted(path.name for path in static.glob("*.js"))


def test_work_that_cannot_be_called_off_does_not_keep_it(serve: Serve, outside: Path) -> None:
    running = serve(**with_site(outside))
    with opened(running.address) as tab:
        tab.send(json.dumps({"do": "answer", "seq": 1, "slot": 0, "desk": "levers pull", "settings": {"rounds": 9000}}))
        tab.recv(timeout=20)
        begun = time.monotonic()
        assert running.stop() == 0
    assert time.monotonic() - begun < 6


def test_a_browser_is_opened_unless_it_is_not_wanted(tmp_path: Path) -> None:
    script, seen = tmp_path / "browser", tmp_path / "seen"
    script.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    script.chmod(0o755)
    env = {"XDG_STATE_HOME": str(tmp_path), "BROWSER": str(script)}
    for wanted in ([], ["--no-open"]):
        seen.unlink(missing_ok=True)
        with _started("--port", free_port(), *wanted, **env) as process:
            assert process.stdout is not None
            address = process.stdout.readline()
            deadline = time.monotonic() + (2 if wanted else 20)
            while not seen.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=10)
        assert (seen.read_text() if seen.exists() else "") == ("" if wanted else address)


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = shell("view", "--no-open", "--port", port, XDG_STATE_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"port {port} cannot be used: Address already in use." in done.stderr
    assert "Traceback" not in done.stderr


def test_the_next_port_where_ours_is_taken(tmp_path: Path) -> None:
    with (
        _started("--no-open", XDG_STATE_HOME=str(tmp_path)) as one,
        _started("--no-open", XDG_STATE_HOME=str(tmp_path)) as two,
    ):
        lines = []
        for process in (one, two):
            assert process.stdout is not None
            lines.append(ADDRESS.fullmatch(process.stdout.readline()))
        for process in (one, two):
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=10)
    assert all(lines)
    assert len({line and line[1] for line in lines}) == 2
    assert len({line and line[2] for line in lines}) == 2, "each has its own token"


@pytest.mark.parametrize("port", ["0", "65536", "many"])
def test_ports_that_are_none(port: str) -> None:
    assert invoke("view", "--port", port).exit_code == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (None, b"", "no such file."),
        ("empty.csv", b"", "the file is empty."),
        ("noise.csv", bytes(range(256)) * 8, "not"),
        ("packed.csv", b"PK\x03\x04" + b"\x00" * 100, "is not a table loopstat reads: it is a ZIP archive"),
        ("folder", None, "is a directory, not a table"),
    ],
)
def test_what_is_no_table_is_said_before_anything_is_served(
    tmp_path: Path, name: str | None, content: bytes | None, said: str
) -> None:
    path = tmp_path / (name or "nosuchfile.csv")
    if content is None:
        path.mkdir()
    elif name is not None:
        path.write_bytes(content)
    done = shell("view", path, "--no-open", XDG_STATE_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert path.name in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_that_cannot_be_kept_is_used_once(tmp_path: Path) -> None:
    (tmp_path / "loopstat").write_text("in the way")
    with _started("--no-open", "--port", free_port(), XDG_STATE_HOME=str(tmp_path)) as process:
        assert process.stdout is not None
        address = process.stdout.readline()
        assert got(address.strip())[0] == 200
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert said.startswith("the address will be another one next time")


# ------------------------------------------------------------------------------- what is served


def test_the_page_and_its_files(served: str) -> None:
    status, headers, page = got(served)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    text = page.decode()
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)", text), "nothing inline"
    named = re.findall(r'(?:src|href)="([^"#]+)"', text)
    kinds = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "png": "image/png"}
    for name in named:
        assert name.startswith(("static/", "data:")), name
        if name.startswith("static/"):
            status, headers, _ = got(served + name)
            assert (status, headers.get_content_type()) == (200, kinds[name.rpartition(".")[2]]), name
    for name in ("uPlot.iife.min.js", "uPlot.min.css", "page.css", "svg.css", "tones.css"):
        assert got(f"{served}static/{name}")[0] == 200


def test_files_that_did_not_change_are_not_sent_again(served: str) -> None:
    _, headers, _ = got(f"{served}static/page.css")
    status, again, body = got(f"{served}static/page.css", If_None_Match=headers["ETag"])
    assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
    assert "default-src 'none'" in again["Content-Security-Policy"]


def test_files_are_packed_for_those_who_can_unpack_them(served: str) -> None:
    _, plain, text = got(f"{served}static/uPlot.iife.min.js")
    _, packed, few = got(f"{served}static/uPlot.iife.min.js", Accept_Encoding="gzip, br")
    assert (plain["Content-Encoding"], packed["Content-Encoding"]) == (None, "gzip")
    assert gzip.decompress(few) == text
    assert len(few) < len(text) / 2


def test_tones_are_those_of_charts(served: str) -> None:
    from loopstat.results.chart import TONES

    text = got(f"{served}static/tones.css")[2].decode()
    for name, (light, dark) in TONES.items():
        assert text.count(f"--{name}:{light};") == 1
        assert text.count(f"--{name}:{dark};") == 2, "as the screen prefers, and as the page was told"
        assert f".t-{name}" in text


def test_what_can_be_asked(running: Served, table: Path) -> None:
    from loopstat import __version__
    from loopstat.lenses import lenses

    said = json.loads(got(f"{running.address}desks")[2])
    assert said["version"] == __version__
    assert said["uploads"]["most"] > 0
    ours = [c.name for item in lenses() for c in item.commands if c.on_page]
    assert [d["name"] for d in said["desks"] if d["lens"] != "levers"] == ours
    assert [(s["id"], Path(s["name"]).name) for s in said["sources"]] == [("s1", table.name)]


# ------------------------------------------------------------------------------- downloads


def _downloaded(running: Served, what: str, desk: str, settings: Any = None, **more: Any) -> tuple[int, Any, bytes]:
    message = {"desk": desk, "settings": settings or {}, "what": what, **more}
    return got(f"{running.address}download", body=json.dumps(message).encode(), Content_Type="application/json")


@pytest.mark.parametrize(
    ("desk", "settings", "typed"),
    [
        ("analyze", {"bootstrap": 50, "objectives": ["speed"]}, ["--objectives", "speed", "--bootstrap", "50"]),
        ("decide", {"price": 0.05, "where": ["session!=s1"]}, ["--where", "session!=s1", "--price", "0.05"]),
    ],
)
def test_downloads_are_what_the_command_line_writes(
    running: Served, table: Path, tmp_path: Path, desk: str, settings: dict[str, Any], typed: list[str]
) -> None:
    json_path, page_path = tmp_path / "out.json", tmp_path / "out.html"
    done = invoke(desk, table, *typed, "--json", json_path, "--html", page_path)
    assert done.exit_code == 0, done.stderr
    status, headers, line = _downloaded(running, "command", desk, settings, sources=["s1"])
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    command = line.decode().strip()
    assert command == " ".join(["loopstat", desk, str(table), *typed]).replace("session!=s1", "'session!=s1'")
    status, headers, data = _downloaded(running, "json", desk, settings, sources=["s1"])
    assert (status, headers.get_content_type()) == (200, "application/json")
    assert headers["Content-Disposition"] == f'attachment; filename="loopstat-{desk}.json"'
    theirs = json_path.read_text(encoding="utf-8")
    assert data.decode() == _said_by(command, theirs), "byte for byte, but for the command"
    status, headers, page = _downloaded(running, "html", desk, settings, sources=["s1"])
    assert (status, headers["Content-Disposition"]) == (200, f'attachment; filename="loopstat-{desk}.html"')
    assert page.decode().count("<figure") == page_path.read_text(encoding="utf-8").count("<figure")


@pytest.mark.slow
def test_every_preset_is_reproduced_by_its_command_line(running: Served, tmp_path: Path) -> None:
    desks = json.loads(got(f"{running.address}desks")[2])["desks"]
    some = [(d["name"], p["values"]) for d in desks if d["lens"] != "levers" for p in d["presets"][:1]]
    assert some
    for desk, values in some:
        names = {row["name"] for d in desks if d["name"] == desk for g in d["groups"] for row in g["rows"]}
        few = {"seed": 3} | ({"replicates": 200} if "replicates" in names else {})
        status, _, line = _downloaded(running, "command", desk, {**values, **few})
        assert status == 200
        typed = shlex.split(line.decode())
        path = tmp_path / "out.json"
        done = invoke(*typed[1:], "--json", path)
        assert done.exit_code == 0, (typed, done.stderr)
        data = _downloaded(running, "json", desk, {**values, **few})[2].decode()
        assert data == _said_by(line.decode().strip(), path.read_text(encoding="utf-8")), (desk, typed)


def _said_by(command: str, text: str) -> str:
    """Return a JSON text with another command line in it."""
    commands = set(re.findall(r'"command": ("(?:[^"\\]|\\.)*")', text))
    assert len(commands) == 1
    return text.replace(f'"command": {commands.pop()}', f'"command": {json.dumps(command)}')


def test_pictures_and_further_files(running: Served) -> None:
    status, headers, picture = _downloaded(running, "svg:path", "levers pull", {"pull": 2})
    assert (status, headers.get_content_type()) == (200, "image/svg+xml")
    assert headers["Content-Disposition"] == 'attachment; filename="loopstat-levers-pull-path.svg"'
    assert ElementTree.fromstring(picture).tag.endswith("svg")  # noqa: S314 - our own
    status, headers, saved = _downloaded(running, "save:note-file", "levers pull", {"pull": 2})
    assert (status, saved) == (200, b"2.0\n")
    assert headers.get_content_type() == "application/json"


def test_a_scored_table_is_downloaded_as_what_it_is(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "steps.csv"
    path.write_text("session,step,artifact\na,0,x = 1\na,1,eval(x)\n")
    status, headers, saved = _downloaded(serve(path), "save:output", "score", sources=["s1"])
    assert (status, headers.get_content_type()) == (200, "application/vnd.apache.parquet")
    assert headers["Content-Disposition"] == 'attachment; filename="loopstat-score-output.parquet"'
    (tmp_path / "scored.parquet").write_bytes(saved)
    rows = duckdb.sql(f"SELECT security FROM '{tmp_path / 'scored.parquet'}'").fetchall()
    assert rows == [(10.0,), (5.0,)]


def test_every_picture_of_a_page_can_be_had(running: Served) -> None:
    with opened(running.address) as tab:
        document = answered(tab, 1, "analyze", {"bootstrap": 50}, sources=["s1"])["document"]
    keys = [b["key"] for s in document["sections"] for b in s["blocks"] if b["type"] == "chart"]
    assert keys
    for key in keys:
        status, _, picture = _downloaded(running, f"svg:{key}", "analyze", {"bootstrap": 50}, sources=["s1"])
        assert status == 200
        assert picture.startswith(b"<svg")


def test_settings_that_are_no_options_are_laid_in(running: Served) -> None:
    line = _downloaded(running, "command", "levers laid", {"pull": 2, "weight": 7})[2]
    assert line == b"loopstat levers laid --set pull=2.0 --set weight=7.0\n"
    given = {"way": "down", "pull": -1, "greased": False, "note": "it's", "named": ["a", "b"], "given": ["a=1", "b=2"]}
    line = _downloaded(running, "command", "levers pull", given)[2]
    words = "--pull=-1.0 --way down --no-greased --note 'it'\"'\"'s' --named a,b --given a=1 --given b=2"
    assert line.decode() == f"loopstat levers pull {words}\n"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"", "JSON object"),
        (b"\xff", "UTF-8"),
        (b"[]", "JSON object"),
        (b'{"desk": "levers pul", "what": "json"}', "did you mean `levers pull`?"),
        (b'{"desk": "levers pull"}', "`what` must be"),
        (b'{"desk": "levers pull", "what": "pdf"}', "`what` must be"),
        (b'{"desk": "levers pull", "what": "json:../../x"}', "`what` must be"),
        (b'{"desk": "levers pull", "what": "svg:"}', "`what` must be"),
        (b'{"desk": "levers pull", "what": "svg:pat"}', "did you mean `path`?"),
        (b'{"desk": "levers pull", "what": "save:/etc/passwd"}', "unknown file"),
        (b'{"desk": "levers pull", "what": "json", "settings": {"pull": 99}}', "`pull` must lie in"),
        (b'{"desk": "analyze", "what": "json"}', "table"),
        (b" " * 1_000_001, "at most 1000000 bytes"),
    ],
)
def test_downloads_that_cannot_be(running: Served, message: bytes, said: str) -> None:
    status, headers, body = got(f"{running.address}download", body=message)
    assert (status, headers.get_content_type()) == (400, "application/json")
    assert said in json.loads(body)["error"]
    assert headers["Cache-Control"] == "no-store"


def test_a_download_that_should_not_have_failed(running: Served) -> None:
    status, _, body = _downloaded(running, "json", "levers pull", {"broken": True})
    assert status == 500
    assert "secret" not in body.decode()
