"""Nobody but the page itself is heard: token, Host, Origin, paths, and the headers of every answer."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from loopstat.faces.web import guard
from web.conftest import Serve
from web.wire import got, opened

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self' ws://127.0.0.1:{port} ws://localhost:{port}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _port(address: str) -> str:
    return address.split(":")[2].split("/")[0]


def raw(address: str, request: str) -> str:
    """Send bytes no client would send, and return the head of what comes back."""
    with socket.create_connection(("127.0.0.1", int(_port(address))), timeout=10) as line:
        line.sendall(request.encode("latin-1"))
        found = b""
        while b"\r\n\r\n" not in found and (part := line.recv(65536)):
            found += part
    return found.decode("latin-1")


@pytest.mark.parametrize(
    "place",
    [
        "",
        "{token}x/",
        "{half}/",
        "static/app.js",
        "x/{token}/",
        "/{token}/",
        "desks",
        "%7Btoken%7D/",
        "\u00e9/",
        "{token}/nothing",
        "{token}/static/",
        "{token}/static/../server.py",
        "{token}/static/..%2fserver.py",
        "{token}/static/%2e%2e/server.py",
        "{token}/static/..%5cserver.py",
        "{token}/static/%2fetc%2fpasswd",
        "{token}/static//etc/passwd",
        "{token}/static/__init__.py",
        "{token}/static/page.html",
        "{token}/static/index.html%00.css",
    ],
)
def test_other_addresses_are_not_there(served: str, place: str) -> None:
    token = served.split("/")[3]
    path = place.format(token=token, half=token[:16]).encode().decode("latin-1")
    head = raw(served, f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{_port(served)}\r\nConnection: close\r\n\r\n")
    assert head.startswith(("HTTP/1.1 404 ", "HTTP/1.1 400 ")), head
    assert token not in head


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}.evil.example",
        "localhost.evil.example:{port}",
        "[::1]:{port}",
        "0.0.0.0:{port}",
        "",
    ],
)
def test_a_name_that_was_pointed_here_is_refused(served: str, host: str) -> None:
    path = "/" + served.split("/", 3)[3]
    named = host.format(port=_port(served))
    for line in (f"Host: {named}", f"Host: 127.0.0.1:{_port(served)}\r\nHost: {named}"):
        head = raw(served, f"GET {path} HTTP/1.1\r\n{line}\r\nConnection: close\r\n\r\n")
        assert head.startswith(("HTTP/1.1 403 ", "HTTP/1.1 400 ")), head
    assert raw(served, f"GET {path} HTTP/1.0\r\n\r\n").startswith("HTTP/1.1 403 ")


def test_both_names_of_this_machine_are_heard(served: str) -> None:
    port = _port(served)
    for name in ("127.0.0.1", "localhost", "LOCALHOST"):
        assert got(served, Host=f"{name}:{port}")[0] == 200
        assert got(f"{served}desks", Host=f"{name}:{port}", Origin=f"http://{name.lower()}:{port}")[0] == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1",
        "http://127.0.0.1:{port}/",
        "file://",
    ],
)
def test_pages_of_others_are_refused(served: str, origin: str) -> None:
    foreign = origin.format(port=_port(served))
    for method, place in (
        ("GET", "desks"),
        ("POST", "sources?name=a.csv"),
        ("POST", "download"),
        ("DELETE", "sources/s1"),
    ):
        body = b"{}" if method == "POST" else None
        status, headers, _ = got(f"{served}{place}", body=body, method=method, Origin=foreign)
        assert status == 403
        assert "access-control-allow-origin" not in headers
    with pytest.raises(InvalidStatus) as refused:
        opened(served, origin=foreign)
    assert refused.value.response.status_code == 403


def test_a_socket_must_say_where_it_is_from_and_know_the_token(served: str) -> None:
    with pytest.raises(InvalidStatus):
        opened(served, origin=None)
    own = served.rsplit("/", 2)[0]
    with pytest.raises(InvalidStatus):
        opened(f"{own}/{'A' * 32}/", origin=own)
    with pytest.raises(InvalidStatus):
        opened(served, additional_headers={"Origin": "http://evil.example"})
    with opened(served):
        pass


@pytest.mark.parametrize(
    "place", ["", "static/tones.css", "static/nothing.css", "desks", "nothing", "../nothing", "download"]
)
def test_every_answer_carries_the_headers(served: str, place: str) -> None:
    status, headers, _ = got(f"{served}{place}")
    assert headers["Content-Security-Policy"] == POLICY.format(port=_port(served))
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    kept = status == 200 and place in ("", "static/tones.css")
    assert headers["Cache-Control"] == ("no-cache" if kept else "no-store")
    assert headers["Server"] is None


def test_refusals_carry_them_too(served: str) -> None:
    for status, headers in ((404, {}), (403, {"Origin": "http://evil.example"})):
        found, said, body = got(served.rsplit("/", 2)[0] + "/", **headers)
        assert (found, body) == (status, b"")
        assert "default-src 'none'" in said["Content-Security-Policy"]


def test_the_page_is_found_without_its_last_stroke(served: str) -> None:
    assert got(served.rstrip("/"))[0] == 200


# ------------------------------------------------------------------------------- the token


def test_the_token_is_kept_for_the_next_server(serve: Serve) -> None:
    first = serve()
    before = first.address
    [path] = (first.state / "loopstat").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == before.split("/")[3]
    first.kill()
    first.start()
    assert first.address == before, "open tabs find the next server"


def test_a_token_that_others_may_read_or_that_is_old_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    first = guard.token_of(8321)
    assert guard.TOKEN.fullmatch(first)
    assert guard.token_of(8321) == first
    assert guard.token_of(8322) != first
    path = tmp_path / "loopstat" / "view-8321"
    path.chmod(0o644)
    second = guard.token_of(8321)
    assert second != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    day_before = path.stat().st_mtime - guard.DAY - 60
    os.utime(path, (day_before, day_before))
    third = guard.token_of(8321)
    assert third != second
    path.write_text("../../etc/passwd" * 2)
    assert guard.token_of(8321) != "../../etc/passwd" * 2
    path.unlink()
    aside = tmp_path / "aside"
    aside.write_text(third)
    aside.chmod(0o600)
    path.symlink_to(aside)
    assert guard.token_of(8321) != third
    assert not path.is_symlink()
    assert aside.read_text() == third


def test_a_relative_folder_of_state_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert guard.state_folder() == tmp_path / ".local" / "state" / "loopstat"
