"""Small array habits shared by everything: types, read-only arrays, group boundaries."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


def frozen(values: ArrayLike, dtype: Any) -> NDArray[Any]:
    """Return a C-contiguous, read-only copy of `values` with the given dtype."""
    array = np.array(values, dtype=dtype, order="C")
    array.setflags(write=False)
    return array


def group_starts(codes: Int) -> Int:
    """Return the first position of every run of equal values in sorted `codes`, shape (n_groups,)."""
    if codes.size == 0:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]]).astype(np.int64)


def first_true(where: Bool) -> int | None:
    """Return the first position that is true, None where none is."""
    return int(np.argmax(where)) if np.any(where) else None


def relabel(codes: Int) -> tuple[Int, Int]:
    """Return `(values, dense)`: the sorted distinct codes and each entry's position among them."""
    least, most = (int(codes.min()), int(codes.max())) if codes.size else (0, 0)
    if most - least >= max(codes.size, 1):
        values, dense = np.unique(codes, return_inverse=True)
        return values.astype(np.int64), dense.reshape(-1).astype(np.int64)
    # Close together they are counted, ten times as fast as sorted.
    there = np.bincount(codes - least) > 0
    return np.flatnonzero(there) + least, (np.cumsum(there) - 1)[codes - least]


def summed(codes: Int, values: Float, n: int) -> Float:
    """Return the sum of `values` over each code 0 .. n - 1, shape (n,)."""
    return np.bincount(codes, values, n).astype(np.float64)


def summed_rows(codes: Int, values: Float, n: int) -> Float:
    """Return the sum of the rows of `values`, shape (len(codes), k), over each code 0 .. n - 1, shape (n, k)."""
    out = np.zeros((n, values.shape[1]))
    for j, column in enumerate(values.T):
        out[:, j] = summed(codes, column, n)
    return out
