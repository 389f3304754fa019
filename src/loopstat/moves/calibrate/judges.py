"""How much reviewers err, and how much they err alike: several judges and a truth about the same candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Bool, Float, Int
from ...errors import SettingsError
from ...inference.clusters import finite_rows, within
from ...inference.estimate import Estimate
from ...inference.intervals import jackknife
from ...results.record import Record, absent
from .identified import UNREAD, Identified

MIN_TASKS = 8
METHOD = "ANOVA of the residuals on the truth within tasks, ICC(3,1)"
UNIT = "It is in the unit of the truth; the simulator takes it in defects."
NO_TRUTH = (
    "Without a truth it is not identifiable: that judges agree is the quality they all see plus the errors they share."
)


@dataclass(frozen=True, eq=False)
class JudgeSlope(Record):
    """How one judge's score follows the truth within tasks.

    Attributes
    ----------
    name : str
    slope : Estimate
        Score per unit of truth, with its interval by task.
    correlation : float
        Of score and truth within tasks.
    used : bool
        False where the slope is not surely above 0: its errors cannot be put in the truth's unit.
    """

    name: str
    slope: Estimate
    correlation: float
    used: bool


@dataclass(frozen=True, eq=False)
class JudgeErrors(Record):
    """What recorded judges say of the reviewers of the moves lens.

    Attributes
    ----------
    correlation : Identified
        gamma, of the errors of two judges about one candidate.
    sigma_r : Identified
        Standard deviation of one judge's error, in the unit of the truth.
    agreement : Estimate
        ICC(3,1) of the scores within tasks: quality and shared error together, whatever the truth.
    slopes : tuple of JudgeSlope
        Empty without a truth.
    """

    KEYS = ("agreement", "slopes")

    correlation: Identified = field(metadata=absent(lambda: Identified.unknown("correlation", UNREAD)))
    sigma_r: Identified = field(metadata=absent(lambda: Identified.unknown("sigma_r", UNREAD)))
    agreement: Estimate
    slopes: tuple[JudgeSlope, ...] = ()


def judge_errors(
    scores: ArrayLike,
    task: ArrayLike,
    truth: ArrayLike | None = None,
    *,
    names: Sequence[str] = (),
    level: float = 0.95,
) -> JudgeErrors:
    """Return gamma and sigma_r of judges, from what the truth does not explain of their scores within tasks.

    Judge j scores candidate c of task t y_cj = offset_jt + slope_j (truth_c + e_cj). Both are centred within tasks and
    each score divided by its slope; MSB and MSE are the mean squares of the errors e between and within candidates:
    gamma = (MSB - MSE)/(MSB + (J - 1) MSE), sigma_r^2 = (MSB + (J - 1) MSE)/J. Offsets of judges do not count.

    Parameters
    ----------
    scores : float array, shape (n, n_judges)
        Each judge in any unit; rows with a gap are left out, and so are tasks with one candidate.
    task : array, shape (n,)
    truth : float array, shape (n,), optional
        True quality; its unit is that of sigma_r. Two values only make both figures upper bounds.
    names : sequence of str, optional
        Of the judges.
    level : float
        Of the intervals by task: leave-one-task-out on the scales ln(MSB/MSE) and ln sigma_r.

    Returns
    -------
    JudgeErrors

    Raises
    ------
    SettingsError
        Shapes that do not fit.

    Notes
    -----
    *When it is wrong*: noise of the truth is shared by all residuals, so both figures come out too large; so does
    whatever judges see and a coarse truth leaves out. Judges of unlike precision get the mean of their covariances over
    the mean of their variances, which is what counts for the mean of their scores.

    References
    ----------
    Shrout and Fleiss (1979), Psychol. Bull. 86, 420 (case 3).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth, shared = rng.standard_normal((2, 900))
    >>> scores = truth[:, None] + 0.5 * shared[:, None] + 0.5 * rng.standard_normal((900, 3))
    >>> judge_errors(scores, np.arange(900) // 6, truth).correlation.estimate
    Estimate(0.51 [0.47, 0.55])
    """
    y, codes, x, names = _read(scores, task, truth, names)
    if y.shape[1] < 2:
        why = "One judge alone shows no correlation: score the same candidates by two judges or more."
        return _nothing(why, y, codes)
    if not len(y):
        return _nothing("No task has two candidates with every score (and a truth).", y, codes)
    flat = _never_varies([n for n, spread in zip(names, np.ptp(y, axis=0), strict=True) if spread == 0])
    agree = agreement(y, codes, level=level)
    if x is None:
        return _nothing(f"{flat}{NO_TRUTH}", y, codes, agree)
    products = _Products.of(y, x, codes)
    if products.n_tasks < MIN_TASKS or not products.xx.sum() > 0:
        why = f"{MIN_TASKS} tasks with candidates of unlike truth are needed. Got {products.n_tasks}."
        return _nothing(f"{flat}{why}", y, codes, agree)
    slopes = _slopes(products, names, level)
    used = np.array([s.used for s in slopes])
    left = f"Left out, as not surely following the truth: {', '.join(s.name for s in slopes if not s.used)}. "
    left = flat + (left if not used.all() else "")
    if used.sum() < 2:
        return _nothing(f"{left}Two judges that follow the truth are needed.", y, codes, agree, slopes)
    return JudgeErrors(*_parameters(products.only(used), left, level, binary=len(np.unique(x)) == 2), agree, slopes)


def _read(
    scores: ArrayLike, task: ArrayLike, truth: ArrayLike | None, names: Sequence[str]
) -> tuple[Float, Int, Float | None, Sequence[str]]:
    """Return complete rows of tasks with at least two of them."""
    y, task = np.asarray(scores, dtype=np.float64), np.asarray(task)
    x = None if truth is None else np.asarray(truth, dtype=np.float64)
    if y.ndim != 2 or len(y) != len(task) or (x is not None and x.shape != (len(y),)):
        raise SettingsError(
            f"`scores` must have one row per candidate and one column per judge, as long as `task` and `truth`. "
            f"Got shapes {y.shape}, {task.shape} and {None if x is None else x.shape}."
        )
    keep = finite_rows(y) if x is None else finite_rows(y, x)
    _, codes, sizes = np.unique(task[keep], return_inverse=True, return_counts=True)
    several = sizes[codes.ravel()] > 1
    codes = np.unique(codes.ravel()[several], return_inverse=True)[1].ravel()
    given = list(names) or [f"judge {j + 1}" for j in range(y.shape[1])]
    y = y[keep][several]
    y = np.where(np.ptp(y, axis=0) == 0, 0.0, y) if len(y) else y  # rounding of its mean is no spread
    return y, codes.astype(np.int64), None if x is None else x[keep][several], given


def _never_varies(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f"{', '.join(names)} never {'varies' if len(names) == 1 else 'vary'}: one score for all shows no error. "


def _nothing(
    why: str, y: Float, codes: Int, agree: Estimate | None = None, slopes: tuple[JudgeSlope, ...] = ()
) -> JudgeErrors:
    n_tasks = int(codes.max()) + 1 if len(codes) else 0
    gamma, sigma = (
        Identified.unknown(name, why, n_tasks=n_tasks, n_samples=len(y)) for name in ("correlation", "sigma_r")
    )
    return JudgeErrors(gamma, sigma, agree or Estimate.unknown(), slopes)


# ------------------------------------------------------------------------- sums by task


@dataclass(frozen=True)
class _Products:
    """Sums of products within tasks: truth by truth, truth by score, score by score; and spare candidates."""

    xx: Float
    xy: Float
    yy: Float
    spare: Float

    @classmethod
    def of(cls, y: Float, x: Float, codes: Int) -> _Products:
        """Sum over the candidates of each task; tasks whose truth does not vary carry errors all the same."""
        n = int(codes.max()) + 1 if len(codes) else 0
        own, score = within(x, codes), within(y, codes)
        xx, xy, yy = np.zeros(n), np.zeros((n, y.shape[1])), np.zeros((n, y.shape[1], y.shape[1]))
        np.add.at(xx, codes, own**2)
        np.add.at(xy, codes, own[:, None] * score)
        np.add.at(yy, codes, score[:, :, None] * score[:, None, :])
        return cls(xx, xy, yy, np.asarray(np.bincount(codes, minlength=n) - 1, dtype=np.float64))

    @property
    def n_tasks(self) -> int:
        return len(self.xx)

    @property
    def n_samples(self) -> int:
        return int(self.spare.sum()) + self.n_tasks

    def only(self, judges: Bool) -> _Products:
        """Return the sums of some judges."""
        return _Products(self.xx, self.xy[:, judges], self.yy[:, judges][:, :, judges], self.spare)

    @property
    def total(self) -> _Products:
        """The sums over all tasks, shape (1, ...)."""
        return _Products(*(p.sum(axis=0, keepdims=True) for p in (self.xx, self.xy, self.yy, self.spare)))

    @property
    def without_each(self) -> _Products:
        """The sums without each task."""
        return _Products(*(p.sum(axis=0) - p for p in (self.xx, self.xy, self.yy, self.spare)))


def _mean_squares(sums: _Products) -> tuple[Float, Float]:
    """Return MSB and MSE of the errors in the unit of the truth, one per entry of the sums."""
    slope = sums.xy / sums.xx[:, None]
    # y/slope - x has the products yy/(slope slope') - xx: the slopes are those of least squares
    errors = sums.yy / (slope[:, :, None] * slope[:, None, :]) - sums.xx[:, None, None]
    return _anova(errors / (sums.spare - 1)[:, None, None])


def _anova(covariance: Float) -> tuple[Float, Float]:
    judges = covariance.shape[-1]
    between = covariance.sum(axis=(1, 2)) / judges
    return between, (np.trace(covariance, axis1=1, axis2=2) - between) / (judges - 1)


def _slopes(products: _Products, names: Sequence[str], level: float) -> tuple[JudgeSlope, ...]:
    whole, rest = products.total, products.without_each
    value, left = whole.xy[0] / whole.xx[0], rest.xy / np.maximum(rest.xx, 1e-300)[:, None]
    slopes = jackknife(value, left, level=level)
    spread = np.sqrt(whole.xx[0] * np.diagonal(whole.yy[0]))
    r = np.where(spread > 0, whole.xy[0] / np.where(spread > 0, spread, 1.0), np.nan)
    return tuple(JudgeSlope(str(name), slopes[k], float(r[k]), bool(slopes.low[k] > 0)) for k, name in enumerate(names))


def _parameters(products: _Products, left: str, level: float, *, binary: bool) -> tuple[Identified, Identified]:
    judges = products.xy.shape[1]
    whole, rest = _mean_squares(products.total), _mean_squares(products.without_each)
    gamma = _icc_estimate(whole, rest, judges, level)
    (value,), left_out = ((between + (judges - 1) * error) / judges for between, error in (whole, rest))
    sigma = jackknife(np.sqrt(value), np.sqrt(left_out), level=level, scale="log")
    said, unit = f"{left}The truth is taken as exact; noise in it would make this too large.", f" {UNIT}"
    if binary:
        why = "The truth has two values, so part of the quality all judges see counts as shared error"
        said, unit = f"{left}{why}: at most the upper end.", ""
    counts: dict[str, Any] = {"n_tasks": products.n_tasks, "n_samples": products.n_samples}
    counts["bound"] = "upper" if binary else None
    return (
        Identified("correlation", gamma, not binary, said, METHOD, **counts),
        Identified("sigma_r", sigma, not binary, f"{said}{unit}", METHOD, **counts),
    )


def _icc_estimate(whole: tuple[Float, Float], rest: tuple[Float, Float], judges: int, level: float) -> Estimate:
    """Return the ICC with its interval on the scale of ln(MSB/MSE), which has the same spread whatever the ICC."""
    (ratio,), left = (np.maximum(between, 1e-300) / np.maximum(error, 1e-300) for between, error in (whole, rest))
    found = jackknife(ratio, left, level=level, scale="log")
    return Estimate(*((r - 1) / (r + judges - 1) for r in (found.value, found.low, found.high)))


def agreement(scores: ArrayLike, task: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the consistency ICC(3,1) of scores within tasks, each judge in standard deviations of its own.

    Parameters
    ----------
    scores : float array, shape (n, n_judges)
    task : array, shape (n,)
        One and the same task for all rows leaves the tasks' differences in, the raw ICC.
    level : float
        Of the interval by task.

    Returns
    -------
    Estimate
        NaN where some judge's scores do not vary; no ends with fewer than eight tasks.

    Notes
    -----
    *When it is wrong*: never as an agreement; always as the correlation of errors, which it exceeds by the quality that
    all judges see (0.58 within tasks and 0.84 in all where errors correlate by 0.25).

    Examples
    --------
    >>> agreement([[1, 10], [2, 20], [4, 40], [1, 12]], [0, 0, 1, 1]).value.round(2)
    np.float64(1.0)
    """
    y, codes, _, _ = _read(scores, task, None, ())
    products = _Products.of(y, np.zeros(len(y)), codes)
    whole, rest = products.total.yy, products.without_each.yy
    if not len(y) or not np.all(np.diagonal(whole[0]) > 0):
        return Estimate.unknown()
    few = len(rest) < MIN_TASKS or not products.spare.sum() > 1
    here, left = (_anova(_standard(sums)) for sums in (whole, whole if few else rest))
    return _icc_estimate(here, left, y.shape[1], level)


def _standard(products: Float) -> Float:
    sd = np.sqrt(np.maximum(np.diagonal(products, axis1=1, axis2=2), 1e-300))
    return np.asarray(products / (sd[:, :, None] * sd[:, None, :]))
