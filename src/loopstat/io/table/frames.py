"""Dataframes of any library as something DuckDB can scan: by Arrow's C stream, else natively, else through narwhals."""

from __future__ import annotations

from typing import Any

from ...errors import SettingsError
from .files import Scan, fields_of, plain_errors

NAME = "frame"


class _Stream:
    """Hands out a fresh Arrow stream each time, so that DuckDB need not know (or have) the library behind it."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def scan_frame(con: Any, frame: Any) -> Scan:
    """Register a dataframe with the connection and return how to read it."""
    library = type(frame).__module__.split(".")[0].lstrip("_")
    shown = f"<{library} {type(frame).__name__}>"
    if library == "pandas":
        frame = frame.rename(columns=str)
    elif not hasattr(frame, "__arrow_c_stream__"):
        frame = _through_narwhals(frame)
    names = list(frame.columns) if library == "pandas" else _names(frame)
    with plain_errors(shown):
        con.register(NAME, frame if library == "pandas" else _Stream(frame))
    return Scan(shown, NAME, fields_of(con, NAME, shown, names=names))


def _names(frame: Any) -> list[str] | None:
    """Return the column names of a dataframe as they are; None where only its Arrow stream is known."""
    import narwhals as nw

    wrapped = nw.from_native(frame, pass_through=True)
    return list(wrapped.collect_schema().names()) if isinstance(wrapped, nw.DataFrame | nw.LazyFrame) else None


def _through_narwhals(frame: Any) -> Any:
    import narwhals as nw

    try:
        wrapped = nw.from_native(frame)
    except TypeError:
        raise SettingsError(
            f"`source` must be a path, a glob, a list of those, or a dataframe. Got {type(frame).__name__}."
        ) from None
    return wrapped.collect() if isinstance(wrapped, nw.LazyFrame) else wrapped
