"""Loops that record themselves: what is told comes back, from threads and processes, and how sessions end."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loopstat as ls
from conftest import analysed, write_table
from loopstat.record.reading import Reader, StepRow
from loopstat.record.session import Session
from rule_samples import saved_rule


def steps_of(runs: Path, session: str | None = None) -> list[StepRow]:
    with Reader(runs) as reader:
        wanted = {row.id for row in reader.sessions() if session in (None, row.name)}
        return [row for row in reader.steps() if row.session in wanted]


def test_what_is_told_comes_back(tmp_path: Path) -> None:
    runs = tmp_path / "läufe von heute"
    with Session(runs, task="sort", model="m", team="blue") as s:
        first = s.step({"speed": 1.0, "safety": 0.5}, text="def f(): ...", cost=0.5)
        s.step({"speed": np.float64(2.0), "safety": None}, text="def f(): ...", parent=first, accepted=False, step=1)
        taken = s.step({"speed": 3, "safety": 0.25}, text="ok", parent=first, accepted=True, step=1, tokens_in=7)
        s.step({"speed": 4.0, "safety": 0.125}, strategy="b", propensity=0.5, input_prompt="why")
        s.end("target")
    panel = ls.read(runs, objectives=["speed", "safety"])
    assert panel.x.tolist()[0] == [1.0, 0.5]
    assert np.isnan(panel.x[1, 1])
    assert panel.step.tolist() == [0, 1, 1, 2]
    assert panel.parent.tolist() == [-1, 0, 0, 2], "the last step came from what was accepted"
    assert panel.accepted is not None
    assert panel.accepted.tolist() == [False, False, True, False]
    assert {"task", "model", "team", "strategy", "ended"} <= set(panel.labels)
    assert panel.labels["ended"].names == ("target",)
    with Reader(runs) as reader:
        rows = list(reader.steps())
        assert reader.text(rows[0].texts["artifact"]) == "def f(): ..."
        assert rows[0].texts == rows[1].texts, "equal texts are kept once"
        assert reader.text(rows[3].texts["input_prompt"]) == "why"
    assert (taken.step, taken.candidate) == (1, "1")
    assert rows[2].fields == {"tokens_in": 7.0}


def test_the_store_is_read_as_the_table_it_stands_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = []
    for i in range(20):
        with Session(tmp_path / "runs", name=f"s{i}", task=f"t{i % 5}", strategy="ab"[i % 2], sync="normal") as s:
            x = rng.normal(size=2)
            for t in range(6):
                x = np.round(0.6 * x + 0.5 + 0.4 * rng.normal(size=2), 6)
                s.step({"quality": x[0], "speed": x[1]})
                rows.append((f"s{i}", t, f"t{i % 5}", "ab"[i % 2], *x.tolist(), "budget"))
            s.end("budget")
    header = ("session", "step", "task", "strategy", "quality", "speed", "ended")
    table = write_table(tmp_path / "runs.csv", rows, header)
    mine, theirs = (analysed(path, "--bootstrap", 50) for path in (tmp_path / "runs", table))
    assert mine["groups"] == theirs["groups"]


def test_links_nobody_gave_follow_the_format(tmp_path: Path) -> None:
    with Session(tmp_path, name="plain", sync="normal") as s:
        for x in (1.0, 2.0, 3.0):
            s.step(x)
    with Session(tmp_path, name="hill", sync="normal") as s:
        s.step(None, accepted=False)
        s.step(1.0)
        s.step(0.5, accepted=False)
        best = s.step(2.0)
        s.accept(best)
        s.step(1.5, accepted=False)
        s.step(9.0, parent=None)
    assert [row.parent for row in steps_of(tmp_path, "plain")] == [None, 1, 2]
    hill = steps_of(tmp_path, "hill")
    ids = [row.id for row in hill]
    assert [row.parent for row in hill] == [None, None, ids[1], ids[1], ids[3], None]
    panel = ls.read(tmp_path)
    assert panel.accepted is not None
    assert panel.accepted[panel.session == 0].all(), "a session that says nothing took every version over"


def test_how_sessions_end(tmp_path: Path) -> None:
    with Session(tmp_path, name="left") as s:
        s.step(1.0)
    with pytest.raises(ZeroDivisionError), Session(tmp_path, name="broken") as s:
        s.step(1 / 0)
    with Session(tmp_path, name="done") as s:
        s.end("target", note="all tests pass")
        with pytest.raises(ls.SettingsError, match="has ended"):
            s.step(1.0)
        with pytest.raises(ls.SettingsError, match="has ended"):
            s.end("budget")
    Session(tmp_path, name="open").close()
    with Reader(tmp_path) as reader:
        found = {row.name: (row.ended, row.note) for row in reader.sessions()}
    assert found == {
        "left": ("unknown", None),
        "broken": ("failure", "ZeroDivisionError: division by zero"),
        "done": ("target", "all tests pass"),
        "open": (None, None),
    }
    with pytest.raises(ls.SettingsError, match="target, budget, failure, unknown"):
        Session(tmp_path).end("finished")  # type: ignore[arg-type]


def test_a_session_goes_on_by_its_name(tmp_path: Path) -> None:
    s = Session(tmp_path, name="long", task="t")
    first = s.step(1.0)
    s.close()
    again = Session(tmp_path, name="long", task="t")
    assert again.step(2.0, parent=first).step == 1
    with pytest.raises(ls.SettingsError, match="other labels"):
        Session(tmp_path, name="long", task="u")
    again.end("budget")
    with pytest.raises(ls.SettingsError, match="has ended"):
        Session(tmp_path, name="long")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scores": "high"}, "finite number"),
        ({"scores": {"cost": 1.0}}, "cannot be called `cost`"),
        ({"scores": {"x": float("inf")}}, "finite number"),
        ({"scores": {"": 1.0}}, "must have names"),
        ({"scores": 1.0, "text": b"bytes"}, "`text` must be a text"),
        ({"scores": 1.0, "accepted": "yes"}, "True, False or None"),
        ({"scores": 1.0, "parent": 3}, "what `step` returned"),
        ({"scores": 1.0, "ended": "target"}, "`end` says it"),
        ({"scores": 1.0, "step": -1}, "whole number"),
        ({"scores": 1.0, "where": [1, 2]}, "must be a text, a finite number"),
        ({"scores": {"x": 1.0}, "x": "label"}, "both as a score and as a label"),
        ({"scores": 1.0, "cost": "much"}, "`cost` must be a finite number"),
    ],
)
def test_what_cannot_be_used_is_refused_and_not_recorded(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    s = Session(tmp_path, sync="normal")
    with pytest.raises(ls.SettingsError, match=message):
        s.step(**given)
    assert s.step(1.0).step == 0, "nothing was recorded"
    s.close()


def test_keys_and_parents_are_checked(tmp_path: Path) -> None:
    with Session(tmp_path, sync="normal") as s, Session(tmp_path, sync="normal") as other:
        first = s.step(1.0)
        later = s.step(2.0)
        with pytest.raises(ls.SettingsError, match="recorded already"):
            s.step(1.0, step=0, candidate="0")
        with pytest.raises(ls.SettingsError, match="not before step 0"):
            s.step(1.0, step=0, parent=later)
        with pytest.raises(ls.SettingsError, match="cannot be a parent"):
            other.step(1.0, parent=first)
        s.step(1.5, step=0, candidate="0", repeat="again")
        s.accept(first)
        with pytest.raises(ls.SettingsError, match="not changed"):
            s.accept(first, False)


# ------------------------------------------------------------------------------ threads, processes


def test_threads_share_a_session(tmp_path: Path) -> None:
    with Session(tmp_path, sync="normal") as s:
        first = s.step(0.0)

        def candidates(k: int) -> None:
            for t in range(1, 6):
                s.step(float(k), text=f"{k}-{t}", step=t, parent=first)

        threads = [threading.Thread(target=candidates, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = steps_of(tmp_path)
    assert len(rows) == 41
    assert sorted(row.candidate for row in rows if row.step == 5) == [str(k) for k in range(8)]


def _loop(runs: str, k: int) -> None:
    with Session(runs, name=f"p{k}", sync="normal") as s:
        for t in range(20):
            s.step(float(t), text=f"text {t}")
        s.end("budget")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_share_a_directory(tmp_path: Path, method: str) -> None:
    context = multiprocessing.get_context(method)
    workers = [context.Process(target=_loop, args=(str(tmp_path), k)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    rows = steps_of(tmp_path)
    assert len(rows) == 80
    with Reader(tmp_path) as reader:
        assert reader.n_texts() == 20, "equal texts of different processes are one"
        assert {row.ended for row in reader.sessions()} == {"budget"}


def test_a_session_lives_on_in_both_processes_of_a_fork(tmp_path: Path) -> None:
    s = Session(tmp_path, sync="normal")
    first = s.step(0.0)
    child = os.fork()
    if not child:
        try:
            for _ in range(20):
                s.step(1.0, parent=first, step=1)
            os._exit(0)
        finally:
            os._exit(1)
    for _ in range(20):
        s.step(2.0, parent=first, step=1)
    assert os.waitpid(child, 0)[1] == 0
    s.end("budget")
    rows = steps_of(tmp_path)
    assert sorted(int(row.candidate) for row in rows if row.step == 1) == list(range(40))


def test_a_store_is_read_while_it_is_written(tmp_path: Path) -> None:
    with Session(tmp_path, sync="normal") as s:
        for t in range(3):
            s.step(float(t), other=t % 2)
            assert len(steps_of(tmp_path)) == t + 1
        assert ls.read(tmp_path, objectives=["score"]).x.ravel().tolist() == [0.0, 1.0, 2.0]


# ------------------------------------------------------------------------------------------ rules


def test_a_rule_advises_and_ends(tmp_path: Path) -> None:
    rule = saved_rule(tmp_path / "rule.json")
    asked = ls.StopRule.load(rule)
    with Session(tmp_path / "runs", rule=rule, name="advised", sync="normal") as s:
        with pytest.raises(ls.SettingsError, match="no step"):
            s.advise()
        for t in range(60):
            scores = dict.fromkeys(asked.tuned.objectives, 1.0)
            s.step(scores)
            action, expected = s.advise(), asked.update(scores, cost=1.0)
            assert action == expected
            if t == 1:  # a crash: the session goes on with what is recorded
                s.close()
                s = Session(tmp_path / "runs", rule=rule, name="advised", sync="normal")
                assert s.advise() == expected
            if action.kind == "stop":
                break
        assert s.advise().kind == "stop"
        with s:
            pass
    with Reader(tmp_path / "runs") as reader:
        [row] = reader.sessions()
        assert (row.ended, row.note) == ("budget", "on the advice of the rule")
        assert reader.rule(row.id) == asked.to_json()


def test_a_session_without_a_rule_says_so(tmp_path: Path) -> None:
    with Session(tmp_path) as s:
        s.step(1.0)
        with pytest.raises(ls.SettingsError, match=r"rule=\"rule.json\""):
            s.advise()
    with pytest.raises(ls.InputError, match="cannot be read"):
        Session(tmp_path, rule=tmp_path / "none.json")


# ---------------------------------------------------------------------------------------- secrets


def test_no_secret_is_found_in_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary, other, shaped = "canary-Zx81-Qq+7/==", "hf-like 12 words", "sk-" + "a1B2" * 8
    monkeypatch.setenv("MY_SERVICE_API_KEY", canary)
    monkeypatch.setenv("DEPLOY_TOKEN", other)
    monkeypatch.setenv("MAX_TOKENS", "1234567890")
    runs = tmp_path / "runs"
    key, telling = "plainly0hidden1value", {"passphrase": "pa55word"}
    s = Session(runs, task=f"use {canary}", name=f"run of {other}", **telling)
    s.step(1.0, text=f"call({canary!r}); 1234567890", api_key=key, input_prompt=f'{{"apiKey": "{key}", "a": 1}}')
    s.step(2.0, text=f"Authorization: Bearer {key}{key}\nopen('{shaped}')", note=f"%{canary}%", strategy=other)
    with pytest.raises(RuntimeError), s:
        raise RuntimeError(f"401 for {canary}")
    again = Session(runs)
    again.step(1.0, text=canary)  # still open: its log lies there
    files = [path.read_bytes() for path in runs.iterdir()]
    with Reader(runs) as reader:
        texts = [reader.text(k + 1) for k in range(reader.n_texts())]
        said = json.dumps([str(row) for row in (*reader.sessions(), *reader.steps())])
    again.close()
    for secret in (canary, "canary-Zx81-Qq%2B7%2F%3D%3D", other, shaped, key, "pa55word"):
        assert not any(secret.encode() in data for data in files)
        assert secret not in said
        assert not any(secret in text for text in texts)
    assert texts[0] == "call('[redacted: MY_SERVICE_API_KEY]'); 1234567890"
    assert '"apiKey": "[redacted]", "a": 1' in texts[1]


def test_code_is_left_as_it_is(tmp_path: Path) -> None:
    code = (
        'token = tokenizer.encode_plus("some words")\npassword = input("password: ")\nsecret = "changeme"\n'
        'auth: "Callable[[int], str]"\ntokens_used = 1234567890123456\nkey = "a" * 64\n'
    )
    with Session(tmp_path, sync="normal") as s:
        s.step(1.0, text=code, tokens_in=12, author="x" * 30)
    with Reader(tmp_path) as reader:
        assert reader.text(1) == code


# ----------------------------------------------------------------------------------------- lightness


def test_recording_loads_neither_numpy_nor_duckdb(tmp_path: Path) -> None:
    code = (
        f"import sys, loopstat as ls\nwith ls.Session({str(tmp_path)!r}) as s:\n    s.step(1.0, text='x')\n"
        "print(sorted({'numpy', 'polars', 'duckdb', 'scipy', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("text", ["", "\x00 null", "\ud800 half", "ü☃\r\n", "x" * 3_000_000])
def test_any_text_is_kept(tmp_path: Path, text: str) -> None:
    with Session(tmp_path, sync="normal") as s:
        s.step(1.0, text=text, label=text[:50] or None)
        s.step(2.0)
    with Reader(tmp_path) as reader:
        assert reader.text(1) == text.encode(errors="backslashreplace").decode()
    assert len(ls.read(tmp_path)) == 2
