"""Any command of any lens, from options to a result, and from a result to its JSON and its page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..lenses import Command, Progress, Result, load

if TYPE_CHECKING:
    from ..results.document import Depth, Document


def answer(
    command: Command, files: Sequence[str], options: Mapping[str, Any], *, progress: Progress | None = None
) -> Result:
    """Read what a command reads and let its lens answer.

    Parameters
    ----------
    command : Command
    files : paths or globs
    options : mapping
        Values of the command's settings by name, those left out at their defaults; and `command`, the command line.
    progress : callable, optional
    """
    from ..io.asked import asked

    asked_for = {name: value for name, value in options.items() if value is not None}
    defaults = {row.name: row.default for row in command.settings}
    reads = load(command.reads) if ":" in command.reads else command.reads
    recording, known = asked(reads, files, {**defaults, **asked_for}, progress=progress)
    result: Result = load(command.run)(recording, known, progress=progress)
    return result


def json_text(result: Result) -> str:
    """Return the JSON text.

    Letters of any script stay as they are; whatever could steer a terminal is written as an escape.
    """
    text = json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def shown(command: Command, result: Result, depth: Depth | None = None) -> str:
    """Return a result as the terminal shows it, as much of it as the command says unless told otherwise."""
    return written(load(command.view)(result), depth or command.depth)


def written(document: Document, depth: Depth) -> str:
    """Return a document as the terminal shows it."""
    from .console import columns, styled
    from .terminal import write

    return write(document, depth=depth, width=columns(), style=styled)


def page_text(command: Command, result: Result) -> str:
    """Return the page of a result."""
    from .html import page

    return page([load(command.view)(result)])
