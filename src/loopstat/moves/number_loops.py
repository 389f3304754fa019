"""Random numbers for many runs at once, compiled: logarithms and normal quantiles without a branch, eight at a time.

Plain functions that write to arrays given to them; `compile_all` makes machine code of them. They agree with those of
`counter_numbers`, which uses NumPy and SciPy, to rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, exp, sqrt
from typing import Any

import numpy as np

from ..arrays import Float
from .numbers import CHUNK, COUNTS, END, SLOTS, STEP, Keys, mixed

BITS, ONE = np.uint64(12), np.uint64(0x3FF0000000000000)  # 52 bits are the fraction of a number from 1.0 on
HALF = 2.0**-53
HALF_ROOT = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2), from which on a fraction is below sqrt(2)
LN2_HIGH, LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10  # ln 2, the first with 21 zero bits at its end
LOG2E, ROUND = 1.4426950408889634, 1.5 * 2.0**52  # adding this leaves the nearest whole number in the last bits
LEAST = -700.0  # of what `upper_uniforms` raises e to
MIDDLE, FAR, TINY = 0.425, exp(-25.0), 1e-300  # where approximations of the normal quantile meet, and its last p

COMPILED = (
    *("mixed", "number", "binomial", "poisson", "middle", "outer", "far_out"),
    *("uniforms", "logs", "upper_uniforms", "upper_normals"),
)


def compile_all(functions: dict[str, Any], names: Iterable[str]) -> None:
    """Put compiled functions in place of plain ones, callees first; nothing is compiled before it is called."""
    from numba import njit

    for name in names:
        functions[name] = njit(nogil=True, error_model="numpy")(functions[name])


# ------------------------------------------------------------------------------------ many at a time


def uniforms(key: Keys, counter: int, n: int, out: Float) -> None:
    """Write the uniform numbers of the first `n` keys at a counter; see `counter_numbers.uniform`."""
    bits, far = out.view(np.uint64), np.uint64(counter) * STEP
    for j in range(n):
        bits[j] = (mixed(key[j] + far) >> BITS) | ONE
    for j in range(n):
        out[j] = out[j] - 1.0 + HALF


def logs(n: int, x: Float, scratch: Float) -> None:
    """Replace numbers from 1e-300 to 1 by their natural logarithms.

    x = 2^e m with m from sqrt(1/2) to sqrt(2); ln m = 2 artanh((m - 1)/(m + 1)), by its series. Relative error below
    5e-16.
    """
    bits, power = x.view(np.int64), scratch[:n]
    for j in range(n):
        e = (bits[j] - HALF_ROOT) >> 52
        bits[j] -= e << 52
        power[j] = e
    for j in range(n):
        f = x[j] - 1.0
        s = f / (x[j] + 1.0)
        q = s * s
        a = (
            (((((((q / 21 + 1 / 19) * q + 1 / 17) * q + 1 / 15) * q + 1 / 13) * q + 1 / 11) * q + 1 / 9) * q + 1 / 7)
            * q
            + 1 / 5
        ) * q + 1 / 3
        # 2 s = f - f s keeps the digits of f.
        x[j] = power[j] * LN2_HIGH + (f - (s * (f - 2.0 * q * a) - power[j] * LN2_LOW))


def upper_uniforms(k: float, n: int, x: Float, scratch: Float) -> None:
    """Replace uniform numbers U by 1 - U^(1/k) = -expm1(ln U / k), digits near 0 kept."""
    logs(n, x, scratch)
    bits = scratch.view(np.int64)
    for j in range(n):
        scratch[j] = max(x[j] / k, LEAST) * LOG2E + ROUND
    for j in range(n):
        power = scratch[j] - ROUND
        x[j] = max(x[j] / k, LEAST) - power * LN2_HIGH - power * LN2_LOW
        bits[j] = (bits[j] + 1023) << 52
    for j in range(n):
        r = x[j]
        e = (
            (
                (
                    (
                        (
                            (
                                (
                                    (
                                        (((r / 87178291200 + 1 / 6227020800) * r + 1 / 479001600) * r + 1 / 39916800)
                                        * r
                                        + 1 / 3628800
                                    )
                                    * r
                                    + 1 / 362880
                                )
                                * r
                                + 1 / 40320
                            )
                            * r
                            + 1 / 5040
                        )
                        * r
                        + 1 / 720
                    )
                    * r
                    + 1 / 120
                )
                * r
                + 1 / 24
            )
            * r
            + 1 / 6
        ) * r + 1 / 2
        x[j] = -(scratch[j] * (r + r * r * e) + (scratch[j] - 1.0))


def upper_normals(n: int, p: Float, scratch: Float) -> None:
    """Replace p by z with P(Z > z) = p, by rational approximations on three ranges.

    Relative error below 2e-15 (Wichura 1988, algorithm AS 241, PPND16). `scratch` has shape (2, LANES).
    """
    t = scratch[0]
    for j in range(n):
        t[j] = max(min(p[j], 1.0 - p[j]), TINY)
    logs(n, t, scratch[1])
    beyond = 0
    for j in range(n):
        q, s = 0.5 - p[j], sqrt(-t[j])
        w = outer(s - 1.6)
        c = q * middle(0.180625 - q * q)
        beyond += s > 5.0
        p[j] = c if abs(q) <= MIDDLE else (w if q > 0.0 else -w)
    if beyond > 0:
        for j in range(n):
            s = sqrt(-t[j])
            if s > 5.0:
                p[j] = far_out(s - 5.0) if p[j] > 0.0 else -far_out(s - 5.0)


def middle(x: float) -> float:
    """Return z / q for q = 0.5 - p within 0.425, at x = 0.180625 - q^2."""
    above = (
        (
            (
                (((2509.0809287301227 * x + 33430.57558358813) * x + 67265.7709270087) * x + 45921.95393154987) * x
                + 13731.69376550946
            )
            * x
            + 1971.5909503065513
        )
        * x
        + 133.14166789178438
    ) * x + 3.3871328727963665
    below = (
        (
            (
                (((5226.495278852854 * x + 28729.085735721943) * x + 39307.89580009271) * x + 21213.794301586597) * x
                + 5394.196021424751
            )
            * x
            + 687.1870074920579
        )
        * x
        + 42.31333070160091
    ) * x + 1.0
    return above / below


def outer(x: float) -> float:
    """Return z for p from exp(-25) to 0.075, at x = sqrt(-ln p) - 1.6."""
    above = (
        (
            (
                (((0.0007745450142783414 * x + 0.022723844989269184) * x + 0.2417807251774506) * x + 1.2704582524523684)
                * x
                + 3.6478483247632045
            )
            * x
            + 5.769497221460691
        )
        * x
        + 4.630337846156546
    ) * x + 1.4234371107496835
    below = (
        (
            (
                (
                    ((1.0507500716444169e-09 * x + 0.0005475938084995345) * x + 0.015198666563616457) * x
                    + 0.14810397642748008
                )
                * x
                + 0.6897673349851
            )
            * x
            + 1.6763848301838038
        )
        * x
        + 2.053191626637759
    ) * x + 1.0
    return above / below


def far_out(x: float) -> float:
    """Return z for p below exp(-25), at x = sqrt(-ln p) - 5."""
    above = (
        (
            (
                (
                    ((2.0103343992922881e-07 * x + 2.7115555687434876e-05) * x + 0.0012426609473880784) * x
                    + 0.026532189526576124
                )
                * x
                + 0.29656057182850487
            )
            * x
            + 1.7848265399172913
        )
        * x
        + 5.463784911164114
    ) * x + 6.657904643501103
    below = (
        (
            (
                (
                    ((2.0442631033899397e-15 * x + 1.421511758316446e-07) * x + 1.8463183175100548e-05) * x
                    + 0.0007868691311456133
                )
                * x
                + 0.014875361290850615
            )
            * x
            + 0.1369298809227358
        )
        * x
        + 0.599832206555888
    ) * x + 1.0
    return above / below


# ------------------------------------------------------------------------------------- one at a time


def number(key: Any, counter: int) -> float:
    """Return the uniform number of one key at a counter."""
    bits = np.int64(mixed(key + np.uint64(counter) * STEP) >> BITS)
    return float((bits + 0.5) * 2.0 * HALF)


def binomial(key: Any, move: int, stream: int, n: float, p: float) -> float:
    """Return how many of `n` defects have a number below `p`; see `counter_numbers.DefectNumbers`."""
    if p >= 1.0 or n == 0.0 or p <= 0.0:
        return n if p >= 1.0 else 0.0
    own, count = mixed((key ^ COUNTS) + np.uint64(SLOTS * move + stream + 1) * STEP), 0.0
    for k in range(int(n)):
        if number(own, k + 1) < p:
            count += 1.0
    return count


def poisson(key: Any, move: int, stream: int, mean: float) -> float:
    """Return a Poisson number by inversion, in parts where the mean is large."""
    own, count, chunks = mixed((key ^ COUNTS) + np.uint64(SLOTS * move + stream + 1) * STEP), 0.0, ceil(mean / CHUNK)
    for c in range(chunks):
        u, part = number(own, c + 1), mean / chunks
        term = exp(-part)
        total, k = term, 0
        while u > total and (k < part or term > END):
            k += 1
            term *= part / k
            total += term
        count += k
    return count
