"""Beyond the record: curves that flatten, climb on or stay, fitted to the mean curve and averaged by how well they fit.

Always an extrapolation, and marked as one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float, Int
from .curve import Curve

REACH = 1.5  # of the recorded steps: how far ahead is looked
SHRINK = 0.75  # of the fitted increments: what comes is less than curves promise, or more
KNOTS = 12  # increments that curves are fitted to
RATES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)  # m of 1 + m + m^2 + ...
POWERS = (-1.0, -0.5, 0.0, 0.5)  # q of ((1 + t)^q - 1)/q, 0 the logarithm
DRIED = 1 / 3  # of the record, at its end, from which the share that ends by itself is taken


@dataclass(frozen=True)
class Shape:
    """One family's curve over steps from the start, and whether the first step is free."""

    at: Float
    first: bool
    flat: bool


def horizon(steps: Int, asked: int | None = None) -> int:
    """Return the farthest step looked at: 1.5 times the recorded steps, or what is asked for."""
    if asked is not None:
        return max(asked, int(steps[0]))
    return int(steps[0]) + int(REACH * (int(steps[-1]) - int(steps[0])))


def steps_ahead(steps: Int, until: int) -> Int:
    """Return the steps beyond the record, as far apart as the recorded ones are."""
    apart = max(1, int(np.median(np.diff(steps)))) if len(steps) > 1 else 1
    return np.arange(int(steps[-1]) + apart, until + 1, apart, dtype=np.int64)


def shapes(time: Float) -> list[Shape]:
    """Return every curve at given times from the start, each with and without a first step of its own."""
    rising = [np.cumsum(np.r_[0.0, m ** np.arange(int(time[-1]))])[time.astype(np.int64)] for m in RATES]
    rising += [np.log1p(time) if q == 0 else ((1 + time) ** q - 1) / q for q in POWERS]
    flat = np.zeros(len(time))
    out = [Shape(f, first, False) for f in rising for first in (False, True)]
    return [Shape(flat, False, True), Shape(flat, True, True), *out]


def continued(curve: Curve, steps: Int, until: int, *, shrink: float = SHRINK) -> Curve:
    """Return the curve with what is expected beyond the record.

    Parameters
    ----------
    curve : Curve
        Of the recorded steps.
    steps : int array, shape (n_steps,)
    until : int
        The last step looked at.
    shrink : float
        Share of the fitted increments that is believed; 0: nothing more comes.
    """
    ahead = steps_ahead(steps, until)
    if not len(ahead):
        return curve
    value = curve.value[:, -1:] + shrink * increments(curve.value, steps, ahead)
    paid, running = _paid_ahead(curve, len(ahead))
    return Curve(
        np.concatenate([curve.value, value], axis=1),
        np.concatenate([curve.paid, paid], axis=1),
        np.concatenate([curve.running, running], axis=1),
    )


def late_slope(curve: Curve, expected: Curve) -> Curve:
    """Return the curve continued with the slope of the record's last half, at the cost that is expected."""
    n = curve.value.shape[1]
    middle = (n - 1) // 2
    slope = (curve.value[:, -1] - curve.value[:, middle]) / max(n - 1 - middle, 1)
    ahead = curve.value[:, -1:] + slope[:, None] * np.arange(1, expected.value.shape[1] - n + 1)
    return Curve(np.concatenate([curve.value, ahead], axis=1), expected.paid, expected.running)


def increments(value: Float, steps: Int, ahead: Int) -> Float:
    """Return what is expected to be added from the last recorded step on, shape (1 + n_draws, n_ahead)."""
    if len(steps) < 3 or len(value) < 3:
        return np.zeros((len(value), len(ahead)))
    time = np.r_[steps, ahead].astype(np.float64) - float(steps[0])
    knots = _knots(len(steps))
    y = np.diff(value[:, knots], axis=1)
    precision = _precision(y[1:])
    found = np.zeros((len(value), len(ahead)))
    misfit, added = [], []
    for shape in shapes(time):
        design = _design(shape, knots)
        fit, rss = _least_squares(design, y, precision)
        later = shape.at[len(steps) :] - shape.at[len(steps) - 1]
        added.append(np.zeros_like(found) if shape.flat else fit[:, :1] * later)
        misfit.append(rss + 2.0 * design.shape[1])
    badness = np.array(misfit)
    weight = np.exp(-(badness - badness.min(axis=0)) / 2)
    weight /= weight.sum(axis=0)
    return np.einsum("kb,kbt->bt", weight, np.array(added))


def _knots(n: int) -> Int:
    """Return at most KNOTS + 1 places, denser at the start."""
    if n <= KNOTS + 1:
        return np.arange(n)
    return np.unique(np.round(np.geomspace(1, n, KNOTS + 1)).astype(np.int64) - 1)


def _design(shape: Shape, knots: Int) -> Float:
    columns = [] if shape.flat else [np.diff(shape.at[knots])]
    if shape.first:
        columns.append((np.arange(len(knots) - 1) == 0).astype(np.float64))
    return np.stack(columns, axis=1) if columns else np.zeros((len(knots) - 1, 0))


def _precision(draws: Float) -> Float:
    """Return the inverse covariance of the increments, its correlations shrunk as far as few draws' worth ask for."""
    covariance = np.atleast_2d(np.cov(draws, rowvar=False))
    variance = np.diag(covariance)
    floor = max(float(variance.max(initial=0.0)) * 1e-4, 1e-300)
    shrunk = 0.8 * covariance + 0.2 * np.diag(variance) + floor * np.eye(len(variance))
    return np.linalg.inv(shrunk)


def _least_squares(design: Float, y: Float, precision: Float) -> tuple[Float, Float]:
    if design.shape[1] == 0:
        return np.zeros((len(y), 0)), np.einsum("bi,ij,bj->b", y, precision, y)
    gram = design.T @ precision @ design
    gram += 1e-9 * np.trace(gram) * np.eye(len(gram))
    fit = y @ precision @ design @ np.linalg.inv(gram)
    rest = y - fit @ design.T
    return fit, np.einsum("bi,ij,bj->b", rest, precision, rest)


def _paid_ahead(curve: Curve, n: int) -> tuple[Float, Float]:
    """Return cost and share running beyond the record: what each running session pays, and how many go on to run."""
    length = curve.running.shape[1]
    since = max(0, length - 1 - max(1, round(DRIED * (length - 1))))
    steps = max(length - 1 - since, 1)
    begun, left = curve.running[:, since], curve.running[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        stay = np.where(begun > 0, (left / np.maximum(begun, 1e-12)) ** (1 / steps), 0.0)
        rate = np.diff(curve.paid, axis=1).sum(axis=1) / np.maximum(curve.running[:, :-1].sum(axis=1), 1e-12)
    powers = stay[:, None] ** np.arange(n)
    running = left[:, None] * powers
    paid = curve.paid[:, -1:] + rate[:, None] * np.cumsum(running, axis=1)
    return paid, running * stay[:, None]
