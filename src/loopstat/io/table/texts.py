"""Files as bytes, text and JSON, with every failure put in plain words."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ...errors import InputError

GZIP = b"\x1f\x8b"
SAVE_AGAIN = "it may be Latin-1 or Windows-1252; save it again as UTF-8."
LONGEST_SHOWN = 40


@contextmanager
def stream_of(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacked where it is gzipped."""
    with path.open("rb") as start:
        zipped = start.read(2) == GZIP
    with gzip.open(path, "rb") if zipped else path.open("rb") as stream:
        yield stream  # type: ignore[misc]


def text_of(path: Path, hint: str | None = None) -> str:
    """Return the whole text of a file; `hint` says what was expected of it."""
    try:
        with stream_of(path) as stream:
            return stream.read().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("no such file.", file=str(path), hint=hint) from None
    except IsADirectoryError:
        raise InputError("is a directory, expected a file.", file=str(path), hint=hint) from None
    except UnicodeDecodeError:
        raise InputError("is not encoded in UTF-8.", file=str(path), hint=hint or SAVE_AGAIN) from None
    except (OSError, EOFError) as error:
        raise InputError(f"cannot be read: {getattr(error, 'strerror', None) or error}.", file=str(path)) from None
    except ValueError:
        raise InputError("has a name that no file can have.", file=str(path)) from None


def json_of(path: Path, hint: str | None = None) -> Any:
    """Return what a JSON file holds; refuses an object with one key twice, of which one value would be lost."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = first_twice([key for key, _ in pairs])
        if twice is not None:
            said = hint or "put the two together."
            raise InputError(f"the key {twice[:80]!r} stands twice in one object.", file=str(path), hint=said)
        return dict(pairs)

    text = text_of(path, hint)
    try:
        return json.loads(text, object_pairs_hook=once)
    except InputError:
        raise
    except json.JSONDecodeError as error:
        what = f"line {error.lineno} is not valid JSON: {error.msg} at character {error.colno}."
    except (ValueError, RecursionError):
        what = "is not JSON that can be read: a number is too long, or it is nested too deeply."
    raise InputError(what, file=str(path), hint=hint)


def first_twice(names: Iterable[str]) -> str | None:
    """Return the first name that stands twice."""
    return next((name for name, n in Counter(names).items() if n > 1), None)


def shown(value: Any) -> str:
    """Return a JSON value for a refusal: a plain one as it is written, cut where it is long."""
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
