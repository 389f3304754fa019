"""A linear loop that is set: where it goes, what steps are worth, and what recordings of it would let one say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..arrays import Float
from ..drift.fit import LinearDriftFit
from ..drift.settings import LinearDrift
from ..inference.workers import Progress
from ..panel.panel import Panel
from ..parameters import checked_values
from ..results.record import UNWRITTEN, Record
from ..results.verdict import Verdict
from .estimable import Estimable, estimable
from .known_loop import known_fit
from .rows import LOOP
from .stages import TOUCHED, Course, Stage, drawn_course, exact_course, objectives_of, panel_of, sessions, stages_of
from .strategies import STARTS
from .verdicts import loop_verdict
from .worth import Worth, within_of, worth_of

SCHEMA = "loopstat.play-loop/1"
DRAWN = 300  # sessions that pictures show
MANY = 10_000  # drawn for the mean path where bounds bend it
ROUGH = "Bounds and the recording that is fitted follow on release."
ENDLESS = (
    "Mean and band are those of {:,} drawn sessions, for bounds bend them; what pays for what, and what recordings "
    "would tell, are those of the loop without its bounds."
)


@dataclass(frozen=True, eq=False)
class LoopPlay(Record):
    """Everything said of a loop that is set.

    Attributes
    ----------
    settings : dict
        Value of every setting.
    notes : tuple of str
    command : str
    verdict : Verdict
        `settles`, `slow` or `runs_away`.
    stages : tuple of Stage
    known : LinearDriftFit
        Of the last stage: what endless sessions would show.
    stationary_sd : float array, shape (3,)
        Spread of single sessions at rest; NaN where there is no rest.
    within : float array, shape (3,)
        First step from which the mean of an objective stays within `tolerance` of rest; NaN where it does not.
    pays : Worth
    at_bounds : float array, shape (3,)
        Share of the scores at a bound.
    exact : bool
        Mean and band are by the moments of the loop, not from drawn sessions.
    estimable : Estimable
    one_recording : LinearDriftFit or None
        What the pooled regression says of one recording of the last stage; None in a live answer.
    drawn : Panel or None
        Sessions that pictures show; not written.
    """

    KEYS = (
        *("schema", "version", "settings", "notes", "command", "verdict", "stages", "known", "stationary_sd", "within"),
        *("pays", "at_bounds", "exact", "estimable", "one_recording"),
    )
    SCHEMA = SCHEMA

    settings: dict[str, Any]
    notes: tuple[str, ...]
    command: str
    verdict: Verdict
    stages: tuple[Stage, ...]
    known: LinearDriftFit
    stationary_sd: Float
    within: Float
    pays: Worth
    at_bounds: Float
    exact: bool
    estimable: Estimable
    one_recording: LinearDriftFit | None
    drawn: Panel | None = field(default=None, repr=False, metadata=UNWRITTEN)
    rough: str = field(default="", metadata=UNWRITTEN)

    def completed(self, data: Mapping[str, Any]) -> LoopPlay:
        """Return the result that was read with the models its estimates make."""
        del data
        objectives = {o.name: o for o in objectives_of(self.settings)}
        known, one = self.known, self.one_recording
        one = None if one is None else one.remade(LinearDrift(), objectives)
        return replace(self, known=known.remade(LinearDrift(), objectives), one_recording=one)

    @property
    def last(self) -> Stage:
        """The stage that goes on to the end."""
        return self.stages[-1]

    def __repr__(self) -> str:
        return f"LoopPlay({self.verdict.sentence})"


def play_loop(
    settings: Mapping[str, Any] | None = None,
    *,
    command: str = "",
    whole: bool = True,
    progress: Progress | None = None,
) -> LoopPlay:
    """Run a loop that is set, and say what it does and what recordings of it would tell.

    Parameters
    ----------
    settings : mapping, optional
        Values of `rows.LOOP` by name; default as they stand there.
    command : str
        Kept with the result.
    whole : bool
        Also draw and fit a recording, and let bounds bend the mean path.
    progress : callable, optional
        Called with (done, total, label).

    Returns
    -------
    LoopPlay

    Raises
    ------
    SettingsError
        A value outside its range, a schedule that cannot be read, or correlations that cannot be.

    Notes
    -----
    *When it is wrong*: real loops differ from session to session, are scored with noise, and bend; this one does not.

    Examples
    --------
    >>> result = play_loop({"schedule": "SF"}, whole=False)
    >>> result.known.equilibrium.value.round(6).tolist()
    [5.75, 3.9, 8.2]
    """
    tell = progress or (lambda *_: None)
    options = checked_values(settings or {}, LOOP)
    stages, start = stages_of(options), np.array([options[name] for name in STARTS])
    course, seed = exact_course(stages, start), int(options["seed"])
    tell(0, 2, "sessions")
    seen = _seen(course, stages, start, options) if whole else course
    drawn = sessions(stages, start, DRAWN, np.random.default_rng([seed, 0]))
    n, stage = int(options["sessions"]), stages[-1]
    known = known_fit(stage, _followed(course, seen), seen, n, stage.name)
    tell(1, 2, "fitted")
    recorded = _recorded(stages, start, drawn, options) if whole else None
    worth = worth_of(seen.mean.mean(axis=1), float(options["price"]))
    within = within_of(seen.mean, stage.rest if stage.radius < 1 else np.full(3, np.nan), float(options["tolerance"]))
    return LoopPlay(
        settings=options,
        notes=() if seen.exact else (ENDLESS.format(MANY),),
        command=command,
        verdict=loop_verdict(stage, known, worth, options),
        stages=stages,
        known=known,
        stationary_sd=np.sqrt(np.diag(stage.loop.stationary_covariance)),
        within=within,
        pays=worth,
        at_bounds=seen.at_bounds,
        exact=seen.exact,
        estimable=estimable(stage, course, n),
        one_recording=recorded,
        drawn=panel_of(stages, drawn[:n]),
        rough="" if whole else ROUGH,
    )


def _seen(course: Course, stages: Sequence[Stage], start: Float, options: Mapping[str, Any]) -> Course:
    """Return what sessions show: the exact course, or where bounds bend it that of many drawn ones."""
    if not options["clip"] or course.at_bounds.max() <= TOUCHED:
        return course
    return drawn_course(stages, start, MANY, np.random.default_rng([int(options["seed"]), 1]))


def _followed(course: Course, seen: Course) -> Course:
    """Return the moments that an interference is made of: exact ones as long as the loop does not run away."""
    return seen if np.isnan(course.mean).any() and not seen.exact else course


def _recorded(stages: Sequence[Stage], start: Float, drawn: Float, options: Mapping[str, Any]) -> LinearDriftFit | None:
    """Return what the pooled regression says of the last stage of one recording."""
    n, seed, stage = int(options["sessions"]), int(options["seed"]), stages[-1]
    more = n - len(drawn)
    x = drawn[:n]
    if more > 0:
        x = np.concatenate([x, sessions(stages, start, more, np.random.default_rng([seed, 2]))])
    part = panel_of((stage,), x[:, stage.first - 1 :])
    return LinearDrift("pooled", n_boot=0).fit(part, label=f"one recording of {stage.name}")


def run(recording: None, options: Mapping[str, Any], *, progress: Progress | None = None) -> LoopPlay:
    """Run a loop as it was asked for; `options` are values of `rows.LOOP` by name, and `command`."""
    del recording
    return play_loop(options, command=str(options.get("command") or ""), progress=progress)


def live(recording: None, options: Mapping[str, Any], last: LoopPlay | None) -> LoopPlay:
    """Answer while a setting moves: exact moments and a few sessions, without bounds and without a fit."""
    del recording, last
    return play_loop(options, command=str(options.get("command") or ""), whole=False)
