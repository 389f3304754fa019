"""Where observations came from: files, a digest of their content, remarks made while reading, what a log kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .selection import SelectionReport


@dataclass(frozen=True)
class Source:
    """Where a panel came from: the files, a digest of their content, remarks made while reading, what a log kept."""

    files: tuple[str, ...] = ()
    digest: str = ""
    notes: tuple[str, ...] = field(default=(), metadata={"unwritten": True})
    selection: SelectionReport | None = field(default=None, metadata={"unwritten": True})


def array_digest(*arrays: Any) -> str:
    """Return a SHA-256 of array contents, for provenance."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
