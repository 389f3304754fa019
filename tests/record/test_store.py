"""Stores that are older, newer, damaged, out of reach or somebody else's; and the commands of the log."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import loopstat as ls
from conftest import invoke, strict_json
from loopstat.errors import OutputError
from loopstat.record.reading import Reader
from loopstat.record.results import Exported, Listing, SessionShown, Verified
from loopstat.record.schema import FILE, FORMAT
from loopstat.record.session import Session

FIRST_FORMAT = Path(__file__).parent / "data" / "format1.db"
NOBODY = 65534


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A run directory with two sessions: three steps with texts, and two without."""
    folder = tmp_path / "runs"
    with Session(folder, name="one", task="sort", model="m", sync="normal") as s:
        first = s.step({"speed": 1.0, "safety": 0.5}, text="def f(x):\n    return x\n" * 30)
        s.step({"speed": 2.0, "safety": 0.5}, text="worse", parent=first, accepted=False, step=1)
        s.step({"speed": 3.0, "safety": 0.25}, text="better", parent=first, accepted=True, step=1)
        s.end("target")
    with Session(folder, name="two", sync="normal") as s:
        s.step({"speed": 1.0, "safety": 0.5})
        s.step({"speed": 1.5, "safety": 0.75}, label="a,b")
        s.end("budget", "enough")
    return folder


def changed(runs: Path, statement: str, *values: Any) -> None:
    """Change a store behind the back of whoever wrote it."""
    con = sqlite3.connect(runs / FILE)
    with con:
        con.execute(statement, values)
    con.close()


# ----------------------------------------------------------------------------------------- formats


def old_store(tmp_path: Path) -> Path:
    """Return a run directory as the first format wrote it."""
    folder = tmp_path / "old"
    folder.mkdir()
    shutil.copy(FIRST_FORMAT, folder / FILE)
    return folder


def test_an_older_store_is_read_as_it_is_and_stays(tmp_path: Path) -> None:
    folder = old_store(tmp_path)
    before = (folder / FILE).read_bytes()
    panel = ls.read(folder, objectives=["speed"])
    assert panel.x.ravel().tolist() == [1.0, 2.0, 3.0, 4.0, 0.1, 0.2, 0.1, pytest.approx(float("nan"), nan_ok=True)]
    assert (folder / FILE).read_bytes() == before
    with Reader(folder) as reader:
        assert reader.format == 1
        assert reader.text(4).startswith("again")
    assert invoke("log", "verify", folder).exit_code == 0


def test_an_older_store_is_migrated_when_it_is_written_to(tmp_path: Path) -> None:
    folder = old_store(tmp_path)
    with Reader(folder) as reader:
        before = [(row.name, row.ended) for row in reader.sessions()], [*reader.steps()], reader.digest()
    with Session(folder, name="three", sync="normal") as s:
        assert s.step({"speed": 5.0}).step == 2, "the session that was open goes on"
    with Reader(folder) as reader:
        assert reader.format == FORMAT
        assert list(reader.steps())[: len(before[1])] == before[1]
        assert [(row.name, row.ended) for row in reader.sessions()][:2] == before[0][:2]
    assert invoke("log", "verify", folder).exit_code == 0


def test_a_newer_store_is_read_with_a_remark_and_not_written(runs: Path) -> None:
    changed(runs, f"PRAGMA user_version = {FORMAT + 1}")
    changed(runs, "ALTER TABLE steps ADD COLUMN mood TEXT")
    with Reader(runs) as reader:
        assert f"format {FORMAT + 1}" in reader.notes[0]
        assert len(list(reader.steps())) == 5
    listed = invoke("log", "list", runs)
    assert "newer than" in listed.stdout
    with pytest.raises(ls.InputError, match="written by a newer loopstat"):
        Session(runs)
    changed(runs, "UPDATE meta SET value = ? WHERE key = 'readable_by'", str(FORMAT + 1))
    for command in (["log", "list"], ["log", "verify"], ["decide"]):
        result = invoke(*command, runs)
        assert result.exit_code == 2
        assert "update loopstat" in result.stderr


def test_what_was_opened_before_a_newer_format_came_does_not_write_the_old_one(tmp_path: Path) -> None:
    s = Session(tmp_path, sync="normal")
    changed(tmp_path, f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(ls.InputError, match=f"brought to format {FORMAT + 1}"):
        s.step(1.0)
    s.close()


# ------------------------------------------------------------------------------- what is no store


@pytest.mark.parametrize("content", [b"score,step\n1,2\n" * 100, b"\0" * 5000, b"SQLite format 3\0" + b"\1" * 5000])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ls.InputError, match="is not a database"):
        Session(tmp_path)
    for command in ("list", "show", "verify"):
        result = invoke("log", command, tmp_path)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "is not a database" in result.stderr
    assert (tmp_path / FILE).read_bytes() == content


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    con = sqlite3.connect(tmp_path / FILE)
    with con:
        con.execute("CREATE TABLE programs (id TEXT)")
    con.close()
    with pytest.raises(ls.InputError, match="another program"):
        Session(tmp_path)
    result = invoke("log", "list", tmp_path)
    assert result.exit_code == 2
    assert "another program" in result.stderr


def test_nothing_recorded_and_nothing_there(tmp_path: Path) -> None:
    Session(tmp_path / "empty").close()
    result = invoke("decide", tmp_path / "empty")
    assert result.exit_code == 2
    assert "nothing is recorded yet" in result.stderr
    assert "1 session, 0 steps" in invoke("log", "list", tmp_path / "empty").stdout
    for path in (tmp_path, tmp_path / "nowhere"):
        assert invoke("log", "list", path).exit_code == 2
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot be made a run directory"):
        Session(tmp_path / "file")


# ------------------------------------------------------------------------------------------ damage


def test_every_flipped_byte_is_found_or_harmless(runs: Path) -> None:
    """Flip bytes of the file one at a time: no reader may return other figures without a word."""
    with Reader(runs) as reader:
        steps, sessions = list(reader.steps()), reader.sessions()
        texts = [reader.text(k + 1) for k in range(3)]
    whole = (runs / FILE).read_bytes()
    silent = 0
    for place in range(0, len(whole), 97):
        (runs / FILE).write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            with Reader(runs) as reader:
                same = (list(reader.steps()), reader.sessions()) == (steps, sessions)
                found = [reader.text(k + 1) for k in range(3)]
        except ls.InputError:
            continue
        assert same, f"byte {place}"
        if found != texts:  # texts are checked by `verify`
            assert invoke("log", "verify", runs).exit_code == 2, f"byte {place}"
        silent += 1
    assert silent, "free space is not checked"


def test_damage_is_named(runs: Path) -> None:
    changed(runs, "UPDATE steps SET scores = ? WHERE id = 2", '{"speed":9.0,"safety":0.5}')
    result = invoke("log", "verify", runs, "--json", "-")
    assert result.exit_code == 2
    [store] = strict_json(result.stdout)["stores"]
    assert store["problems"] == ["row 2 of `steps` is not what was written."]
    refused = invoke("decide", runs)
    assert refused.exit_code == 2
    assert "row 2 of `steps` is not what was written" in refused.stderr
    changed(runs, "UPDATE texts SET body = zeroblob(size), packed = 0 WHERE id = 1")
    changed(runs, "DELETE FROM texts WHERE id = 3")
    said = invoke("log", "verify", runs).stdout
    assert "text 1 is not what was written" in said
    assert "names text 3 as `artifact`" in said


def test_a_file_cut_short_says_so(runs: Path) -> None:
    path = runs / FILE
    path.write_bytes(path.read_bytes()[: 3 * 4096])
    result = invoke("log", "verify", runs)
    assert result.exit_code == 2
    assert "damaged" in result.stdout + result.stderr
    with pytest.raises(ls.InputError, match="damaged"):
        ls.read(runs)


# ---------------------------------------------------------------------------------- out of reach


def as_nobody(work: Callable[[], object]) -> str:
    """Return what some work says in a process of a user who owns nothing; everything is imported before."""
    out, into = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            said = str(work())
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        os.write(into, said.encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return said


def _count(runs: Path) -> int:
    with Reader(runs) as reader:
        return len(list(reader.steps()))


def _may_look(path: Path) -> None:
    """Let everybody pass through the folders above, which pytest makes private."""
    for folder in (path, *path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("state", ["ended", "left by a crash", "under way"])
def test_a_directory_without_permission_to_write_is_read_and_not_written(runs: Path, state: str) -> None:
    s = Session(runs, name="last", sync="normal")
    s.step({"speed": 1.0, "safety": 0.0})
    if state == "ended":
        s.close()
    if state == "left by a crash":
        shutil.copytree(runs, runs.with_name("left"), ignore=shutil.ignore_patterns("*-shm"))
        s.close()
        runs = runs.with_name("left")
    _may_look(runs)
    for file in runs.iterdir():
        file.chmod(0o644)
    assert _count(runs) == 6
    assert as_nobody(lambda: _count(runs)) == "6"
    written = as_nobody(lambda: Session(runs))
    assert written.startswith("OutputError: ")
    assert "no permission" in written
    s.close()


def test_a_full_disk_loses_nothing_and_recording_goes_on(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the end of the disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    s = Session(tmp_path, sync="normal")
    told, refused = 0, []
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        for t in range(30):
            try:
                s.step({"x": float(t)}, text=os.urandom(20_000).hex())
                told += 1
            except OutputError as error:
                refused.append(str(error))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert told > 3
    assert len(refused) > 3
    assert all("recorded before is safe" in said for said in refused)
    assert s.step({"x": -1.0}).step == told, "what was refused left no trace"
    s.end("budget")
    with Reader(tmp_path) as reader:
        assert len(list(reader.steps())) == told + 1
    assert invoke("log", "verify", tmp_path).exit_code == 0


@pytest.mark.parametrize("name", ["with space", "ünï☃", "a'quote\"", "100%?#x", "-dash"])
def test_any_name_of_a_directory(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Session(name, sync="normal") as s:
        s.step(1.0, text="a")
        s.step(2.0, text="b")
    assert len(ls.read(name)) == 2
    assert len(ls.read(tmp_path / name)) == 2
    assert invoke("log", "verify", tmp_path / name).exit_code == 0


def test_the_directory_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPSTAT_LOG_DIR", str(tmp_path / "there"))
    Session().close()
    assert (tmp_path / "there" / FILE).is_file()
    monkeypatch.delenv("LOOPSTAT_LOG_DIR")
    monkeypatch.chdir(tmp_path)
    Session().close()
    assert (tmp_path / "logs" / FILE).is_file()


# ---------------------------------------------------------------------------------------- commands


def test_list_show_verify(runs: Path) -> None:
    listed = invoke("log", "list", runs).stdout
    assert listed.startswith("runs: 2 sessions, 5 steps")
    assert "task=sort, model=m" in listed
    shown = invoke("log", "show", runs, "--session", "one", "--step", "1").stdout
    assert "artifact of step 1, candidate 1:\n  better" in shown
    assert "enough" in invoke("log", "show", runs, "--session", "two").stdout
    assert "did you mean" in invoke("log", "show", runs, "--session", "on").stderr.lower()
    assert "has no step 7" in invoke("log", "show", runs, "--step", "7").stderr
    assert "sound: 2 sessions, 5 steps, 3 texts" in invoke("log", "verify", runs).stdout


RESULTS: dict[str, tuple[type[Any], list[str]]] = {
    "list": (Listing, []),
    "show": (SessionShown, ["--session", "one", "--step", "1"]),
    "verify": (Verified, []),
    "export": (Exported, []),
}


@pytest.mark.parametrize("command", RESULTS)
def test_json_reads_back_and_every_key_is_explained(runs: Path, command: str) -> None:
    from loopstat.faces.explain import explain
    from test_docs import keys_of

    record, more = RESULTS[command]
    text = invoke("log", command, runs, *more, "--json", "-").stdout
    data = strict_json(text)
    assert data["schema"].startswith("loopstat.log")
    assert record.from_json(text).to_dict() == data
    for open_ in ("labels", "scores", "texts", "artifacts"):
        for row in (*data.get("recorded_sessions", []), *data.get("steps", []), data.get("session", {}), data):
            if isinstance(row, dict) and row.get(open_):
                row[open_] = {}
    for key in keys_of(data):
        assert explain(key)


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".tsv", ".jsonl", ".json"])
def test_an_exported_table_is_the_record(runs: Path, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"steps{ending}"
    result = invoke("log", "export", runs, "-o", path)
    assert result.exit_code == 0, result.stderr
    mine, theirs = (ls.read(p, objectives=["speed", "safety"]) for p in (runs, path))
    assert theirs.x.tolist() == mine.x.tolist()
    assert theirs.parent.tolist() == mine.parent.tolist()
    assert theirs.session_names == mine.session_names
    assert set(theirs.labels) == set(mine.labels)
    if ending == ".jsonl":
        first = json.loads(path.read_text().splitlines()[0])
        assert first["artifact"].startswith("def f(x):\n")


def test_an_export_of_one_session_and_of_no_form(runs: Path, tmp_path: Path) -> None:
    assert invoke("log", "export", runs, "--session", "two", "-o", tmp_path / "two.csv").exit_code == 0
    assert (tmp_path / "two.csv").read_text().count("\n") == 3
    assert "Name a file that ends in one" in invoke("log", "export", runs, "-o", tmp_path / "two.xls").stderr
    assert "is not there" in invoke("log", "export", runs, "--session", "six", "-o", tmp_path / "a.csv").stderr


def test_every_reading_command_takes_a_run_directory(tmp_path: Path) -> None:
    for i in range(8):
        with Session(tmp_path / "a", name=f"s{i}", task=f"t{i % 4}", sync="normal") as s:
            for t in range(6):
                s.step({"x": float((i * 7 + t * 3) % 5), "y": float(t)}, state="ab"[(i + t) % 2])
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for command in (["analyze", "--bootstrap", 20], ["decide", "--bootstrap", 20], ["balance"]):
        result = invoke(command[0], tmp_path / "a", *command[1:], "--json", "-")
        assert result.exit_code == 0, result.stderr
    several = ls.read(str(tmp_path / "*"))
    assert several.n_sessions == 16, "a glob of run directories"
    assert several.labels["file"].names == ("a/loopstat.db", "b/loopstat.db")
