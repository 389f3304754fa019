"""Draw recordings of each kind of loop, have them answered, and score the answers against the truth."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from ..validate import CHUNK, KEPT, THREADS, Lens, _progress, digest
from . import answers as answers_module
from . import families as families_module
from . import kinds as kinds_module
from .answers import Answer
from .kinds import KINDS, Kind, Recording, Truth

PRICES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)  # in sd a step
REACH = 1.5  # the best step is looked for up to so many times the last recorded one
LEAST_CLUSTERS = 20  # below, no half-life is asked for
TRUTH_ERROR = 0.005  # sd: what simulated truth may be wrong by before a limit counts as missed
MOST_ADVISED = 4000  # sessions: larger recordings are not drawn to try advice
ACTIONS = ("stop", "go_on", "cannot_tell")

Answering = Callable[[Recording, str, Sequence[float]], list[Answer]]


class Size(NamedTuple):
    """Recordings of so many sessions and steps, both drawn uniformly between two ends."""

    label: str
    sessions: tuple[int, int]
    steps: tuple[int, int]


SIZES = {
    size.label: size
    for size in (Size("50x7", (40, 80), (5, 10)), Size("20x7", (20, 20), (5, 10)), Size("400x20", (400, 400), (20, 20)))
}


def size_of(label: str) -> Size:
    """Return a known size by its label; another `SxT` is S sessions of T steps."""
    if label in SIZES:
        return SIZES[label]
    sessions, steps = (int(part) for part in label.split("x"))
    return Size(label, (sessions, sessions), (steps, steps))


@dataclass(frozen=True)
class Scored:
    """How one recording was answered, at each price; regret and its limit in sd of the truth.

    Attributes
    ----------
    clusters : int
    regret, loss_high : list of float
        The limit of the loss is infinite where none was given.
    action : list of str
    half_life_given, half_life_holds : bool or None
        None where the truth has none, or below 20 clusters; `holds` is None where none was given.
    advice_decides : bool or None
        Whether a recording of twice the sessions advised is decided; None where nothing was advised.
    """

    clusters: int
    regret: list[float]
    loss_high: list[float]
    action: list[str]
    half_life_given: bool | None = None
    half_life_holds: bool | None = None
    advice_decides: bool | None = None


def score(recording: Recording, truth: Truth, given: Sequence[Answer]) -> Scored:
    """Score the answers at `PRICES` to one recording."""
    last = int(np.flatnonzero(np.isfinite(recording.scores).any(axis=0))[-1])
    reach = int(REACH * last)
    regret = []
    for price, one in zip(PRICES, given, strict=True):
        if not 0 <= one.step <= reach or one.action not in ACTIONS:
            raise ValueError(f"{one}: expected one of {ACTIONS} and a step from 0 to {reach}")
        net = truth.value[: reach + 1] - price * truth.sd * truth.steps[: reach + 1]
        regret.append(float(net.max() - net[one.step]) / truth.sd)
    clusters = len(np.unique(recording.cluster))
    offered = holds = None
    if truth.half_life is not None and clusters >= LEAST_CLUSTERS:
        low, high = given[0].half_life_low, given[0].half_life_high
        offered = low is not None
        holds = None if low is None else bool(low <= truth.half_life <= (np.inf if high is None else high))
    high_losses = [one.loss_high / truth.sd for one in given]
    return Scored(clusters, regret, high_losses, [one.action for one in given], offered, holds)


def try_panel(kind: Kind, size: Size, number: int, answering: Answering) -> Scored:
    """Draw, answer and score one recording; an error names what repeats it."""
    rng = np.random.default_rng([zlib.crc32(kind.name.encode()), zlib.crc32(size.label.encode()), number])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return _try(kind, size, rng, answering)
    except Exception as error:
        raise RuntimeError(f"kind {kind.name!r}, size {size.label!r}, panel {number}: {error!r}") from error


def _try(kind: Kind, size: Size, rng: np.random.Generator, answering: Answering) -> Scored:
    sessions, steps = (int(rng.integers(low, high + 1)) for low, high in (size.sessions, size.steps))
    truth = kind.truth(steps, int(REACH * steps))
    prices = [price * truth.sd for price in PRICES]
    recording = kind.draw(rng, sessions, steps)
    given = answering(recording, kind.keep, prices)
    scored = score(recording, truth, given)
    advice = next(((p, a.advised) for p, a in zip(prices, given, strict=True) if a.advised is not None), None)
    if advice is None or advice[1] * 2 > MOST_ADVISED:
        return scored
    price, sessions = advice
    again = answering(kind.draw(rng, 2 * sessions, steps), kind.keep, [price])
    return Scored(**{**asdict(scored), "advice_decides": again[0].action != "cannot_tell"})


# ------------------------------------------------------------------------------ running


LENS = Lens(
    list,
    answers_module.PACKAGES,
    (kinds_module, families_module, answers_module, sys.modules[__name__]),
    "docs/validation_stopping.md",
    "Validation of decisions when to stop",
    "benchmarks/stopping/kinds.py",
)


def _chunk(work: tuple[str, str, int, int]) -> tuple[int, list[Scored]]:
    """Try panels `first` to `last` of a kind and size, in a worker."""
    name, label, first, last = work
    return first, [try_panel(KINDS[name], size_of(label), k, answers_module.answer) for k in range(first, last)]


def run(kind: Kind, size: Size, panels: int, pool: multiprocessing.pool.Pool) -> list[Scored]:
    """Try all panels of a kind and size on all workers; they come in the order of their numbers."""
    share = min(CHUNK, -(-panels // 4))  # small runs, too, keep all workers busy
    work = [(kind.name, size.label, k, min(k + share, panels)) for k in range(0, panels, share)]
    done: dict[int, list[Scored]] = {}
    for first, scored in pool.imap_unordered(_chunk, work):
        done[first] = scored
        _progress(kind.name, len(done), len(work))
    return [scored for first in sorted(done) for scored in done[first]]


def kept_or_run(
    kinds: Sequence[Kind], sizes: Sequence[Size], panels: int, workers: int, code: str
) -> Iterator[tuple[Size, Kind, list[Scored]]]:
    """Yield the scores of each size and kind, from `.validate` where the same code has run them before."""
    KEPT.mkdir(exist_ok=True)
    # Read by NumPy in the workers: their threads would trip over one another, and sums depend on how many there are.
    os.environ.update(dict.fromkeys(THREADS, "1"))
    every = [(size, kind) for size in sizes for kind in kinds]
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for k, (size, kind) in enumerate(every, 1):
            path = KEPT / f"stopping-{kind.name}-{size.label}-{panels}-{code}.json"
            if not path.exists():
                start = time.perf_counter()
                found = [asdict(scored) for scored in run(kind, size, panels, pool)]
                part = path.with_suffix(".part")
                part.write_text(json.dumps({"seconds": time.perf_counter() - start, "panels": found}))
                part.replace(path)  # an interrupted run leaves no half kind
            data = json.loads(path.read_text())
            words = f"[{k}/{len(every)}] {size.label} {kind.name}: {panels} panels, {data['seconds']:.0f} s"
            print(words, file=sys.stderr, flush=True)
            yield size, kind, [Scored(**panel) for panel in data["panels"]]


def code_digest() -> str:
    """Return a short digest of the code that decides the figures."""
    return digest(LENS)
