"""Where commands write to: devices, FIFOs, links, modes, refusals, and outputs that fail beside others that do not."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT, executable, invoke, loop_rows, shell, strict_json, write_table
from loopstat.errors import OutputError, SettingsError
from loopstat.faces.console import columns
from loopstat.io.write import check_targets, write_file

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`

SAVING = ("moves", "simulate", "--replicates", 20)  # the quickest command with three outputs


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small table."""
    return write_table(tmp_path / "loops.csv", loop_rows(12, 5))


@pytest.fixture
def stranger() -> Iterator[Path]:
    """Yield a folder nobody may write in, while this process acts as a user without rights."""
    mighty = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "old.json").write_text("old")
        (folder / "old.json").chmod(0o444)
        folder.chmod(0o555)
        if mighty:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if mighty:
                os.seteuid(0)
            folder.chmod(0o755)


def _read_in_thread(fifo: Path) -> tuple[threading.Thread, list[bytes]]:
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(fifo.read_bytes()), daemon=True)
    thread.start()
    return thread, found


@pytest.mark.parametrize("option", ["--json", "--html", "--save"])
def test_a_fifo_is_written_into(option: str, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    thread, found = _read_in_thread(fifo)
    assert invoke(*SAVING, option, fifo).exit_code == 0
    thread.join(10)
    assert len(found[0]) > 100
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_a_device_is_written_into(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    assert invoke(*SAVING, "--json", "/dev/null", "--html", link, "--save", "/dev/null").exit_code == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert link.is_symlink()


def test_standard_output_by_its_path_is_the_data_alone(table: Path, tmp_path: Path) -> None:
    piped = shell("analyze", table, "--bootstrap", 0, "--json", "/dev/stdout")
    assert strict_json(piped.stdout)["groups"]
    with (tmp_path / "out.json").open("w") as stream:
        command = [executable(), "analyze", str(table), "--bootstrap", "0", "--json", "/dev/stdout"]
        subprocess.run(command, stdout=stream, stderr=subprocess.DEVNULL, check=True)
    assert strict_json((tmp_path / "out.json").read_text())["groups"]


def test_standard_error_by_its_path_keeps_what_was_said_before(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as stream:
        stream.write("before\n")
        stream.flush()
        command = [executable(), *map(str, SAVING), "--save", "/dev/stderr"]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=stream, check=True)
    lines = log.read_text().splitlines()
    assert lines[0] == "before"
    assert lines[1] == "{"
    assert lines[-1] == "wrote /dev/stderr"


def test_links_stay_links_and_modes_stay(tmp_path: Path) -> None:
    real, link, other = tmp_path / "real.json", tmp_path / "link.json", tmp_path / "other.json"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_file(link, "new")
    assert link.is_symlink()
    assert (real.read_text(), stat.S_IMODE(real.stat().st_mode)) == ("new", 0o640)
    other.hardlink_to(real)
    write_file(other, "newer")
    assert real.read_text() == "newer", "a second name of a file goes on naming it"
    hanging = tmp_path / "hanging"
    hanging.symlink_to(tmp_path / "made" / "later.json")
    write_file(hanging, "there")
    assert hanging.is_symlink()
    assert (tmp_path / "made" / "later.json").read_text() == "there"


def test_new_files_have_the_mode_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "new", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_long_names_can_be_written(tmp_path: Path) -> None:
    write_file(tmp_path / ("n" * 255), "x")
    assert [p.name for p in tmp_path.iterdir()] == ["n" * 255]


def test_an_ordinary_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    with path.open() as reader:
        write_file(path, "new")
        assert reader.read() == "old", "who reads the old file goes on reading it"
    assert path.read_text() == "new"


@pytest.mark.parametrize("kind", ["same", "symbolic", "hard", "glob", "dots"])
def test_an_input_is_never_overwritten(kind: str, table: Path, tmp_path: Path) -> None:
    before, target, source = table.read_bytes(), tmp_path / "other", table
    if kind == "symbolic":
        target.symlink_to(table)
    elif kind == "hard":
        target.hardlink_to(table)
    elif kind == "dots":
        target = tmp_path / ".." / tmp_path.name / table.name
    else:
        target, source = table, tmp_path / "*.csv" if kind == "glob" else table
    for command, option in (("analyze", "--html"), ("balance", "--json"), ("moves calibrate", "--out")):
        result = invoke(*command.split(), source, option, target)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"{option} {target} would overwrite {table}" in result.stderr
    assert table.read_bytes() == before


def test_settings_and_noise_files_are_inputs_too(table: Path, tmp_path: Path) -> None:
    settings, noise = tmp_path / "s.json", tmp_path / "noise.json"
    noise.write_text("{}")
    assert invoke(*SAVING, "--save", settings).exit_code == 0
    assert "would overwrite" in invoke(*SAVING, "--settings", settings, "--save", settings).stderr
    assert "would overwrite" in invoke("analyze", table, "--scorer-noise", noise, "--json", noise).stderr


def test_the_same_path_twice_is_refused(table: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "out")
    for second in (tmp_path / "out", tmp_path / "." / "out", link):
        result = invoke("analyze", table, "--json", tmp_path / "out", "--html", second)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "--json and --html both write to" in result.stderr
    assert not (tmp_path / "out").exists()
    assert invoke("analyze", table, "--json", "-", "--html", "-").exit_code == 2
    assert invoke("analyze", table, "--json", "/dev/null", "--html", "/dev/null").exit_code == 0


@pytest.mark.parametrize("target", [".", "", "/", "new/", "table.csv/x", "s.sock", "loop", "n" * 300, "a\0b"])
@pytest.mark.parametrize("option", ["--json", "--html", "--save"])
def test_paths_that_cannot_be_written_are_refused_before_the_work(
    option: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.chdir(tmp_path)
    (tmp_path / "table.csv").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.sock")
        result = invoke(*SAVING, option, target)
    assert (result.exit_code, result.stdout) == (2, ""), "nothing was computed"
    assert option in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_permission_is_found_before_the_work(stranger: Path) -> None:
    for target in (stranger / "old.json", stranger / "new.json", stranger / "deep" / "new.json"):
        with pytest.raises(SettingsError, match="no permission"):
            check_targets({"--json": str(target)})


def test_a_full_disk_costs_only_what_is_on_it(table: Path, tmp_path: Path) -> None:
    result = invoke("analyze", table, "--bootstrap", 0, "--json", "/dev/full", "--html", tmp_path / "page.html")
    assert result.exit_code == 1
    assert "all sessions" in result.stdout
    assert result.stderr.endswith("error: /dev/full: cannot be written: No space left on device.\n")
    assert "</html>" in (tmp_path / "page.html").read_text()
    with pytest.raises(OutputError, match="No space left"):
        write_file("/dev/full", "x")


def test_full_standard_output_costs_no_file(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [executable(), *map(str, SAVING), "--json", str(tmp_path / "o.json")]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("error: standard output: cannot be written: No space left on device.\n")
    assert strict_json((tmp_path / "o.json").read_text())


@pytest.mark.parametrize("arguments", [["--help"], ["analyze", "--help"], ["explain"], ["template"]])
def test_full_standard_output_of_small_commands(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([executable(), *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: No space left on device.\n")


def test_a_reader_that_goes_away_costs_no_file_and_is_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [executable(), *map(str, SAVING), "--json", str(tmp_path / "o.json")]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, f"wrote {tmp_path / 'o.json'}\n")
    assert strict_json((tmp_path / "o.json").read_text())


@pytest.mark.parametrize("kind", ["file", "report", "source"])
def test_the_demo_looks_before_it_works(kind: str, tmp_path: Path) -> None:
    from loopstat.io.recordings import path

    folder = tmp_path / "demo"
    if kind == "file":
        folder.write_text("mine")
    elif kind == "report":
        (folder / "report.html").mkdir(parents=True)
    else:
        folder.symlink_to(path("llamea").parent)
    result = invoke("demo", "--output", folder)
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(folder) in result.stderr or "would overwrite" in result.stderr


def test_the_module_runs_as_the_command() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "loopstat"]
    for arguments in (["--version"], ["analyze", "--help"], ["explain", "lag"], ["analyze", "absent.csv"]):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=environment, check=False)
        same = shell(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (same.returncode, same.stdout, same.stderr)


def test_letters_the_terminal_lacks() -> None:
    done = shell(*SAVING, PYTHONIOENCODING="ascii:strict")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("asked", "width"),
    [("0", 100), ("1", 40), ("39", 40), ("49", 49), ("-7", 100), ("wide", 100), ("9" * 5000, 100), ("1000000000", 110)],
)
def test_widths_stay_readable(asked: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", asked)
    assert columns() == width


@pytest.mark.parametrize("asked", ["1", "45"])
def test_narrow_terminals(asked: str, table: Path) -> None:
    for arguments in (["analyze", table, "--bootstrap", 0], ["balance", table, "--state", "bins:2"], SAVING):
        result = invoke(*arguments, env={"COLUMNS": asked})
        assert result.exit_code == 0, result.stderr
        long = [line for line in result.stdout.splitlines() if len(line) > max(int(asked), 40)]
        assert not long


def test_an_interrupt_while_the_command_loads(tmp_path: Path) -> None:
    # A module that loads for ever stands in the way of the first import of the command line.
    (tmp_path / "click.py").write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT / "src")])
    command = [sys.executable, "-m", "loopstat", "--help"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "interrupted.\n")
    assert process.returncode == 130
