"""Settings of `ReversibleChain`, one row each; light, so that help costs nothing."""

from __future__ import annotations

from ..parameters import CLUSTER, LEVEL, choice, number, whole

KERNELS = ("likelihood", "exp", "softplus")
METHODS = ("auto", "exact", "chi-square", "bootstrap")

LAG = whole("lag", "", 1, "Steps between two states.", 1)
KERNEL = choice(
    "kernel", "likelihood", "What the potential is fitted by; the last two are least actions, for comparison.", KERNELS
)
BETA = number("beta", "beta", 1.0, "Potentials are in units of 1/beta nats.", 0, above=True)
FIT = (
    LAG,
    KERNEL,
    BETA,
    choice("test", "auto", "How balance is tested; `auto` is exact where counts are whole numbers.", METHODS),
    whole("bootstrap", "", 999, "Draws of the test.", 19, field="n_draws"),
    whole("size_draws", "", 0, "Simulate N balanced recordings to learn how often the test would reject them.", 0),
    CLUSTER,
    LEVEL,
)  # fmt: skip
"""Rows of `ReversibleChain` that the command line has."""
RIDGE = number("ridge", "", 0.0, "Penalty on the potential, for sparse graphs.", 0)
