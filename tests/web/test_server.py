"""The server behind the page: the address it prints, what it serves, and how it ends."""

from __future__ import annotations

import json
from urllib.request import urlopen

from conftest import shell


def test_serves_the_page_and_says_what_can_be_asked(served: str) -> None:
    with urlopen(served) as page:
        assert b"<html" in page.read()
    with urlopen(f"{served}desks") as answer:
        said = json.load(answer)
    assert "moves simulate" in [desk["name"] for desk in said["desks"]]


def test_a_table_that_is_not_there_is_said_before_anything_is_served() -> None:
    done = shell("view", "nosuchfile.csv", "--no-open")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nosuchfile.csv: no such file." in done.stderr
