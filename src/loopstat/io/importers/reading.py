"""JSON of logs as values: one, or one after another, with every failure naming the file and the line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import InputError
from ..table.texts import stream_of

LARGEST = 1_000_000_000  # bytes of one JSON text
LONGEST_LINE = 512_000_000
_DECODER = json.JSONDecoder()


def value_of(data: bytes, file: str, member: str = "") -> Any:
    """Return the JSON value of some bytes.

    Raises
    ------
    InputError
        Naming the file and its member.
    """
    where = f"its member {member[:200]!r} " if member else ""
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        what = f"{where}is not valid JSON in line {error.lineno}: {error.msg} at character {error.colno}."
    except UnicodeDecodeError:
        what = f"{where}is not encoded in UTF-8."
    except (ValueError, RecursionError):
        what = f"{where}is not JSON that can be read: a number is too long, or it is nested too deeply."
    raise InputError(what, file=file, hint="the log may be cut off, or was written while it was copied.")


def bytes_of(path: Path) -> bytes:
    """Return the bytes of a file, unpacked where it is gzipped, refusing what is too large to be one JSON value."""
    try:
        with stream_of(path) as stream:
            data = stream.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}.", file=str(path)) from None
    if len(data) > LARGEST:
        raise InputError(f"is larger than {LARGEST:,} bytes, which no log is read of.", file=str(path))
    return data.removeprefix(b"\xef\xbb\xbf")


def json_file(path: Path) -> Any:
    """Return the one JSON value of a file."""
    return value_of(bytes_of(path), str(path))


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (line, value) of a file of one JSON value a line; a last line that is cut off is refused by name."""
    number = 0
    try:
        with stream_of(path) as stream:
            while line := stream.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise InputError(f"line {number} is longer than {LONGEST_LINE:,} bytes.", file=str(path))
                bare = line.strip().removeprefix(b"\xef\xbb\xbf")
                if bare:
                    yield number, _line(bare, path, number)
    except (OSError, EOFError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}.", file=str(path)) from None


def _line(data: bytes, path: Path, number: int) -> Any:
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        what = f"line {number} is not valid JSON: {error.msg} at character {error.colno}."
    except (ValueError, RecursionError):
        what = f"line {number} is not JSON that can be read."
    raise InputError(what, file=str(path), hint="the log may be cut off there; remove or repair that line.")


def json_values(path: Path) -> Iterator[Any]:
    """Yield the JSON values of a file, one after another, however they are spread over lines; of a list its items."""
    data = bytes_of(path)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InputError("is not encoded in UTF-8.", file=str(path)) from None
    at = _start(text, 0)
    while at < len(text):
        try:
            value, end = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            what = f"line {error.lineno} is not valid JSON: {error.msg} at character {error.colno}."
            raise InputError(what, file=str(path), hint="it may be cut off there.") from None
        except (ValueError, RecursionError):
            what = "is not JSON that can be read: a number is too long, or it is nested too deeply."
            raise InputError(what, file=str(path)) from None
        if isinstance(value, list):
            yield from value
        else:
            yield value
        at = _start(text, end)


def _start(text: str, at: int) -> int:
    """Return where the next value starts: blanks, and commas between values, are passed over."""
    while at < len(text) and text[at] in " \t\r\n,\x1e":
        at += 1
    return at
