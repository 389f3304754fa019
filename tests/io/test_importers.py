"""Logs of other tools: what is read of them, how they go through every command, and what is refused."""

from __future__ import annotations

import gzip
import json
import pickle
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loopstat as ls
from conftest import analysed, invoke, strict_json
from loopstat.io.described import describe
from loopstat.io.importers import registry
from loopstat.io.importers.log import Look
from loopstat.io.importers.paths import parts_of
from loopstat.io.sessions.one import list_sessions, read_session

HERE = Path(__file__).parent / "logs"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "logs"
MORE = next((p for p in (SHARED, Path("/work/shared/data/logs")) if p.is_dir()), None)

LOGS = [  # path, format, its version, rows, sessions, objectives, attempts, missing, survivors only
    ("inspect/refine.eval", "inspect", "2", 48, 8, ["quality"], 48, 0, False),
    ("inspect/log_streaming.eval", "inspect", "2", 4, 4, ["match"], 4, 0, False),
    ("inspect/log_formats.json", "inspect", "2", 1, 1, ["match"], 1, 0, False),
    ("gepa/run0", "gepa", "", 20, 1, ["score"], 20, 0, False),
    ("gepa/run0/run_log.json", "gepa", "", 20, 1, ["score"], 20, 0, False),
    ("gepa/result0.json", "gepa", "2", 10, 1, ["score"], 10, None, True),
    ("openevolve/run0", "openevolve", "", 35, 1, ["combined_score", "speed"], 35, 6, False),
    ("openevolve/run1/evolution_trace.jsonl", "openevolve", "", 32, 1, ["combined_score", "speed"], 32, 8, False),
    ("openevolve/run0/checkpoints", "openevolve", "", 12, 1, ["combined_score", "speed"], 12, 29, True),
    ("swe/swe-agent__test-repo-i1.traj", "swe-agent", "", 5, 1, [], 5, None, False),
    ("swe/humanevalfix-python-0.traj", "swe-agent", "", 5, 1, [], 5, None, False),
    ("swe/mini.traj.json", "swe-agent", "mini-swe-agent-1.1", 5, 1, [], 5, None, False),
    ("otel/spans.json", "otel", "", 48, 8, ["quality"], 48, None, False),
    ("otel/AGNO_trace.json", "otel", "", 3, 1, [], 3, None, False),
    ("mlflow/traces.jsonl", "mlflow", "3", 12, 3, ["quality"], 12, None, False),
    ("optuna/studies.db", "optuna", "12", 75, 5, ["value"], 75, 5, False),
    ("promptfoo/results.json", "promptfoo", "3", 12, 4, ["score"], 12, 0, False),
    ("shinka/programs.sqlite", "shinka", "", 26, 1, ["combined_score"], 33, 7, False),
]
SCORED = [str(row[0]) for row in LOGS if row[4] > 1 and row[5] and "streaming" not in row[0]]


def imported(*args: object) -> dict[str, Any]:
    """Return the JSON of a successful `import`."""
    done = invoke("import", *args, "--json", "-")
    assert done.exit_code == 0, done.stderr
    return strict_json(done.stdout)


def refused(*args: object) -> str:
    """Return what a command that fails says."""
    done = invoke(*args)
    assert done.exit_code == 2, done.stdout
    return done.stderr


@pytest.mark.parametrize(
    ("name", "form", "version", "rows", "sessions", "objectives", "attempts", "missing", "kept"), LOGS
)
def test_what_is_read(
    name: str,
    form: str,
    version: str,
    rows: int,
    sessions: int,
    objectives: list[str],
    attempts: int,
    missing: int | None,
    kept: bool,
) -> None:
    found = imported(HERE / name)
    assert found["schema"] == "loopstat.import/1"
    assert (found["format"], found["format_version"]) == (form, version)
    assert (found["n_steps"], found["n_sessions"]) == (rows, sessions)
    assert found["objectives"] == objectives
    selection = found["selection"]
    assert (selection["attempts"], selection["missing"], selection["kept_only"]) == (attempts, missing, kept)
    assert sum(selection["ended"].values()) == sessions
    assert found["step"]
    assert any(note.startswith("selection: ") for note in found["notes"])


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORED)
def test_a_log_is_analysed_as_the_table_made_of_it(name: str, tmp_path: Path) -> None:
    options = ["--bootstrap", 20]
    table = tmp_path / "steps.parquet"
    assert invoke("import", HERE / name, "-o", table).exit_code == 0
    of_log, of_table = analysed(HERE / name, *options), analysed(table, "--objectives", of_log_names(name), *options)
    assert of_log["groups"] == of_table["groups"]
    page = tmp_path / "page.html"
    assert invoke("decide", HERE / name, *options, "--html", page).exit_code == 0
    assert "<html" in page.read_text(encoding="utf-8")


def of_log_names(name: str) -> str:
    return ",".join(next(row[5] for row in LOGS if row[0] == name))


@pytest.mark.parametrize("suffix", ["parquet", "csv", "tsv", "jsonl", "json"])
def test_the_table_in_every_form(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"steps.{suffix}"
    assert invoke("import", HERE / "inspect" / "refine.eval", "-o", path).exit_code == 0
    panel, again = ls.read(HERE / "inspect" / "refine.eval"), ls.read(path, objectives=["quality"])
    assert np.array_equal(panel.x, again.x)
    assert panel.session_names == again.session_names
    assert panel.labels["ended"].values() == again.labels["ended"].values()
    assert imported(path)["format"] == "table"


def test_the_ending_of_the_table_is_known(tmp_path: Path) -> None:
    assert "is written as .parquet, .csv" in refused("import", HERE / "gepa" / "run0", "-o", tmp_path / "steps.xls")


def test_a_panel_carries_what_the_log_kept() -> None:
    panel = ls.read(HERE / "gepa" / "result0.json")
    assert panel.survivors_only
    assert panel.source.selection is not None
    assert panel.source.selection.kept_only
    whole = ls.read(HERE / "openevolve" / "run0", objectives=["combined_score"])
    assert not whole.survivors_only
    assert whole.source.selection is not None
    assert whole.source.selection.missing == 6
    assert any("survivors only: what sessions hold" in note for note in panel.source.notes)


def test_a_folder_is_the_logs_in_it(tmp_path: Path) -> None:
    found = imported(HERE / "gepa")
    assert (found["n_sessions"], found["n_steps"]) == (4, 69)
    assert "none" not in found["source"]["files"]
    (tmp_path / "empty").mkdir()
    assert "no log that is known lies in it" in refused("analyze", tmp_path / "empty")
    files = analysed(HERE / "openevolve" / "run0", HERE / "openevolve" / "run1", "--objectives", "combined_score")
    assert files["source"]["n_sessions"] == 2


def test_what_has_no_scores_says_so() -> None:
    said = refused("analyze", HERE / "swe" / "mini.traj.json")
    assert "this swe-agent log holds no scores" in said
    assert "loopstat balance" in said
    assert invoke("balance", HERE / "swe").exit_code == 0


def test_what_has_one_step_names_other_readings() -> None:
    said = refused("analyze", HERE / "inspect" / "log_streaming.eval")
    assert "every session has one step" in said
    assert "--format inspect:epochs" in said
    assert analysed(HERE / "inspect" / "log_streaming.eval", "--format", "inspect:epochs", "--objectives", "match")


def test_readings_differ() -> None:
    path = HERE / "gepa" / "run0"
    paired, raw = ls.read(path), ls.read(path, format="gepa:minibatch")
    assert paired.names == raw.names == ("score",)
    assert not np.array_equal(paired.x, raw.x)
    # What a proposal gains over its parent is what it gained on the minibatch both were tried on.
    log = json.loads((path / "run_log.json").read_text())
    gained = [np.mean(e["new_subsample_scores"]) - np.mean(e["subsample_scores"]) for e in log]
    rows = np.flatnonzero(paired.parent >= 0)
    assert np.allclose(paired.x[rows, 0] - paired.x[paired.parent[rows], 0], gained)
    assert imported(HERE / "openevolve" / "run0", "--format", "openevolve:islands")["n_sessions"] == 2
    eval_log = HERE / "inspect" / "refine.eval"
    assert imported(eval_log, "--format", "inspect:model")["n_steps"] == 48
    assert "no log that is known lies in it" in refused("import", path, "--format", "inspect")
    assert "has no reading 'x'; it has: model, scores, epochs" in refused("import", eval_log, "--format", "inspect:x")
    assert "unknown format 'inspct'" in refused("import", path, "--format", "inspct")


def test_usage_and_scores_of_inspect() -> None:
    panel = ls.read(HERE / "inspect" / "refine.eval", labels=["tokens_in", "tokens_out"])
    assert set(panel.labels["tokens_in"].values()) == {"100"}
    assert panel.labels["task"].values()[0] == "refine:s0"
    assert panel.x.min() >= 0
    assert panel.x.max() <= 1


def test_the_page_reads_logs() -> None:
    path = HERE / "inspect" / "refine.eval"
    seen = describe(path)
    assert seen.named("objective") == ("quality",)
    assert [s.name for s in list_sessions(path, seen)][:2] == ["s0#1", "s1#1"]
    session = read_session(path, "s0#1", seen)
    assert len(session.steps) == 6
    assert session.steps[0].texts["artifact"] == f"attempt scored {session.steps[0].scores['quality']}"


@pytest.mark.skipif(MORE is None, reason="the shared samples are not here")
def test_every_shared_sample() -> None:
    assert MORE is not None
    forms = {"inspect_ai": "inspect", "swe_agent": "swe-agent", "otel_genai": "otel", "openevolve": "openevolve"}
    for folder, form in forms.items():
        found = imported(MORE / folder)
        assert form in found["format"].split(", ")
    turns = analysed(MORE / "intercode", "--columns", "session=*,reward=*.turn_history.rewards[]", "--bootstrap", 20)
    assert turns["source"]["n_sessions"] == 27


# ---------------------------------------------------------------------------------- paths into JSON


def test_parts_of_paths() -> None:
    assert parts_of("a.b[].c") == ["a", "b", "[]", "c"]


TURNS = {"runs": [{"run": {"id": n}, "turns": [{"m": {"acc": i * k}} for k in range(4)]} for i, n in enumerate("abc")]}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("zipped", [False, True])
def test_json_by_dotted_paths(indent: int | None, zipped: bool, tmp_path: Path) -> None:
    text = json.dumps(TURNS, indent=indent).encode()
    path = tmp_path / "runs.json"
    path.write_bytes(gzip.compress(text) if zipped else text)
    panel = ls.read(path, columns={"session": "runs[].run.id", "score": "runs[].turns[].m.acc"})
    assert panel.session_names == ("a", "b", "c")
    assert panel.names == ("score",)
    assert panel.x[:, 0].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 0, 2, 4, 6]
    assert panel.step.tolist() == [0, 1, 2, 3] * 3


def test_json_lines_by_dotted_paths(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    rows = [{"run": {"id": "a"}, "t": t, "metrics": {"accuracy": t * t / 4}} for t in range(4)]
    path.write_text("\n".join(json.dumps(r) for r in rows))
    columns = {"session": "run.id", "step": "t", "score": "metrics.accuracy"}
    assert ls.read(path, columns=columns).x[:, 0].tolist() == [0, 0.25, 1, 2.25]
    said = refused("analyze", path, "--columns", "session=run.id,step=t,score=metrics.accurcy")
    assert "nothing stands at 'metrics.accurcy'" in said
    assert "metrics.accuracy" in said


def test_json_over_many_lines_and_keys_that_are_names(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    path.write_text("\n".join(json.dumps({"session": "a", "step": t, "score": t * t}, indent=1) for t in range(4)))
    assert ls.read(path).x[:, 0].tolist() == [0, 1, 4, 9]
    path.write_text(json.dumps({n: {"rewards": [0.5, 0.25, 0.75]} for n in "ab"}))
    panel = ls.read(path, columns={"session": "*", "reward": "*.rewards[]"})
    assert panel.session_names == ("a", "b")
    assert panel.x[:, 0].tolist() == [0.5, 0.25, 0.75] * 2
    path.write_text('{"session": "a", "step": 0, "x": 1}\n{"session": "a", "step": 1, "x": NaN}\n')
    assert np.isnan(ls.read(path, format="json", objectives=["x"]).x[1, 0])


# ---------------------------------------------------------------------------------- what is refused


def packed(path: Path, members: dict[str, bytes]) -> Path:
    """Write a ZIP archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return path


HEAD = json.dumps({"version": 2, "status": "success", "eval": {"task": "t", "model": "m"}}).encode()


def sample(**more: Any) -> bytes:
    """Return a sample with three scored calls."""
    call = {"event": "model", "model": "m", "output": {"choices": [{"message": {"content": "x"}}]}}
    events = [
        e for v in (0.1, 0.2, 0.4) for e in (call, {"event": "score", "intermediate": True, "score": {"value": v}})
    ]
    return json.dumps({"id": 1, "epoch": 1, "events": events, "scores": {"score": {"value": 0.4}}, **more}).encode()


def test_an_unfinished_run_is_read(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"_journal/start.json": HEAD, "samples/1_epoch_1.json": sample()})
    found = imported(path)
    assert (found["n_steps"], found["objectives"]) == (3, ["score"])
    assert any("had not finished" in note for note in found["notes"])


def test_a_newer_form_is_read_with_a_warning(tmp_path: Path) -> None:
    head = HEAD.replace(b'"version": 2', b'"version": 9')
    path = packed(tmp_path / "a.eval", {"header.json": head, "samples/1_epoch_1.json": sample()})
    assert any("the form 9 of this log is newer than 3" in note for note in imported(path)["notes"])


def test_archives_that_harm_are_refused(tmp_path: Path) -> None:
    good = {"header.json": HEAD, "samples/1_epoch_1.json": sample()}
    whole = packed(tmp_path / "a.eval", good)
    cut = tmp_path / "cut.eval"
    cut.write_bytes(whole.read_bytes()[:-40])
    said = refused("import", cut, "--format", "inspect")
    assert "cut.eval" in said
    assert "damaged or cut off" in said
    bomb = packed(tmp_path / "bomb.eval", {**good, "samples/2_epoch_1.json": b" " * 60_000_000})
    said = refused("import", bomb)
    assert "bomb.eval" in said
    assert "'samples/2_epoch_1.json' unpacks to more than" in said
    out = packed(tmp_path / "out.eval", {**good, "../../etc/passwd": b"x"})
    assert "'../../etc/passwd' leads out of the archive" in refused("import", out, "--format", "inspect")
    wrong = packed(tmp_path / "wrong.eval", {**good, "samples/2_epoch_1.json": b'{"id": 2, "epoch'})
    assert "'samples/2_epoch_1.json' is not valid JSON in line 1" in refused("import", wrong)
    deep = packed(tmp_path / "deep.eval", {**good, "samples/2_epoch_1.json": b"[" * 100_000})
    assert "'samples/2_epoch_1.json' is not JSON that can be read" in refused("import", deep)
    data = bytearray(whole.read_bytes())
    at = data.index(b"samples/1_epoch_1.json") + 40
    data[at : at + 20] = bytes(20)
    flipped = tmp_path / "flipped.eval"
    flipped.write_bytes(bytes(data))
    assert "'samples/1_epoch_1.json' cannot be unpacked" in refused("import", flipped)
    assert "holds no samples" in refused("import", packed(tmp_path / "none.eval", {"header.json": HEAD}))


def test_logs_that_are_cut_off_are_refused(tmp_path: Path) -> None:
    text = (HERE / "openevolve" / "run1" / "evolution_trace.jsonl").read_bytes()
    path = tmp_path / "evolution_trace.jsonl"
    path.write_bytes(text[: len(text) // 2])
    said = refused("analyze", path)
    assert "is not valid JSON" in said
    assert "line " in said
    broken = tmp_path / "studies.db"
    broken.write_bytes((HERE / "optuna" / "studies.db").read_bytes()[:20_000])
    assert "SQLite file that cannot be read" in refused("import", broken, "--format", "optuna")
    odd = tmp_path / "run_log.json"
    odd.write_text('[{"i": 0, "subsample_ids": [1], "tasks": [{"parent_idx": "x", "subsample_scores": [1]}]}]')
    assert "is not the gepa log that it looks like" in refused("import", odd)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(HERE / "gepa" / "run0", run)
    touched = tmp_path / "touched"

    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (touched,))

    (run / "gepa_state.bin").write_bytes(pickle.dumps(Harm()))
    assert imported(run)["n_steps"] == 20
    assert not touched.exists()


def test_texts_of_a_log_are_shown_as_texts(tmp_path: Path) -> None:
    head = HEAD.replace(b'"task": "t"', b'"task": "<script>alert(1)</script>\\u001b[31m"')
    members = {f"samples/{k}_epoch_1.json": sample(id=k) for k in range(4)}
    path = packed(tmp_path / "a.eval", {"header.json": head, **members})
    page = tmp_path / "page.html"
    done = invoke("analyze", path, "--by", "task", "--bootstrap", 10, "--html", page, "--verbose")
    assert done.exit_code == 0, done.stderr
    assert "<script>alert" not in page.read_text(encoding="utf-8")
    assert "\x1b" not in done.stdout


# ---------------------------------------------------------------------------------- adding one

THEIRS = """
from loopstat.io.importers.log import Format, Steps, made

FORMAT = Format("colon", "values after colons", {"lines": "a line"})


def matches(look):
    return 0.9 if look.head.startswith(b"colon:") else 0.0


def read(path, asked, progress=None):
    steps = Steps()
    for t, line in enumerate(path.read_text().splitlines()):
        steps.add({"session": t // 4, "step": t % 4}, {"score": float(line.partition(":")[2])})
    return made(FORMAT, steps, path=path, version="1", step="a line", selection=steps.report(), notes=[])
"""


def test_an_importer_of_another_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    (site / "colon-1.0.dist-info").mkdir(parents=True)
    (site / "colon.py").write_text(THEIRS)
    (site / "colon-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: colon\nVersion: 1.0\n")
    (site / "colon-1.0.dist-info" / "entry_points.txt").write_text(f"[{registry.GROUP}]\ncolon = colon\n")
    monkeypatch.syspath_prepend(str(site))
    log = tmp_path / "some.log"
    log.write_text("\n".join(f"colon:{t * t % 7}" for t in range(40)))
    assert imported(log)["format"] == "colon"
    assert analysed(log, "--bootstrap", 10)["source"]["n_sessions"] == 10


def test_keys_are_seen_however_a_text_is_cut() -> None:
    text = b'[\n {"a": {"b": [1, {"c": "x\\"y"}], "d": "long'
    assert Look(Path(), text).keys == {"a", "a.b", "a.b[].c", "a.d"}
    assert Look(Path(), b'{"a": 1}\n{"b": 2}').keys == {"a"}
    assert Look(Path(), b"a,b\n1,2").keys == frozenset()


# ---------------------------------------------------------------------------------- damage

FILES = sorted(p for p in HERE.rglob("*") if p.is_file() and p.name != "README.md" and "programs" not in p.parts)


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes cut off, overwritten, doubled, or with values of another kind."""
    at, kind = int(rng.integers(1, len(data))), rng.integers(5)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + rng.bytes(8) + data[at + 8 :]
    if kind == 2:
        return data[:at] + data[at // 2 :]
    words = [b"null", b"{}", b"[]", b'"x"', b"-1", b"1e999", b"NaN", b"true", b"[[[]]]", b'{"a": 1}']
    chosen = words[int(rng.integers(len(words)))]
    found = [m.span(1) for m in re.finditer(rb'":\s*("[^"]{0,200}"|[-\d.e+]+|null|true|false|\[|\{)', data)]
    if not found:
        return data[:at]
    start, end = found[int(rng.integers(len(found)))]
    return data[:start] + (chosen + b", " if data[start:end] in (b"[", b"{") else chosen) + data[end:]


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(HERE)) for p in FILES])
def test_damaged_logs_are_read_or_refused(path: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(len(path.name))
    log = registry.recognised(path)
    if log is None:
        pytest.skip("part of a log that is a folder")
    for k in range(60):
        broken = tmp_path / f"{k}{path.suffix}"
        broken.write_bytes(damaged(path.read_bytes(), rng))
        said, columns = "", {"session": np.zeros(1)}
        try:
            columns = dict(registry.imported(broken, log).columns)
        except ls.LoopstatError as error:
            said = str(error)
        assert not said or str(broken) in said
        assert len({len(v) for v in columns.values()}) == 1
        assert "session" in columns


@pytest.mark.slow
def test_a_record_of_half_a_gigabyte_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"session":"a","step":0,"score":1}\n{"session":"a","step":1,"score":1,"artifact":"')
        for _ in range(520):
            stream.write(b"x" * 1_000_000)
        stream.write(b'"}\n')
    done = invoke("analyze", path)
    path.unlink()
    assert done.exit_code == 2
    assert re.search(r"long\.jsonl: line 2 is longer than 512,000,000 bytes", done.stderr)
