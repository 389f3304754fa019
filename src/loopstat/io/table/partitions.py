"""Columns that a file does not hold itself: those of folders named `column=value`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from .files import Field, Scan


def partitions_of(paths: Sequence[Path]) -> list[dict[str, str]]:
    """Return the columns that folders named `column=value` below the common one give each file; none for one file.

    Examples
    --------
    >>> partitions_of([Path("runs/model=a/1.parquet"), Path("runs/model=b/1.parquet")])
    [{'model': 'a'}, {'model': 'b'}]
    """
    if len(paths) < 2:
        return [{} for _ in paths]
    top = os.path.commonpath([path.absolute().parent for path in paths])
    folders = [path.absolute().parent.relative_to(top).parts for path in paths]
    named = [dict(part.split("=", 1) for part in parts if re.match(r"[^=]+=", part)) for parts in folders]
    return [{name: unquote(value) for name, value in found.items()} for found in named]


def with_constants(scan: Scan, values: Mapping[str, str]) -> Scan:
    """Return a scan with columns of one value each, where the file has none of that name."""
    there = {field.name for field in scan.fields}
    added = [Field(name, text_literal(value), "raw") for name, value in values.items() if name not in there]
    return replace(scan, fields=(*scan.fields, *added)) if added else scan


def text_literal(text: str) -> str:
    """Return SQL for a text; no SQL text holds a null byte."""
    return " || chr(0) || ".join("'" + part.replace("'", "''") + "'" for part in text.split("\0"))
