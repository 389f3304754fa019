"""What was made of a recording or a result, kept for as long as that is: an interactive page asks for it again."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The last few things made, each of an owner and a key.

    Parameters
    ----------
    most : int
        How many are kept; none outlives its owner by more than the next one that is made.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: list[tuple[weakref.ref[object], Hashable, T]] = []
        self._lock = threading.Lock()

    def of(self, owner: object, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made of this owner and key, or make it."""
        with self._lock:
            rows = [row for row in self._rows if row[0]() is not None]
        for ref, other, made in rows:
            if ref() is owner and other == key:
                return made
        made = make()
        with self._lock:
            self._rows = [(weakref.ref(owner), key, made), *rows][: self._most]
        return made
