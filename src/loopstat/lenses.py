"""Lenses: what each of them reads, which settings it takes, how it answers, and where to find them.

A lens is a folder with a `lens.py` that holds one `Lens`, and a line in `LENSES`; an outside package names its own
under the entry-point group `loopstat.lenses`. Everything a lens needs is imported when it is asked for, so that
listing lenses costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, Protocol

from .errors import SettingsError
from .inference.workers import Progress as Progress
from .parameters import Parameter, nearest

LENSES: dict[str, str] = {
    "analysis": "loopstat.analysis.lens:LENS",
    "decide": "loopstat.decide.lens:LENS",
    "drift": "loopstat.drift.lens:LENS",
    "balance": "loopstat.balance.lens:LENS",
    "moves": "loopstat.moves.lens:LENS",
    "scoring": "loopstat.scoring.lens:LENS",
    "play": "loopstat.play.lens:LENS",
    "imports": "loopstat.imports.lens:LENS",
}
GROUP = "loopstat.lenses"


class Result(Protocol):
    """What a command answers: notes, and a JSON form there and back."""

    @property
    def notes(self) -> Sequence[str]:
        """What was guessed, left out or assumed."""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain data of the JSON form."""


@dataclass(frozen=True)
class Save:
    """A further file that can be written of a result.

    Attributes
    ----------
    name : str
        Of its option.
    help : str
    text : str
        `module:function` that makes its text, or its bytes, of a result; with `by_path`, of a result and a path.
    short : str
        One letter for the same option.
    suffix : str
        Of the file where the page names it.
    title : str
        What a page calls it; default its help.
    by_path : bool
        What is written depends on the ending of the path.
    """

    name: str
    help: str
    text: str
    short: str = ""
    suffix: str = ".json"
    title: str = ""
    by_path: bool = False


@dataclass(frozen=True)
class Controls:
    """Settings that stand under one heading of the page; `open` where they are shown before anyone asks."""

    title: str
    names: tuple[str, ...]
    open: bool = True


@dataclass(frozen=True)
class Preset:
    """Values of settings that a button loads.

    Attributes
    ----------
    name, help : str
    values : mapping from names of settings to values
    over : bool
        Laid over what is set; otherwise every other setting goes back to its default.
    group : str
        Buttons of one group stand together under this heading.
    """

    name: str
    values: Mapping[str, Any]
    over: bool = False
    group: str = "Presets"
    help: str = ""


@dataclass(frozen=True)
class Desk:
    """How `loopstat view` lays a command out, where its settings do not say it already.

    Attributes
    ----------
    title : str
        What its tab is called; default the command's name.
    help : str
        What it says, above the settings; default the command's help, which may speak of options.
    settings : tuple of Parameter
        What can be changed there; default the command's settings.
    controls : tuple of Controls
        Headings over the settings, in order; those named nowhere come last, under one of their own, folded.
    presets : str
        `module:NAME` of a tuple of Preset, or of a function without arguments that returns one.
    live : str
        `module:function` that answers while a hand moves a setting, in a few milliseconds: f(recording, options, last)
        with the last whole result for that recording, or None; a Result comes back, or None where only a whole run
        will do. Its document says in `rough` what it left out; where that is empty the answer is as good as a whole
        one.
    moving : tuple of str
        Settings of a command that reads files which `live` follows without reading them again; those that read nothing
        follow all.
    spelled : str
        `module:function` that turns values of the desk's settings into those of the command's own, where they are not
        the same: what the command line that reproduces the view is written of.
    """

    title: str = ""
    settings: tuple[Parameter, ...] = ()
    controls: tuple[Controls, ...] = ()
    presets: str = ""
    live: str = ""
    moving: tuple[str, ...] = ()
    spelled: str = ""
    help: str = ""


@dataclass(frozen=True)
class Command:
    """One command of a lens.

    Attributes
    ----------
    name : str
        As it is typed: `analyze`, `moves plan`.
    help : str
        First line: what it says; then what it reads. Printed by `--help`.
    settings : tuple of Parameter
        Its options, in the order of the help.
    run : str
        `module:function`, called as f(recording, options, progress=...); a Result comes back. `recording` is what
        `reads` names.
    view : str
        `module:function` that makes a Document of the result.
    reads : str
        `panel`, `states`, `pool`, or `module:function` called as f(files, options): files are read before it is run;
        `nothing`: it takes no file.
    saves : tuple of Save
    pages : bool
        Whether there is enough to say for a page (`--html`) and a long form (`--verbose`).
    depth : str
        How much the terminal shows unless asked for more; `front` is one screen.
    desk : Desk, optional
        How the interactive page lays it out; None: as its settings stand.
    least_files : int
        How many files must be named on the command line, of a command that reads any: 0 where a setting may name them.
    """

    name: str
    help: str
    settings: tuple[Parameter, ...]
    run: str
    view: str
    reads: str = "nothing"
    saves: tuple[Save, ...] = ()
    pages: bool = True
    depth: Literal["front", "short"] = "short"
    desk: Desk | None = None
    least_files: int = 1


@dataclass(frozen=True)
class Lens:
    """A way of looking at loops.

    Attributes
    ----------
    name, summary : str
    commands : tuple of Command
    terms : str
        `module:NAME` of the mapping from words and JSON keys to the sentence that explains them.
    help : str
        What `--help` prints of a group of commands; default the summary.
    rows : tuple of Parameter
        Settings that no command lists as they are: those of settings files.
    """

    name: str
    summary: str
    commands: tuple[Command, ...]
    terms: str
    help: str = ""
    rows: tuple[Parameter, ...] = ()


def lens(name: str) -> Lens:
    """Return a lens by its name.

    Raises
    ------
    SettingsError
        No such lens; the message names the nearest one.
    """
    place = LENSES.get(name) or where().get(name)
    if place is None:
        raise nearest(name, where(), "lens")
    try:
        found = load(place)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"the lens `{name}` cannot be loaded from {place}: {error}.") from error
    if not isinstance(found, Lens):
        raise SettingsError(f"{place} is not a lens, but {type(found).__name__}.")
    return found


def where() -> dict[str, str]:
    """Return `module:NAME` of every lens by its name: our own, then those of other packages."""
    from importlib.metadata import entry_points

    others = {e.name: e.value for e in entry_points(group=GROUP)}
    return {**LENSES, **{name: place for name, place in others.items() if name not in LENSES}}


def lenses() -> list[Lens]:
    """Return all lenses, our own first."""
    return [lens(name) for name in where()]


def load(place: str) -> Any:
    """Return what `module:name` names."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
