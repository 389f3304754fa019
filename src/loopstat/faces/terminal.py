"""Standard output and standard error: what every command writes with, whatever it has computed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from .commands import Result

STYLES: dict[str, dict[str, Any]] = {
    "head": {"bold": True},
    "key": {"dim": True},
    "doubt": {"fg": "yellow", "bold": True},
    "answer": {"bold": True},
}

ProgressLine = Callable[[int, int, str], None]


def command_line(name: str) -> str:
    """Return the command line as it was typed; `name` where it was called from elsewhere."""
    words = name.split()
    typed = sys.argv[1 : 1 + len(words)] == words
    return shlex.join(["loopstat", *sys.argv[1:]]) if typed else f"loopstat {name}"


def deliver(result: Result, *, json_path: str | None, html_path: str | None) -> None:
    """Write what was asked for: data on standard output, everything said about it on standard error."""
    from .commands import write_html, write_json

    if json_path == "-":
        click.echo(write_json(result, None), nl=False)
        remarks(result.notes)
    else:
        click.echo(rendered(result), color=color())
    if json_path and json_path != "-":
        write_json(result, Path(json_path))
        wrote(json_path)
    if html_path:
        write_html(result, Path(html_path))
        wrote(html_path)


def remarks(notes: Sequence[str]) -> None:
    """Say on standard error what was guessed or left out, where standard output holds data."""
    from .text import clean_sentence

    for note in notes:
        click.echo(clean_sentence(note), err=True)


def wrote(path: str) -> None:
    """Say that a file was written."""
    from .text import clean_sentence

    click.echo(f"wrote {clean_sentence(path)}", err=True)


def rendered(result: Result) -> str:
    """Return a result as the terminal shows it."""
    from .commands import summary

    return summary(result, width=columns(), style=styled)


def styled(text: str, role: str) -> str:
    """Return text in the colours of its role."""
    return click.style(text, **STYLES[role])


def columns() -> int:
    """Return the columns to write in."""
    import shutil

    return min(shutil.get_terminal_size((100, 24)).columns, 110)


def color() -> bool | None:
    """Honour NO_COLOR and FORCE_COLOR; None leaves it to whether standard output is a terminal."""
    import os

    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def progress_line(unit: str = "groups") -> ProgressLine | None:
    """Return a progress line on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int, label: str) -> None:
        from .text import clean

        text = f"{done}/{total} {unit} {clean(label)}" if done < total else ""
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)

    return show


def progress_bar() -> Callable[[str, int, int], None] | None:
    """Return a bar for work of several stages, each with its word, on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(what: str, done: int, total: int) -> None:
        filled = round(20 * done / total) if total else 20
        text = f"[{'#' * filled}{'.' * (20 - filled)}] {done}/{total} {what}" if done < total else ""
        click.echo(f"\r\x1b[K{text[: columns() - 1]}", nl=False, err=True)

    return show
