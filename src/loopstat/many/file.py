"""The file that sums are kept in: a JSON header, the numbers as they lie in memory, a digest; nothing is executed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..decide.carried import Holding
from ..drift.carried.sums import Bins, Reach
from ..errors import InputError
from ..inference.tables import ClusterTables, Table
from ..io.write import write_file
from ..panel.panel import Objective
from .sums import GroupStats, Made, Origin, Stats

MAGIC = b"loopstat stats\n"
VERSION = 1
DIGEST = 32  # bytes of SHA-256
WORD = 8  # bytes of the header's length
LONGEST_HEADER = 256 << 20
TYPES = {"f": "<f8", "i": "<i8"}


class _Numbers:
    """Arrays put one after another, each known by its type, shape and place."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.size = 0

    def put(self, array: np.ndarray) -> list[Any]:
        """Add an array; return what finds it."""
        kind = "i" if array.dtype.kind == "i" else "f"
        block = np.ascontiguousarray(array, dtype=TYPES[kind]).tobytes()
        found = [kind, list(array.shape), self.size]
        self.blocks.append(block)
        self.size += len(block)
        return found


def packed(stats: Stats) -> bytes:
    """Return sums as the bytes of a file."""
    numbers = _Numbers()
    header = {
        "version": VERSION,
        "made": {**asdict(stats.made), "read": dict(stats.made.read)},
        "reference": numbers.put(np.array([stats.centre, stats.scale])),
        "origins": [asdict(o) for o in stats.origins],
        "notes": list(stats.notes),
        "groups": [{"values": list(values), **_group(group, numbers)} for values, group in stats.groups.items()],
    }
    text = json.dumps(header, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")
    body = b"".join([MAGIC, len(text).to_bytes(WORD, "little"), text, *numbers.blocks])
    return body + hashlib.sha256(body).digest()


def save_stats(stats: Stats, path: str | os.PathLike[str]) -> None:
    """Write sums to a file, whole or not at all; `load_stats` reads it.

    Parameters
    ----------
    stats : Stats
    path : path

    Raises
    ------
    OutputError
        The system refuses.
    """
    write_file(path, packed(stats))


def _group(group: GroupStats, numbers: _Numbers) -> dict[str, Any]:
    reach = {name: value for name, value in vars(group.reach).items() if isinstance(value, bool | int)}
    arrays = {name: numbers.put(getattr(group.reach, name)) for name in ("low", "high", "at_low", "at_high")}
    ends = [[b.power, numbers.put(b.keys), numbers.put(b.counts)] for b in group.reach.ends]
    return {
        "reach": reach,
        "reaches": arrays,
        "ends": ends,
        "over_all": _tables(group.over_all, numbers),
        "n_bare": dict(group.n_bare),
        "clusters": {kind: _clusters(held, numbers) for kind, held in group.tables.items()},
    }


def _clusters(held: ClusterTables, numbers: _Numbers) -> dict[str, Any]:
    arrays = {name: numbers.put(getattr(held, name)) for name in ("ids", "file", "place", "block", "members")}
    return {**arrays, "blocked": held.blocked, "n_members": held.n_members, "tables": _tables(held.tables, numbers)}


def _tables(tables: Mapping[str, Table], numbers: _Numbers) -> dict[str, Any]:
    return {name: [numbers.put(t.keys), numbers.put(t.values)] for name, t in tables.items()}


# ------------------------------------------------------------------------------- reading


def load_stats(path: str | os.PathLike[str]) -> Stats:
    """Read sums that `save_stats` or `loopstat stats` wrote.

    Parameters
    ----------
    path : path

    Raises
    ------
    InputError
        It is no such file, was made by another version, or is damaged.
    """
    file = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}.", file=file) from error
    if not data.startswith(MAGIC):
        raise InputError("holds no sums of `loopstat stats`.", file=file, hint="`loopstat analyze` reads tables.")
    body, digest = data[:-DIGEST], data[-DIGEST:]
    start = len(MAGIC) + WORD
    size = int.from_bytes(data[len(MAGIC) : start], "little")
    if hashlib.sha256(body).digest() != digest or not size <= min(LONGEST_HEADER, len(body) - start):
        raise InputError("is damaged or cut off: its digest does not fit.", file=file, hint="copy or make it again.")
    try:
        header = json.loads(body[start : start + size])
        if header["version"] != VERSION:
            said = f"was written in form {header['version']}, and this version of loopstat reads form {VERSION}."
            raise InputError(said, file=file, hint="make it again, or use the version that wrote it.")
        return _stats(header, memoryview(body)[start + size :])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"is no whole file of sums ({error}).", file=file, hint="make it again.") from error


def _array(found: list[Any], numbers: memoryview) -> Any:
    kind, shape, at = found
    n = int(np.prod(shape, dtype=np.int64)) if shape else 1
    if min([at, n, *shape]) < 0 or at + 8 * n > len(numbers):
        raise ValueError("numbers are missing")
    return np.frombuffer(numbers, TYPES[kind], n, at).reshape(shape).astype(np.int64 if kind == "i" else np.float64)


def _stats(header: dict[str, Any], numbers: memoryview) -> Stats:
    made = header["made"]
    objectives = tuple(Objective(**o) for o in made["objectives"])
    holding, named = Holding(**made["holding"]), tuple(made["by"])
    known = Made(objectives, named, made["cluster"], holding, made["tasks"], made["read"], made["scorer"])
    centre, scale = _array(header["reference"], numbers)
    groups = {tuple(g["values"]): _read_group(g, numbers) for g in header["groups"]}
    origins = tuple(Origin(**o) for o in header["origins"])
    return Stats(known, centre, scale, origins, groups, tuple(header["notes"]))


def _read_group(g: dict[str, Any], numbers: memoryview) -> GroupStats:
    arrays = {name: _array(found, numbers) for name, found in g["reaches"].items()}
    ends = tuple(Bins(power, _array(keys, numbers), _array(counts, numbers)) for power, keys, counts in g["ends"])
    tables = {kind: _read_clusters(held, numbers) for kind, held in g["clusters"].items()}
    return GroupStats(
        Reach(**g["reach"], **arrays, ends=ends), tables, _read_tables(g["over_all"], numbers), g["n_bare"]
    )


def _read_clusters(held: dict[str, Any], numbers: memoryview) -> ClusterTables:
    arrays = {name: _array(held[name], numbers) for name in ("ids", "file", "place", "block", "members")}
    tables = _read_tables(held["tables"], numbers)
    return ClusterTables(**arrays, blocked=held["blocked"], n_members=held["n_members"], tables=tables)


def _read_tables(tables: dict[str, Any], numbers: memoryview) -> dict[str, Table]:
    return {name: Table(_array(keys, numbers), _array(values, numbers)) for name, (keys, values) in tables.items()}
