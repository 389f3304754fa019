"""Where observations came from: files, a digest of their content, remarks made while reading, what a log kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .selection import SelectionReport, together


@dataclass(frozen=True)
class Source:
    """Where a panel came from: the files, a digest of their content, remarks made while reading, what a log kept."""

    files: tuple[str, ...] = ()
    digest: str = ""
    notes: tuple[str, ...] = field(default=(), metadata={"unwritten": True})
    selection: SelectionReport | None = field(default=None, metadata={"unwritten": True})

    @classmethod
    def of_all(cls, sources: Sequence[Source]) -> Source:
        """Return where panels that were put together came from."""
        return cls(
            tuple(f for s in sources for f in s.files),
            hashlib.sha256("".join(s.digest for s in sources).encode()).hexdigest(),
            tuple(n for s in sources for n in s.notes),
            together([s.selection for s in sources if s.selection is not None]),
        )


def array_digest(*arrays: Any) -> str:
    """Return a SHA-256 of array contents, for provenance."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
