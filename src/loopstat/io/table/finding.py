"""From what a user names (paths, globs, folders) to the files and logs that are meant, and their digest."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError, SettingsError
from ...record.reading import is_store, store_in
from ..importers.log import Asked
from ..importers.registry import inside, is_log
from .columns import near
from .stored import store_digest


def find(source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], asked: Asked | None = None) -> list[Path]:
    """Return the files meant by a path, a glob or a list of both, in natural order within a glob.

    A folder is itself where it is one log, else the logs in it and in the folders below.
    """
    given = [source] if isinstance(source, str | os.PathLike) else list(source)
    if not given:
        raise SettingsError("no file was named: `source` is an empty list.")
    named = dict.fromkeys(path for item in given for path in _find_one(os.fspath(item)))
    found = list(dict.fromkeys(path for item in named for path in _in_folder(item, asked)))
    for path in found:
        _check_readable(path)
    return found


def _find_one(text: str) -> list[Path]:
    """Return the files of a path or glob; a run directory stands for the store in it."""
    if os.path.exists(text):
        return [store_in(text) or Path(text)]
    if not glob.has_magic(text):
        raise InputError("no such file.", file=text, hint=_neighbours(text))
    matches = [p for m in glob.glob(text, recursive=True) if not (p := store_in(m) or Path(m)).is_dir()]
    if not matches:
        raise InputError("no file matches this pattern.", file=text, hint="quote the pattern and check the folder.")
    return sorted(matches, key=lambda p: [(len(d), d) if d.isdigit() else (0, d) for d in re.split(r"(\d+)", str(p))])


def _in_folder(path: Path, asked: Asked | None) -> list[Path]:
    """Return a file or the folder of one log as it is, of another folder the logs in it."""
    if not path.is_dir() or is_log(path, asked):
        return [path]
    try:
        found = inside(path, asked)
    except OSError as error:
        what = f"a folder that cannot be read: {(error.strerror or str(error)).lower()}."
        raise InputError(what, file=str(path), hint="check its mode and owner.") from None
    if not found:
        what = "is a directory, not a table, and no log that is known lies in it."
        raise InputError(what, file=str(path), hint=f"name its files: '{path}/*.parquet'.")
    return found


def _neighbours(text: str) -> str:
    folder = Path(text).parent
    if not folder.is_dir():
        return f"the folder {folder} does not exist either."
    try:
        beside = [p.name for p in sorted(folder.iterdir())[:1000]]
    except OSError as error:
        return f"the folder {folder} cannot be read: {error.strerror}."
    close = near(Path(text).name, beside)
    return f"did you mean {folder / close[0]}?" if close else "check the path."


def _check_readable(path: Path) -> None:
    if any("\ud800" <= c <= "\udfff" for c in str(path)):
        raise InputError(
            "has a name that is not valid UTF-8, which cannot be opened.", file=str(path), hint="rename it."
        )
    if path.is_dir():
        return
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            stream.read(1)
    except PermissionError:
        raise InputError("no permission to read this file.", file=str(path), hint="check its mode and owner.") from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}.", file=str(path)) from None
    if size == 0:
        raise InputError("the file is empty.", file=str(path), hint="`loopstat template` prints a table to start from.")


def names_of(paths: Sequence[Path]) -> list[str]:
    """Return one short name per path: the base name, lengthened by parent folders where two clash."""
    parts = [p.parts for p in paths]
    for depth in range(1, max((len(p) for p in parts), default=1) + 1):
        names = ["/".join(p[-depth:]) for p in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{p}#{i + 1}" for i, p in enumerate(paths)]


def _files(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def digest_of(paths: Sequence[Path]) -> str:
    """Return the SHA-256 of the files' bytes, one after another (for one file: what `sha256sum` prints).

    Of a store it is what is recorded in it that counts.
    """
    digest = hashlib.sha256()
    for file in (file for path in paths for file in _files(path)):
        if is_store(file):
            digest.update(store_digest(file))
            continue
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
