"""All small expressions of some features: what a search for a formula tries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int

CONSTANT = "constant"
UNARY: dict[str, Callable[[Float], Float]] = {"log": np.log, "sqrt": np.sqrt, "square": np.square}
BINARY: dict[str, Callable[[Float, Float], Float]]
BINARY = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
FLAT, HUGE = 1e-9, 1e100  # least spread over the states and largest number of an expression
LARGEST = 4  # features and operators of an expression
CELLS = 1e7  # pairs times expressions beyond which sizes 3 and 4 are not begun: a few seconds


@dataclass(frozen=True)
class Expressions:
    """Expressions that differ by more than scale and constant, smallest first; the constant is number 0.

    Attributes
    ----------
    names : list of str
    values : float array, shape (n_states, n_expressions)
    size : int array, shape (n_expressions,)
        Features and operators of each.
    n_left_out : int
        Expressions that are the same as another up to scale and constant; those not defined for some state are not
        counted.
    """

    names: list[str]
    values: Float
    size: Int
    n_left_out: int

    @classmethod
    def of(cls, x: Float, names: Sequence[str], n_pairs: int) -> Expressions:
        """Make them of features of shape (n_states, n_features); their number is bounded for the pairs to be judged."""
        grown = [(list(names), x)]
        for size in range(2, LARGEST + 1):
            expected = len(UNARY) * len(grown[-1][0]) + 2 * len(BINARY) * len(names) * len(grown[size - 3][0])
            if size > 2 and expected * max(n_pairs, len(x)) > CELLS:
                break
            grown.append(_grow(grown, size))
        every = np.concatenate([values for _, values in grown], axis=1)
        listed = [name for part, _ in grown for name in part]
        sizes = np.repeat(np.arange(1, len(grown) + 1), [len(part) for part, _ in grown])
        first: dict[bytes, int] = {}
        for k in np.flatnonzero(np.ptp(every, axis=0) > FLAT * np.abs(every).max(axis=0)).tolist():
            first.setdefault(_shape(every[:, k]), k)
        kept = list(first.values())
        values = np.column_stack([np.zeros(len(x)), every[:, kept]])
        return cls([CONSTANT, *(listed[k] for k in kept)], values, np.r_[0, sizes[kept]], len(listed) - len(kept))


def _grow(grown: Sequence[tuple[list[str], Float]], size: int) -> tuple[list[str], Float]:
    """Return the expressions of a size, made of smaller ones, that are finite in all states."""
    names, values = grown[size - 2]
    made = [f"{u}({bare(n)})" for u in UNARY for n in names]
    with np.errstate(all="ignore"):
        columns = [f(values) for f in UNARY.values()]
        for i in range(1, size - 1):
            (left, x), (right, y) = grown[i - 1], grown[size - i - 2]
            p, q = (k.ravel() for k in np.meshgrid(range(len(left)), range(len(right)), indexing="ij"))
            for sign, f in BINARY.items():
                # a + b is b + a: one order will do. `square` is a * a.
                once = (p < q if 2 * i == size - 1 else 2 * i < size - 1) if sign in "+*" else True
                at = np.flatnonzero(np.broadcast_to(once, p.shape))
                columns.append(f(x[:, p[at]], y[:, q[at]]))
                made += [f"({left[p[k]]} {sign} {right[q[k]]})" for k in at]
        every = np.concatenate(columns, axis=1)
        kept = np.flatnonzero(np.abs(every).max(axis=0) < HUGE)  # false for NaN and infinity
    return [made[k] for k in kept], every[:, kept]


def bare(name: str) -> str:
    """Return an expression without the brackets around the whole of it."""
    return name[1:-1] if name.startswith("(") and name.endswith(")") else name


def _shape(v: Float) -> bytes:
    """Return what expressions that are the same up to scale and constant have in common."""
    z = v - v.mean()
    z = np.round(z / np.sqrt(z @ z), 8)
    return np.asarray(z * np.sign(z[np.flatnonzero(z)[0]]) + 0.0).tobytes()
