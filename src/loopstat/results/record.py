"""Results as JSON and back: one codec that reads the fields of records.

A record is a dataclass; its JSON is an object with one key for each field, in the order of the fields. An `Estimate`
called X stands there as `X`, `X_low` and `X_high`; NaN and infinity are null. What differs is said where the field is
declared, as metadata made by `written`, `spread`, `inside` and `absent`, or by class attributes:

`KEYS`
    Names of the fields and properties that are written, in order. Fields that are not among them are not written;
    properties are written and not read.
`PLACES`
    Paths of properties that do not stand under their own name.
`SCHEMA`
    What `schema` must be in a file that is read, for records that have it among their `KEYS`.

`from_json(to_json(x)) == x` for every record: two records are equal when all that is written of them is.
"""

from __future__ import annotations

import json
import math
import sys
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, ClassVar, Literal, Self, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from ..errors import InputError
from ..inference.estimate import Estimate, alike

T = TypeVar("T")
BESIDE = ("{}_low", "{}_high")
UNWRITTEN: dict[str, Any] = {"unwritten": True}  # metadata of a field that is no part of what is claimed


class Record:
    """What makes a frozen dataclass, declared with `eq=False`, a result that is written and read back."""

    KEYS: ClassVar[tuple[str, ...]] = ()
    PLACES: ClassVar[Mapping[str, str]] = {}
    SCHEMA: ClassVar[str] = ""

    @property
    def schema(self) -> str:
        """Name and number of the form in which it is written."""
        return self.SCHEMA

    @property
    def version(self) -> str:
        """Version of loopstat that made it."""
        from .. import __version__

        return __version__

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form as plain data."""
        return dump(self)

    def to_json(self) -> str:
        """Return the result as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read back what `to_dict` returned.

        Raises
        ------
        InputError
            The data are of another schema, or a key is missing.
        """
        return load(cls, data)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read back what `to_json` returned."""
        return load(cls, json.loads(text))

    def completed(self, data: Mapping[str, Any]) -> Self:
        """Return the record that was read with what is not written but follows from the rest of its `data`."""
        return self

    def __eq__(self, other: object) -> bool:
        return same(self, other)


# ------------------------------------------------------------------------------ what fields say of themselves


def written(
    name: str = "", *beside: str, null: float = math.nan, write: Callable[[Any], Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Return metadata of a field under another key.

    Parameters
    ----------
    name : str
        A point nests: `source.digest`. Empty: the name of the field.
    *beside : str
        Keys of the ends of an Estimate, and then of its p and p_adjusted; `{}` is its own key.
    null : float
        What a null number is read as: infinity for an open side.
    write : callable, optional
        Turns the value into plain data; `read` in `more` turns it back.
    """
    return {"key": name, "beside": beside or BESIDE, "null": null, "write": write, **more}


def spread(
    layout: Mapping[str, Sequence[str]] | Sequence[str], *, kept: Callable[[Any], Collection[str]] = lambda _: ()
) -> dict[str, Any]:
    """Return metadata of a dict whose entries stand beside the other fields.

    Parameters
    ----------
    layout : mapping or sequence
        Names of all entries there may be, a point nesting them, with the keys of their ends. What is missing is null.
    kept : callable, optional
        Of the dict: the outer keys that hold nulls, not null, where they hold nothing.
    """
    rows = layout if isinstance(layout, Mapping) else dict.fromkeys(layout, BESIDE)
    return {"spread": rows, "kept": kept}


def absent(made: Callable[[], Any]) -> dict[str, Any]:
    """Return metadata of a field that is not written: `made` returns what stands in for it in a record read back."""
    return {**UNWRITTEN, "absent": made}


def inside(*keys: str) -> dict[str, Any]:
    """Return metadata of a record whose keys stand beside those of the one it belongs to.

    With `keys`, only these are its own: it shares the others with the outer one; None where the first is missing.
    """
    return {"inside": True, "own": keys}


@dataclass(frozen=True)
class _Entry:
    """One key of a record: where it comes from, what type it has, and how it stands in the JSON."""

    name: str
    hint: Any
    how: Mapping[str, Any]
    is_field: bool

    @property
    def path(self) -> str:
        return self.how.get("key") or self.name

    @property
    def beside(self) -> tuple[str, ...]:
        leaf = self.path.rpartition(".")[2]
        return tuple(name.format(leaf) for name in self.how.get("beside", BESIDE))

    @property
    def is_estimate(self) -> bool:
        return Estimate in (self.hint, *get_args(self.hint)) and get_origin(self.hint) in (None, *UNIONS)


UNIONS = (Union, types.UnionType)


def _entries(cls: Any) -> tuple[_Entry, ...]:
    return _declared(cls)


@cache
def _declared(cls: Any) -> tuple[_Entry, ...]:
    """Return what is written of a dataclass, in order."""
    declared: dict[str, Field[Any]] = {f.name: f for f in fields(cls)}
    names = getattr(cls, "KEYS", ()) or tuple(n for n, f in declared.items() if not f.metadata.get("unwritten"))
    return tuple(
        _Entry(n, _hint(cls, n, declared[n].type), declared[n].metadata, True)
        if n in declared
        else _Entry(n, _returned(cls, n), {"key": getattr(cls, "PLACES", {}).get(n)}, False)
        for n in names
    )


def _hint(cls: type, name: str, annotation: Any) -> Any:
    """Return the type of one field; others may name what only type checkers import."""
    owner = next(c for c in cls.__mro__ if name in vars(c).get("__annotations__", {}))
    bare = type("Bare", (), {"__annotations__": {name: annotation}})
    return get_type_hints(bare, globalns=vars(sys.modules[owner.__module__]))[name]


def _returned(cls: type, name: str) -> Any:
    getter = getattr(cls, name).fget
    return get_type_hints(getter).get("return", Any)


# ---------------------------------------------------------------------------------------------- writing


def dump(record: Any) -> dict[str, Any]:
    """Return the JSON form of a dataclass."""
    out: dict[str, Any] = {}
    for e in _entries(type(record)):
        value = getattr(record, e.name)
        if "spread" in e.how:
            _spread_out(out, value, e.how)
        elif e.how.get("inside"):
            own = e.how["own"]
            inner = {} if value is None else dump(value)
            out.update({k: v for k, v in inner.items() if not own or k in own})
        elif e.is_estimate and not e.how.get("nested"):
            _put(_at(out, e.path), e.path.rpartition(".")[2], e.beside, value)
        else:
            write = e.how.get("write")
            _at(out, e.path)[e.path.rpartition(".")[2]] = plain(value if write is None else write(value))
    return out


def _at(out: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the object that holds the last key of a path, made where it is missing."""
    for part in path.split(".")[:-1]:
        out = out.setdefault(part, {})
    return out


def _put(into: dict[str, Any], name: str, beside: Sequence[str], e: Estimate | None) -> None:
    parts = (None,) * 5 if e is None else (e.value, e.low, e.high, e.p, e.p_adjusted)
    into.update(zip((name, *beside), map(plain, parts), strict=False))


def _spread_out(out: dict[str, Any], values: Mapping[str, Any], how: Mapping[str, Any]) -> None:
    for path, beside in how["spread"].items():
        leaf, value = path.rpartition(".")[2], values.get(path)
        if value is None or isinstance(value, Estimate):
            _put(_at(out, path), leaf, [name.format(leaf) for name in beside], value)
        else:
            _at(out, path)[leaf] = plain(value)
    kept = how["kept"](values)
    for outer in {path.partition(".")[0] for path in how["spread"] if "." in path}:
        if outer not in kept and not any(path.startswith(f"{outer}.") for path in values):
            out[outer] = None


def plain(value: Any) -> Any:
    """Return JSON-ready data: arrays become nested lists, records objects, NaN and infinities None."""
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, float | np.floating):
        return float(value) + 0.0 if math.isfinite(value) else None  # no -0.0
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Estimate):
        return {"value": plain(value.value), "low": plain(value.low), "high": plain(value.high)}
    if is_dataclass(value):
        return value.to_dict() if hasattr(value, "to_dict") else dump(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, Sequence):
        return [plain(v) for v in value]
    raise TypeError(f"cannot turn {type(value).__name__} into plain data")


# ---------------------------------------------------------------------------------------------- reading


def load(cls: type[T], data: Mapping[str, Any]) -> T:
    """Read back what `dump` returned of a dataclass.

    Raises
    ------
    InputError
        The data are of another schema, or a key is missing.
    """
    schema = getattr(cls, "SCHEMA", "")
    if schema and data.get("schema") != schema:
        raise InputError(f"expected {cls.__name__} of schema {schema!r}. Got {data.get('schema')!r}.")
    values: dict[str, Any] = {}
    declared: dict[str, Field[Any]] = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for e in _entries(cls):
        if not e.is_field:
            continue
        try:
            values[e.name] = _read_entry(e, data)
        except KeyError as missing:
            if declared[e.name].default is MISSING and declared[e.name].default_factory is MISSING:
                raise InputError(f"{cls.__name__}: expected a key {missing} in the JSON, and there is none.") from None
    values |= {n: f.metadata["absent"]() for n, f in declared.items() if "absent" in f.metadata}
    record = cls(**values)
    return record.completed(data) if isinstance(record, Record) else record


def _read_entry(e: _Entry, data: Mapping[str, Any]) -> Any:
    if "spread" in e.how:
        return _gathered(data, e)
    if e.how.get("inside"):
        own = e.how["own"]
        return None if own and data.get(own[0]) is None else load(_arm(data, get_args(e.hint) or (e.hint,)), data)
    *outer, leaf = e.path.split(".")
    for part in outer:
        data = data[part]
    if e.is_estimate and not e.how.get("nested"):
        return _taken(data, leaf, e.beside, e.how.get("null", math.nan), optional=e.hint is not Estimate)
    back = e.how.get("read")
    return back(data[leaf]) if back else _read(data[leaf], e.hint, e.how.get("null", math.nan))


def _taken(
    data: Mapping[str, Any], name: str, beside: Sequence[str], null: float = math.nan, *, optional: bool = False
) -> Estimate | None:
    parts = [data[k] for k in (name, *beside)]
    if optional and parts[0] is None:
        return None
    numbers = [_numbers(v) for v in parts]
    return Estimate(*(np.where(np.isnan(x), null, x) for x in numbers[:3]), *numbers[3:])


def _gathered(data: Mapping[str, Any], e: _Entry) -> dict[str, Any]:
    """Return the entries that are not null; all of an outer key that holds nulls alone: they were there, unknown."""
    layout, of = e.how["spread"], get_args(e.hint)[1]
    out = {path: _entry_at(data, path, beside, of) for path, beside in layout.items() if _found(data, path) is not None}
    kept = e.how["kept"](out)
    for path in layout:
        outer = path.partition(".")[0]
        empty = outer != path and data.get(outer) is not None and not any(p.startswith(f"{outer}.") for p in out)
        if empty and outer not in kept:
            out |= {p: Estimate.unknown() for p in layout if p.startswith(f"{outer}.")}
    return out


def _found(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = (data or {}).get(part)
    return data


def _entry_at(data: Any, path: str, beside: Sequence[str], of: Any) -> Any:
    *outer, leaf = path.split(".")
    for part in outer:
        data = data[part]
    if of is not Estimate:
        return _read(data[leaf], of, math.nan)
    return _taken(data, leaf, [name.format(leaf) for name in beside])


def _numbers(value: Any, dtype: Any = np.float64) -> Any:
    return np.array(value, dtype=object).astype(dtype) if dtype == np.float64 else np.array(value, dtype=dtype)


def _read(value: Any, hint: Any, null: float) -> Any:
    """Return plain data as a value of the type a field declares."""
    origin, given = get_origin(hint), get_args(hint)
    if origin in UNIONS:
        return None if value is None else _read(value, _arm(value, given), null)
    if hint is float:
        return null if value is None else value
    if origin is np.ndarray:
        return _numbers(value, get_args(given[1])[0])
    if hint is Estimate:
        return Estimate(*(_numbers(value[k]) for k in ("value", "low", "high")))
    if is_dataclass(hint) and isinstance(hint, type):
        return load(hint, value)
    if origin is tuple:
        of = (given[0],) * len(value) if given[1:] == (...,) else given
        return tuple(_read(v, h, null) for v, h in zip(value, of, strict=True))
    if origin in (list, Sequence):
        return [_read(v, given[0], null) for v in value]
    if origin in (dict, Mapping):
        return {k: _read(v, given[1], null) for k, v in value.items()}
    return value


def _arm(value: Any, arms: Sequence[Any]) -> Any:
    """Return the member of a union that a plain value is of."""
    others = [a for a in arms if a is not type(None)]
    if isinstance(value, Mapping):
        return next(a for a in others if get_origin(a) in (dict, Mapping) or is_dataclass(a))
    if isinstance(value, list):
        return next(a for a in others if get_origin(a) in (tuple, list, Sequence, np.ndarray))
    return next((a for a in others if a is type(value) or get_origin(a) is Literal), others[0])


# ---------------------------------------------------------------------------------------------- equality


def same(a: Any, b: Any) -> bool:
    """Return whether two results claim the same; NaN and infinity are both unknown."""
    if _unknown(a) or _unknown(b):
        return _unknown(a) and _unknown(b)
    if isinstance(a, Estimate) or isinstance(b, Estimate):
        return bool(a == b)
    if is_dataclass(a) and is_dataclass(b):
        if type(a) is not type(b):
            return False
        names = [e.name for e in _entries(type(a)) if e.is_field]
        return all(same(getattr(a, n), getattr(b, n)) for n in names)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return alike(a, b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if _is_listed(a) and _is_listed(b):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def _unknown(x: Any) -> bool:
    if isinstance(x, Estimate):
        return not any(np.isfinite(part).any() for part in (x.value, x.low, x.high)) and np.size(x.value) > 0
    return x is None or (isinstance(x, float | np.floating) and not math.isfinite(x))


def _is_listed(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str)
