"""What can go wrong, as one small tree.

    LoopstatError
    ├── InputError      the data handed in cannot be used: names the file, row and column
    ├── SettingsError   an option or argument is out of range or contradicts another
    └── OutputError     the system would not take a result: no space, no permission, nobody reads

All print as one or two plain sentences. The command line shows them without a traceback and exits 2; for an
OutputError, which is nobody's mistake, 1.
"""

from __future__ import annotations


class LoopstatError(Exception):
    """Base of every error raised on purpose by loopstat."""


class SettingsError(LoopstatError, ValueError):
    """An option or argument cannot be used; the message says what was expected and what came."""


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
        self.message, self.file, self.row, self.column, self.hint = message, file, row, column, hint
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
