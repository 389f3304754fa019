"""Desks: the commands that the interactive page shows, their settings as plain data, and values read back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from ...errors import SettingsError
from ...lenses import Command, Desk, Preset, lenses, load
from ...parameters import Parameter, nearest

LONGEST = 20_000  # characters of a text, names of a list
FURTHER = "Further settings"


class Place:
    """One desk: a command of a lens, as the page lays it out.

    Parameters
    ----------
    lens : str
        Name of its lens.
    command : Command
    """

    def __init__(self, lens: str, command: Command) -> None:
        self.lens, self.command = lens, command
        self.desk = command.desk or Desk()
        self.name = command.name
        self.reads = command.reads != "nothing"
        self.rows = {r.name: r for r in self.desk.settings or command.settings if r.kind != "path"}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Values of all settings of the command and of its desk where nothing is asked for."""
        return {row.name: row.default for row in (*self.command.settings, *self.rows.values())}

    def described(self) -> dict[str, Any]:
        """Return the desk as the page reads it."""
        return {
            "name": self.name,
            "lens": self.lens,
            "title": self.desk.title or self.name,
            "help": self.desk.help or self.command.help,
            "reads": self.reads,
            "groups": self._groups(),
            "presets": [_preset(preset) for preset in self._presets()],
            "saves": [{"name": save.name, "title": save.title or save.help} for save in self.command.saves],
            "live": bool(self.desk.live),
        }

    def _groups(self) -> list[dict[str, Any]]:
        named = {name for item in self.desk.controls for name in item.names}
        found = [(c.title, c.open, [n for n in c.names if n in self.rows]) for c in self.desk.controls]
        rest = [name for name in self.rows if name not in named]
        found.append((FURTHER if found else "Settings", not found, rest))
        return [
            {"title": title, "open": shown, "rows": [described(self.rows[name]) for name in names]}
            for title, shown, names in found
            if names
        ]

    def _presets(self) -> Sequence[Preset]:
        if not self.desk.presets:
            return ()
        found = load(self.desk.presets)
        presets: Sequence[Preset] = found() if callable(found) else found
        return presets

    def read(self, values: Any) -> dict[str, Any]:
        """Return the settings that differ from their defaults, each read by its row.

        Raises
        ------
        SettingsError
            A value that its row does not take, or a name that is none.
        """
        if not isinstance(values, Mapping):
            raise SettingsError("`settings` must be an object of names and values.")
        for name in values:
            if name not in self.rows:
                raise nearest(str(name)[:100], self.rows, "setting")
        read = {name: _value(row, values[name]) for name, row in self.rows.items() if name in values}
        return {name: value for name, value in read.items() if value is not None and value != self.rows[name].default}

    def command_line(self, settings: Mapping[str, Any], files: Sequence[str]) -> str:
        """Return the command line that answers the same, ready to paste."""
        words = ["loopstat", *self.name.split(), *(f if not f.startswith("-") else f"./{f}" for f in files)]
        values = load(self.desk.spelled)(settings) if self.desk.spelled else settings
        for row in self.command.settings:
            if values.get(row.name, row.default) != row.default:
                words += _typed(row, values[row.name])
        return shlex.join(words)


def places() -> dict[str, Place]:
    """Return every desk by its name, in the order of the lenses; the first to take a name keeps it."""
    found: dict[str, Place] = {}
    for item in lenses():
        for command in item.commands:
            if command.on_page:
                found.setdefault(command.name, Place(item.name, command))
    return found


def described(row: Parameter) -> dict[str, Any]:
    """Return a row as the page reads it."""
    return {
        **row.described(),
        "open_high": row.open_high,
        "label": row.label,
        "explained": row.explained,
        "kind": row.kind,
        "metavar": row.metavar,
        "of": row.of,
    }


def _preset(preset: Preset) -> dict[str, Any]:
    return {
        "group": preset.group,
        "name": preset.name,
        "help": preset.help,
        "over": preset.over,
        "values": dict(preset.values),
    }


# --------------------------------------------------------------------------- values of settings


def _value(row: Parameter, value: Any) -> Any:
    """Return a value that came from the page as its row takes it; None where nothing is asked for."""
    if value is None or value == "":
        return None
    try:
        return _READ.get(row.kind, _text)(row, value)
    except SettingsError as error:
        raise SettingsError(str(error), setting=row.name) from error


def _number(row: Parameter, value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        raise SettingsError(f"`{row.name}` must be a number. Got {len(value)} characters.")
    return row.read(value)


def _switch(row: Parameter, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingsError(f"`{row.name}` must be true or false. Got {_short(value)}.")
    return value


def _text(row: Parameter, value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:.17g}" if isinstance(value, float) else str(value)
    if not isinstance(value, str):
        raise SettingsError(f"`{row.name}` must be text. Got {_short(value)}.")
    if len(value) > LONGEST:
        raise SettingsError(f"`{row.name}` takes at most {LONGEST} characters. Got {len(value)}.")
    return row.read(value)


def _several(row: Parameter, value: Any) -> list[str] | None:
    if isinstance(value, str):
        items: Any = [value] if row.kind == "pairs" else value.split(",")
    else:
        items = value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise SettingsError(f"`{row.name}` must be a list of texts. Got {_short(value)}.")
    if sum(map(len, items)) + len(items) > LONGEST:
        raise SettingsError(f"`{row.name}` takes at most {LONGEST} characters.")
    return [text for item in items if (text := item.strip())] or None


_READ = {"number": _number, "flag": _switch, "switch": _switch, "list": _several, "pairs": _several}


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 60 else said[:60] + "…"


def _typed(row: Parameter, value: Any) -> list[str]:
    """Return a setting as the words of a command line."""
    if isinstance(value, bool):
        if row.kind == "flag" and not value:
            return []
        return [row.flag if value else f"--no-{row.flag[2:]}"]
    if isinstance(value, list):
        each = value if row.kind == "pairs" else [",".join(value)]
        return [word for item in each for word in (row.flag, item)]
    word = _word(value)
    return [f"{row.flag}={word}"] if word.startswith("-") else [row.flag, word]


def _word(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)
