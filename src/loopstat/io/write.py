"""Results out: what may be written to, asked before anything is computed, and the one way of writing it.

A path leads to what stands there: ordinary files are replaced whole, links are followed and stay links, devices and
FIFOs are written into.
"""

from __future__ import annotations

import glob
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import OutputError, SettingsError

STANDARD_OUTPUT = "-"
NEW_FILE = 0o666  # less what the user's mask takes away


def check_targets(targets: Mapping[str, str | None], inputs: Iterable[str] = ()) -> None:
    """Refuse outputs that cannot be written, or that would overwrite an input or one another.

    Parameters
    ----------
    targets : mapping
        Path by the option it was given with; None is no output, `-` standard output.
    inputs : iterable of str
        Paths and globs that are read.

    Raises
    ------
    SettingsError
        The first option whose path cannot be used, with the reason.
    """
    taken = {thing: name for name in _named(inputs) if (thing := _identity(name)) is not None}
    given: dict[object, str] = {}
    for option, path in targets.items():
        if path is None:
            continue
        if reason := None if path == STANDARD_OUTPUT else _refusal(path):
            start = f"{path}: cannot be written" if path else f"{option} names no file"
            raise SettingsError(f"{start}: {reason}. Hint: {option} expects the path of a file.")
        thing = _identity(path)
        if thing in taken:
            raise SettingsError(f"{option} {path} would overwrite {taken[thing]}, which is read. Hint: another path.")
        if thing is not None and thing in given:
            raise SettingsError(f"{given[thing]} and {option} both write to {path}. Hint: give each its own path.")
        given[thing] = option


def write_file(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file so that a reader never sees half of it and an interrupted write leaves the old one.

    The mode of a file that is there stays. Folders on the way are made. What cannot be replaced without becoming
    something else (a device, a FIFO, a file of several names) is written into.

    Parameters
    ----------
    path : path
    content : str or bytes
        Text is written as UTF-8.

    Raises
    ------
    OutputError
        The system refuses: no space, no permission, nobody reads.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    real = Path(os.path.realpath(path))
    try:
        there = _stat(os.fspath(path))
        if there is None or _replaceable(there, real):
            _replace(real, data, NEW_FILE if there is None else stat.S_IMODE(there.st_mode), new=there is None)
        else:
            with os.fdopen(_opened(os.fspath(path), there), "wb") as stream:
                stream.write(data)
    except OSError as error:
        raise OutputError(f"{os.fspath(path)}: cannot be written: {error.strerror or error}.") from error


def is_standard_output(path: str) -> bool:
    """True for `-` and for paths that lead where standard output goes, such as /dev/stdout."""
    if path == STANDARD_OUTPUT:
        return True
    with suppress(OSError, ValueError):
        there, out = os.stat(path), os.fstat(1)
        return os.path.samestat(there, out) and (not stat.S_ISCHR(there.st_mode) or os.isatty(1))
    return False


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _replaceable(there: os.stat_result, real: Path) -> bool:
    """True for an ordinary file of one name, that nobody writes to through a descriptor of ours."""
    if not stat.S_ISREG(there.st_mode) or there.st_nlink != 1 or _standard(there) is not None:
        return False
    return _may(real.parent, os.W_OK | os.X_OK)


def _replace(real: Path, data: bytes, mode: int, *, new: bool) -> None:
    real.parent.mkdir(parents=True, exist_ok=True)
    part = real.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
            stream.write(data)
        if not new:
            part.chmod(mode)  # the user's mask does not count for a file that was there
        part.replace(real)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _opened(path: str, there: os.stat_result) -> int:
    """Open what stands at a path; where a descriptor of ours leads there, that one, which knows how far it is."""
    ours = _standard(there)
    return os.open(path, os.O_WRONLY | os.O_TRUNC) if ours is None else os.dup(ours)


def _standard(there: os.stat_result) -> int | None:
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(there, os.fstat(descriptor)):
                return descriptor
    return None


def _refusal(path: str) -> str | None:
    """Why nothing can be written to a path, or None."""
    if not path:
        return "the path is empty"
    if path.endswith((os.sep, os.altsep or os.sep)):
        return "it names a folder"
    try:
        there = _stat(path)
        if there is None:
            return _no_room(Path(os.path.realpath(path)).parent)
    except (OSError, ValueError) as error:  # a ValueError where no file can have this name
        return str(getattr(error, "strerror", None) or error)
    if stat.S_ISDIR(there.st_mode):
        return "it is a folder"
    if stat.S_ISSOCK(there.st_mode):
        return "it is a socket"
    return None if _may(path, os.W_OK) else "no permission"


def _no_room(folder: Path) -> str | None:
    """Why no file can be made in a folder, which is made if need be; or None."""
    there = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not there.is_dir():
        return f"{there} is no folder"
    return None if _may(there, os.W_OK | os.X_OK) else f"no permission to write in {there}"


def _may(path: str | Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _named(inputs: Iterable[str]) -> Iterator[str]:
    for item in inputs:
        if os.path.isdir(item):
            yield from (os.path.join(folder, name) for folder, _, names in os.walk(item) for name in names)
        else:
            yield from [item] if os.path.exists(item) else glob.glob(item, recursive=True)


def _identity(path: str) -> object:
    """What a path leads to, equal for two names of one thing; None for devices, which any number may write to."""
    if path == STANDARD_OUTPUT:
        return STANDARD_OUTPUT
    there = _stat(path)
    if there is None:
        return os.path.realpath(path)
    return None if stat.S_ISCHR(there.st_mode) else (there.st_dev, there.st_ino)
