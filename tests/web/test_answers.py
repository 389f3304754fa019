"""Answers over the socket: whole, live, the latest of each slot, refusals, and what is read again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from web.conftest import Serve, Served, with_site
from web.wire import answered, ask, got, header_of, heard, opened

PULL = "levers pull"


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("numbers") / "numbers.csv"
    path.write_text("session,value\na,1\nb,2\nc,3\n")
    return path


@pytest.fixture(scope="module")
def running(serve: Serve, outside: Path, numbers: Path) -> Served:
    return serve(numbers, **with_site(outside))


@pytest.fixture
def line(running: Served) -> Iterator[ClientConnection]:
    with opened(running.address) as socket:
        yield socket


def _height(header: dict[str, Any]) -> float:
    assert header["kind"] == "document", header
    [height] = header["document"]["answer"]["why"]
    return float(height["v"])


# ------------------------------------------------------------------------------- desks


def test_the_lens_of_an_outside_package_is_a_desk(running: Served) -> None:
    said = json.loads(got(f"{running.address}desks")[2])
    desks = {desk["name"]: desk for desk in said["desks"]}
    assert "levers list" not in desks, "it has no page"
    desk = desks[PULL]
    assert (desk["title"], desk["lens"], desk["reads"], desk["live"]) == ("Levers", "levers", False, True)
    titles = [(group["title"], group["open"], [row["name"] for row in group["rows"]]) for group in desk["groups"]]
    rest = ["greased", "broken", "note", "named", "given"]
    assert titles == [
        ("Hand", True, ["pull", "way"]),
        ("Machine", False, ["rounds"]),
        ("Further settings", False, rest),
    ], "every row but the path, once"
    row = desk["groups"][0]["rows"][0]
    assert row == {
        "name": "pull",
        "symbol": "p",
        "default": 1.0,
        "unit": "N",
        "help": "How hard it is pulled.",
        "explained": "p: How hard it is pulled, in N (default 1.0).",
        "source": "loopstat",
        "low": -10,
        "high": 10,
        "slider": [0, 2],
        "whole": False,
        "open_low": False,
        "open_high": False,
        "choices": [],
        "kind": "number",
        "metavar": "X",
        "of": "",
        "label": "",
    }
    assert desk["presets"][0] == {
        "group": "Presets",
        "name": "hard",
        "help": "As hard as it goes.",
        "over": False,
        "values": {"pull": 2.0},
    }
    assert desk["saves"] == [{"name": "note-file", "title": "Write the note."}]
    assert desks["levers read"]["reads"]
    assert [g["title"] for g in desks["levers read"]["groups"]] == ["Settings"]


def test_every_desk_says_its_settings_once(running: Served) -> None:
    for desk in json.loads(got(f"{running.address}desks")[2])["desks"]:
        names = [row["name"] for group in desk["groups"] for row in group["rows"]]
        assert len(names) == len(set(names)), desk["name"]
        known = {row["kind"] for group in desk["groups"] for row in group["rows"]}
        assert known <= {"number", "choice", "flag", "switch", "text", "list", "pairs"}
        for preset in desk["presets"]:
            assert set(preset["values"]) <= set(names), (desk["name"], preset["name"])


# ------------------------------------------------------------------------------- answers


def test_a_whole_answer_and_a_live_one(line: ClientConnection) -> None:
    whole = answered(line, 1, PULL, {"pull": 1.5})
    assert {k: whole[k] for k in ("kind", "seq", "slot", "desk", "live")} == {
        "kind": "document",
        "seq": 1,
        "slot": 0,
        "desk": PULL,
        "live": False,
    }
    assert _height(whole) == 1.5
    assert whole["document"]["rough"] == ""
    moved = answered(line, 2, PULL, {"pull": 1.75}, live=True)
    assert _height(moved) == 1.75
    assert moved["document"]["rough"] == "no pauses"
    assert moved["document"]["lead"] == ["base 1.5"], "it is given the last whole one"
    assert moved["took"] < 1000
    assert moved["document"]["provenance"]["command"] == "loopstat levers pull --pull 1.75"


def test_where_no_live_answer_will_do_a_whole_one_is_asked_for(line: ClientConnection) -> None:
    assert answered(line, 1, PULL, {"way": "down"}, live=True)["kind"] == "whole"
    assert answered(line, 2, "levers laid", {"weight": 3}, live=True)["kind"] == "whole", "it has none"
    assert answered(line, 3, "levers read", {"unit": "never read"}, live=True, sources=["s1"])["kind"] == "whole"


def test_slots_do_not_disturb_each_other(line: ClientConnection) -> None:
    for slot in range(4):
        ask(line, 10 + slot, PULL, {"pull": float(slot), "rounds": 5}, slot=slot)
    found = {}
    while len(found) < 4:
        header = heard(line)
        found[header["slot"]] = (header["seq"], _height(header))
    assert found == {slot: (10 + slot, float(slot)) for slot in range(4)}


def test_progress_is_told_and_a_newer_request_calls_the_older_one_off(line: ClientConnection) -> None:
    ask(line, 1, PULL, {"rounds": 3000})
    said = heard(line, "progress")
    assert (said["seq"], said["slot"], said["total"]) == (1, 0, 3000)
    begun = time.monotonic()
    ask(line, 2, PULL, {"pull": 0.5})
    assert heard(line, "cancelled")["seq"] == 1
    last = heard(line)
    assert (last["seq"], _height(last)) == (2, 0.5)
    assert time.monotonic() - begun < 5, "nobody waits for the 60 s of the first"


def test_progress_comes_at_most_twenty_times_a_second(line: ClientConnection) -> None:
    ask(line, 1, PULL, {"rounds": 60})
    frames = []
    while (header := header_of(line.recv(timeout=30)))["kind"] != "document":  # type: ignore[arg-type]
        frames.append(header)
    assert all(h["kind"] == "progress" for h in frames)
    assert 5 < len(frames) <= 32, "of 60 words in 1.2 s"


def test_a_cancelled_request_ends(line: ClientConnection) -> None:
    ask(line, 1, PULL, {"rounds": 3000})
    heard(line, "progress")
    line.send(json.dumps({"do": "cancel", "slot": 0}))
    assert heard(line, "cancelled")["seq"] == 1
    assert _height(answered(line, 2, PULL, {"pull": 2})) == 2
    line.send(json.dumps({"do": "cancel", "slot": 3}))
    line.send(json.dumps({"do": "ping"}))
    assert heard(line, "pong")["kind"] == "pong", "there is nothing to call off"


def test_of_many_live_requests_the_latest_is_answered(line: ClientConnection) -> None:
    for seq in range(1, 41):
        ask(line, seq, PULL, {"pull": seq / 100, "note": "slow"}, live=True)
    begun, seen = time.monotonic(), []
    while not seen or seen[-1]["seq"] < 40:
        seen.append(heard(line, "document"))
    assert [h["seq"] for h in seen] == sorted(h["seq"] for h in seen)
    assert len(seen) <= 3, "what had not begun was dropped"
    assert time.monotonic() - begun < 3
    assert _height(seen[-1]) == 0.4


def test_two_tabs(running: Served, line: ClientConnection) -> None:
    with opened(running.address) as other:
        ask(line, 1, PULL, {"rounds": 30, "pull": 1.25})
        assert _height(answered(other, 1, PULL, {"pull": 2}, live=True)) == 2, "one does not wait for the other"
        assert _height(answered(other, 2, PULL, {"pull": 0.25})) == 0.25
        assert _height(heard(line)) == 1.25


def test_a_tab_that_goes_takes_its_work_along(running: Served, line: ClientConnection) -> None:
    for _ in range(6):
        with opened(running.address) as other:
            for slot in range(4):
                ask(other, 1, PULL, {"rounds": 3000}, slot=slot)
            heard(other, "progress")
    begun = time.monotonic()
    assert _height(answered(line, 1, PULL)) == 1
    assert time.monotonic() - begun < 5


def test_no_more_than_eight_tabs(running: Served) -> None:
    with ExitStack() as tabs:
        for _ in range(8):
            tab = tabs.enter_context(opened(running.address))
            tab.send('{"do": "ping"}')
            assert heard(tab, "pong")
        ninth = tabs.enter_context(opened(running.address))
        assert "too many tabs" in heard(ninth)["message"]
        with pytest.raises(ConnectionClosed):
            ninth.recv(timeout=10)


# ------------------------------------------------------------------------------- tables


def test_files_are_read_again_only_where_what_the_reader_looked_at_changes(line: ClientConnection) -> None:
    read = "levers read"
    first = answered(line, 1, read, sources=["s1"])
    assert _height(first) == 6
    assert _height(answered(line, 2, read, {"pull": 2}, sources=["s1"])) == 12
    live = answered(line, 3, read, {"pull": 0.5}, sources=["s1"], live=True)
    assert _height(live) == 3
    assert live["document"]["lead"] == ["base 12.0"]
    assert answered(line, 4, read, {"pull": 0.5, "rounds": 0}, sources=["s1"], live=True)["kind"] == "whole"
    assert _height(answered(line, 5, read, {"pull": 0.5, "rounds": 0}, sources=["s1"])) == 3


def test_a_file_that_grew_is_read_again(serve: Serve, outside: Path, tmp_path: Path) -> None:
    path = tmp_path / "grows.csv"
    path.write_text("session,value\na,1\n")
    with opened(serve(path, **with_site(outside)).address) as socket:
        assert _height(answered(socket, 1, "levers read", sources=["s1"])) == 1
        path.write_text("session,value\na,1\nb,4\n")
        assert answered(socket, 2, "levers read", {"pull": 2}, sources=["s1"], live=True)["kind"] == "whole"
        assert _height(answered(socket, 3, "levers read", sources=["s1"])) == 5
        path.write_text("session,value\nbad\n")
        refused = answered(socket, 4, "levers read", sources=["s1"])
        assert refused["message"].endswith("row 1: holds no number. Hint: write one.")
        path.unlink()
        assert "is not there any more" in answered(socket, 5, "levers read", sources=["s1"])["message"]


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("settings", "setting", "said"),
    [
        ({"pull": 11}, "pull", "`pull` must lie in [-10, 10]. Got 11."),
        ({"pull": "two"}, "pull", "`pull` must be a finite number in [-10, 10]. Got 'two'."),
        ({"pull": True}, "pull", "`pull` must be a finite number"),
        ({"pull": [1]}, "pull", "`pull` must be a finite number"),
        ({"pull": {"a": 1}}, "pull", "`pull` must be a finite number"),
        ({"pull": "nan"}, "pull", "`pull` must be a finite number"),
        ({"pull": "9" * 100_000}, "pull", "Got 100000 characters"),
        ({"rounds": 1.5}, "rounds", "`rounds` must be a whole number"),
        ({"rounds": 10**400}, "rounds", "a number above 1e308"),
        ({"way": "sideways"}, "way", "`way` must be one of up, down. Got 'sideways'."),
        ({"way": ["up"]}, "way", "`way` must be"),
        ({"greased": 1}, "greased", "`greased` must be true or false. Got 1."),
        ({"note": ["x"]}, "note", "`note` must be text"),
        ({"note": "x" * 30_000}, "note", "at most 20000 characters"),
        ({"named": {"a": 1}}, "named", "`named` must be a list of texts"),
        ({"named": [1]}, "named", "`named` must be a list of texts"),
        ({"named": ["x"] * 30_000}, "named", "at most 20000 characters"),
        ({"given": [["a"]]}, "given", "`given` must be a list of texts"),
        ({"pul": 1}, None, "unknown setting 'pul'. Known: pull,"),
        ({"file": "/etc/passwd"}, None, "unknown setting 'file'"),
        ({"__class__": 1}, None, "unknown setting '__class__'"),
        ([["pull", 1]], None, "`settings` must be an object"),
    ],
)
def test_values_are_read_by_their_rows(line: ClientConnection, settings: Any, setting: str | None, said: str) -> None:
    for live in (False, True):
        refused = answered(line, 7, PULL, settings, live=live)
        assert (refused["kind"], refused["seq"], refused["slot"], refused["setting"]) == ("error", 7, 0, setting)
        assert said in refused["message"]
        assert len(refused["message"]) < 1000


def test_unknown_names_come_with_the_nearest(line: ClientConnection) -> None:
    assert "did you mean `levers pull`?" in answered(line, 1, "levers pul")["message"]
    assert "did you mean `pull`?" in answered(line, 2, PULL, {"pul": 1})["message"]
    assert "did you mean `s1`?" in answered(line, 3, "levers read", sources=["s11"])["message"]
    assert "table" in answered(line, 4, "levers read")["message"]
    assert "list of the ids" in answered(line, 5, "levers read", sources="s1")["message"]
    assert answered(line, 6, "levers read", sources=["../numbers.csv"])["kind"] == "error"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        '{"do": "dance"}',
        '{"seq": 1}',
        '{"do": "answer", "seq": -1, "desk": "levers pull"}',
        '{"do": "answer", "seq": 1e3, "desk": "levers pull"}',
        '{"do": "answer", "seq": 1, "slot": 4, "desk": "levers pull"}',
        '{"do": "answer", "seq": 1, "slot": true, "desk": "levers pull"}',
        '{"do": "answer", "seq": 1, "slot": [], "desk": {}}',
        '{"do": "answer", "seq": 1, "desk": ["levers pull"]}',
        '{"do": "answer", "seq": 1, "desk": "\\ud800"}',
        '{"do": "answer", "seq": 1, "desk": "levers pull", "settings": {"note": "\\ud800", "way": "\\udfff"}}',
        '{"do": "answer", "seq": ' + "9" * 5000 + ', "desk": "levers pull"}',
    ],
)
def test_messages_that_are_none_are_refused_and_the_socket_lives(line: ClientConnection, text: str) -> None:
    line.send(text)
    assert heard(line)["kind"] == "error"
    assert _height(answered(line, 9, PULL)) == 1


def test_a_text_of_half_letters_goes_through(line: ClientConnection) -> None:
    line.send('{"do": "answer", "seq": 1, "desk": "levers pull", "settings": {"note": "\\ud800\\u0000<script>"}}')
    assert _height(heard(line)) == 1


def test_binary_and_long_messages_are_refused(running: Served) -> None:
    with opened(running.address) as socket:
        socket.send(b"\x00\xff")
        assert heard(socket)["kind"] == "error"
        socket.send('{"do": "ping", "x": "' + "x" * 1_000_001 + '"}')
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_what_should_not_happen_is_told_on_standard_error_alone(running: Served, line: ClientConnection) -> None:
    refused = answered(line, 3, PULL, {"broken": True})
    assert (refused["kind"], refused["seq"], refused["setting"]) == ("error", 3, None)
    assert "should not have happened" in refused["message"]
    assert "secret" not in json.dumps(refused)
    assert "a secret of this machine" in running.stderr
    assert "Traceback" in running.stderr
    assert _height(answered(line, 4, PULL)) == 1
