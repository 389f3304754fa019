"""Standard output and standard error of every command: what goes where, in which colours, what is refused."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import click

from ..errors import OutputError

STYLES: dict[str, dict[str, Any]] = {
    "head": {"bold": True},
    "key": {"dim": True},
    "doubt": {"fg": "yellow", "bold": True},
    "answer": {"bold": True},
}

BAR = 20  # columns of a bar of progress
NARROWEST, WIDEST = 40, 110  # columns between which lines are wrapped

ProgressLine = Callable[[int, int, str], None]


# ---------------------------------------------------------------------------- what was asked for


def command_line(name: str) -> str:
    """Return the command line as it was typed; `name` where it was called from elsewhere."""
    words = name.split()
    typed = sys.argv[1 : 1 + len(words)] == words
    return shlex.join(["loopstat", *sys.argv[1:]]) if typed else f"loopstat {name}"


def deliver(
    result: Any, outputs: Sequence[tuple[str | None, Callable[[Any], str | bytes]]], *, show: Callable[[Any], str]
) -> None:
    """Write what was asked for: data on standard output, everything said about it on standard error.

    Parameters
    ----------
    result : what a command found
    outputs : sequence of (path or None, callable)
        Where to write, and what makes the text of a result. A path that leads to standard output takes the place of
        the summary. One that fails does not cost the others.
    show : callable
        What makes the summary.

    Raises
    ------
    OutputError
        The system refused some of the outputs; the others are written.
    """
    from ..io.write import is_standard_output

    asked = [(path, make) for path, make in outputs if path is not None]
    printed = [make for path, make in asked if is_standard_output(path)]
    files = [(path, make) for path, make in asked if not is_standard_output(path)]
    steps: list[Callable[[], None]] = [partial(_print, result, make) for make in printed]
    if not printed:
        steps.append(lambda: echo(show(result), color=color()))
    else:
        steps.append(lambda: remarks(result.notes))
    each_done([*steps, *(partial(_write, path, result, make) for path, make in files)])


def _print(result: Any, make: Callable[[Any], str | bytes]) -> None:
    echo(make(result), nl=False)


def _write(path: str, result: Any, make: Callable[[Any], str | bytes]) -> None:
    from ..io.write import write_file
    from ..results.words import clean_sentence

    write_file(path, make(result))
    click.echo(f"wrote {clean_sentence(path)}", err=True)


def each_done(steps: Iterable[Callable[[], None]]) -> None:
    """Take every step, and say only then which of them the system refused."""
    refused: list[OutputError] = []
    gone: BrokenPipeError | None = None
    for step in steps:
        try:
            step()
        except BrokenPipeError as error:
            gone = error
        except OutputError as error:
            refused.append(error)
    if refused:
        raise OutputError(" ".join(str(error) for error in refused))
    if gone is not None:
        raise gone


def echo(text: str | bytes, *, nl: bool = True, color: bool | None = None) -> None:
    """Print on standard output."""
    try:
        click.echo(text, nl=nl, color=color)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: cannot be written: {error.strerror or error}.") from error


def drop_output() -> None:
    """Forget what standard output did not take, or the interpreter would try again at its end and complain."""
    try:
        descriptor = sys.stdout.fileno()
    except (AttributeError, OSError, ValueError):  # closed, or held by a caller in this process
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def forgive_letters() -> None:
    """Show letters that the terminal's encoding lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def remarks(notes: Sequence[str]) -> None:
    """Say on standard error what was guessed or left out, where standard output holds data."""
    from ..results.words import clean_sentence

    for note in notes:
        click.echo(clean_sentence(note), err=True)


def styled(text: str, role: str) -> str:
    """Return text in the colours of its role."""
    return click.style(text, **STYLES[role])


def columns() -> int:
    """Return the columns to write in: what the terminal has, within what can be read."""
    return max(NARROWEST, min(shutil.get_terminal_size((100, 24)).columns, WIDEST))


def color() -> bool | None:
    """Honour NO_COLOR and FORCE_COLOR; None leaves it to whether standard output is a terminal."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def progress_line() -> ProgressLine | None:
    """Return a line of progress on standard error, where that is a terminal."""
    if not _moving():
        return None

    def show(done: int, total: int, what: str) -> None:
        from ..results.words import clean

        filled = round(BAR * done / total) if total else BAR
        _LINE.put(f"[{'#' * filled}{'.' * (BAR - filled)}] {done}/{total} {clean(what)}" if done < total else "")

    return show


class _Line:
    """The last line on standard error, which progress writes over."""

    shown = False

    def put(self, text: str) -> None:
        room = shutil.get_terminal_size((100, 24)).columns - 1  # a line that wraps cannot be written over
        click.echo(f"\r\x1b[K{text[: max(room, 0)]}", nl=False, err=True)
        self.shown = bool(text)


_LINE = _Line()


def end_progress() -> None:
    """Clear a line of progress that was cut short."""
    if _LINE.shown:
        _LINE.put("")


def _moving() -> bool:
    """True where a line on standard error can be written over."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
