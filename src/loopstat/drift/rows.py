"""Settings of `LinearDrift`, one row each; light, so that help costs nothing."""

from __future__ import annotations

from ..parameters import BOOTSTRAP, CLUSTER, LEVEL, choice, switch, words

ESTIMATORS = ("auto", "pooled", "within", "instrument", "eiv", "latent")

FIT = (
    CLUSTER,
    choice("estimator", "auto", "How drift is fitted; `auto` says what it saw and why it chose.", ESTIMATORS),
    words(
        "scorer_noise",
        "Covariance of the scorer's noise: objectives, covariance. A `repeat` column measures it.",
        "path",
        metavar="FILE.json",
    ),
    switch(
        "stops_at_bounds",
        "The loop itself stops at --bounds (not: is read through a clip); fits a censored likelihood.",
    ),
    switch("thorough", "Slow extras of the latent fit: seconds to minutes a group."),
    BOOTSTRAP,
    LEVEL,
)
"""Rows of `LinearDrift`."""
