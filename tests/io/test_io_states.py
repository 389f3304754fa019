"""Recordings of states: sessions, transition tables, two JSON forms, dataframes, and what is refused."""

from __future__ import annotations

import csv
import gzip
import json
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loopstat.errors import InputError, LoopstatError, SettingsError
from loopstat.io import template
from loopstat.io.naming import shortened
from loopstat.io.recorded import Recording, visits_of
from loopstat.io.states import read_recording
from loopstat.panel.panel import Panel
from loopstat.panel.tally import Counts

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`

HERE = Path(__file__).resolve().parent.parent
HAND_MADE = HERE / "data_states"
WORDS, EXPRESSIONS = HAND_MADE / "words.json", HAND_MADE / "expressions.json"
MOVES, SESSIONS = HAND_MADE / "moves.csv", HAND_MADE / "sessions.jsonl"
DATA = HERE.parent.parent / "shared" / "data"
recorded = pytest.mark.skipif(
    not DATA.is_dir(), reason="the recorded tables are not beside this checkout (../shared/data)"
)

HOSTILE = [
    "<script>alert(1)</script>",
    "a\" onmouseover='x' b",
    'he said ""so""',
    "\x1b[31mred",
    "tab\there",
    "two\nlines",
    "\r\n",
    " lead",
    "trail ",
    "\u202etxt.exe",
    "שלום עולם",
    "🙂🙃 state",
    "x" * 10_000,
    "x" * 9_999 + "y",
    "{{ 7*7 }}&amp;",
    "$\\frac{$ _%^",
    "a, b; c | d",
    "1e3",
    "1000",
    "007",
    "'; DROP TABLE t; --",
]
WITH_NUL = [*HOSTILE, "nul\x00inside", "nul\x00insidf", "\x00"]


@pytest.fixture
def put(tmp_path):
    """Write a file and return its path."""

    def write(content: str | bytes, name: str = "table.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def only(recording: Recording) -> Any:
    """Return the one part of a recording."""
    [(_, part)] = recording.parts
    return part


def moves(counts: Counts) -> dict[tuple[str, str], float]:
    """Return counted moves by the names of their states."""
    return {
        (counts.states[i], counts.states[j]): float(n)
        for i, j, n in zip(counts.source, counts.target, counts.count, strict=True)
    }


def visited(counts: Counts) -> dict[str, float]:
    return dict(zip(counts.states, counts.visits.tolist(), strict=True))


def states_of(recording: Recording) -> list[str | None]:
    panel = only(recording)
    assert isinstance(panel, Panel)
    return panel.labels["state"].values()


def said(recording: Recording, text: str) -> bool:
    return any(text in note for note in recording.notes)


# ---------------------------------------------------------------------------------------------------- sessions


def test_sessions_need_no_objectives() -> None:
    recording = read_recording(SESSIONS)
    assert recording.kind == "sessions"
    assert recording.by == ["model"]
    assert [label for label, _ in recording.parts] == [{"model": "model-a"}, {"model": "model-b"}]
    first, second = (part for _, part in recording.parts)
    assert isinstance(first, Panel)
    assert first.x.shape == (3, 0)
    assert first.labels["state"].values() == ["idle", "work", "idle"]
    assert first.labels["state"].names == ("idle", "work")
    assert second.labels["state"].values() == ["work", None, "idle", "done"]
    assert moves(Counts.of_panel(second)) == {("idle", "done"): 1.0}
    assert recording.source.files == (str(SESSIONS),)
    assert recording.source.digest


def test_guesses_are_said() -> None:
    recording = read_recording(SESSIONS)
    assert said(recording, "states: the column `state` (3 different)")
    assert said(recording, "1 of 7 rows have no state; they break the chain there")
    assert said(recording, "groups: by model, because pooling different chains")
    assert said(recording, "--by none pools")
    assert said(recording, "visits: observed")
    assert all(note.endswith(".") for note in recording.notes)


def test_pooling_is_asked_for() -> None:
    recording = read_recording(SESSIONS, by=["none"])
    assert recording.by == []
    assert [label for label, _ in recording.parts] == [{}]
    assert said(recording, "all is pooled into one chain")
    assert read_recording(SESSIONS, by=[]).by == ["model"]
    with pytest.raises(SettingsError, match="not both"):
        read_recording(SESSIONS, by=["none", "model"])


def test_one_column_may_be_named_alone() -> None:
    assert read_recording(SESSIONS, by="session").by == ["session"]


def test_objectives_are_read_where_they_are_named() -> None:
    panel = only(read_recording(SESSIONS, by=["none"], objectives=["score"]))
    assert panel.names == ("score",)
    assert panel.labels["state"].values()[:2] == ["idle", "work"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("state", ["idle", "work", "idle", "work", None, "idle", "done"]),
        ("artifact", ["A  text", "a text", "a text ", "Ａ ＴＥＸＴ", "b text", "b text", "a text"]),
        ("text:artifact", ["A  text", "a text", "a text ", "Ａ ＴＥＸＴ", "b text", "b text", "a text"]),
        ("normal:artifact", ["a text", "a text", "a text", "a text", "b text", "b text", "a text"]),
        ("text:state", ["idle", "work", "idle", "work", None, "idle", "done"]),
        ("score", ["1", "2", "8", "9", None, "3", "4"]),
        ("bins:2", ["score 1/2", "score 1/2", "score 2/2", "score 2/2", None, "score 1/2", "score 2/2"]),
    ],
)
def test_states_are_what_was_asked_for(rule: str, expected: list[str | None]) -> None:
    assert states_of(read_recording(SESSIONS, state=rule, by=["none"])) == expected


def test_clusters_are_seeded_and_shared_by_all_groups() -> None:
    recording = read_recording(SESSIONS, state="kmeans:2", seed=3)
    names = {n for _, part in recording.parts for n in part.labels["state"].names}
    assert names == {"c1 (score 2.5)", "c2 (score 8.5)"}
    assert said(recording, "2 clusters of score")
    assert only(read_recording(SESSIONS, state="kmeans:2", by=["none"])).names == ("score",)


def test_bins_are_cut_over_the_rows_that_were_asked_for(put) -> None:
    rows = [
        f"{s},{t},{m},{v}" for s, m, v0 in (("a", "x", 0), ("b", "y", 100)) for t, v in enumerate(range(v0, v0 + 4))
    ]
    path = put("session,step,model,score\n" + "\n".join(rows) + "\n")
    recording = read_recording(path, state="bins:2")
    assert [part.labels["state"].names for _, part in recording.parts] == [("score 1/2",), ("score 2/2",)]
    assert said(recording, "score cut at 3: 2 bins each")
    assert states_of(read_recording(path, state="bins:2", where={"model": "y"}))[0] == "score 1/2"


def test_full_texts_tell_states_apart_and_their_names_stay_apart(put) -> None:
    texts = ["z" * 5000 + end for end in ("a", "b", "a", "", "c", "b")]
    lines = [json.dumps({"session": "s", "step": t, "artifact": text}) for t, text in enumerate(texts)]
    path = put("\n".join(lines), "runs.jsonl")
    found = states_of(read_recording(path, state="text:artifact"))
    assert found == [shortened(t) for t in texts]
    assert [found.index(f) for f in found] == [texts.index(t) for t in texts]
    assert max(len(str(f)) for f in found) < 230
    assert states_of(read_recording(path, state="artifact")) == texts
    assert states_of(read_recording(path, state="normal:artifact")) == found


def test_shortened_texts_cannot_be_mistaken_for_others() -> None:
    assert shortened("x" * 200) == "x" * 200
    short = shortened("x" * 201)
    assert short.startswith("x" * 180)
    assert "201 characters" in short
    assert shortened(short) != short


def test_long_texts_of_any_column_are_told_apart(put) -> None:
    path = put("session,step,plan\n" + "\n".join(f"s,{t},{'p' * 400}{t % 2}" for t in range(4)) + "\n")
    assert [str(s)[-1] for s in states_of(read_recording(path, state="plan"))] == ["0", "1", "0", "1"]


def test_text_stays_as_it_is_in_a_csv(put) -> None:
    path = put(
        "session,step,state\n" + "\n".join(f"s,{t},{v}" for t, v in enumerate(["007", "7", "7.0", "1e3"])) + "\n"
    )
    assert states_of(read_recording(path)) == ["007", "7", "7.0", "1e3"]
    renamed = put(path.read_text().replace("state", "verdict"), "renamed.csv")
    assert states_of(read_recording(renamed, state="verdict")) == ["007", "7", "7.0", "1e3"]
    assert states_of(read_recording(renamed, columns={"state": "verdict"})) == ["007", "7", "7.0", "1e3"]


@pytest.mark.slow
def test_labels_select_and_split(put) -> None:
    rows = [f"{s},{t},{'xy'[t % 2]},{'ab'[s % 2]},{(s + t) % 3}" for s in range(4) for t in range(6)]
    path = put("session,step,strategy,task,state\n" + "\n".join(rows) + "\n")
    recording = read_recording(path)
    assert recording.by == ["strategy"]
    totals = {label["strategy"]: Counts.of_panel(part).total for label, part in recording.parts}
    assert totals == {"x": 8.0, "y": 12.0}
    assert Counts.of_panel(only(read_recording(path, by=["none"], where={"task": "a"}))).total == 10
    assert Counts.of_panel(only(read_recording(path, by=["none"], unlike={"strategy": "x"}))).total == 12
    assert Counts.of_panel(only(read_recording(path, by=["none"], from_step=3))).total == 8
    assert "task" in only(read_recording(path, by=["none"], cluster="task")).labels
    assert "state" in only(read_recording(path, by=["none"], labels=["session"])).labels
    with pytest.raises(InputError, match="no row has task = 'q'"):
        read_recording(path, where={"task": "q"})
    with pytest.raises(InputError, match="no transition is left from step 5"):
        read_recording(path, from_step=5)
    with pytest.raises(InputError, match=r"no column `tusk`.*`task`"):
        read_recording(path, by=["tusk"])


def test_groups_without_a_transition_are_left_out_with_a_note(put) -> None:
    path = put("session,step,model,state\na,0,m,x\na,1,m,y\na,2,m,x\nb,0,k,x\nc,0,,x\nc,1,,y\n")
    recording = read_recording(path)
    assert [label for label, _ in recording.parts] == [{"model": "m"}]
    assert said(recording, "groups without a transition were left out: model=k")
    assert said(recording, "1 transitions are in no group of model")


def test_lineages_keep_their_parents(put) -> None:
    recording = read_recording(put(template("lineage")), state="size", by=["none"])
    panel = only(recording)
    assert panel.lineage
    assert panel.accepted is not None
    assert panel.parent.tolist()[:6] == [-1, 0, 0, 2, 2, 2]
    counts = Counts.of_panel(panel)
    assert counts.total == 10
    assert not counts.events.trajectories
    assert moves(counts)["648", "702"] == 1


def test_acceptance_links_proposals_to_the_version_held(put) -> None:
    rows = ["s,0,true,a", "s,1,false,b", "s,2,true,c", "s,3,false,", "s,4,true,d"]
    panel = only(read_recording(put("session,step,accepted,state\n" + "\n".join(rows) + "\n")))
    assert panel.lineage
    assert moves(Counts.of_panel(panel)) == {("a", "b"): 1.0, ("a", "c"): 1.0, ("c", "d"): 1.0}


def test_the_first_row_with_a_state_is_held_where_nothing_was_accepted_yet(put) -> None:
    rows = ["s,0,false,", "s,1,false,b", "s,2,false,c", "s,3,true,d"]
    panel = only(read_recording(put("session,step,accepted,state\n" + "\n".join(rows) + "\n")))
    assert moves(Counts.of_panel(panel)) == {("b", "c"): 1.0, ("b", "d"): 1.0}


def test_repeated_rows_give_the_state_of_the_first_and_a_note(put) -> None:
    rows = ["s,0,0,a", "s,0,1,a", "s,1,0,b", "s,1,1,c", "s,2,0,a", "s,2,1,a"]
    recording = read_recording(put("session,step,repeat,state\n" + "\n".join(rows) + "\n"))
    assert states_of(recording) == ["a", "b", "a"]
    assert said(recording, "3 rows repeat a row of the same step")
    assert said(recording, "in 1 steps another one differs")
    assert only(recording).repeats is None


def test_a_lag_must_fit(put) -> None:
    path = put("session,step,state\n" + "\n".join(f"s,{t},{t % 2}" for t in range(5)) + "\n")
    assert Counts.of_panel(only(read_recording(path, lag=4)), lag=4).total == 1
    with pytest.raises(InputError, match="no transition spans 5 steps; the longest session has 5 rows"):
        read_recording(path, lag=5)
    for bad in (0, -1, 1.5, True):
        with pytest.raises(SettingsError, match="`lag` must be an int of at least 1"):
            read_recording(path, lag=bad)


def test_gaps_in_the_steps_break_the_chain(put) -> None:
    path = put("session,step,state\ns,0,a\ns,1,b\ns,3,a\ns,4,b\n")
    assert moves(Counts.of_panel(only(read_recording(path)))) == {("a", "b"): 2.0}


def test_several_files_get_a_label(put) -> None:
    paths = [put("session,step,state\ns,0,a\ns,1,b\n", f"{k}.csv") for k in "pq"]
    assert [label for label, _ in read_recording(paths, by=["file"]).parts] == [{"file": "p.csv"}, {"file": "q.csv"}]
    assert Counts.of_panel(only(read_recording(paths))).total == 2


def test_states_that_hardly_repeat_are_said(put) -> None:
    path = put("session,step,state\n" + "\n".join(f"s,{t},text {t}" for t in range(50)) + "\n")
    assert said(read_recording(path), "50 different states in 50 rows")


def test_a_session_table_with_next_states_stays_one_unless_they_are_named(put) -> None:
    path = put("session,step,state,next_state\ns,0,a,b\ns,1,b,c\ns,2,c,a\n")
    recording = read_recording(path)
    assert recording.kind == "sessions"
    assert said(recording, "`next_state` was not used")
    named = read_recording(put(path.read_text().replace("next_state", "then"), "n.csv"), columns={"next_state": "then"})
    assert named.kind == "transitions"
    assert only(named).total == 3


# ---------------------------------------------------------------------------------------------------- transitions


def test_moves_are_counted_per_group() -> None:
    recording = read_recording(MOVES)
    assert recording.kind == "transitions"
    assert recording.by == ["model", "strategy"]
    (a, first), (b, second) = recording.parts
    assert a == {"model": "model-a", "strategy": "refine"}
    assert b == {"model": "model-b", "strategy": "refine"}
    assert first.states == ("done", "draft", "reviewed")
    assert moves(first)["draft", "reviewed"] == 31
    assert moves(second) == {("draft", "reviewed"): 5.0, ("reviewed", "draft"): 6.0}
    assert visited(first) == {"done": 4.0, "draft": 60.0, "reviewed": 50.0}
    assert visited(second) == {"draft": 8.0, "reviewed": 7.0}
    assert first.visits_rule == "observed"
    assert said(recording, "visits: the column `visits`; 1 states have none there")
    assert said(recording, "groups: by model and strategy")
    assert first.origin.files == (str(MOVES),)


def test_pooled_visits_add_up_over_models() -> None:
    counts = only(read_recording(MOVES, by=["none"]))
    assert visited(counts) == {"done": 4.0, "draft": 68.0, "reviewed": 57.0}
    assert moves(counts)["draft", "reviewed"] == 36


def test_visits_by_rule(put) -> None:
    path = put("state,next_state,count\na,b,30\na,c,10\nb,a,5\n")
    recording = read_recording(path)
    assert visited(only(recording)) == {"a": 40.0, "b": 5.0, "c": 0.0}
    assert said(recording, "visits: the counts out of each state, added up")
    assert said(recording, "there is no model or strategy column")
    equal = read_recording(path, visits="equal")
    assert visited(only(equal)) == {"a": 40.0, "b": 40.0, "c": 40.0}
    assert only(equal).visits_rule == "equal"
    assert said(equal, "visits: equal")
    given = read_recording(path, visits="4000")
    assert set(visited(only(given)).values()) == {4000.0}
    assert only(given).visits_rule == "4000"
    assert given.visits == 4000
    assert said(given, "visits: 4000 to every state")
    with pytest.raises(InputError, match="visits=39 is too few: state 'a' was left 40 times"):
        read_recording(path, visits=39)


@pytest.mark.parametrize("bad", ["often", "", "nan", "-3", 0, -1, float("nan"), float("inf"), True, None])
def test_other_visits_are_refused(bad) -> None:
    with pytest.raises(SettingsError, match="`visits` must be observed, equal or a number above 0"):
        visits_of(bad)


def test_equal_visits_are_the_largest_row_sum_of_each_group() -> None:
    (_, first), (_, second) = read_recording(MOVES, visits="equal").parts
    assert set(visited(first).values()) == {45.0}
    assert set(visited(second).values()) == {6.0}


def test_moves_without_counts_count_one_each_and_add_up(put) -> None:
    counts = only(read_recording(put("state\tnext_state\na\tb\na\tb\nb\ta\n", "moves.tsv")))
    assert moves(counts) == {("a", "b"): 2.0, ("b", "a"): 1.0}


def test_moves_never_seen_are_no_moves(put) -> None:
    counts = only(read_recording(put("state,next_state,count,visits\na,b,2,9\nb,a,0,4\nz,a,0,7\n")))
    assert moves(counts) == {("a", "b"): 2.0}
    assert visited(counts) == {"a": 9.0, "b": 4.0}


def test_fractions_are_counts_too(put) -> None:
    assert only(read_recording(put("state,next_state,count\na,b,0.5\nb,a,1.25\n"))).total == 1.75


def test_columns_of_moves_may_have_other_names(put) -> None:
    path = put("cue,response,n\na,b,3\nb,a,4\n")
    counts = only(read_recording(path, columns={"state": "cue", "next_state": "response", "count": "n"}))
    assert moves(counts) == {("a", "b"): 3.0, ("b", "a"): 4.0}
    other = read_recording(path, state="cue", columns={"next_state": "response", "count": "n"})
    assert moves(only(other)) == moves(counts)
    assert said(other, "the column `cue` -> `response` (2 different)")
    with pytest.raises(InputError, match=r"no column `cues`.*Did you mean `cue`"):
        read_recording(path, state="cues", columns={"next_state": "response"})


@pytest.mark.slow
def test_moves_select_and_split() -> None:
    assert only(read_recording(MOVES, where={"model": "model-b"})).total == 11
    assert only(read_recording(MOVES, unlike={"model": "model-b"})).total == 75
    first = read_recording(MOVES, by=["none"], where={"rank": "1"})
    assert only(first).total == 38
    assert [label["rank"] for label, _ in read_recording(MOVES, by=["rank"]).parts] == ["1", "2"]
    with pytest.raises(InputError, match=r"no row has model = 'x'. Values: model-a, model-b"):
        read_recording(MOVES, where={"model": "x"})
    with pytest.raises(InputError, match=r"no column `modal`.*`model`"):
        read_recording(MOVES, by=["modal"])


def test_rows_without_a_group_are_said(put) -> None:
    recording = read_recording(put("model,state,next_state\nm,a,b\n,b,a\nk,a,a\n"))
    assert [label["model"] for label, _ in recording.parts] == ["k", "m"]
    assert said(recording, "1 rows are in no group")


def test_texts_of_moves_may_be_normalised(put) -> None:
    path = put('state,next_state\n"Dog ",cat\nDOG,Cat\ncat,dog\n')
    assert only(read_recording(path)).n_states == 5
    assert moves(only(read_recording(path, state="normal:state"))) == {("dog", "cat"): 2.0, ("cat", "dog"): 1.0}
    long = put(f"state,next_state\n{'y' * 900},a\na,{'y' * 900}\n", "long.csv")
    assert only(read_recording(long, state="text:state")).states == ("a", shortened("y" * 900))


def test_several_tables_of_moves_add_up(put) -> None:
    paths = [put(f"state,next_state,visits\na,b,{v}\n", f"{v}.csv") for v in (5, 7)]
    assert visited(only(read_recording(paths))) == {"a": 12.0, "b": 0.0}
    assert [visited(p)["a"] for _, p in read_recording(paths, by=["file"]).parts] == [5.0, 7.0]


@pytest.mark.parametrize(
    ("table", "message", "row", "column"),
    [
        ("state,next_state\na,b\n,a\n", "`state` is empty", 2, "state"),
        ("state,next_state\na,b\nb,\n", "`next_state` is empty", 2, "next_state"),
        ("state,next_state,count\na,b,1\nb,a,\n", "`count` is empty", 2, "count"),
        ("state,next_state,count\na,b,\nb,a,\n", "`count` is empty", 1, "count"),
        ("state,next_state,count\na,b,1\nb,a,-2\n", "finite and at least 0 .*Got -2", 2, "count"),
        ("state,next_state,count\na,b,1\nb,a,inf\n", "finite and at least 0 .*Got inf", 2, "count"),
        ("state,next_state,count\na,b,1\nb,a,1e300\n", r"at most 1e\+15\). Got 1e\+300", 2, "count"),
        ("state,next_state,count\na,b,1\nb,a,many\n", "got 'many'|is 'many'", 2, "count"),
        ("state,next_state,count\na,b,true\nb,a,false\n", "true and false, expected numbers", None, "count"),
        ("state,next_state,count,visits\na,b,4,4\nb,a,5,3\n", "is 3, but the state was left 5 times", 2, "visits"),
        ("state,next_state,count,visits\na,b,4,9\na,c,1,8\n", "is 8 here and 9 in an earlier row", 2, "visits"),
        ("state,next_state,count,visits\na,b,4,-9\n", "finite and at least 0 .*Got -9", 1, "visits"),
        ("state,next_state,count,visits\na,b,4,lots\n", "got 'lots'|is 'lots'", 1, "visits"),
    ],
)
def test_refused_moves(put, table: str, message: str, row: int | None, column: str) -> None:
    path = put(table)
    with pytest.raises(InputError, match=message) as refused:
        read_recording(path)
    assert refused.value.file == str(path)
    assert refused.value.row == row
    assert refused.value.column == column


def test_the_row_of_a_refusal_is_that_of_the_file(put) -> None:
    path = put("model,state,next_state,count,visits\nm,a,b,1,9\nk,a,b,4,9\nk,b,a,5,3\n")
    with pytest.raises(InputError) as refused:
        read_recording(path)
    assert refused.value.row == 3


def test_what_only_sessions_have_is_refused_for_moves() -> None:
    for wrong in ({"lag": 2}, {"from_step": 1}, {"cluster": "model"}):
        with pytest.raises(SettingsError, match="transition table"):
            read_recording(MOVES, **wrong)
    for rule in ("bins:4", "kmeans:3"):
        with pytest.raises(InputError, match="transition table has no objectives"):
            read_recording(MOVES, state=rule)


def test_the_template_of_moves_can_be_read(put) -> None:
    assert only(read_recording(put(template("transitions")))).total == 97


def test_tables_of_another_kind_are_refused(put) -> None:
    with pytest.raises(InputError, match=r"no session or step column; `loopstat balance` needs.*pool of candidates"):
        read_recording(put(template("pool")))
    with pytest.raises(InputError, match="no step column"):
        read_recording(put("session,state\ns,a\ns,b\n"))
    with pytest.raises(InputError, match=r"there is no column `state`.*bins:K"):
        read_recording(put("session,step,score\ns,0,1\ns,1,2\n"))
    with pytest.raises(InputError, match="there is no column `state`"):
        read_recording(put("from,next_state\na,b\n"))


# ---------------------------------------------------------------------------------------------------- JSON forms


def test_words_and_their_successors() -> None:
    recording = read_recording(WORDS)
    assert recording.kind == "words"
    assert recording.by == []
    counts = only(recording)
    assert counts.states == ("COLD", "HOT", "WARM")
    assert moves(counts) == {
        ("COLD", "WARM"): 2.0,
        ("COLD", "COLD"): 1.0,
        ("COLD", "HOT"): 1.0,
        ("WARM", "COLD"): 1.0,
        ("WARM", "HOT"): 1.0,
        ("HOT", "WARM"): 2.0,
    }
    assert visited(counts) == {"COLD": 5.0, "HOT": 2.0, "WARM": 4.0}
    assert said(recording, "8 moves; 5 answers INVALID00 are visits only")
    assert said(recording, "visits: all answers to a word, rejected ones included")
    assert set(visited(only(read_recording(WORDS, visits="equal"))).values()) == {4.0}
    assert set(visited(only(read_recording(WORDS, visits=100))).values()) == {100.0}


def test_a_word_whose_answers_were_all_rejected_is_a_state_if_it_is_entered(put) -> None:
    path = put('{"A": ["B", "A"], "B": ["INVALID00", "INVALID00"], "INVALID00": ["A"]}', "w.json")
    recording = read_recording(path)
    assert visited(only(recording)) == {"A": 2.0, "B": 2.0}
    assert moves(only(recording)) == {("A", "A"): 1.0, ("A", "B"): 1.0}
    assert said(recording, "successors of INVALID00 itself were left out")


def test_expressions_lead_from_their_sources() -> None:
    recording = read_recording(EXPRESSIONS, by=["none"])
    assert recording.kind == "expressions"
    assert moves(only(recording)) == {
        ("x", "x + 1"): 1.0,
        ("x", "sin(x)"): 1.0,
        ("x + 1", "sin(x)"): 1.0,
        ("x + 1", "x"): 1.0,
        ("x", "x"): 1.0,
    }
    assert visited(only(recording)) == {"sin(x)": 0.0, "x": 3.0, "x + 1": 2.0}
    assert said(recording, "1 records have no source")


def test_records_with_a_model_are_grouped() -> None:
    recording = read_recording(EXPRESSIONS)
    assert [label for label, _ in recording.parts] == [{"model": "model-a"}, {"model": "model-b"}]
    assert [part.total for _, part in recording.parts] == [3.0, 2.0]
    assert only(read_recording(EXPRESSIONS, where={"model": "model-b"})).total == 2
    with pytest.raises(InputError, match="no column `strategy`"):
        read_recording(EXPRESSIONS, by=["strategy"])


def test_forms_are_known_by_their_content(put) -> None:
    compact = put(json.dumps(json.loads(WORDS.read_text())), "plain.txt")
    assert only(read_recording(compact)).total == 8
    packed = put(gzip.compress(WORDS.read_bytes()), "words.json.gz")
    assert only(read_recording(packed)).total == 8
    marked = put(b"\xef\xbb\xbf  \n" + WORDS.read_bytes(), "bom.json")
    assert only(read_recording(marked)).total == 8
    both = read_recording([compact, packed])
    assert only(both).total == 16
    assert visited(only(both))["COLD"] == 10
    assert len(read_recording([compact, packed], by=["file"]).parts) == 2
    long = put(json.dumps({"A" * 100_000: ["B"], "B": ["A" * 100_000]}), "long.json")
    assert only(read_recording(long)).n_states == 2


def test_tables_in_json_are_no_forms(put) -> None:
    rows = [{"session": "s", "step": t, "state": "ab"[t % 2], "tags": ["x"]} for t in range(3)]
    lines = put("\n".join(json.dumps(r) for r in rows), "rows.json")
    array = put(json.dumps(rows), "array.json")
    first = put("\n".join(json.dumps({"tags": ["x"], **r}) for r in rows), "first.jsonl")
    for path in (lines, array, first):
        assert states_of(read_recording(path)) == ["a", "b", "a"]
    with pytest.raises(InputError, match="session"):
        read_recording(put(json.dumps({"session": ["s", "s"], "step": [0, 1], "state": ["a", "b"]}), "columns.json"))


def test_forms_may_be_normalised_but_have_no_columns(put) -> None:
    path = put('{"Dog": ["CAT", "cat "], "cat": ["dog"]}', "w.json")
    assert only(read_recording(path)).n_states == 5
    assert moves(only(read_recording(path, state="normal:state"))) == {("dog", "cat"): 2.0, ("cat", "dog"): 1.0}
    for wrong, said in (
        ({"state": "word"}, "there is no column `word` .* Columns: state, next_state"),
        ({"state": "bins:4"}, "JSON file of words has no objectives"),
        ({"columns": {"state": "x"}}, "there is no column `x` .* Columns: state, next_state"),
    ):
        with pytest.raises(InputError, match=said):
            read_recording(path, **wrong)
    for wrong in ({"lag": 2}, {"from_step": 1}, {"cluster": "state"}):
        with pytest.raises(SettingsError, match="JSON file of words"):
            read_recording(path, **wrong)
    with pytest.raises(InputError, match="not of one kind"):
        read_recording([path, SESSIONS])


ODD = '[{"target_expression": "x", "source_expressions": [{"expression": "y"}]}, %s]'


@pytest.mark.parametrize(
    ("text", "message", "row"),
    [
        ('{"A": ["B"], "C": "D"}', 'successors of .C. must be a list of texts. Got "D"', 2),
        ('{"A": ["B"], "C": {"D": 3}}', "successors of 'C' must be a list of texts. Got an object", 2),
        ('{"A": ["B", 3]}', "successors of 'A' must be texts; number 2 is 3", 1),
        ('{"A": ["B", null]}', "number 2 is null", 1),
        ('{"A": ["B", ["C"]]}', "number 2 is a list", 1),
        ('{"A": [""]}', "a state without a name", 1),
        ('{"A": ["B"], "": ["A"]}', "a state without a name", 2),
        ('{"A": ["\\ud800"]}', "half a character", 1),
        ('{"A": ["B"], "A": ["C"]}', "'A' stands twice in one object", None),
        ('{"A": [], "B": []}', "holds no move between states", None),
        ('{"A": ["INVALID00"]}', "no move was seen", None),
        (ODD % "3", "a record must be an object. Got 3", 2),
        (ODD % '{"target_expression": "z"}', "has no `source_expressions`. It has: target_expression", 2),
        (ODD % '{"source_expressions": []}', "has no `target_expression`", 2),
        (ODD % '{"target_expression": 5, "source_expressions": []}', "`target_expression` must be a text", 2),
        (ODD % '{"target_expression": "z", "source_expressions": "y"}', 'must be a list of objects. Got "y"', 2),
        (ODD % '{"target_expression": "z", "source_expressions": ["y"]}', "number 1 of `source_expressions`", 2),
        (
            ODD % '{"target_expression": "z", "source_expressions": [{"expression": 1}]}',
            "with the text `expression`",
            2,
        ),
        (ODD % '{"target_expression": "", "source_expressions": [{"expression": "y"}]}', "without a name", 2),
        ('[{"target_expression": "x", "source_expressions": []}]', "holds no move between states", None),
        ('[{"target_expression": "x", "source_expressions": [', "line 1 is not valid JSON", None),
        ('[{"target_expression": %s', "not valid JSON", None),
        ('{"A": ["B"', "line 1 is not valid JSON", None),
        ('{\n"A": ["B"],\n"C": [', "line 3 is not valid JSON", None),
        ("[" * 100_000 + '"target_expression"', "not valid JSON|too deeply", None),
        ("{}", "expected one JSON object per row", None),
        ("[]", "expected one JSON object per row", None),
        ("{", "line 1 is not valid JSON", None),
        ('{"A": 3}', "no session or step column", None),
    ],
)
def test_refused_forms(put, text: str, message: str, row: int | None) -> None:
    path = put(text, "odd.json")
    with pytest.raises(LoopstatError, match=message) as refused:
        read_recording(path)
    assert isinstance(refused.value, InputError)
    assert refused.value.file == str(path)
    assert refused.value.row == row


# ---------------------------------------------------------------------------------------------------- dataframes


FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "lazy": pl.LazyFrame,
    "arrow": pa.table,
    "duckdb": lambda columns: duckdb.connect().from_arrow(pa.table(columns)),
}


@pytest.mark.parametrize("library", FRAMES)
def test_dataframes_of_sessions(library: str) -> None:
    frame = FRAMES[library]({"session": [1, 1, 1, 2, 2], "step": [0, 1, 2, 0, 1], "state": [*"abaab"]})
    recording = read_recording(frame)
    assert states_of(recording) == [*"abaab"]
    assert recording.source.digest
    assert recording.kind == "sessions"


@pytest.mark.parametrize("library", FRAMES)
def test_dataframes_of_moves(library: str) -> None:
    frame = FRAMES[library]({"state": [1, 2, 1], "next_state": [2, 1, 3], "count": [5, 6, 7], "visits": [20, 30, 20]})
    counts = only(read_recording(frame))
    assert counts.states == ("1", "2", "3")
    assert moves(counts) == {("1", "2"): 5.0, ("2", "1"): 6.0, ("1", "3"): 7.0}
    assert visited(counts) == {"1": 20.0, "2": 30.0, "3": 0.0}
    assert counts.origin.digest


def test_digests_tell_states_apart() -> None:
    def digest(states: str, **more: Any) -> str:
        return read_recording(pd.DataFrame({"session": 1, "step": [0, 1, 2], "state": [*states]}), **more).source.digest

    assert digest("aba") == digest("aba")
    assert len({digest(s) for s in ("aba", "aab", "xyx")}) == 3


def test_missing_states_of_dataframes() -> None:
    frame = pd.DataFrame({"session": 1, "step": range(4), "state": ["a", None, "b", "a"]})
    assert states_of(read_recording(frame)) == ["a", None, "b", "a"]
    numbers = pd.DataFrame({"session": 1, "step": range(4), "state": [1.0, np.nan, 2.0, 1.0]})
    assert states_of(read_recording(numbers)) == ["1", None, "2", "1"]


# ---------------------------------------------------------------------------------------------------- odd names


def _chain(names: list[str]) -> dict[str, list[Any]]:
    return {"session": ["s"] * len(names), "step": list(range(len(names))), "state": names}


def test_odd_names_survive_in_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
        writer.writerows([("session", "step", "state"), *(("s", t, name) for t, name in enumerate(HOSTILE))])
    assert states_of(read_recording(path)) == HOSTILE


@pytest.mark.slow
def test_odd_names_survive_in_json_lines_parquet_and_frames(put, tmp_path: Path) -> None:
    columns = _chain(WITH_NUL)
    lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table(columns), path)
    for source in (put("\n".join(lines), "odd.jsonl"), path, pd.DataFrame(columns), pl.DataFrame(columns)):
        assert states_of(read_recording(source)) == WITH_NUL
        assert states_of(read_recording(source, state="text:state")) == [shortened(n) for n in WITH_NUL]


def test_odd_names_survive_in_moves_and_words(put) -> None:
    after = [*WITH_NUL[1:], WITH_NUL[0]]
    expected = dict.fromkeys(zip(WITH_NUL, after, strict=True), 1.0)
    assert moves(only(read_recording(pd.DataFrame({"state": WITH_NUL, "next_state": after})))) == expected
    words = put(json.dumps({a: [b] for a, b in expected}), "words.json")
    assert moves(only(read_recording(words))) == expected
    records = [{"target_expression": b, "source_expressions": [{"expression": a}]} for a, b in expected]
    assert moves(only(read_recording(put(json.dumps(records), "x.json")))) == expected


def test_names_are_in_natural_order(put) -> None:
    path = put("session,step,state\n" + "\n".join(f"s,{t},{v}" for t, v in enumerate(["b", "10", "9", "a"])) + "\n")
    assert only(read_recording(path)).labels["state"].names == ("9", "10", "a", "b")


# ---------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("sate", "no column `sate`.*Did you mean `state`.*bins:K"),
        ("text:artefact", "no column `artefact`.*Did you mean `artifact`"),
        ("normal:artefact", "no column `artefact`.*Did you mean `artifact`"),
        ("text:", "names no column. Expected COL, text:COL"),
        ("", "names no column"),
        ("bins:", "K must be a whole number"),
        ("bins:four", "K must be a whole number, as in bins:4. Got 'four'"),
        ("kmeans:2.5", "K must be a whole number"),
        ("bins:1", "from 2 to 200. Got 1"),
        ("kmeans:201", "from 2 to 200. Got 201"),
        ("bins:7", "more than the 6 rows in which no objective is missing"),
        ("kmeans:7", "more than the 6 different score vectors|more than the 6 rows"),
    ],
)
def test_refused_states(rule: str, message: str) -> None:
    with pytest.raises(LoopstatError, match=message):
        read_recording(SESSIONS, state=rule)


def test_states_of_scores_need_scores(put) -> None:
    path = put("session,step,state\ns,0,a\ns,1,b\n")
    for rule in ("bins:2", "kmeans:2"):
        with pytest.raises(InputError, match="objective"):
            read_recording(path, state=rule)


def test_columns_that_cannot_name_states_are_refused(put) -> None:
    rows = [{"session": "s", "step": t, "board": [t], "empty": None} for t in range(3)]
    path = put("\n".join(json.dumps(r) for r in rows), "runs.jsonl")
    with pytest.raises(InputError, match="nested values") as refused:
        read_recording(path, state="board")
    assert refused.value.column == "board"
    with pytest.raises(InputError, match="holds no value"):
        read_recording(path, state="empty")


def test_recordings_without_a_transition_are_refused(put) -> None:
    with pytest.raises(InputError, match="no rows"):
        read_recording(put("session,step,state\n"))
    with pytest.raises(InputError, match="empty"):
        read_recording(put(""))
    with pytest.raises(InputError, match="no such file"):
        read_recording("nowhere.csv")
    with pytest.raises(InputError, match="no transition has a state at both of its ends"):
        read_recording(put("session,step,state\ns,0,a\ns,1,\ns,2,b\n"))
    with pytest.raises(InputError, match="every session has one step"):
        read_recording(put("session,step,state\ns,0,a\nr,0,b\n"))
    with pytest.raises(InputError, match="no transition carries a value of model"):
        read_recording(put("session,step,model,state\ns,0,m,a\ns,1,,b\ns,2,,a\n"), by=["model"])
    with pytest.raises(InputError, match="no move was seen"):
        read_recording(put("state,next_state,count\na,b,0\n"))


def test_too_few_visits_of_sessions_are_refused(put) -> None:
    path = put("session,step,state\n" + "\n".join(f"s,{t},{t % 2}" for t in range(9)) + "\n")
    assert read_recording(path, visits=4).visits == 4
    with pytest.raises(InputError, match="visits=3 is too few: state '0' was left 4 times"):
        read_recording(path, visits=3)


# ---------------------------------------------------------------------------------------------------- size


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sessions", "moves"])
def test_many_rows_of_many_states_take_seconds(kind: str) -> None:
    n = 200_000
    names = pa.array([f"state {i}" for i in np.random.default_rng(0).permutation(n)])
    if kind == "sessions":
        table = pa.table({"session": np.arange(n) // 100, "step": np.arange(n) % 100, "state": names})
    else:
        table = pa.table({"state": names, "next_state": names.take(pa.array((np.arange(n) + 1) % n))})
    start = time.monotonic()
    part = only(read_recording(table))
    assert time.monotonic() - start < 20
    counts = part if isinstance(part, Counts) else Counts.of_panel(part)
    assert counts.n_states == n


@recorded
@pytest.mark.parametrize(
    ("file", "options", "groups", "transitions"),
    [
        ("paraphrase_cycles", {"state": "text:artifact", "by": ["strategy"]}, None, 46_860),
        ("repeated_games", {"by": ["strategy"]}, 7, 32_400),
        ("repeated_games", {"by": ["none"], "state": "bins:2"}, 1, 32_400),
    ],
)
def test_recorded_sessions(file: str, options: dict[str, Any], groups: int | None, transitions: int) -> None:
    start = time.monotonic()
    recording = read_recording(DATA / file / f"{file}.parquet", **options)
    assert time.monotonic() - start < 10
    total = sum(Counts.of_panel(part).total for _, part in recording.parts)
    assert total == pytest.approx(transitions, abs=2)  # one text is empty
    assert groups is None or len(recording.parts) == groups


@recorded
def test_texts_that_were_labelled_before_get_the_same_states() -> None:
    """The recording names its texts without white space at the ends; else reading them must give the same partition."""
    path = DATA / "paraphrase_cycles" / "paraphrase_cycles.parquet"
    texts, names = (only(read_recording(path, state=s, by=["none"])) for s in ("text:artifact", "state"))
    known = texts.labels["state"].codes >= 0
    pairs = np.unique(np.c_[texts.labels["state"].codes[known], names.labels["state"].codes[known]], axis=0)
    assert len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) + 1  # two texts differ by a blank


@recorded
def test_recorded_moves() -> None:
    counts = only(read_recording(DATA / "detailed_balance_words" / "transition_counts.parquet", visits="equal"))
    assert moves(counts)["PERSONAL", "ATTITUDE"] == 3879
    assert set(counts.visits.tolist()) == {4122.0}
    words = read_recording(DATA / "word_association_gpt" / "word_association_gpt.parquet")
    assert words.by == ["model", "strategy"]
    assert len(words.parts) == 3
