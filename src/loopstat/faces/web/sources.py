"""The tables a page may ask about: those given on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute

from ...errors import SettingsError
from ...parameters import nearest

MOST = 200_000_000  # bytes of an upload


class Sources:
    """Tables by their id.

    Parameters
    ----------
    files : sequence of str
        Paths and globs, as they were typed; looked up once.

    Raises
    ------
    InputError
        One that is not there, or no table.
    """

    def __init__(self, files: Sequence[str] = ()) -> None:
        self._paths = {f"s{k}": path for k, path in enumerate(_tables(files) if files else (), 1)}

    def paths(self, ids: Iterable[str]) -> list[str]:
        """Return the paths of tables by their ids."""
        found = []
        for name in ids:
            if name not in self._paths:
                raise nearest(str(name)[:40], self._paths, "table") if self._paths else SettingsError("no table.")
            found.append(str(self._paths[name]))
        return found

    def described(self) -> list[dict[str, Any]]:
        """Return every table as the page reads it."""
        return [{"id": key, "name": path.name, "rows": 0, "columns": []} for key, path in self._paths.items()]

    def routes(self) -> list[BaseRoute]:
        """Return what else is answered about them."""
        return []

    def close(self) -> None:
        """Forget what was uploaded."""


def _tables(files: Sequence[str]) -> list[Path]:
    """Return the files meant, each of which can be read as a table."""
    from ...io.table.files import find
    from ...io.table.opening import opened

    found = find(files)
    for path in found:
        with opened(path):
            pass
    return found
