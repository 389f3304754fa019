"""Tests of what the moves lens assumes about pools: reviewers, the best of several candidates, and the oracle."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from loopstat.arrays import Bool, Float, Int
from loopstat.errors import SettingsError
from loopstat.inference.estimate import Estimate
from loopstat.moves.order_statistics import expected_maximum
from studies.assumptions import MIN_CLUSTERS, TEST_LEVEL, AssumptionTest, Effect, cluster_codes, shown

HALF = 0.5  # copies judged at most half as unlike as other programs: a rule rather than chance

# ------------------------------------------------------------------------- correlated reviewers


def correlated_reviewers_test(
    scores: ArrayLike, truth: ArrayLike, task: ArrayLike, *, complete: bool = False, level: float = 0.95
) -> AssumptionTest:
    """Test whether the errors of reviewers about one candidate are correlated.

    Scores are centred within tasks and freed of what the truth explains of them; the effect is the mean correlation
    of the rests of two reviewers about the same candidate.

    Parameters
    ----------
    scores : float array, shape (n, n_reviewers)
        In any unit of each reviewer's own.
    truth : float array, shape (n,)
    task : array, shape (n,)
    complete : bool
        A truth of two values is all that reviewers were asked (can this position be won?), not a cut through quality.
    level : float
        Of the interval by task.

    Returns
    -------
    AssumptionTest

    Raises
    ------
    SettingsError
        Fewer than two reviewers, lengths that differ, or too few tasks.

    Notes
    -----
    *When it is wrong*: a truth that is right or wrong, or noisy, leaves quality in the rests that reviewers see
    rightly: the correlation is then an upper bound of gamma, and a positive one no proof of shared error.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth, shared = rng.standard_normal((2, 600))
    >>> scores = truth[:, None] + shared[:, None] + rng.standard_normal((600, 3))
    >>> correlated_reviewers_test(scores, truth, np.arange(600) // 6).holds
    True
    """
    y, x, codes = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.float64), cluster_codes(task)
    if y.ndim != 2 or y.shape[1] < 2:
        raise SettingsError(f"`scores` must have one column per reviewer, at least two. Got shape {y.shape}.")
    if not len(y) == len(x) == len(codes):
        raise SettingsError(f"`scores`, `truth` and `task` must be equally long. Got {len(y)}, {len(x)}, {len(codes)}.")
    keep = np.isfinite(y).all(axis=1) & np.isfinite(x)
    y, x, codes = y[keep], x[keep], cluster_codes(codes[keep])

    def correlation(rows: Bool) -> float:
        own, within = _within(x[rows], codes[rows]), _within(y[rows], codes[rows])
        slope = own @ within / max(float(own @ own), 1e-300)
        r = np.atleast_2d(np.corrcoef(within - np.outer(own, slope), rowvar=False))
        return float(r[np.triu_indices(len(r), 1)].mean())

    effect = Effect.of(correlation, codes, 0.0, level)
    coarse = len(np.unique(x)) <= 2 and not complete
    bound = " At most: the truth is right or wrong, and what it leaves out is shared too." if coarse else ""
    if effect.p_value >= TEST_LEVEL:
        holds, text = None, f"No correlation is seen: {effect}."
    else:
        together = bool(effect.estimate.value > 0)
        holds = None if coarse and together else together
        text = f"Errors go {'together' if together else 'apart'}: correlation {effect}.{bound}"
    return AssumptionTest(
        "correlated reviewers",
        "Errors of two reviewers about one candidate are uncorrelated.",
        "They are correlated.",
        effect.estimate,
        "correlation of two reviewers' errors (0: independent)",
        effect.p_value,
        text,
        holds,
        len(y),
        effect.n_clusters,
    )


# ------------------------------------------------------------------------- order statistics


def order_statistics_test(values: ArrayLike, task: ArrayLike, k: int, *, level: float = 0.95) -> AssumptionTest:
    """Test whether the best of k candidates gains e(k) standard deviations over the mean one, task by task.

    The effect is the ratio of both gains summed over tasks: of the unbiased best of k, and of e(k) times the standard
    deviation within the task.

    Parameters
    ----------
    values : float array, shape (n,)
        Of each candidate; 0 and 1 for pass and fail.
    task : array, shape (n,)
        Tasks with fewer than k candidates are left out.
    k : int
        At least 2.
    level : float

    Returns
    -------
    AssumptionTest

    Raises
    ------
    SettingsError
        k below 2, too few tasks with k candidates, or no spread within any.

    Notes
    -----
    That the best of k is what k independent draws give is true of any exchangeable sample; what is tested is the normal
    law behind e(k). *When it is wrong*: standard deviations of few candidates are too small (they are corrected as for
    normal values), and tasks are weighted by their spread.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((300, 20))
    >>> order_statistics_test(x.ravel(), np.repeat(np.arange(300), 20), 5).holds
    True
    """
    y, codes = np.asarray(values, dtype=np.float64), cluster_codes(task)
    if k < 2:
        raise SettingsError(f"`k` must be at least 2. Got {k}.")
    groups = [y[codes == t] for t in range(int(codes.max()) + 1)]
    groups = [g[np.isfinite(g)] for g in groups]
    groups = [g for g in groups if len(g) >= k]
    n = np.array([len(g) for g in groups])
    gain = np.array([_best(g, k) - g.mean() for g in groups])
    law = np.array([g.std(ddof=1) for g in groups]) * float(expected_maximum(k)) / _small_sample(n)
    if len(groups) < MIN_CLUSTERS or not np.any(law > 0):
        raise SettingsError(
            f"order statistics need {MIN_CLUSTERS} tasks with {k} candidates that differ. Got {len(n)}."
        )

    def ratio(rows: Bool) -> float:
        return float(gain[rows].sum() / law[rows].sum())

    effect = Effect.of(ratio, np.arange(len(groups)), 1.0, level)
    seen = float(effect.estimate.value)
    if effect.p_value >= TEST_LEVEL:
        holds, text = True, f"The best of {k} gains what the normal law says: {effect} of it."
    else:
        holds = False
        text = f"The best of {k} gains {effect} of what the normal law says: {'less' if seen < 1 else 'more'}."
    return AssumptionTest(
        "order statistics",
        f"Within a task the best of {k} gains e({k}) = {float(expected_maximum(k)):.3f} standard deviations.",
        "It gains another multiple.",
        effect.estimate,
        "gain of the best over what the normal law says (1: as assumed)",
        effect.p_value,
        text,
        holds,
        int(n.sum()),
        effect.n_clusters,
    )


def independent_candidates_test(passed: ArrayLike, task: ArrayLike, *, level: float = 0.95) -> AssumptionTest:
    """Test whether candidates recorded one after another are independent given their task.

    Counts neighbours with unlike verdicts within each task against their mean and variance over all orders of the same
    verdicts (Wald and Wolfowitz). Verdicts alone cannot show more: candidates alike in any order are an easy or a hard
    task.

    Parameters
    ----------
    passed : bool array, shape (n,)
        In the order of sampling.
    task : array, shape (n,)
    level : float

    Returns
    -------
    AssumptionTest
        The effect is the number of unlike neighbours over what independence expects.

    Raises
    ------
    SettingsError
        Too few tasks in which some pass and some fail.

    Examples
    --------
    >>> x = np.random.default_rng(0).random((60, 20)) < 0.4
    >>> independent_candidates_test(x.ravel(), np.repeat(np.arange(60), 20)).holds
    True
    """
    from scipy.special import ndtr, ndtri

    y, codes = np.asarray(passed, dtype=bool), cluster_codes(task)
    groups = [y[codes == t] for t in range(int(codes.max()) + 1)]
    groups = [g for g in groups if g.any() and not g.all()]
    if len(groups) < MIN_CLUSTERS:
        raise SettingsError(f"{MIN_CLUSTERS} tasks are needed in which some pass and some fail. Got {len(groups)}.")
    n = np.array([len(g) for g in groups], dtype=np.float64)
    a = np.array([g.sum() for g in groups], dtype=np.float64)
    unlike = np.array([np.sum(g[1:] != g[:-1]) for g in groups], dtype=np.float64)
    mean = 2 * a * (n - a) / n
    variance = mean * (mean - 1) / np.maximum(n - 1, 1)
    sd, total = float(np.sqrt(variance.sum())), float(mean.sum())
    z = float((unlike.sum() - total) / sd)
    half = float(-ndtri((1 - level) / 2)) * sd / total
    effect = Estimate(unlike.sum() / total, unlike.sum() / total - half, unlike.sum() / total + half)
    p = float(2 * ndtr(-abs(z)))
    holds = p >= TEST_LEVEL
    return AssumptionTest(
        "independent candidates",
        "Candidates of one task are independent: any order of their verdicts is as likely.",
        "Neighbours are alike, or unlike, more often than that.",
        effect,
        "unlike neighbours over those expected (1: independent)",
        p,
        f"Neighbours differ {shown(effect)} times as often as independent ones" + ("." if holds else ": they are not."),
        holds,
        int(n.sum()),
        len(groups),
    )


def _within(values: Float, codes: Int) -> Float:
    """Return values less the mean of their task."""
    n = np.bincount(codes)
    flat = values.reshape(len(values), -1)
    mean = np.stack([np.bincount(codes, weights=v) for v in flat.T], axis=1) / np.maximum(n, 1)[:, None]
    return np.asarray((flat - mean[codes]).reshape(values.shape))


def _best(values: Float, k: int) -> float:
    """Return the unbiased mean best of k of the values, sum_j C(j - 1, k - 1)/C(n, k) y_(j)."""
    from scipy.special import gammaln

    n, j = len(values), np.arange(k, len(values) + 1)
    chance = gammaln(j) - gammaln(j - k + 1) - gammaln(k) - (gammaln(n + 1) - gammaln(n - k + 1) - gammaln(k + 1))
    return float(np.exp(chance) @ np.sort(values)[k - 1 :])


def _small_sample(n: Int) -> Float:
    """Return E[s]/sigma of n normal draws, the usual c4."""
    from scipy.special import gammaln

    m = np.asarray(n, dtype=np.float64)
    return np.asarray(np.sqrt(2 / (m - 1)) * np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)))


# ------------------------------------------------------------------------- the oracle


def coarse_oracle_test(coarse: ArrayLike, fine: ArrayLike, task: ArrayLike, *, level: float = 0.95) -> AssumptionTest:
    """Test whether an oracle is coarse: whether what it passes fails a finer one.

    Parameters
    ----------
    coarse, fine : bool arrays, shape (n,)
        Verdicts on the same programs.
    task : array, shape (n,)
    level : float

    Returns
    -------
    AssumptionTest
        The effect is the share of passing programs that fail the finer oracle, 1 - P_fine/P_coarse.

    Raises
    ------
    SettingsError
        Lengths that differ, or too few tasks with a passing program.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> coarse = rng.random(400) < 0.7
    >>> test = coarse_oracle_test(coarse, coarse & (rng.random(400) < 0.8), np.arange(400) // 4)
    >>> test.holds, bool(abs(test.effect.value - 0.2) < 0.05)
    (True, True)
    """
    c, f, codes = np.asarray(coarse, dtype=bool), np.asarray(fine, dtype=bool), cluster_codes(task)
    if not len(c) == len(f) == len(codes):
        raise SettingsError(f"verdicts and tasks must be equally long. Got {len(c)}, {len(f)}, {len(codes)}.")
    broken = int(np.sum(f & ~c))
    wrong, codes = ~f[c], cluster_codes(codes[c])
    effect = Effect.of(lambda rows: float(wrong[rows].mean()), codes, 0.0, level)
    nested = "" if not broken else f" {broken} of {len(f)} pass the finer one alone: the tests are not nested."
    holds = effect.p_value < TEST_LEVEL
    seen = (
        f"Of programs that pass, {effect} fail the finer oracle." if holds else "No false pass is seen beyond chance."
    )
    return AssumptionTest(
        "oracle coarse",
        "What passes the oracle passes the finer one too.",
        "Some of it fails there.",
        effect.estimate,
        "share of false passes (0: nothing is missed)",
        effect.p_value,
        seen + nested,
        holds,
        int(c.sum()),
        effect.n_clusters,
    )


def deterministic_oracle_test(
    verdict: ArrayLike, program: ArrayLike, task: ArrayLike, *, level: float = 0.95
) -> AssumptionTest:
    """Test whether an oracle misses the same defects each time it sees the same program.

    An oracle that notices by chance would judge copies of one program as unlike as the programs of its task that
    differ. The effect is the ratio of both shares of unlike pairs: 0 for a fixed rule, 1 for chance.

    Parameters
    ----------
    verdict : bool array, shape (n,)
    program : array, shape (n,)
        Equal for copies of one program.
    task : array, shape (n,)
        Copies are of one task.
    level : float

    Returns
    -------
    AssumptionTest

    Raises
    ------
    SettingsError
        Too few tasks that hold copies and verdicts of both kinds.

    Notes
    -----
    Where no pair of copies is judged unlike, tasks are counted: the upper limit is that of none in so many.

    *When it is wrong*: copies recorded once and counted often were judged once. Where all programs of a task that
    differ are alike in their defects, fixed rules and chance look more alike than they are.

    Examples
    --------
    >>> program = np.arange(600) // 2
    >>> deterministic_oracle_test(program % 2 == 0, program, np.arange(600) // 12).holds
    True
    """
    y, codes = np.asarray(verdict, dtype=bool), cluster_codes(task)
    copies = cluster_codes(program)
    if not len(y) == len(codes) == len(copies):
        raise SettingsError(
            f"verdicts, programs and tasks must be equally long. Got {len(y)}, {len(copies)} and {len(codes)}."
        )
    n = int(codes.max()) + 1
    of_copy = np.zeros(int(copies.max()) + 1, dtype=np.int64)
    of_copy[copies] = codes
    same = [np.bincount(of_copy, weights=v, minlength=n) for v in _pairs(y, copies)]
    whole = _pairs(y, codes)
    unlike, pairs = whole[0] - same[0], whole[1] - same[1]
    kept = np.flatnonzero((same[1] > 0) & (pairs > 0) & (whole[0] > 0))

    def ratio(rows: Bool) -> float:
        t = kept[rows]
        # each task weighs as much as it has pairs of copies
        chance = float(np.sum(same[1][t] * unlike[t] / pairs[t]))
        return float(same[0][t].sum()) / chance if chance > 0 else 0.0

    effect = Effect.of(ratio, np.arange(len(kept)), 1.0, level)
    if not same[0][kept].any():
        expected = same[1][kept] @ (unlike[kept] / pairs[kept]) / same[1][kept].sum()
        none = (1 - ((1 - level) / 2) ** (1 / len(kept))) / expected
        effect = Effect(Estimate(0.0, 0.0, none), float((1 - expected) ** len(kept)), len(kept))
    holds = bool(effect.estimate.high < HALF)
    p_unlike, p_pairs = int(same[0][kept].sum()), int(same[1][kept].sum())
    text = f"Of {p_pairs} pairs of copies {p_unlike} are judged unlike: {effect} of what chance would make of them."
    return AssumptionTest(
        "oracle deterministic",
        "Copies of one program are judged as unlike as different programs of their task.",
        "Copies are judged alike.",
        effect.estimate,
        "unlike verdicts on copies over those on other programs (0: a fixed rule)",
        effect.p_value,
        text,
        holds,
        p_pairs,
        effect.n_clusters,
    )


def _pairs(y: Bool, group: Int) -> tuple[Float, Float]:
    """Return unlike and all pairs of each group."""
    n = np.bincount(group).astype(np.float64)
    a = np.bincount(group, weights=y.astype(np.float64))
    return a * (n - a), n * (n - 1) / 2
