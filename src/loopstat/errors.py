"""What can go wrong, as one small tree.

    LoopstatError
    ├── InputError      the data handed in cannot be used: names the file, row and column
    ├── SettingsError   an option or argument is out of range or contradicts another
    └── OutputError     the system would not take a result: no space, no permission, nobody reads

All print as one or two plain sentences. The command line shows them without a traceback and exits 2; for an
OutputError, which is nobody's mistake, 1.

An option has two spellings, a flag and an argument of a function. Messages hold both (`either`, `argument`); an error
shows the argument as text, and the flag `on_command_line`.
"""

from __future__ import annotations

import re

_BOTH = re.compile("\ue000(.*?)\ue001(.*?)\ue002", re.DOTALL)


class LoopstatError(Exception):
    """Base of every error raised on purpose by loopstat."""

    def __str__(self) -> str:
        return _python(super().__str__())

    def on_command_line(self) -> str:
        """Return the message with the flags of the command line where the text names arguments of Python."""
        return _BOTH.sub(r"\1", super().__str__())


class SettingsError(LoopstatError, ValueError):
    """An option or argument cannot be used; the message says what was expected and what came.

    Parameters
    ----------
    message : str
    setting : str, optional
        Name of the setting to change, where it is one.
    """

    def __init__(self, message: str = "", *, setting: str | None = None) -> None:
        super().__init__(message)
        self.setting = setting


class OutputError(LoopstatError, OSError):
    """A result could not be written; the message names each path and what the system said."""


class InputError(LoopstatError, ValueError):
    """Data cannot be used; the message names the place, what was expected and what to do.

    Parameters
    ----------
    message : str
        What is wrong and what was expected.
    file, row, column : optional
        The place: path, 1-based data row (the header is not counted), column name.
    hint : str, optional
        What to do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.file, self.row, self.column = file, row, column
        self.message, self.hint = _python(message), None if hint is None else _python(hint)
        place = ", ".join(
            part
            for part in (
                file or "",
                f"row {row}" if row is not None else "",
                f"column `{column}`" if column is not None else "",
            )
            if part
        )
        super().__init__((f"{place}: " if place else "") + message + (f" Hint: {hint}" if hint else ""))


def _python(text: str) -> str:
    return _BOTH.sub(r"\2", text)


def either(flags: str, python: str) -> str:
    """Return a part of an error's message that has one spelling on the command line and another in Python."""
    return f"\ue000{flags}\ue001{python}\ue002"


def argument(name: str, value: str = "", given: object = None) -> str:
    """Return the name of an option, for an error's message, ready to paste where it has a value.

    Parameters
    ----------
    name : str
        As Python spells it.
    value : str
        What follows the flag on the command line; quoted where a shell would split it.
    given : optional
        The same as a Python value; default `value` as text.

    Examples
    --------
    >>> error = SettingsError(f"choose with {argument('from_step')}, or {argument('by', 'a,b', ['a', 'b'])}.")
    >>> str(error), error.on_command_line()
    ("choose with from_step=, or by=['a', 'b'].", 'choose with --from-step, or --by a,b.')
    """
    flag = "--" + name.replace("_", "-")
    if not value:
        return either(flag, f"{name}=")
    return either(pasted(flag, value), f"{name}={(value if given is None else given)!r}")


def pasted(words: str, value: str) -> str:
    """Return words of a command line with a value ready to paste; quoted where a shell would split it."""
    plain = all(c.isalnum() or c in "_-,.=/:+%@" for c in value)
    return f"{words} {value}" if plain else f"{words} '" + value.replace("'", "'\\''") + "'"
